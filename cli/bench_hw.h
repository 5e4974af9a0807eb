/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast the hardware models are on this computer, and how they grow with the machine. */
#ifndef CLI_BENCH_HW_H
#define CLI_BENCH_HW_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/base/err.h"

/* A table, or a JSON object. Returns an exit code; if that is not 0, *err says why. */
int bench_hw(bool json, FILE *out, struct err *err);

#endif
