/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cache line of the kernel: who owns it, who shares it, and until when it is busy. An access
 * costs by state and distance, and concurrent accesses to one line queue up: a line serves one
 * transfer at a time, in the order of arrival. Caches belong to cores, so SMT siblings share a
 * copy. Lines are never evicted by capacity. MESI with a forwarding owner (a read of a modified
 * line leaves the old owner a sharer). Latencies: machine file, line.*.
 */
#ifndef MODELS_HW_LINE_H
#define MODELS_HW_LINE_H

#include <stdint.h>

#include "models/hw/machine.h"

#define LINE_NO_OWNER UINT16_MAX

/* What a line is for: its accesses are counted together. */
struct line_class {
	const char *name;
	struct line_class *next;
	bool ideal; /* every core has it in its cache, always (line.ideal) */
	uint64_t hits, transfers;
	sim_ps transfer_ps, wait_ps; /* moving; queueing behind other transfers */
};

struct line {
	sim_ps busy_until;
	struct line_class *class;
	uint16_t owner; /* core with the only, modified copy; LINE_NO_OWNER = shared or nowhere */
	uint16_t last;  /* core that wrote last: it, or its L3, forwards to readers */
	uint32_t nr_sharers;
	union {
		uint64_t bits; /* machines of up to 64 cores */
		uint64_t *map; /* larger: one bit a core, allocated at the first sharing */
	} sharers;
};

enum line_access { LINE_READ, LINE_WRITE, LINE_ATOMIC };

struct line_class *line_class_get(struct machine *m, const char *name);
void line_init(struct line *line, struct line_class *class);
void line_free(struct line *line, const struct machine *m);

/*
 * Performs the access for a core at time `now` and returns when it is complete. The new state holds
 * at once: simulated order is the order of calls, and a later access queues behind this one.
 */
sim_ps line_access(struct machine *m, struct line *line, unsigned int core, enum line_access how,
		   sim_ps now);
/* Would the access be served by the core's own copy? */
bool line_is_hit(const struct machine *m, const struct line *line, unsigned int core,
		 enum line_access how);

#endif
