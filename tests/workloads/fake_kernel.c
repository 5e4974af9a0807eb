/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operations of models/kernel/ops.h without a machine: each takes a fixed time, mappings are a
 * set of intervals, and everything asked for is logged. The test file includes it, and includes the
 * code under test behind it, so that this code calls these functions in place of the kernel's.
 */
#include <sys/mman.h>

#include "models/kernel/ops.h"
#include "sim/sim.h"
#include "workloads/program_build.h"

struct call {
	const char *what, *comm;
	sim_ps time; /* at its start */
	struct task *task;
	uint64_t addr, len;
	int cpu; /* where the task was; -1: anywhere */
};

struct kernel {
	struct sim *sim;
	unsigned int cpus, factor; /* how much slower than usual */
	sim_ps switching;          /* what going to sleep takes, and coming back */
	uint64_t rcu_runs;
	sim_ps tracing;
	sim_ps worked, own; /* in user_compute_of */
	bool cooled;
	sim_ps tick_period, tick_phase;
	uint64_t gap;    /* where what may stand anywhere goes */
	uint64_t hidden; /* CPUs whose idle tasks the recorder did not see */
	struct call *call;
	size_t n_calls, cap_calls;
	struct task **task;
	size_t n_tasks, cap_tasks;
	struct mm **mm;
	size_t n_mms, cap_mms;
};

struct mm {
	struct spans mapped, ever;
	uint64_t brk;
};

struct task {
	struct kernel *k;
	struct mm *mm;
	struct task_attr attr;
	struct sim_actor *actor;
	bool woken, blocked, ended, spins;
	int cpu, wakes_on;   /* -1: anywhere */
	unsigned int firsts; /* task_wake_first */
};

#define kernel_spawn              fake_kernel_spawn
#define kernel_spawn_kthread      fake_kernel_spawn_kthread
#define kernel_spawn_daemon       fake_kernel_spawn_daemon
#define kernel_rcu_runs           fake_kernel_rcu_runs
#define kernel_rcu_busy           fake_kernel_rcu_busy
#define sys_clone_thread          fake_sys_clone_thread
#define sys_fork                  fake_sys_fork
#define task_set_pace             fake_task_set_pace
#define sys_vfork                 fake_sys_vfork
#define sys_execve                fake_sys_execve
#define sys_mmap                  fake_sys_mmap
#define sys_munmap                fake_sys_munmap
#define sys_mprotect              fake_sys_mprotect
#define sys_madvise               fake_sys_madvise
#define sys_mremap                fake_sys_mremap
#define sys_brk                   fake_sys_brk
#define sys_refused               fake_sys_refused
#define kernel_access             fake_kernel_access
#define mm_infer_mapping          fake_mm_infer_mapping
#define mm_find_vma               fake_mm_find_vma
#define mm_set_brk                fake_mm_set_brk
#define mm_set_mmap_base          fake_mm_set_mmap_base
#define user_compute              fake_user_compute
#define user_compute_of           fake_user_compute_of
#define user_access(t, addr, how) fake_user_access(t, addr, how) /* a tag has this name, too */
#define task_block                fake_task_block
#define task_wake                 fake_task_wake
#define task_wake_first           fake_task_wake_first
#define task_give_way             fake_task_give_way
#define task_is_asleep            fake_task_is_asleep
#define task_goes_to_sleep        fake_task_goes_to_sleep
#define task_is_running           fake_task_is_running
#define task_spin                 fake_task_spin
#define task_spin_end             fake_task_spin_end
#define task_sleep                fake_task_sleep
#define task_sleep_for_irq        fake_task_sleep_for_irq
#define task_bind                 fake_task_bind
#define task_bind_at_wakeup       fake_task_bind_at_wakeup
#define task_hide                 fake_task_hide
#define task_exit_mm              fake_task_exit_mm
#define kernel_sim                fake_kernel_sim
#define kernel_nr_cpus            fake_kernel_nr_cpus
#define kernel_hide_idle          fake_kernel_hide_idle
#define kernel_set_tracing        fake_kernel_set_tracing
#define kernel_cool_caches        fake_kernel_cool_caches
#define kernel_align_ticks        fake_kernel_align_ticks
#define task_call_time            fake_task_call_time

static void takes(struct task *t, const char *what, uint64_t addr, uint64_t len, sim_ps cost)
{
	struct kernel *k = t->k;

	xgrow(k->call, k->n_calls, k->cap_calls);
	k->call[k->n_calls++] = (struct call){ what, t->attr.comm, sim_now(k->sim), t,
					       addr, len,          t->cpu };
	if (cost)
		sim_sleep_until(k->sim, sim_now(k->sim) + cost * k->factor);
}

static void run_task(void *arg)
{
	struct task *t = arg;

	t->attr.fn(t, t->attr.arg);
	t->ended = true;
	takes(t, "end", 0, 0, 0);
}

static struct mm *new_mm(struct kernel *k)
{
	xgrow(k->mm, k->n_mms, k->cap_mms);
	return k->mm[k->n_mms++] = xcalloc(1, sizeof(struct mm));
}

static void free_kernel(struct kernel *k)
{
	for (size_t i = 0; i < k->n_mms; i++) {
		free(k->mm[i]->mapped.v);
		free(k->mm[i]->ever.v);
		free(k->mm[i]);
	}
	for (size_t i = 0; i < k->n_tasks; i++)
		free(k->task[i]);
	free(k->mm);
	free(k->task);
	free(k->call);
	sim_destroy(k->sim);
}

static struct task *spawn_task(struct kernel *k, const struct task_attr *attr, struct mm *mm,
			       bool daemon)
{
	struct task *t = xcalloc(1, sizeof(*t));

	t->k = k;
	t->mm = mm;
	t->attr = *attr;
	t->cpu = t->wakes_on = attr->cpu;
	xgrow(k->task, k->n_tasks, k->cap_tasks);
	k->task[k->n_tasks++] = t;
	t->actor = sim_spawn(k->sim, attr->comm, 0, daemon, run_task, t);
	return t;
}

static struct task *new_task(struct kernel *k, const struct task_attr *attr, struct mm *mm)
{
	return spawn_task(k, attr, mm, false);
}

static struct task *kernel_spawn_kthread(struct kernel *k, const struct task_attr *attr)
{
	return spawn_task(k, attr, NULL, true);
}

static struct task *kernel_spawn_daemon(struct kernel *k, const struct task_attr *attr)
{
	return spawn_task(k, attr, new_mm(k), true);
}

static void kernel_rcu_busy(struct kernel *k, sim_ps span)
{
	(void)k;
	(void)span;
}

static uint64_t kernel_rcu_runs(const struct kernel *k)
{
	return k->rcu_runs;
}

static struct task *kernel_spawn(struct kernel *k, const struct task_attr *attr)
{
	return new_task(k, attr, new_mm(k));
}

static struct task *sys_clone_thread(struct task *t, const struct task_attr *attr)
{
	takes(t, "clone", 0, 0, 3 * SIM_US);
	return new_task(t->k, attr, t->mm);
}

static struct task *sys_fork(struct task *t, const struct task_attr *attr)
{
	struct mm *mm = new_mm(t->k);

	takes(t, "fork", 0, 0, 5 * SIM_US);
	spans_copy(&mm->mapped, &t->mm->mapped);
	spans_copy(&mm->ever, &t->mm->mapped);
	return new_task(t->k, attr, mm);
}

static struct task *sys_vfork(struct task *t, const struct task_attr *attr)
{
	takes(t, "vfork", 0, 0, 3 * SIM_US);
	return new_task(t->k, attr, t->mm);
}

static void sys_execve(struct task *t, const struct exec_image *image)
{
	(void)image;
	takes(t, "exec", 0, 0, 9 * SIM_US);
	t->mm = new_mm(t->k);
}

static int64_t sys_mmap(struct task *t, uint64_t addr, uint64_t len, unsigned int prot,
			unsigned int flags)
{
	(void)prot;
	takes(t, "mmap", addr, len, SIM_US);
	if (!(flags & MAP_FIXED) && (!addr || spans_meet(&t->mm->mapped, addr, addr + len))) {
		addr = t->k->gap;
		t->k->gap += len;
	}
	spans_add(&t->mm->mapped, addr, addr + ((len + 4095) & ~4095ull));
	spans_add(&t->mm->ever, addr, addr + ((len + 4095) & ~4095ull));
	return (int64_t)addr;
}

static int sys_munmap(struct task *t, uint64_t addr, uint64_t len)
{
	spans_remove(&t->mm->mapped, addr, addr + ((len + 4095) & ~4095ull));
	takes(t, "munmap", addr, len, 2 * SIM_US); /* with the range let go */
	return 0;
}

static int sys_mprotect(struct task *t, uint64_t addr, uint64_t len, unsigned int prot)
{
	(void)prot;
	takes(t, "mprotect", addr, len, SIM_US);
	return 0;
}

static int sys_madvise(struct task *t, uint64_t addr, uint64_t len, int advice)
{
	struct span gap;

	(void)advice;
	takes(t, "madvise", addr, len, SIM_US);
	return spans_gap(&t->mm->mapped, addr, addr + len, &gap) ? -12 : 0;
}

static int64_t sys_mremap(struct task *t, uint64_t old, uint64_t old_len, uint64_t new_len,
			  unsigned int flags, uint64_t new_addr)
{
	(void)flags;
	takes(t, "mremap", old, old_len, SIM_US);
	spans_remove(&t->mm->mapped, old, old + old_len);
	spans_add(&t->mm->mapped, new_addr, new_addr + new_len);
	return (int64_t)new_addr;
}

static int64_t sys_brk(struct task *t, uint64_t brk)
{
	takes(t, "brk", brk, 0, SIM_US);
	if (brk && brk > t->mm->brk)
		spans_add(&t->mm->mapped, t->mm->brk, brk);
	t->mm->brk = brk ? brk : t->mm->brk;
	return (int64_t)t->mm->brk;
}

static void mm_infer_mapping(struct task *t, uint64_t addr, uint64_t len, unsigned int prot,
			     unsigned int flags)
{
	(void)prot;
	(void)flags;
	takes(t, "infer", addr, len, 0);
	spans_add(&t->mm->mapped, addr, addr + len);
	spans_add(&t->mm->ever, addr, addr + len);
}

static bool mm_find_vma(struct task *t, uint64_t addr, uint64_t *start, uint64_t *end)
{
	for (size_t i = 0; i < t->mm->mapped.n; i++)
		if (t->mm->mapped.v[i].end > addr) {
			*start = t->mm->mapped.v[i].start;
			*end = t->mm->mapped.v[i].end;
			return true;
		}
	return false;
}

static void mm_set_mmap_base(struct task *t, uint64_t base)
{
	(void)t;
	(void)base;
}

static void mm_set_brk(struct task *t, uint64_t lowest, uint64_t brk)
{
	(void)lowest;
	t->mm->brk = brk;
}

static void task_set_pace(struct task *t, uint8_t slower)
{
	(void)t;
	(void)slower;
}

static void user_compute(struct task *t, sim_ps work)
{
	takes(t, "compute", 0, work, 0);
	sim_sleep_until(t->k->sim, sim_now(t->k->sim) + work);
}

static void user_compute_of(struct task *t, sim_ps work, sim_ps own)
{
	t->k->worked += work;
	t->k->own += own;
	user_compute(t, work);
}

static bool user_access(struct task *t, uint64_t addr, enum user_access access)
{
	(void)access;
	takes(t, "access", addr, 0, SIM_US / 2);
	return spans_meet(&t->mm->mapped, addr, addr + 1);
}

static bool kernel_access(struct task *t, uint64_t addr, enum user_access access)
{
	(void)access;
	takes(t, "copy", addr, 0, SIM_US);
	return spans_meet(&t->mm->mapped, addr, addr + 1);
}

static void sys_refused(struct task *t)
{
	takes(t, "refused", 0, 0, SIM_US);
}

static void task_block(struct task *t)
{
	if (!t->woken) {
		sim_sleep_until(t->k->sim, sim_now(t->k->sim) + t->k->switching);
		takes(t, "block", 0, 0, 0);
		t->blocked = true;
		if (!t->woken)
			sim_park(t->k->sim, "task_block");
		t->blocked = false;
		sim_sleep_until(t->k->sim, sim_now(t->k->sim) + t->k->switching);
	}
	t->woken = false;
	t->cpu = t->wakes_on;
}

static void task_wake(struct task *waker, struct task *t)
{
	takes(waker, "wake", 0, 0, SIM_US);
	if (!t->blocked)
		takes(waker, "awake", 0, 0, 0);
	t->woken = true;
	if (t->blocked)
		sim_unpark(t->k->sim, t->actor);
}

static void task_give_way(struct task *t, struct task *to)
{
	to->firsts++;
	takes(t, "give way", 0, 0, 0);
}

static bool task_is_asleep(const struct task *t)
{
	return t->blocked;
}

static bool task_goes_to_sleep(const struct task *t)
{
	return t->blocked;
}

static bool task_is_running(const struct task *t)
{
	return !t->blocked && !t->ended;
}

static void task_spin(struct task *t, sim_ps at_most)
{
	takes(t, "spin", 0, 0, 0);
	t->spins = true;
	sim_park_until(t->k->sim, sim_now(t->k->sim) + at_most, "spin");
	t->spins = false;
}

static void task_spin_end(struct task *t)
{
	if (t->spins)
		sim_unpark(t->k->sim, t->actor);
}

static void task_wake_first(struct task *waker, struct task *t)
{
	t->firsts++;
	task_wake(waker, t);
}

static void task_sleep(struct task *t, sim_ps duration)
{
	takes(t, "sleep", 0, duration, 0);
	sim_sleep_until(t->k->sim, sim_now(t->k->sim) + duration);
	t->cpu = t->wakes_on;
}

static void task_sleep_for_irq(struct task *t, sim_ps duration, unsigned int cpu)
{
	takes(t, "interrupt", cpu, duration, 0);
	task_sleep(t, duration);
}

static void task_bind(struct task *t, int cpu)
{
	if (t->cpu != cpu)
		takes(t, "move", (uint64_t)cpu, 0, 0);
	t->cpu = t->wakes_on = cpu;
}

static void task_hide(struct task *t)
{
	takes(t, "hide", 0, 0, 0);
}

static void task_bind_at_wakeup(struct task *t, int cpu)
{
	t->wakes_on = cpu;
}

static void task_exit_mm(struct task *t)
{
	takes(t, "exit", 0, 0, SIM_US);
}

static struct sim *kernel_sim(const struct kernel *k)
{
	return k->sim;
}

static unsigned int kernel_nr_cpus(const struct kernel *k)
{
	return k->cpus;
}

static sim_ps task_call_time(const struct task *t)
{
	(void)t;
	return SIM_US;
}

static void kernel_hide_idle(struct kernel *k, unsigned int cpu)
{
	assert_true(cpu < k->cpus);
	k->hidden |= UINT64_C(1) << cpu;
}

static bool kernel_align_ticks(struct kernel *k, sim_ps period, sim_ps phase)
{
	k->tick_period = period;
	k->tick_phase = phase;
	return period == 4 * SIM_MS;
}

static void kernel_cool_caches(struct kernel *k)
{
	k->cooled = true;
}

static void kernel_set_tracing(struct kernel *k, sim_ps per_event, sim_ps cold)
{
	(void)cold;
	k->tracing = per_event;
}
