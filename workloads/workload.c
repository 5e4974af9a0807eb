/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry of workloads: every type that is linked in, by name. A recording's path or name
 * gives the type that replays it.
 */
#include "workloads/workload.h"

#include <limits.h>
#include <string.h>

#include "sim/base/datadir.h"
#include "sim/base/text.h"
#include "workloads/recorded.h"
#include "workloads/xalloc.h"

SECTION_DECLARE(workloads);

static const char replay_name[] = "replay";

static const struct workload_type *find_type(const char *name)
{
	section_for_each(workloads, row) {
		const struct workload_type *type = *row;

		if (!strcmp(type->name, name))
			return type;
	}
	return NULL;
}

static void unknown(const char *name, struct err *err)
{
	struct nearest near;
	char **names;
	size_t n = recorded_list(&names);

	nearest_init(&near, name);
	section_for_each(workloads, row) {
		const struct workload_type *type = *row;

		nearest_offer(&near, type->name);
	}
	for (size_t i = 0; i < n; i++)
		nearest_offer(&near, names[i]);
	if (strchr(name, '/'))
		err_set(err, "%s: no such file", name);
	else if (nearest_result(&near))
		err_set(err, "no workload or recording '%s'; did you mean '%s'?", name,
			nearest_result(&near));
	else
		err_set(err, "no workload or recording '%s' (see: mmsim list workloads)", name);
	datadir_free_list(names, n);
}

const struct workload_type *workload_find(const char *name, struct err *err)
{
	const struct workload_type *type = find_type(name);
	char path[PATH_MAX];

	if (type)
		return type;
	if (recorded_find(name, path, sizeof(path)))
		return find_type(replay_name);
	unknown(name, err);
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct workload_type *x = *(const struct workload_type *const *)a,
				   *y = *(const struct workload_type *const *)b;

	return strcmp(x->name, y->name);
}

size_t workload_types(const struct workload_type ***sorted)
{
	size_t n = 0, cap = 0;

	*sorted = NULL;
	section_for_each(workloads, row) {
		xgrow(*sorted, n, cap);
		(*sorted)[n++] = *row;
	}
	if (n)
		qsort(*sorted, n, sizeof(**sorted), by_name);
	return n;
}
