/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A logical CPU: it spends simulated time for the one actor that runs on it, and interrupts come
 * due at exact moments. An actor that spends time with interrupts enabled is stopped at the moment
 * when the earliest interrupt comes due; what to do then is the kernel's business. While the SMT
 * sibling is busy, work takes smt_slowdown times as long, and a change re-times work under way.
 */
#ifndef MODELS_HW_CPU_H
#define MODELS_HW_CPU_H

#include "models/hw/machine.h"
#include "models/hw/tlb.h"

enum irq_vector {
	IRQ_CALL_FUNCTION,
	IRQ_CALL_FUNCTION_SINGLE,
	IRQ_RESCHEDULE,
	IRQ_TICK,    /* the periodic local timer */
	IRQ_HRTIMER, /* a sleeper's timer */
	IRQ_DISK,    /* requests of this CPU are done */
	NR_IRQS,
	IRQ_RAR /* a remote action (rar.h): never raised, microcode takes it */
};

struct cpu {
	struct machine *m;
	unsigned int id, core, sibling; /* sibling == id: none */
	struct sim_actor *runner;       /* the actor that runs on this CPU */
	bool waiting;                   /* the runner is parked where an interrupt may wake it */
	sim_ps exit_until;       /* its last ICR write is done, or returns from the host, then */
	sim_ps host_cold;        /* its next exit takes so much more: the host's code is cold */
	bool in_host;            /* a guest CPU that is in its host: deaf until it returns */
	bool busy;               /* executes for somebody: counts against the sibling */
	unsigned int irq_off;    /* nesting of disabled interrupts */
	sim_ps irq_due[NR_IRQS]; /* SIM_NEVER = not raised */
	sim_ps irq_min;          /* the earliest of them */
	sim_ps busy_ps;          /* time spent executing */
	sim_ps steal_at;         /* its host takes it then; SIM_NEVER */
	struct steal *steal;     /* NULL: it has its CPU to itself (steal.h) */
	sim_ps idle_exit;        /* from the idle state that it halts in */
	sim_ps rar_free, owed;   /* its microcode is free; has taken so much of its time */
	sim_ps rar_done;         /* the last of the remote actions it asked for is done */
	uint64_t rar_pages;      /* of that request; 0: all */
	sim_ps tlbi_done;        /* the last of its broadcast TLBIs has reached all CPUs */
	struct tlb tlb;
};

void cpu_init(struct cpu *cpu, struct machine *m, unsigned int id);

/*
 * The runner spends *work. True: all of it is spent. False: an interrupt came due first and *work
 * is what is left. With irq_off > 0 always true.
 */
bool cpu_spend(struct cpu *cpu, sim_ps *work);
/* The runner stalls until t (>= now): an instruction that waits for memory, not interruptible. */
void cpu_stall(struct cpu *cpu, sim_ps t);
/* The runner waits, executing (a spin loop) or halted, until it is unparked, or an interrupt comes
 * due (if enabled), or until t. May return early: the caller looks again at what it waits for. */
void cpu_wait(struct cpu *cpu, sim_ps t, const char *why);

/* Raises an interrupt that comes due at t. One that is raised already keeps the earlier time. */
void cpu_raise(struct cpu *cpu, enum irq_vector vector, sim_ps t);
/* What was raised, if it has not come yet, will not come. */
void cpu_unraise(struct cpu *cpu, enum irq_vector vector);
static inline bool cpu_irq_pending(const struct cpu *cpu, sim_ps now)
{
	return cpu->irq_min <= now;
}
/* The earliest due interrupt; NR_IRQS if none is due. */
enum irq_vector cpu_irq_first(const struct cpu *cpu, sim_ps now);
/* Takes it off the CPU. */
enum irq_vector cpu_irq_take(struct cpu *cpu, sim_ps now);

/* The CPU starts or stops executing: re-times the sibling. */
void cpu_set_busy(struct cpu *cpu, bool busy);

#endif
