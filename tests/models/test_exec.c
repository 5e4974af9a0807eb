/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New programs and tasks: what execve leaves of both address spaces, what it takes by its segments
 * and its file's waits, until when vfork's caller sleeps, and that a fork's time grows with VMAs
 * and pages. A fork that copies for nothing, or a caller of vfork that goes on at once, is found
 * here.
 */
#include "tests/models/model.h"

#define BASE UINT64_C(0x7fff00000000)

enum { MORE_VMAS = 64, MORE_PAGES = 1024, TABLE = 512 /* pages of a page table */ };

static uint64_t addr_of(unsigned int page)
{
	return BASE + page * PAGE_SIZE;
}

struct scene {
	struct model m;
	bool execs; /* the child of vfork */
	uint64_t released_at, returned_at;
	struct exec_image image;
	sim_ps base, vmas, pages, again;
};

static const struct exec_segment segments[] = {
	{ 0x555555000000, 0x555555002000, PROT_READ, MAP_PRIVATE },
	{ 0x555555002000, 0x555555009000, PROT_READ | PROT_EXEC, MAP_PRIVATE },
	{ 0x555555009000, 0x55555500c000, PROT_READ | PROT_WRITE, MAP_PRIVATE },
};

static void begin(struct scene *s, task_fn *fn)
{
	static const char *const set[] = { "cache.code_line=0ps", "kernel.tick=0ps", NULL };
	const struct model_spec spec = { .machine = "milan-1s72", .set = set };

	model_start(&s->m, &spec);
	spawn(&s->m, "program", 0, fn, s);
	model_run_clean(&s->m, "exec", 0);
	model_end(&s->m);
}

static void run_program(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct mm *old = t->mm;
	uint64_t start, end;

	sys_mmap(t, addr_of(0), 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	user_access(t, addr_of(0), USER_WRITE);
	sys_execve(t, &s->image);
	s->base = task_call_time(t);
	expect(t->k, t->mm != old && old->rss == 0 && !old->nr_vmas, "the old mm lives on");
	expect(t->k, t->mm->nr_vmas == s->image.n_segments + 1, "%zu VMAs", t->mm->nr_vmas);
	expect(t->k, t->mm->rss == 1, "%llu pages, not the arguments'",
	       (unsigned long long)t->mm->rss);
	for (size_t i = 0; i < s->image.n_segments; i++)
		expect(t->k,
		       mm_find_vma(t, segments[i].start, &start, &end) &&
			       start == segments[i].start && end == segments[i].end,
		       "segment %zu is not mapped", i);
}

static sim_ps exec_time(size_t n_segments, unsigned int reads, sim_ps wait, bool late)
{
	struct scene s = { .image = { .segment = segments, .n_segments = n_segments } };

	*(late ? &s.image.late_reads : &s.image.file_reads) = reads;
	*(late ? &s.image.late_wait : &s.image.file_wait) = wait;

	begin(&s, run_program);
	return s.base;
}

static void test_exec(void **state)
{
	sim_ps none = exec_time(0, 0, 0, false), three = exec_time(3, 0, 0, false),
	       read = exec_time(0, 2, SIM_MS, false), late = exec_time(0, 2, SIM_MS, true);

	(void)state;
	assert_in_range(none, 31 * SIM_US, 60 * SIM_US);
	assert_in_range(three - none, SIM_US, 10 * SIM_US);
	/* and it comes back from idle after each */
	assert_in_range(read - none, SIM_MS, SIM_MS + 200 * SIM_US);
	assert_in_range(late - none, SIM_MS, SIM_MS + 200 * SIM_US);
}

static void vfork_child(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 300 * SIM_US);
	s->released_at = sim_now(t->k->sim);
	if (s->execs)
		sys_execve(t, &s->image);
	user_compute(t, s->execs ? 2 * SIM_MS : 0);
}

static void vfork_parent(struct task *t, void *arg)
{
	struct task_attr attr = {
		.comm = "child", .cpu = 1, .initial_cpu = NO_CPU, .fn = vfork_child, .arg = arg
	};
	struct scene *s = arg;
	struct mm *mm = t->mm;

	sys_vfork(t, &attr);
	s->returned_at = sim_now(t->k->sim);
	expect(t->k, t->mm == mm && mm->users == 1, "%u users of the mm", mm->users);
}

/* Its caller waits for what the execve reads before the change of mm, and for nothing after it. */
static void test_vfork(void **state)
{
	static const struct exec_image early = { .file_reads = 1, .file_wait = SIM_MS },
				       late = { .late_reads = 1, .late_wait = SIM_MS };
	struct scene s[] = { { .execs = false },
			     { .execs = true },
			     { .execs = true, .image = early },
			     { .execs = true, .image = late } };

	(void)state;
	for (int i = 0; i < 4; i++) {
		sim_ps least = i == 2 ? SIM_MS : 1;

		begin(&s[i], vfork_parent);
		assert_true(s[i].released_at >= 300 * SIM_US);
		assert_in_range(s[i].returned_at - s[i].released_at, least, least + 300 * SIM_US);
	}
}

static void forked(struct task *t, void *arg)
{
	(void)t;
	(void)arg;
}

static sim_ps fork_time(struct task *t)
{
	struct task_attr attr = { .comm = "child", .cpu = 1, .initial_cpu = NO_CPU, .fn = forked };
	struct task *child = sys_fork(t, &attr);
	sim_ps took = task_call_time(t);

	sys_wait4(t, child);
	return took;
}

static void forks(struct task *t, void *arg)
{
	const unsigned int rw = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	struct scene *s = arg;

	s->base = fork_time(t);
	for (unsigned int i = 0; i < MORE_VMAS; i++)
		sys_mmap(t, addr_of(2 * i), PAGE_SIZE, rw, flags | MAP_FIXED);
	s->vmas = fork_time(t);
	sys_mmap(t, addr_of(2 * TABLE), MORE_PAGES * PAGE_SIZE, rw, flags | MAP_FIXED);
	for (unsigned int i = 0; i < MORE_PAGES; i++)
		user_access(t, addr_of(2 * TABLE + i), USER_WRITE);
	s->pages = fork_time(t);
	s->again = fork_time(t); /* all of them are read-only by now */
}

/* With kernel.scale = 1: what was measured, and room for locks, lines and tables. */
static void test_fork_grows(void **state)
{
	struct scene s = { 0 };
	double per_vma, per_page, less;

	(void)state;
	begin(&s, forks);
	per_vma = (double)(s.vmas - s.base) / MORE_VMAS / SIM_NS;
	per_page = (double)(s.pages - s.vmas) / MORE_PAGES / SIM_NS;
	less = (double)(s.pages - s.again) / MORE_PAGES / SIM_NS;
	if (per_vma < 200 || per_vma > 320 || per_page < 55 || per_page > 80 || less < 14 ||
	    less > 20)
		fail_msg("a VMA takes %.1f ns, a page %.1f, %.1f less if it is read-only", per_vma,
			 per_page, less);
}

struct paced {
	sim_ps call[2], own[2];
};

static void at_pace(struct task *t, void *arg)
{
	struct paced *p = arg;
	sim_ps before;

	sys_brk(t, 0); /* warm */
	for (int slow = 0; slow < 2; slow++) {
		task_set_pace(t, slow ? PACE_UNIT / 4 : 0);
		before = sim_now(t->k->sim);
		sys_brk(t, 0);
		p->call[slow] = sim_now(t->k->sim) - before;
		before = sim_now(t->k->sim);
		user_compute(t, SIM_US);
		p->own[slow] = sim_now(t->k->sim) - before;
	}
}

/* What the kernel does takes longer on a slow host; the program's own work is given. */
static void test_pace(void **state)
{
	static const char *const set[] = { "cache.code_line", "0ps", "kernel.tick", "0ps", NULL };
	const struct model_spec spec = { .set = set };
	struct paced p = { 0 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "program", 0, at_pace, &p);
	model_run_clean(&m, "pace", 0);
	model_end(&m);
	assert_in_range(p.call[1] * 100 / p.call[0], 118, 125); /* less where it stalls for lines */
	assert_int_equal(p.own[0], p.own[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_fork_grows),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
