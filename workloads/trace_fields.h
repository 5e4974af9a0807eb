/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tracepoints that mmsim reads: one row each, from the kernel's names of events and fields to
 * the arguments of a struct trace_event, and how fields are read from text. trace.dat has the same
 * rows, but reads numbers (trace_dat.c).
 */
#ifndef WORKLOADS_TRACE_FIELDS_H
#define WORKLOADS_TRACE_FIELDS_H

#include "workloads/trace_reader.h"

enum trace_how {
	HOW_NUM,    /* decimal or 0x hexadecimal */
	HOW_PAGES,  /* the same, in pages; we want bytes */
	HOW_PTR,    /* hexadecimal with or without 0x */
	HOW_RET,    /* a call's result, which has no name in text */
	HOW_FLAG,   /* true or false */
	HOW_STATE,  /* letters, packed into a number, first in the low byte */
	HOW_REASON, /* the number in the last parentheses: "local MM shootdown (3)" */
	HOW_OKAY,   /* 1 for "succeeded" */
	HOW_SYMBOL, /* a token without its +0xOFFSET */
	HOW_NAME,   /* a task name: up to the last `stop`, may hold anything */
	HOW_MASK,   /* a CPU mask */
	HOW_CALL,   /* "9 (0, 2000, 3)": a call's number, and its arguments in hexadecimal */
	HOW_RESULT, /* "9 = -12": a call's number and its result */
};

/* Where to: arg[0..5], or one of these. */
enum { TO_TEXT = 6, TO_TEXT2 = 7, TO_NOTHING = 8, TO_MASK = 15, TO_OPTIONAL = 16 };

enum { TRACE_ROW_FIELDS = 6 };

struct trace_field {
	const char *name;
	uint8_t how, to;
	const char *stop;
};

struct trace_row {
	const char *name; /* "SYSTEM:EVENT" */
	uint8_t type, nr;
	uint64_t arg1; /* put into arg[1] before the fields */
	struct trace_field field[TRACE_ROW_FIELDS];
};

/* Calls by number: not what mmsim asks for, since it would be every call there is. */
static inline bool trace_row_is_raw(const struct trace_row *row)
{
	return (row->type == TRACE_SYS_ENTER || row->type == TRACE_SYS_EXIT) && !row->nr;
}

/* Open addressing over the rows, filled by trace_rows_init. */
struct trace_rows {
	uint8_t slot[128]; /* row + 1 */
};

void trace_rows_init(struct trace_rows *rows);
/* NAME is "SYSTEM:EVENT" or, as ftrace prints it, "EVENT"; NULL: not an event that mmsim reads. */
const struct trace_row *trace_rows_find(const struct trace_rows *rows, const char *name, size_t n);
/* All of them, in the order of the table; NULL behind the last. */
const struct trace_row *trace_rows_at(size_t i);

struct trace_args {
	const char *start, *end;
	bool hex;             /* all numbers are hexadecimal, with or without 0x */
	const char *expected; /* after a failure: the field that is missing or bad */
	const char *at;       /* where */
	uint64_t raw_nr;      /* of HOW_CALL and HOW_RESULT; the event's nr is then 0 */
};

/* Fills in type, nr, arg, text and text2; false: see args->expected. */
bool trace_parse_args(const struct trace_row *row, struct trace_args *args, struct strtab *names,
		      struct trace_event *event);
/*
 * What a 32-bit kernel's failed call returned (-4095 to -1 in 32 bits) as a 64-bit one would. No
 * call but brk can return such a number when it succeeds.
 */
void trace_widen_error(struct trace_event *event);
/* A number: decimal with sign, or 0x hexadecimal; returns what follows it, NULL if there is none.
 */
const char *trace_number(const char *p, const char *end, uint64_t *value);

#endif
