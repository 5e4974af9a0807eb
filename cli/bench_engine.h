/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast the engines are on this computer, and whether a queue they simulate obeys theory. */
#ifndef CLI_BENCH_ENGINE_H
#define CLI_BENCH_ENGINE_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/base/err.h"

/* A table, or a JSON list. Returns an exit code; if that is not 0, *err says why. */
int bench_engine(bool json, FILE *out, struct err *err);

#endif
