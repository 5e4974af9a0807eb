// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a recorder costs those whom it records. Most of an event's code is the recorder's own, and
 * the same for all: the first event after a program's own work finds it cold, those that follow do
 * not. The entry of a call takes 0.3 us longer after 10 us of own work than after 3, and 2 to 3 us
 * longer after a millisecond (node-gc, javac-60-classes), which is all of an event's length gone
 * from L1 and half as many lines from L2. What is the tracepoint's is as cold as it fired long ago;
 * how much that is, the recording tells.
 */
#include "models/kernel/kernel.h"

CODE_PLACE(recorder_place);

void kernel_set_tracing(struct kernel *k, sim_ps per_event, sim_ps cold)
{
	k->tracer_ps = per_event;
	k->tracer_cold_ps = cold;
}

static sim_ps recorder_cold(const struct task *t)
{
	const struct code_cache_model *c = &t->k->code_model;
	struct code_age age = code_age(t, &recorder_place);
	sim_ps half = t->k->tracer_ps / 2;

	if (age.l1 <= c->negligible)
		return 0;
	return code_cache_l1_miss(c, half, age.l1) + code_cache_miss(c, half, age);
}

void trace_at(struct task *t, const char *place)
{
	const struct kernel *k = t->k;

	t->debt += k->tracer_ps;
	t->masked += k->tracer_ps; /* perf writes its record with interrupts disabled */
	if (!code_is_warm(t, &recorder_place))
		t->debt += recorder_cold(t);
	if (!code_is_warm(t, place))
		t->debt += (sim_ps)(code_cache_share(&k->code_model, code_age(t, place).l2) *
				    (double)k->tracer_cold_ps);
}
