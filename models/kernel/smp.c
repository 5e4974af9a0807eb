// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * smp_call_function_many_cond step by step: queue a csd on each target's list, interrupt those
 * whose list was empty, run the local part, then spin on each csd in order.
 */
#include "models/kernel/smp.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/ipi.h"
#include "models/kernel/runqueue.h"

void smp_init_cpu(struct kcpu *c)
{
	line_init(&c->call_queue_line, line_class_get(c->k->m, "call_single_queue"));
	c->csd = calloc(c->k->nr_cpus, sizeof(*c->csd));
}

void smp_free_cpu(struct kcpu *c)
{
	for (unsigned int i = 0; i < c->k->nr_cpus; i++) {
		if (!c->csd[i])
			continue;
		sim_check(c->k->sim, !c->csd[i]->locked, "ipi-leak", "csd %u to %u never done",
			  c->id, i);
		line_free(&c->csd[i]->line, c->k->m);
		free(c->csd[i]);
	}
	free(c->csd);
	line_free(&c->call_queue_line, c->k->m);
}

static struct csd *csd_of(struct kcpu *c, unsigned int target)
{
	if (!c->csd[target]) {
		c->csd[target] = calloc(1, sizeof(struct csd));
		line_init(&c->csd[target]->line, c->k->csd_line_class);
	}
	return c->csd[target];
}

static void csd_wait(struct task *t, struct csd *csd)
{
	spend(t, t->k->cost.csd_wait);
	settle(t);
	csd->waiter = t;
	while (csd->locked)
		spin_wait(t, SIM_NEVER, "an IPI's acknowledgement");
	csd->waiter = NULL;
	/* The acknowledging store took the line away: fetch it. */
	touch_line(t, &csd->line, LINE_READ);
}

/* Queues the call; true: the target's queue was empty, so it needs an interrupt. */
static bool queue_call(struct task *t, unsigned int target, smp_call_fn *fn, void *info,
		       size_t size)
{
	struct kcpu *to = &t->k->cpus[target];
	struct csd *csd = csd_of(this_cpu(t), target);
	bool was_empty;
	sim_ps done;

	if (csd->locked)
		csd_wait(t, csd);
	spend(t, t->k->cost.call_single);
	touch_line(t, &csd->line, LINE_WRITE);
	csd->locked = true;
	csd->fn = fn;
	csd->info = info;
	csd->inlined = size != 0;
	memcpy(csd->data, info ? info : csd->data, size);
	settle(t);
	done = line_access(t->k->m, &to->call_queue_line, this_cpu(t)->cpu->core, LINE_ATOMIC,
			   sim_now(t->k->sim));
	was_empty = !to->call_queue && !to->ttwu_pending;
	csd->next = to->call_queue;
	to->call_queue = csd;
	cpu_stall(this_cpu(t)->cpu, done);
	return was_empty;
}

static bool store_suffices(const struct task *t, const struct kcpu *target)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_SHOOTDOWN];
	const struct shootdown_ops *ops = p->choice->ops;

	return idle_sees_stores(target) &&
	       (!ops->store_to_polling || ops->store_to_polling(p->params));
}

static uint64_t nr_isolated(const struct kernel *k, const struct cpumask *to)
{
	uint64_t n = 0;

	cpumask_for_each(cpu, to)
		n += k->cpus[cpu].isolated;
	return n;
}

static void send_ipis(struct task *t, const struct cpumask *to, unsigned int n, enum ipi_kind kind)
{
	struct kcpu *c = this_cpu(t);

	count_ipis(t, kind, n, t->k->m->desc.isolated_cores ? nr_isolated(t->k, to) : 0);
	if (n == 1) {
		unsigned int target = cpumask_next(to, 0);
		struct kcpu *k = &t->k->cpus[target];

		if (store_suffices(t, k)) {
			/* A polling idle task looks at its queue when its flag is set. */
			cpu_raise(k->cpu, IRQ_CALL_FUNCTION_SINGLE, idle_store(t, k));
			return;
		}
		tracepoint(t);
		settle(t);
		exit_to_host(t);
		ipi_send_one(c->cpu, target, IRQ_CALL_FUNCTION_SINGLE);
	} else {
		tracepoint(t);
		settle(t);
		exit_to_host(t);
		ipi_send(c->cpu, to, IRQ_CALL_FUNCTION);
	}
	if (!c->cpu->irq_off && cpu_irq_pending(c->cpu, sim_now(t->k->sim)))
		handle_irqs(t);
}

static void run_local(struct task *t, smp_call_fn *fn, void *info)
{
	irq_disable(t);
	fn(t, info);
	irq_enable(t);
}

unsigned int smp_call_function_many_inlined(struct task *t, const struct cpumask *mask,
					    smp_call_fn *fn, void *info, size_t size,
					    smp_cond_fn *cond, enum ipi_kind kind)
{
	struct cpumask called, ipis;
	unsigned int n = 0, n_ipis = 0, self;
	struct part_timer wait;

	preempt_disable(t);
	self = t->cpu;
	cpumask_clear(&called);
	cpumask_clear(&ipis);
	spend(t, t->k->cost.call_many);
	cpumask_for_each(cpu, mask) {
		if (cpu == self || (cond && !cond(t, cpu, info)))
			continue;
		ensure_idle(&t->k->cpus[cpu]);
		cpumask_set(&called, cpu);
		n++;
		if (queue_call(t, cpu, fn, info, size)) {
			cpumask_set(&ipis, cpu);
			n_ipis++;
		}
	}
	if (n_ipis)
		send_ipis(t, &ipis, n_ipis, kind);
	if (cpumask_test(mask, self))
		run_local(t, fn, info);
	if (n) {
		settle(t);
		wait = part_begin(t);
		cpumask_for_each(cpu, &called)
			csd_wait(t, this_cpu(t)->csd[cpu]);
		settle(t);
		hist_add(&t->k->metric.flush_wait->hist, sim_now(t->k->sim) - wait.start);
		part_end(t, wait, HOLD_IPI);
	}
	preempt_enable(t);
	return n;
}

unsigned int smp_call_function_many_cond(struct task *t, const struct cpumask *mask,
					 smp_call_fn *fn, void *info, smp_cond_fn *cond,
					 enum ipi_kind kind)
{
	return smp_call_function_many_inlined(t, mask, fn, info, 0, cond, kind);
}

void smp_call_function_single_async(struct task *t, unsigned int cpu, smp_call_fn *fn, void *info,
				    enum ipi_kind kind)
{
	struct cpumask to;

	preempt_disable(t);
	ensure_idle(&t->k->cpus[cpu]);
	cpumask_clear(&to);
	cpumask_set(&to, cpu);
	if (queue_call(t, cpu, fn, info, 0))
		send_ipis(t, &to, 1, kind);
	preempt_enable(t);
}

static void acknowledge(struct task *t, struct csd *csd)
{
	sim_ps visible = post_store(t, &csd->line);

	csd->locked = false;
	if (csd->waiter)
		sim_unpark_at(t->k->sim, csd->waiter->actor, visible);
}

static void run_call(struct task *t, struct csd *csd)
{
	_Alignas(max_align_t) char data[CSD_INLINE_BYTES];
	smp_call_fn *fn = csd->fn;

	if (csd->inlined) {
		memcpy(data, csd->data, sizeof(data));
		acknowledge(t, csd);
		fn(t, data);
		return;
	}
	fn(t, csd->info);
	acknowledge(t, csd);
}

void flush_smp_call_function_queue(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	struct csd *list, *fifo = NULL, *next;
	bool woken;

	touch_line(t, &c->call_queue_line, LINE_ATOMIC);
	settle(t);
	list = c->call_queue;
	woken = c->ttwu_pending;
	c->call_queue = NULL;
	c->ttwu_pending = false;
	for (; list; list = next) {
		next = list->next;
		list->next = fifo;
		fifo = list;
	}
	for (; fifo; fifo = next) {
		next = fifo->next; /* the source may use the csd again once it is acknowledged */
		touch_line(t, &fifo->line, LINE_READ);
		t->k->metric.ipi_received->value++;
		run_call(t, fifo);
	}
	if (woken)
		sched_ttwu_pending(t);
}

/* ---- a cross call by itself, for loads that measure one ---- */

struct cross_call {
	sim_ps asked_at, first_at;
};

static void note_time(struct task *t, void *info)
{
	struct cross_call *call = info;

	settle(t);
	if (call->first_at == SIM_NEVER)
		call->first_at = sim_now(t->k->sim);
}

sim_ps kernel_cross_call(struct task *t, unsigned int first, unsigned int n)
{
	struct cross_call call = { .first_at = SIM_NEVER };
	struct cpumask mask;

	settle(t);
	call.asked_at = sim_now(t->k->sim);
	cpumask_clear(&mask);
	for (unsigned int cpu = first; cpu < first + n && cpu < t->k->nr_cpus; cpu++)
		if (cpu != t->cpu)
			cpumask_set(&mask, cpu);
	smp_call_function_many_cond(t, &mask, note_time, &call, NULL, IPI_CALL);
	settle(t);
	return call.first_at == SIM_NEVER ? 0 : call.first_at - call.asked_at;
}

static void nothing(struct task *t, void *info)
{
	(void)t, (void)info;
}

void tlb_remove_table_sync_one(struct task *t)
{
	struct cpumask all;

	cpumask_clear(&all);
	for (unsigned int cpu = 0; cpu < t->k->nr_cpus; cpu++)
		if (cpu != t->cpu)
			cpumask_set(&all, cpu);
	smp_call_function_many_cond(t, &all, nothing, NULL, NULL, IPI_TABLE_SYNC);
}
