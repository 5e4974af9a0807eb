/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The CPUs that this process may use, as hwloc sees them, in the shape of a machine file: sockets x
 * L3 groups x cores x threads, and the distance class of each pair.
 */
#ifndef ANALYSIS_CALIBRATE_TOPOLOGY_H
#define ANALYSIS_CALIBRATE_TOPOLOGY_H

#include "analysis/calibrate/cache_curve.h"
#include "models/hw/machine.h"

extern const char *const distance_names[DISTANCES];

struct topo_cpu {
	unsigned int os_index, core, l3, socket;
};

struct topology {
	struct topo_cpu *cpu; /* by os_index */
	size_t n;
	uint32_t sockets, l3_per_socket, cores_per_l3, threads_per_core;
	struct cache_sizes caches; /* of the first CPU */
	bool even;  /* false: groups differ in size, and the shape holds more CPUs than there are */
	bool guest; /* CPUID says that a hypervisor is present */
	char vendor[32], model[96], kernel[144];
};

bool topology_read(struct topology *t, struct err *err);
void topology_free(struct topology *t);
enum distance topology_distance(const struct topo_cpu *a, const struct topo_cpu *b);

#endif
