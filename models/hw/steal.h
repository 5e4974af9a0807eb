/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A host that takes a virtual CPU away and gives it back later (steal time). A CPU that executes is
 * taken after a random time and stays away for a random time; meanwhile it does nothing and is
 * deaf. A halted one is in its host anyway and has nothing to lose. What a guest and its host tell
 * each other about it (KVM's struct kvm_steal_time) is one cache line.
 */
#ifndef MODELS_HW_STEAL_H
#define MODELS_HW_STEAL_H

#include "models/hw/line.h"
#include "sim/rng.h"

struct cpu;

struct steal {
	struct rng rng;
	bool preempted;    /* the host runs something else: it says so in the shared line */
	bool flush_asked;  /* the guest asked for a flush of this CPU's TLB at its return */
	struct line *line; /* the shared one, or NULL */
	uint64_t times, flushes;
	sim_ps total;
};

/* If the machine steals: virt.steal_interval. */
void steal_init(struct cpu *cpu);
void steal_free(struct cpu *cpu);
/* The CPU begins to execute again: what was drawn for the time that it halted does not count. */
void steal_resume(struct cpu *cpu);
/* The runner's time has come (cpu->steal_at): away until the host gives the CPU back. */
void steal_take(struct cpu *cpu);

/* By another CPU, with the shared line in its hands: true if that CPU is away, and then it flushes
 * its whole TLB before it executes anything. */
bool steal_ask_flush(struct cpu *cpu);
bool steal_is_preempted(const struct cpu *cpu);

#endif
