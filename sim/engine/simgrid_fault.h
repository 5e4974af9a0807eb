/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stack overflow of an actor on SimGrid's stacks. Private to the simgrid plug-in. */
#ifndef SIM_ENGINE_SIMGRID_FAULT_H
#define SIM_ENGINE_SIMGRID_FAULT_H

#include "sim/engine/engine.h"

/* From enter to leave, an overflow ends the process with one line on stderr and status 70. */
void simgrid_fault_enter(const struct sim *sim);
void simgrid_fault_leave(void);

#endif
