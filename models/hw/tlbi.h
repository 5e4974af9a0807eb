/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Broadcast TLB invalidation as Arm has it: TLBI sends a message over the interconnect to every CPU
 * of the inner shareable domain, which is the whole machine, and DSB ISH waits until all of the
 * CPU's own have been done everywhere. Messages of all CPUs share the interconnect and queue there.
 * Timing only: which translations go is the kernel's (models/kernel/tlbi.h).
 */
#ifndef MODELS_HW_TLBI_H
#define MODELS_HW_TLBI_H

#include "models/hw/cpu.h"

/* The runner of `from` has issued n TLBIs, now. Its own issue cost is the caller's. */
void tlbi_send(struct cpu *from, uint64_t n);
/* When a DSB ISH that begins now ends: at once if none of the CPU's TLBIs is under way. */
sim_ps tlbi_complete_at(const struct cpu *from);

/*
 * How many instructions an invalidation of this many pages takes: one a page, or with range
 * instructions (FEAT_TLBIRANGE) one a digit of base 32 of half the count, and one for an odd page.
 */
uint64_t tlbi_ops(uint64_t pages, bool range);
#define TLBI_MAX_RANGE_PAGES (UINT64_C(32) << 16) /* what range instructions can cover */

#endif
