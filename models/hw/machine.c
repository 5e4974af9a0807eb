// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The parameter table of a machine file, loading one, and the machine of a run.
 */
#include "models/hw/machine.h"

#include <stdlib.h>

#include "models/hw/cpu.h"
#include "models/hw/line.h"
#include "models/hw/steal.h"
#include "models/hw/tlb.h"
#include "models/hw/usermem.h"
#include "sim/base/datadir.h"

static const char *const ipi_virtualizations[] = { "none", "ipiv", "avic", NULL };
static const char *const preemptions[] = { "none", "lazy", "full", NULL };
static const char *const ipi_modes[] = { "x2apic-physical", "x2apic-cluster", NULL };

#define M(field) offsetof(struct machine_desc, field)
#define PS(name_, field_, def_, max_, help_)                                                       \
	{                                                                                          \
		.name = name_, .type = PARAM_PS, .offset = M(field_), .def = def_, .max = max_,    \
		.help = help_                                                                      \
	}
#define NUM(name_, field_, def_, min_, max_, help_)                                                \
	{                                                                                          \
		.name = name_, .type = PARAM_U32, .offset = M(field_), .def = def_, .min = min_,   \
		.max = max_, .help = help_                                                         \
	}
#define FLAG(name_, field_, def_, help_)                                                           \
	{                                                                                          \
		.name = name_, .type = PARAM_BOOL, .offset = M(field_), .def = def_, .help = help_ \
	}
#define CHOICE(name_, field_, def_, choices_, help_)                                               \
	{                                                                                          \
		.name = name_, .type = PARAM_ENUM, .offset = M(field_), .def = def_,               \
		.choices = choices_, .help = help_                                                 \
	}
#define RATE(name_, field_, help_)                                                                 \
	{                                                                                          \
		.name = name_, .type = PARAM_DOUBLE, .offset = M(field_), .def = "0", .max = 1e4,  \
		.help = help_                                                                      \
	}
#define SIZE(name_, field_, def_, help_)                                                           \
	{                                                                                          \
		.name = name_, .type = PARAM_BYTES, .offset = M(field_), .def = def_, .min = 64,   \
		.max = 1 << 30, .help = help_                                                      \
	}
#define MAX_LINE  1e8  /* 100 us */
#define MAX_STEP  1e9  /* 1 ms */
#define MAX_STEAL 1e15 /* 1,000 s */

const struct param machine_params[] = {
	{ .name = "name", .type = PARAM_STRING, .offset = M(name), .help = "short name" },
	{ .name = "description",
	  .type = PARAM_STRING,
	  .offset = M(description),
	  .def = "",
	  .help = "what machine this is" },
	NUM("topology.sockets", topo.sockets, "1", 1, 64, "processor packages"),
	NUM("topology.l3_per_socket", topo.l3_per_socket, "1", 1, 64, "L3 groups (CCX) a socket"),
	NUM("topology.cores_per_l3", topo.cores_per_l3, NULL, 1, 1024, "cores that share an L3"),
	NUM("topology.threads_per_core", topo.threads_per_core, "1", 1, 2, "SMT threads a core"),
	{ .name = "clock",
	  .type = PARAM_HZ,
	  .offset = M(hz),
	  .min = 1e8,
	  .max = 1e10,
	  .help = "at which cycle figures are quoted" },
	PS("line.hit", line.hit, "1ns", MAX_LINE, "access to a line in the core's own cache"),
	PS("line.atomic", line.atomic, "5ns", MAX_LINE, "locked operation on an owned line"),
	PS("line.same_core", line.same_core, "5ns", MAX_LINE, "hand-over between SMT siblings"),
	PS("line.same_l3", line.same_l3, NULL, MAX_LINE, "hand-over within an L3 group"),
	PS("line.same_socket", line.same_socket, NULL, MAX_LINE, "between L3 groups of a socket"),
	PS("line.cross_socket", line.cross_socket, NULL, MAX_LINE, "between sockets"),
	PS("line.memory", line.memory, "90ns", MAX_LINE, "a line that is in no cache"),
	PS("line.read_occupancy", line.read_occupancy, "4ns", MAX_LINE,
	   "a clean shared line serves one reader per this"),
	{ .name = "line.ideal",
	  .type = PARAM_LIST,
	  .offset = M(line.ideal),
	  .def = "",
	  .help = "line classes that every core has in its cache: to see what a line costs" },
	NUM("tlb.l1d_entries", tlb.l1d_entries, "64", 1, 4096, "L1 data TLB entries"),
	NUM("tlb.l1d_ways", tlb.l1d_ways, "4", 1, 4096, "their ways"),
	NUM("tlb.l2_entries", tlb.l2_entries, "1536", 1, 65536, "L2 TLB entries"),
	NUM("tlb.l2_ways", tlb.l2_ways, "12", 1, 64, "their ways"),
	CHOICE("tlb.l1_replacement", tlb.l1_replacement, "lru", tlb_replacements,
	       "way that a fill of a full set takes, L1"),
	CHOICE("tlb.l2_replacement", tlb.l2_replacement, "lru", tlb_replacements,
	       "way that a fill of a full set takes, L2"),
	CHOICE("tlb.l2_hash", tlb.l2_hash, "linear", tlb_hashes,
	       "L2 set: the page number's low bits, or these xor the bits above"),
	CHOICE("tlb.smt_l1d", tlb.smt_l1d, "none", tlb_smt_modes,
	       "what SMT siblings do with the L1 data TLB: each has all of it (none), both use all "
	       "of it (shared), each has half (split)"),
	CHOICE("tlb.smt_l1i", tlb.smt_l1i, "none", tlb_smt_modes, "the same of the L1 code TLB"),
	CHOICE("tlb.smt_l2", tlb.smt_l2, "none", tlb_smt_modes, "the same of the L2 TLB"),
	NUM("tlb.kernel_pages", tlb.kernel_pages, "0", 0, 1024,
	    "4 KiB pages of the kernel that an entry touches, as where a host backs it so; 0: "
	    "not modelled"),
	NUM("tlb.l2_pcids", tlb.l2_pcids, "0", 0, 64,
	    "PCIDs whose translations L2 keeps at once; 0: all"),
	FLAG("tlb.l1d_keeps_pcids", tlb.l1d_keeps_pcids, "true",
	     "L1 data translations outlive a switch to another PCID"),
	FLAG("tlb.pcid", tlb.pcid, "true", "process-context identifiers"),
	PS("tlb.l2_hit", tlb.l2_hit, "3ns", MAX_LINE, "L1 miss that hits L2"),
	PS("tlb.walk", tlb.walk, "10ns", MAX_LINE,
	   "page walk of one load that hits the L1 data cache; other loads cost as cache: says"),
	NUM("tlb.l1d_2m_entries", tlb.l1d_2m_entries, "0", 0, 4096,
	    "L1 data TLB entries for 2 MiB pages; 0: they share those for 4 KiB"),
	NUM("tlb.l1d_2m_ways", tlb.l1d_2m_ways, "4", 1, 4096, "their ways"),
	NUM("tlb.l1d_1g_entries", tlb.l1d_1g_entries, "0", 0, 4096,
	    "for 1 GiB pages; 0: they share those for 2 MiB"),
	NUM("tlb.l1d_1g_ways", tlb.l1d_1g_ways, "4", 1, 4096, "their ways"),
	NUM("tlb.l1i_entries", tlb.l1i_entries, "64", 1, 4096, "L1 code TLB entries"),
	NUM("tlb.l1i_ways", tlb.l1i_ways, "8", 1, 4096, "their ways"),
	NUM("tlb.l1i_2m_entries", tlb.l1i_2m_entries, "0", 0, 4096,
	    "for larger pages; 0: they share those for 4 KiB"),
	NUM("tlb.l1i_2m_ways", tlb.l1i_2m_ways, "8", 1, 4096, "their ways"),
	NUM("tlb.l2i_entries", tlb.l2i_entries, "0", 0, 65536,
	    "L2 TLB entries for code; 0: one L2 for both"),
	NUM("tlb.l2i_ways", tlb.l2i_ways, "8", 1, 64, "their ways"),
	NUM("tlb.l2_1g_entries", tlb.l2_1g_entries, "0", 0, 65536,
	    "L2 TLB entries for 1 GiB pages; 0: they share the others"),
	NUM("tlb.l2_1g_ways", tlb.l2_1g_ways, "4", 1, 64, "their ways"),
	NUM("tlb.pde_entries", tlb.pde_entries, "32", 0, 1024,
	    "page-walk cache of page-directory entries, fully associative; 0: none"),
	NUM("tlb.pdpte_entries", tlb.pdpte_entries, "8", 0, 1024, "of PDPTEs"),
	NUM("tlb.pml4e_entries", tlb.pml4e_entries, "4", 0, 1024, "of PML4Es"),
	FLAG("tlb.prefetch", tlb.prefetch, "false",
	     "a walk also fills the next page's translation if it has been used before"),
	FLAG("tlb.refill", tlb.refill, "true",
	     "a program's own work grows by the walks that a flush causes"),
	SIZE("cache.l1d_size", cache.l1d_size, "32KiB", "L1 data cache of a core"),
	NUM("cache.l1d_ways", cache.l1d_ways, "8", 1, 64, "its ways"),
	PS("cache.l1d_hit", cache.l1d_hit, "1200ps", MAX_LINE, "load that hits it"),
	SIZE("cache.l2_size", cache.l2_size, "1MiB", "L2 cache of a core"),
	NUM("cache.l2_ways", cache.l2_ways, "8", 1, 64, "its ways"),
	PS("cache.l2_hit", cache.l2_hit, "4ns", MAX_LINE, "load that hits it"),
	SIZE("cache.l3_size", cache.l3_size, "32MiB", "L3 cache of a group"),
	NUM("cache.l3_ways", cache.l3_ways, "16", 1, 64, "its ways"),
	PS("cache.l3_hit", cache.l3_hit, "14ns", MAX_LINE,
	   "load that hits it; beyond: line.memory"),
	PS("cache.code_line", cache.code_line, "2ns", MAX_LINE,
	   "warm kernel code touches a new line of itself or its data once per this; 0: it is "
	   "always warm"),
	PS("cache.code_l1_miss", cache.code_l1_miss, "600ps", MAX_LINE,
	   "kernel code takes so much more for each of its lines that L1 has lost"),
	PS("cache.user_l1_line", cache.user_l1_line, "14ns", MAX_STEP,
	   "a program's own work brings a new line into L1 once per this; 0: never"),
	PS("cache.user_line", cache.user_line, "100ns", MAX_STEP,
	   "a program's own work brings a new line into L2 once per this; 0: never"),
	PS("cache.user_l3_line", cache.user_l3_line, "700ns", MAX_STEP,
	   "and, if it is far larger than L3, one that was not there either once per this; 0: "
	   "never"),
	RATE("cache.l2_rate", cache.l2_rate,
	     "GB/s at which a core zeroes or copies what is in L2; 0: as fast as kernel: says"),
	RATE("cache.l3_rate", cache.l3_rate, "GB/s from L3"),
	RATE("cache.memory_rate", cache.memory_rate, "GB/s from memory"),
	PS("flush.invlpg", flush.invlpg, "100ns", MAX_STEP, "INVLPG of one page"),
	PS("flush.cr3_write", flush.cr3_write, "150ns", MAX_STEP, "CR3 write that flushes"),
	PS("flush.invpcid_single", flush.invpcid_single, "120ns", MAX_STEP, "INVPCID, one address"),
	FLAG("flush.has_invlpgb", flush.has_invlpgb, "false", "AMD INVLPGB and TLBSYNC"),
	PS("flush.invlpgb", flush.invlpgb, "50ns", MAX_STEP, "issue of one INVLPGB"),
	PS("flush.tlbsync_base", flush.tlbsync_base, "200ns", MAX_STEP, "TLBSYNC, same L3 group"),
	PS("flush.tlbsync_remote", flush.tlbsync_remote, "100ns", MAX_STEP,
	   "more per step of distance of the farthest CPU"),
	NUM("flush.invlpgb_max_pages", flush.invlpgb_max_pages, "8", 1, 65536,
	    "invlpgb_count_max (CPUID 0x80000008)"),
	FLAG("flush.has_rar", flush.has_rar, "false", "Intel remote action requests"),
	NUM("flush.rar_payloads", flush.rar_payloads, "64", 1, 64, "payloads in their table"),
	PS("flush.rar_base", flush.rar_base, "250ns", MAX_STEP,
	   "microcode at the target of a remote action: one request"),
	PS("flush.rar_page", flush.rar_page, "70ns", MAX_STEP, "and each page of it"),
	FLAG("flush.has_tlbi", flush.has_tlbi, "false", "Arm TLBI broadcast and DSB"),
	FLAG("flush.has_tlbi_range", flush.has_tlbi_range, "false",
	     "TLBI by range (FEAT_TLBIRANGE)"),
	PS("flush.tlbi", flush.tlbi, "20ns", MAX_STEP, "issue of one TLBI"),
	PS("flush.tlbi_occupancy", flush.tlbi_occupancy, "30ns", MAX_STEP,
	   "the interconnect carries one TLBI of any CPU per this"),
	PS("flush.dsb_base", flush.dsb_base, "200ns", MAX_STEP,
	   "DSB ISH after a TLBI, one L3 group"),
	PS("flush.dsb_remote", flush.dsb_remote, "100ns", MAX_STEP,
	   "more per step of distance of the machine's farthest CPU"),
	FLAG("flush.pti", flush.pti, "false", "page-table isolation"),
	PS("mitigations.pti_cr3", mitigations.pti_cr3, "0ns", MAX_STEP,
	   "with flush.pti: CR3 write at each entry from a program and at each return"),
	PS("mitigations.entry", mitigations.entry, "0ns", MAX_STEP,
	   "of other mitigations, at each entry, beyond kernel.syscall and kernel.exception"),
	PS("mitigations.exit", mitigations.exit, "0ns", MAX_STEP, "the same at each return"),
	CHOICE("ipi.mode", ipi.mode, "x2apic-cluster", ipi_modes,
	       "how the local APIC addresses several CPUs"),
	PS("ipi.icr_write", ipi.icr_write, "50ns", MAX_STEP, "sender: one ICR write"),
	PS("ipi.same_core", ipi.same_core, "400ns", MAX_STEP, "delivery to the SMT sibling"),
	PS("ipi.same_l3", ipi.same_l3, "500ns", MAX_STEP, "delivery within an L3 group"),
	PS("ipi.same_socket", ipi.same_socket, "550ns", MAX_STEP, "delivery within a socket"),
	PS("ipi.cross_socket", ipi.cross_socket, "700ns", MAX_STEP, "delivery between sockets"),
	PS("ipi.entry", ipi.entry, "300ns", MAX_STEP, "target: to the first handler instruction"),
	PS("ipi.exit", ipi.exit, "100ns", MAX_STEP, "target: EOI and return"),
	PS("ipi.idle_exit", ipi.idle_exit, "1us", MAX_STEP, "leaving the shallow idle state"),
	PS("ipi.deep_exit", ipi.deep_exit, "0ns", 1e11,
	   "leaving a deep idle state, which loses the TLB; 0: there is none (never in guests)"),
	PS("ipi.deep_residency", ipi.deep_residency, "600us", 1e12,
	   "idle time from which on it is chosen"),
	{ .name = "ipi.jitter",
	  .type = PARAM_DOUBLE,
	  .offset = M(ipi.jitter),
	  .def = "0.03",
	  .min = 0,
	  .max = 1,
	  .help = "standard deviation of a delivery, share of it" },
	FLAG("virt.guest", virt.guest, "false", "a virtual machine"),
	PS("virt.icr_exit", virt.icr_exit, "0ns", MAX_STEP, "sender: exit for an ICR write"),
	PS("virt.icr_target", virt.icr_target, "0ns", MAX_STEP,
	   "sender: more of the exit for each CPU that the host wakes or kicks"),
	PS("virt.receive", virt.receive, "0ns", MAX_STEP, "target: forced exit and injection"),
	FLAG("virt.exits_join", virt.exits_join, "false",
	     "a CPU that is sent to while it is in an exit of its own returns with the sender"),
	PS("virt.window", virt.window, "0ns", MAX_STEP,
	   "more, if the target has interrupts disabled: exit of the interrupt window"),
	PS("virt.inject", virt.inject, "0ns", MAX_STEP, "target in its host: injection at entry"),
	PS("virt.idle_exit", virt.idle_exit, "0ns", MAX_STEP, "waking a halted virtual CPU"),
	{ .name = "virt.idle_jitter",
	  .type = PARAM_DOUBLE,
	  .offset = M(virt.idle_jitter),
	  .def = "0",
	  .min = 0,
	  .max = 1,
	  .help = "standard deviation of virt.idle_exit and virt.deep_exit, share of them" },
	PS("virt.deep_exit", virt.deep_exit, "0ns", MAX_STEP,
	   "the same after virt.deep_residency, when the host's CPU sleeps deeply and has lost its "
	   "L1 and L2; 0: it never does"),
	PS("virt.deep_residency", virt.deep_residency, "1ms", 1e12, "see virt.deep_exit"),
	PS("virt.idle_leave", virt.idle_leave, "0ns", MAX_STEP,
	   "on the way out of idle, behind the interrupt, what a guest pays for"),
	PS("virt.timer_write", virt.timer_write, "0ns", MAX_STEP,
	   "programming the tick, when idle stops it and starts it again: an exit"),
	FLAG("virt.posted", virt.posted, "false",
	     "posted interrupts, AVIC: IPIs reach a CPU in guest mode without an exit"),
	PS("virt.posted_receive", virt.posted_receive, "100ns", MAX_STEP,
	   "with virt.posted, instead of virt.receive: the processor's own injection"),
	CHOICE("virt.ipi_virtualization", virt.ipi_virtualization, "none", ipi_virtualizations,
	       "who sends without an exit: ipiv (Intel: one target, physical mode), avic (AMD: "
	       "targets that run)"),
	PS("virt.direct_write", virt.direct_write, "150ns", MAX_STEP,
	   "sender: an ICR write without an exit"),
	PS("virt.direct_latency", virt.direct_latency, "500ns", MAX_STEP,
	   "its delivery, instead of ipi.same_l3 and so on"),
	PS("virt.steal_interval", virt.steal_interval, "0ns", MAX_STEAL,
	   "mean time after which the host takes a CPU that executes; 0: never"),
	PS("virt.steal_mean", virt.steal_mean, "3ms", MAX_STEAL, "mean time for which it does"),
	PS("virt.steal_min", virt.steal_min, "100us", MAX_STEAL, "shortest such time"),
	FLAG("virt.pv_flush", virt.pv_flush, "false",
	     "KVM para-virtual TLB flush: the host flushes for CPUs that it has preempted"),
	FLAG("virt.pv_ipi", virt.pv_ipi, "false", "KVM para-virtual multicast IPI"),
	PS("pause", pause, "20ns", MAX_STEP,
	   "the PAUSE instruction: a spinner looks once in this time (default: 65 cycles of Zen)"),
	{ .name = "memory.size",
	  .type = PARAM_BYTES,
	  .offset = M(memory.size),
	  .def = "0B",
	  .max = 1e15,
	  .help = "what all frames together may take; 0: as much as is asked for" },
	PS("memory.writeback", memory.writeback, "5s", 1e15,
	   "from one run of the flusher to the next (vm.dirty_writeback_centisecs)"),
	PS("disk.read", disk.read, "80us", 1e11, "reading 4 KiB from the idle disk"),
	PS("disk.write", disk.write, "20us", 1e11, "writing 4 KiB to the idle disk"),
	{ .name = "disk.rate",
	  .type = PARAM_DOUBLE,
	  .offset = M(disk.rate),
	  .def = "3",
	  .min = 0.001,
	  .max = 1000,
	  .help = "GB/s that the disk moves" },
	NUM("disk.depth", disk.depth, "64", 1, 4096, "requests that it works on at once"),
	FLAG("disk.sync", disk.sync, "false",
	     "the CPU that submits does the work, as zram: read and write are its time"),
	{ .name = "disk.swap",
	  .type = PARAM_BYTES,
	  .offset = M(disk.swap),
	  .def = "64GiB",
	  .max = 1e14,
	  .help = "swap space on it (used when memory.size is short); 0: none" },
	{ .name = "smt_slowdown",
	  .type = PARAM_DOUBLE,
	  .offset = M(smt_slowdown),
	  .def = "1.5",
	  .min = 1,
	  .max = 4,
	  .help = "time per work while the sibling is busy" },
	CHOICE("preempt", preempt, "none", preemptions,
	       "preemption of the kernel itself: none (voluntary likewise), lazy, full"),
	NUM("hz", hz_tick, "250", 100, 1000, "CONFIG_HZ"),
	NUM("isolated_cores", isolated_cores, "0", 0, NR_CPUS,
	    "the last so many cores run only what is bound to them; their IPIs are counted apart"),
	FLAG("nohz_full", nohz_full, "true", "isolated CPUs have no tick while they run one task"),
	FLAG("idle_mwait", idle_mwait, "true",
	     "idle CPUs wait in MWAIT, where a store wakes them without an IPI (not in guests)"),
	FLAG("idle_polls", idle_polls, "false", "idle CPUs poll instead of halting"),
	PARAM_END
};

bool machine_load(const char *name, struct machine_desc *desc, struct yaml_doc **doc,
		  struct err *err)
{
	static const char *const others[] = { "kernel", "calibration", NULL };
	char path[4096];
	struct yaml_doc *yaml;

	if (!datadir_find("configs/machines", name, ".yaml", path, sizeof(path), err))
		return false;
	yaml = yaml_load(path, err);
	if (!yaml)
		return false;
	if (!param_init(desc, machine_params, err) ||
	    !yaml_bind(yaml_root(yaml), desc, machine_params, others, err)) {
		param_free(desc, machine_params);
		yaml_free(yaml);
		return false;
	}
	if (machine_desc_cpus(desc) > NR_CPUS) {
		err_set(err, "%s: %u CPUs: at most %u are possible", path, machine_desc_cpus(desc),
			NR_CPUS);
		param_free(desc, machine_params);
		yaml_free(yaml);
		return false;
	}
	if (doc)
		*doc = yaml;
	else
		yaml_free(yaml);
	return true;
}

void machine_desc_free(struct machine_desc *desc)
{
	param_free(desc, machine_params);
}

unsigned int machine_desc_cpus(const struct machine_desc *desc)
{
	return desc->topo.sockets * desc->topo.l3_per_socket * desc->topo.cores_per_l3 *
	       desc->topo.threads_per_core;
}

struct machine *machine_create(struct sim *sim, struct machine_desc *desc)
{
	struct machine *m = calloc(1, sizeof(*m));

	m->sim = sim;
	m->desc = *desc;
	*desc = (struct machine_desc){ 0 };
	m->nr_cpus = machine_desc_cpus(&m->desc);
	m->nr_cores = m->nr_cpus / m->desc.topo.threads_per_core;
	m->line_latency[DIST_SAME_CORE] = m->desc.line.same_core;
	m->line_latency[DIST_SAME_L3] = m->desc.line.same_l3;
	m->line_latency[DIST_SAME_SOCKET] = m->desc.line.same_socket;
	m->line_latency[DIST_CROSS_SOCKET] = m->desc.line.cross_socket;
	m->ipi_latency[DIST_SAME_CORE] = m->desc.ipi.same_core;
	m->ipi_latency[DIST_SAME_L3] = m->desc.ipi.same_l3;
	m->ipi_latency[DIST_SAME_SOCKET] = m->desc.ipi.same_socket;
	m->ipi_latency[DIST_CROSS_SOCKET] = m->desc.ipi.cross_socket;
	rng_init(&m->ipi_rng, sim_seed(sim), "ipi.delivery", 0);
	m->cpus = calloc(m->nr_cpus, sizeof(*m->cpus));
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		cpu_init(&m->cpus[i], m, i);
	m->mem = usermem_create(m);
	return m;
}

void machine_free(struct machine *m)
{
	struct line_class *c, *next;

	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		tlb_free(&m->cpus[i].tlb);
		steal_free(&m->cpus[i]);
	}
	usermem_free(m->mem, m);
	for (c = m->line_classes; c; c = next) {
		next = c->next;
		free(c);
	}
	free(m->cpus);
	machine_desc_free(&m->desc);
	free(m);
}

enum distance machine_core_distance(const struct machine *m, unsigned int a, unsigned int b)
{
	unsigned int per_l3 = m->desc.topo.cores_per_l3;

	if (a == b)
		return DIST_SAME_CORE;
	if (a / per_l3 == b / per_l3)
		return DIST_SAME_L3;
	per_l3 *= m->desc.topo.l3_per_socket;
	return a / per_l3 == b / per_l3 ? DIST_SAME_SOCKET : DIST_CROSS_SOCKET;
}
