// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * secondary-tlbs: iommu, a device that walks the process's own page tables (shared virtual
 * addressing): every CPU flush is followed by an invalidation through the IOMMU's queue, which the
 * flushing CPU waits for with interrupts off.
 */
#include "models/kernel/mmu_notifier.h"

struct params {
	sim_ps submit, latency;
};

static const struct param params[] = {
	{ .name = "submit",
	  .type = PARAM_PS,
	  .offset = offsetof(struct params, submit),
	  .def = "100ns", /* estimate: descriptors and an uncached write of the tail */
	  .max = 1e9,
	  .help = "filling descriptors and ringing, under the queue's lock" },
	{ .name = "latency",
	  .type = PARAM_PS,
	  .offset = offsetof(struct params, latency),
	  .def = "1us", /* estimate: IOTLB and device TLB over PCIe */
	  .max = 1e9,
	  .help = "until the IOMMU and the device have answered" },
	PARAM_END
};

static void invalidate(const void *arg, struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	const struct params *p = arg;
	struct spinlock *lock = &t->k->secondary->queue_lock;

	(void)mm, (void)start, (void)end;
	spin_lock_irq(t, lock);
	spend(t, p->submit);
	spin_unlock(t,
		    lock); /* interrupts stay off, the lock is free while the answer is awaited */
	spend_time(t, p->latency);
	spin_lock(t, lock);
	spin_unlock_irq(t, lock);
}

static const struct secondary_tlb_ops ops = { .invalidate = invalidate };
static const struct policy_choice choice = {
	.axis = AXIS_SECONDARY_TLBS,
	.name = "iommu",
	.summary = "a device on the process's page tables, invalidated behind every CPU flush",
	.source = "arch_invalidate_secondary_tlbs (Linux 6.6); Intel VT-d, qi_submit_sync",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
