/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of tracepoints as perf prints them, and the one routine that walks a row's fields over
 * a line. Fields come in the order of the row, which is perf's; one that is elsewhere is searched.
 */
#define _GNU_SOURCE /* memmem */
#include <ctype.h>
#include <string.h>

#include "workloads/trace_perf.h"

enum how {
	NUM,    /* decimal or 0x hexadecimal */
	FLAG,   /* true or false */
	STATE,  /* letters, packed into a number, first in the low byte */
	PAREN,  /* the number in the last parentheses: "local MM shootdown (3)" */
	OKAY,   /* 1 for "succeeded" */
	SYMBOL, /* a token without its +0xOFFSET */
	NAME,   /* a task name: up to the last `stop`, may hold anything */
	MASK,   /* a CPU mask */
};

enum { TEXT = 6, TEXT2 = 7, DROP = 8, OPT = 16 }; /* where to, above arg[0..5] */

struct field {
	const char *key;
	uint8_t how, to;
	const char *stop;
};

struct perf_event_row {
	const char *name;
	uint8_t type, nr;
	uint64_t arg1; /* put into arg[1] before the fields */
	struct field field[6];
};

#define ENTER(name_, nr_, ...)                                                                     \
	{                                                                                          \
		.name = "syscalls:sys_enter_" name_, .type = TRACE_SYS_ENTER, .nr = nr_,           \
		.field = {                                                                         \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define EXIT(name_, nr_)                                                                           \
	{                                                                                          \
		.name = "syscalls:sys_exit_" name_, .type = TRACE_SYS_EXIT, .nr = nr_, .field = {  \
			{ "", NUM, 0 }                                                             \
		}                                                                                  \
	}
#define EVENT(name_, type_, arg1_, ...)                                                            \
	{                                                                                          \
		.name = name_, .type = type_, .arg1 = arg1_, .field = { __VA_ARGS__ }              \
	}

/* clang-format off */
static const struct perf_event_row rows[] = {
	ENTER("mmap", SC_MMAP, { "addr: ", NUM, 0 }, { "len: ", NUM, 1 }, { "prot: ", NUM, 2 },
	      { "flags: ", NUM, 3 }, { "fd: ", NUM, 4 }, { "off: ", NUM, 5 }),
	ENTER("munmap", SC_MUNMAP, { "addr: ", NUM, 0 }, { "len: ", NUM, 1 }),
	ENTER("mprotect", SC_MPROTECT, { "start: ", NUM, 0 }, { "len: ", NUM, 1 },
	      { "prot: ", NUM, 2 }),
	ENTER("madvise", SC_MADVISE, { "start: ", NUM, 0 }, { "len_in: ", NUM, 1 },
	      { "behavior: ", NUM, 2 }),
	ENTER("process_madvise", SC_PROCESS_MADVISE, { "pidfd: ", NUM, 0 }, { "vec: ", NUM, 1 },
	      { "vlen: ", NUM, 2 }, { "behavior: ", NUM, 3 }, { "flags: ", NUM, 4 }),
	ENTER("mremap", SC_MREMAP, { "addr: ", NUM, 0 }, { "old_len: ", NUM, 1 },
	      { "new_len: ", NUM, 2 }, { "flags: ", NUM, 3 }, { "new_addr: ", NUM, 4 }),
	ENTER("brk", SC_BRK, { "brk: ", NUM, 0 }),
	ENTER("execve", SC_EXECVE, { "filename: ", NUM, 0 }, { "argv: ", NUM, 1 },
	      { "envp: ", NUM, 2 }),
	ENTER("clone", SC_CLONE, { "clone_flags: ", NUM, 0 }, { "newsp: ", NUM, 1 },
	      { "parent_tidptr: ", NUM, 2 }, { "child_tidptr: ", NUM, 3 }, { "tls: ", NUM, 4 }),
	ENTER("clone3", SC_CLONE3, { "uargs: ", NUM, 0 }, { "size: ", NUM, 1 }),
	ENTER("vfork", SC_VFORK, { NULL }),
	EXIT("mmap", SC_MMAP), EXIT("munmap", SC_MUNMAP), EXIT("mprotect", SC_MPROTECT),
	EXIT("madvise", SC_MADVISE), EXIT("process_madvise", SC_PROCESS_MADVISE),
	EXIT("mremap", SC_MREMAP), EXIT("brk", SC_BRK), EXIT("execve", SC_EXECVE),
	EXIT("clone", SC_CLONE), EXIT("clone3", SC_CLONE3), EXIT("vfork", SC_VFORK),
	EVENT("exceptions:page_fault_user", TRACE_PAGE_FAULT, 0, { "address=", NUM, 0 },
	      { "ip=", NUM, 1 }, { "error_code=", NUM, 2 }),
	EVENT("tlb:tlb_flush", TRACE_TLB_FLUSH, 0, { "pages:", NUM, 0 }, { "reason:", PAREN, 1 }),
	EVENT("ipi:ipi_send_cpu", TRACE_IPI_SEND_CPU, 0, { "cpu=", NUM, 0 },
	      { "callsite=", SYMBOL, TEXT }),
	EVENT("ipi:ipi_send_cpumask", TRACE_IPI_SEND_CPUMASK, 0, { "cpumask=", MASK, TEXT },
	      { "callsite=", SYMBOL, TEXT2 }),
	EVENT("irq_vectors:call_function_entry", TRACE_IPI_ENTRY, 1, { "vector=", NUM, 0 }),
	EVENT("irq_vectors:call_function_exit", TRACE_IPI_EXIT, 1, { "vector=", NUM, 0 }),
	EVENT("irq_vectors:call_function_single_entry", TRACE_IPI_ENTRY, 0, { "vector=", NUM, 0 }),
	EVENT("irq_vectors:call_function_single_exit", TRACE_IPI_EXIT, 0, { "vector=", NUM, 0 }),
	EVENT("sched:sched_switch", TRACE_SWITCH, 0, { "prev_comm=", NAME, DROP, " prev_pid=" },
	      { "prev_pid=", NUM, 0 }, { "prev_state=", STATE, 1 },
	      { "next_comm=", NAME, TEXT, " next_pid=" }, { "next_pid=", NUM, 2 }),
	EVENT("sched:sched_waking", TRACE_WAKING, 0, { "comm=", NAME, TEXT, " pid=" },
	      { "pid=", NUM, 0 }, { "target_cpu=", NUM, 1 }),
	EVENT("sched:sched_process_fork", TRACE_FORK, 0, { "comm=", NAME, DROP, " pid=" },
	      { "child_comm=", NAME, TEXT, " child_pid=" }, { "child_pid=", NUM, 0 }),
	EVENT("sched:sched_process_exit", TRACE_EXIT, 0, { "comm=", NAME, DROP, " pid=" },
	      { "pid=", NUM, 0 }, { "group_dead=", FLAG, 1 | OPT }),
	EVENT("sched:sched_migrate_task", TRACE_MIGRATE, 0, { "comm=", NAME, DROP, " pid=" },
	      { "pid=", NUM, 0 }, { "orig_cpu=", NUM, 1 }, { "dest_cpu=", NUM, 2 }),
	EVENT("mmap_lock:mmap_lock_start_locking", TRACE_LOCK_START, 0, { "mm=", NUM, 0 },
	      { "write=", FLAG, 1 }),
	EVENT("mmap_lock:mmap_lock_acquire_returned", TRACE_LOCK_ACQUIRED, 0, { "mm=", NUM, 0 },
	      { "write=", FLAG, 1 }, { "success=", FLAG, 2 }),
	EVENT("mmap_lock:mmap_lock_released", TRACE_LOCK_RELEASED, 0, { "mm=", NUM, 0 },
	      { "write=", FLAG, 1 }),
	EVENT("huge_memory:mm_collapse_huge_page", TRACE_COLLAPSE, 0, { "mm=", NUM, 0 },
	      { "status=", OKAY, 1 }),
};
/* clang-format on */

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static unsigned int hash_name(const char *name, size_t n)
{
	unsigned int h = (unsigned int)n;

	for (size_t i = n > 12 ? n - 12 : 0; i < n; i++)
		h = h * 31 + (unsigned char)name[i];
	return (h ^ h >> 7) & 127;
}

void perf_events_init(struct perf_events *events)
{
	memset(events, 0, sizeof(*events));
	for (unsigned int i = 0; i < N_ROWS; i++) {
		unsigned int at = hash_name(rows[i].name, strlen(rows[i].name));

		while (events->slot[at])
			at = (at + 1) & 127;
		events->slot[at] = (uint8_t)(i + 1);
	}
}

const struct perf_event_row *perf_events_find(const struct perf_events *events, const char *name,
					      size_t n)
{
	for (unsigned int at = hash_name(name, n); events->slot[at]; at = (at + 1) & 127) {
		const struct perf_event_row *row = &rows[events->slot[at] - 1];

		if (!strncmp(row->name, name, n) && !row->name[n])
			return row;
	}
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *hex_number(const char *p, const char *end, uint64_t *value)
{
	const char *start = p;
	uint64_t v = 0;
	int d;

	while (p < end && (d = hex_digit(*p)) >= 0) {
		if (v >> 60)
			return NULL;
		v = v << 4 | (unsigned int)d;
		p++;
	}
	*value = v;
	return p > start ? p : NULL;
}

const char *perf_number(const char *p, const char *end, uint64_t *value)
{
	bool minus = p < end && *p == '-';
	const char *start = p += minus;
	uint64_t v = 0;

	if (end - p > 2 && p[0] == '0' && p[1] == 'x')
		return minus ? NULL : hex_number(p + 2, end, value);
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		unsigned int d = (unsigned int)(*p - '0');

		if (v > (UINT64_MAX - d) / 10)
			return NULL;
		v = v * 10 + d;
	}
	*value = minus ? -v : v;
	return p > start ? p : NULL;
}

const char *perf_find_last(const char *p, const char *end, const char *needle)
{
	size_t n = strlen(needle);

	for (const char *q = end - n; q >= p; q--)
		if (!memcmp(q, needle, n))
			return q;
	return NULL;
}

static const char *token_end(const char *p, const char *end)
{
	while (p < end && *p != ' ')
		p++;
	return p;
}

/* "0-3,8": adds each CPU; false if it is not such a list. */
static bool mask_list(const char *p, const char *end, uint64_t *low, uint64_t *count)
{
	while (p < end) {
		uint64_t a, b;

		p = perf_number(p, end, &a);
		b = a;
		if (p && p < end && *p == '-')
			p = perf_number(p + 1, end, &b);
		if (!p || b < a || b > 65535 || (p < end && *p++ != ','))
			return false;
		*count += b - a + 1;
		for (; a <= b && a < 64; a++)
			*low |= 1ull << a;
	}
	return true;
}

/*
 * The kernel prints a mask as groups of 32 bits in hexadecimal, all but the first 8 digits wide;
 * some tools print a list instead. Only a list has a '-', or a later group that is not 8 wide.
 */
static bool mask_words(const char *p, const char *end, uint64_t *low, uint64_t *count)
{
	bool first = true;

	*low = *count = 0;
	while (p < end) {
		uint64_t word;
		const char *q = hex_number(p, end, &word);

		if (!q || q - p > 8 || (!first && q - p != 8) || (q < end && *q++ != ','))
			return false;
		*low = *low << 32 | word;
		*count += (uint64_t)__builtin_popcountll(word);
		first = false;
		p = q;
	}
	return !first;
}

static const char *parse_mask(const char *p, const char *end, struct trace_event *event)
{
	const char *q = token_end(p, end);
	uint64_t low = 0, count = 0;

	if (q == p)
		return NULL;
	if (!mask_words(p, q, &low, &count)) {
		low = count = 0;
		if (!mask_list(p, q, &low, &count))
			return NULL;
	}
	event->arg[0] = low;
	event->arg[1] = count;
	return q;
}

static const char *parse_flag(const char *p, const char *end, uint64_t *value)
{
	bool yes = end - p >= 4 && !memcmp(p, "true", 4);

	*value = yes;
	if (yes || (end - p >= 5 && !memcmp(p, "false", 5)))
		return p + (yes ? 4 : 5);
	return perf_number(p, end, value);
}

static const char *parse_state(const char *p, const char *end, uint64_t *value)
{
	const char *q = token_end(p, end);

	*value = 0;
	if (q == p || q - p > 8)
		return NULL;
	for (const char *c = q; c-- > p;)
		*value = *value << 8 | (unsigned char)*c;
	return q;
}

/* One value at p; NULL if it is not what the field wants. *text gets a name's end. */
static const char *parse_value(const struct field *f, const char *p, const char *end,
			       struct trace_event *event, uint64_t *value, const char **text_end)
{
	const char *q;

	switch ((enum how)f->how) {
	case NUM:
		q = perf_number(p, end, value);
		return q && (q == end || *q == ' ' || *q == ',') ? q : NULL;
	case FLAG:
		return parse_flag(p, end, value);
	case STATE:
		return parse_state(p, end, value);
	case PAREN:
		q = perf_find_last(p, end, "(");
		q = q ? perf_number(q + 1, end, value) : NULL;
		return q && q < end && *q == ')' ? q : NULL;
	case OKAY:
		q = token_end(p, end);
		*value = q - p == 9 && !memcmp(p, "succeeded", 9);
		return q > p ? q : NULL;
	case SYMBOL:
		q = token_end(p, end);
		*text_end = memchr(p, '+', (size_t)(q - p));
		if (!*text_end)
			*text_end = q;
		return q > p ? q : NULL;
	case NAME:
		return *text_end = perf_find_last(p, end, f->stop);
	case MASK:
		return *text_end = parse_mask(p, end, event);
	}
	return NULL;
}

/* After the field's key, searched from p on and then from the start; NULL if it is not there. */
static const char *find_key(const struct field *f, const char *start, const char *p,
			    const char *end)
{
	size_t n = strlen(f->key);
	const char *q;

	while (p < end && (*p == ' ' || *p == ','))
		p++;
	if ((size_t)(end - p) >= n && !memcmp(p, f->key, n))
		return p + n;
	q = memmem(p, (size_t)(end - p), f->key, n);
	while (!q && p != start) {
		p = start;
		q = memmem(p, (size_t)(end - p), f->key, n);
	}
	return q ? q + n : NULL;
}

bool perf_parse_args(const struct perf_event_row *row, const char *p, const char *end,
		     struct strtab *names, struct trace_event *event, const char **expected,
		     const char **at)
{
	const char *start = p;

	event->type = row->type;
	event->nr = row->nr;
	event->arg[1] = row->arg1;
	for (const struct field *f = row->field; f < row->field + 6 && f->key; f++) {
		const char *q = find_key(f, start, p, end), *text_end = NULL;
		uint64_t value = 0;
		uint8_t to = f->to & (OPT - 1);

		*expected = f->key;
		*at = q ? q : p;
		if (!q && f->to & OPT)
			continue;
		p = q ? parse_value(f, q, end, event, &value, &text_end) : NULL;
		if (!p)
			return false;
		if (to < TEXT)
			event->arg[to] = value;
		else if (to != DROP)
			*(to == TEXT ? &event->text : &event->text2) = strtab_add(
				names, q, (size_t)(text_end - q), NULL);
	}
	return true;
}
