// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A program's accesses: TLB, walk, accessed and dirty bits, and the fault if the tables say no. And
 * what a flush costs the program later: each task keeps the pages it used last, and its own work
 * after a flush walks to those of them that are gone.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/walk.h"
#include "models/kernel/huge_memory.h"
#include "models/kernel/init.h"

METRIC(desc_dirty, "tlb.dirty_walks", METRIC_COUNTER, "1", NULL,
       "walks that set D for a write through a clean translation");
METRIC(desc_refills, "tlb.refill_walks", METRIC_COUNTER, "1", NULL,
       "walks in a program's own work, to pages of its working set that a flush took");
METRIC(desc_refill_time, "tlb.refill_time", METRIC_COUNTER, "ps", NULL, "time of those walks");

void user_access_init(struct kernel *k)
{
	struct metrics *m = sim_metrics(k->sim);

	k->metric.dirty_walks = metric_get(m, &desc_dirty, "");
	k->metric.refill_walks = metric_get(m, &desc_refills, "");
	k->metric.refill_time = metric_get(m, &desc_refill_time, "");
}

static bool pte_allows(uint64_t pte, enum user_access access)
{
	if (!(pte & PTE_PRESENT) || pte & PTE_PROTNONE)
		return false;
	return access == USER_READ || pte & (access == USER_WRITE ? PTE_WRITE : PTE_EXEC);
}

static enum tlb_side side_of(enum user_access access)
{
	return access == USER_EXEC ? TLB_CODE : TLB_DATA;
}

/* The frame that an entry makes of addr. */
static uint32_t entry_pfn(const struct tlb_entry *e, uint64_t addr)
{
	bool offset = e->pte & PTE_HUGE && !(e->pte & PTE_ZERO);

	return pte_pfn(e->pte) + (offset ? pt_index(addr, PT_PTE) : 0);
}

/* While nobody changes PTEs, an entry that is used must agree with its PTE, in size too. */
static void check_agreement(struct task *t, const struct tlb_entry *e, uint64_t addr)
{
	uint64_t pte = leaf_read(t->mm, addr);

	if (t->mm->tlb_flush_pending || t->mm->changing)
		return;
	sim_check(t->k->sim,
		  pte & PTE_PRESENT && pte_pfn(pte) == entry_pfn(e, addr) &&
			  (pte & PTE_HUGE) == (e->pte & PTE_HUGE) &&
			  (pte & PTE_WRITE || !(e->pte & PTE_WRITE)),
		  "stale-translation", "CPU %u used %#llx through %#llx, but its PTE is %#llx",
		  t->cpu, (unsigned long long)addr, (unsigned long long)e->pte,
		  (unsigned long long)pte);
	sim_check(t->k->sim, pte & PTE_DIRTY || !e->dirty, "lost-dirty",
		  "CPU %u may write to %#llx as dirty, but its PTE is clean: %#llx", t->cpu,
		  (unsigned long long)addr, (unsigned long long)pte);
}

static void check_translation(struct task *t, const struct tlb_entry *e, uint64_t addr,
			      enum user_access access)
{
	uint32_t pfn = entry_pfn(e, addr);

	check_agreement(t, e, addr);
	if (e->pte & PTE_ZERO)
		return;
	sim_check(t->k->sim, pfn_page(t->k, pte_pfn(e->pte))->life == e->life, "stale-translation",
		  "CPU %u used %#llx through a translation to frame %u, which was freed since",
		  t->cpu, (unsigned long long)addr, pfn);
	/* Unmapped and on its way to the disk: what is written now may be missing there. */
	sim_check(t->k->sim,
		  access != USER_WRITE || !e->dirty ||
			  !(pfn_page(t->k, pfn)->flags & PG_WRITEBACK) ||
			  pfn_page(t->k, pfn)->mapcount,
		  "lost-dirty", "CPU %u wrote to %#llx, whose frame %u is being swapped out",
		  t->cpu, (unsigned long long)addr, pfn);
}

/* ---- the walk ---- */

/* The tables on the way, from the top to the last that exists. Returns the entry that maps addr;
 * NULL if there is none. */
static uint64_t *walk_path(const struct mm *mm, uint64_t addr, struct walk_path *path)
{
	struct page_table *table = mm->pgd;

	path->leaf = WALK_LEVELS;
	for (unsigned int level = WALK_LEVELS; table && level-- > 0;) {
		uint64_t *slot = &table->slot.pte[pt_index(addr, (enum pt_level)level)];

		path->table[level].frame = table->pfn;
		path->table[level].life = table->life;
		path->leaf = level;
		if (level == PT_PTE || (level == PT_PMD && *slot & PTE_HUGE))
			return slot;
		table = table->slot.child[pt_index(addr, (enum pt_level)level)];
	}
	return NULL;
}

static void fill(struct task *t, struct tlb *tlb, enum tlb_side side, uint32_t context,
		 uint64_t addr, uint64_t pte)
{
	struct tlb_entry e = { .pte = pte,
			       .life = pfn_page(t->k, pte_pfn(pte))->life,
			       .dirty = pte & PTE_DIRTY };

	tlb_fill_page(tlb, side, pte & PTE_HUGE ? TLB_2M : TLB_4K, context, addr >> PAGE_SHIFT, e);
}

/* The next page's translation comes along. Setting A for a page that nobody has used would mislead
 * reclaim, so only one that has it. */
static void prefetch(struct task *t, struct tlb *tlb, enum tlb_side side, uint32_t context,
		     const uint64_t *slot, uint64_t addr)
{
	uint64_t next = addr + PAGE_SIZE, pte;

	if (*slot & PTE_HUGE || !pt_index(next, PT_PTE))
		return;
	pte = slot[1];
	if (pte & PTE_ACCESSED && pte_allows(pte, USER_READ))
		fill(t, tlb, side, context, next, pte);
}

static void check_table(struct task *t, const struct tlb_entry *from, uint64_t addr)
{
	sim_check(t->k->sim, pfn_page(t->k, (uint32_t)from->pte)->life == from->life, "stale-table",
		  "CPU %u walked to %#llx through page table %llu, which was freed since", t->cpu,
		  (unsigned long long)addr, (unsigned long long)from->pte);
}

/* Performs the walk and fills the TLB. *time: what it takes. False: the tables do not allow it;
 * only an access that is sure to be made walks to find out. */
static bool walk_and_fill(struct task *t, uint32_t context, uint64_t addr, enum user_access access,
			  bool sure, sim_ps *time)
{
	struct cpu *cpu = this_cpu(t)->cpu;
	enum tlb_side side = side_of(access);
	struct walk_path path;
	uint64_t *pte = walk_path(t->mm, addr, &path);
	bool allowed = pte && pte_allows(*pte, access), known;
	struct tlb_entry from;

	if (!allowed && !sure)
		return false;
	*time = walk_tables(cpu, context, addr >> PAGE_SHIFT, &path, &from, &known);
	if (known)
		check_table(t, &from, addr);
	if (!allowed)
		return false;
	*pte |= PTE_ACCESSED | (access == USER_WRITE ? PTE_DIRTY : 0);
	fill(t, &cpu->tlb, side, context, addr, *pte);
	if (cpu->m->desc.tlb.prefetch)
		prefetch(t, &cpu->tlb, side, context, pte, addr);
	return true;
}

/* ---- the working set ---- */

#define SET_PAGES 64             /* as many as the L1 TLB of most cores holds */
#define SET_TIME  (100 * SIM_US) /* of work, in which a task uses all of them */

/* Page number and side in one word: what is searched and moved at every access. */
typedef uint64_t used_page;

struct working_set {
	unsigned int n;
	used_page page[SET_PAGES]; /* used last first */
	/* Since when the TLB has been the task's, as far as it could know. */
	unsigned int cpu;
	uint32_t context;
	uint64_t changes;
	sim_ps worked;     /* since the context was new */
	unsigned int seen; /* pages used again since the last change */
};

static void note_use(struct task *t, uint64_t addr, enum user_access access)
{
	used_page used = addr >> PAGE_SHIFT << 1 | side_of(access);
	struct working_set *s = t->working_set;
	unsigned int i;

	if (!s)
		s = t->working_set = calloc(1, sizeof(*s));
	for (i = 0; i < s->n && s->page[i] != used; i++)
		;
	if (i == s->n)
		i = s->n < SET_PAGES ? s->n++ : SET_PAGES - 1;
	memmove(&s->page[1], &s->page[0], i * sizeof(s->page[0]));
	s->page[0] = used;
}

/* How many distinct pages work of this length uses: grows as its square root, and ends at all. */
static unsigned int footprint(sim_ps worked, unsigned int n)
{
	if (worked >= SET_TIME)
		return n;
	return (unsigned int)((double)n * sqrt((double)worked / (double)SET_TIME));
}

/* The page is used again. False: it is no longer mapped, and nobody would. */
static bool use_again(struct task *t, uint32_t context, used_page page, sim_ps *time)
{
	enum user_access access = page & 1 ? USER_EXEC : USER_READ;
	struct kernel_metrics *km = &t->k->metric;
	uint64_t vpn = page >> 1;
	struct tlb_entry *e;
	sim_ps walk;

	if (tlb_lookup_for(&this_cpu(t)->cpu->tlb, side_of(access), context, vpn, &e) != TLB_MISS)
		return true;
	if (!walk_and_fill(t, context, vpn << PAGE_SHIFT, access, false, &walk))
		return false;
	*time += walk;
	km->refill_walks->value++;
	km->refill_time->value += walk;
	return true;
}

sim_ps refill_time(struct task *t, sim_ps work)
{
	struct working_set *s = t->working_set;
	struct kcpu *c = this_cpu(t);
	struct tlb *tlb = &c->cpu->tlb;
	uint32_t context = tlb_context(tlb, c->tlbstate.loaded_asid);
	unsigned int until;
	sim_ps time = 0;

	if (!s || !c->cpu->m->desc.tlb.refill)
		return 0;
	if (s->cpu != t->cpu || s->context != context)
		s->worked = 0;
	if (!s->worked || s->changes != tlb->changes)
		s->seen = 0;
	s->worked += work;
	until = footprint(s->worked, s->n);
	while (s->seen < until && s->seen < s->n) {
		if (use_again(t, context, s->page[s->seen], &time))
			s->seen++;
		else
			memmove(&s->page[s->seen], &s->page[s->seen + 1],
				(--s->n - s->seen) * sizeof(s->page[0]));
	}
	s->cpu = t->cpu;
	s->context = context;
	s->changes = tlb->changes;
	return time;
}

/* ---- the access ---- */

/* False: a fault. */
static bool translate(struct task *t, uint64_t addr, enum user_access access)
{
	struct kcpu *c = this_cpu(t);
	struct tlb *tlb = &c->cpu->tlb;
	uint32_t context = tlb_context(tlb, c->tlbstate.loaded_asid);
	struct tlb_entry *e;
	enum tlb_result hit = tlb_lookup_for(tlb, side_of(access), context, addr >> PAGE_SHIFT, &e);
	sim_ps walk;
	bool ok;

	if (hit == TLB_L2_HIT)
		spend_time(t, c->cpu->m->desc.tlb.l2_hit);
	if (hit != TLB_MISS && pte_allows(e->pte, access)) {
		check_translation(t, e, addr, access);
		if (access != USER_WRITE || e->dirty)
			return true;
		t->k->metric.dirty_walks->value++; /* and the tables decide */
	}
	ok = walk_and_fill(t, context, addr, access, true, &walk);
	spend_time(t, walk);
	if (!ok)
		tlb_forget(tlb, context, addr >> PAGE_SHIFT);
	return ok;
}

/* The frame that a write has just gone to; 0: it is somebody else's by now, which is told
 * elsewhere. While a collapse or a merge has cleared the PTE and not flushed yet, only the TLB
 * leads there. */
static uint32_t written_frame(struct task *t, uint64_t addr)
{
	struct kcpu *c = this_cpu(t);
	struct tlb *tlb = &c->cpu->tlb;
	uint64_t pte = leaf_read(t->mm, addr);
	struct tlb_entry *e;

	if (pte & PTE_PRESENT)
		return pte & PTE_ZERO ? 0 : pte_pfn(pte);
	if (tlb_lookup_for(tlb, TLB_DATA, tlb_context(tlb, c->tlbstate.loaded_asid),
			   addr >> PAGE_SHIFT, &e) == TLB_MISS)
		return 0;
	return pfn_page(t->k, pte_pfn(e->pte))->life == e->life ? entry_pfn(e, addr) : 0;
}

static void set_contents(struct task *t, uint64_t addr, uint64_t contents)
{
	uint32_t pfn = written_frame(t, addr);

	if (pfn)
		pfn_page(t->k, pfn)->contents = contents;
}

bool user_access(struct task *t, uint64_t addr, enum user_access access)
{
	for (unsigned int tries = 0; tries < 16; tries++) {
		settle(t);
		if (translate(t, addr, access)) {
			if (t->mm->contents && access == USER_WRITE)
				set_contents(t, addr, 0);
			note_use(t, addr, access);
			return true;
		}
		if (!handle_page_fault(t, addr, access))
			return false;
	}
	sim_violate(t->k->sim, __FILE__, __LINE__, "fault-loop", "%s faults forever at %#llx",
		    t->comm, (unsigned long long)addr);
	return false;
}

bool kernel_access(struct task *t, uint64_t addr, enum user_access access)
{
	bool ok;

	t->copies = true;
	ok = user_access(t, addr, access);
	t->copies = false;
	return ok;
}

bool user_fill(struct task *t, uint64_t addr, uint64_t contents)
{
	t->mm->contents = true;
	if (!user_access(t, addr, USER_WRITE))
		return false;
	set_contents(t, addr, contents);
	return true;
}
