/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The search for mmsim's data files. Holds no knowledge of what is in them; see datadir.h for the
 * order of places.
 */
#include "sim/base/datadir.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/text.h"

enum { MAX_ROOTS = 3 };

struct roots {
	char path[MAX_ROOTS][PATH_MAX];
	size_t n;
};

static void add_root(struct roots *roots, const char *path)
{
	snprintf(roots->path[roots->n++], PATH_MAX, "%s", path);
}

static void find_roots(struct roots *roots)
{
	const char *env = getenv("MMSIM_DATA");
	char exe[PATH_MAX], share[PATH_MAX];
	ssize_t n;

	roots->n = 0;
	if (env && *env)
		add_root(roots, env);
#ifdef MMSIM_SOURCE_DIR
	add_root(roots, MMSIM_SOURCE_DIR);
#endif
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n <= 0)
		return;
	exe[n] = '\0';
	if ((size_t)snprintf(share, sizeof(share), "%s/../share/mmsim", dirname(exe)) <
	    sizeof(share))
		add_root(roots, share);
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return n > s && !strcmp(name + n - s, suffix);
}

static bool fill(char *path, size_t size, const char *text, struct err *err)
{
	if ((size_t)snprintf(path, size, "%s", text) >= size)
		return err_set(err, "%s: the path is too long", text);
	return true;
}

static bool not_found(const char *kind, const char *name, const char *suffix, struct err *err)
{
	const char *what = strrchr(kind, '/');
	struct nearest near;
	char **names;
	size_t n = datadir_list(kind, suffix, &names);

	nearest_init(&near, name);
	for (size_t i = 0; i < n; i++)
		nearest_offer(&near, names[i]);
	what = what ? what + 1 : kind;
	if (nearest_result(&near))
		err_set(err, "no file '%s' in %s; did you mean '%s'?", name, what,
			nearest_result(&near));
	else
		err_set(err, "no file '%s' in %s (see: mmsim list --help)", name, what);
	datadir_free_list(names, n);
	return false;
}

bool datadir_find(const char *kind, const char *name, const char *suffix, char *path, size_t size,
		  struct err *err)
{
	bool full = ends_in(name, suffix);
	char candidate[PATH_MAX * 2];
	struct roots roots;

	if (strchr(name, '/') || full) {
		if (is_file(name))
			return fill(path, size, name, err);
		if (strchr(name, '/'))
			return err_set(err, "%s: %s", name,
				       access(name, F_OK) ? "no such file" : "not a file");
	}
	find_roots(&roots);
	for (size_t i = 0; i < roots.n; i++) {
		snprintf(candidate, sizeof(candidate), "%s/%s/%s%s", roots.path[i], kind, name,
			 full ? "" : suffix);
		if (is_file(candidate))
			return fill(path, size, candidate, err);
	}
	return not_found(kind, name, suffix, err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_one(const char *folder, const char *suffix, char ***names, size_t *n)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char **more, *name;

		if (entry->d_name[0] == '.' || !ends_in(entry->d_name, suffix))
			continue;
		name = strndup(entry->d_name, strlen(entry->d_name) - strlen(suffix));
		more = realloc(*names, (*n + 1) * sizeof(**names));
		if (!name || !more) {
			free(name);
			break;
		}
		*names = more;
		more[(*n)++] = name;
	}
	closedir(dir);
}

size_t datadir_list(const char *kind, const char *suffix, char ***names)
{
	char folder[PATH_MAX * 2];
	struct roots roots;
	size_t n = 0, kept = 0;

	*names = NULL;
	find_roots(&roots);
	for (size_t i = 0; i < roots.n; i++) {
		snprintf(folder, sizeof(folder), "%s/%s", roots.path[i], kind);
		list_one(folder, suffix, names, &n);
	}
	if (n)
		qsort(*names, n, sizeof(**names), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (kept && !strcmp((*names)[kept - 1], (*names)[i]))
			free((*names)[i]);
		else
			(*names)[kept++] = (*names)[i];
	}
	return kept;
}

void datadir_free_list(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
