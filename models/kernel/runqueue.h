/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the idle loop needs of the run queues.
 */
#ifndef MODELS_KERNEL_RUNQUEUE_H
#define MODELS_KERNEL_RUNQUEUE_H

#include "models/kernel/kernel.h"

/* Newly idle balance: pulls a task that waits elsewhere and is not bound. True if it got one. */
bool runqueue_steal(struct kcpu *c);

#endif
