/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim validate --recording: replays a recording and shows what was recorded beside it.
 */
#ifndef CLI_VALIDATE_RECORDING_H
#define CLI_VALIDATE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"

struct recording_options {
	const char *file, *machine, *policy;
	const char *plot; /* folder, "" = none */
	uint32_t seeds, jobs;
	bool json;
};

/* An exit code. */
int validate_recording(const struct recording_options *o, struct err *err);

#endif
