/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Background tasks of a replay: what ran besides the program in the recording takes CPUs from it
 * here, too. They go by the clock, not by what the program does, and end with it.
 */
#include "workloads/replay.h"
#include "workloads/xalloc.h"

/*
 * Grace periods that the simulated program asks for are run by the simulated kernel's own thread,
 * and most of those in the recording were asked for by others (the recorder, closed files): each
 * run of the simulated thread since the last sleep stands for one recorded run, which is slept
 * through. So there are as many runs as were recorded, or as the program needs, if these are more.
 */
static sim_ps sleep_over_runs(struct replay_background *bg, size_t *i)
{
	const struct program_task *p = bg->program;
	uint64_t runs = p->rcu ? kernel_rcu_runs(bg->r->kernel) : 0;
	sim_ps len = p->op[*i].len, over = 0; /* up to the last of these runs */

	for (; bg->rcu_runs < runs; bg->rcu_runs++) {
		if (p->op[*i + 1].kind != PROGRAM_SLEEP)
			break;
		++*i;
		over += len;
		len = p->op[*i].think + p->op[*i].len;
	}
	bg->rcu_runs = runs;
	if (p->rcu)
		kernel_rcu_busy(bg->r->kernel, over);
	return over + len;
}

/* A timer of the kernel's ends at a tick, the nearest one to when it ended then. */
static sim_ps until_tick(const struct replay *r, sim_ps len)
{
	const struct program *p = r->program;
	sim_ps now = sim_now(r->sim), period = p->tick_period;
	sim_ps past = (now + len + period - p->tick_phase) % period;

	if (past > period / 2)
		return len + period - past;
	return len > past ? len - past : 0;
}

static void background_body(struct task *task, void *arg)
{
	struct replay_background *bg = arg;
	const struct program_task *p = bg->program;

	if (p->unseen)
		task_hide(task);
	for (size_t i = 0; i < p->n_ops; i++) {
		sim_ps len;

		if (p->op[i].think)
			user_compute(task, p->op[i].think);
		if (p->op[i].kind == PROGRAM_EXIT)
			return;
		replay_go(task, bg->r, p, i);
		if (p->op[i].kind != PROGRAM_SLEEP)
			continue;
		len = sleep_over_runs(bg, &i);
		if (bg->r->on_ticks && p->op[i].flags & PROGRAM_BY_TICK)
			len = until_tick(bg->r, len);
		replay_sleep(task, bg->r, p, i, len);
	}
	for (;;)
		task_block(task);
}

struct replay_background *replay_background_start(struct replay *r)
{
	const struct program *p = r->program;
	struct kernel *k = r->kernel;
	struct replay_background *all = xcalloc(p->n_background + 1, sizeof(*all));

	for (size_t i = 0; i < p->n_background; i++) {
		const struct program_task *t = &p->background[i];
		bool there = t->initial_cpu != NO_CPU && t->initial_cpu < (int)kernel_nr_cpus(k);
		struct task_attr attr = {
			.comm = t->comm,
			.cpu = (t->bound || r->placed) && there ? t->initial_cpu : NO_CPU,
			.initial_cpu = there ? t->initial_cpu : 0,
			.fn = background_body,
			.arg = &all[i],
		};

		all[i] = (struct replay_background){ .r = r, .program = t };
		if (t->kthread)
			kernel_spawn_kthread(k, &attr);
		else
			kernel_spawn_daemon(k, &attr);
	}
	return all;
}
