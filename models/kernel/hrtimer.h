/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sleeps that an interrupt on a given CPU ends (task_sleep_for_irq): what the scheduler and the
 * interrupt code need of them.
 */
#ifndef MODELS_KERNEL_HRTIMER_H
#define MODELS_KERNEL_HRTIMER_H

#include "models/kernel/kernel.h"

/* That moment has come, and t still sleeps: its CPU's interrupt is on its way. */
void hrtimer_start(struct task *t);
/* Somebody else wakes it. */
void hrtimer_cancel(struct task *t);
/* The handler, in the context of the task that it interrupts. */
void hrtimer_interrupt(struct task *t);

#endif
