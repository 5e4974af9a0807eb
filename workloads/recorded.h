/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recordings by name: files, and those that come with mmsim.
 */
#ifndef WORKLOADS_RECORDED_H
#define WORKLOADS_RECORDED_H

#include <stdbool.h>
#include <stddef.h>

/* What `name` means: the file of that path, else the recording of that name that comes with mmsim.
 * False: neither. */
bool recorded_find(const char *name, char *path, size_t size);
/* The names of those that come with mmsim, sorted. Free with datadir_free_list. */
size_t recorded_list(char ***names);

#endif
