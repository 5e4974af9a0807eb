/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Coming into the kernel from a program and going back: what mitigations add to each, the flush of
 * the user's PCID that page-table isolation leaves to the way back, and the kernel's own
 * translations. What an entry costs without all that is kernel.syscall, kernel.exception and ipi.
 */
#ifndef MODELS_KERNEL_ENTRY_H
#define MODELS_KERNEL_ENTRY_H

#include "models/kernel/kernel.h"

void entry_init(struct kernel *k);
void entry_free(struct kernel *k);
/* Touches the pages of text and data that any entry needs (`tlb.kernel_pages`). */
void touch_kernel_pages(struct task *t);

static inline void enter_kernel(struct task *t)
{
	t->debt += t->k->entry_ps;
	if (t->k->kernel_page)
		touch_kernel_pages(t);
}

static inline void exit_kernel(struct task *t)
{
	struct kcpu *c;

	while (__builtin_expect(this_cpu(t)->need_resched, 0) && t->state == TASK_RUNNING)
		schedule(t);
	c = this_cpu(t);
	t->debt += t->k->exit_ps;
	if (c->user_pcid_flush) { /* this CR3 write flushes */
		c->user_pcid_flush = false;
		t->debt += t->k->user_flush_ps;
	}
}

#endif
