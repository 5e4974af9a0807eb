/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operations that a workload may ask of the simulated kernel: one header, the same for a
 * recording and for a synthetic load. All but the kernel_ calls are made from the actor of the task
 * that they name, and block it for as long as the model says.
 */
#ifndef MODELS_KERNEL_OPS_H
#define MODELS_KERNEL_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "sim/base/err.h"
#include "sim/sim.h"

/* What sys/mman.h has as GNU extensions, or since glibc 2.37, only. */
#ifndef MREMAP_MAYMOVE
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED   2
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Memory comes in these, and where a policy has it so in those. */
#define PAGE_BYTES UINT64_C(4096)
#define HUGE_BYTES (512 * PAGE_BYTES)

struct kernel; /* one simulated machine with its kernel: CPUs, policies, tasks */
struct task;
struct mm;

/* The body of a task; the task exits when it returns. */
typedef void task_fn(struct task *task, void *arg);

#define NO_CPU (-1) /* none in particular, or not known which */

struct task_attr {
	const char *comm;
	int cpu;         /* bound to this CPU; NO_CPU = the scheduler places and migrates it */
	int initial_cpu; /* where it starts if not bound; NO_CPU = the scheduler's choice */
	task_fn *fn;
	void *arg;
};

/* A process: a task with a new, empty mm. May be called before sim_run or from any actor. */
struct task *kernel_spawn(struct kernel *k, const struct task_attr *attr);
/* The same, but the run does not last until it exits: what goes on besides the workload. */
struct task *kernel_spawn_daemon(struct kernel *k, const struct task_attr *attr);
/* Likewise without an mm: switching to it is lazy. */
struct task *kernel_spawn_kthread(struct kernel *k, const struct task_attr *attr);
/* clone(CLONE_VM|CLONE_THREAD): costs the caller time; the new task shares its mm. */
struct task *sys_clone_thread(struct task *task, const struct task_attr *attr);
/* fork: a copy of the mm, write-protected for copy-on-write. */
struct task *sys_fork(struct task *task, const struct task_attr *attr);
enum membarrier_cmd { MEMBARRIER_CMD_GLOBAL, MEMBARRIER_CMD_PRIVATE_EXPEDITED };
/* 0, or a negative errno. */
int sys_membarrier(struct task *task, enum membarrier_cmd cmd);
/* vfork: the child shares the mm, and the caller sleeps until the child's execve or exit. */
struct task *sys_vfork(struct task *task, const struct task_attr *attr);
struct exec_segment {
	uint64_t start, end;
	unsigned int prot, flags;
};
/* What execve finds: segments of the program and its interpreter, and how often and how long (in
 * all) it sleeps because the file's pages are not in the page cache. */
struct exec_image {
	const struct exec_segment *segment;
	size_t n_segments;
	/* Sleeps for pages of files, and their time in all: before the change of mm (which wakes a
	 * vfork's parent), and after the segments are mapped. */
	unsigned int file_reads, late_reads;
	sim_ps file_wait, late_wait;
};
/* execve: the task gets a new mm with the image's segments and a stack, and drops the old one. */
void sys_execve(struct task *task, const struct exec_image *image);
/* wait4: until the child, which this task forked, has exited; then it is gone. */
void sys_wait4(struct task *task, struct task *child);
/* The first half of an exit: the task gives its mm up. What follows may wake others, and then it
 * must return from fn or call sys_exit. */
void task_exit_mm(struct task *task);
/* Thread exit in the middle of fn. Does not return. */
void sys_exit(struct task *task) __attribute__((noreturn));

/* prot and flags are Linux's own values (sys/mman.h). Return 0 or an address; negative errno.
 * mmap's addr is a hint unless MAP_FIXED is set; 0: none. */
int64_t sys_mmap(struct task *task, uint64_t addr, uint64_t len, unsigned int prot,
		 unsigned int flags);
int sys_munmap(struct task *task, uint64_t addr, uint64_t len);
int sys_mprotect(struct task *task, uint64_t addr, uint64_t len, unsigned int prot);
int sys_madvise(struct task *task, uint64_t addr, uint64_t len, int advice);
struct user_range {
	uint64_t addr, len;
};
/* Of the task's own process. Returns the bytes advised, or a negative errno if the first fails. */
int64_t sys_process_madvise(struct task *task, const struct user_range *range, size_t n,
			    int advice);
int64_t sys_mremap(struct task *task, uint64_t old, uint64_t old_len, uint64_t new_len,
		   unsigned int flags, uint64_t new_addr);
int64_t sys_brk(struct task *task, uint64_t brk);

/* A call that the kernel refuses: the way in and out. */
void sys_refused(struct task *task);
/* msync(MS_SYNC): dirty pages of shared file mappings are cleaned and written. */
int sys_msync(struct task *task, uint64_t addr, uint64_t len);
/* Writing 4 (soft-dirty) or 1 (accessed) to /proc/self/clear_refs. */
void sys_clear_refs(struct task *task, bool soft_dirty);
/* move_pages: the pages of a range that nobody else maps go to another node (a socket). How many
 * moved. */
uint64_t sys_move_pages(struct task *task, uint64_t addr, uint64_t n, unsigned int node);
/* Writing to /proc/sys/vm/compact_memory, for so many pages of the LRU lists; how many moved. */
uint64_t sys_compact_memory(struct task *task, uint64_t pages);

/*
 * A mapping that was there before the recording began, or that no recorded call explains: appears
 * at no cost. Skips parts that are mapped already.
 */
void mm_infer_mapping(struct task *task, uint64_t addr, uint64_t len, unsigned int prot,
		      unsigned int flags);
/* Where the program break of the task's mm is, and the lowest that it may get. */
void mm_set_brk(struct task *task, uint64_t lowest, uint64_t brk);
/* From where down mmap finds places in the task's mm. */
void mm_set_mmap_base(struct task *task, uint64_t base);
/* The first VMA at or above addr: false if none. For a workload that must look before it acts. */
bool mm_find_vma(struct task *task, uint64_t addr, uint64_t *start, uint64_t *end);

/* From sys_enter to sys_exit of the task's last system call, as their tracepoints fire: what a
 * recorder would say. */
sim_ps task_call_time(const struct task *task);

/* From here on the task's kernel code, and what else it spends but its own work, takes 1 +
 * slower / PACE_UNIT times as long: a host that gives its guest less of a core (recordings). */
#define PACE_UNIT 128
void task_set_pace(struct task *task, uint8_t slower);

/* The program's own work: `work` of CPU time at full speed, interrupted and preempted as it comes.
 */
void user_compute(struct task *task, sim_ps work);
/* The same, but only so much of it is the program's code, and pushes other lines out of caches. */
void user_compute_of(struct task *task, sim_ps work, sim_ps own);

enum user_access { USER_READ, USER_WRITE, USER_EXEC };
/* One access to user memory: TLB, page walk, page faults as needed. False: it would be SIGSEGV. */
bool user_access(struct task *task, uint64_t addr, enum user_access access);
/* The same by the kernel (copy_to_user): its faults take mmap_lock, and page_fault_user does not
 * fire. */
bool kernel_access(struct task *task, uint64_t addr, enum user_access access);

/* A write that leaves the page with contents equal to those of all pages filled with the same
 * number (not 0), until the next write: what KSM merges. */
bool user_fill(struct task *task, uint64_t addr, uint64_t contents);

/* userfaultfd on the task's mm, at most one; a handler is a thread of its process that reads faults
 * and supplies pages. Freed with the mm. */
struct userfaultfd;
struct userfaultfd *sys_userfaultfd(struct task *task);
/* UFFDIO_REGISTER: missing pages of the range. */
int sys_uffd_register(struct task *task, struct userfaultfd *u, uint64_t addr, uint64_t len);
/* Sleeps for the next fault and stores its page's address. False: closed. */
bool sys_uffd_read(struct task *task, struct userfaultfd *u, uint64_t *addr);
/* UFFDIO_COPY: bytes copied, whose faults were woken; -EEXIST: the first page is there already. */
int64_t sys_uffd_copy(struct task *task, struct userfaultfd *u, uint64_t addr, uint64_t len);
/* Faults go on as if nothing had been registered. */
void sys_uffd_close(struct task *task, struct userfaultfd *u);

/* Blocks until task_wake (a futex, a pipe, a child's exit: what woke it in the recording). A wake
 * that comes before the block is remembered once. */
void task_block(struct task *task);
/* waker: the task in whose context the wake-up runs and whom it costs time. */
void task_wake(struct task *waker, struct task *sleeper);
/* The same, and the sleeper goes before who runs on its CPU, whatever the scheduler thinks: as it
 * did in a recording. */
void task_wake_first(struct task *waker, struct task *sleeper);
/* Lets a task that is awake and waits for the same CPU run first; not within a call. */
void task_give_way(struct task *task, struct task *to);
/* It has left its CPU. */
bool task_is_asleep(const struct task *task);
/* The same, or still leaving its CPU for it. */
bool task_goes_to_sleep(const struct task *task);
/* It has a CPU, or is about to, where that one is leaving its idle loop. */
bool task_is_running(const struct task *task);
/* The task's own loop until it sees what it waits for, or for so long; may end early. */
void task_spin(struct task *task, sim_ps at_most);
/* What a spinning task waits for is there. */
void task_spin_end(struct task *task);
/* The same by system calls on a file that counts (an eventfd): write wakes, read blocks. */
void sys_event_write(struct task *waker, struct task *sleeper);
void sys_event_read(struct task *task);
/* A pipe, written and read a byte at a time; it lasts as long as the run. */
struct pipe;
struct pipe *kernel_pipe(struct kernel *k);
void sys_pipe_write(struct task *task, struct pipe *pipe);
void sys_pipe_read(struct task *task, struct pipe *pipe);
/* Sleeps by a timer for at least `duration`. */
void task_sleep(struct task *task, sim_ps duration);
/* The same, but what wakes it is an interrupt that `cpu` takes (its timer, a device's), whose
 * handler runs after `duration` if nothing holds it up; its entry lies before. */
void task_sleep_for_irq(struct task *task, sim_ps duration, unsigned int cpu);
/* From now on bound to one CPU (NO_CPU: to none), and moved there at once. */
void task_bind(struct task *task, int cpu);
/* The same, but it stays where it is until it has slept. */
void task_bind_at_wakeup(struct task *task, int cpu);
/* A recorder would be blind for what the task does (kernel_hide_idle). */
void task_hide(struct task *task);
/* The same as the system call: the CPU's stopper thread moves the task. */
void sys_sched_setaffinity(struct task *task, int cpu);
/* sched_yield */
void task_yield(struct task *task);

/* smp_call_function_single (n == 1) or _many, from inside of the kernel, of an empty function to
 * the CPUs first to first + n - 1 but the caller's own; waits for all. Returns how long after the
 * call the first of them ran it, 0 if there was none. */
sim_ps kernel_cross_call(struct task *task, unsigned int first, unsigned int n);

struct sim *task_sim(const struct task *task);
struct kernel *task_kernel(const struct task *task);
unsigned int task_cpu(const struct task *task);
struct sim *kernel_sim(const struct kernel *k);
unsigned int kernel_nr_cpus(const struct kernel *k);
/* CPUs in the order in which threads are bound one to a core (SMT siblings last). */
unsigned int kernel_nth_core_cpu(const struct kernel *k, unsigned int i);

/* How often the grace-period thread of RCU has run so far. */
uint64_t kernel_rcu_runs(const struct kernel *k);
/* For so long there are grace periods for callbacks that are not simulated: idle CPUs keep their
 * ticks, until those have been called. */
void kernel_rcu_busy(struct kernel *k, sim_ps span);

/* Lets the clock tick at `phase` of each period, if that is what its period is; before the run. */
bool kernel_align_ticks(struct kernel *kernel, sim_ps period, sim_ps phase);
/* Tracing as the recorder did it: each tracepoint that fires costs its task this much,
 * and up to `cold` more where it did not fire lately. 0 = off. */
void kernel_set_tracing(struct kernel *k, sim_ps per_event, sim_ps cold);
/* The recorder saw nothing of what went on in the context of this CPU's idle task, interrupts
 * included: what is counted there is counted as unseen, too. */
void kernel_hide_idle(struct kernel *k, unsigned int cpu);
/* Something large ran on all CPUs just now: no kernel code is in a cache. */
void kernel_cool_caches(struct kernel *k);

#endif
