// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Constants of fork, clone and brk: slopes over VMAs and pages, and what calls take beside the
 * steps that have constants of their own. Each is divided by kernel.scale, which multiplies it
 * again.
 */
#include <stdio.h>

#include "analysis/calibrate/calibrate.h"
#include "analysis/calibrate/probe_mm.h"
#include "models/kernel/costs.h"

struct deriving {
	struct calibration *c;
	double scale;
};

static bool median(const struct calibration *c, const char *name, struct summary *s)
{
	const struct figure *fig = figure_find(&c->figures, name);

	if (fig)
		*s = figure_summary(fig);
	return fig != NULL;
}

/* ns as measured, less known ns of the models at scale 1; the base machine's is better than none.
 */
static void add(const struct deriving *d, const char *key, double ns, double known,
		const struct summary *s, const char *how)
{
	double value = ns / d->scale - known;
	char text[64], note[160];

	if (!(value > 0))
		return;
	snprintf(note, sizeof(note), "%.4g ns measured, %s", ns, how);
	constant_time(value, text, sizeof(text));
	constant_add(d->c, key, text, CONSTANT_MEASURED, s, note);
}

static double ns_of(sim_ps ps)
{
	return (double)ps / SIM_NS;
}

static void derive_calls(const struct deriving *d, const struct kernel_costs *k)
{
	const double birth = ns_of(k->wakeup + k->tasklist);
	struct summary call, s;

	if (!median(d->c, "syscall", &call))
		return;
	if (median(d->c, "task.process", &s))
		add(d, "kernel.fork", s.median - call.median, birth, &s,
		    "clone(CLONE_VM) less a system call and the wake-up");
	if (median(d->c, "task.thread", &s))
		add(d, "kernel.clone", s.median - call.median, birth, &s,
		    "clone of a thread less a system call and the wake-up");
	if (median(d->c, "brk.grow", &s))
		add(d, "kernel.brk_base", s.median - call.median,
		    ns_of(k->vma_merge + k->vma_store), &s,
		    "growing the heap less a system call and its VMA");
}

static void derive_copies(const struct deriving *d, const struct kernel_costs *k)
{
	struct summary base, vmas, touched, ro, rw;
	double vma, page, written;

	if (!median(d->c, "fork.base", &base) || !median(d->c, "fork.vmas", &vmas) ||
	    !median(d->c, "fork.touched", &touched) || !median(d->c, "fork.pages_ro", &ro) ||
	    !median(d->c, "fork.pages_rw", &rw))
		return;
	vma = (touched.median - base.median) / FORK_VMAS; /* with a page, and an anon_vma */
	page = (ro.median - base.median - vma) / FORK_PAGES;
	written = (rw.median - ro.median) / FORK_PAGES;
	add(d, "kernel.dup_vma", (vmas.median - base.median) / FORK_VMAS, 0, &vmas,
	    "a VMA more in a fork");
	add(d, "kernel.anon_vma_chain",
	    ((touched.median - vmas.median) / FORK_VMAS - page - written) / 2, 0, &touched,
	    "half of what an anon_vma adds to a VMA in a fork");
	add(d, "kernel.copy_page", page, ns_of(k->pte_read + k->pte_set), &ro,
	    "a read-only page more in a fork, less its PTE");
	add(d, "kernel.wrprotect_pte", written, 0, &rw, "more if the page is writable");
}

void derive_forks(struct calibration *c, const struct kernel_costs *base, double scale)
{
	const struct deriving d = { c, scale };

	derive_calls(&d, base);
	derive_copies(&d, base);
}
