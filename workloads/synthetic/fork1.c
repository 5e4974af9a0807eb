// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale fork1: fork, a child that exits at once, and wait4. The parent has the mappings of
 * a small C program; the child writes to the few pages that it needs on its way out.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

struct params {
	struct loop_params loop;
	uint32_t vmas, pages, touched;
};

static const struct param params[] = {
	{ .name = "vmas",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, vmas),
	  .def = "12",
	  .min = 1,
	  .max = 65536,
	  .help = "written anonymous or private mappings of the program, per task (estimate)" },
	{ .name = "pages",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, pages),
	  .def = "4",
	  .min = 1,
	  .max = 65536,
	  .help = "written pages in each (estimate)" },
	{ .name = "touched",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, touched),
	  .def = "8",
	  .max = 65536,
	  .help = "pages that a child writes to before it exits: stack, libc's data (estimate)" },
	LOOP_THINK,
	LOOP_PROCESSES,
	PARAM_END
};

/* Where the task's mappings are: apart, so that they do not merge. */
struct image {
	const struct params *p;
	uint64_t first, step;
};

static uint64_t page_of(const struct image *image, uint32_t i)
{
	return image->first + i / image->p->pages * image->step +
	       (uint64_t)(i % image->p->pages) * PAGE_BYTES;
}

static void child(struct task *t, void *arg)
{
	const struct image *image = arg;
	uint32_t all = image->p->vmas * image->p->pages;

	for (uint32_t i = 0; i < image->p->touched && i < all; i++)
		user_access(t, page_of(image, i), USER_WRITE);
}

static void make_image(struct task *t, struct loop_thread *self, struct image *image)
{
	image->step = 2 * (uint64_t)image->p->pages * PAGE_BYTES;
	image->first = loop_mmap(t, self, image->p->vmas * image->step,
				 MAP_PRIVATE | MAP_ANONYMOUS);
	for (uint32_t i = 0; i < image->p->vmas; i++)
		loop_munmap(t, self, image->first + i * image->step + image->step / 2,
			    image->step / 2);
	for (uint32_t i = 0; i < image->p->vmas * image->p->pages; i++)
		loop_fault(t, self, page_of(image, i), USER_WRITE);
}

static void loop(struct task *t, struct loop_thread *self)
{
	struct image image = { .p = self->params };

	make_image(t, self, &image);
	while (!loop_done(self)) {
		struct task *forked;

		user_compute(t, image.p->loop.think);
		forked = loop_fork(t, self, FORK_HERE, child, &image);
		loop_fault(t, self, page_of(&image, 0), USER_WRITE); /* its stack */
		sys_wait4(t, forked);
		loop_count(self, 1);
	}
}

static const struct loop_load fork1 = {
	.type = { LOOP_FRAME, .name = "fork1",
		  .summary = "fork of a small program, exit of the child, wait4",
		  .source = "will-it-scale tests/fork1.c", .params = params,
		  .params_size = sizeof(struct params) },
	.loop = loop,
};
WORKLOAD(fork1.type);
