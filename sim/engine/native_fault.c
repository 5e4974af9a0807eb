/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Overflow of an actor's stack: a fault in the guard of the actor that runs. If our own code
 * faulted, sim_run returns SIM_END_DIED. If a library did, its locks and its heap may be half
 * changed, so the process ends with status 70 and one line on stderr, the only output below cli/.
 * Other faults go to whoever handled them before. The handler is the process's; what it looks at is
 * the thread's.
 */
#define _GNU_SOURCE /* REG_RIP */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "sim/engine/native.h"

enum { ALT_STACK = 64 << 10, EXIT_OVERFLOW = 70 };

/* The innermost run of this thread: a signal handler is given no argument of ours. */
static _Thread_local struct native *running;

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous; /* whoever gets the faults that are not ours; under the lock */

extern const char __executable_start[] __attribute__((weak));
extern const char etext[] __attribute__((weak));

/* Did the program's own code fault, rather than a library? */
static bool in_own_code(const void *context)
{
	const ucontext_t *uc = context;
	uintptr_t pc;

#if defined(__x86_64__)
	pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	pc = (uintptr_t)uc->uc_mcontext.pc;
#else
	(void)uc;
	pc = 0;
#endif
	return pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
}

static void set_death(struct native *n)
{
	const struct sim_actor *actor = n->sim.self;

	err_set(&n->sim.death, "actor %s overflowed its stack of %zu KiB", actor->name,
		n->sim.opt.stack_bytes >> 10);
	n->sim.died = true;
}

static void give_up(const struct native *n)
{
	ssize_t written = write(STDERR_FILENO, n->sim.death.msg, strlen(n->sim.death.msg));

	if (written >= 0)
		written = write(STDERR_FILENO, "\n", 1);
	_exit(written < 0 ? EXIT_OVERFLOW + 1 : EXIT_OVERFLOW);
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(sig, info, context);
	} else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
		signal(sig, SIG_DFL); /* the instruction faults again, and the kernel ends us */
	} else {
		previous.sa_handler(sig);
	}
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	for (struct native *n = running; n; n = n->outer) {
		if (!n->sim.self || !stack_guards(&n->stack[n->sim.self->id], info->si_addr))
			continue;
		set_death(n);
		if (!in_own_code(context))
			give_up(n);
		native_escape(n);
	}
	pass_on(sig, info, context);
}

/* Others (a test framework) may have set a handler since the last run. */
static bool install(void)
{
	struct sigaction now,
		ours = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	bool ok;

	sigemptyset(&ours.sa_mask);
	pthread_mutex_lock(&install_lock);
	ok = sigaction(SIGSEGV, NULL, &now) == 0;
	if (ok && !((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)) {
		previous = now;
		ok = sigaction(SIGSEGV, &ours, NULL) == 0;
	}
	pthread_mutex_unlock(&install_lock);
	return ok;
}

static bool set_alt_stack(struct native *n)
{
	stack_t now, ours = { .ss_size = ALT_STACK };

	if (sigaltstack(NULL, &now) != 0)
		return false;
	if (!(now.ss_flags & SS_DISABLE))
		return true;
	n->alt_stack = malloc(ALT_STACK);
	ours.ss_sp = n->alt_stack;
	return n->alt_stack && sigaltstack(&ours, NULL) == 0;
}

bool fault_enter(struct native *n, struct err *err)
{
	if (!set_alt_stack(n) || !install()) {
		free(n->alt_stack);
		n->alt_stack = NULL;
		return err_set(err, "cannot watch the actors' stacks: %s", strerror(errno));
	}
	n->outer = running;
	running = n;
	return true;
}

void fault_leave(struct native *n)
{
	running = n->outer;
	if (n->alt_stack) {
		sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
		free(n->alt_stack);
		n->alt_stack = NULL;
	}
}
