/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recordings that are cut and damaged: each ends in an error, or in a program that is sound, and
 * some of these are simulated. The start of each recording that is shipped is damaged as a .mmt
 * file, in which nothing may pass, and as perf's text, in which much still means something.
 *     mutations [FILE MUTATIONS [SIMULATED [LINES]]]     a file of one's own (text: its first
 * LINES)
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "mutate.h"
#include "sim/rng.h"
#include "workloads/experiment.h"

enum { HEAD_EVENTS = 1500, ROOM = 4 << 20, HANG_S = 60 };

struct counts {
	unsigned long tried, refused, built, simulated, violating;
};

struct original {
	const char *name;
	uint8_t *data;
	size_t n;
	bool checked; /* its format has checksums: no damage may pass */
};

static void simulate(const char *path, struct counts *c)
{
	struct experiment spec = { .workload = path,
				   .machine = "zen5-vm2",
				   .policy = "linux-6.18",
				   .duration = 20 * SIM_MS,
				   .seed = 1 };
	struct outcome out;
	struct err err = { 0 };

	if (!experiment_run(&spec, &out, &err))
		fuzz_fail("a program that was built cannot run: %s", err.msg);
	if (out.end == SIM_END_DEADLOCK || out.end == SIM_END_DIED)
		fuzz_fail("the replay ended badly: %s", out.message);
	c->simulated++;
	c->violating += out.n_violations > 0;
	outcome_free(&out);
}

static void try(const struct original *o, const uint8_t *data, size_t n, bool run, struct counts *c)
{
	char path[64];
	int fd = fuzz_file(data, n, path);
	struct program *p;

	alarm(HANG_S);
	c->tried++;
	p = fuzz_build(path);
	c->refused += !p;
	c->built += p != NULL;
	if (p && o->checked && (n != o->n || memcmp(data, o->data, n)))
		fuzz_fail("%s: damage was not noticed", o->name);
	program_free(p);
	if (p && run)
		simulate(path, c);
	close(fd);
}

/* In turn: cut, and one to four bits or bytes changed. */
static struct counts mutations(const struct original *o, unsigned long n, unsigned long simulated)
{
	struct counts c = { 0 };
	uint8_t *copy = malloc(o->n);
	unsigned long every = simulated ? n / simulated + 1 : n + 1;
	struct rng rng;

	rng_init(&rng, 1, o->name, 0);
	try(o, o->data, o->n, simulated > 0, &c);
	if (!c.built)
		fuzz_fail("%s: not even the original is read", o->name);
	for (unsigned long i = 1; i < n; i++) {
		size_t size = o->n;

		memcpy(copy, o->data, o->n);
		if (i % 4 == 0)
			size = rng_below(&rng, o->n);
		else
			for (size_t edits = 1 + rng_below(&rng, 4); edits; edits--)
				copy[rng_below(&rng, o->n)] ^=
					(uint8_t)(i % 4 == 1 ? 1 + rng_below(&rng, 255)
							     : 1u << rng_below(&rng, 8));
		try(o, copy, size, i % every == 0, &c);
	}
	free(copy);
	return c;
}

static void report(const struct original *o, const struct counts *c)
{
	printf("%s: %lu mutations of %zu bytes: %lu refused, %lu read; %lu simulated, %lu of them "
	       "with violations\n",
	       o->name, c->tried, o->n, c->refused, c->built, c->simulated, c->violating);
	fflush(stdout);
}

static void take(struct original *o, const char *path)
{
	FILE *f = fopen(path, "rb");

	o->data = malloc(ROOM);
	o->n = f ? fread(o->data, 1, ROOM, f) : 0;
	if (!o->n)
		fuzz_fail("%s: cannot read it", path);
	fclose(f);
}

/* The first events of a recording as a .mmt file and as text. */
static void take_head(const char *path, const char *folder, struct original *mmt,
		      struct original *text)
{
	char mmt_path[256], text_path[256];
	struct err err = { 0 };
	struct trace_reader *reader = trace_open(path, &err);
	struct trace_writer *writer;
	struct trace_event e;
	FILE *out;

	snprintf(mmt_path, sizeof(mmt_path), "%s/head.mmt", folder);
	snprintf(text_path, sizeof(text_path), "%s/head.txt", folder);
	writer = reader ? trace_create(mmt_path, &err) : NULL;
	out = fopen(text_path, "w");
	for (int i = 0; writer && out && i < HEAD_EVENTS && trace_next(reader, &e, &err) == 1;
	     i++) {
		mutate_print(out, &e);
		trace_write(writer, &e, &err);
	}
	if (!writer || !out || !trace_finish(writer, &err) || fclose(out))
		fuzz_fail("%s: %s", path, err.msg);
	trace_close(reader);
	take(mmt, mmt_path);
	take(text, text_path);
	unlink(mmt_path);
	unlink(text_path);
}

static void shipped(const char *name)
{
	struct original mmt = { .checked = true }, text = { 0 };
	char path[512], folder[] = "/tmp/mmsim-mutations-XXXXXX", names[2][64];
	struct counts c;

	if (!mkdtemp(folder))
		fuzz_fail("cannot make a folder");
	snprintf(path, sizeof(path), "%s/workloads/recorded/%s.mmt", MMSIM_SOURCE_DIR, name);
	take_head(path, folder, &mmt, &text);
	rmdir(folder);
	snprintf(names[0], sizeof(names[0]), "%s.mmt", name);
	snprintf(names[1], sizeof(names[1]), "%s.txt", name);
	mmt.name = names[0];
	text.name = names[1];
	c = mutations(&mmt, 2000, 1);
	report(&mmt, &c);
	c = mutations(&text, 1000, 10);
	report(&text, &c);
	free(mmt.data);
	free(text.data);
}

/* The end of line `lines`. */
static size_t first_lines(const struct original *o, unsigned long lines)
{
	const uint8_t *p = o->data, *end = o->data + o->n;

	while (lines-- && p < end) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));

		p = nl ? nl + 1 : end;
	}
	return (size_t)(p - o->data);
}

int main(int argc, char **argv)
{
	if (argc > 2) {
		struct original o = { .name = argv[1] };
		struct counts c;

		take(&o, argv[1]);
		o.checked = !memcmp(o.data, "\x89MMT", 4);
		o.n = argc > 4 ? first_lines(&o, strtoul(argv[4], NULL, 10)) : o.n;
		c = mutations(&o, strtoul(argv[2], NULL, 10),
			      argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
		report(&o, &c);
		free(o.data);
		return 0;
	}
	shipped("mmap1-2t");
	shipped("tlb_flush2-2t");
	return 0;
}
