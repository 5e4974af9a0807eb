/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the types, calls and arguments of recorded events are called, and one line of text for an
 * event. The numbers behind the names are trace.h's.
 */
#include <inttypes.h>
#include <string.h>

#include "workloads/trace.h"

const char *const trace_type_names[TRACE_TYPES] = {
	[TRACE_NONE] = "none",
	[TRACE_SYS_ENTER] = "sys_enter",
	[TRACE_SYS_EXIT] = "sys_exit",
	[TRACE_PAGE_FAULT] = "page_fault",
	[TRACE_TLB_FLUSH] = "tlb_flush",
	[TRACE_IPI_SEND_CPU] = "ipi_send_cpu",
	[TRACE_IPI_SEND_CPUMASK] = "ipi_send_cpumask",
	[TRACE_IPI_ENTRY] = "ipi_entry",
	[TRACE_IPI_EXIT] = "ipi_exit",
	[TRACE_SWITCH] = "sched_switch",
	[TRACE_WAKING] = "sched_waking",
	[TRACE_FORK] = "sched_process_fork",
	[TRACE_EXIT] = "sched_process_exit",
	[TRACE_MIGRATE] = "sched_migrate_task",
	[TRACE_LOCK_START] = "mmap_lock_start_locking",
	[TRACE_LOCK_ACQUIRED] = "mmap_lock_acquire_returned",
	[TRACE_LOCK_RELEASED] = "mmap_lock_released",
	[TRACE_COLLAPSE] = "mm_collapse_huge_page",
	[TRACE_LOST] = "lost",
};

const char *const trace_syscall_names[SC_SYSCALLS] = {
	[0] = "none",
	[SC_MMAP] = "mmap",
	[SC_MUNMAP] = "munmap",
	[SC_MPROTECT] = "mprotect",
	[SC_MADVISE] = "madvise",
	[SC_PROCESS_MADVISE] = "process_madvise",
	[SC_MREMAP] = "mremap",
	[SC_BRK] = "brk",
	[SC_EXECVE] = "execve",
	[SC_CLONE] = "clone",
	[SC_CLONE3] = "clone3",
	[SC_VFORK] = "vfork",
};

/* One letter an argument: x hexadecimal, d signed decimal, b yes/no, s letters; its name after ':'
 */
static const char *const type_args[TRACE_TYPES][6] = {
	[TRACE_SYS_EXIT] = { "x:ret" },
	[TRACE_PAGE_FAULT] = { "x:address", "x:ip", "x:error_code" },
	[TRACE_TLB_FLUSH] = { "d:pages", "d:reason" },
	[TRACE_IPI_SEND_CPU] = { "d:cpu" },
	[TRACE_IPI_SEND_CPUMASK] = { "x:low", "d:cpus" },
	[TRACE_IPI_ENTRY] = { "d:vector", "b:many" },
	[TRACE_IPI_EXIT] = { "d:vector", "b:many" },
	[TRACE_SWITCH] = { "d:prev", "s:state", "d:next" },
	[TRACE_WAKING] = { "d:tid", "d:cpu" },
	[TRACE_FORK] = { "d:child" },
	[TRACE_EXIT] = { "d:tid", "b:group_dead" },
	[TRACE_MIGRATE] = { "d:tid", "d:from", "d:to" },
	[TRACE_LOCK_START] = { "x:mm", "b:write" },
	[TRACE_LOCK_ACQUIRED] = { "x:mm", "b:write", "b:success" },
	[TRACE_LOCK_RELEASED] = { "x:mm", "b:write" },
	[TRACE_COLLAPSE] = { "x:mm", "b:success" },
	[TRACE_LOST] = { "d:events" },
};

static const char *const call_args[SC_SYSCALLS][6] = {
	[SC_MMAP] = { "x:addr", "x:len", "x:prot", "x:flags", "x:fd", "x:off" },
	[SC_MUNMAP] = { "x:addr", "x:len" },
	[SC_MPROTECT] = { "x:start", "x:len", "x:prot" },
	[SC_MADVISE] = { "x:start", "x:len", "d:behavior" },
	[SC_PROCESS_MADVISE] = { "d:pidfd", "x:vec", "d:vlen", "d:behavior", "x:flags" },
	[SC_MREMAP] = { "x:addr", "x:old_len", "x:new_len", "x:flags", "x:new_addr" },
	[SC_BRK] = { "x:brk" },
	[SC_EXECVE] = { "x:filename", "x:argv", "x:envp" },
	[SC_CLONE] = { "x:flags", "x:newsp", "x:parent_tidptr", "x:child_tidptr", "x:tls" },
	[SC_CLONE3] = { "x:uargs", "d:size" },
};

static void print_arg(FILE *out, const char *spec, uint64_t value)
{
	fprintf(out, " %s=", spec + 2);
	switch (*spec) {
	case 'x':
		fprintf(out, "%#" PRIx64, value);
		break;
	case 'b':
		fputs(value ? "yes" : "no", out);
		break;
	case 's':
		for (; value; value >>= 8)
			fputc((int)(value & 0xff), out);
		break;
	default:
		fprintf(out, "%" PRId64, (int64_t)value);
	}
}

void trace_print_event(FILE *out, const struct trace_event *e)
{
	bool call = e->type == TRACE_SYS_ENTER || e->type == TRACE_SYS_EXIT;
	const char *const *args = type_args[e->type < TRACE_TYPES ? e->type : 0];

	if (e->type == TRACE_SYS_ENTER)
		args = call_args[e->nr < SC_SYSCALLS ? e->nr : 0];
	fprintf(out, "%" PRIu64 ".%09" PRIu64, e->time_ns / 1000000000, e->time_ns % 1000000000);
	if (e->cpu == TRACE_CPU_UNKNOWN)
		fputs(" [  ?]", out);
	else
		fprintf(out, " [%03u]", e->cpu);
	fprintf(out, " %d/%d %s %s%s%s", e->pid, e->tid, e->comm,
		e->type < TRACE_TYPES ? trace_type_names[e->type] : "?", call ? "_" : "",
		call && e->nr < SC_SYSCALLS ? trace_syscall_names[e->nr] : "");
	for (size_t i = 0; i < 6 && args[i]; i++)
		print_arg(out, args[i], e->arg[i]);
	if (e->text)
		fprintf(out, " %s", e->text);
	if (e->text2)
		fprintf(out, " %s", e->text2);
	fputc('\n', out);
}
