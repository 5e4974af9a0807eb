/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs from recordings: own work without what is not the thread's, waits paired with wake-ups,
 * mappings inferred, threads told from processes; and that no recorded duration of a call changes
 * anything that is replayed. Small recordings are written here line by line.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "tape.h"
#include "workloads/program_build.h"

static void test_think(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	struct program *p;
	const struct program_task *task;

	(void)state;
	calibration(t);
	munmap_call(t, 100000, 110000, 10, 10, 0);
	/* 20,000 ns of gap: the exit event, a handler of 3,000 ns with the event at its end, 5,000
	 * ns preempted, the event of its way in */
	event(t, 112000, 10, 10, 0, "irq_vectors:call_function_single_entry: vector=251");
	event(t, 114000, 10, 10, 0, "tlb:tlb_flush: pages:1 reason:remote shootdown (1)");
	event(t, 115000, 10, 10, 0, "irq_vectors:call_function_single_exit: vector=251");
	event(t, 120000, 10, 10, 0,
	      "sched:sched_switch: prev_comm=prog prev_pid=10 prev_prio=1 prev_state=R ==> "
	      "next_comm=x next_pid=50 next_prio=1");
	event(t, 120500, 10, 10, 0, "tlb:tlb_flush: pages:-1 reason:flush on task switch (0)");
	event(t, 125000, 50, 50, 0,
	      "sched:sched_switch: prev_comm=x prev_pid=50 prev_prio=1 prev_state=S ==> "
	      "next_comm=prog next_pid=10 next_prio=1");
	munmap_call(t, 130000, 190000, 10, 10, 0);
	munmap_call(t, 190100, 199000, 10, 10, 0); /* less than an event costs: none */
	p = build(t);
	assert_int_equal(p->tracer_ps, 700 * SIM_NS);
	task = task_of(p, 10);
	assert_int_equal(task->n_ops, 3);
	assert_int_equal(task->op[1].think, (20000 - 3000 - 5000 - 3 * 700) * SIM_NS);
	assert_int_equal(task->op[1].recorded_ns, 60000);
	assert_int_equal(task->op[2].think, 0);
	assert_int_equal(p->n_tasks, 1); /* 50 and 90 do no memory operations */
	program_free(p);
	free(t);
}

/* Faults: the 1st percentile of 20 gaps of 2,000 to 3,900 ns is 2,000 (index 19 * 1 / 100 = 0). The
 * last waits 2^32 ns for its lock: what comes after is all own work, less an event. */
static void test_fault_estimate(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	uint64_t now = 100000;
	struct program *p;

	(void)state;
	calibration(t);
	for (uint64_t i = 0; i <= 20; i++) {
		char what[128];

		snprintf(what, sizeof(what),
			 "exceptions:page_fault_user: address=0x%llx ip=0x1 error_code=0x6",
			 0x600000000000ull + i * 4096);
		event(t, now, 10, 10, 0, what);
		now += 2000 + 100 * (i * 7 % 20);
	}
	event(t, now, 10, 10, 0,
	      "mmap_lock:mmap_lock_start_locking: mm=0x10 memcg_id=0 write=false");
	event(t, now += UINT32_MAX - 1999, 10, 10, 0,
	      "mmap_lock:mmap_lock_acquire_returned: mm=0x10 memcg_id=0 write=false success=true");
	event(t, now + 3000, 10, 10, 0, "syscalls:sys_enter_brk: brk: 0x0");
	event(t, now + 4000, 10, 10, 0, "syscalls:sys_exit_brk: 0x555500000000");
	p = build(t);
	task = task_of(p, 10);
	assert_int_equal(task->n_ops, 22);
	assert_int_equal(task->op[21].think, (3000 - 700) * SIM_NS);
	assert_int_equal(p->fault_ps[1], 2000 * SIM_NS);
	for (uint64_t i = 0; i < 20; i++) {
		uint64_t gap = 2000 + 100 * (i * 7 % 20);

		assert_int_equal(task->op[i + 1].think, gap > 2000 ? (gap - 2000) * SIM_NS : 0);
	}
	/* one mapping explains them: 21 pages side by side, anonymous and writable */
	assert_int_equal(p->space[task->space].n_ranges, 1);
	assert_int_equal(p->space[task->space].range[0].start, 0x600000000000);
	assert_int_equal(p->space[task->space].range[0].end, 0x600000015000);
	assert_int_equal(p->space[task->space].range[0].prot, PROT_READ | PROT_WRITE);
	assert_int_equal(p->space[task->space].range[0].flags, MAP_PRIVATE | MAP_ANONYMOUS);
	program_free(p);
	free(t);
}

static void sleeps(struct tape *t, uint64_t ns, int tid, int cpu)
{
	char what[160];

	snprintf(what, sizeof(what),
		 "sched:sched_switch: prev_comm=prog prev_pid=%d prev_prio=1 prev_state=S ==> "
		 "next_comm=swapper/0 next_pid=0 next_prio=120",
		 tid);
	event(t, ns, 10, tid, cpu, what);
}

static void wakes(struct tape *t, uint64_t ns, int pid, int waker, int cpu, int tid)
{
	char what[128];

	snprintf(what, sizeof(what), "sched:sched_waking: comm=prog pid=%d prio=1 target_cpu=000",
		 tid);
	event(t, ns, pid, waker, cpu, what);
}

static void runs(struct tape *t, uint64_t ns, int tid, int cpu)
{
	char what[160];

	snprintf(
		what, sizeof(what),
		"sched:sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> "
		"next_comm=prog next_pid=%d next_prio=1",
		tid);
	event(t, ns, 0, 0, cpu, what);
}

/*
 * 20 wake-ups whose IPI takes 7,000 ns with its recording, each with some work of its own behind;
 * the way from the wake-up to the IPI is the kernel's. Another program works 30 us after each: what
 * the IPI takes does not show, and is at most 9 us.
 */
static void test_send_estimate(void **state)
{
	static const uint64_t least[] = { 7000, 30000 }, found[] = { 7000, 9000 };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct tape *t = calloc(1, sizeof(*t));
		const struct program_task *task;
		uint64_t now = 100000;
		struct program *p;
		size_t n = 0;

		calibration(t);
		munmap_call(t, now, now + 1000, 10, 10, 0);
		now += 11000;
		for (uint64_t i = 0; i < 20; i++) {
			wakes(t, now, 10, 10, 0, 10 + 1);
			event(t, now + 1500, 10, 10, 0,
			      "ipi:ipi_send_cpu: cpu=1 callsite=ttwu_queue_wakelist+0x1 "
			      "callback=x+0x0");
			runs(t, now + 20000, 11, 1);
			munmap_call(t, now + 21000, now + 21500, 10, 11, 1);
			sleeps(t, now + 22000, 11, 1);
			now += 1500 + least[k] + 100 * i;
			munmap_call(t, now, now + 500, 10, 10, 0);
			now += 24000;
		}
		sort(t);
		p = build(t);
		assert_int_equal(p->send_ps, least[k] * SIM_NS);
		task = task_of(p, 10);
		for (size_t i = 1; i < task->n_ops; i++)
			if (task->op[i - 1].kind == PROGRAM_WAKE) {
				assert_int_equal(task->op[i].think,
						 (least[k] + 100 * n - found[k]) * SIM_NS);
				n++;
			}
		assert_int_equal(n, 20);
		program_free(p);
		free(t);
	}
}

/* 10 waits for 11, then for a kernel thread, then is woken by 11 just before it is off the CPU. */
static void test_waits(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *a, *b;
	const struct program_op *op;
	struct program *p;

	(void)state;
	munmap_call(t, 100000, 101000, 10, 10, 0);
	munmap_call(t, 100000, 101000, 10, 11, 1);
	sleeps(t, 110000, 10, 0);
	wakes(t, 120000, 10, 11, 1, 10);
	runs(t, 125000, 10, 0);
	munmap_call(t, 130000, 131000, 10, 10, 0);
	sleeps(t, 140000, 10, 0);
	wakes(t, 150000, 7, 7, 1, 10);
	runs(t, 160000, 10, 0);
	munmap_call(t, 170000, 171000, 10, 10, 0);
	wakes(t, 179000, 10, 11, 1, 10);
	sleeps(t, 180000, 10, 0);
	runs(t, 185000, 10, 0);
	wakes(t, 186000, 10, 11, 1, 10); /* it runs: this one woke nobody */
	munmap_call(t, 190000, 191000, 10, 10, 0);
	munmap_call(t, 200000, 201000, 10, 11, 1);
	p = build(t);
	assert_int_equal(p->n_tasks, 2);
	a = task_of(p, 10);
	b = task_of(p, 11);
	assert_int_equal(a->n_ops, 7);
	op = &a->op[1];
	assert_int_equal(op->kind, PROGRAM_WAIT);
	assert_int_equal(op->other, b - p->task);
	assert_int_equal(op->think, 9000 * SIM_NS);
	assert_int_equal(a->op[2].think, 5000 * SIM_NS);
	op = &a->op[3];
	assert_int_equal(op->kind, PROGRAM_SLEEP);
	assert_int_equal(op->len, 10000 * SIM_NS); /* until woken, not until it got a CPU */
	assert_int_equal(a->op[5].kind, PROGRAM_WAIT);
	assert_int_equal(b->n_ops, 4);
	assert_int_equal(b->op[1].kind, PROGRAM_WAKE);
	assert_int_equal(b->op[1].think, 19000 * SIM_NS);
	assert_int_equal(b->op[2].kind, PROGRAM_WAKE);
	/* the wake-up that woke nobody left its own work to the operation behind it */
	assert_int_equal(b->op[3].think, 21000 * SIM_NS);
	/* at the start, both are of one process: one leads */
	assert_int_equal(a->leader, NO_TASK);
	assert_int_equal(b->leader, a - p->task);
	program_free(p);
	free(t);
}

static void test_forks(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *main_task, *thread, *child;
	struct program *p;

	(void)state;
	event(t, 1000, 10, 10, 0, "syscalls:sys_enter_brk: brk: 0x00000000");
	event(t, 2000, 10, 10, 0, "syscalls:sys_exit_brk: 0x555500000000");
	event(t, 3000, 10, 10, 0, "syscalls:sys_enter_clone3: uargs: 0x1, size: 0x58");
	event(t, 4000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=11");
	event(t, 5000, 10, 10, 0, "syscalls:sys_exit_clone3: 0xb");
	event(t, 6000, 10, 11, 1, "syscalls:sys_exit_clone3: 0x0");
	event(t, 7000, 10, 11, 1,
	      "exceptions:page_fault_user: address=0x7f0000001008 ip=0x1 error_code=0x6");
	event(t, 8000, 10, 10, 0,
	      "syscalls:sys_enter_clone: clone_flags: 0x01200011, newsp: 0x0, parent_tidptr: 0x0, "
	      "child_tidptr: 0x0, tls: 0x0");
	event(t, 9000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=12");
	event(t, 10000, 10, 10, 0, "syscalls:sys_exit_clone: 0xc");
	event(t, 11000, 12, 12, 1, "syscalls:sys_exit_clone: 0x0");
	event(t, 12000, 12, 12, 1,
	      "syscalls:sys_enter_execve: filename: 0x1, argv: 0x1, envp: 0x1");
	event(t, 13000, 12, 12, 1, "syscalls:sys_exit_execve: 0x0");
	event(t, 14000, 12, 12, 1,
	      "exceptions:page_fault_user: address=0x555500001008 ip=0x1 error_code=0x14");
	event(t, 15000, 12, 12, 1,
	      "exceptions:page_fault_user: address=0x555500009008 ip=0x1 error_code=0x4");
	event(t, 16000, 12, 12, 1,
	      "exceptions:page_fault_user: address=0x7ffc00001008 ip=0x1 error_code=0x6");
	event(t, 17000, 12, 12, 1,
	      "sched:sched_process_exit: comm=prog pid=12 prio=120 group_dead=true");
	wakes(t, 18000, 12, 12, 1, 10);
	p = build(t);
	assert_int_equal(p->n_tasks, 3);
	main_task = task_of(p, 10);
	thread = task_of(p, 11);
	child = task_of(p, 12);
	assert_int_equal(op_of(main_task, PROGRAM_CLONE, 0)->other, thread - p->task);
	assert_int_equal(op_of(main_task, PROGRAM_FORK, 0)->other, child - p->task);
	assert_int_equal(thread->parent, main_task - p->task);
	assert_int_equal(thread->space, main_task->space);
	assert_int_not_equal(child->space, main_task->space);
	assert_int_equal(p->space[main_task->space].brk, 0x555500000000);
	assert_int_equal(p->space[main_task->space].n_ranges, 1);
	/* after execve: code and what is near it are of a file, the stack is not */
	{
		const struct program_space *s = &p->space[op_of(child, PROGRAM_EXEC, 0)->other];

		assert_int_equal(s->n_ranges, 3);
		assert_int_equal(s->range[0].flags, MAP_PRIVATE);
		assert_int_equal(s->range[0].prot, PROT_READ | PROT_EXEC);
		assert_int_equal(s->range[1].flags, MAP_PRIVATE);
		assert_int_equal(s->range[2].flags, MAP_PRIVATE | MAP_ANONYMOUS);
	}
	assert_int_equal(child->op[child->n_ops - 1].kind, PROGRAM_EXIT);
	program_free(p);
	free(t);
}

/* A mapping that goes and is used again without a call that we saw is inferred at that point. */
static void test_late_inference(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	struct program *p;

	(void)state;
	munmap_call(t, 1000, 2000, 10, 10, 0);
	event(t, 3000, 10, 10, 0,
	      "exceptions:page_fault_user: address=0x700000000008 ip=0x1 error_code=0x6");
	p = build(t);
	task = task_of(p, 10);
	assert_int_equal(p->space[task->space].n_ranges, 1); /* what munmap() took away */
	assert_int_equal(task->op[1].kind, PROGRAM_INFER);
	assert_int_equal(task->op[1].addr, 0x700000000000);
	assert_int_equal(task->op[2].kind, PROGRAM_ACCESS);
	program_free(p);
	free(t);
}

/* A call that failed is a way into the kernel and out: neither its time nor what follows is own
 * work. */
static void test_refused(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	struct program *p;

	(void)state;
	calibration(t);
	munmap_call(t, 100000, 110000, 10, 10, 0);
	event(t, 120000, 10, 10, 0, "syscalls:sys_enter_munmap: addr: 0x700000000001, len: 0x1000");
	event(t, 125000, 10, 10, 0, "syscalls:sys_exit_munmap: 0xffffffffffffffea");
	munmap_call(t, 130000, 140000, 10, 10, 0);
	p = build(t);
	task = task_of(p, 10);
	assert_int_equal(p->failed_calls, 1);
	assert_int_equal(task->n_ops, 3);
	assert_int_equal(task->op[1].kind, PROGRAM_REFUSED);
	assert_int_equal(task->op[1].think, (10000 - 700) * SIM_NS);
	assert_int_equal(task->op[2].think, (5000 - 700) * SIM_NS);
	program_free(p);
	free(t);
}

/* What a machine that takes twice as long for each call would have recorded of the same threads. */
static void stretched(struct tape *t, uint64_t factor)
{
	uint64_t a = 100000, b = 100500;

	calibration(t);
	for (int i = 0; i < 30; i++) {
		uint64_t call_a = factor * (3000 + 100 * (uint64_t)(i % 7));
		uint64_t call_b = factor * (2500 + 130 * (uint64_t)(i % 5));

		munmap_call(t, a, a + call_a, 10, 10, 0);
		munmap_call(t, b, b + call_b, 10, 11, 1);
		a += call_a + 5000 + 10 * (uint64_t)i;
		b += call_b + 6000 + 10 * (uint64_t)i;
		event(t, a, 10, 10, 0,
		      "exceptions:page_fault_user: address=0x700000000008 ip=0x1 error_code=0x6");
		event(t, b, 10, 11, 1,
		      "exceptions:page_fault_user: address=0x710000000008 ip=0x1 error_code=0x4");
		a += 2000 + 50 * (uint64_t)(i % 9);
		b += 2100 + 50 * (uint64_t)(i % 9);
	}
}

static void test_durations_do_not_matter(void **state)
{
	struct tape *once = calloc(1, sizeof(*once)), *twice = calloc(1, sizeof(*twice));
	struct program *p, *q;

	(void)state;
	stretched(once, 1);
	stretched(twice, 2);
	sort(once);
	sort(twice);
	p = build(once);
	q = build(twice);
	assert_true(q->recorded.op_time_ps > 1.9 * p->recorded.op_time_ps);
	assert_int_equal(p->n_tasks, q->n_tasks);
	for (size_t i = 0; i < p->n_tasks; i++) {
		assert_int_equal(p->task[i].n_ops, q->task[i].n_ops);
		for (size_t j = 0; j < p->task[i].n_ops; j++) {
			struct program_op a = p->task[i].op[j], b = q->task[i].op[j];

			a.recorded_ns = b.recorded_ns = 0;
			assert_memory_equal(&a, &b, sizeof(a));
		}
	}
	program_free(p);
	program_free(q);
	free(once);
	free(twice);
}

/* Runs the program without time, again and again over all tasks until nothing moves: all must end.
 */
static void check_ends(const struct program *p)
{
	size_t *pc = calloc(p->n_tasks, sizeof(*pc)), *wakes = calloc(p->n_tasks, sizeof(*wakes));
	bool *started = calloc(p->n_tasks, sizeof(*started)), moved = true;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < p->n_tasks; i++) {
			const struct program_task *t = &p->task[i];

			for (started[i] |= t->parent < 0; started[i] && pc[i] < t->n_ops; pc[i]++) {
				const struct program_op *op = &t->op[pc[i]];

				if (op->kind == PROGRAM_WAIT && !wakes[i])
					break;
				wakes[i] -= op->kind == PROGRAM_WAIT;
				if (op->kind == PROGRAM_WAKE)
					wakes[op->other]++;
				if (op->kind == PROGRAM_FORK || op->kind == PROGRAM_CLONE)
					started[op->other] = true;
				moved = true;
			}
		}
	}
	for (size_t i = 0; i < p->n_tasks; i++)
		if (pc[i] != p->task[i].n_ops)
			fail_msg("task %zu hangs at operation %zu", i, pc[i]);
	free(pc);
	free(wakes);
	free(started);
}

/* By another clock, a thread wakes its parent before the fork that makes it: nobody can wait so. */
static void test_no_hang(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *parent;
	struct program *p;

	(void)state;
	munmap_call(t, 1000, 2000, 10, 10, 0);
	munmap_call(t, 1000, 2000, 10, 11, 1);
	sleeps(t, 3000, 10, 0);
	wakes(t, 4000, 10, 11, 1, 10);
	runs(t, 5000, 10, 0);
	event(t, 6000, 10, 10, 0, "syscalls:sys_enter_clone3: uargs: 0x1, size: 0x58");
	event(t, 7000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=11");
	event(t, 8000, 10, 10, 0, "syscalls:sys_exit_clone3: 0xb");
	p = build(t);
	parent = task_of(p, 10);
	assert_int_equal(task_of(p, 11)->parent, parent - p->task);
	assert_int_equal(op_of(parent, PROGRAM_CLONE, 0)->other, task_of(p, 11) - p->task);
	check_ends(p);
	program_free(p);
	free(t);
}

/* Each wait of a real recording has its wake-up and the other way round; nothing is out of range.
 */
static void check_sound(const struct program *p)
{
	uint64_t *balance = calloc(p->n_tasks * p->n_tasks, sizeof(*balance));

	for (size_t i = 0; i < p->n_tasks; i++) {
		const struct program_task *t = &p->task[i];
		bool gone = false;

		assert_in_range(t->space, 0, p->n_spaces - 1);
		for (int32_t up = t->parent, steps = 0; up >= 0; up = p->task[up].parent)
			assert_true(++steps < (int32_t)p->n_tasks);
		for (size_t j = 0; j < t->n_ops; j++) {
			const struct program_op *op = &t->op[j];

			if (op->kind == PROGRAM_WAIT)
				balance[i * p->n_tasks + op->other]++;
			if (op->kind == PROGRAM_WAKE)
				balance[op->other * p->n_tasks + i]--;
			if (op->kind == PROGRAM_FORK || op->kind == PROGRAM_CLONE)
				assert_int_equal(p->task[op->other].parent, i);
			assert_true(!gone || op->kind == PROGRAM_WAKE);
			gone |= op->kind == PROGRAM_EXIT;
		}
	}
	for (size_t i = 0; i < p->n_tasks * p->n_tasks; i++)
		assert_int_equal(balance[i], 0);
	free(balance);
	check_ends(p);
}

static void test_shipped(void **state)
{
	static const struct {
		const char *name;
		size_t tasks;
		int kind;
		uint64_t at_least;
	} cases[] = {
		{ "tlb_flush2-2t", 4, PROGRAM_MADVISE, 33500 },
		{ "mmap1-2t", 4, PROGRAM_MMAP, 27600 },
	};

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		char path[256];
		struct err err = { 0 };
		struct program *p;
		uint64_t n = 0;

		snprintf(path, sizeof(path), "%s/workloads/recorded/%s.mmt", MMSIM_SOURCE_DIR,
			 cases[c].name);
		p = program_load(path, &err);
		if (!p)
			fail_msg("%s", err.msg);
		assert_int_equal(p->n_tasks, cases[c].tasks);
		check_sound(p);
		for (size_t i = 0; i < p->n_tasks; i++)
			for (size_t j = 0; j < p->task[i].n_ops; j++)
				n += p->task[i].op[j].kind == cases[c].kind;
		assert_true(n >= cases[c].at_least);
		/* the recorder's cost is told to be 0.8 to 1.0 us */
		assert_in_range(p->tracer_ps, 700 * SIM_NS, 1000 * SIM_NS);
		program_free(p);
	}
}

/* Any order of events, also impossible ones, gives a sound program or an error. */
static void test_fuzz(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 7, "program", 0);
	for (int round = 0; round < 1500; round++) {
		const char *path = in_dir("fuzz.mmt");
		struct err err = { 0 };
		struct trace_writer *w = trace_create(path, &err);
		struct program *p;
		uint64_t now = 0;

		assert_non_null(w);
		for (uint64_t n = 20 + rng_below(&rng, 200); n--;) {
			struct trace_event e = { .comm = "x", .text = "y" };

			now += rng_below(&rng, 3000);
			e.time_ns = now;
			e.tid = (int32_t)rng_below(&rng, 6) - 1;
			e.pid = (int32_t)(1 + rng_below(&rng, 2));
			e.cpu = (uint16_t)rng_below(&rng, 3);
			e.type = (uint8_t)(1 + rng_below(&rng, TRACE_TYPES - 1));
			if (e.type == TRACE_SYS_ENTER || e.type == TRACE_SYS_EXIT)
				e.nr = (uint8_t)(1 + rng_below(&rng, SC_SYSCALLS - 1));
			for (int i = 0; i < 6; i++)
				e.arg[i] = rng_below(&rng, 3)
						   ? rng_below(&rng, 6)
						   : rng_u64(&rng) >> rng_below(&rng, 64);
			if (e.type == TRACE_SWITCH)
				e.arg[1] = (uint8_t) "SRDXZ"[rng_below(&rng, 5)];
			assert_true(trace_write(w, &e, &err));
		}
		assert_true(trace_finish(w, &err));
		p = program_load(path, &err);
		if (p)
			check_sound(p);
		program_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_think),
		cmocka_unit_test(test_fault_estimate),
		cmocka_unit_test(test_send_estimate),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_late_inference),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_durations_do_not_matter),
		cmocka_unit_test(test_no_hang),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_fuzz),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
