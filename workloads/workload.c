/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry of workloads: every type that is linked in, by name. A recording's path or name
 * gives the type that replays it.
 */
#include "workloads/workload.h"

#include <string.h>
#include <sys/stat.h>

#include "sim/base/datadir.h"
#include "sim/base/text.h"
#include "workloads/xalloc.h"

SECTION_DECLARE(workloads);

static const char replay_name[] = "replay";
static const char recorded_dir[] = "workloads/recorded";

static const struct workload_type *find_type(const char *name)
{
	section_for_each(workloads, row) {
		const struct workload_type *type = *row;

		if (!strcmp(type->name, name))
			return type;
	}
	return NULL;
}

static bool is_recording(const char *name)
{
	struct err ignored = { 0 };
	struct stat st;
	char path[4096];

	if (stat(name, &st) == 0 && !S_ISDIR(st.st_mode))
		return true;
	return datadir_find(recorded_dir, name, ".mmt", path, sizeof(path), &ignored);
}

static void unknown(const char *name, struct err *err)
{
	struct nearest near;
	const char *best;
	char **names;
	size_t n;

	nearest_init(&near, name);
	section_for_each(workloads, row) {
		const struct workload_type *type = *row;

		nearest_offer(&near, type->name);
	}
	n = datadir_list(recorded_dir, ".mmt", &names);
	for (size_t i = 0; i < n; i++)
		nearest_offer(&near, names[i]);
	best = nearest_result(&near);
	err_set(err,
		"unknown workload '%s': expected a name from `mmsim list workloads` or a "
		"recording's file%s%s%s",
		name, best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
	datadir_free_list(names, n);
}

const struct workload_type *workload_find(const char *name, struct err *err)
{
	const struct workload_type *type = find_type(name);

	if (type)
		return type;
	if (is_recording(name))
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
