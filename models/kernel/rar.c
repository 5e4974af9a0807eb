// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The sender's steps: take a payload, fill it, mark it pending in each target's vector, send, watch
 * the vectors until all are done. Microcode's stores take each vector's line to its own core.
 */
#include "models/kernel/rar.h"

#include <stdlib.h>

#include "models/hw/ipi.h"
#include "models/kernel/init.h"

METRIC(desc_rar, "tlb.rar", METRIC_COUNTER, "1", NULL, "remote action requests sent, by target");
METRIC(desc_wait, "tlb.rar_wait", METRIC_HISTOGRAM, "ps", NULL,
       "time a sender waits for remote actions, after it has sent them");

struct rar_payload {
	struct spinlock lock;
	struct line line;
};

struct rar {
	unsigned int n;
	struct rar_payload *payload;
	struct line *action; /* of each CPU */
};

void rar_init(struct kernel *k)
{
	const struct machine_desc *d = &k->m->desc;
	struct lock_class *class;

	if (!d->flush.has_rar)
		return;
	class = lock_class_get(k, "rar_lock");
	k->rar = calloc(1, sizeof(*k->rar));
	k->rar->n = d->flush.rar_payloads;
	k->rar->payload = calloc(k->rar->n, sizeof(*k->rar->payload));
	k->rar->action = calloc(k->nr_cpus, sizeof(*k->rar->action));
	for (unsigned int i = 0; i < k->rar->n; i++) {
		spin_lock_init(k, &k->rar->payload[i].lock, class);
		line_init(&k->rar->payload[i].line, line_class_get(k->m, "rar_payload"));
	}
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		line_init(&k->rar->action[i], line_class_get(k->m, "rar_action"));
}

void rar_free(struct kernel *k)
{
	if (!k->rar)
		return;
	for (unsigned int i = 0; i < k->rar->n; i++) {
		spin_lock_free(k, &k->rar->payload[i].lock);
		line_free(&k->rar->payload[i].line, k->m);
	}
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		line_free(&k->rar->action[i], k->m);
	free(k->rar->payload);
	free(k->rar->action);
	free(k->rar);
}

static void mark_pending(struct task *t, const struct cpumask *to)
{
	sim_ps done = 0;

	cpumask_for_each(cpu, to) {
		sim_ps at = post_store(t, &t->k->rar->action[cpu]);

		done = at > done ? at : done;
	}
	cpu_stall(this_cpu(t)->cpu, done); /* the fence before the ICR write */
}

static void wait_for_actions(struct task *t, const struct cpumask *to)
{
	struct machine *m = t->k->m;
	struct cpu *cpu = this_cpu(t)->cpu;
	struct part_timer wait;

	settle(t);
	wait = part_begin(t);
	while (sim_now(t->k->sim) < cpu->rar_done)
		spin_wait(t, cpu->rar_done, "remote actions");
	cpumask_for_each(target, to) {
		line_access(m, &t->k->rar->action[target], machine_core_of(m, target), LINE_WRITE,
			    sim_now(t->k->sim));
		touch_line(t, &t->k->rar->action[target], LINE_READ);
	}
	settle(t);
	hist_add(&kernel_metric(t->k, &t->k->metric.rar_wait, &desc_wait)->hist,
		 sim_now(t->k->sim) - wait.start);
	part_end(t, wait, HOLD_IPI);
}

/* What microcode has done meanwhile. Not seen before the sender has seen that it is done. */
static void take_effect(struct kernel *k, const struct mm *mm, const struct cpumask *to,
			const struct flush_tlb_info *f, bool whole)
{
	cpumask_for_each(cpu, to) {
		struct kcpu *c = &k->cpus[cpu];
		struct tlb *tlb = &c->cpu->tlb;

		if (c->tlbstate.ctxs[GLOBAL_ASID_SLOT].ctx_id != mm->ctx_id)
			continue;
		if (whole) {
			tlb_flush_slot(tlb, GLOBAL_ASID_SLOT);
			continue;
		}
		for (uint64_t a = f->start; a < f->end; a += UINT64_C(1) << f->stride_shift)
			tlb_invalidate_one(tlb, tlb_context(tlb, GLOBAL_ASID_SLOT),
					   a >> PAGE_SHIFT);
	}
}

/* pages = 0: a request without addresses. Returns its payload, locked: the
 * caller says what has been done, and unlocks it. */
static struct rar_payload *request(struct task *t, const struct cpumask *to, uint64_t pages)
{
	struct rar_payload *p = &t->k->rar->payload[t->cpu % t->k->rar->n];
	struct cpu *cpu;

	spend(t, t->k->cost.call_many);
	spin_lock(t, &p->lock);
	touch_line(t, &p->line, LINE_WRITE);
	mark_pending(t, to);
	cpu = this_cpu(t)->cpu;
	cpu->rar_pages = pages;
	cpu->rar_done = 0;
	ipi_send(cpu, to, IRQ_RAR);
	kernel_metric(t->k, &t->k->metric.rar, &desc_rar)->value += cpumask_weight(to);
	wait_for_actions(t, to);
	return p;
}

void smp_call_rar_many(struct task *t, struct mm *mm, const struct cpumask *mask,
		       const struct flush_tlb_info *f)
{
	uint64_t pages = (f->end - f->start) >> f->stride_shift;
	bool whole = f->end == TLB_FLUSH_ALL || pages > RAR_INVLPG_MAX_PAGES;
	struct cpumask to = *mask;
	struct rar_payload *p;

	cpumask_unset(&to, t->cpu);
	if (!cpumask_weight(&to))
		return;
	p = request(t, &to, whole ? 0 : pages);
	take_effect(t->k, mm, &to, f, whole);
	spin_unlock(t, &p->lock);
}

void smp_call_rar_all(struct task *t, const struct cpumask *mask)
{
	struct cpumask to = *mask;
	struct rar_payload *p;

	cpumask_unset(&to, t->cpu);
	if (!cpumask_weight(&to))
		return;
	p = request(t, &to, 0);
	cpumask_for_each(cpu, &to)
		tlb_flush_all(&t->k->cpus[cpu].cpu->tlb, false);
	spin_unlock(t, &p->lock);
}
