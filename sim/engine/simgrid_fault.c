/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tells an actor's stack overflow on SimGrid from other faults. SimGrid's contexts cannot be left
 * from a signal handler in a sound way, so the process ends, with the line that the native engine
 * would give as its error. Other faults go to SimGrid's own handler.
 */
#define _GNU_SOURCE /* REG_RSP */
#include "sim/engine/simgrid_fault.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { EXIT_OVERFLOW = 70, NEAR = 64 << 10 };

static const struct sim *watched; /* there is one run at a time */
static struct sigaction previous;

/* A fault close to the stack pointer, while an actor runs, is its guard page. */
static bool near_stack_pointer(const siginfo_t *info, const void *context)
{
	const ucontext_t *uc = context;
	uintptr_t sp, address = (uintptr_t)info->si_addr;

#if defined(__x86_64__)
	sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	sp = (uintptr_t)uc->uc_mcontext.sp;
#else
	(void)uc;
	return false;
#endif
	return address + NEAR > sp && address < sp + NEAR;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	static char line[256];
	ssize_t n;

	if (watched && watched->self && near_stack_pointer(info, context)) {
		n = snprintf(line, sizeof(line), "actor %s overflowed its stack of %zu KiB\n",
			     watched->self->name, watched->opt.stack_bytes >> 10);
		n = write(STDERR_FILENO, line, (size_t)n);
		_exit(n > 0 ? EXIT_OVERFLOW : EXIT_OVERFLOW + 1);
	}
	sigaction(sig, &previous, NULL); /* the instruction faults again */
}

void simgrid_fault_enter(const struct sim *sim)
{
	struct sigaction ours = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	watched = sim;
	sigemptyset(&ours.sa_mask);
	sigaction(SIGSEGV, &ours, &previous);
}

void simgrid_fault_leave(void)
{
	watched = NULL;
	sigaction(SIGSEGV, &previous, NULL);
}
