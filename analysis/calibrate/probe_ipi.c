// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Interrupts between CPUs, seen from both ends. membarrier and madvise interrupt a spinning thread
 * of the same process and wait for it; a signal to a running thread interrupts it and does not
 * wait, which tells the sender's own cost apart from the waiting.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analysis/calibrate/probe.h"

#define PAUSE_NS 15000.0 /* until the partner is surely back in its loop */

struct ipi_probe {
	struct calib *c;
	struct partner partner;
	const char *distance;
	char *page;
};

typedef void ipi_action(struct ipi_probe *ip);

static void do_membarrier(struct ipi_probe *ip)
{
	(void)ip;
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static void do_madvise(struct ipi_probe *ip)
{
	madvise(ip->page, PAGE_BYTES, MADV_DONTNEED);
}

static void do_kick(struct ipi_probe *ip)
{
	syscall(SYS_tgkill, getpid(), atomic_load(&ip->partner.tid), partner_signal());
}

static void pause_ns(const struct clock *clock, double ns)
{
	uint64_t until = clock_ticks() + (uint64_t)(ns / clock->ns_per_tick);

	while ((int64_t)(clock_ticks() - until) < 0)
		;
}

static struct figure *figure_of(struct ipi_probe *ip, const char *name)
{
	/* Not the low end: an interrupt that finds its target on the way in costs less. */
	return figure_get(&ip->c->figures, "ns", 0.25, "ipi.%s.%s", name, ip->distance);
}

/* With the partner asleep, or with a partner that cannot be interrupted. */
static void measure_alone(struct ipi_probe *ip, ipi_action *action, const char *name, size_t n)
{
	struct figure *fig = figure_of(ip, name);

	for (size_t i = 0; i < n; i++) {
		struct guard g = guard_begin();
		uint64_t begin, end;

		*(volatile char *)ip->page = 1;
		pause_ns(&ip->c->clock, PAUSE_NS / 5);
		begin = clock_ticks();
		action(ip);
		end = clock_ticks();
		if (guard_undisturbed(&g))
			samples_add(&fig->now, clock_ns(&ip->c->clock, begin, end));
		else
			fig->now.discarded++;
	}
}

/* A repeat counts only if the partner saw exactly one gap, and that one began in the call. */
static void measure_answered(struct ipi_probe *ip, ipi_action *action, const char *name, size_t n,
			     bool waits)
{
	struct figure *sender = figure_of(ip, name), *gap = NULL, *delivery = NULL;
	const struct clock *clock = &ip->c->clock;

	if (waits && action == do_membarrier) {
		gap = figure_of(ip, "gap");
		delivery = figure_of(ip, "delivery");
	}
	for (size_t i = 0; i < n; i++) {
		struct guard g = guard_begin();
		struct gap before, after;
		uint64_t begin, end;

		*(volatile char *)ip->page = 1;
		pause_ns(clock, PAUSE_NS);
		before = partner_gap(&ip->partner);
		begin = clock_ticks();
		action(ip);
		end = clock_ticks();
		pause_ns(clock, PAUSE_NS);
		after = partner_gap(&ip->partner);
		if (!guard_undisturbed(&g) || after.seq != before.seq + 2 ||
		    (int64_t)(after.begin - begin) < 0 ||
		    (waits && (int64_t)(end - after.begin) < 0)) {
			sender->now.discarded++;
			continue;
		}
		samples_add(&sender->now, clock_ns(clock, begin, end));
		if (gap) {
			samples_add(&gap->now, clock_ns(clock, after.begin, after.end));
			samples_add(&delivery->now, clock_ns(clock, begin, after.begin));
		}
	}
}

static void measure_pair(struct ipi_probe *ip)
{
	size_t n = 60;

	/* In turns, so that what is subtracted from each other is of the same moment. */
	for (size_t done = 0; probe_goes_on(ip->c, done, n); done += n) {
		partner_set(&ip->partner, PARTNER_SLEEP);
		measure_alone(ip, do_membarrier, "membarrier_alone", n);
		measure_alone(ip, do_madvise, "madvise_alone", n);
		partner_set(&ip->partner, PARTNER_SPIN);
		measure_answered(ip, do_membarrier, "membarrier", n, true);
		measure_answered(ip, do_madvise, "madvise", n, true);
		measure_answered(ip, do_kick, "signal", n, false);
		partner_set(&ip->partner, PARTNER_DEAF);
		measure_alone(ip, do_kick, "signal_blocked", n);
	}
	partner_set(&ip->partner, PARTNER_SLEEP);
}

static bool probe_pair(struct calib *c, const struct cpu_pair *pair, char *page, struct err *err)
{
	struct ipi_probe ip = { .c = c, .distance = distance_names[pair->distance], .page = page };

	if (!clock_bind(pair->a))
		return err_set(err, "not allowed to run on CPU %u", pair->a);
	if (!partner_start(&ip.partner, &c->clock, pair->b, err))
		return false;
	measure_pair(&ip);
	partner_stop(&ip.partner);
	return true;
}

static bool run_ipi(struct calib *c, struct err *err)
{
	double begin = clock_wall_s(), deadline = c->deadline;
	unsigned int classes = 0, done = 0;
	char *page;
	bool ok = true;

	for (int d = 0; d < DISTANCES; d++)
		classes += c->by_distance[d] != NULL;
	if (!classes)
		return err_set(err, "interrupts between CPUs: there is only one CPU");
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0)
		return err_set(err, "membarrier: %s", strerror(errno));
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return err_set(err, "mmap: %s", strerror(errno));
	for (int d = 0; ok && d < DISTANCES; d++) {
		if (!c->by_distance[d])
			continue;
		c->deadline = begin + (deadline - begin) * ++done / classes;
		ok = probe_pair(c, c->by_distance[d], page, err);
	}
	munmap(page, PAGE_BYTES);
	return ok;
}

const struct probe probe_ipi = { .name = "interrupts", .weight = 3, .run = run_ipi };
