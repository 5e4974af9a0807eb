/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables whose rows stand in many files: a row placed by SECTION_ROW in any linked object is found
 * by section_for_each, with no list to edit. Policies, metrics, synthetic workloads and subcommands
 * register this way. Rows are pointers, so that their order is the linker's: sort before printing.
 */
#ifndef SIM_BASE_SECTION_H
#define SIM_BASE_SECTION_H

/* SECTION_ROW(policies, &my_choice): at file scope; object may be static. */
#define SECTION_ROW(section, object)                                                               \
	static const void *const SECTION_CAT(section_row_, __LINE__)                               \
		__attribute__((used, __section__("mmsim_" #section))) = (object)
#define SECTION_CAT(a, b)  SECTION_CAT2(a, b)
#define SECTION_CAT2(a, b) a##b

/* Makes the bounds of a section known; weak, so that an empty one links. */
#define SECTION_DECLARE(section)                                                                   \
	extern const void *const __start_mmsim_##section[] __attribute__((weak));                  \
	extern const void *const __stop_mmsim_##section[] __attribute__((weak))

/* for each row: pos is a `const void *const *` */
#define section_for_each(section, pos)                                                             \
	for (const void *const *pos = __start_mmsim_##section; pos < __stop_mmsim_##section; pos++)

#endif
