/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cache lines: costs by state and distance and the queue, first by hand, then against a naive MESI
 * (an array with one state a core) on random traces over several machine shapes.
 */
#include "tests/models/model.h"

#include "models/hw/line.h"

#define NS SIM_NS

enum { TRACE = 20000, SEEDS = 20, MAX_CORES = 256 };

struct shape {
	uint32_t sockets, l3, cores;
};

/* Latencies that sum to no other latency, so that a wrong term shows. */
static struct machine *make(struct sim *sim, struct shape s)
{
	struct machine_desc d = { .topo = { s.sockets, s.l3, s.cores, 1 } };

	d.tlb.l1d_entries = d.tlb.l1d_ways = d.tlb.l2_entries = d.tlb.l2_ways = 1;
	d.line.hit = 1 * NS;
	d.line.atomic = 5 * NS;
	d.line.same_core = 7 * NS;
	d.line.same_l3 = 23 * NS;
	d.line.same_socket = 107 * NS;
	d.line.cross_socket = 211 * NS;
	d.line.memory = 97 * NS;
	d.line.read_occupancy = 3 * NS;
	return machine_create(sim, &d);
}

struct bench {
	struct sim *sim;
	struct machine *m;
	struct line_class *class;
	struct line line;
};

static void bench_start(struct bench *b, struct shape s)
{
	struct err err = { "" };

	b->sim = sim_create(NULL, &err);
	b->m = make(b->sim, s);
	b->class = line_class_get(b->m, "test");
	line_init(&b->line, b->class);
}

static void bench_end(struct bench *b)
{
	line_free(&b->line, b->m);
	machine_free(b->m);
	sim_destroy(b->sim);
}

static sim_ps cost(struct bench *b, unsigned int core, enum line_access how, sim_ps now)
{
	return line_access(b->m, &b->line, core, how, now) - now;
}

/* ---- by hand: two sockets of two L3 groups of four cores ---- */

static const struct shape two_by_two = { 2, 2, 4 };

static void test_distances(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, two_by_two);
	assert_int_equal(machine_core_distance(b.m, 3, 3), DIST_SAME_CORE);
	assert_int_equal(machine_core_distance(b.m, 0, 3), DIST_SAME_L3);
	assert_int_equal(machine_core_distance(b.m, 3, 4), DIST_SAME_SOCKET);
	assert_int_equal(machine_core_distance(b.m, 7, 8), DIST_CROSS_SOCKET);
	bench_end(&b);
}

static void test_hits_and_transfers(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, two_by_two);
	assert_int_equal(cost(&b, 0, LINE_WRITE, 0), 98 * NS); /* out of memory */
	assert_int_equal(cost(&b, 0, LINE_WRITE, 1000 * NS), 1 * NS);
	assert_int_equal(cost(&b, 0, LINE_READ, 2000 * NS), 1 * NS);
	assert_int_equal(cost(&b, 0, LINE_ATOMIC, 3000 * NS), 5 * NS);
	/* A modified line comes from its owner. */
	assert_int_equal(cost(&b, 1, LINE_ATOMIC, 4000 * NS), 28 * NS);
	assert_int_equal(cost(&b, 4, LINE_WRITE, 5000 * NS), 108 * NS);
	assert_int_equal(cost(&b, 8, LINE_WRITE, 6000 * NS), 212 * NS);
	/* A read leaves both with a copy: reads hit on both sides. */
	assert_int_equal(cost(&b, 9, LINE_READ, 7000 * NS), 24 * NS);
	assert_int_equal(cost(&b, 9, LINE_READ, 8000 * NS), 1 * NS);
	assert_int_equal(cost(&b, 8, LINE_READ, 8000 * NS), 1 * NS);
	/* More readers get it from the last writer. */
	assert_int_equal(cost(&b, 0, LINE_READ, 9000 * NS), 212 * NS);
	assert_int_equal(b.class->hits, 5);
	assert_int_equal(b.class->transfers, 6);
	assert_int_equal(b.class->wait_ps, 0);
	assert_int_equal(b.class->transfer_ps, (97 + 23 + 107 + 211 + 23 + 211) * NS);
	bench_end(&b);
}

/* A writer waits for the farthest copy to go, whether it has a copy itself or must fetch one. */
static void test_upgrade(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, two_by_two);
	cost(&b, 0, LINE_WRITE, 0);
	cost(&b, 1, LINE_READ, 1000 * NS);
	assert_int_equal(cost(&b, 1, LINE_WRITE, 2000 * NS), 24 * NS); /* against core 0 */
	assert_false(line_is_hit(b.m, &b.line, 0, LINE_READ));
	cost(&b, 8, LINE_READ, 3000 * NS);
	assert_int_equal(cost(&b, 1, LINE_ATOMIC, 4000 * NS), 216 * NS); /* against core 8 */
	assert_false(line_is_hit(b.m, &b.line, 8, LINE_READ));
	cost(&b, 4, LINE_READ, 5000 * NS);
	/* No copy here: the data is 23 ns away at core 1, the copy to kill 107 ns at core 4. */
	assert_int_equal(cost(&b, 0, LINE_WRITE, 6000 * NS), 108 * NS);
	bench_end(&b);
}

/* The only copy, clean and out of memory, is exclusive: its first write moves nothing. */
static void test_exclusive(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, two_by_two);
	assert_int_equal(cost(&b, 5, LINE_READ, 0), 98 * NS);
	assert_int_equal(cost(&b, 5, LINE_ATOMIC, 1000 * NS), 5 * NS);
	assert_int_equal(b.class->transfers, 1);
	assert_true(line_is_hit(b.m, &b.line, 5, LINE_WRITE));
	/* With a second reader it is not. */
	cost(&b, 6, LINE_READ, 2000 * NS);
	assert_int_equal(cost(&b, 5, LINE_WRITE, 3000 * NS), 24 * NS);
	bench_end(&b);
}

static void test_queue(void **state)
{
	struct bench b;
	sim_ps done = 0;

	(void)state;
	bench_start(&b, (struct shape){ 1, 1, 16 });
	cost(&b, 0, LINE_WRITE, 0);
	/* Eight cores want it at once: each transfer starts when the one before is complete. */
	for (unsigned int i = 1; i <= 8; i++)
		done = line_access(b.m, &b.line, i, LINE_ATOMIC, 1000 * NS);
	assert_int_equal(done, (1000 + 8 * 28) * NS);
	assert_int_equal(b.class->wait_ps, (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7) * 28 * NS);
	/* The winner itself cannot use it before it is there. */
	assert_int_equal(line_access(b.m, &b.line, 8, LINE_WRITE, 1001 * NS), done + NS);
	/* Readers of a clean line are served side by side, one each 3 ns, behind the first. */
	assert_int_equal(line_access(b.m, &b.line, 1, LINE_READ, 9000 * NS), 9024 * NS);
	for (unsigned int i = 2; i <= 5; i++)
		assert_int_equal(line_access(b.m, &b.line, i, LINE_READ, 9000 * NS),
				 (9024 + 24 + (i - 2) * 3) * NS);
	bench_end(&b);
}

/* Readers of one group have it from each other once one of them has a copy; those of another group
 * must ask the line's home, which serves one at a time. */
static void test_readers_by_group(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, (struct shape){ 1, 3, 4 });
	cost(&b, 0, LINE_WRITE, 0);
	assert_int_equal(line_access(b.m, &b.line, 4, LINE_READ, 1000 * NS), 1108 * NS);
	/* In its own group: 23 ns, one each 3 ns, although core 0 is the last writer. */
	assert_int_equal(line_access(b.m, &b.line, 5, LINE_READ, 1000 * NS), (1108 + 24) * NS);
	assert_int_equal(line_access(b.m, &b.line, 6, LINE_READ, 1000 * NS), (1108 + 27) * NS);
	/* The first of the third group waits for them and takes the line's time. */
	assert_int_equal(line_access(b.m, &b.line, 8, LINE_READ, 1000 * NS), (1108 + 6 + 108) * NS);
	assert_int_equal(line_access(b.m, &b.line, 9, LINE_READ, 1000 * NS),
			 (1108 + 6 + 108 + 24) * NS);
	bench_end(&b);
}

/* ---- against an array of states ---- */

enum mesi { INVALID, SHARED, EXCLUSIVE, MODIFIED };

struct toy {
	enum mesi state[MAX_CORES];
	unsigned int n;
	int last_writer;
	struct shape shape;
	sim_ps busy;
	uint64_t hits, transfers, waited;
};

static sim_ps toy_distance(const struct shape *s, unsigned int a, unsigned int b)
{
	unsigned int per_socket = s->l3 * s->cores;

	if (a / per_socket != b / per_socket)
		return 211 * NS;
	if (a % per_socket / s->cores != b % per_socket / s->cores)
		return 107 * NS;
	return a == b ? 7 * NS : 23 * NS;
}

static int toy_holder(const struct toy *t, enum mesi state)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (t->state[i] == state)
			return (int)i;
	return -1;
}

static sim_ps toy_access(struct toy *t, unsigned int core, enum line_access how, sim_ps now)
{
	sim_ps own = how == LINE_ATOMIC ? 5 * NS : 1 * NS, fetch, kill = 0, move, start;
	int owner = toy_holder(t, MODIFIED);
	bool read = how == LINE_READ, near = false;

	if (t->state[core] == MODIFIED || t->state[core] == EXCLUSIVE ||
	    (read && t->state[core] == SHARED)) {
		bool in_flight = t->state[core] == MODIFIED ||
				 (!read && t->state[core] == EXCLUSIVE);

		t->hits++;
		if (!read) {
			t->state[core] = MODIFIED;
			t->last_writer = (int)core;
		}
		return (in_flight && t->busy > now ? t->busy : now) + own;
	}
	for (unsigned int i = 0; i < t->n; i++)
		if (i != core && t->state[i] != INVALID && toy_distance(&t->shape, core, i) > kill)
			kill = toy_distance(&t->shape, core, i);
	for (unsigned int i = 0; owner < 0 && i < t->n; i++)
		near |= t->state[i] != INVALID && i / t->shape.cores == core / t->shape.cores;
	fetch = near                  ? 23 * NS
		: owner >= 0          ? toy_distance(&t->shape, core, (unsigned int)owner)
		: t->last_writer >= 0 ? toy_distance(&t->shape, core, (unsigned int)t->last_writer)
				      : 97 * NS;
	if (t->state[core] == SHARED)
		move = kill;
	else if (read || owner >= 0)
		move = fetch;
	else
		move = fetch > kill ? fetch : kill;
	start = t->busy > now ? t->busy : now;
	t->transfers++;
	t->waited += start - now;
	t->busy = start + (read && near ? 3 * NS : move + own);
	for (unsigned int i = 0; i < t->n; i++) {
		if (i != core && t->state[i] != INVALID)
			t->state[i] = read ? SHARED : INVALID;
	}
	if (!read)
		t->last_writer = (int)core;
	t->state[core] = !read ? MODIFIED : kill > 0 || owner >= 0 ? SHARED : EXCLUSIVE;
	return start + move + own;
}

static void check_hits(struct bench *b, const struct toy *t)
{
	for (unsigned int i = 0; i < t->n; i++) {
		assert_int_equal(line_is_hit(b->m, &b->line, i, LINE_READ), t->state[i] != INVALID);
		/* Exclusive is a hit for the cost, but not before the line is taken over. */
		if (t->state[i] != EXCLUSIVE)
			assert_int_equal(line_is_hit(b->m, &b->line, i, LINE_ATOMIC),
					 t->state[i] == MODIFIED);
	}
}

static void test_against_mesi(void **state)
{
	static const struct shape shapes[] = { { 1, 1, 2 }, { 1, 4, 4 },  { 2, 4, 8 },
					       { 4, 2, 9 }, { 2, 8, 16 }, { 1, 1, 65 } };
	uint64_t hits = 0, moves = 0, waited = 0;
	struct rng rng;

	(void)state;
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		struct shape s = shapes[seed % (sizeof(shapes) / sizeof(*shapes))];
		struct toy toy = { .n = s.sockets * s.l3 * s.cores, .last_writer = -1, .shape = s };
		struct bench b;
		sim_ps now = 0;

		rng_init(&rng, seed, "line", 0);
		bench_start(&b, s);
		for (unsigned int i = 0; i < TRACE; i++) {
			unsigned int core = (unsigned int)rng_below(&rng, toy.n);
			/* Reads often, so that sharers gather. */
			enum line_access how = rng_below(&rng, 4)
						       ? LINE_READ
						       : (enum line_access)rng_below(&rng, 3);

			if (rng_below(&rng, 3) == 0)
				now += rng_below(&rng, 300 * NS);
			assert_int_equal(line_access(b.m, &b.line, core, how, now),
					 toy_access(&toy, core, how, now));
			if (i % 61 == 0)
				check_hits(&b, &toy);
		}
		assert_int_equal(b.class->hits, toy.hits);
		assert_int_equal(b.class->transfers, toy.transfers);
		assert_int_equal(b.class->wait_ps, toy.waited);
		hits += toy.hits;
		moves += toy.transfers;
		waited += toy.waited;
		bench_end(&b);
	}
	assert_true(hits > TRACE && moves > TRACE && waited > 0);
}

/* Machines of more than 64 cores keep their sharers in another form: the first 64 cores of one must
 * cost what they cost on a machine that has no others. */
static void test_large_equals_small(void **state)
{
	struct bench small, large;
	struct rng rng;
	sim_ps now = 0;

	(void)state;
	bench_start(&small, (struct shape){ 2, 4, 8 });
	bench_start(&large, (struct shape){ 4, 4, 8 });
	rng_init(&rng, 1, "line.large", 0);
	for (unsigned int i = 0; i < 10 * TRACE; i++) {
		unsigned int core = (unsigned int)rng_below(&rng, 64);
		enum line_access how = (enum line_access)rng_below(&rng, 3);

		now += rng_below(&rng, 200 * NS);
		assert_int_equal(line_access(small.m, &small.line, core, how, now),
				 line_access(large.m, &large.line, core, how, now));
	}
	assert_int_equal(small.class->transfers, large.class->transfers);
	bench_end(&small);
	bench_end(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances),    cmocka_unit_test(test_hits_and_transfers),
		cmocka_unit_test(test_upgrade),      cmocka_unit_test(test_exclusive),
		cmocka_unit_test(test_queue),        cmocka_unit_test(test_readers_by_group),
		cmocka_unit_test(test_against_mesi), cmocka_unit_test(test_large_equals_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
