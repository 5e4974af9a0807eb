/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's half of an Intel remote action request: the processor takes it by microcode, also
 * with interrupts off, without any handler; requests of several CPUs to one are done one after the
 * other, and what it was executing goes on that much later. Timing only: what goes is the kernel's.
 */
#ifndef MODELS_HW_RAR_H
#define MODELS_HW_RAR_H

#include "models/hw/cpu.h"

/* A request for so many pages (0: a whole PCID) reaches a CPU at `at`. Returns when it is done. */
sim_ps rar_arrive(struct cpu *to, sim_ps at, uint64_t pages);

#endif
