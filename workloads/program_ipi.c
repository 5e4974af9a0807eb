/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts the IPIs of a recording by what sent them. Masks that the recorder did not print are
 * counted by the interrupts that they caused, if those were recorded.
 */
#include <string.h>

#include "workloads/program.h"

const char *const program_ipi_names[PROGRAM_IPIS] = {
	[PROGRAM_IPI_SHOOTDOWN] = "shootdown",
	[PROGRAM_IPI_WAKEUP] = "wakeup",
	[PROGRAM_IPI_RESCHEDULE] = "reschedule",
	[PROGRAM_IPI_OTHER] = "other",
};

/* The functions that send them, by the start of their names. */
static const struct {
	const char *site;
	enum program_ipi kind;
} sites[] = {
	{ "on_each_cpu_cond_mask", PROGRAM_IPI_SHOOTDOWN },
	{ "smp_call_function_many", PROGRAM_IPI_SHOOTDOWN },
	{ "native_flush_tlb", PROGRAM_IPI_SHOOTDOWN },
	{ "flush_tlb", PROGRAM_IPI_SHOOTDOWN },
	{ "ttwu_queue_wakelist", PROGRAM_IPI_WAKEUP },
	{ "__ttwu_queue_wakelist", PROGRAM_IPI_WAKEUP },
	{ "try_to_wake_up", PROGRAM_IPI_WAKEUP },
	{ "wakeup_preempt", PROGRAM_IPI_RESCHEDULE },
	{ "check_preempt", PROGRAM_IPI_RESCHEDULE },
	{ "resched_curr", PROGRAM_IPI_RESCHEDULE },
	{ "update_curr", PROGRAM_IPI_RESCHEDULE },
	{ "complete_signal", PROGRAM_IPI_RESCHEDULE },
	{ "kick_process", PROGRAM_IPI_RESCHEDULE },
};

enum program_ipi program_ipi_kind(const struct trace_event *e)
{
	bool mask = e->type == TRACE_IPI_SEND_CPUMASK;
	const char *site = mask ? e->text2 : e->text;

	for (size_t i = 0; site && i < sizeof(sites) / sizeof(*sites); i++)
		if (!strncmp(site, sites[i].site, strlen(sites[i].site)))
			return sites[i].kind;
	/* An address without a name. Several CPUs at once are sent to by cross calls only. */
	if (mask && site && !strncmp(site, "0x", 2))
		return PROGRAM_IPI_SHOOTDOWN;
	return PROGRAM_IPI_OTHER;
}

void program_ipis_count(struct program_ipis *ipis, const struct trace_event *e)
{
	switch (e->type) {
	case TRACE_IPI_SEND_CPU:
		ipis->sent[program_ipi_kind(e)]++;
		return;
	case TRACE_IPI_SEND_CPUMASK:
		ipis->sent[program_ipi_kind(e)] += e->arg[1];
		ipis->by_mask += e->arg[1];
		ipis->unread += !e->arg[1];
		return;
	case TRACE_IPI_ENTRY:
		ipis->received += e->arg[1];
		return;
	default:
		return;
	}
}

void program_ipis_end(struct program_ipis *ipis)
{
	static const uint64_t least = 2; /* one CPU alone is sent to in another way */
	uint64_t n = ipis->received > ipis->by_mask ? ipis->received - ipis->by_mask : 0;

	if (!ipis->unread)
		return;
	ipis->sent[PROGRAM_IPI_SHOOTDOWN] += n > least * ipis->unread ? n : least * ipis->unread;
}
