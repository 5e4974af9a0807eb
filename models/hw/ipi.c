// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * IPI timing. A destination's interrupt comes due a delivery latency (by distance, with the
 * machine's jitter) after the ICR write that reaches it has begun.
 */
#include "models/hw/ipi.h"

#include "models/hw/rar.h"
#include "models/hw/steal.h"

#define X2APIC_CLUSTER 16
#define PV_IPI_WINDOW  128
#define MAX_SHOT       PV_IPI_WINDOW

static sim_ps delivery(struct machine *m, sim_ps latency)
{
	double factor = 1.0 + m->desc.ipi.jitter * rng_normal(&m->ipi_rng);

	if (factor < 0.5) /* a normal has tails that no interconnect has */
		factor = 0.5;
	return (sim_ps)((double)latency * factor);
}

/* In guest mode, as far as its host lets it. */
static bool in_guest(const struct cpu *cpu)
{
	return (cpu->busy || cpu->m->desc.idle_polls) && !steal_is_preempted(cpu);
}

/* A set of CPUs that one ICR write, or one hypercall, reaches. */
struct shot {
	unsigned int n;
	bool all_run;   /* in guest mode */
	bool hypercall; /* virt.pv_ipi */
	unsigned int to[MAX_SHOT];
};

/* Does the hardware do it all, without the sender's host? */
static bool is_direct(const struct machine_desc *d, const struct shot *s)
{
	if (!d->virt.guest || s->hypercall)
		return false;
	if (d->virt.ipi_virtualization == IPI_VIRT_INTEL)
		return s->n == 1 && d->ipi.mode == IPI_X2APIC_PHYSICAL;
	return d->virt.ipi_virtualization == IPI_VIRT_AVIC && s->all_run;
}

/* The nth CPU of a shot: a host wakes them one after the other. One that is not in guest mode is
 * woken by its own host. */
static void raise_at(struct cpu *from, unsigned int target, enum irq_vector vector,
		     unsigned int nth, bool direct)
{
	struct machine *m = from->m;
	const struct machine_desc *d = &m->desc;
	struct cpu *to = &m->cpus[target];
	sim_ps host = d->virt.guest ? nth * d->virt.icr_target : 0;
	sim_ps latency = m->ipi_latency[machine_core_distance(m, from->core, to->core)], at;

	if (direct) {
		host = in_guest(to) ? 0 : d->virt.icr_target;
		latency = d->virt.direct_latency;
	}
	at = sim_now(m->sim) + host + delivery(m, latency);
	if (vector == IRQ_RAR) {
		at = rar_arrive(to, at, from->rar_pages);
		from->rar_done = at > from->rar_done ? at : from->rar_done;
	} else {
		cpu_raise(to, vector, at);
	}
	/* One that is in an exit of its own returns with the sender. */
	if (d->virt.exits_join && to->exit_until > sim_now(m->sim) &&
	    to->exit_until < from->exit_until)
		to->exit_until = from->exit_until;
}

static void begin_icr_write(struct cpu *from, const struct shot *s, bool direct)
{
	const struct machine_desc *d = &from->m->desc;
	sim_ps cost = d->ipi.icr_write;

	if (direct)
		cost = d->virt.direct_write;
	else if (d->virt.guest)
		cost = d->virt.icr_exit + s->n * d->virt.icr_target + from->host_cold;
	from->host_cold = 0;
	from->exit_until = sim_now(from->m->sim) + cost;
}

/* The sender is deaf while it is in its host, and finds what has come meanwhile on its return. */
static void end_icr_write(struct cpu *from, bool direct)
{
	sim_ps now;

	from->irq_off++;
	while ((now = sim_now(from->m->sim)) < from->exit_until) { /* others make it longer */
		sim_ps cost = from->exit_until - now;

		cpu_spend(from, &cost);
	}
	from->irq_off--;
	from->in_host = from->m->desc.virt.guest && !direct && cpu_irq_pending(from, now);
}

/* Its interrupts are under way before its cost is spent. */
static void shoot(struct cpu *from, const struct shot *s, enum irq_vector vector)
{
	bool direct = is_direct(&from->m->desc, s);

	begin_icr_write(from, s, direct);
	for (unsigned int i = 0; i < s->n; i++)
		raise_at(from, s->to[i], vector, i + 1, direct);
	end_icr_write(from, direct);
}

static void load(struct shot *s, bool hypercall)
{
	s->n = 0;
	s->all_run = true;
	s->hypercall = hypercall;
}

static void aim(const struct machine *m, struct shot *s, unsigned int target)
{
	s->to[s->n++] = target;
	s->all_run &= in_guest(&m->cpus[target]);
}

unsigned int ipi_send_one(struct cpu *from, unsigned int target, enum irq_vector vector)
{
	struct shot s;

	load(&s, false);
	aim(from->m, &s, target);
	shoot(from, &s, vector);
	return 1;
}

/* CPUs that one write reaches together share this key. */
static unsigned int group_of(const struct machine *m, unsigned int cpu, bool many)
{
	if (m->desc.virt.guest && m->desc.virt.pv_ipi && many)
		return cpu / PV_IPI_WINDOW;
	return m->desc.ipi.mode == IPI_X2APIC_CLUSTER ? cpu / X2APIC_CLUSTER : cpu;
}

unsigned int ipi_send(struct cpu *from, const struct cpumask *targets, enum irq_vector vector)
{
	bool many = cpumask_weight(targets) > 1;
	bool hypercall = from->m->desc.virt.guest && from->m->desc.virt.pv_ipi && many;
	unsigned int writes = 0, group = UINT32_MAX;
	struct shot s;

	cpumask_for_each(cpu, targets) {
		unsigned int g = group_of(from->m, cpu, many);

		if (g != group && writes++)
			shoot(from, &s, vector);
		if (g != group)
			load(&s, hypercall);
		group = g;
		aim(from->m, &s, cpu);
	}
	if (writes)
		shoot(from, &s, vector);
	return writes;
}
