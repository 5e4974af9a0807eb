// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * execve, as fs/exec.c and fs/binfmt_elf.c have its steps: the program's arguments on a new stack,
 * the change of mm, the end of the old one, and the segments of the program and its interpreter,
 * each mapped under mmap_lock. Paths, permissions and binary formats are time only.
 */
#include "models/kernel/fault.h"
#include "models/kernel/process.h"

/* Shares of the step exec, as the fastest exec of tlb_flush2-2t has them (docs/models.md). */
enum { EXEC_OPEN = 33, EXEC_ARGS = 12, EXEC_BEGIN = 25, EXEC_SETUP = 18, EXEC_END = 12 }; /* % */

/* Far above what programs are given: the stack is made there and then moved. */
#define BPRM_STACK (TASK_SIZE - 4 * PAGE_SIZE)

static sim_ps share(const struct task *t, unsigned int percent)
{
	return t->k->cost.exec * percent / 100;
}

/* The arguments are written to a stack in the mm that is to come: one page of it. */
static void bprm_mm_init(struct task *t, struct mm *mm)
{
	mmap_write_lock(t, mm);
	vma_insert(t, mm, BPRM_STACK, BPRM_STACK + PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_ANONYMOUS);
	mmap_write_unlock(t, mm);
}

/* The file's name, the environment and the arguments, each looks its page up. */
static void copy_strings(struct task *t, struct mm *mm)
{
	for (int i = 0; i < 3; i++) {
		spend(t, share(t, EXEC_ARGS) / 3);
		fault_in_user_page(t, mm, BPRM_STACK, USER_WRITE);
	}
}

static void exec_mmap(struct task *t, struct mm *mm)
{
	struct mm *old = t->mm;
	struct read_hold hold;

	complete_vfork_done(t);
	mmap_read_lock(t, old, &hold);
	irq_disable(t);
	switch_mm_irqs_off(t, mm);
	t->mm = mm;
	irq_enable(t);
	mmap_read_unlock(t, old, &hold);
	mm_drop(t, old);
}

/* The stack moves to where the program is to have it: its PTEs are flushed where they were, then
 * all, with the tables; and it grows to its first size. */
static void setup_arg_pages(struct task *t, struct mm *mm)
{
	mmap_write_lock(t, mm);
	spend_vma_store(t);
	spend(t, t->k->cost.table_alloc);
	flush_tlb_mm_range(t, mm, BPRM_STACK, BPRM_STACK + PAGE_SIZE, false);
	spend(t, t->k->cost.table_free);
	flush_tlb_mm(t, mm);
	spend_vma_store(t);
	spend_vma_store(t);
	mmap_write_unlock(t, mm);
}

static void map_segment(struct task *t, struct mm *mm, const struct exec_segment *s)
{
	mmap_write_lock(t, mm);
	spend_mmap_base(t);
	settle(t);
	vma_insert(t, mm, s->start, s->end, s->prot, s->flags);
	if (s->prot & PROT_EXEC && !(s->flags & MAP_ANONYMOUS))
		record_mapping(t);
	mmap_write_unlock(t, mm);
}

static void read_file(struct task *t, unsigned int reads, sim_ps wait)
{
	for (unsigned int i = 0; i < reads; i++)
		task_sleep(t, wait / reads);
}

void sys_execve(struct task *t, const struct exec_image *image)
{
	struct mm *mm = mm_create(t->k);

	syscall_enter(t);
	spend(t, share(t, EXEC_OPEN));
	mm_init_counters(t, mm);
	bprm_mm_init(t, mm);
	copy_strings(t, mm);
	read_file(t, image->file_reads, image->file_wait);
	spend(t, share(t, EXEC_BEGIN));
	exec_mmap(t, mm);
	spend(t, share(t, EXEC_SETUP));
	setup_arg_pages(t, mm);
	for (size_t i = 0; i < image->n_segments; i++)
		map_segment(t, mm, &image->segment[i]);
	read_file(t, image->late_reads, image->late_wait);
	spend(t, share(t, EXEC_END));
	syscall_exit(t);
}
