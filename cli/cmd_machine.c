/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim machine show and mmsim machine export: what a machine file describes, as text, JSON, a
 * picture of the latencies between its cores, or a SimGrid platform.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/gnuplot.h"
#include "analysis/json.h"
#include "analysis/table.h"
#include "cli/command.h"
#include "cli/machine_platform.h"
#include "models/hw/machine.h"
#include "sim/base/text.h"

struct show_options {
	bool json;
	char *plot;
};

#define ROW(field) .name = #field, .offset = offsetof(struct show_options, field)

static const struct param show_params[] = {
	{ ROW(json), .type = PARAM_BOOL, .def = "false", .help = "print JSON" },
	{ ROW(plot), .type = PARAM_STRING, .def = "",
	  .help = "draw the line latency between all cores: .png, .svg or .pdf, - for text" },
	PARAM_END,
};

struct distance_class {
	const char *name;
	uint64_t pairs; /* of cores; of CPUs for siblings */
	sim_ps line, ipi;
};

static unsigned int cores_of(const struct machine_desc *d)
{
	return machine_desc_cpus(d) / d->topo.threads_per_core;
}

static void classes_of(const struct machine_desc *d, struct distance_class c[DISTANCES])
{
	uint64_t cores = cores_of(d), l3 = d->topo.cores_per_l3,
		 socket = l3 * d->topo.l3_per_socket;

	c[DIST_SAME_CORE] = (struct distance_class){ "same core (SMT)",
						     d->topo.threads_per_core > 1 ? cores : 0,
						     d->line.same_core, d->ipi.same_core };
	c[DIST_SAME_L3] = (struct distance_class){ "same L3 group", cores * (l3 - 1) / 2,
						   d->line.same_l3, d->ipi.same_l3 };
	c[DIST_SAME_SOCKET] = (struct distance_class){ "same socket", cores * (socket - l3) / 2,
						       d->line.same_socket, d->ipi.same_socket };
	c[DIST_CROSS_SOCKET] = (struct distance_class){ "other socket",
							cores * (cores - socket) / 2,
							d->line.cross_socket, d->ipi.cross_socket };
}

static sim_ps latency(const struct machine_desc *d, unsigned int a, unsigned int b)
{
	unsigned int l3 = d->topo.cores_per_l3, socket = l3 * d->topo.l3_per_socket;

	if (a == b)
		return d->line.hit;
	if (a / l3 == b / l3)
		return d->line.same_l3;
	return a / socket == b / socket ? d->line.same_socket : d->line.cross_socket;
}

static bool draw(const struct machine_desc *d, const char *path, struct err *err)
{
	unsigned int n = cores_of(d);
	struct gnuplot g;

	if (!gnuplot_begin(&g, path, err))
		return false;
	fputs("$m << EOD\n", g.script);
	for (unsigned int a = 0; a < n; a++) {
		for (unsigned int b = 0; b < n; b++)
			fprintf(g.script, "%g ", (double)latency(d, a, b) / 1e3);
		fputc('\n', g.script);
	}
	fputs("EOD\nset title ", g.script);
	gnuplot_string(&g, d->description);
	fprintf(g.script,
		"\nset xlabel 'core'\nset ylabel 'core'\nset cblabel 'ns to hand a cache line "
		"over' offset 1.5\n"
		"set xrange [-0.5:%u.5]\nset yrange [%u.5:-0.5]\nset cbrange [0:*]\nunset grid\n"
		"set size ratio 1\nset palette defined (0 '#ffffd9', 0.3 '#7fcdbb', 0.6 '#1d91c0', "
		"1 '#081d58')\nplot $m matrix with image notitle\n",
		n - 1, n - 1);
	return gnuplot_end(&g, true, err);
}

static void print_classes(const struct machine_desc *d)
{
	static const char *const heads[] = { "pairs", "line", "IPI delivery" };
	struct distance_class c[DISTANCES];
	struct table *t = table_new();
	char line[32], ipi[32];

	classes_of(d, c);
	table_column(t, "distance", TABLE_LEFT);
	for (size_t i = 0; i < 3; i++)
		table_column(t, heads[i], TABLE_RIGHT);
	for (unsigned int i = 0; i < DISTANCES; i++) {
		if (!c[i].pairs)
			continue;
		table_cell(t, "%s", c[i].name);
		table_cell(t, "%llu", (unsigned long long)c[i].pairs);
		table_cell(t, "%s", text_from_ps(c[i].line, line, sizeof(line)));
		table_cell(t, "%s", text_from_ps(c[i].ipi, ipi, sizeof(ipi)));
	}
	table_print(t, stdout, 2);
	table_free(t);
}

/* Topology and latencies are told above. */
static bool told_elsewhere(const char *name)
{
	return !strcmp(name, "name") || !strcmp(name, "description") ||
	       !strncmp(name, "topology.", strlen("topology."));
}

static void print_constants(const struct machine_desc *d)
{
	struct table *t = table_new();

	table_column(t, "constant", TABLE_LEFT);
	table_column(t, "value", TABLE_RIGHT);
	table_column(t, "meaning", TABLE_LEFT);
	for (const struct param *p = machine_params; p->name; p++) {
		char *value;

		if (told_elsewhere(p->name))
			continue;
		value = param_get(d, machine_params, p);
		table_cell(t, "%s", p->name);
		table_cell(t, "%s", value);
		table_cell(t, "%s", p->help);
		free(value);
	}
	table_print(t, stdout, 2);
	table_free(t);
}

static void print_machine(const struct machine_desc *d)
{
	unsigned int cores = cores_of(d);

	printf("%s: %s\n", d->name, d->description);
	printf("  %u CPUs: %u socket%s of %u L3 group%s of %u core%s, %u thread%s a core\n",
	       machine_desc_cpus(d), d->topo.sockets, d->topo.sockets > 1 ? "s" : "",
	       d->topo.l3_per_socket, d->topo.l3_per_socket > 1 ? "s" : "", d->topo.cores_per_l3,
	       d->topo.cores_per_l3 > 1 ? "s" : "", d->topo.threads_per_core,
	       d->topo.threads_per_core > 1 ? "s" : "");
	printf("  a socket is a NUMA node; CPUs 0 to %u are one thread of each core", cores - 1);
	if (d->topo.threads_per_core > 1)
		printf(", CPU %u + n is the sibling of CPU n", cores);
	puts("\n");
	print_classes(d);
	putchar('\n');
	print_constants(d);
}

static void json_machine(const struct machine_desc *d)
{
	struct distance_class c[DISTANCES];
	struct json j;

	classes_of(d, c);
	json_init(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "machine", d->name);
	json_string(&j, "description", d->description);
	json_u64(&j, "cpus", machine_desc_cpus(d));
	json_u64(&j, "cores", cores_of(d));
	json_u64(&j, "sockets", d->topo.sockets);
	json_u64(&j, "l3_groups", d->topo.sockets * d->topo.l3_per_socket);
	json_u64(&j, "threads_per_core", d->topo.threads_per_core);
	json_array(&j, "distances");
	for (unsigned int i = 0; i < DISTANCES; i++) {
		json_object(&j, NULL);
		json_string(&j, "distance", c[i].name);
		json_u64(&j, "pairs", c[i].pairs);
		json_double(&j, "line_ns", (double)c[i].line / 1e3);
		json_double(&j, "ipi_ns", (double)c[i].ipi / 1e3);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_object(&j, "constants");
	for (const struct param *p = machine_params; p->name; p++) {
		char *value = param_get(d, machine_params, p);

		if (!told_elsewhere(p->name))
			json_string(&j, p->name, value);
		free(value);
	}
	json_end_object(&j);
	json_end_object(&j);
}

static int show(const struct invocation *inv, struct err *err)
{
	const struct show_options *o = inv->options;
	struct machine_desc d = { 0 };
	bool ok = true;

	if (!machine_load(inv->args[0], &d, NULL, err))
		return EXIT_USAGE;
	if (*o->plot)
		ok = draw(&d, o->plot, err);
	if (ok && o->json)
		json_machine(&d);
	else if (ok && strcmp(o->plot, "-"))
		print_machine(&d);
	machine_desc_free(&d);
	return ok ? EXIT_OK : EXIT_RUN;
}

static const struct command show_command = {
	.name = "machine show",
	.args = "NAME",
	.summary = "Show a machine: topology, latencies by distance, constants",
	.details =
		"NAME is a machine (mmsim list machines) or a file. The sources of the constants "
		"are\ncomments in the file, below configs/machines.",
	.min_args = 1,
	.max_args = 1,
	.options = show_params,
	.options_size = sizeof(struct show_options),
	.output_option = "plot",
	.run = show,
};
COMMAND(show_command);

struct export_options {
	char *output;
};

static const struct param export_params[] = {
	{ .name = "output",
	  .type = PARAM_STRING,
	  .offset = offsetof(struct export_options, output),
	  .def = "-",
	  .help = "file to write; - for standard output" },
	PARAM_END,
};

static bool write_file(const struct machine_desc *d, const char *path, struct err *err)
{
	FILE *out = fopen(path, "w");
	bool ok;

	if (!out)
		return err_set(err, "%s: %s", path, strerror(errno));
	machine_write_platform(d, out);
	ok = !ferror(out);
	ok = !fclose(out) && ok;
	if (ok)
		return true;
	unlink(path);
	return err_set(err, "%s: cannot write it: %s", path, strerror(errno));
}

static int export_platform(const struct invocation *inv, struct err *err)
{
	const struct export_options *o = inv->options;
	struct machine_desc d = { 0 };
	bool ok = true;

	if (!machine_load(inv->args[0], &d, NULL, err))
		return EXIT_USAGE;
	if (!strcmp(o->output, "-"))
		machine_write_platform(&d, stdout);
	else
		ok = write_file(&d, o->output, err);
	machine_desc_free(&d);
	return ok ? EXIT_OK : EXIT_RUN;
}

static const struct command export_command = {
	.name = "machine export",
	.args = "NAME",
	.summary = "Write a machine as a SimGrid platform file",
	.details = "One host a core, clusters of L3 groups, zones of sockets; the links' latencies "
		   "add "
		   "up to\nthe machine's own between any two cores.",
	.min_args = 1,
	.max_args = 1,
	.options = export_params,
	.options_size = sizeof(struct export_options),
	.output_option = "output",
	.run = export_platform,
};
COMMAND(export_command);
