/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that is there or the process ends: recordings are read by tools that cannot go on without
 * it. Sizes that come from a file are bounded by whoever read them, before they get here.
 */
#ifndef WORKLOADS_XALLOC_H
#define WORKLOADS_XALLOC_H

#include <stdlib.h>
#include <string.h>

static inline void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		abort();
	return p;
}

static inline void *xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

static inline void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

static inline char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

/* Room for one more in array v of n items of capacity cap: doubles it. */
#define xgrow(v, n, cap)                                                                           \
	do {                                                                                       \
		if ((n) >= (cap)) {                                                                \
			(cap) = (cap) ? 2 * (cap) : 16;                                            \
			(v) = xrealloc((v), (cap) * sizeof(*(v)));                                 \
		}                                                                                  \
	} while (0)

#endif
