/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Did you mean": the edit distance of two names, and the choice of the nearest of many. What is
 * offered, and how the answer is worded, is the caller's.
 */
#include "sim/base/text.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

enum { NAME_MAX_LEN = 128 }; /* longer names are compared by their first 128 bytes */

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

unsigned int text_distance(const char *a, const char *b)
{
	size_t na = strnlen(a, NAME_MAX_LEN), nb = strnlen(b, NAME_MAX_LEN);
	unsigned int row[NAME_MAX_LEN + 1];

	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			size_t best = min_size(row[j], row[j - 1]) + 1;

			best = min_size(best, diagonal + !same);
			diagonal = row[j];
			row[j] = (unsigned int)best;
		}
	}
	return row[nb];
}

void nearest_init(struct nearest *n, const char *wanted)
{
	*n = (struct nearest){ .wanted = wanted, .distance = UINT_MAX };
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	unsigned int d = text_distance(n->wanted, candidate);

	if (d < n->distance) {
		n->distance = d;
		n->best = candidate;
	}
}

const char *nearest_result(const struct nearest *n)
{
	/* A slip changes a letter or two, or a third of a long name; more is another name. */
	size_t allowed = strlen(n->wanted) / 3;

	if (allowed < 2)
		allowed = 2;
	if (!n->best || n->distance > allowed || n->distance >= strlen(n->best))
		return NULL;
	return n->best;
}
