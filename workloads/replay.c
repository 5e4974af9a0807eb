/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The workload "replay": runs the program of a recording on the simulated kernel, closed-loop and
 * causal. A task does its own work, then the operation, which takes as long as the model says; whom
 * another woke waits for that one. Nothing here looks at how long something took in the recording,
 * but for sleeps that nobody replayed ends.
 */
#include "workloads/replay.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sim/rng.h"
#include "workloads/replay_metrics.h"
#include "workloads/workload.h"
#include "workloads/xalloc.h"

struct replay_params {
	bool trace_cost, background;
	uint32_t placement; /* enum replay_placement */
	uint32_t processes;
	double speed;
};

static const sim_ps process_spread = SIM_MS; /* further processes start within this */

static const struct param replay_params[] = {
	{ .name = "trace_cost",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct replay_params, trace_cost),
	  .def = "true",
	  .help = "tasks pay the recorder's cost at each tracepoint, as they did in the "
		  "recording" },
	{ .name = "background",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct replay_params, background),
	  .def = "true",
	  .help = "what else ran in the recording (kernel threads, the recorder) takes CPUs here, "
		  "too" },
	{ .name = "placement",
	  .type = PARAM_ENUM,
	  .offset = offsetof(struct replay_params, placement),
	  .def = "auto",
	  .choices = replay_placements,
	  .help = "on which CPUs tasks run: as recorded, free (the simulated scheduler's choice), "
		  "or auto: as recorded on a machine of as many CPUs, with as many threads" },
	{ .name = "processes",
	  .type = PARAM_U32,
	  .offset = offsetof(struct replay_params, processes),
	  .def = "1",
	  .min = 1,
	  .max = 4096,
	  .help = "how often the whole program runs at the same time, each with its own memory" },
	{ .name = "speed",
	  .type = PARAM_DOUBLE,
	  .offset = offsetof(struct replay_params, speed),
	  .def = "1",
	  .min = 1e-3,
	  .max = 1e3,
	  .help = "the program's own work is done so many times as fast as recorded; sleeps last "
		  "as long" },
	PARAM_END,
};

static void task_body(struct task *task, void *arg);

/* ---- the life of tasks ---- */

static struct task_attr attr_of(struct replay_task *t)
{
	struct task_attr attr = {
		.comm = t->program->comm,
		.cpu = NO_CPU,
		.initial_cpu = NO_CPU,
		.fn = task_body,
		.arg = t,
	};

	if (!t->copy && !t->r->start && t->program->initial_cpu != NO_CPU &&
	    t->program->initial_cpu < (int)kernel_nr_cpus(t->r->kernel))
		attr.initial_cpu = t->program->initial_cpu;
	if (t->r->placed)
		attr.cpu = attr.initial_cpu;
	return attr;
}

static void make_thread(struct task *task, struct replay_task *child)
{
	struct task_attr attr = attr_of(child);

	child->task = sys_clone_thread(task, &attr);
}

/* What was mapped before anyone could record it. */
static void make_space(struct task *task, const struct program_space *s)
{
	if (s->brk)
		mm_set_brk(task, s->lowest_brk, s->brk);
	if (s->mmap_base)
		mm_set_mmap_base(task, s->mmap_base);
	for (size_t i = 0; i < s->n_ranges; i++)
		mm_infer_mapping(task, s->range[i].start, s->range[i].end - s->range[i].start,
				 s->range[i].prot, s->range[i].flags);
}

/* Copies of a task, by whoever makes the task; the task itself may be dropped. */
static void make_copies(struct task *task, const struct replay *r, uint32_t index)
{
	struct replay_task *copy;

	for (uint32_t k = 1; (copy = replay_copy(r, index, k)); k++)
		make_thread(task, copy);
}

/* The leader of a process makes its threads that were there at the start of the recording. */
static void start_process(struct task *task, struct replay_task *t)
{
	struct replay *r = t->r;

	for (uint32_t i = 0; i < r->program->n_tasks; i++) {
		if (r->program->task[i].leader != (int32_t)t->index)
			continue;
		if (!r->task[i].dropped)
			make_thread(task, &r->task[i]);
		make_copies(task, r, i);
	}
	make_copies(task, r, t->index);
}

static void start_copy(struct task *task, const struct replay_task *t)
{
	for (size_t i = 0; i < t->worker->n_areas; i++) {
		const struct replay_area *a = &t->worker->area[i];

		if (a->infer)
			mm_infer_mapping(task, t->base + a->offset, a->end - a->start,
					 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	}
	user_compute(task, t->offset);
}

/* A dropped leader still holds its process together; its own operations are left out. */
static void start_task(struct task *task, struct replay_task *t)
{
	const struct program_task *p = t->program;
	const struct program *all = t->r->program;

	if (t->copy) {
		start_copy(task, t);
		return;
	}
	if (p->parent < 0 && p->leader < 0) {
		if (t->r->start)
			task_sleep(task, t->r->start);
		make_space(task, &all->space[p->space]);
		start_process(task, t);
	} else if (t->forked) {
		make_space(task, &all->space[p->space]);
	}
}

/* ---- waiting and waking ---- */

static bool late(const struct replay *r)
{
	return r->stopping || (r->duration && sim_now(r->sim) >= r->duration);
}

/* What is left of a span of time before the run is to stop. */
static sim_ps until_end(const struct replay *r, sim_ps span)
{
	sim_ps now = sim_now(r->sim);

	if (!r->duration)
		return span;
	if (now >= r->duration)
		return 0;
	return span < r->duration - now ? span : r->duration - now;
}

#define LOOK_AGAIN (20 * SIM_US)  /* whether it does not sleep on something else meanwhile */
#define ON_ITS_WAY (200 * SIM_NS) /* and whether it has left its CPU, once it wants to sleep */

/*
 * A wake-up that found its sleeper asleep, or on its way to sleep, comes after that here, too:
 * whoever woke it had to do with it, and an earlier one would find nobody to wake. So the waker
 * spins while the other one has not come so far, but not for one that itself spins so, sleeps
 * elsewhere, or waits for a CPU.
 */
static void hold(struct task *waker, struct replay_task *self, struct replay_task *t,
		 bool (*is_there)(const struct task *))
{
	self->holds = true;
	while (t->task && !t->done && !t->holds && !late(self->r) && !is_there(t->task)) {
		if (!t->waiting)
			task_give_way(waker, t->task);
		if (!task_is_running(t->task))
			break;
		t->spinner = self;
		task_spin(waker, t->waiting && !t->wakes ? ON_ITS_WAY : LOOK_AGAIN);
	}
	self->holds = false;
	if (t->spinner == self)
		t->spinner = NULL;
}

static void wake(struct task *waker, struct replay_task *t, bool preempts)
{
	if (!t || t->dropped || t->done)
		return;
	t->wakes++;
	preempts &= t->r->placed;
	if (t->waiting && preempts)
		task_wake_first(waker, t->task);
	else if (t->waiting)
		task_wake(waker, t->task);
	else if (preempts && t->task) /* it is late, but it was to go first */
		task_give_way(waker, t->task);
}

/*
 * A copy wakes the copy of the same number. The original wakes the original and every copy that has
 * no waker of its own number.
 */
static void do_wake(struct task *task, struct replay_task *t, const struct program_op *op)
{
	bool first = op->flags & PROGRAM_PREEMPTS;
	uint32_t whom = op->other;
	struct replay *r = t->r;
	struct replay_task *copy;

	if (t->copy) {
		if (r->task[whom].worker)
			wake(task, replay_copy(r, whom, t->copy), first);
		return;
	}
	if (op->flags & PROGRAM_FOUND_ASLEEP)
		hold(task, t, &r->task[whom], task_is_asleep);
	else if (op->flags & PROGRAM_FOUND_LEAVING)
		hold(task, t, &r->task[whom], task_goes_to_sleep);
	wake(task, &r->task[whom], first);
	for (uint32_t k = 1; (copy = replay_copy(r, whom, k)); k++)
		if (!replay_copy(r, t->index, k))
			wake(task, copy, first);
}

static void do_wait(struct task *task, struct replay_task *t, const struct program_op *op)
{
	struct replay *r = t->r;

	if (r->task[op->other].dropped) {
		task_sleep(task, until_end(r, op->len));
		return;
	}
	t->waiting = true;
	if (t->spinner)
		task_spin_end(t->spinner->task);
	t->spinner = NULL;
	while (!t->wakes && !r->stopping)
		task_block(task);
	t->waiting = false;
	if (t->wakes)
		t->wakes--;
}

/* One task saw that the time is over: who waits would wait for ever. */
static void stop_all(struct task *task, struct replay *r)
{
	if (r->stopping)
		return;
	r->stopping = true;
	for (size_t i = 0; i < r->n_tasks; i++)
		if (r->task[i].waiting)
			task_wake(task, r->task[i].task);
}

/* ---- operations ---- */

static void do_create(struct task *task, struct replay_task *t, const struct program_op *op)
{
	struct replay *r = t->r;
	struct replay_task *child = &r->task[op->other];
	struct task_attr attr = attr_of(child);
	sim_ps begin = op_begin(&r->ops);

	if (!child->dropped && op->kind == PROGRAM_FORK) {
		child->forked = true;
		replay_moved_fork(r, t->program->pid, child->program->pid);
		child->task = sys_fork(task, &attr);
		op_end(&r->ops, OP_FORK, 0, begin);
		replay_note_call(r, OP_FORK, op, task_call_time(task));
	} else if (!child->dropped) {
		enum op_kind kind = op->flags & CLONE_VFORK_FLAG ? OP_VFORK : OP_CLONE;

		if (kind == OP_VFORK)
			child->task = sys_vfork(task, &attr);
		else
			make_thread(task, child);
		op_end(&r->ops, kind, 0, begin);
		replay_note_call(r, kind, op, task_call_time(task));
	}
	make_copies(task, r, op->other);
}

static void do_op(struct task *task, struct replay_task *t, size_t i)
{
	const struct program_op *op = &t->program->op[i];
	struct replay *r = t->r;

	task_set_pace(task, op->pace);
	switch (op->kind) {
	case PROGRAM_WAIT:
		replay_comes_back(task, r, t->program, i);
		do_wait(task, t, op);
		return;
	case PROGRAM_SLEEP:
		replay_sleep(task, r, t->program, i, until_end(r, op->len));
		return;
	case PROGRAM_MOVE: /* replay_go did it */
		return;
	case PROGRAM_EXIT:
		task_exit_mm(task);
		return;
	case PROGRAM_REFUSED:
		sys_refused(task);
		return;
	case PROGRAM_WAKE:
		do_wake(task, t, op);
		return;
	case PROGRAM_INFER:
		mm_infer_mapping(task, replay_relocate(t, op->addr), op->len, op->prot, op->flags);
		r->inferred_late++;
		return;
	case PROGRAM_FORK:
	case PROGRAM_CLONE:
		if (t->copy) /* copies of the child are made by the recorded parent */
			return;
		do_create(task, t, op);
		break;
	default:
		replay_call(task, t, op);
	}
	if (op->kind == PROGRAM_EXEC)
		make_space(task, &r->program->space[op->other]);
	op_count(&r->ops, 1);
}

static void own_work(struct task *task, const struct replay *r, const struct program_op *op)
{
	sim_ps work = until_end(r, op->think), kernel = op->kernel_ns * SIM_NS;

	user_compute_of(task, work, work > kernel ? work - kernel : 0);
}

static void task_body(struct task *task, void *arg)
{
	struct replay_task *t = arg;
	struct replay *r = t->r;
	const struct program_task *p = t->program;

	t->task = task;
	start_task(task, t);
	for (size_t i = 0; i < p->n_ops && !t->dropped && !late(r); i++) {
		if (p->op[i].think)
			own_work(task, r, &p->op[i]);
		if (late(r))
			break;
		replay_go(task, r, p, i);
		do_op(task, t, i);
	}
	if (late(r))
		stop_all(task, r);
	t->done = true;
	if (sim_now(r->sim) > r->end)
		r->end = sim_now(r->sim);
}

/* ---- the workload ---- */

/* One replay a process of the program; they share it. */
struct workload {
	struct program *program;
	uint32_t n;
	struct replay r[];
};

static void replay_free(struct workload *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		replay_scale_free(&w->r[i]);
		free(w->r[i].background);
		free(w->r[i].moved);
	}
	program_free(w->program);
	free(w);
}

/* Tasks of the start, each process by its leader. Nobody runs before sim_run. */
static void spawn_all(struct replay *r)
{
	for (uint32_t i = 0; i < r->program->n_tasks; i++) {
		struct replay_task *t = &r->task[i];
		struct task_attr attr = attr_of(t);

		if (t->program->parent >= 0 || t->program->leader >= 0)
			continue;
		t->task = kernel_spawn(r->kernel, &attr);
	}
}

static bool start_one(struct workload *w, uint32_t i, struct kernel *k,
		      const struct replay_params *param, uint32_t threads, struct err *err)
{
	struct replay *r = &w->r[i];
	uint64_t seed = sim_seed(kernel_sim(k));
	struct rng rng;

	r->kernel = k;
	r->sim = kernel_sim(k);
	r->program = w->program;
	w->n = i + 1;
	if (!replay_scale(r, threads, err) ||
	    !replay_placement(r, (enum replay_placement)param->placement, param->processes, err))
		return false;
	rng_init(&rng, seed, "replay.process", i);
	r->start = i ? rng_below(&rng, process_spread) : 0;
	op_metrics_init(&r->ops, r->sim);
	replay_offsets(r, seed);
	spawn_all(r);
	return true;
}

static struct workload *replay_start(const struct workload_type *type, struct kernel *k,
				     const void *params, const char *file, uint32_t threads,
				     sim_ps duration, struct err *err)
{
	const struct replay_params *param = params;
	struct workload *w = xcalloc(1, sizeof(*w) + param->processes * sizeof(*w->r));
	bool ok = file ? (w->program = program_load(file, err)) != NULL
		       : err_set(err, "replay: needs a recording's file");

	(void)type;
	if (ok && param->speed != 1)
		replay_speed(w->program, param->speed);
	for (uint32_t i = 0; ok && i < param->processes; i++) {
		w->r[i].duration = duration;
		ok = start_one(w, i, k, param, threads, err);
	}
	if (!ok) {
		replay_free(w);
		return NULL;
	}
	kernel_cool_caches(k); /* the recorder had just made its buffers */
	w->r[0].on_ticks = kernel_align_ticks(k, w->program->tick_period, w->program->tick_phase);
	if (param->background)
		w->r[0].background = replay_background_start(&w->r[0]);
	if (param->trace_cost)
		kernel_set_tracing(k, w->program->tracer_ps, w->program->tracer_cold_ps);
	for (unsigned int cpu = 0; cpu < w->program->cpus; cpu++)
		if (w->program->idle_unseen[cpu] && kernel_nr_cpus(k) == w->program->cpus)
			kernel_hide_idle(k, cpu);
	return w;
}

/* The first stands for all of them. */
static void replay_finish(struct workload *w)
{
	struct replay *all = &w->r[0];

	for (uint32_t i = 1; i < w->n; i++) {
		all->end = w->r[i].end > all->end ? w->r[i].end : all->end;
		all->n_copies += w->r[i].n_copies;
		all->errors += w->r[i].errors;
		all->segvs += w->r[i].segvs;
		all->inferred_late += w->r[i].inferred_late;
	}
	op_metrics_finish(&all->ops, all->end);
	replay_report(all, w->n);
}

static const struct workload_type replay_type = {
	.name = "replay",
	.summary = "a recording (.mmt, or perf script text) replayed closed-loop",
	.source = "mmsim record, or `perf script`",
	.params = replay_params,
	.params_size = sizeof(struct replay_params),
	.start = replay_start,
	.finish = replay_finish,
	.free = replay_free,
};
WORKLOAD(replay_type);
