// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The disk's clock: a request waits for a place in the queue, then takes its latency, then its data
 * wait for the data of others.
 */
#include "models/hw/disk.h"

#include <stdlib.h>

struct disk *disk_create(const struct machine_desc *desc)
{
	struct disk *d = calloc(1, sizeof(*d));

	d->latency[DISK_READ] = desc->disk.read;
	d->latency[DISK_WRITE] = desc->disk.write;
	d->ps_per_byte = 1000 / desc->disk.rate; /* GB/s */
	d->depth = desc->disk.depth;
	d->slot = calloc(d->depth, sizeof(*d->slot));
	return d;
}

void disk_free(struct disk *d)
{
	free(d->slot);
	free(d);
}

sim_ps disk_submit(struct disk *d, enum disk_op op, uint64_t bytes, sim_ps now)
{
	uint32_t first = 0;
	sim_ps ready;

	for (uint32_t i = 1; i < d->depth; i++)
		if (d->slot[i] < d->slot[first])
			first = i;
	ready = (d->slot[first] > now ? d->slot[first] : now) + d->latency[op];
	if (ready < d->bus_free)
		ready = d->bus_free;
	ready += (sim_ps)((double)bytes * d->ps_per_byte);
	d->bus_free = ready;
	d->slot[first] = ready;
	return ready;
}
