/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzzers share. Each fuzz_NAME.c is a libFuzzer target (the `fuzz` preset, with clang);
 * in ordinary tests driver.c calls it instead, with the corpus and with random changes of it. An
 * input may be refused, or read; whatever is read must be sound. fuzz_fail() ends the process.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/program.h"
#include "workloads/trace_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

_Noreturn void fuzz_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A file in memory that trace_open can open by the name in path. Returns its descriptor. */
int fuzz_file(const uint8_t *data, size_t n, char path[64]);
/* Reads all of it: events are within bounds and in the order of time, errors name the file. */
void fuzz_read(const char *path);
/* Makes a program of it, which must be sound and not hang; NULL if it was refused. */
struct program *fuzz_build(const char *path);
void fuzz_check_event(const struct trace_event *e, uint64_t *last_ns);
void fuzz_check_program(const struct program *p);

#endif
