/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starts and ends the processes that turn recordings into text. What they have to say comes out
 * only when they fail.
 */
#define _GNU_SOURCE /* pipe2, O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workloads/trace_child.h"
#include "workloads/trace_reader.h"

enum { NO_PROGRAM = 127 }; /* the shell's status for it */

int trace_temp_file(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/mmsim-XXXXXX", dir && *dir ? dir : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		err_set(err, "%s: cannot create: %s", path, strerror(errno));
	else
		unlink(path);
	return fd;
}

static int in_child(char *const *argv, trace_child_fn *fn, int in, int out, int errors)
{
	static const int defaults[] = {
		SIGPIPE, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM
	};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		signal(defaults[i], SIG_DFL); /* whatever our parent does when it crashes */
	prctl(PR_SET_PDEATHSIG, SIGKILL);     /* nobody would read us */
	lseek(in, 0, SEEK_SET);
	dup2(errors, STDERR_FILENO);
	if (!argv)
		return fn(in, out);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execvp(argv[0], argv);
	return errno == ENOENT ? NO_PROGRAM : 126;
}

bool trace_child_start(struct trace_child *child, const char *what, char *const *argv,
		       trace_child_fn *fn, int in, int *out, struct err *err)
{
	int ends[2];

	child->what = what;
	child->errors = trace_temp_file(err);
	if (child->errors < 0)
		return false;
	if (pipe2(ends, O_CLOEXEC)) {
		close(child->errors);
		return err_set(err, "cannot make a pipe: %s", strerror(errno));
	}
	fflush(NULL); /* or the child would write it, too */
	child->pid = fork();
	if (child->pid == 0)
		_exit(in_child(argv, fn, in, ends[1], child->errors));
	close(ends[1]);
	if (child->pid > 0) {
		*out = ends[0];
		return true;
	}
	child->pid = 0;
	close(ends[0]);
	close(child->errors);
	return err_set(err, "cannot start %s: %s", what, strerror(errno));
}

/* perf warns about each kind of event that a field does not suit; that is no reason to fail. */
static bool is_noise(const char *line)
{
	return !*line || strstr(line, "Ignoring.");
}

static void last_words(int fd, char *text, size_t size)
{
	char line[256];
	FILE *f;

	*text = '\0';
	lseek(fd, 0, SEEK_SET);
	f = fdopen(fd, "r");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!is_noise(line))
			snprintf(text, size, ": %s", line);
	}
	if (f)
		fclose(f);
	else
		close(fd);
}

bool trace_child_end(struct trace_child *child, const char *file, struct err *err)
{
	char words[320];
	int status;

	if (!child->pid)
		return true;
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
	last_words(child->errors, words, sizeof(words));
	if (WIFSIGNALED(status))
		return err_set(err, "%s: damaged: %s died of it (%s)", file, child->what,
			       strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == NO_PROGRAM)
		return err_set(err,
			       "%s: needs perf to be read, and perf is not installed (on Debian: "
			       "apt-get install linux-perf)",
			       file);
	if (WEXITSTATUS(status))
		return err_set(err, "%s: %s failed%s", file, child->what, words);
	return true;
}

void trace_child_stop(struct trace_child *child)
{
	if (!child->pid)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
	close(child->errors);
}
