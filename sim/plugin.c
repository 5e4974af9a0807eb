/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds and loads an engine that is not built in. It looks into the folder that MMSIM_PLUGIN_DIR
 * names, else beside the executable (a build tree), else in <executable>/../lib/mmsim (installed).
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/engine/engine.h"

/* The folder of the running executable, without a final slash; "." if the system does not say. */
static void executable_dir(char *dir, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	if (n <= 0) {
		snprintf(dir, size, ".");
		return;
	}
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
}

static void *open_first(const char *name, char *tried, size_t size, struct err *err)
{
	char exe[PATH_MAX], dir[3][PATH_MAX + 16];
	const char *env = getenv("MMSIM_PLUGIN_DIR");
	size_t used = 0;

	executable_dir(exe, sizeof(exe));
	snprintf(dir[0], sizeof(dir[0]), "%s", env ? env : "");
	snprintf(dir[1], sizeof(dir[1]), "%s", exe);
	snprintf(dir[2], sizeof(dir[2]), "%s/../lib/mmsim", exe);
	for (int i = env ? 0 : 1; i < 3; i++) {
		char path[PATH_MAX + 64];
		void *handle;

		snprintf(path, sizeof(path), "%s/libmmsim-%s.so", dir[i], name);
		if (access(path, R_OK) != 0) {
			int n = snprintf(tried + used, size - used, "%s%s", used ? ", " : "", path);

			used = n > 0 && used + (size_t)n < size ? used + (size_t)n : size - 1;
			continue;
		}
		handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (!handle)
			err_set(err, "engine '%s': %s", name, dlerror());
		return handle;
	}
	err_set(err, "engine '%s' is not installed: looked for %s", name, tried);
	return NULL;
}

const struct engine_ops *engine_load(const char *name, void **plugin, struct err *err)
{
	const struct engine_ops *ops;
	char tried[640] = "";

	*plugin = open_first(name, tried, sizeof(tried), err);
	if (!*plugin)
		return NULL;
	ops = dlsym(*plugin, ENGINE_PLUGIN_SYMBOL);
	if (ops && ops->abi == ENGINE_ABI && ops->sim_size == sizeof(struct sim))
		return ops;
	err_set(err, "engine '%s': its library belongs to another build of mmsim", name);
	dlclose(*plugin);
	return NULL;
}
