/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A registry's values as bytes, from a worker process to its parent: same program on both ends, so
 * numbers are in host order, yet every length is checked, since a worker may die half-way. Reads
 * exactly what was written; other things may follow in the stream.
 */
#include "sim/metrics.h"

#include <stdlib.h>
#include <string.h>

enum { MAGIC = 0x314d4d53, LENGTH_MAX = 1 << 20 };

struct head {
	uint32_t name_size, label_size, data_size, kind;
	uint64_t value;
	double gauge;
};

static bool put(FILE *out, const void *data, size_t size)
{
	return fwrite(data, 1, size, out) == size;
}

/* What is no scalar, as bytes: heap; NULL if there is none. */
static void *encode(const struct metric *v, size_t *size)
{
	void *data;

	if (v->desc->kind != METRIC_SERIES)
		return v->hist.count ? hist_encode(&v->hist, size) : NULL;
	data = malloc(sizeof(*v->series));
	if (data)
		memcpy(data, v->series, *size = sizeof(*v->series));
	return data;
}

static bool write_one(const struct metric *v, FILE *out)
{
	size_t size = 0;
	void *data = encode(v, &size);
	struct head head = {
		.name_size = (uint32_t)strlen(v->desc->name),
		.label_size = (uint32_t)strlen(v->label),
		.data_size = (uint32_t)size,
		.kind = v->desc->kind,
		.value = v->value,
		.gauge = v->gauge,
	};
	bool ok = (data || (!v->hist.count && !v->series)) && put(out, &head, sizeof(head)) &&
		  put(out, v->desc->name, head.name_size) && put(out, v->label, head.label_size) &&
		  (!size || put(out, data, size));

	free(data);
	return ok;
}

bool metrics_write(const struct metrics *m, FILE *out, struct err *err)
{
	const struct metric **sorted;
	uint32_t start[2] = { MAGIC, (uint32_t)metrics_sorted(m, &sorted) };
	bool ok = sorted && put(out, start, sizeof(start));

	for (uint32_t i = 0; ok && i < start[1]; i++)
		ok = write_one(sorted[i], out);
	free(sorted);
	if (ok && fflush(out) == 0)
		return true;
	return err_set(err, "metrics: cannot write them to the parent process");
}

/* size bytes and a NUL behind; NULL if the stream ends before. Heap. */
static char *get(FILE *in, size_t size)
{
	char *data = size <= LENGTH_MAX ? calloc(1, size + 1) : NULL;

	if (data && fread(data, 1, size, in) == size)
		return data;
	free(data);
	return NULL;
}

static const struct metric_desc *find_desc(const char *name)
{
	const struct metric_desc **descs, *found = NULL;
	size_t n = metric_descs(&descs);

	for (size_t i = 0; i < n && !found; i++) {
		if (!strcmp(descs[i]->name, name))
			found = descs[i];
	}
	free(descs);
	return found;
}

/* Counters and histograms add up; gauges and series are replaced. */
static bool merge(struct metrics *m, const struct head *head, const char *name, const char *label,
		  const char *data, struct err *err)
{
	const struct metric_desc *desc = find_desc(name);
	struct metric *v;
	struct hist h;

	if (!desc || desc->kind != head->kind)
		return err_set(err, "metrics: '%.80s' is not registered here", name);
	v = metric_get(m, desc, label);
	v->value += head->value;
	v->gauge = head->gauge;
	if (!head->data_size)
		return true;
	if (v->series) {
		if (head->data_size != sizeof(*v->series))
			return err_set(err, "metrics: '%.80s' is damaged", name);
		memcpy(v->series, data, sizeof(*v->series));
		return true;
	}
	if (!hist_decode(&h, data, head->data_size, err))
		return err_prefix(err, "metrics: '%.80s'", name);
	hist_merge(&v->hist, &h);
	hist_free(&h);
	return true;
}

static bool read_one(struct metrics *m, FILE *in, struct err *err)
{
	char *name = NULL, *label = NULL, *data = NULL;
	struct head head;
	bool ok = false;

	if (fread(&head, sizeof(head), 1, in) == 1) {
		name = get(in, head.name_size);
		label = name ? get(in, head.label_size) : NULL;
		data = label ? get(in, head.data_size) : NULL;
	}
	if (data)
		ok = merge(m, &head, name, label, data, err);
	else
		err_set(err, "metrics: truncated or damaged");
	free(name);
	free(label);
	free(data);
	return ok;
}

bool metrics_read(struct metrics *m, FILE *in, struct err *err)
{
	uint32_t start[2];

	if (fread(start, sizeof(start), 1, in) != 1)
		return err_set(err, "metrics: the stream ended before them");
	if (start[0] != MAGIC)
		return err_set(err, "metrics: the stream holds something else");
	for (uint32_t i = 0; i < start[1]; i++) {
		if (!read_one(m, in, err))
			return false;
	}
	return true;
}
