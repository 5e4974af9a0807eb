/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which cache lines of an address space move, and how often, when two CPUs take turns on it. Would
 * break: an access to a VMA's lock or to mm_lock_seq that costs no line, or one of its own.
 */
#include "tests/models/model.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define TURN (20 * SIM_US) /* longer than whatever one does in its turn */

enum { TURNS = 16, PAGES = 4 * TURNS };

struct turns {
	const char *policy;
	bool advise; /* CPU 1 takes mmap_lock, instead of faulting */
	sim_ps start;
	uint64_t area, moves;
};

static uint64_t moves(const struct task *t, const char *class)
{
	return line_class_get(t->k->m, class)->transfers;
}

/* Until the nth turn: even ones are CPU 0's, odd ones CPU 1's. */
static void wait_for_turn(struct task *t, const struct turns *s, unsigned int n)
{
	settle(t);
	user_compute(t, s->start + n * TURN - sim_now(t->k->sim));
}

static void fault(struct task *t, const struct turns *s, unsigned int n)
{
	user_access(t, s->area + n * PAGE_SIZE, USER_WRITE);
}

static void other(struct task *t, void *arg)
{
	const struct turns *s = arg;

	for (unsigned int n = 1; n < TURNS; n += 2) {
		wait_for_turn(t, s, n);
		if (s->advise)
			sys_madvise(t, s->area + PAGES * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
		else
			fault(t, s, PAGES / 2 + n);
	}
}

static void first(struct task *t, void *arg)
{
	struct turns *s = arg;
	struct task_attr attr = { .comm = "other", .cpu = 1, .fn = other, .arg = s };
	const char *class = s->advise ? "mmap_lock" : "vm_refcnt";
	struct task *o;

	/* Above the pages of the turns is one that is there already, so that all have an anon_vma.
	 */
	s->area = (uint64_t)sys_mmap(t, 0, (PAGES + 1) * PAGE_SIZE, RW, ANON);
	fault(t, s, PAGES);
	settle(t);
	s->start = sim_now(t->k->sim) + 100 * SIM_US;
	o = sys_clone_thread(t, &attr);
	for (unsigned int n = 0; n < TURNS; n += 2) {
		wait_for_turn(t, s, n);
		if (n == TURNS - 2)
			s->moves = moves(t, class);
		fault(t, s, n);
		settle(t);
		if (n == TURNS - 2)
			s->moves = moves(t, class) - s->moves;
	}
	sys_wait4(t, o);
}

static uint64_t moves_of_a_fault(const char *policy, bool advise)
{
	struct turns s = { .advise = advise };
	struct model_spec spec = { .policy = policy };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "first", 0, first, &s);
	model_run_clean(&m, policy, 0);
	model_end(&m);
	return s.moves;
}

/* A VMA's count is read, then exchanged, which takes it from who had it last. */
static void test_vma_lock(void **state)
{
	(void)state;
	assert_int_equal(moves_of_a_fault("linux-6.18", false), 2);
	assert_int_equal(moves_of_a_fault("linux-6.14", false), 2);
}

/* A reader of mmap_lock writes its owner, and takes with it mm_lock_seq, which every fault reads.
 */
static void test_lock_seq_beside_owner(void **state)
{
	(void)state;
	assert_int_equal(moves_of_a_fault("linux-6.14", true), 1);
	assert_int_equal(moves_of_a_fault("linux-6.18", true), 0); /* DONTNEED locks the VMA */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vma_lock),
		cmocka_unit_test(test_lock_seq_beside_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
