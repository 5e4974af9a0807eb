/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running gnuplot; see gnuplot.h. The script goes in by standard input with its data inline, and
 * what gnuplot complains about comes back by a temporary file, so that neither side can block.
 */
#define _GNU_SOURCE
#include "analysis/gnuplot.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const struct {
	const char *suffix, *terminal;
} formats[] = {
	{ ".png", "pngcairo noenhanced size 1200,750 font 'Sans,14' linewidth 1.6 dashlength 0.6" },
	{ ".svg", "svg noenhanced size 1000,625 font 'Sans,14' linewidth 1.4 background 'white'" },
	{ ".pdf",
	  "pdfcairo noenhanced size 20cm,12.5cm font 'Sans,12' linewidth 1.6 dashlength 0.6" },
	{ NULL, NULL },
};

/* Okabe and Ito's palette (2008) without its yellow, which vanishes on white. */
static const char *const colours[] = { "#0072B2", "#D55E00", "#009E73", "#CC79A7",
				       "#56B4E9", "#E69F00", "#000000" };
enum { COLOURS = sizeof(colours) / sizeof(*colours) };

int gnuplot_series(size_t i)
{
	return (int)(i % COLOURS) + 1;
}

static void look(struct gnuplot *g)
{
	static const int points[COLOURS] = { 7, 5, 9, 11, 13, 4, 6 };

	for (size_t i = 0; i < COLOURS; i++)
		fprintf(g->script, "set linetype %zu lc rgb '%s' lw 2 pt %d ps 1.1 dt %zu\n", i + 1,
			colours[i], points[i], i % 5 + 1);
	fputs("set linetype cycle 7\n"
	      "set grid back lc rgb '#b4b4b4' lw 0.6 dt 1\n"
	      "set border 3 lc rgb '#404040'\n"
	      "set tics nomirror out\n"
	      "set key tmargin center horizontal noenhanced samplen 3\n"
	      "set encoding utf8\n",
	      g->script);
}

static const char *terminal_for(const char *path)
{
	size_t n = path ? strlen(path) : 0;

	for (size_t i = 0; formats[i].suffix; i++) {
		size_t s = strlen(formats[i].suffix);

		if (n > s && !strcmp(path + n - s, formats[i].suffix))
			return formats[i].terminal;
	}
	return NULL;
}

/* gnuplot's own words for a folder that is missing are hard to find among the rest. */
static bool check_folder(const char *path, struct err *err)
{
	char folder[PATH_MAX];

	if ((size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
		return err_set(err, "%s: the path is too long", path);
	if (access(dirname(folder), W_OK))
		return err_set(err, "%s: cannot make it: %s", path, strerror(errno));
	return true;
}

static void abandon(struct gnuplot *g)
{
	if (g->script)
		fclose(g->script);
	if (g->part)
		unlink(g->part);
	free(g->text);
	free(g->path);
	free(g->part);
	*g = (struct gnuplot){ 0 };
}

bool gnuplot_begin(struct gnuplot *g, const char *path, struct err *err)
{
	const char *terminal;

	*g = (struct gnuplot){ .terminal = !path || !strcmp(path, "-") };
	terminal = g->terminal ? "dumb noenhanced size 100,32 mono" : terminal_for(path);
	if (!terminal)
		return err_set(err, "%s: the ending says the format: .png, .svg or .pdf", path);
	if (!g->terminal && !check_folder(path, err))
		return false;
	g->script = open_memstream(&g->text, &g->size);
	if (!g->script)
		return err_set(err, "out of memory");
	if (!g->terminal && (!(g->path = strdup(path)) ||
			     asprintf(&g->part, "%s.%ld.part", path, (long)getpid()) < 0)) {
		g->part = NULL;
		abandon(g);
		return err_set(err, "out of memory");
	}
	fprintf(g->script, "set terminal %s\n", terminal);
	if (!g->terminal) {
		fputs("set output ", g->script);
		gnuplot_string(g, g->part);
		fputc('\n', g->script);
	}
	look(g);
	return true;
}

/* Single quotes take everything as it is but the quote itself, which is doubled; no newlines. */
void gnuplot_string(struct gnuplot *g, const char *text)
{
	fputc('\'', g->script);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', g->script);
		fputc(*text == '\n' ? ' ' : *text, g->script);
	}
	fputc('\'', g->script);
}

void gnuplot_time_axis(struct gnuplot *g, char axis, double low_ns, double high_ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	int low = (int)floor(log10(fmax(low_ns, 1))), high = (int)ceil(log10(fmax(high_ns, 1)));

	if (high <= low)
		high = low + 1;
	fprintf(g->script, "set logscale %c 10\nset %crange [1e%d:1e%d]\nset %ctics (", axis, axis,
		low, high, axis);
	for (int e = low; e <= high; e++) {
		int unit = e / 3 > 3 ? 3 : e / 3;

		fprintf(g->script, "%s'%.0f %s' 1e%d", e > low ? ", " : "", pow(10, e - 3 * unit),
			units[unit], e);
		for (int k = 2; k < 10 && e < high; k++)
			fprintf(g->script, ", '' %de%d 1", k, e);
	}
	fputs(")\n", g->script);
}

void gnuplot_count_axis(struct gnuplot *g, char axis)
{
	fprintf(g->script, "set format %c '%%.1s%%c'\n", axis);
}

static bool spawn(struct gnuplot *g, FILE *complaints, int in, pid_t *pid, struct err *err)
{
	char *argv[] = { "gnuplot", "-", NULL };
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(complaints), 2);
	if (!g->terminal)
		posix_spawn_file_actions_adddup2(&actions, fileno(complaints), 1);
	fflush(stdout);
	rc = posix_spawnp(pid, "gnuplot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT)
		return err_set(err, "plots need gnuplot, which is not installed. On Debian: "
				    "apt-get install gnuplot-nox");
	if (rc)
		return err_set(err, "cannot run gnuplot: %s", strerror(rc));
	return true;
}

/* gnuplot shows the line, a caret, and then "line N: what is wrong"; warnings may follow. */
static bool complain(FILE *complaints, int status, struct err *err)
{
	char line[400], said[400] = "no message";
	bool found = false;

	rewind(complaints);
	while (!found && fgets(line, sizeof(line), complaints)) {
		const char *text = strstr(line, "line ");

		line[strcspn(line, "\n")] = '\0';
		found = text && strchr(text, ':');
		if (found)
			text = strchr(text, ':') + 1;
		else
			text = line;
		text += strspn(text, " \t^");
		if (*text)
			snprintf(said, sizeof(said), "%s", text);
	}
	if (WIFSIGNALED(status))
		return err_set(err, "gnuplot was ended by signal %d", WTERMSIG(status));
	return err_set(err, "gnuplot failed: %s", said);
}

static bool run_script(struct gnuplot *g, FILE *script, FILE *complaints, struct err *err)
{
	int status = 0;
	pid_t pid;

	if (fwrite(g->text, 1, g->size, script) != g->size || fflush(script))
		return err_set(err, "cannot write a temporary file: %s", strerror(errno));
	rewind(script);
	if (!spawn(g, complaints, fileno(script), &pid, err))
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, "cannot wait for gnuplot: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return complain(complaints, status, err);
	if (g->path && rename(g->part, g->path)) {
		int why = errno;

		if (access(g->part, F_OK))
			return complain(complaints, 0, err);
		return err_set(err, "%s: %s", g->path, strerror(why));
	}
	return true;
}

bool gnuplot_end(struct gnuplot *g, bool drawn, struct err *err)
{
	FILE *script, *complaints;
	bool ok;

	if (!drawn) {
		abandon(g);
		return false;
	}
	script = tmpfile();
	complaints = tmpfile();

	if (g->script && fclose(g->script))
		ok = err_set(err, "out of memory");
	else if (!script || !complaints)
		ok = err_set(err, "cannot make a temporary file: %s", strerror(errno));
	else
		ok = run_script(g, script, complaints, err);
	g->script = NULL;
	if (script)
		fclose(script);
	if (complaints)
		fclose(complaints);
	abandon(g);
	return ok;
}
