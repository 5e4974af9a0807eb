/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for libFuzzer in ordinary tests: each file of the corpus, whole and cut, then random
 * changes of them for some seconds. The same seed gives the same inputs, as many as there is time.
 *     fuzz_NAME CORPUS-FOLDER [SECONDS]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "sim/rng.h"

enum { MAX_SEEDS = 64, ROOM = 1 << 16, HANG_S = 20 };

struct seed {
	uint8_t *data;
	size_t n;
};

static struct seed seeds[MAX_SEEDS];
static size_t n_seeds;

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, by_name);

	for (int i = 0; i < n; i++) {
		char path[4096];
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		f = names[i]->d_name[0] != '.' && n_seeds < MAX_SEEDS ? fopen(path, "rb") : NULL;
		if (f) {
			seeds[n_seeds].data = malloc(ROOM);
			seeds[n_seeds].n = fread(seeds[n_seeds].data, 1, ROOM, f);
			n_seeds++;
			fclose(f);
		}
		free(names[i]);
	}
	if (n > 0)
		free(names);
	if (!n_seeds)
		fuzz_fail("%s: no corpus", folder);
}

/* A copy, so that a sanitizer sees what is read behind the end. */
static void try(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	memcpy(copy, data, n);
	alarm(HANG_S);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

/* One of several kinds of damage; returns the new size. */
static size_t damage(struct rng *rng, uint8_t *p, size_t n)
{
	static const uint8_t marks[] = " \t\n:/[](),=-+#0x9f.";
	const struct seed *other = &seeds[rng_below(rng, n_seeds)];
	size_t at = rng_below(rng, n), len = 1 + rng_below(rng, 32), from;

	len = len < n - at ? len : n - at;
	switch (rng_below(rng, 7)) {
	case 0:
		p[at] ^= (uint8_t)(1 << rng_below(rng, 8));
		return n;
	case 1:
		p[at] = (uint8_t)rng_below(rng, 256);
		return n;
	case 2:
		p[at] = marks[rng_below(rng, sizeof(marks) - 1)];
		return n;
	case 3: /* cut out */
		memmove(p + at, p + at + len, n - at - len);
		return n > len ? n - len : 1;
	case 4: /* double */
		if (n + len > ROOM)
			return n;
		memmove(p + at + len, p + at, n - at);
		return n + len;
	case 5: /* truncate */
		return at ? at : 1;
	default: /* a piece of another one */
		from = rng_below(rng, other->n);
		len = len < other->n - from ? len : other->n - from;
		memcpy(p + at, other->data + from, len < n - at ? len : n - at);
		return n;
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static uint8_t input[ROOM];
	double end = seconds() + (argc > 2 ? atof(argv[2]) : 5);
	unsigned long runs = 0;
	struct rng rng;

	if (argc < 2)
		fuzz_fail("where is the corpus?");
	read_corpus(argv[1]);
	rng_init(&rng, 1, "fuzz", 0);
	for (size_t i = 0; i < n_seeds; i++)
		for (size_t cut = 0; cut <= 64; cut++, runs++)
			try(seeds[i].data, seeds[i].n * (64 - cut) / 64);
	for (; seconds() < end; runs++) {
		const struct seed *s = &seeds[rng_below(&rng, n_seeds)];
		size_t n = s->n;

		if (!n)
			continue;
		memcpy(input, s->data, n);
		for (size_t i = 1 + rng_below(&rng, 6); i; i--)
			n = damage(&rng, input, n);
		try(input, n);
	}
	printf("%lu inputs from %zu files\n", runs, n_seeds);
	return 0;
}
