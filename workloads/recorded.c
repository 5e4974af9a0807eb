/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the recordings lie that come with mmsim.
 */
#include "workloads/recorded.h"

#include <stdio.h>
#include <sys/stat.h>

#include "sim/base/datadir.h"

static const char folder[] = "workloads/recorded", suffix[] = ".mmt";

bool recorded_find(const char *name, char *path, size_t size)
{
	struct err ignored = { 0 };
	struct stat st;

	if (stat(name, &st) == 0 && !S_ISDIR(st.st_mode))
		return (size_t)snprintf(path, size, "%s", name) < size;
	return datadir_find(folder, name, suffix, path, size, &ignored);
}

size_t recorded_list(char ***names)
{
	return datadir_list(folder, suffix, names);
}
