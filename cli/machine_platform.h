/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine as a SimGrid platform file (version 4.1): a host for each core, clusters of L3 groups
 * in zones of sockets, and links whose latencies add up to the machine's own for every pair of
 * cores.
 */
#ifndef CLI_MACHINE_PLATFORM_H
#define CLI_MACHINE_PLATFORM_H

#include <stdio.h>

#include "models/hw/machine.h"

void machine_write_platform(const struct machine_desc *d, FILE *out);

#endif
