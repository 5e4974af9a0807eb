// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads the topology by hwloc.
 */
#include "analysis/calibrate/topology.h"

#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

const char *const distance_names[DISTANCES] = { "same_core", "same_l3", "same_socket",
						"cross_socket" };

/* The logical index of the ancestor of a type, or of the package where there is none (a machine
 * without L3 that is told of). */
static unsigned int group_of(hwloc_topology_t h, hwloc_obj_t pu, hwloc_obj_type_t type)
{
	hwloc_obj_t o = hwloc_get_ancestor_obj_by_type(h, type, pu);

	if (!o)
		o = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_PACKAGE, pu);
	return o ? o->logical_index : 0;
}

static int by_os_index(const void *a, const void *b)
{
	const struct topo_cpu *x = a, *y = b;

	return (x->os_index > y->os_index) - (x->os_index < y->os_index);
}

static uint32_t max_of(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* How many different values of `inner` lie in each value of `outer`, the most of any. */
static uint32_t most_within(const struct topology *t, size_t outer, size_t inner)
{
	uint32_t most = 1;

	for (size_t i = 0; i < t->n; i++) {
		unsigned int group = *(unsigned int *)((char *)&t->cpu[i] + outer);
		uint32_t n = 0;

		for (size_t j = 0; j < t->n; j++) {
			unsigned int value = *(unsigned int *)((char *)&t->cpu[j] + inner);
			bool first = *(unsigned int *)((char *)&t->cpu[j] + outer) == group;

			for (size_t k = 0; first && k < j; k++)
				first = *(unsigned int *)((char *)&t->cpu[k] + outer) != group ||
					*(unsigned int *)((char *)&t->cpu[k] + inner) != value;
			n += first;
		}
		most = max_of(most, n);
	}
	return most;
}

static void find_shape(struct topology *t)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < t->n; i++) {
		bool first = true;

		for (size_t j = 0; j < i; j++)
			first = first && t->cpu[j].socket != t->cpu[i].socket;
		seen += first;
	}
	t->sockets = max_of(seen, 1);
	t->l3_per_socket = most_within(t, offsetof(struct topo_cpu, socket),
				       offsetof(struct topo_cpu, l3));
	t->cores_per_l3 = most_within(t, offsetof(struct topo_cpu, l3),
				      offsetof(struct topo_cpu, core));
	t->threads_per_core = most_within(t, offsetof(struct topo_cpu, core),
					  offsetof(struct topo_cpu, os_index));
	t->even = (size_t)t->sockets * t->l3_per_socket * t->cores_per_l3 * t->threads_per_core ==
		  t->n;
}

static void read_caches(struct topology *t, hwloc_topology_t h)
{
	const struct {
		hwloc_obj_type_t type;
		uint64_t *size;
		uint32_t *ways;
	} levels[] = {
		{ HWLOC_OBJ_L1CACHE, &t->caches.l1d, &t->caches.l1d_ways },
		{ HWLOC_OBJ_L2CACHE, &t->caches.l2, &t->caches.l2_ways },
		{ HWLOC_OBJ_L3CACHE, &t->caches.l3, &t->caches.l3_ways },
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		hwloc_obj_t o = hwloc_get_obj_by_type(h, levels[i].type, 0);

		if (!o)
			continue;
		*levels[i].size = o->attr->cache.size;
		*levels[i].ways = o->attr->cache.associativity > 0
					  ? (uint32_t)o->attr->cache.associativity
					  : 0;
	}
}

static const char *info(hwloc_topology_t h, const char *key)
{
	hwloc_obj_t package = hwloc_get_obj_by_type(h, HWLOC_OBJ_PACKAGE, 0);
	const char *text = package ? hwloc_obj_get_info_by_name(package, key) : NULL;

	if (!text)
		text = hwloc_obj_get_info_by_name(hwloc_get_root_obj(h), key);
	return text ? text : "unknown";
}

static void describe(struct topology *t, hwloc_topology_t h)
{
	struct utsname u;

	snprintf(t->vendor, sizeof(t->vendor), "%s", info(h, "CPUVendor"));
	snprintf(t->model, sizeof(t->model), "%s", info(h, "CPUModel"));
	if (uname(&u) == 0)
		snprintf(t->kernel, sizeof(t->kernel), "%s %s", u.sysname, u.release);
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d))
		t->guest = c >> 31;
#endif
}

static bool read_cpus(struct topology *t, hwloc_topology_t h, struct err *err)
{
	int n = hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PU);

	if (n < 1)
		return err_set(err, "hwloc finds no CPU that this process may use");
	t->cpu = calloc((size_t)n, sizeof(*t->cpu));
	if (!t->cpu)
		return err_set(err, "out of memory");
	for (hwloc_obj_t pu = NULL; (pu = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_PU, pu));)
		t->cpu[t->n++] = (struct topo_cpu){ .os_index = pu->os_index,
						    .core = group_of(h, pu, HWLOC_OBJ_CORE),
						    .l3 = group_of(h, pu, HWLOC_OBJ_L3CACHE),
						    .socket = group_of(h, pu, HWLOC_OBJ_PACKAGE) };
	qsort(t->cpu, t->n, sizeof(*t->cpu), by_os_index);
	find_shape(t);
	read_caches(t, h);
	describe(t, h);
	return true;
}

bool topology_read(struct topology *t, struct err *err)
{
	hwloc_topology_t h;
	bool ok;

	*t = (struct topology){ 0 };
	if (hwloc_topology_init(&h) != 0)
		return err_set(err, "hwloc cannot start");
	/* Only CPUs that this process is bound to. */
	hwloc_topology_set_flags(h, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
					    HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING);
	if (hwloc_topology_load(h) == 0)
		ok = read_cpus(t, h, err);
	else
		ok = err_set(err, "hwloc cannot read this machine's topology");
	hwloc_topology_destroy(h);
	return ok;
}

void topology_free(struct topology *t)
{
	free(t->cpu);
	*t = (struct topology){ 0 };
}

enum distance topology_distance(const struct topo_cpu *a, const struct topo_cpu *b)
{
	if (a->core == b->core)
		return DIST_SAME_CORE;
	if (a->l3 == b->l3)
		return DIST_SAME_L3;
	return a->socket == b->socket ? DIST_SAME_SOCKET : DIST_CROSS_SOCKET;
}
