/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checks of mmsim record. Which tracepoints are wanted is the importer's table, so that what is
 * recorded is what can be read.
 */
#include "cli/record_checks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/trace_fields.h"

/* What a recording without the events of a system lacks; needed: it is then worth nothing. */
static const struct {
	const char *system, *lack, *why;
	bool needed;
} systems[] = {
	{ "syscalls", "calls like mmap and munmap", "CONFIG_FTRACE_SYSCALLS", true },
	{ "sched", "who runs, sleeps and wakes whom", "CONFIG_EVENT_TRACING", true },
	{ "exceptions", "page faults", "only x86 has them", false },
	{ "tlb", "TLB flushes to compare with", "only x86 has them", false },
	{ "ipi", "IPIs to compare with", "Linux 6.4 or later has them", false },
	{ "irq_vectors", "time in IPI handlers, which counts as own work", "only x86 has them",
	  false },
	{ "mmap_lock", "what recording itself costs", "Linux 5.11 or later has them", false },
	{ "huge_memory", "collapses to huge pages", "CONFIG_TRANSPARENT_HUGEPAGE", false },
};

enum { N_SYSTEMS = sizeof(systems) / sizeof(*systems) };

/* Is there such a program, as execvp would find it? */
static bool in_path(const char *name)
{
	const char *dir = getenv("PATH");
	char path[4096];

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	for (; dir && *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
		snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(dir, ":"), dir, name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static bool read_line(const char *path, const char *start, char *line, size_t size)
{
	FILE *f = fopen(path, "r");
	bool found = false;

	while (f && !found && fgets(line, (int)size, f))
		found = !strncmp(line, start, strlen(start));
	if (f)
		fclose(f);
	return found;
}

/* perf wants CAP_PERFMON or CAP_SYS_ADMIN for the whole machine's tracepoints, or paranoid -1. */
static int check_rights(FILE *out)
{
	enum { CAP_SYS_ADMIN_BIT = 21, CAP_PERFMON_BIT = 38 };
	uint64_t caps = 0;
	char line[256];
	long paranoid;

	/* root in a container may lack them, and others may have them */
	if (read_line("/proc/self/status", "CapEff:", line, sizeof(line)))
		caps = strtoull(line + 7, NULL, 16);
	if (caps >> CAP_SYS_ADMIN_BIT & 1 || caps >> CAP_PERFMON_BIT & 1)
		return 0;
	if (!read_line("/proc/sys/kernel/perf_event_paranoid", "", line, sizeof(line))) {
		fputs("missing: this kernel has no perf events (CONFIG_PERF_EVENTS)\n", out);
		return 1;
	}
	paranoid = strtol(line, NULL, 10);
	if (paranoid < 0)
		return 0;
	fprintf(out,
		"missing: the right to record the whole machine: run it as root%s, or set "
		"kernel.perf_event_paranoid to -1 (it is %ld)\n",
		geteuid() ? "" : " outside of this container", paranoid);
	return 1;
}

/* Not NULL: the folder of events. */
static const char *find_tracefs(const char *given, char *path, size_t size)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	errno = ENOENT;
	for (size_t i = 0; i < (*given ? 1 : 2); i++) {
		snprintf(path, size, "%s/events", *given ? given : places[i]);
		if (access(path, R_OK | X_OK) == 0)
			return path;
		if (errno == EACCES)
			break;
	}
	return NULL;
}

static int check_tracefs(const char *given, char *path, size_t size, FILE *out)
{
	if (find_tracefs(given, path, size))
		return 0;
	if (errno == EACCES)
		fprintf(out,
			"missing: the right to read %s: run it as root, or `mount -o "
			"remount,mode=755 /sys/kernel/tracing`\n",
			path);
	else
		fprintf(out,
			"missing: tracefs is not mounted%s%s: `mount -t tracefs none "
			"/sys/kernel/tracing`\n",
			*given ? " at " : "", given);
	return 1;
}

/* Several rows may be of one kind of kernel only: those of others are no loss. */
static bool wanted(const struct trace_row *row)
{
	return !trace_row_is_raw(row) && (!strstr(row->name, "mmap_pgoff") || sizeof(long) == 4);
}

static bool has_event(const char *events, const char *name)
{
	char path[4096];
	size_t n = strlen(events) + 1;

	snprintf(path, sizeof(path), "%s/%s", events, name);
	path[n + strcspn(path + n, ":")] = '/';
	return access(path, F_OK) == 0;
}

static size_t system_of(const struct trace_row *row)
{
	size_t n = strcspn(row->name, ":"), i = 0;

	while (i < N_SYSTEMS && (strncmp(systems[i].system, row->name, n) || systems[i].system[n]))
		i++;
	return i;
}

static int check_events(const char *path, struct record_events *events, FILE *out)
{
	size_t have[N_SYSTEMS + 1] = { 0 }, n = 0;
	const struct trace_row *row;
	int missing = 0;

	while (trace_rows_at(n))
		n++;
	events->name = calloc(n + 1, sizeof(*events->name));
	for (size_t i = 0; events->name && (row = trace_rows_at(i)); i++) {
		if (!wanted(row) || !has_event(path, row->name))
			continue;
		events->name[events->n++] = row->name;
		have[system_of(row)]++;
	}
	for (size_t i = 0; i < N_SYSTEMS; i++) {
		if (have[i])
			continue;
		fprintf(out, "%s: the kernel's %s tracepoints (%s); without: no %s\n",
			systems[i].needed ? "missing" : "note", systems[i].system, systems[i].why,
			systems[i].lack);
		missing += systems[i].needed;
	}
	for (size_t i = 0; (row = trace_rows_at(i)); i++)
		if (wanted(row) && !has_event(path, row->name) && have[system_of(row)])
			fprintf(out, "note: this kernel has no tracepoint %s\n", row->name);
	return missing;
}

/* perf names the place that sent an IPI only if it may see where the kernel's functions are. */
static void check_symbols(FILE *out)
{
	char line[256];

	if (!read_line("/proc/kallsyms", "", line, sizeof(line)) || strtoull(line, NULL, 16) == 0)
		fputs("note: kernel symbols are hidden (kernel.kptr_restrict): kinds of IPIs will "
		      "not be told apart\n",
		      out);
}

int record_check(const char *command, const char *tracefs, struct record_events *events, FILE *out)
{
	char path[4096];
	int missing = 0, no_tracefs;

	if (!in_path(command)) {
		fprintf(out, "missing: no program '%s' to record\n", command);
		missing++;
	}
	if (!in_path("perf")) {
		fputs("missing: perf is not installed (on Debian: apt-get install linux-perf)\n",
		      out);
		missing++;
	}
	missing += check_rights(out);
	no_tracefs = check_tracefs(tracefs, path, sizeof(path), out);
	missing += no_tracefs;
	if (!no_tracefs)
		missing += check_events(path, events, out);
	check_symbols(out);
	return missing;
}

unsigned long record_buffer_kb(void)
{
	/* as much as the recordings that are shipped had; in all at most a sixteenth of memory */
	unsigned long most = 32 << 10, kb = 1 << 10;
	unsigned long pages = (unsigned long)sysconf(_SC_PHYS_PAGES);
	unsigned long memory_kb = pages * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024);
	unsigned long each = memory_kb / 16 / (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);

	while (2 * kb <= most && 2 * kb <= each)
		kb *= 2;
	return kb;
}
