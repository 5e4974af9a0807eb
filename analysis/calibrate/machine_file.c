// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The machine file of a calibration: every key of the machine's table with where its value comes
 * from as a comment, and the figures below `calibration:`, which machine_load leaves alone and
 * --check reads back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/calibrate/calibrate.h"
#include "models/kernel/costs.h"
#include "sim/base/text.h"

static void write_text(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
	putc('"', out);
}

static void write_source(const struct calibration *c, const struct constant *k, FILE *out)
{
	const struct summary *s;

	if (!k || k->source == CONSTANT_BASE) {
		fprintf(out, "  # from %s\n", c->base);
		return;
	}
	s = &k->summary;
	if (k->source == CONSTANT_READ)
		fprintf(out, "  # read: %s\n", k->note);
	else
		fprintf(out, "  # calibrated: %s, median of %zu, spread %.1f%%; %s\n", c->date,
			s->rounds, 100 * s->spread / fmax(fabs(s->median), 1e-9), k->note);
}

/* Rows of one group ("line.") stand together in the table. */
static void write_key(const char *name, char *group, size_t size, FILE *out)
{
	const char *dot = strchr(name, '.');
	size_t n = dot ? (size_t)(dot - name) : 0;

	if (strncmp(group, name, n) != 0 || group[n]) {
		snprintf(group, size, "%.*s", (int)n, name);
		if (n)
			fprintf(out, "%s:\n", group);
	}
	fprintf(out, "%s%s: ", n ? "  " : "", dot ? dot + 1 : name);
}

static bool write_machine(const struct calibration *c, const char *name, FILE *out, struct err *err)
{
	struct machine_desc base = { 0 };
	char group[64] = "", description[384];

	if (!machine_load(c->base, &base, NULL, err))
		return false;
	fputs("name: ", out);
	write_text(out, name);
	snprintf(description, sizeof(description), "%s%s, %zu CPUs, %s, calibrated %s",
		 c->topo.model, c->topo.guest ? " (guest)" : "", c->topo.n, c->topo.kernel,
		 c->date);
	fputs("\ndescription: ", out);
	write_text(out, description);
	putc('\n', out);
	for (const struct param *p = machine_params; p->name; p++) {
		const struct constant *k = constant_find(c, p->name);
		char *text;

		if (!strcmp(p->name, "name") || !strcmp(p->name, "description"))
			continue;
		text = k ? strdup(k->text) : param_get(&base, machine_params, p);
		write_key(p->name, group, sizeof(group), out);
		fputs(*text ? text : "[]", out); /* a list of nothing */
		free(text);
		write_source(c, k, out);
	}
	machine_desc_free(&base);
	return true;
}

static bool write_kernel(const struct calibration *c, FILE *out, struct err *err)
{
	struct machine_desc base = { 0 };
	const struct yaml_node *kernel;
	struct yaml_doc *doc;

	if (!machine_load(c->base, &base, &doc, err))
		return false;
	kernel = yaml_get(yaml_root(doc), "kernel");
	fputs("kernel:\n", out);
	for (const struct param *p = kernel_cost_params; p->name; p++) {
		const struct yaml_node *own = kernel ? yaml_get(kernel, p->name) : NULL;
		const struct constant *k;
		char key[80];

		snprintf(key, sizeof(key), "kernel.%s", p->name);
		k = constant_find(c, key);
		if (!k && !own)
			continue; /* its default holds there as here */
		fprintf(out, "  %s: %s", p->name, k ? k->text : own->text);
		write_source(c, k, out);
	}
	yaml_free(doc);
	machine_desc_free(&base);
	return true;
}

static void write_figures(const struct calibration *c, FILE *out)
{
	fprintf(out,
		"# What was measured; mmsim calibrate --check reads it. No model does.\n"
		"calibration:\n  date: %s\n  base: ",
		c->date);
	write_text(out, c->base);
	fprintf(out, "\n  seconds: %g\n  figures:\n", c->seconds);
	for (size_t i = 0; i < c->figures.n; i++) {
		const struct figure *fig = c->figures.v[i];
		struct summary s;

		if (!fig->round.n || fig->detail)
			continue;
		s = figure_summary(fig);
		fprintf(out,
			"    %s: {unit: %s, min: %.6g, median: %.6g, spread: %.6g, rounds: %zu, "
			"repeats: %zu, outliers: %zu, discarded: %zu}\n",
			fig->name, fig->unit, s.min, s.median, s.spread, s.rounds, s.repeats,
			s.outliers, s.discarded);
	}
}

/* `name` is the machine's. */
static bool machine_file_write(const struct calibration *c, const char *name, FILE *out,
			       struct err *err)
{
	fprintf(out,
		"# %s, measured by mmsim calibrate on %s: %zu rounds, %g s.\n"
		"# docs/calibrate.md says how each constant follows; \"from %s\" was not "
		"measured.\n",
		name, c->date, c->rounds, c->seconds, c->base);
	for (const char *line = c->skipped, *end; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		fprintf(out, "# Not measured: %.*s\n", (int)(end - line), line);
		if (!*end)
			break;
	}
	if (!write_machine(c, name, out, err) || !write_kernel(c, out, err))
		return false;
	write_figures(c, out);
	return true;
}

static void machine_name(const char *path, char *name, size_t size)
{
	const char *base = strrchr(path, '/');
	size_t n;

	base = base ? base + 1 : path;
	n = strlen(base);
	if (n > 5 && !strcmp(base + n - 5, ".yaml"))
		n -= 5;
	snprintf(name, size, "%.*s", (int)n, base);
}

bool machine_file_save(const struct calibration *c, const char *path, struct err *err)
{
	char temporary[4096], name[128];
	FILE *out;
	int fd;
	bool ok;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return err_set(err, "%s: the path is too long", path);
	fd = mkostemp(temporary, 0);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out)
		return err_set(err, "%s: cannot be written: %s", path, strerror(errno));
	machine_name(path, name, sizeof(name));
	ok = machine_file_write(c, name, out, err);
	if (ok && (fflush(out) || ferror(out) || fchmod(fd, 0644) || fsync(fd)))
		ok = err_set(err, "%s: cannot be written: %s", path, strerror(errno));
	if (fclose(out) && ok)
		ok = err_set(err, "%s: cannot be written: %s", path, strerror(errno));
	if (ok && rename(temporary, path) != 0)
		ok = err_set(err, "%s: cannot be written: %s", path, strerror(errno));
	if (!ok)
		unlink(temporary);
	return ok;
}
