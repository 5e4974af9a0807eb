/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pool of worker processes. A worker writes one byte that says what follows, then an outcome or
 * an error's text, to a pipe; the parent collects all pipes at once and keeps what comes too early.
 */
#define _GNU_SOURCE
#include "cli/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/outcome_io.h"

enum { TAG_OUTCOME = 'o', TAG_REFUSED = 'r' };

struct slot {      /* one run of the plan */
	pid_t pid; /* 0 = not running */
	int fd;
	char *data;
	size_t size, room;
	bool finished;
	int status;
};

struct pool {
	const struct plan *plan;
	const struct workers_options *o;
	struct slot *slots;
	size_t next, delivered, running, jobs;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

static void child_main(const struct experiment *spec, int fd, pid_t parent)
{
	FILE *out = fdopen(fd, "w");
	struct err err = { 0 };
	struct outcome o;

	/* A killed parent must not leave workers behind. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !out)
		_exit(1);
	memset(&o, 0, sizeof(o));
	if (!experiment_run(spec, &o, &err)) {
		fputc(TAG_REFUSED, out);
		fputs(err.msg, out);
	} else {
		fputc(TAG_OUTCOME, out);
		if (!outcome_write(&o, out, &err))
			_exit(1);
	}
	_exit(fclose(out) ? 1 : 0);
}

static bool start(struct pool *p, struct err *err)
{
	struct slot *s = &p->slots[p->next];
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return err_set(err, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	s->pid = fork();
	if (s->pid < 0) {
		close(fds[0]);
		close(fds[1]);
		s->pid = 0;
		return err_set(err, "cannot start a worker: %s", strerror(errno));
	}
	if (!s->pid) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		close(fds[0]);
		child_main(&p->plan->runs[p->next].spec, fds[1], parent);
	}
	close(fds[1]);
	s->fd = fds[0];
	p->next++;
	p->running++;
	return true;
}

/* Takes what the pipe holds; at its end the worker is reaped. */
static bool drain(struct pool *p, struct slot *s, struct err *err)
{
	ssize_t n;

	if (s->size == s->room) {
		char *more = realloc(s->data, s->room ? 2 * s->room : 1 << 16);

		if (!more)
			return err_set(err, "out of memory");
		s->data = more;
		s->room = s->room ? 2 * s->room : 1 << 16;
	}
	n = read(s->fd, s->data + s->size, s->room - s->size);
	if (n < 0)
		return errno == EINTR ||
		       err_set(err, "cannot read from a worker: %s", strerror(errno));
	s->size += (size_t)n;
	if (n)
		return true;
	close(s->fd);
	while (waitpid(s->pid, &s->status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	s->finished = true;
	p->running--;
	return true;
}

static void name_run(const struct planned_run *r, char *buf, size_t size)
{
	snprintf(buf, size, "%s on %s, %u threads, %s, seed %llu", r->workload, r->machine,
		 r->spec.threads, r->policy, (unsigned long long)r->spec.seed);
}

static int worker_lost(const struct slot *s, const struct planned_run *r, struct err *err)
{
	char name[512];

	name_run(r, name, sizeof(name));
	if (WIFSIGNALED(s->status))
		err_set(err, "the run of %s crashed: %s", name, strsignal(WTERMSIG(s->status)));
	else
		err_set(err, "the run of %s ended without a result (status %d)", name,
			WEXITSTATUS(s->status));
	return EXIT_RUN;
}

static int deliver(struct pool *p, struct slot *s, const struct planned_run *r, struct err *err)
{
	struct outcome o;
	FILE *in;
	bool ok;

	if (!WIFEXITED(s->status) || WEXITSTATUS(s->status) || !s->size)
		return worker_lost(s, r, err);
	if (s->data[0] == TAG_REFUSED) {
		err_set(err, "%.*s", (int)s->size - 1, s->data + 1);
		return EXIT_USAGE;
	}
	in = fmemopen(s->data + 1, s->size - 1, "r");
	if (!in) {
		err_set(err, "out of memory");
		return EXIT_RUN;
	}
	ok = outcome_read(&o, in, err);
	fclose(in);
	if (!ok) {
		outcome_free(&o);
		return EXIT_RUN;
	}
	free(s->data);
	s->data = NULL;
	return p->o->done(p->o->arg, r, &o, err) ? EXIT_OK : EXIT_RUN;
}

static void show_progress(const struct pool *p)
{
	if (p->o->progress)
		fprintf(stderr, "\r\033[K%zu of %zu runs done, %zu running", p->delivered,
			p->plan->n, p->running);
}

/* Waits until some worker has something to say. */
static bool collect(struct pool *p, struct err *err)
{
	struct pollfd fds[256];
	struct slot *of[256];
	size_t n = 0;

	for (size_t i = p->delivered; i < p->next && n < 256; i++) {
		if (!p->slots[i].pid)
			continue;
		of[n] = &p->slots[i];
		fds[n++] = (struct pollfd){ .fd = p->slots[i].fd, .events = POLLIN };
	}
	if (poll(fds, n, -1) < 0)
		return errno == EINTR ||
		       err_set(err, "cannot wait for workers: %s", strerror(errno));
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents && !drain(p, of[i], err))
			return false;
	return true;
}

static int run_all(struct pool *p, struct err *err)
{
	while (p->delivered < p->plan->n) {
		while (!interrupted && p->next < p->plan->n && p->running < p->jobs)
			if (!start(p, err))
				return EXIT_RUN;
		show_progress(p);
		if (interrupted)
			return EXIT_INTERRUPTED;
		if (!collect(p, err))
			return EXIT_RUN;
		while (!interrupted && p->delivered < p->next && p->slots[p->delivered].finished) {
			int code = deliver(p, &p->slots[p->delivered], &p->plan->runs[p->delivered],
					   err);

			if (code)
				return code;
			p->delivered++;
		}
	}
	return EXIT_OK;
}

static void stop_all(struct pool *p)
{
	for (size_t i = 0; i < p->next; i++) {
		struct slot *s = &p->slots[i];

		if (s->pid) {
			kill(s->pid, SIGKILL);
			waitpid(s->pid, NULL, 0);
			close(s->fd);
		}
		free(s->data);
	}
	if (p->o->progress)
		fputs("\r\033[K", stderr);
}

static size_t usable_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (size_t)CPU_COUNT(&set);
}

int workers_run(const struct plan *plan, const struct workers_options *o, struct err *err)
{
	struct sigaction act = { .sa_handler = on_signal }, old_int, old_term;
	struct pool p = { .plan = plan, .o = o };
	int code;

	p.jobs = o->jobs ? o->jobs : usable_cpus();
	if (p.jobs > 256)
		p.jobs = 256;
	p.slots = calloc(plan->n, sizeof(*p.slots));
	if (!p.slots) {
		err_set(err, "out of memory");
		return EXIT_RUN;
	}
	interrupted = 0;
	sigaction(SIGINT, &act, &old_int); /* no SA_RESTART: poll must return */
	sigaction(SIGTERM, &act, &old_term);
	code = run_all(&p, err);
	stop_all(&p);
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGTERM, &old_term, NULL);
	free(p.slots);
	if (code == EXIT_INTERRUPTED)
		err_set(err, "interrupted: %zu of %zu runs were finished and kept", p.delivered,
			plan->n);
	return code;
}
