/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk, as a queue with a given depth in front of a latency and a bandwidth: what swap and page
 * caches read from and write to. Timing only; who is told about the end is the kernel's business.
 */
#ifndef MODELS_HW_DISK_H
#define MODELS_HW_DISK_H

#include "models/hw/machine.h"

enum disk_op { DISK_READ, DISK_WRITE };

struct disk {
	sim_ps latency[2];
	double ps_per_byte;
	uint32_t depth;
	sim_ps *slot;    /* of each place in the queue: when it is free again */
	sim_ps bus_free; /* data of requests go one after the other */
};

struct disk *disk_create(const struct machine_desc *desc);
void disk_free(struct disk *d);
/* Submits a request at time `now`; when it will be done. Requests may overtake each other. */
sim_ps disk_submit(struct disk *d, enum disk_op op, uint64_t bytes, sim_ps now);

#endif
