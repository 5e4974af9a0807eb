/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine as its YAML file describes it (struct machine_desc) and as one run holds it (struct
 * machine): topology, CPUs, the latency of moving a cache line. Every duration is in picoseconds.
 * What the kernel's own code costs is not here but in models/kernel/costs.h, bound to the same
 * file.
 */
#ifndef MODELS_HW_MACHINE_H
#define MODELS_HW_MACHINE_H

#include "models/hw/cpumask.h"
#include "sim/base/err.h"
#include "sim/base/param.h"
#include "sim/base/yaml.h"
#include "sim/rng.h"
#include "sim/sim.h"

enum ipi_mode { IPI_X2APIC_PHYSICAL, IPI_X2APIC_CLUSTER, IPI_MODES };
/* Who sends without leaving for the host: nobody; Intel: unicasts by physical address; AMD: all
 * whose targets run. */
enum ipi_virtualization { IPI_VIRT_NONE, IPI_VIRT_INTEL, IPI_VIRT_AVIC };

/* When a task gives way that is in the kernel: where it offers to (and on its way to user mode), at
 * the next tick after it was asked, or at once. */
enum preemption { PREEMPT_NONE, PREEMPT_LAZY, PREEMPT_FULL };

struct machine_desc {
	char *name, *description;
	struct {
		uint32_t sockets, l3_per_socket, cores_per_l3, threads_per_core;
	} topo;
	uint64_t hz; /* clock at which cycle figures are quoted */
	struct {
		/* one-way hand-over of a line between two cores, by distance */
		sim_ps hit, atomic, same_core, same_l3, same_socket, cross_socket, memory;
		sim_ps read_occupancy; /* a shared clean line serves one reader per this */
		char **ideal; /* classes that cost and contend nothing: to see what a line does */
	} line;
	struct {
		/* of 4 KiB pages; 0 entries of the others: the pages share the array before */
		uint32_t l1d_entries, l1d_ways, l2_entries, l2_ways;
		uint32_t l1d_2m_entries, l1d_2m_ways, l1d_1g_entries, l1d_1g_ways;
		uint32_t l1i_entries, l1i_ways, l1i_2m_entries, l1i_2m_ways;
		uint32_t l2i_entries, l2i_ways, l2_1g_entries, l2_1g_ways;
		uint32_t pde_entries, pdpte_entries, pml4e_entries; /* page-walk caches */
		uint32_t l1_replacement, l2_replacement, l2_hash;   /* enums of tlb_replace.h */
		uint32_t kernel_pages; /* that every entry into the kernel touches */
		uint32_t l2_pcids;     /* whose translations it keeps at once; 0: all */
		bool l1d_keeps_pcids;
		uint32_t smt_l1d, smt_l1i, smt_l2; /* enum tlb_smt */
		bool pcid, prefetch, refill;
		sim_ps l2_hit; /* L1 miss that hits L2 */
		sim_ps walk;   /* a walk of one load that hits the L1 data cache */
	} tlb;
	struct {
		uint64_t l1d_size, l2_size, l3_size; /* a core; a core; an L3 group */
		uint32_t l1d_ways, l2_ways, l3_ways;
		sim_ps l1d_hit, l2_hit, l3_hit;
		sim_ps code_line, user_l1_line, user_line,
			user_l3_line; /* a line of each per this time */
		sim_ps code_l1_miss;
		double l2_rate, l3_rate, memory_rate; /* GB/s of one core; 0 = not stated */
	} cache;
	struct {
		sim_ps invlpg, cr3_write, invpcid_single;
		bool has_invlpgb;
		/* issue; wait; more where others must act */
		sim_ps invlpgb, tlbsync_base, tlbsync_remote;
		uint32_t invlpgb_max_pages;
		bool has_rar; /* Intel remote action requests */
		uint32_t rar_payloads;
		sim_ps rar_base, rar_page;     /* microcode at the target: a request, each page */
		bool has_tlbi, has_tlbi_range; /* Arm: broadcast TLBI; by range */
		/* issue; one message a time on the interconnect; DSB: to the nearest CPUs, and
		 * more for each step of distance of the farthest of the machine */
		sim_ps tlbi, tlbi_occupancy, dsb_base, dsb_remote;
		bool pti;
	} flush;
	struct {
		sim_ps pti_cr3;     /* CR3 write without a flush, per entry and per exit */
		sim_ps entry, exit; /* of all others, not in the kernel's own costs */
	} mitigations;
	struct {
		uint32_t mode;
		sim_ps icr_write; /* the sender's cost of one destination or cluster */
		sim_ps same_core, same_l3, same_socket,
			cross_socket; /* ICR write to target's INTR */
		sim_ps entry, exit;   /* target: pipeline drain and entry code; EOI and return */
		sim_ps idle_exit;     /* leaving the shallow idle state */
		/* leaving the deep one, and how long it must last to be worth it; 0: none */
		sim_ps deep_exit, deep_residency;
		double jitter; /* standard deviation of a delivery as a share of it */
	} ipi;
	struct {
		bool guest;        /* runs in a virtual machine */
		sim_ps icr_exit;   /* sender: exit to the host for an ICR write; deaf meanwhile */
		sim_ps icr_target; /* sender: in the exit, for each CPU that the host wakes or kicks
				    */
		sim_ps receive;    /* target in guest mode: forced exit and injection */
		bool exits_join;   /* a CPU that is sent to while in an exit returns with the sender
				    */
		sim_ps window;     /* target in guest mode, interrupts disabled: one more exit */
		sim_ps inject;     /* target in the host already: injection at its next entry */
		sim_ps idle_exit;  /* a halted virtual CPU is put back on its host CPU */
		double idle_jitter;               /* standard deviation of that, share of it */
		sim_ps deep_exit, deep_residency; /* the same after a long halt; 0: as above */
		sim_ps idle_leave;                /* from its interrupt to the switch */
		sim_ps timer_write;               /* of the tick's timer */
		bool pv_ipi;
		/* The host takes a CPU that executes after this long, on average, for steal_min
		 * and more, on average steal_mean; 0: never. */
		sim_ps steal_interval, steal_mean, steal_min;
		bool posted; /* interrupts from other CPUs reach a running one without an exit */
		uint32_t ipi_virtualization; /* enum ipi_virtualization */
		sim_ps posted_receive, direct_write, direct_latency;
		bool pv_flush; /* KVM_FEATURE_PV_TLB_FLUSH: flushes of preempted CPUs */
	} virt;
	sim_ps pause; /* the PAUSE instruction: a spinner looks once in this time */
	struct {
		uint64_t size;    /* 0 = as much as is asked for */
		sim_ps writeback; /* dirty_writeback_centisecs */
	} memory;
	struct {
		sim_ps read, write; /* latency of a request that finds the disk idle */
		double rate;        /* GB/s */
		uint32_t depth;
		bool sync;     /* no disk: the CPU itself does it (zram) */
		uint64_t swap; /* bytes of it that are swap */
	} disk;
	double smt_slowdown;     /* a thread's time per work while its sibling is busy; 1 = none */
	uint32_t hz_tick;        /* CONFIG_HZ */
	uint32_t preempt;        /* enum preemption */
	uint32_t isolated_cores; /* so many, the last ones, with all their threads: isolcpus */
	bool nohz_full;          /* they have no tick while they run one task */
	bool idle_polls;         /* idle=poll, or a guest that polls before it halts */
	bool idle_mwait; /* idle CPUs wait in MWAIT: a store to their flags wakes them, no IPI */
};

extern const struct param machine_params[];

/* Loads NAME or a path. The kernel's costs stand in the same file below `kernel:`, and what `mmsim
 * calibrate` measured below `calibration:`; `doc`, if not
 * NULL, receives the parsed file for whoever binds them (yaml_free it). */
bool machine_load(const char *name, struct machine_desc *desc, struct yaml_doc **doc,
		  struct err *err);
void machine_desc_free(struct machine_desc *desc);
unsigned int machine_desc_cpus(const struct machine_desc *desc);

enum distance { DIST_SAME_CORE, DIST_SAME_L3, DIST_SAME_SOCKET, DIST_CROSS_SOCKET, DISTANCES };

struct cpu;
struct usermem;

struct machine {
	struct sim *sim;
	struct machine_desc desc;
	unsigned int nr_cpus, nr_cores;
	struct cpu *cpus;
	sim_ps line_latency[DISTANCES], ipi_latency[DISTANCES];
	struct rng ipi_rng;
	sim_ps broadcast_free;           /* the interconnect is free for the next broadcast TLBI */
	struct usermem *mem;             /* caches of user memory */
	struct line_class *line_classes; /* all that lines of this run belong to */
};

/* Takes over *desc. CPU numbers: first one thread of every core, then the siblings, as Linux counts
 * on most x86 machines; cores of one L3 group and socket are adjacent. */
struct machine *machine_create(struct sim *sim, struct machine_desc *desc);
void machine_free(struct machine *m);

static inline unsigned int machine_core_of(const struct machine *m, unsigned int cpu)
{
	return cpu < m->nr_cores ? cpu : cpu % m->nr_cores;
}

enum distance machine_core_distance(const struct machine *m, unsigned int a, unsigned int b);

#endif
