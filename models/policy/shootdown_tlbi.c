// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shootdown: tlbi, Arm's broadcast invalidation: TLBIs for the pages or for the whole ASID, and one
 * DSB ISH that waits for all CPUs of the machine. No interrupts, no mm_cpumask, no generations.
 */
#include "models/hw/tlbi.h"
#include "models/kernel/tlbi.h"

struct params {
	uint32_t max_ops;
};

static const struct param params[] = { { .name = "max_ops",
					 .type = PARAM_U32,
					 .offset = offsetof(struct params, max_ops),
					 .def = "512",
					 .min = 1,
					 .max = 1e6,
					 .help = "MAX_DVM_OPS: from so many pages on, without "
						 "range instructions, the whole ASID" },
				       PARAM_END };

static bool hardware_broadcast(const struct machine_desc *d)
{
	return d->flush.has_tlbi;
}

static bool is_too_long(const struct params *p, const struct machine_desc *d, uint64_t pages)
{
	if (!d->flush.has_tlbi)
		return pages > TLB_SINGLE_PAGE_FLUSH_CEILING;
	return d->flush.has_tlbi_range ? pages > TLBI_MAX_RANGE_PAGES : pages >= p->max_ops;
}

/* On a machine that has no TLBI: as an IPI machine does it. */
static void flush_by_ipi(struct task *t, struct mm *mm, struct flush_tlb_info *f)
{
	struct cpumask mask = mm->cpumask;

	if (cpumask_any_but(&mask, t->cpu))
		flush_tlb_multi(t, &mask, f);
	else
		flush_local(t, f);
}

static void flush(const void *p, struct task *t, struct mm *mm, const struct flush_tlb_info *info)
{
	const struct machine_desc *d = &t->k->m->desc;
	struct flush_tlb_info f = *info;

	if (f.end != TLB_FLUSH_ALL && is_too_long(p, d, (f.end - f.start) >> f.stride_shift)) {
		f.start = 0;
		f.end = TLB_FLUSH_ALL;
	}
	if (!t->k->tlb_broadcast) {
		flush_by_ipi(t, mm, &f);
		return;
	}
	tlbi_flush(t, &f);
	dsb_ish(t);
}

static bool batch_add(const void *p, struct task *t, struct mm *mm, uint64_t addr)
{
	(void)p;
	if (t->k->tlb_broadcast)
		tlbi_mm_range(t, mm, addr, addr + PAGE_SIZE, false);
	return t->k->tlb_broadcast;
}

static bool batch_flush(const void *p, struct task *t)
{
	(void)p;
	if (t->k->tlb_broadcast)
		dsb_ish(t);
	return t->k->tlb_broadcast;
}

static unsigned int no_ceiling(const void *p)
{
	(void)p;
	return UINT32_MAX; /* flush() has its own, which depends on the machine */
}

static const struct shootdown_ops ops = { .flush = flush,
					  .ceiling = no_ceiling,
					  .hardware_broadcast = hardware_broadcast,
					  .batch_add = batch_add,
					  .batch_flush = batch_flush };
static const struct policy_choice choice = {
	.axis = AXIS_SHOOTDOWN,
	.name = "tlbi",
	.summary = "Arm TLBI broadcast and DSB, no IPIs (on a machine that has it: flush.has_tlbi)",
	.source = "arch/arm64/include/asm/tlbflush.h of Linux 6.1 to 6.18",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
