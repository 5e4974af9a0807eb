/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The byte form of a histogram, version 1:
 *
 *   byte    1 (version)
 *   varint  count, min, max           (min and max only if count > 0)
 *   8 bytes sum, 8 bytes sum_sq       (IEEE double, little-endian)
 *   varint  number of non-empty buckets, then for each, rising:
 *   varint  distance of its ordinal from the previous one's (the first: from -1), varint count
 *   4 bytes FNV-1a of all before, little-endian
 *
 * Ordinals number all buckets: 0..127 for group 0, then 64 for each group from 7.
 */
#include "sim/hist.h"

#include <stdlib.h>
#include <string.h>

#include "sim/hist_index.h"

enum { VERSION = 1, VARINT_MAX = 10, ORDINALS = 128 + (64 - 7) * 64, CHECK_SIZE = 4 };

static unsigned int ordinal_of(struct hist_index at)
{
	return at.group ? 128 + (at.group - 7) * 64 + at.sub : at.sub;
}

static struct hist_index index_of(unsigned int ordinal)
{
	if (ordinal < 128)
		return (struct hist_index){ 0, ordinal };
	return (struct hist_index){ 7 + (ordinal - 128) / 64, (ordinal - 128) % 64 };
}

static uint32_t fnv32(const uint8_t *data, size_t size)
{
	uint32_t h = 0x811c9dc5;

	while (size--)
		h = (h ^ *data++) * 0x01000193;
	return h;
}

/* ---- writing; the caller made enough room ---- */

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put_le(uint8_t *p, uint64_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		*p++ = (uint8_t)(v >> (8 * i));
	return p;
}

static uint8_t *put_double(uint8_t *p, double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return put_le(p, bits, 8);
}

struct writer {
	uint8_t *p;
	unsigned int next; /* ordinal after the last written */
	size_t buckets;
};

static void count_bucket(void *arg, uint64_t low, uint64_t width, uint64_t count)
{
	(void)low;
	(void)width;
	(void)count;
	((struct writer *)arg)->buckets++;
}

static void write_bucket(void *arg, uint64_t low, uint64_t width, uint64_t count)
{
	struct writer *w = arg;
	unsigned int ordinal = ordinal_of(hist_index(low));

	(void)width;
	w->p = put_varint(w->p, ordinal + 1 - w->next);
	w->p = put_varint(w->p, count);
	w->next = ordinal + 1;
}

void *hist_encode(const struct hist *h, size_t *size)
{
	struct writer w = { 0 };
	uint8_t *data;

	hist_visit(h, count_bucket, &w);
	data = malloc(1 + 4 * VARINT_MAX + 16 + w.buckets * 2 * VARINT_MAX + CHECK_SIZE);
	if (!data)
		return NULL;
	w.p = data;
	*w.p++ = VERSION;
	w.p = put_varint(w.p, h->count);
	if (h->count) {
		w.p = put_varint(w.p, h->min);
		w.p = put_varint(w.p, h->max);
	}
	w.p = put_double(w.p, h->sum);
	w.p = put_double(w.p, h->sum_sq);
	w.p = put_varint(w.p, w.buckets);
	hist_visit(h, write_bucket, &w);
	w.p = put_le(w.p, fnv32(data, (size_t)(w.p - data)), CHECK_SIZE);
	*size = (size_t)(w.p - data);
	return data;
}

/* ---- reading ---- */

struct reader {
	const uint8_t *p, *end;
	bool bad;
};

static uint64_t get_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint64_t low;

		if (r->p == r->end)
			break;
		low = *r->p & 0x7f;
		if (shift == 63 && low > 1)
			break;
		v |= low << shift;
		if (!(*r->p++ & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static uint64_t get_le(struct reader *r, unsigned int bytes)
{
	uint64_t v = 0;

	if ((size_t)(r->end - r->p) < bytes) {
		r->bad = true;
		return 0;
	}
	for (unsigned int i = 0; i < bytes; i++)
		v |= (uint64_t)*r->p++ << (8 * i);
	return v;
}

static double get_double(struct reader *r)
{
	uint64_t bits = get_le(r, 8);
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

/* Fills the buckets; false if they contradict each other or the head. */
static bool get_buckets(struct reader *r, struct hist *h)
{
	uint64_t n = get_varint(r), total = 0, next = 0;
	struct hist_index first = { 0 }, last = { 0 };

	for (uint64_t i = 0; i < n && !r->bad; i++) {
		uint64_t gap = get_varint(r), count = get_varint(r);

		if (r->bad || !gap || gap > ORDINALS - next || !count || total + count < total)
			return false;
		next += gap;
		last = index_of((unsigned int)next - 1);
		if (i == 0)
			first = last;
		*hist_slot(h, last) = count;
		total += count;
	}
	if (r->bad || total != h->count)
		return false;
	return !n || (ordinal_of(hist_index(h->min)) == ordinal_of(first) &&
		      ordinal_of(hist_index(h->max)) == ordinal_of(last) && h->min <= h->max);
}

bool hist_decode(struct hist *h, const void *data, size_t size, struct err *err)
{
	struct reader r = { data, (const uint8_t *)data + size };
	struct reader check;

	hist_init(h);
	if (size < 1 + CHECK_SIZE)
		return err_set(err, "histogram: %zu bytes are too few", size);
	if (*r.p++ != VERSION)
		return err_set(err, "histogram: version %u: expected %d", r.p[-1], VERSION);
	r.end -= CHECK_SIZE;
	check = (struct reader){ r.end, r.end + CHECK_SIZE };
	if (get_le(&check, CHECK_SIZE) != fnv32(data, size - CHECK_SIZE))
		return err_set(err, "histogram: damaged (its checksum is wrong)");
	h->count = get_varint(&r);
	if (h->count) {
		h->min = get_varint(&r);
		h->max = get_varint(&r);
	}
	h->sum = get_double(&r);
	h->sum_sq = get_double(&r);
	if (!get_buckets(&r, h) || r.p != r.end) {
		hist_free(h);
		return err_set(err, "histogram: damaged (its parts contradict each other)");
	}
	return true;
}
