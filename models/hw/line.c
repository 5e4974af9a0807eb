// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * State and timing of kernel cache lines. The state machine is small on purpose: owner or sharers,
 * and one queue. Everything that makes a scalability curve bend goes through line_access.
 */
#include "models/hw/line.h"

#include <stdlib.h>
#include <string.h>

struct line_class *line_class_get(struct machine *m, const char *name)
{
	struct line_class *c;

	for (c = m->line_classes; c; c = c->next)
		if (!strcmp(c->name, name))
			return c;
	c = calloc(1, sizeof(*c));
	c->name = name;
	for (char **i = m->desc.line.ideal; i && *i; i++)
		c->ideal |= !strcmp(*i, name);
	c->next = m->line_classes;
	m->line_classes = c;
	return c;
}

void line_init(struct line *line, struct line_class *class)
{
	memset(line, 0, sizeof(*line));
	line->class = class;
	line->owner = LINE_NO_OWNER;
	line->last = LINE_NO_OWNER;
}

static bool small(const struct machine *m)
{
	return m->nr_cores <= 64;
}

void line_free(struct line *line, const struct machine *m)
{
	if (!small(m))
		free(line->sharers.map);
	line->sharers.map = NULL;
}

static uint64_t *sharer_words(const struct machine *m, struct line *line)
{
	if (small(m))
		return &line->sharers.bits;
	if (!line->sharers.map)
		line->sharers.map = calloc((m->nr_cores + 63) / 64, sizeof(uint64_t));
	return line->sharers.map;
}

static bool is_sharer(const struct machine *m, const struct line *line, unsigned int core)
{
	if (!line->nr_sharers)
		return false;
	if (small(m))
		return line->sharers.bits >> core & 1;
	return line->sharers.map[core / 64] >> (core % 64) & 1;
}

static void add_sharer(const struct machine *m, struct line *line, unsigned int core)
{
	uint64_t *w = sharer_words(m, line);
	uint64_t bit = UINT64_C(1) << (core % 64);

	if (!(w[core / 64] & bit)) {
		w[core / 64] |= bit;
		line->nr_sharers++;
	}
}

static void drop_sharers(const struct machine *m, struct line *line)
{
	if (!line->nr_sharers)
		return;
	memset(sharer_words(m, line), 0, (m->nr_cores + 63) / 64 * sizeof(uint64_t));
	line->nr_sharers = 0;
}

/* The farthest other sharer answers last: a write waits for all invalidations. */
static sim_ps invalidate_latency(const struct machine *m, struct line *line, unsigned int core)
{
	enum distance worst = DIST_SAME_CORE;
	uint64_t *w = sharer_words(m, line);

	for (unsigned int i = 0; i < (m->nr_cores + 63) / 64; i++) {
		for (uint64_t bits = w[i]; bits; bits &= bits - 1) {
			unsigned int other = i * 64 + (unsigned int)__builtin_ctzll(bits);
			enum distance d = machine_core_distance(m, core, other);

			if (other != core && d > worst)
				worst = d;
			if (worst == DIST_CROSS_SOCKET)
				return m->line_latency[worst];
		}
	}
	return m->line_latency[worst];
}

bool line_is_hit(const struct machine *m, const struct line *line, unsigned int core,
		 enum line_access how)
{
	if (line->owner == core || line->class->ideal)
		return true;
	return how == LINE_READ && line->owner == LINE_NO_OWNER && is_sharer(m, line, core);
}

/* Is there a copy in the core's own L3 group? */
static bool is_near(const struct machine *m, struct line *line, unsigned int core)
{
	unsigned int n = m->desc.topo.cores_per_l3, first = core / n * n;

	if (!line->nr_sharers)
		return false;
	if (small(m))
		return line->sharers.bits >> first & (n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX);
	for (unsigned int c = first; c < first + n; c++)
		if (is_sharer(m, line, c))
			return true;
	return false;
}

static sim_ps forward_latency(const struct machine *m, struct line *line, unsigned int core)
{
	unsigned int from = line->owner != LINE_NO_OWNER ? line->owner : line->last;

	if (is_near(m, line, core))
		return m->desc.line.same_l3;
	if (from == LINE_NO_OWNER)
		return m->desc.line.memory;
	return m->line_latency[machine_core_distance(m, core, from)];
}

static sim_ps miss_latency(const struct machine *m, struct line *line, unsigned int core,
			   enum line_access how)
{
	sim_ps fetch, kill;

	if (how == LINE_READ || line->owner != LINE_NO_OWNER || !line->nr_sharers)
		return forward_latency(m, line, core);
	kill = invalidate_latency(m, line, core);
	if (is_sharer(m, line, core))
		return kill; /* an upgrade: the data is here, the others' copies must go */
	fetch = forward_latency(m, line, core);
	return fetch > kill ? fetch : kill;
}

sim_ps line_access(struct machine *m, struct line *line, unsigned int core, enum line_access how,
		   sim_ps now)
{
	const struct machine_desc *d = &m->desc;
	sim_ps own = how == LINE_ATOMIC ? d->line.atomic : d->line.hit;
	sim_ps start, latency;
	bool near_read;

	if (how != LINE_READ && line->nr_sharers == 1 && is_sharer(m, line, core)) {
		/* Exclusive: the only copy becomes modified without a word to anybody. */
		drop_sharers(m, line);
		line->owner = line->last = (uint16_t)core;
	}
	if (line_is_hit(m, line, core, how)) {
		line->class->hits++;
		if (line->class->ideal)
			return now + own;
		/* A line that has just been won is still on its way. */
		return (line->busy_until > now && line->owner == core ? line->busy_until : now) +
		       own;
	}
	latency = miss_latency(m, line, core, how);
	/* The published hand-overs are of two cores that take a line in turns, so that a request
	 * waits for it at any time: what they tell is the line's time for one. */
	start = line->busy_until > now ? line->busy_until : now;
	/* A group that has a copy gives it to its readers side by side, as fast as the cache can.
	 * All else are transactions of the line's home, which serves one at a time. */
	near_read = how == LINE_READ && is_near(m, line, core);
	line->busy_until = start + (near_read ? d->line.read_occupancy : latency + own);
	line->class->transfers++;
	line->class->wait_ps += start - now;
	line->class->transfer_ps += latency;
	if (how == LINE_READ) {
		if (line->owner != LINE_NO_OWNER)
			add_sharer(m, line, line->owner);
		line->owner = LINE_NO_OWNER;
		add_sharer(m, line, core);
	} else {
		drop_sharers(m, line);
		line->owner = (uint16_t)core;
		line->last = (uint16_t)core;
	}
	return start + latency + own;
}
