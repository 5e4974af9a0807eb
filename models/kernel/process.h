/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What fork.c, exec.c and process.c need of each other.
 */
#ifndef MODELS_KERNEL_PROCESS_H
#define MODELS_KERNEL_PROCESS_H

#include "models/kernel/kernel.h"

/* Every birth and death of a task writes to the lists of all tasks. */
void link_task(struct task *t);
/* The task lets go of its parent's mm: whom vfork put to sleep goes on. */
void complete_vfork_done(struct task *t);

#endif
