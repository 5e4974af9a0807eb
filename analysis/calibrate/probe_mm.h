/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sizes and steps of the memory probes, which derive*.c fit and fit.c compares with the models.
 */
#ifndef ANALYSIS_CALIBRATE_PROBE_MM_H
#define ANALYSIS_CALIBRATE_PROBE_MM_H

/* figures "dontneed.PAGES" */
enum { DONTNEED_POINTS = 18 };
extern const unsigned int dontneed_pages[DONTNEED_POINTS];

/* figures "STEP.PAGES" */
enum cycle_step {
	CYCLE_MMAP,
	CYCLE_MPROTECT_RO,
	CYCLE_MPROTECT_RW,
	CYCLE_ZAP, /* DONTNEED of what was written */
	CYCLE_FAULT_READ,
	CYCLE_FAULT_WRITE,
	CYCLE_MUNMAP,
	CYCLE_STEPS
};
enum { CYCLE_SIZES = 4 };
extern const unsigned int cycle_pages[CYCLE_SIZES];
extern const char *const cycle_steps[CYCLE_STEPS];

/* figures "fork.*": so many VMAs of a page, or pages of one VMA, more than "fork.base" */
enum { FORK_VMAS = 64, FORK_PAGES = 1024 };

#endif
