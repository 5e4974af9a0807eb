/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing and reading an outcome through a pipe; see outcome_io.h.
 */
#include "cli/outcome_io.h"

#include <stdlib.h>
#include <string.h>

static void put_text(FILE *out, const char *text)
{
	uint32_t n = (uint32_t)strlen(text);

	fwrite(&n, sizeof(n), 1, out);
	fwrite(text, 1, n, out);
}

static char *get_text(FILE *in)
{
	char *text = NULL;
	uint32_t n;

	if (fread(&n, sizeof(n), 1, in) != 1 || n > 1u << 24)
		return NULL;
	text = calloc(1, (size_t)n + 1);
	if (text && fread(text, 1, n, in) != n) {
		free(text);
		return NULL;
	}
	return text;
}

/* The part without pointers. */
struct fixed {
	enum sim_end end;
	char message[sizeof(((struct outcome *)0)->message)];
	size_t n_violations, n_config;
	uint32_t cpus, threads;
	sim_ps sim_time;
	uint64_t events, rss_bytes;
	double wall_s;
};

bool outcome_write(const struct outcome *o, FILE *out, struct err *err)
{
	struct fixed f;

	memset(&f, 0, sizeof(f)); /* the padding, too */
	f.end = o->end;
	memcpy(f.message, o->message, sizeof(f.message));
	f.n_violations = o->n_violations;
	f.n_config = o->n_config;
	f.cpus = o->cpus;
	f.threads = o->threads;
	f.sim_time = o->sim_time;
	f.events = o->events;
	f.rss_bytes = o->rss_bytes;
	f.wall_s = o->wall_s;
	fwrite(&f, sizeof(f), 1, out);
	for (size_t i = 0; i < o->n_violations; i++) {
		fwrite(&o->violations[i], sizeof(o->violations[i]), 1, out);
		put_text(out, o->violations[i].file);
		put_text(out, o->violations[i].kind);
	}
	for (size_t i = 0; i < o->n_config; i++) {
		put_text(out, o->config[i].key);
		put_text(out, o->config[i].value);
	}
	return metrics_write(o->metrics, out, err) &&
	       (!ferror(out) || err_set(err, "cannot hand over the result"));
}

static bool cut_off(struct err *err)
{
	return err_set(err, "the worker's result is cut off");
}

static bool read_violations(struct outcome *o, size_t n, FILE *in)
{
	o->violations = calloc(n + 1, sizeof(*o->violations));
	if (!o->violations)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct sim_violation *v = &o->violations[i];
		bool whole = fread(v, sizeof(*v), 1, in) == 1;

		/* Static texts on the other side; here they stay for good, and are few. */
		v->file = whole ? get_text(in) : NULL;
		v->kind = v->file ? get_text(in) : NULL;
		if (!v->kind)
			return false;
		o->n_violations++;
	}
	return true;
}

static bool read_config(struct outcome *o, size_t n, FILE *in)
{
	o->config = calloc(n + 1, sizeof(*o->config));
	if (!o->config)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct config_pair *c = &o->config[o->n_config++];

		c->key = get_text(in);
		c->value = c->key ? get_text(in) : NULL;
		if (!c->value)
			return false;
	}
	return true;
}

bool outcome_read(struct outcome *o, FILE *in, struct err *err)
{
	struct fixed f;

	memset(o, 0, sizeof(*o));
	o->metrics = metrics_create();
	if (!o->metrics || fread(&f, sizeof(f), 1, in) != 1)
		return cut_off(err);
	o->end = f.end;
	memcpy(o->message, f.message, sizeof(o->message));
	o->cpus = f.cpus;
	o->threads = f.threads;
	o->sim_time = f.sim_time;
	o->events = f.events;
	o->rss_bytes = f.rss_bytes;
	o->wall_s = f.wall_s;
	if (!read_violations(o, f.n_violations, in) || !read_config(o, f.n_config, in))
		return cut_off(err);
	return metrics_read(o->metrics, in, err);
}
