// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Pipes, by the byte: what a program uses to wake another. The pipe's mutex and the lock of its
 * wait queue are one lock here, whose holds are as short. No contents, no splice, no poll.
 */
#include <stdlib.h>

#include "models/kernel/init.h"

#define PIPE_BYTES 65536 /* PIPE_DEF_BUFFERS pages */

struct pipe_waiter {
	struct task *task;
	struct pipe_waiter *next;
	bool woken;
};

struct pipe {
	struct pipe *next; /* all of the run */
	struct spinlock lock;
	unsigned int bytes;
	struct pipe_waiter *readers, *writers; /* oldest first */
};

struct pipe *kernel_pipe(struct kernel *k)
{
	struct pipe *pipe = calloc(1, sizeof(*pipe));

	spin_lock_init(k, &pipe->lock, lock_class_get(k, "pipe"));
	pipe->next = k->pipes;
	k->pipes = pipe;
	return pipe;
}

void pipes_free(struct kernel *k)
{
	while (k->pipes) {
		struct pipe *pipe = k->pipes;

		k->pipes = pipe->next;
		spin_lock_free(k, &pipe->lock);
		free(pipe);
	}
}

/* Under the lock, which is let go meanwhile. */
static void wait_in(struct task *t, struct pipe *pipe, struct pipe_waiter **queue, const char *why)
{
	struct pipe_waiter self = { .task = t };

	while (*queue)
		queue = &(*queue)->next;
	*queue = &self;
	spin_unlock(t, &pipe->lock);
	while (!self.woken)
		sched_block(t, why);
	spin_lock(t, &pipe->lock);
}

/* Takes the oldest off its queue; it is woken once the lock is gone. */
static struct pipe_waiter *first_of(struct pipe_waiter **queue)
{
	struct pipe_waiter *w = *queue;

	if (w)
		*queue = w->next;
	return w;
}

static void wake(struct task *t, struct pipe_waiter *w)
{
	struct task *sleeper;

	if (!w)
		return;
	sleeper = w->task; /* w is on its stack: gone as soon as it sees that it was woken */
	w->woken = true;
	sched_wake(t, sleeper);
}

static void transfer(struct task *t, struct pipe *pipe, bool write)
{
	struct pipe_waiter *other;

	syscall_enter(t);
	spend(t, t->k->cost.pipe);
	spin_lock(t, &pipe->lock);
	while (pipe->bytes == (write ? PIPE_BYTES : 0))
		wait_in(t, pipe, write ? &pipe->writers : &pipe->readers,
			write ? "room in a pipe" : "a byte from a pipe");
	pipe->bytes = write ? pipe->bytes + 1 : pipe->bytes - 1;
	other = first_of(write ? &pipe->readers : &pipe->writers);
	spin_unlock(t, &pipe->lock);
	wake(t, other);
	syscall_exit(t);
}

void sys_pipe_write(struct task *t, struct pipe *pipe)
{
	transfer(t, pipe, true);
}

void sys_pipe_read(struct task *t, struct pipe *pipe)
{
	transfer(t, pipe, false);
}
