/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block of events as columns of small numbers and back. Events are taken CPU by CPU, because what
 * one CPU does repeats itself where the mixture does not; each value is a difference to the last of
 * its kind on that CPU; each kind has its own stream, and streams of zeros are left out.
 */
#include <string.h>

#include "workloads/trace_mmt.h"
#include "workloads/xalloc.h"

enum { CPUS = TRACE_CPUS_MAX + 1, NO_WHO = UINT32_MAX };
enum { COL_TIME_LOW, COL_TIME_HIGH, COL_ARG, COL_TEXT = 8, COL_TEXT2 };
_Static_assert(MMT_COLUMNS == COL_TEXT2 + 1, "columns of a symbol");
_Static_assert((int)SC_SYSCALLS <= (int)MMT_CALLS &&
		       (int)TRACE_TYPES <= (int)MMT_SYMBOLS - 2 * (int)MMT_CALLS,
	       "symbols");

void mmt_codec_init(struct mmt_codec *codec, struct strtab *names)
{
	memset(codec, 0, sizeof(*codec));
	codec->names = names;
	codec->cpu = xcalloc(CPUS, sizeof(struct mmt_cpu *));
	codec->head = xmalloc(CPUS * sizeof(uint32_t));
	codec->tail = xmalloc(CPUS * sizeof(uint32_t));
	codec->seen = xmalloc(CPUS * sizeof(uint32_t));
	codec->next = xmalloc(MMT_BLOCK_EVENTS * sizeof(uint32_t));
	memset(codec->head, 0xff, CPUS * sizeof(uint32_t));
}

void mmt_codec_free(struct mmt_codec *codec)
{
	for (size_t i = 0; codec->cpu && i < CPUS; i++)
		free(codec->cpu[i]);
	for (size_t i = 0; i < MMT_STREAMS; i++)
		if (codec->stream[i].cap)
			free(codec->stream[i].p);
	free(codec->cpu);
	free(codec->head);
	free(codec->tail);
	free(codec->seen);
	free(codec->next);
	free(codec->who);
	free(codec->who_slot);
	free(codec->out);
}

static struct mmt_cpu *cpu_state(struct mmt_codec *codec, uint32_t slot)
{
	if (!codec->cpu[slot]) {
		codec->cpu[slot] = xcalloc(1, sizeof(struct mmt_cpu));
		codec->cpu[slot]->who = NO_WHO;
	}
	return codec->cpu[slot];
}

/* Appends event i to the list of its CPU; CPUs are listed by first use in the block. */
static void chain(struct mmt_codec *codec, uint32_t i, uint32_t slot)
{
	if (codec->head[slot] == UINT32_MAX) {
		codec->head[slot] = i;
		codec->seen[codec->n_seen++] = slot;
	} else {
		codec->next[codec->tail[slot]] = i;
	}
	codec->tail[slot] = i;
	codec->next[i] = UINT32_MAX;
}

static void unchain(struct mmt_codec *codec)
{
	while (codec->n_seen)
		codec->head[codec->seen[--codec->n_seen]] = UINT32_MAX;
}

static uint64_t zigzag(uint64_t diff)
{
	return diff << 1 ^ (uint64_t)((int64_t)diff >> 63);
}

static uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ -(v & 1);
}

/* ---- encoding ---- */

static void put_byte(struct mmt_stream *s, unsigned int byte)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 256;
		s->p = xrealloc(s->p, s->cap);
	}
	s->p[s->n++] = (unsigned char)byte;
	s->any |= byte != 0;
}

static void put(struct mmt_stream *s, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		put_byte(s, (unsigned int)(v & 0x7f) | 0x80);
	put_byte(s, (unsigned int)v);
}

static uint32_t symbol_of(const struct trace_event *e)
{
	if (e->type == TRACE_SYS_ENTER)
		return e->nr;
	return e->type == TRACE_SYS_EXIT ? 0u + MMT_CALLS + e->nr : 2u * MMT_CALLS + e->type;
}

static uint32_t hash_who(const struct mmt_who *w)
{
	uint64_t h = ((uint64_t)(uint32_t)w->pid << 32 | (uint32_t)w->tid) * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 31 ^ w->comm) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(h >> 32);
}

static void grow_who(struct mmt_codec *codec)
{
	codec->cap_who = codec->cap_who ? 2 * codec->cap_who : 64;
	codec->who = xrealloc(codec->who, codec->cap_who * sizeof(*codec->who));
	free(codec->who_slot);
	codec->who_mask = 2 * codec->cap_who - 1;
	codec->who_slot = xcalloc(codec->who_mask + 1, sizeof(uint32_t));
	for (uint32_t i = 0; i < codec->n_who; i++) {
		uint32_t at = hash_who(&codec->who[i]) & codec->who_mask;

		while (codec->who_slot[at])
			at = (at + 1) & codec->who_mask;
		codec->who_slot[at] = i + 1;
	}
}

static uint32_t find_who(struct mmt_codec *codec, const struct mmt_who *w)
{
	uint32_t at;

	if (codec->n_who == codec->cap_who)
		grow_who(codec);
	for (at = hash_who(w) & codec->who_mask; codec->who_slot[at];
	     at = (at + 1) & codec->who_mask) {
		const struct mmt_who *have = &codec->who[codec->who_slot[at] - 1];

		if (have->pid == w->pid && have->tid == w->tid && have->comm == w->comm)
			return codec->who_slot[at] - 1;
	}
	codec->who[codec->n_who] = *w;
	codec->who_slot[at] = ++codec->n_who;
	put(&codec->stream[MMT_NEW_WHO], zigzag((uint64_t)(int64_t)w->pid));
	put(&codec->stream[MMT_NEW_WHO], zigzag((uint64_t)(int64_t)w->tid));
	put(&codec->stream[MMT_NEW_WHO], w->comm);
	return codec->n_who - 1;
}

static void encode_who(struct mmt_codec *codec, struct mmt_cpu *cpu, const struct trace_event *e,
		       uint32_t comm)
{
	struct mmt_who w = { e->pid, e->tid, comm };
	const struct mmt_who *last = cpu->who != NO_WHO ? &codec->who[cpu->who] : NULL;

	if (last && last->pid == w.pid && last->tid == w.tid && last->comm == w.comm) {
		put_byte(&codec->stream[MMT_WHO], 0);
		return;
	}
	cpu->who = find_who(codec, &w);
	put(&codec->stream[MMT_WHO], (uint64_t)cpu->who + 1);
}

static void encode_event(struct mmt_codec *codec, struct mmt_cpu *cpu, const struct trace_event *e,
			 const struct mmt_ids *ids)
{
	uint32_t symbol = symbol_of(e);
	struct mmt_stream *column = &codec->stream[symbol * MMT_COLUMNS];
	uint64_t passed = e->time_ns - cpu->time;

	put_byte(&codec->stream[MMT_SYMBOL], symbol);
	encode_who(codec, cpu, e, ids->comm);
	put_byte(&column[COL_TIME_LOW], passed & 0xff);
	put(&column[COL_TIME_HIGH], passed >> 8);
	cpu->time = e->time_ns;
	for (int i = 0; i < 6; i++) {
		put(&column[COL_ARG + i], zigzag(e->arg[i] - cpu->arg[symbol][i]));
		cpu->arg[symbol][i] = e->arg[i];
	}
	put(&column[COL_TEXT], ids->text);
	put(&column[COL_TEXT2], ids->text2);
}

/* Names that came since the last block; their stream is kept even if it is all zeros. */
static void encode_names(struct mmt_codec *codec)
{
	struct mmt_stream *s = &codec->stream[MMT_NAMES];

	for (; codec->n_names < codec->names->n; codec->n_names++) {
		const char *name = codec->names->v[codec->n_names];

		put(s, strlen(name));
		while (*name)
			put_byte(s, (unsigned char)*name++);
		s->any = true;
	}
}

static size_t gather(struct mmt_codec *codec)
{
	struct mmt_stream head = { 0 };
	size_t total = 0;

	for (uint32_t i = 0; i < MMT_STREAMS; i++)
		total += codec->stream[i].any ? codec->stream[i].n + 20 : 0;
	if (total > codec->out_cap) {
		codec->out_cap = total;
		codec->out = xrealloc(codec->out, total);
	}
	total = 0;
	for (uint32_t i = 0; i < MMT_STREAMS; i++) {
		struct mmt_stream *s = &codec->stream[i];

		if (s->any) {
			head.n = 0;
			put(&head, i);
			put(&head, s->n);
			memcpy(codec->out + total, head.p, head.n);
			memcpy(codec->out + total + head.n, s->p, s->n);
			total += head.n + s->n;
		}
		s->n = 0;
		s->any = false;
	}
	free(head.p);
	return total;
}

size_t mmt_encode(struct mmt_codec *codec, const struct trace_event *events,
		  const struct mmt_ids *ids, size_t n)
{
	encode_names(codec);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = events[i].cpu;

		if (slot == TRACE_CPU_UNKNOWN)
			slot = TRACE_CPUS_MAX;
		put(&codec->stream[MMT_CPU], slot);
		chain(codec, i, slot);
	}
	for (uint32_t c = 0; c < codec->n_seen; c++) {
		struct mmt_cpu *cpu = cpu_state(codec, codec->seen[c]);

		for (uint32_t i = codec->head[codec->seen[c]]; i != UINT32_MAX; i = codec->next[i])
			encode_event(codec, cpu, &events[i], &ids[i]);
	}
	unchain(codec);
	return gather(codec);
}

/* ---- decoding: each getter gives zeros where the stream was left out ---- */

struct get {
	struct mmt_codec *codec;
	bool bad;
};

static unsigned int get_byte(struct get *g, struct mmt_stream *s)
{
	if (!s->p)
		return 0;
	if (s->pos < s->n)
		return s->p[s->pos++];
	g->bad = true;
	return 0;
}

static uint64_t get(struct get *g, struct mmt_stream *s)
{
	uint64_t v = 0;
	unsigned int byte, shift = 0;

	do {
		byte = get_byte(g, s);
		if (shift > 63 || (shift == 63 && byte > 1))
			g->bad = true;
		else
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !g->bad);
	return v;
}

static void decode_names(struct get *g)
{
	struct mmt_stream *s = &g->codec->stream[MMT_NAMES];

	while (s->pos < s->n && !g->bad) {
		uint64_t n = get(g, s);
		uint32_t before = g->codec->names->n;

		if (g->bad || n > s->n - s->pos || memchr(s->p + s->pos, '\0', n)) {
			g->bad = true;
			return;
		}
		strtab_add(g->codec->names, (const char *)s->p + s->pos, n, NULL);
		s->pos += n;
		g->bad |= g->codec->names->n == before; /* a name twice */
	}
}

static const char *name(struct get *g, uint64_t id)
{
	if (id <= g->codec->names->n)
		return id ? g->codec->names->v[id - 1] : NULL;
	g->bad = true;
	return NULL;
}

static void decode_who(struct get *g, struct mmt_cpu *cpu, struct trace_event *e)
{
	struct mmt_codec *codec = g->codec;
	struct mmt_stream *s = &codec->stream[MMT_NEW_WHO];
	uint64_t v = get(g, &codec->stream[MMT_WHO]);

	if (v > (uint64_t)codec->n_who + 1 || (!v && cpu->who == NO_WHO)) {
		g->bad = true;
		return;
	}
	if (v == (uint64_t)codec->n_who + 1) {
		struct mmt_who *w;

		xgrow(codec->who, codec->n_who, codec->cap_who);
		w = &codec->who[codec->n_who++];
		w->pid = (int32_t)unzigzag(get(g, s));
		w->tid = (int32_t)unzigzag(get(g, s));
		w->comm = (uint32_t)get(g, s);
	}
	if (v)
		cpu->who = (uint32_t)v - 1;
	e->pid = codec->who[cpu->who].pid;
	e->tid = codec->who[cpu->who].tid;
	e->comm = name(g, codec->who[cpu->who].comm);
}

static bool decode_symbol(uint32_t symbol, struct trace_event *e)
{
	e->nr = symbol < 2 * MMT_CALLS ? (uint8_t)(symbol % MMT_CALLS) : 0;
	if (symbol < MMT_CALLS)
		e->type = TRACE_SYS_ENTER;
	else if (symbol < 2 * MMT_CALLS)
		e->type = TRACE_SYS_EXIT;
	else
		e->type = (uint8_t)(symbol - 2 * MMT_CALLS);
	if (symbol < 2 * MMT_CALLS)
		return e->nr && e->nr < SC_SYSCALLS;
	return e->type > TRACE_SYS_EXIT && e->type < TRACE_TYPES;
}

static void decode_event(struct get *g, struct mmt_cpu *cpu, struct trace_event *e)
{
	uint32_t symbol = get_byte(g, &g->codec->stream[MMT_SYMBOL]);
	struct mmt_stream *column;

	if (symbol >= MMT_SYMBOLS || !decode_symbol(symbol, e)) {
		g->bad = true;
		return;
	}
	column = &g->codec->stream[symbol * MMT_COLUMNS];
	decode_who(g, cpu, e);
	cpu->time += get_byte(g, &column[COL_TIME_LOW]);
	cpu->time += get(g, &column[COL_TIME_HIGH]) << 8;
	e->time_ns = cpu->time;
	for (int i = 0; i < 6; i++)
		e->arg[i] = cpu->arg[symbol][i] += unzigzag(get(g, &column[COL_ARG + i]));
	e->text = name(g, get(g, &column[COL_TEXT]));
	e->text2 = name(g, get(g, &column[COL_TEXT2]));
	g->bad |= !e->comm;
}

static bool scatter(struct mmt_codec *codec, const unsigned char *p, size_t size)
{
	struct mmt_stream all = { .p = (unsigned char *)p, .n = size };
	struct get g = { codec, false };
	uint64_t last = 0;

	for (uint32_t i = 0; i < MMT_STREAMS; i++)
		codec->stream[i] = (struct mmt_stream){ 0 };
	while (all.pos < all.n) {
		uint64_t id = get(&g, &all), n = get(&g, &all);

		if (g.bad || id >= MMT_STREAMS || (last && id < last) || n > all.n - all.pos)
			return false;
		codec->stream[id] = (struct mmt_stream){ .p = all.p + all.pos, .n = n };
		all.pos += n;
		last = id + 1;
	}
	return true;
}

bool mmt_decode(struct mmt_codec *codec, const unsigned char *p, size_t size,
		struct trace_event *events, size_t n)
{
	struct get g = { codec, false };

	if (!scatter(codec, p, size))
		return false;
	decode_names(&g);
	for (uint32_t i = 0; i < n && !g.bad; i++) {
		uint64_t slot = get(&g, &codec->stream[MMT_CPU]);

		if (slot > TRACE_CPUS_MAX)
			g.bad = true;
		else
			chain(codec, i, (uint32_t)slot);
	}
	for (uint32_t c = 0; c < codec->n_seen && !g.bad; c++) {
		uint32_t slot = codec->seen[c];
		struct mmt_cpu *cpu = cpu_state(codec, slot);

		for (uint32_t i = codec->head[slot]; i != UINT32_MAX && !g.bad;
		     i = codec->next[i]) {
			events[i].cpu = (uint16_t)(slot < TRACE_CPUS_MAX ? slot
									 : TRACE_CPU_UNKNOWN);
			decode_event(&g, cpu, &events[i]);
		}
	}
	unchain(codec);
	for (uint32_t i = 0; i < MMT_STREAMS && !g.bad; i++)
		g.bad = codec->stream[i].pos != codec->stream[i].n;
	return !g.bad;
}
