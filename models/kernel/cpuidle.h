/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which idle state a CPU halts in: the shallow one (ipi.idle_exit), or a deep one (ipi.deep_exit)
 * in which the core loses its TLB, and before which the kernel leaves the mm, so that no shootdown
 * needs to wake it. Chosen as the menu governor does, by how long the idle time will be.
 */
#ifndef MODELS_KERNEL_CPUIDLE_H
#define MODELS_KERNEL_CPUIDLE_H

#include "models/kernel/kernel.h"

/* Before the halt, in the idle task: chooses, and leaves the mm for the deep state. Takes time. */
void cpuidle_enter(struct task *idle, struct kcpu *c);
/* The CPU halts now. */
void cpuidle_halt(struct kcpu *c);
/* What leaving the state takes if it is woken now. */
sim_ps cpuidle_latency(const struct kcpu *c);
/* It is woken: the same, and what it has lost is gone. */
sim_ps cpuidle_exit(struct kcpu *c);

/* The typical one of these times: their mean if they are close together, without up to a quarter of
 * them that are far from it; SIM_NEVER if there is none. */
sim_ps idle_typical_interval(const sim_ps *times, unsigned int n);

#endif
