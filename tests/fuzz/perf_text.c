/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events as perf script prints them, so that recordings that are kept in .mmt files can be read and
 * damaged as text, too.
 */
#include <inttypes.h>
#include <stdio.h>

#include "mutate.h"
#include "workloads/trace_fields.h"

static const struct trace_row *row_of(const struct trace_event *e)
{
	const struct trace_row *row;
	bool ipi = e->type == TRACE_IPI_ENTRY || e->type == TRACE_IPI_EXIT;

	for (size_t i = 0; (row = trace_rows_at(i)); i++)
		if (!trace_row_is_raw(row) && row->type == e->type && row->nr == e->nr &&
		    (!ipi || row->arg1 == e->arg[1]))
			return row;
	return NULL;
}

static void print_letters(FILE *out, uint64_t packed)
{
	for (; packed; packed >>= 8)
		fputc((int)(packed & 255), out);
}

static void print_field(FILE *out, const struct trace_field *f, const struct trace_event *e)
{
	uint8_t to = f->to & TO_MASK;
	uint64_t v = to < TO_TEXT ? e->arg[to] : 0;
	const char *text = to == TO_TEXT ? e->text : to == TO_TEXT2 ? e->text2 : "x";

	switch ((enum trace_how)f->how) {
	case HOW_RET:
		fprintf(out, " 0x%" PRIx64, v);
		break;
	case HOW_NUM:
	case HOW_PTR:
		fprintf(out, " %s=0x%" PRIx64, f->name, v);
		break;
	case HOW_PAGES:
		fprintf(out, " %s=0x%" PRIx64, f->name, v >> 12);
		break;
	case HOW_CALL:
	case HOW_RESULT:
		break;
	case HOW_FLAG:
		fprintf(out, " %s=%s", f->name, v ? "true" : "false");
		break;
	case HOW_STATE:
		fprintf(out, " %s=", f->name);
		print_letters(out, v);
		break;
	case HOW_REASON:
		fprintf(out, " %s:why (%" PRIu64 ")", f->name, v);
		break;
	case HOW_OKAY:
		fprintf(out, " %s=%s", f->name, v ? "succeeded" : "failed");
		break;
	case HOW_NAME:
	case HOW_SYMBOL:
	case HOW_MASK:
		fprintf(out, " %s=%s", f->name, text ? text : "x");
		break;
	}
}

void mutate_print(FILE *out, const struct trace_event *e)
{
	const struct trace_row *row = row_of(e);

	fprintf(out, "%16s %5d/%-5d", e->comm, e->pid, e->tid);
	if (e->cpu != TRACE_CPU_UNKNOWN)
		fprintf(out, " [%03u]", e->cpu);
	fprintf(out, " %" PRIu64 ".%09" PRIu64 ": ", e->time_ns / 1000000000,
		e->time_ns % 1000000000);
	if (!row) {
		fprintf(out, "PERF_RECORD_LOST lost %" PRIu64 "\n", e->arg[0]);
		return;
	}
	fprintf(out, "%s:", row->name);
	for (int i = 0; i < TRACE_ROW_FIELDS && row->field[i].name; i++)
		if (row->field[i].to != (TO_NOTHING | TO_OPTIONAL))
			print_field(out, &row->field[i], e);
	fputc('\n', out);
}
