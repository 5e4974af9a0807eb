/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What replay.c (running a program on the simulated kernel), replay_scale.c (more threads than
 * were recorded) and replay_background.c (what ran besides) share: one struct replay_task for each
 * simulated task.
 */
#ifndef WORKLOADS_REPLAY_H
#define WORKLOADS_REPLAY_H

#include "models/kernel/ops.h"
#include "workloads/program.h"

/* A part of the address space that each copy of a worker has for itself. */
struct replay_area {
	uint64_t start, end;
	uint64_t offset; /* of start within a copy's block */
	bool infer;      /* mapped by another task than the worker: appears with the copy */
};

struct replay_worker {
	uint32_t task;            /* in the program */
	struct replay_area *area; /* sorted */
	size_t n_areas;
	uint64_t block; /* bytes that one copy takes, a multiple of 2 MiB */
};

struct replay;

struct replay_task {
	struct replay *r;
	const struct program_task *program;
	uint32_t index;                     /* of the program's task */
	uint32_t copy;                      /* 0 = as recorded, else the number of the copy */
	const struct replay_worker *worker; /* NULL: one of those that are not scaled */
	uint64_t base;                      /* of a copy's block */
	sim_ps offset;                      /* a copy starts so much later */
	bool dropped;                       /* fewer threads are wanted */
	bool forked;                        /* has a new mm, copied from its parent's */
	/* while it runs */
	struct task *task; /* NULL: not made yet */
	bool waiting, done;
	bool holds;                  /* spins until another one sleeps */
	struct replay_task *spinner; /* the last who did so for this one */
	uint64_t wakes;              /* wake-ups that were not waited for yet */
	uint32_t releases;           /* its munmaps, and mremaps elsewhere, so far */
	bool releasing;              /* the next one has begun */
};

struct replay_background {
	struct replay *r;
	const struct program_task *program;
	uint64_t rcu_runs; /* of the simulated thread, that were made up for */
};

struct replay {
	struct program *program;
	struct kernel *kernel;
	struct sim *sim;
	struct op_metrics ops;
	struct metric *traced[OP_KINDS][OP_SIZES];
	struct replay_task *task; /* the program's tasks, then copies */
	size_t n_tasks;
	struct replay_worker *worker;
	size_t n_workers, n_copies;
	struct replay_background *background; /* NULL: none wanted */
	sim_ps duration, end;
	sim_ps start; /* another process of the program starts so much later */
	bool stopping;
	bool on_ticks;              /* the simulated clock ticks when the recorded one did */
	bool placed;                /* tasks run on the CPUs where they ran in the recording */
	struct replay_moved *moved; /* mappings that are elsewhere than recorded */
	size_t n_moved, cap_moved;
	uint64_t errors, segvs, inferred_late;
};

/* Makes r->task for `threads` workers in all (0 = as recorded); seed is the run's. */
bool replay_scale(struct replay *r, uint32_t threads, struct err *err);
/* Offsets of copies, from the stream "replay.start" of the run. */
void replay_offsets(struct replay *r, uint64_t seed);
/* The program's own work takes as much less time. */
void replay_speed(struct program *p, double speed);
void replay_scale_free(struct replay *r);
/* Spawns the program's background tasks; to be freed after the run. */
struct replay_background *replay_background_start(struct replay *r);

/* Where tasks run (replay_place.c). */
enum replay_placement { PLACEMENT_AUTO, PLACEMENT_RECORDED, PLACEMENT_FREE };
extern const char *const replay_placements[]; /* their names, NULL at the end */
/* Decides r->placed; false and *err: this machine has no such CPUs. */
bool replay_placement(struct replay *r, enum replay_placement wanted, uint32_t processes,
		      struct err *err);
/* Moves the task to where its operation i begins. */
void replay_go(struct task *task, const struct replay *r, const struct program_task *p, size_t i);
/* Operation i is a sleep: says where the task will be after it. */
void replay_comes_back(struct task *task, const struct replay *r, const struct program_task *p,
		       size_t i);
/* The same, and sleeps. */
void replay_sleep(struct task *task, const struct replay *r, const struct program_task *p, size_t i,
		  sim_ps duration);
/* A call or an access: what takes time and is measured. */
void replay_call(struct task *task, struct replay_task *t, const struct program_op *op);
/* execve with the image that the recording shows. */
void replay_exec(struct task *task, const struct replay *r, const struct program_op *op);
/* Where a recorded address of the task is (replay_moved.c). */
uint64_t replay_moved_addr(const struct replay_task *t, uint64_t addr);
/* Is another thread still to have what the recording gives to this operation? */
bool replay_is_early(struct task *task, const struct replay *r, const struct program_op *op);
/* Or does anybody have it now? */
bool replay_must_move(struct task *task, const struct replay_task *t, const struct program_op *op,
		      uint64_t addr, uint64_t len);
/* It was given `to` instead. */
void replay_note_moved(const struct replay_task *t, const struct program_op *op, uint64_t addr,
		       uint64_t len, uint64_t to);
/* The task has let go of a range, by its recorded address. */
void replay_released(struct replay_task *t, uint64_t addr, uint64_t len);
/* A process is made as a copy; it begins anew. */
void replay_moved_fork(struct replay *r, int32_t from, int32_t to);
void replay_moved_exec(struct replay *r, int32_t pid);
/* The copy's address for the original's. */
uint64_t replay_relocate(const struct replay_task *t, uint64_t addr);
/* Copy number `copy` of a program's task; NULL if there is none. */
struct replay_task *replay_copy(const struct replay *r, uint32_t task, uint32_t copy);

#endif
