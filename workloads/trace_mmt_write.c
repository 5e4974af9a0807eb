/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes .mmt files: gathers events into blocks, compresses and checks them, and lets the file
 * appear under its name only when all of it is on disk. The bytes of a block are the codec's.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "workloads/trace_mmt.h"
#include "workloads/xalloc.h"

enum {
	LEVEL = 6, /* of zstd: files are 0.5% larger than by 12, imports take 30% less time */
	NAMES_MAX = 1 << 20, /* bytes of new names after which a block ends */
};

struct trace_writer {
	char *path, *temp;
	bool unnamed; /* nothing is called temp yet */
	int fd;
	uint32_t crc; /* of the file so far */
	struct trace_event *events;
	struct mmt_ids *ids;
	size_t n, new_names; /* events, and bytes of names that came with them */
	uint64_t total, blocks, last_ns;
	struct trace_stats stats;
	struct strtab names;
	struct mmt_codec codec;
	ZSTD_CCtx *cctx;
	unsigned char *packed;
	size_t packed_cap;
};

static bool emit(struct trace_writer *w, const unsigned char *p, size_t n, struct err *err)
{
	w->crc = (uint32_t)crc32(w->crc, p, (uInt)n);
	while (n) {
		ssize_t done = write(w->fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_set(err, "%s: cannot write: %s", w->path, strerror(errno));
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static bool emit_header(struct trace_writer *w, struct err *err)
{
	unsigned char head[MMT_HEADER];

	memcpy(head, MMT_MAGIC, 8);
	mmt_put32(head + 8, MMT_VERSION);
	mmt_put32(head + 12, (uint32_t)crc32(0, head, 12));
	return emit(w, head, sizeof(head), err);
}

static bool emit_block(struct trace_writer *w, uint32_t kind, const unsigned char *p, size_t stored,
		       size_t raw, size_t n, struct err *err)
{
	unsigned char head[MMT_BLOCK_HEADER];

	mmt_put32(head, kind);
	mmt_put32(head + 4, (uint32_t)stored);
	mmt_put32(head + 8, (uint32_t)raw);
	mmt_put32(head + 12, (uint32_t)n);
	mmt_put32(head + 16, (uint32_t)crc32(0, p, (uInt)stored));
	mmt_put32(head + 20, (uint32_t)crc32(0, head, 20));
	return emit(w, head, sizeof(head), err) && emit(w, p, stored, err);
}

static bool flush_block(struct trace_writer *w, struct err *err)
{
	size_t raw, bound, stored;

	if (!w->n)
		return true;
	raw = mmt_encode(&w->codec, w->events, w->ids, w->n);
	if (raw > MMT_RAW_MAX)
		return err_set(err, "%s: a block of %zu bytes, more than %d", w->path, raw,
			       MMT_RAW_MAX);
	bound = ZSTD_compressBound(raw);
	if (bound > w->packed_cap) {
		w->packed = xrealloc(w->packed, bound);
		w->packed_cap = bound;
	}
	stored = ZSTD_compressCCtx(w->cctx, w->packed, bound, w->codec.out, raw, LEVEL);
	if (ZSTD_isError(stored))
		return err_set(err, "%s: zstd: %s", w->path, ZSTD_getErrorName(stored));
	if (!emit_block(w, MMT_BLOCK, w->packed, stored, raw, w->n, err))
		return false;
	w->total += w->n;
	w->blocks++;
	w->n = w->new_names = 0;
	return true;
}

static bool emit_trailer(struct trace_writer *w, struct err *err)
{
	const uint64_t counts[6] = { w->total,         w->blocks,     w->stats.lines,
				     w->stats.ignored, w->stats.lost, w->stats.clock_steps };
	unsigned char p[MMT_TRAILER];

	for (int i = 0; i < 6; i++)
		mmt_put64(p + 8 * i, counts[i]);
	mmt_put32(p + 48, w->crc);
	return emit_block(w, MMT_END, p, sizeof(p), sizeof(p), 0, err);
}

/* In the folder of path; it has no name, so that nothing is left of it if we are killed. */
static int create_unnamed(struct trace_writer *w)
{
	char *copy = xstrdup(w->path);
	int fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);

	free(copy);
	w->unnamed = fd >= 0;
	return fd;
}

/* Where the file system knows no such files: with the permissions that a new one would have. */
static int create_named(struct trace_writer *w)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	fd = mkstemp(w->temp);
	if (fd >= 0 && fchmod(fd, 0666 & ~mask)) {
		close(fd);
		unlink(w->temp);
		fd = -1;
	}
	return fd;
}

struct trace_writer *trace_create(const char *path, struct err *err)
{
	struct trace_writer *w = xcalloc(1, sizeof(*w));

	w->path = xstrdup(path);
	w->temp = xmalloc(strlen(path) + 24);
	sprintf(w->temp, "%s.XXXXXX", path);
	mmt_codec_init(&w->codec, &w->names);
	w->events = xmalloc(MMT_BLOCK_EVENTS * sizeof(*w->events));
	w->ids = xmalloc(MMT_BLOCK_EVENTS * sizeof(*w->ids));
	w->cctx = ZSTD_createCCtx();
	w->fd = w->cctx ? create_unnamed(w) : -1;
	if (w->cctx && w->fd < 0)
		w->fd = create_named(w);
	if (w->fd < 0) {
		err_set(err, "%s: cannot create: %s", path, strerror(errno));
		trace_abandon(w);
		return NULL;
	}
	if (!emit_header(w, err)) {
		trace_abandon(w);
		return NULL;
	}
	return w;
}

static uint32_t name_id(struct trace_writer *w, const char *name)
{
	uint32_t index, before = w->names.n;
	size_t n;

	if (!name)
		return 0;
	n = strlen(name);
	strtab_add(&w->names, name, n, &index);
	if (w->names.n != before)
		w->new_names += n;
	return index + 1;
}

bool trace_write(struct trace_writer *w, const struct trace_event *e, struct err *err)
{
	bool call = e->type == TRACE_SYS_ENTER || e->type == TRACE_SYS_EXIT;

	if (e->type == TRACE_NONE || e->type >= TRACE_TYPES ||
	    (call ? !e->nr || e->nr >= SC_SYSCALLS : e->nr) ||
	    (e->cpu >= TRACE_CPUS_MAX && e->cpu != TRACE_CPU_UNKNOWN))
		return err_set(err, "%s: event of type %u, call %u, CPU %u cannot be stored",
			       w->path, e->type, e->nr, e->cpu);
	if (e->time_ns < w->last_ns)
		return err_set(err, "%s: time goes back from %" PRIu64 " to %" PRIu64 " ns",
			       w->path, w->last_ns, e->time_ns);
	w->last_ns = e->time_ns;
	w->events[w->n] = *e;
	w->ids[w->n] = (struct mmt_ids){ name_id(w, e->comm ? e->comm : ""), name_id(w, e->text),
					 name_id(w, e->text2) };
	if (++w->n < MMT_BLOCK_EVENTS && w->new_names < NAMES_MAX)
		return true;
	return flush_block(w, err);
}

void trace_set_stats(struct trace_writer *w, const struct trace_stats *stats)
{
	w->stats = *stats;
}

/* After a rename only the folder tells whether the name is on disk. */
static bool sync_folder(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	free(copy);
	return ok || errno == EINVAL
		       ? true
		       : err_set(err, "%s: cannot sync its folder: %s", path, strerror(errno));
}

/* An unnamed file cannot take the place of another: it gets the temporary name first. */
static bool name_file(struct trace_writer *w)
{
	char self[64];

	if (!w->unnamed)
		return true;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", w->fd);
	sprintf(w->temp, "%s.%ld", w->path, (long)getpid());
	unlink(w->temp); /* of somebody with our number who was killed right here */
	w->unnamed = linkat(AT_FDCWD, self, AT_FDCWD, w->temp, AT_SYMLINK_FOLLOW);
	return !w->unnamed;
}

bool trace_finish(struct trace_writer *w, struct err *err)
{
	bool ok = flush_block(w, err) && emit_trailer(w, err);

	if (ok && fsync(w->fd))
		ok = err_set(err, "%s: cannot sync: %s", w->path, strerror(errno));
	if (ok && (!name_file(w) || rename(w->temp, w->path)))
		ok = err_set(err, "%s: cannot rename to it: %s", w->path, strerror(errno));
	if (ok)
		*w->temp = '\0';
	ok = ok && sync_folder(w->path, err);
	trace_abandon(w);
	return ok;
}

void trace_abandon(struct trace_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0) {
		close(w->fd);
		if (*w->temp && !w->unnamed)
			unlink(w->temp);
	}
	mmt_codec_free(&w->codec);
	ZSTD_freeCCtx(w->cctx);
	strtab_free(&w->names);
	free(w->events);
	free(w->ids);
	free(w->packed);
	free(w->path);
	free(w->temp);
	free(w);
}
