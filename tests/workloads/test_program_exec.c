/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of an execve and of a vfork in a recording: how many segments were mapped, which
 * sleeps were for a file's pages, who waits for whom. If a sleep for a lock, or for the stopper
 * that moves the task, is taken for a disk's, or the length of the call for anything, it shows
 * here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tape.h"

static void lock(struct tape *t, uint64_t ns, int pid, unsigned int mm, bool write)
{
	static const char *const what[] = { "start_locking", "acquire_returned", "released" };
	char text[128];

	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			 "mmap_lock:mmap_lock_%s: mm=0x%x memcg_id=0 write=%s%s", what[i], mm,
			 write ? "true" : "false", i == 1 ? " success=true" : "");
		event(t, ns + 800 * (uint64_t)i, pid, pid, 0, text);
	}
}

static void off_cpu(struct tape *t, uint64_t out, uint64_t in, int pid, char state)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "sched:sched_switch: prev_comm=prog prev_pid=%d prev_prio=120 prev_state=%c ==> "
		 "next_comm=swapper/0 next_pid=0 next_prio=120",
		 pid, state);
	event(t, out, pid, pid, 0, text);
	snprintf(text, sizeof(text),
		 "sched:sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R "
		 "==> next_comm=prog next_pid=%d next_prio=120",
		 pid);
	event(t, in, 0, 0, 0, text);
}

/* late: how much later the call ends than its last event. */
static const struct program_op *exec_of(struct program **p, uint64_t late)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_op *op;

	event(t, 1000, 10, 10, 0, "syscalls:sys_enter_execve: filename: 0x1, argv: 0x1, envp: 0x1");
	lock(t, 20000, 10, 0xb0, true); /* the stack */
	lock(t, 30000, 10, 0xb0, false);
	event(t, 40000, 10, 10, 0,
	      "sched:sched_waking: comm=migration/0 pid=18 prio=0 target_cpu=000");
	off_cpu(t, 41000, 90000, 10, 'D'); /* moves */
	lock(t, 95000, 10, 0xb0, false);
	off_cpu(t, 100000, 350000, 10, 'D'); /* reads */
	event(t, 310000, 0, 0, 0, "sched:sched_waking: comm=prog pid=10 prio=120 target_cpu=000");
	lock(t, 360000, 10, 0xa0, true); /* the old mm */
	off_cpu(t, 370000, 380000, 10, 'R');
	lock(t, 390000, 10, 0xb0, true); /* the stack moves */
	for (uint64_t i = 0; i < 5; i++)
		lock(t, 400000 + 10000 * i, 10, 0xb0, true);
	event(t, 450000, 10, 10, 0,
	      "mmap_lock:mmap_lock_start_locking: mm=0xb0 memcg_id=0 write=true");
	off_cpu(t, 451000, 470000, 10, 'D'); /* for the lock */
	event(t, 471000, 10, 10, 0,
	      "mmap_lock:mmap_lock_acquire_returned: mm=0xb0 memcg_id=0 write=true success=true");
	off_cpu(t, 480000, 500000, 10, 'D'); /* reads, nobody tells of the wake-up */
	event(t, 510000 + late, 10, 10, 0, "syscalls:sys_exit_execve: 0x0");
	munmap_call(t, 520000 + late, 521000 + late, 10, 10, 0);
	sort(t);
	*p = build(t);
	op = op_of(task_of(*p, 10), PROGRAM_EXEC, 0);
	free(t);
	return op;
}

static void test_exec(void **state)
{
	struct program *p, *slow;
	const struct program_op *op = exec_of(&p, 0), *same = exec_of(&slow, 700000);

	(void)state;
	assert_int_equal(op->len, 6);
	assert_int_equal(op->prot, 1); /* before the old mm was left */
	assert_int_equal(op->new_len, (310000 - 100000) * SIM_NS);
	assert_int_equal(op->flags, 1);
	assert_int_equal(op->new_addr, (500000 - 480000) * SIM_NS);
	assert_int_equal(p->file_reads, 2);
	assert_int_equal(p->file_wait, op->new_len + op->new_addr);
	assert_int_equal(same->len, op->len);
	assert_int_equal(same->prot, op->prot);
	assert_int_equal(same->new_len, op->new_len);
	assert_int_equal(same->flags, op->flags);
	assert_int_equal(same->new_addr, op->new_addr);
	program_free(p);
	program_free(slow);
}

/* sched_exec moves it, then it has a new mm and a new name; where it is at the end is another
 * matter. */
static void test_where(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	struct program *p;

	(void)state;
	event(t, 1000, 10, 10, 0, "syscalls:sys_enter_execve: filename: 0x1, argv: 0x1, envp: 0x1");
	lock(t, 20000, 10, 0xb0, true);
	t->n += (size_t)snprintf(
		t->text + t->n, sizeof(t->text) - t->n,
		"            next    10/10    [001]     1.000090000: sched:sched_waking: "
		"comm=kworker/1 pid=19 prio=120 target_cpu=001\n");
	event(t, 110000, 10, 10, 2, "syscalls:sys_exit_execve: 0x0");
	munmap_call(t, 120000, 121000, 10, 10, 2);
	sort(t);
	p = build(t);
	assert_int_equal(op_of(task_of(p, 10), PROGRAM_EXEC, 0)->cpu, 1);
	program_free(p);
	free(t);
}

static void child(struct tape *t, uint64_t ns, const char *call)
{
	char text[128];

	event(t, ns, 10, 10, 0, call);
	event(t, ns + 1000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=20");
	snprintf(text, sizeof(text), "syscalls:sys_exit_%.*s: 0x0",
		 (int)(strchr(call + 19, ':') - call - 19), call + 19);
	event(t, ns + 2000, 20, 20, 1, text);
	event(t, ns + 3000, 20, 20, 1,
	      "exceptions:page_fault_user: address=0x7f0000001000 ip=0x1 error_code=0x4");
	event(t, ns + 4000, 20, 20, 1,
	      "sched:sched_process_exit: comm=prog pid=20 prio=120 group_dead=true");
	snprintf(text, sizeof(text), "syscalls:sys_exit_%.*s: 0x14",
		 (int)(strchr(call + 19, ':') - call - 19), call + 19);
	event(t, ns + 9000, 10, 10, 0, text);
}

static void test_vfork(void **state)
{
	static const struct {
		const char *call;
		bool shares, waits;
	} cases[] = {
		{ "syscalls:sys_enter_vfork: ", true, true },
		{ "syscalls:sys_enter_clone: clone_flags: 0x4111, newsp: 0x1, parent_tidptr: 0, "
		  "child_tidptr: 0x1, tls: 0",
		  true, true },
		{ "syscalls:sys_enter_clone: clone_flags: 0x1200011, newsp: 0, parent_tidptr: 0, "
		  "child_tidptr: 0x1, tls: 0",
		  false, false },
		{ "syscalls:sys_enter_clone3: uargs: 0x1, size: 0x58", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tape *t = calloc(1, sizeof(*t));
		const struct program_op *op;
		struct program *p;

		child(t, 1000, cases[i].call);
		p = build(t);
		op = op_of(task_of(p, 10), cases[i].shares ? PROGRAM_CLONE : PROGRAM_FORK, 0);
		assert_int_equal(op->flags, cases[i].waits ? CLONE_VFORK_FLAG : 0);
		assert_int_equal(
			p->recorded.latency[cases[i].waits ? OP_VFORK : OP_FORK][OP_SIZE_NONE]
				.count,
			1);
		program_free(p);
		free(t);
	}
}

/*
 * Clocks disagree: the child seems to wait for what its parent does after the vfork that waits for
 * the child. Neither may wait for ever.
 */
static void test_no_deadlock(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	struct program *p;

	(void)state;
	event(t, 1000, 10, 10, 0, "syscalls:sys_enter_vfork: ");
	event(t, 2000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=20");
	event(t, 3000, 20, 20, 1, "syscalls:sys_exit_vfork: 0x0");
	off_cpu(t, 4000, 21000, 20, 'S');
	event(t, 9000, 10, 10, 0, "syscalls:sys_exit_vfork: 0x14");
	event(t, 20000, 10, 10, 0, "sched:sched_waking: comm=prog pid=20 prio=120 target_cpu=001");
	munmap_call(t, 25000, 26000, 20, 20, 0);
	sort(t);
	p = build(t);
	assert_non_null(op_of(task_of(p, 20), PROGRAM_MUNMAP, 0));
	for (size_t i = 0; i < task_of(p, 20)->n_ops; i++)
		assert_int_not_equal(task_of(p, 20)->op[i].kind, PROGRAM_WAIT);
	program_free(p);
	free(t);
}

/* de_thread: the leader goes, and the thread that called execve goes on under its number. Would
 * break: all that it does from then on is taken for the dead leader's, and left out. */
static void test_becomes_leader(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *heir = NULL;
	struct program *p;

	(void)state;
	munmap_call(t, 1000, 2000, 10, 10, 0);
	event(t, 3000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=11");
	event(t, 10000, 10, 11, 1,
	      "syscalls:sys_enter_execve: filename: 0x1, argv: 0x1, envp: 0x1");
	event(t, 11000, 10, 11, 1,
	      "sched:sched_switch: prev_comm=prog prev_pid=11 prev_prio=120 prev_state=D ==> "
	      "next_comm=swapper/1 next_pid=0 next_prio=120");
	event(t, 12000, 10, 10, 0, "sched:sched_process_exit: comm=prog pid=10 prio=120");
	event(t, 13000, 10, 10, 0, "sched:sched_waking: comm=prog pid=11 prio=120 target_cpu=001");
	event(t, 14000, 10, 10, 0,
	      "sched:sched_switch: prev_comm=prog prev_pid=10 prev_prio=120 prev_state=Z ==> "
	      "next_comm=swapper/0 next_pid=0 next_prio=120");
	event(t, 40000, 0, 0, 1,
	      "sched:sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> "
	      "next_comm=prog next_pid=10 next_prio=120");
	event(t, 90000, 10, 10, 1, "syscalls:sys_exit_execve: 0x0");
	munmap_call(t, 120000, 121000, 10, 10, 1);
	sort(t);
	p = build(t);
	for (size_t i = 0; i < p->n_tasks; i++)
		for (size_t j = 0; j < p->task[i].n_ops; j++)
			if (p->task[i].op[j].kind == PROGRAM_EXEC)
				heir = &p->task[i];
	assert_non_null(heir);
	assert_int_equal(heir->tid, 10);
	assert_non_null(op_of(heir, PROGRAM_MUNMAP, 0));
	assert_int_equal(p->recorded.lost, 0);
	program_free(p);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),           cmocka_unit_test(test_where),
		cmocka_unit_test(test_vfork),          cmocka_unit_test(test_no_deadlock),
		cmocka_unit_test(test_becomes_leader),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
