/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sending inter-processor interrupts: what the ICR writes cost the sender and when each target's
 * interrupt comes due. What the target spends on entry and exit is charged by whoever handles it.
 */
#ifndef MODELS_HW_IPI_H
#define MODELS_HW_IPI_H

#include "models/hw/cpu.h"

/*
 * The runner of `from` sends `vector` to every CPU of `targets` (never itself). Native: one ICR
 * write a CPU (x2APIC physical) or a cluster of 16 (x2APIC cluster). Guest: each write leaves to
 * the host, during which the sender is deaf; with virt.pv_ipi a mask of several goes in one
 * hypercall per 128 CPUs, and with virt.ipi_virtualization some writes stay in the guest. Returns
 * how many ICR writes or hypercalls it took.
 */
unsigned int ipi_send(struct cpu *from, const struct cpumask *targets, enum irq_vector vector);
unsigned int ipi_send_one(struct cpu *from, unsigned int target, enum irq_vector vector);

#endif
