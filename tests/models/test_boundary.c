/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mprotect of a part at one end of a VMA, beside a neighbour that already is as it is to become:
 * the boundary moves. If VMAs come and go for it, or pages end up in a VMA that does not find them
 * by the reverse mapping, it shows here.
 */
#include "tests/models/model.h"

#include "models/kernel/rmap.h"

#define BASE UINT64_C(0x7fff00000000)

enum { NONE = PROT_NONE, RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

struct scene {
	/* a VMA of 4 pages, another of 4, each page written if so; the call; what is left */
	unsigned int prot[2];
	bool written[2], whole; /* whole: they begin as one VMA */
	unsigned int from, n, to;
	unsigned int left[4]; /* pages of each VMA, 0 = no more */
	bool allocates;
};

static uint64_t page(unsigned int i)
{
	return BASE + i * PAGE_SIZE;
}

static void map(struct task *t, unsigned int first, unsigned int n, unsigned int prot, bool write)
{
	sys_mmap(t, page(first), n * PAGE_SIZE, write ? RW : prot, PRIVATE | MAP_FIXED);
	for (unsigned int i = 0; write && i < n; i++)
		user_access(t, page(first + i), USER_WRITE);
	if (write && prot != RW)
		sys_mprotect(t, page(first), n * PAGE_SIZE, prot);
}

static void moves(struct task *t, void *arg)
{
	const struct scene *s = arg;
	const struct vma *before[2];
	size_t n = 0;

	if (s->whole)
		map(t, 0, 8, RW, s->written[0]);
	for (unsigned int i = 0; i < 2 && !s->whole; i++)
		map(t, 4 * i, 4, s->prot[i], s->written[i]);
	if (s->whole)
		sys_mprotect(t, page(4), 4 * PAGE_SIZE, s->prot[1]);
	expect(t->k, t->mm->nr_vmas == 2, "%zu VMAs to begin with", t->mm->nr_vmas);
	before[0] = t->mm->vmas[0];
	before[1] = t->mm->vmas[1];
	sys_mprotect(t, page(s->from), s->n * PAGE_SIZE, s->to);
	for (unsigned int i = 0, at = 0; i < 4 && s->left[i]; at += s->left[i++], n++)
		expect(t->k,
		       n < t->mm->nr_vmas && t->mm->vmas[n]->start == page(at) &&
			       t->mm->vmas[n]->end == page(at + s->left[i]),
		       "VMA %u does not have %u pages", i, s->left[i]);
	expect(t->k, t->mm->nr_vmas == n, "%zu VMAs", t->mm->nr_vmas);
	if (!s->allocates)
		expect(t->k, t->mm->vmas[0] == before[0] && t->mm->vmas[1] == before[1],
		       "a VMA was made for what a boundary can do");
	for (unsigned int i = 0; i < 8; i++) {
		const struct vma *vma = vma_lookup(t->mm, page(i));

		expect(t->k, linear_page_index(vma, page(i)) == page(i) >> PAGE_SHIFT,
		       "page %u has another index than before", i);
		if (vma->prot == RW)
			expect(t->k, user_access(t, page(i), USER_WRITE), "page %u is read-only",
			       i);
	}
}

static void test_moves(void **state)
{
	static const struct scene cases[] = {
		/* the lower grows up, the upper grows down, without pages and with */
		{ { RW, NONE }, { false }, false, 4, 2, RW, { 6, 2 }, false },
		{ { NONE, RW }, { false }, false, 2, 2, RW, { 2, 6 }, false },
		{ { RW, NONE }, { true, false }, false, 4, 1, RW, { 5, 3 }, false },
		{ { RW, NONE }, { true, true }, true, 4, 2, RW, { 6, 2 }, false },
		{ { RW, NONE }, { true, true }, true, 2, 2, NONE, { 2, 6 }, false },
		/* all of it: they merge */
		{ { RW, NONE }, { false }, false, 4, 4, RW, { 8 }, true },
		/* in the middle, and a neighbour of another kind */
		{ { RW, NONE }, { false }, false, 5, 2, RW, { 4, 1, 2, 1 }, true },
		{ { RW, NONE }, { false }, false, 4, 2, PROT_READ, { 4, 2, 2 }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct model_spec spec = { 0 };
		struct scene s = cases[i];
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "program", 0, moves, &s);
		model_run_clean(&m, "boundary", i);
		model_end(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
