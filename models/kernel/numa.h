/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NUMA: which node a page lies on, and the kernel's balancing of it: a scanner takes away access to
 * a part of an mm now and then, the faults that follow say who uses what, and pages follow their
 * users. How memory of another node slows a program's own accesses is not modelled.
 */
#ifndef MODELS_KERNEL_NUMA_H
#define MODELS_KERNEL_NUMA_H

#include "models/kernel/fault.h"

/* A node is a socket. */
uint8_t cpu_node(const struct kernel *k, unsigned int cpu);
/* From the tick: is it time for this task's mm? Then the scan runs on its way to user mode. */
void task_tick_numa(struct task *t);
void task_numa_work(struct task *t);
/* A fault on a PTE that the scanner made inaccessible. */
void do_numa_page(struct task *t, struct fault *f);

#endif
