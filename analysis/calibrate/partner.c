// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The second thread: asleep, or spinning on the clock. Whatever interrupts it shows as a gap
 * between two reads of the clock.
 */
#define _GNU_SOURCE
#include "analysis/calibrate/probe.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Longer than any hiccup of a pipeline, shorter than any interrupt. */
#define GAP_NS 180.0

int partner_signal(void)
{
	return SIGRTMIN + 3;
}

static void no_operation(int sig)
{
	(void)sig;
}

static void spin(struct partner *p, int mode)
{
	uint64_t least = (uint64_t)(GAP_NS / p->clock->ns_per_tick), last = clock_ticks();

	while (atomic_load_explicit(&p->mode, memory_order_relaxed) == mode) {
		uint64_t now = clock_ticks();

		if (now - last > least) {
			atomic_fetch_add(&p->seq, 1);
			atomic_store(&p->gap_begin, last);
			atomic_store(&p->gap_end, now);
			atomic_fetch_add(&p->seq, 1);
			now = clock_ticks();
		}
		last = now;
	}
}

static void block_signal(bool block)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, partner_signal());
	pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void *partner_main(void *arg)
{
	struct partner *p = arg;
	int mode;

	p->bound = clock_bind(p->cpu);
	atomic_store(&p->tid, (int)gettid());
	while ((mode = atomic_load(&p->mode)) != PARTNER_QUIT) {
		block_signal(mode == PARTNER_DEAF);
		atomic_store(&p->reached, mode);
		if (mode == PARTNER_SLEEP)
			syscall(SYS_futex, &p->mode, FUTEX_WAIT_PRIVATE, mode, NULL, NULL, 0);
		else
			spin(p, mode);
	}
	return NULL;
}

bool partner_start(struct partner *p, const struct clock *clock, unsigned int cpu, struct err *err)
{
	struct sigaction act = { .sa_handler = no_operation, .sa_flags = SA_RESTART };
	int ret;

	*p = (struct partner){ .cpu = cpu, .clock = clock, .mode = PARTNER_SLEEP, .reached = -1 };
	sigaction(partner_signal(), &act, NULL);
	ret = pthread_create(&p->thread, NULL, partner_main, p);
	if (ret)
		return err_set(err, "cannot start a second thread: %s", strerror(ret));
	while (atomic_load(&p->reached) != PARTNER_SLEEP)
		sched_yield();
	if (p->bound)
		return true;
	partner_stop(p);
	return err_set(err, "not allowed to run on CPU %u", cpu);
}

void partner_set(struct partner *p, enum partner_mode mode)
{
	atomic_store(&p->mode, (int)mode);
	syscall(SYS_futex, &p->mode, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (mode != PARTNER_QUIT && atomic_load(&p->reached) != (int)mode)
		usleep(50);
	/* What it did to get there must not be taken for an answer. */
	usleep(mode == PARTNER_SLEEP ? 500 : 100);
}

struct gap partner_gap(struct partner *p)
{
	struct gap g;

	do {
		while ((g.seq = atomic_load(&p->seq)) & 1)
			;
		g.begin = atomic_load(&p->gap_begin);
		g.end = atomic_load(&p->gap_end);
	} while (atomic_load(&p->seq) != g.seq);
	return g;
}

void partner_stop(struct partner *p)
{
	partner_set(p, PARTNER_QUIT);
	pthread_join(p->thread, NULL);
}
