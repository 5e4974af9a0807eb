/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SimGrid's own set-up, once a process: configuration and platform. Private to the simgrid plug-in.
 */
#ifndef SIM_ENGINE_SIMGRID_PLATFORM_H
#define SIM_ENGINE_SIMGRID_PLATFORM_H

#include "sim/sim.h"

/* May be called for each run; SimGrid keeps the platform of the first. */
bool simgrid_setup(const struct sim_options *opt, struct err *err);
/* The SimGrid name of a CPU's host; CPUs beyond the platform share its hosts. */
const char *simgrid_host_name(unsigned int host, char *buf, size_t size);

#endif
