/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's side of userfaultfd; its system calls are in ops.h.
 */
#ifndef MODELS_KERNEL_USERFAULTFD_H
#define MODELS_KERNEL_USERFAULTFD_H

#include "models/kernel/huge_memory.h"

/* Under the fault's lock, which it drops, and with no other: sleeps until a handler has supplied
 * the page, then the fault starts over. */
void handle_userfault(struct task *t, struct fault *f);
void userfaultfd_free(struct mm *mm);

#endif
