/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mutations.c and perf_text.c share.
 */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include <stdio.h>

#include "workloads/trace.h"

/* As perf script prints it. */
void mutate_print(FILE *out, const struct trace_event *e);

#endif
