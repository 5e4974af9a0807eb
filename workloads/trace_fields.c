/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of tracepoints, and the one routine that walks a row's fields over a line. "NAME: " and
 * "NAME=" are both good, since perf, the kernel and trace-cmd differ. Fields come in the order of
 * the row, which is the kernel's; one that is elsewhere is searched.
 */
#include <ctype.h>
#include <string.h>

#include "workloads/trace_fields.h"

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
			{ "ret", HOW_RET, 0 }                                                      \
		}                                                                                  \
	}
#define EVENT(name_, type_, arg1_, ...)                                                            \
	{                                                                                          \
		.name = name_, .type = type_, .arg1 = arg1_, .field = { __VA_ARGS__ }              \
	}

/* clang-format off */
static const struct trace_row rows[] = {
	ENTER("mmap", SC_MMAP, { "addr", HOW_NUM, 0 }, { "len", HOW_NUM, 1 }, { "prot", HOW_NUM, 2 },
	      { "flags", HOW_NUM, 3 }, { "fd", HOW_NUM, 4 }, { "off", HOW_NUM, 5 }),
	/* of 32-bit kernels */
	ENTER("mmap_pgoff", SC_MMAP, { "addr", HOW_NUM, 0 }, { "len", HOW_NUM, 1 },
	      { "prot", HOW_NUM, 2 }, { "flags", HOW_NUM, 3 }, { "fd", HOW_NUM, 4 },
	      { "pgoff", HOW_PAGES, 5 }),
	ENTER("munmap", SC_MUNMAP, { "addr", HOW_NUM, 0 }, { "len", HOW_NUM, 1 }),
	ENTER("mprotect", SC_MPROTECT, { "start", HOW_NUM, 0 }, { "len", HOW_NUM, 1 },
	      { "prot", HOW_NUM, 2 }),
	ENTER("madvise", SC_MADVISE, { "start", HOW_NUM, 0 }, { "len_in", HOW_NUM, 1 },
	      { "behavior", HOW_NUM, 2 }),
	ENTER("process_madvise", SC_PROCESS_MADVISE, { "pidfd", HOW_NUM, 0 }, { "vec", HOW_NUM, 1 },
	      { "vlen", HOW_NUM, 2 }, { "behavior", HOW_NUM, 3 }, { "flags", HOW_NUM, 4 }),
	ENTER("mremap", SC_MREMAP, { "addr", HOW_NUM, 0 }, { "old_len", HOW_NUM, 1 },
	      { "new_len", HOW_NUM, 2 }, { "flags", HOW_NUM, 3 }, { "new_addr", HOW_NUM, 4 }),
	ENTER("brk", SC_BRK, { "brk", HOW_NUM, 0 }),
	ENTER("execve", SC_EXECVE, { "filename", HOW_NUM, 0 }, { "argv", HOW_NUM, 1 },
	      { "envp", HOW_NUM, 2 }),
	ENTER("clone", SC_CLONE, { "clone_flags", HOW_NUM, 0 }, { "newsp", HOW_NUM, 1 },
	      { "parent_tidptr", HOW_NUM, 2 }, { "child_tidptr", HOW_NUM, 3 }, { "tls", HOW_NUM, 4 }),
	ENTER("clone3", SC_CLONE3, { "uargs", HOW_NUM, 0 }, { "size", HOW_NUM, 1 }),
	ENTER("vfork", SC_VFORK, { NULL }),
	EXIT("mmap", SC_MMAP), EXIT("mmap_pgoff", SC_MMAP), EXIT("munmap", SC_MUNMAP), EXIT("mprotect", SC_MPROTECT),
	EXIT("madvise", SC_MADVISE), EXIT("process_madvise", SC_PROCESS_MADVISE),
	EXIT("mremap", SC_MREMAP), EXIT("brk", SC_BRK), EXIT("execve", SC_EXECVE),
	EXIT("clone", SC_CLONE), EXIT("clone3", SC_CLONE3), EXIT("vfork", SC_VFORK),
	EVENT("raw_syscalls:sys_enter", TRACE_SYS_ENTER, 0, { "NR", HOW_CALL, 0 }),
	EVENT("raw_syscalls:sys_exit", TRACE_SYS_EXIT, 0, { "NR", HOW_RESULT, 0 }),
	EVENT("exceptions:page_fault_user", TRACE_PAGE_FAULT, 0, { "address", HOW_NUM, 0 },
	      { "ip", HOW_NUM, 1 }, { "error_code", HOW_NUM, 2 }),
	EVENT("tlb:tlb_flush", TRACE_TLB_FLUSH, 0, { "pages", HOW_NUM, 0 }, { "reason", HOW_REASON, 1 }),
	EVENT("ipi:ipi_send_cpu", TRACE_IPI_SEND_CPU, 0, { "cpu", HOW_NUM, 0 },
	      { "callsite", HOW_SYMBOL, TO_TEXT }),
	EVENT("ipi:ipi_send_cpumask", TRACE_IPI_SEND_CPUMASK, 0, { "cpumask", HOW_MASK, TO_TEXT },
	      { "callsite", HOW_SYMBOL, TO_TEXT2 }),
	EVENT("irq_vectors:call_function_entry", TRACE_IPI_ENTRY, 1, { "vector", HOW_NUM, 0 }),
	EVENT("irq_vectors:call_function_exit", TRACE_IPI_EXIT, 1, { "vector", HOW_NUM, 0 }),
	EVENT("irq_vectors:call_function_single_entry", TRACE_IPI_ENTRY, 0, { "vector", HOW_NUM, 0 }),
	EVENT("irq_vectors:call_function_single_exit", TRACE_IPI_EXIT, 0, { "vector", HOW_NUM, 0 }),
	EVENT("sched:sched_switch", TRACE_SWITCH, 0, { "prev_comm", HOW_NAME, TO_NOTHING, " prev_pid=" },
	      { "prev_pid", HOW_NUM, 0 }, { "prev_state", HOW_STATE, 1 },
	      { "next_comm", HOW_NAME, TO_TEXT, " next_pid=" }, { "next_pid", HOW_NUM, 2 }),
	EVENT("sched:sched_waking", TRACE_WAKING, 0, { "comm", HOW_NAME, TO_TEXT, " pid=" },
	      { "pid", HOW_NUM, 0 }, { "target_cpu", HOW_NUM, 1 }),
	EVENT("sched:sched_process_fork", TRACE_FORK, 0,
	      { "comm", HOW_NAME, TO_NOTHING | TO_OPTIONAL, " pid=" },
	      { "child_comm", HOW_NAME, TO_TEXT, " child_pid=" }, { "child_pid", HOW_NUM, 0 }),
	EVENT("sched:sched_process_exit", TRACE_EXIT, 0, { "comm", HOW_NAME, TO_NOTHING, " pid=" },
	      { "pid", HOW_NUM, 0 }, { "group_dead", HOW_FLAG, 1 | TO_OPTIONAL }),
	EVENT("sched:sched_migrate_task", TRACE_MIGRATE, 0, { "comm", HOW_NAME, TO_NOTHING, " pid=" },
	      { "pid", HOW_NUM, 0 }, { "orig_cpu", HOW_NUM, 1 }, { "dest_cpu", HOW_NUM, 2 }),
	EVENT("mmap_lock:mmap_lock_start_locking", TRACE_LOCK_START, 0, { "mm", HOW_PTR, 0 },
	      { "write", HOW_FLAG, 1 }),
	EVENT("mmap_lock:mmap_lock_acquire_returned", TRACE_LOCK_ACQUIRED, 0, { "mm", HOW_PTR, 0 },
	      { "write", HOW_FLAG, 1 }, { "success", HOW_FLAG, 2 }),
	EVENT("mmap_lock:mmap_lock_released", TRACE_LOCK_RELEASED, 0, { "mm", HOW_PTR, 0 },
	      { "write", HOW_FLAG, 1 }),
	EVENT("huge_memory:mm_collapse_huge_page", TRACE_COLLAPSE, 0, { "mm", HOW_PTR, 0 },
	      { "status", HOW_OKAY, 1 }),
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

void trace_rows_init(struct trace_rows *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < N_ROWS; i++) {
		const char *event = strchr(rows[i].name, ':') + 1;
		unsigned int at = hash_name(event, strlen(event));

		while (out->slot[at])
			at = (at + 1) & 127;
		out->slot[at] = (uint8_t)(i + 1);
	}
}

const struct trace_row *trace_rows_at(size_t i)
{
	return i < N_ROWS ? &rows[i] : NULL;
}

/* perf keeps what the user asked for with the name: "sched:sched_switch:k" */
static size_t without_modifier(const char *event, size_t n)
{
	const char *colon = memchr(event, ':', n);

	return colon ? (size_t)(colon - event) : n;
}

const struct trace_row *trace_rows_find(const struct trace_rows *in, const char *name, size_t n)
{
	const char *colon = memchr(name, ':', n), *event = colon ? colon + 1 : name;
	size_t system = (size_t)(event - name); /* with its colon */

	n = without_modifier(event, n - system);
	for (unsigned int at = hash_name(event, n); in->slot[at]; at = (at + 1) & 127) {
		const struct trace_row *row = &rows[in->slot[at] - 1];
		const char *row_event = strchr(row->name, ':') + 1;

		if (!strncmp(row_event, event, n) && !row_event[n] &&
		    (!system || ((size_t)(row_event - row->name) == system &&
				 !memcmp(row->name, name, system))))
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

const char *trace_number(const char *p, const char *end, uint64_t *value)
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

/* The last place of needle in [p, end), or NULL. */
static const char *find_last(const char *p, const char *end, const char *needle)
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

		p = trace_number(p, end, &a);
		b = a;
		if (p && p < end && *p == '-')
			p = trace_number(p + 1, end, &b);
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

/* "ARRAY[0f, 01]": bytes, the lowest first, by a perf that does not know what a mask is. */
static const char *mask_bytes(const char *p, const char *end, uint64_t *low, uint64_t *count)
{
	*low = *count = 0;
	for (unsigned int i = 0; p < end; i++) {
		uint64_t byte;

		p = hex_number(p, end, &byte);
		if (!p || byte > 255 || p == end || i >= TRACE_CPUS_MAX / 8)
			return NULL;
		*low |= i < 8 ? byte << 8 * i : 0;
		*count += (uint64_t)__builtin_popcountll(byte);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return NULL;
		for (p++; p < end && *p == ' ';)
			p++;
	}
	return NULL;
}

/*
 * A perf that knows neither masks nor "__data_loc TYPE" without brackets prints the field itself,
 * in decimal: the mask's size in bytes and its place in the record. What was in it is lost.
 */
static bool mask_lost(const struct trace_args *args, const char *p, const char *end)
{
	static const char failed[] = "[FAILED TO PARSE]";
	uint64_t field;

	return (size_t)(args->end - args->start) > strlen(failed) &&
	       !memcmp(args->start, failed, strlen(failed)) &&
	       trace_number(p, end, &field) == end && field >> 16 && (field >> 16) % 8 == 0 &&
	       field >> 16 <= TRACE_CPUS_MAX / 8;
}

static const char *parse_mask(const char *p, const struct trace_args *args,
			      struct trace_event *event)
{
	const char *end = args->end, *q = token_end(p, end);
	uint64_t low = 0, count = 0;

	if (q == p)
		return NULL;
	if (mask_lost(args, p, q)) {
		/* no CPUs: not known */
	} else if (q - p > 6 && !memcmp(p, "ARRAY[", 6)) {
		q = mask_bytes(p + 6, end, &low, &count);
	} else if (!mask_words(p, q, &low, &count)) {
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
	return trace_number(p, end, value);
}

/* The number in the last parentheses that hold one (what follows may have some, too). */
static const char *parse_reason(const char *p, const char *end, uint64_t *value)
{
	if (p < end && isdigit((unsigned char)*p))
		return trace_number(p, end, value);
	for (const char *q = end; q-- > p;) {
		const char *r = *q == '(' ? trace_number(q + 1, end, value) : NULL;

		if (r && r < end && *r == ')')
			return r + 1;
	}
	return NULL;
}

/* sched_switch's prev_state, as a number, in the letters that the kernel prints, packed. */
static uint64_t trace_state_letters(uint64_t bits)
{
	static const char letters[] = "SDTtXZPI";
	uint64_t packed = 0;
	unsigned int n = 0;

	for (unsigned int i = 0; i < 8; i++)
		if (bits >> i & 1 && n < 7)
			packed |= (uint64_t)letters[i] << 8 * n++;
	if (!n)
		packed = 'R', n = 1;
	if (bits >> 8 & 1)
		packed |= (uint64_t)'+' << 8 * n;
	return packed;
}

static const char *parse_state(const char *p, const char *end, uint64_t *value)
{
	const char *q = token_end(p, end);
	uint64_t bits;

	*value = 0;
	if (q == p || q - p > 8)
		return NULL;
	if (trace_number(p, q, &bits) == q) {
		*value = trace_state_letters(bits);
		return q;
	}
	for (const char *c = q; c-- > p;)
		*value = *value << 8 | (unsigned char)*c;
	return q;
}

static const char *parse_number(const char *p, const char *end, bool hex, uint64_t *value)
{
	if (hex && end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	p = hex ? hex_number(p, end, value) : trace_number(p, end, value);
	return p && (p == end || *p == ' ' || *p == ',') ? p : NULL;
}

/* "NR (A, B, ...)" or "NR = RESULT". */
static const char *parse_call(const char *p, struct trace_args *args, bool enter,
			      struct trace_event *event)
{
	const char *end = args->end;

	p = trace_number(p, end, &args->raw_nr);
	if (!p || end - p < 3 || p[0] != ' ')
		return NULL;
	if (!enter)
		return p[1] == '=' ? trace_number(p + 3, end, &event->arg[0]) : NULL;
	p += 2;
	if (p[-1] != '(')
		return NULL;
	for (int i = 0; i < 6 && p && p < end && *p != ')'; i++) {
		p = hex_number(p, end, &event->arg[i]);
		while (p && p < end && (*p == ',' || *p == ' '))
			p++;
	}
	return p && p < end && *p == ')' ? p + 1 : NULL;
}

/* One value at p; NULL if it is not what the field wants. *text_end gets a name's end. */
static const char *parse_value(const struct trace_field *f, const char *p, struct trace_args *args,
			       struct trace_event *event, uint64_t *value, const char **text_end)
{
	const char *end = args->end, *q;

	switch ((enum trace_how)f->how) {
	case HOW_NUM:
	case HOW_RET:
		return parse_number(p, end, args->hex, value);
	case HOW_PTR:
		return parse_number(p, end, true, value);
	case HOW_PAGES:
		q = parse_number(p, end, args->hex, value);
		*value <<= 12;
		return q;
	case HOW_FLAG:
		return parse_flag(p, end, value);
	case HOW_STATE:
		return parse_state(p, end, value);
	case HOW_REASON:
		return parse_reason(p, end, value);
	case HOW_OKAY:
		q = token_end(p, end);
		*value = q - p == 9 && !memcmp(p, "succeeded", 9);
		return q > p ? q : NULL;
	case HOW_SYMBOL:
		q = token_end(p, end);
		*text_end = memchr(p, '+', (size_t)(q - p));
		if (!*text_end)
			*text_end = q;
		return q > p ? q : NULL;
	case HOW_NAME:
		return *text_end = find_last(p, end, f->stop);
	case HOW_MASK:
		return *text_end = parse_mask(p, args, event);
	case HOW_CALL:
	case HOW_RESULT:
		return parse_call(p, args, f->how == HOW_CALL, event);
	}
	return NULL;
}

/* "NAME:" or "NAME=" at p: what follows it and spaces; else NULL. */
static const char *match_name(const char *p, const char *end, const char *name, size_t n)
{
	if ((size_t)(end - p) <= n || (p[n] != '=' && p[n] != ':') || memcmp(p, name, n))
		return NULL;
	for (p += n + 1; p < end && *p == ' ';)
		p++;
	return p;
}

/* A name starts at the start or behind one of these. */
static bool starts_name(const char *start, const char *p)
{
	return p == start || p[-1] == ' ' || p[-1] == ',' || p[-1] == '(';
}

/* After the field's name, searched from p on and then from the start; NULL if it is not there. */
static const char *find_name(const char *name, const char *start, const char *p, const char *end)
{
	size_t n = strlen(name);
	const char *from, *value;

	while (p < end && (*p == ' ' || *p == ','))
		p++;
	value = match_name(p, end, name, n);
	if (value)
		return value;
	for (from = p;; p = start) {
		for (const char *q = p; q < end && (q = memchr(q, *name, (size_t)(end - q))); q++) {
			value = starts_name(start, q) ? match_name(q, end, name, n) : NULL;
			if (value)
				return value;
		}
		if (p == start || from == start)
			return NULL;
	}
}

void trace_widen_error(struct trace_event *event)
{
	if (event->type == TRACE_SYS_EXIT && event->nr != SC_BRK && event->arg[0] <= UINT32_MAX &&
	    event->arg[0] > UINT32_MAX - 4095)
		event->arg[0] |= ~(uint64_t)UINT32_MAX;
}

/* "COMM:PID [PRIO]": what follows it; NULL if it is not there. */
static const char *short_task(const char *p, const char *end, struct trace_args *args,
			      const char **comm_end, uint64_t *pid)
{
	const char *q = find_last(p, end, " [");

	args->at = p;
	while (q && q > p && isdigit((unsigned char)q[-1]))
		q--;
	if (!q || q == p || q[-1] != ':' || !trace_number(q, end, pid))
		return NULL;
	*comm_end = q - 1;
	q = memchr(q, ']', (size_t)(end - q));
	return q ? q + 1 : NULL;
}

/* trace-cmd's own way to print sched_switch: "COMM:PID [PRIO] STATE ==> COMM:PID [PRIO]". */
static bool short_switch(struct trace_args *args, struct strtab *names, struct trace_event *event)
{
	const char *end = args->end, *arrow = find_last(args->start, end, " ==> "), *p, *next;

	args->expected = "prev_comm";
	p = arrow ? short_task(args->start, arrow, args, &next, &event->arg[0]) : NULL;
	if (!p)
		return false;
	args->expected = "prev_state";
	args->at = p;
	while (p < arrow && *p == ' ')
		p++;
	if (!parse_state(p, arrow, &event->arg[1]))
		return false;
	args->expected = "next_comm";
	p = arrow + 5;
	if (!short_task(p, end, args, &next, &event->arg[2]))
		return false;
	event->text = strtab_add(names, p, (size_t)(next - p), NULL);
	return true;
}

bool trace_parse_args(const struct trace_row *row, struct trace_args *args, struct strtab *names,
		      struct trace_event *event)
{
	const char *p = args->start, *end = args->end;

	event->type = row->type;
	event->nr = row->nr;
	event->arg[1] = row->arg1;
	for (const struct trace_field *f = row->field; f < row->field + TRACE_ROW_FIELDS && f->name;
	     f++) {
		const char *q = p, *text_end = NULL;
		uint64_t value = 0;
		uint8_t to = f->to & TO_MASK;

		if (f->how >= HOW_CALL) /* "NR 9 ..." */
			q = end - p > 3 && !memcmp(p, "NR ", 3) ? p + 3 : NULL;
		else if (f->how != HOW_RET)
			q = find_name(f->name, args->start, p, end);
		args->expected = f->name;
		args->at = q ? q : p;
		if (!q && f->to & TO_OPTIONAL)
			continue;
		if (!q && row->type == TRACE_SWITCH && f == row->field)
			return short_switch(args, names, event);
		p = q ? parse_value(f, q, args, event, &value, &text_end) : NULL;
		if (!p)
			return false;
		if (f->how >= HOW_CALL)
			continue;
		if (to < TO_TEXT)
			event->arg[to] = value;
		else if (to != TO_NOTHING)
			*(to == TO_TEXT ? &event->text : &event->text2) = strtab_add(
				names, q, (size_t)(text_end - q), NULL);
	}
	trace_widen_error(event);
	return true;
}
