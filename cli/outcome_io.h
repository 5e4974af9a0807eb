/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An outcome on its way from a worker process to its parent. Both are the same program, so the form
 * is plain memory order; it is never stored.
 */
#ifndef CLI_OUTCOME_IO_H
#define CLI_OUTCOME_IO_H

#include <stdio.h>

#include "workloads/experiment.h"

bool outcome_write(const struct outcome *o, FILE *out, struct err *err);
/* Fills *o; free it with outcome_free, which also frees what a failed read left. Texts of
 * violations live as long as the process. */
bool outcome_read(struct outcome *o, FILE *in, struct err *err);

#endif
