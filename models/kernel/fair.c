// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * EEVDF: of those who have not had more than their share (vruntime at most the average: eligible),
 * the one whose request ends first (deadline) runs, and keeps the CPU until it is no longer
 * eligible or its request is served. What a sleeper was owed (vlag) it is given when it comes back;
 * what it owes it works off by staying on the queue asleep. Times are signed: averages go below
 * zero.
 */
#include "models/kernel/fair.h"

/* 0.7 ms times 1 + log2(CPUs, at most 8). */
void fair_init(struct kernel *k)
{
	unsigned int n = k->nr_cpus < 8 ? k->nr_cpus : 8, log2 = 0;

	while (n >>= 1)
		log2++;
	k->base_slice = (int64_t)(700 * SIM_US * (1 + log2));
}

/* Of the queue and who runs: how many they are, and their vruntimes above c->min_vruntime. */
struct load {
	int64_t n, sum;
};

static void load_add(struct load *l, const struct kcpu *c, const struct task *t)
{
	if (t->stop_class)
		return;
	l->n++;
	l->sum += t->vruntime - c->min_vruntime;
}

static struct load load_of(const struct kcpu *c)
{
	struct load l = { 0 };

	if (c->fair_curr)
		load_add(&l, c, c->fair_curr);
	for (const struct task *t = c->rq_head; t; t = t->rq_next)
		load_add(&l, c, t);
	return l;
}

static int64_t avg_vruntime(const struct kcpu *c, struct load l)
{
	return l.n ? c->min_vruntime + l.sum / l.n : c->min_vruntime;
}

static bool eligible(const struct kcpu *c, struct load l, const struct task *t)
{
	return l.sum >= (t->vruntime - c->min_vruntime) * l.n;
}

static void update_min_vruntime(struct kcpu *c)
{
	const struct task *t = c->fair_curr;
	int64_t min = t && !t->stop_class ? t->vruntime : INT64_MAX;

	for (t = c->rq_head; t; t = t->rq_next)
		if (!t->stop_class && t->vruntime < min)
			min = t->vruntime;
	if (min != INT64_MAX && min > c->min_vruntime)
		c->min_vruntime = min;
}

static void insert(struct kcpu *c, struct task *t)
{
	struct task **link = &c->rq_head;

	sim_check(c->k->sim, !t->queued, "run-queue", "%s queued twice", t->comm);
	while (*link)
		link = &(*link)->rq_next;
	t->rq_next = NULL;
	*link = t;
	t->queued = true;
	t->cpu = c->id;
	c->nr_queued += !t->delayed;
}

static void take_out(struct kcpu *c, struct task *t)
{
	struct task **link = &c->rq_head;

	while (*link != t)
		link = &(*link)->rq_next;
	*link = t->rq_next;
	t->queued = false;
	c->nr_queued -= !t->delayed;
}

/* Charges who runs. True: its request is served, or its slice no longer protected, and somebody
 * else is there. */
static bool update_curr(struct kcpu *c)
{
	struct task *t = c->fair_curr;
	sim_ps now = sim_now(c->k->sim);
	bool served;

	if (!t || t->stop_class)
		return false;
	t->vruntime += (int64_t)(now - t->picked_at);
	t->picked_at = now;
	update_min_vruntime(c);
	served = t->vruntime >= t->deadline;
	if (served)
		t->deadline = t->vruntime + c->k->base_slice;
	return c->rq_head && (served || t->vruntime >= t->vprot);
}

static void place_entity(struct kcpu *c, struct task *t)
{
	struct load l = load_of(c);
	int64_t slice = c->k->base_slice;
	/* Its own weight pulls the average towards it: more, so that this much is left. */
	int64_t lag = l.n ? t->vlag * (l.n + 1) / l.n : 0;

	t->vruntime = avg_vruntime(c, l) - lag;
	if (t->relative_deadline)
		t->deadline += t->vruntime;
	else
		t->deadline = t->vruntime + (t->placed ? slice : slice / 2);
	t->relative_deadline = false;
	t->placed = true;
}

bool fair_enqueue(struct kcpu *c, struct task *t)
{
	bool served = update_curr(c);

	place_entity(c, t);
	insert(c, t);
	return served;
}

static void update_lag(struct kcpu *c, struct task *t)
{
	int64_t slices = 2 * c->k->base_slice, jiffy = (int64_t)c->k->jiffy;
	int64_t limit = slices > jiffy ? slices : jiffy;
	int64_t lag = avg_vruntime(c, load_of(c)) - t->vruntime;

	t->vlag = lag > limit ? limit : lag < -limit ? -limit : lag;
}

/* It has slept off what it owed. */
static void finish_delayed(struct kcpu *c, struct task *t)
{
	update_lag(c, t);
	if (t->vlag > 0)
		t->vlag = 0;
	take_out(c, t);
	t->delayed = false;
	update_min_vruntime(c);
}

void fair_dequeue(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	update_curr(c);
	if (t->delayed) {
		finish_delayed(c, t);
		return;
	}
	update_lag(c, t);
	take_out(c, t);
	t->deadline -= t->vruntime;
	t->relative_deadline = true;
	update_min_vruntime(c);
}

/* What who runs has run since it was last charged does not count yet (requeue_delayed_entity calls
 * no update_curr): a parent in vfork so stays before a child that has run on meanwhile. */
bool fair_requeue(struct kcpu *c, struct task *t)
{
	update_lag(c, t);
	if (t->vlag > 0) {
		take_out(c, t);
		t->delayed = false;
		t->vlag = 0;
		place_entity(c, t);
		insert(c, t);
	} else {
		t->delayed = false;
		c->nr_queued++;
	}
	return update_curr(c);
}

void fair_put_prev(struct kcpu *c, struct task *t)
{
	update_curr(c);
	if (t->state != TASK_RUNNING && t->state != TASK_DEAD && !t->stop_class)
		t->delayed = !eligible(c, load_of(c), t);
	if (t->state != TASK_RUNNING && !t->delayed)
		update_lag(c, t);
	c->fair_curr = NULL;
	if (t->state == TASK_RUNNING || t->delayed)
		insert(c, t);
	update_min_vruntime(c);
}

/* Of the queue and who runs: the eligible one whose deadline comes first. Of equals who waits, as
 * after a run alone beyond its slice, whose next request is as long as that of who wakes up then.
 */
static struct task *first_eligible(const struct kcpu *c)
{
	struct task *best = NULL, *curr = c->fair_curr;
	struct load l = load_of(c);

	for (struct task *t = c->rq_head; t; t = t->rq_next) {
		if (t->stop_class)
			return t;
		if (eligible(c, l, t) && (!best || t->deadline < best->deadline))
			best = t;
	}
	if (curr && eligible(c, l, curr) && (!best || curr->deadline < best->deadline))
		return curr;
	return best;
}

static bool keeps_cpu(const struct kcpu *c, const struct task *t)
{
	return t->vruntime < t->vprot && eligible(c, load_of(c), t);
}

static struct task *pick_eevdf(struct kcpu *c, struct task *prev)
{
	struct task *t = first_eligible(c), *buddy = c->buddy;

	c->buddy = NULL;
	if (t && !t->stop_class && buddy && buddy->queued && this_cpu(buddy) == c)
		return buddy;
	if (t && !t->stop_class && prev && prev->queued && !prev->delayed && keeps_cpu(c, prev))
		return prev;
	return t;
}

struct task *fair_pick(struct kcpu *c, struct task *prev)
{
	struct task *t;

	while ((t = pick_eevdf(c, prev))) {
		if (t->delayed) {
			finish_delayed(c, t);
			continue;
		}
		take_out(c, t);
		t->vprot = t->deadline;
		t->picked_at = sim_now(c->k->sim);
		c->fair_curr = t;
		return t;
	}
	return NULL;
}

bool fair_preempts(struct kcpu *c, struct task *t)
{
	struct task *curr = c->fair_curr;

	if (!curr || t->stop_class)
		return true;
	if (curr->stop_class || keeps_cpu(c, curr))
		return false;
	return first_eligible(c) == t;
}

bool fair_tick(struct kcpu *c)
{
	return update_curr(c);
}

void fair_yield(struct kcpu *c)
{
	struct task *t = c->fair_curr;

	update_curr(c);
	if (!eligible(c, load_of(c), t))
		return;
	t->vruntime = t->deadline;
	t->deadline += c->k->base_slice;
	update_min_vruntime(c);
}
