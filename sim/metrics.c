/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry of a run's values: a hash table from (description, label) to a value whose address
 * never changes. Their byte form between processes is in metrics_io.c.
 */
#include "sim/metrics.h"

#include <stdlib.h>
#include <string.h>

SECTION_DECLARE(metrics);

struct metrics {
	struct metric **slot; /* open addressing, linear; never more than half full */
	size_t n, size;       /* size is a power of two */
};

struct metrics *metrics_create(void)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->size = 64;
	m->slot = calloc(m->size, sizeof(struct metric *));
	if (!m->slot) {
		free(m);
		return NULL;
	}
	return m;
}

void metrics_free(struct metrics *m)
{
	for (size_t i = 0; m && i < m->size; i++) {
		if (!m->slot[i])
			continue;
		hist_free(&m->slot[i]->hist);
		free(m->slot[i]->series);
		free(m->slot[i]->label);
		free(m->slot[i]);
	}
	if (m)
		free(m->slot);
	free(m);
}

static size_t hash(const struct metric_desc *desc, const char *label)
{
	uint64_t h = (uint64_t)(uintptr_t)desc;

	for (; *label; label++)
		h = (h ^ (unsigned char)*label) * 0x100000001b3;
	return (size_t)(h ^ h >> 29);
}

/* The slot that holds (desc, label), or the empty one where it belongs. */
static struct metric **find_slot(const struct metrics *m, const struct metric_desc *desc,
				 const char *label)
{
	size_t i = hash(desc, label) & (m->size - 1);

	while (m->slot[i] && (m->slot[i]->desc != desc || strcmp(m->slot[i]->label, label)))
		i = (i + 1) & (m->size - 1);
	return &m->slot[i];
}

static void grow(struct metrics *m)
{
	struct metrics old = *m;

	m->size *= 2;
	m->slot = calloc(m->size, sizeof(struct metric *));
	if (!m->slot)
		abort(); /* a registry of values cannot lose some */
	for (size_t i = 0; i < old.size; i++) {
		if (old.slot[i])
			*find_slot(m, old.slot[i]->desc, old.slot[i]->label) = old.slot[i];
	}
	free(old.slot);
}

struct metric *metric_get(struct metrics *m, const struct metric_desc *desc, const char *label)
{
	struct metric **slot;

	label = label ? label : "";
	slot = find_slot(m, desc, label);
	if (*slot)
		return *slot;
	if (2 * (m->n + 1) > m->size) {
		grow(m);
		slot = find_slot(m, desc, label);
	}
	*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		abort();
	(*slot)->desc = desc;
	(*slot)->label = strdup(label);
	if (!(*slot)->label)
		abort();
	hist_init(&(*slot)->hist);
	if (desc->kind == METRIC_SERIES) {
		(*slot)->series = malloc(sizeof(struct series));
		if (!(*slot)->series)
			abort();
		series_init((*slot)->series);
	}
	m->n++;
	return *slot;
}

const struct metric *metric_find(const struct metrics *m, const char *name, const char *label)
{
	label = label ? label : "";
	for (size_t i = 0; i < m->size; i++) {
		const struct metric *each = m->slot[i];

		if (each && !strcmp(each->desc->name, name) && !strcmp(each->label, label))
			return each;
	}
	return NULL;
}

static int compare_metrics(const void *a, const void *b)
{
	const struct metric *x = *(const struct metric *const *)a,
			    *y = *(const struct metric *const *)b;
	int d = strcmp(x->desc->name, y->desc->name);

	return d ? d : strcmp(x->label, y->label);
}

size_t metrics_sorted(const struct metrics *m, const struct metric ***sorted)
{
	size_t n = 0;

	*sorted = malloc((m->n + 1) * sizeof(**sorted));
	if (!*sorted)
		return 0;
	for (size_t i = 0; i < m->size; i++) {
		if (m->slot[i])
			(*sorted)[n++] = m->slot[i];
	}
	qsort(*sorted, n, sizeof(**sorted), compare_metrics);
	return n;
}

static int compare_descs(const void *a, const void *b)
{
	const struct metric_desc *x = *(const struct metric_desc *const *)a,
				 *y = *(const struct metric_desc *const *)b;

	return strcmp(x->name, y->name);
}

size_t metric_descs(const struct metric_desc ***sorted)
{
	size_t n = 0;

	section_for_each(metrics, row)
		n++;
	*sorted = malloc((n + 1) * sizeof(**sorted));
	if (!*sorted)
		return 0;
	n = 0;
	section_for_each(metrics, row)
		(*sorted)[n++] = *row;
	qsort(*sorted, n, sizeof(**sorted), compare_descs);
	return n;
}
