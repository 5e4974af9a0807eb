/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of RCU share: the tree of nodes and the state of grace periods.
 */
#ifndef MODELS_KERNEL_RCU_INTERNAL_H
#define MODELS_KERNEL_RCU_INTERNAL_H

#include "models/kernel/rcu.h"

#define RCU_FANOUT_LEAF 16
#define RCU_FANOUT      64 /* 16 x 64 = NR_CPUS: two levels are enough */

/* Whom a grace period still waits for: an ordinary one, an expedited one. */
enum rcu_mask { RCU_QSMASK, RCU_EXPMASK, NR_RCU_MASKS };

struct rcu_node {
	struct spinlock lock; /* guards the rest */
	struct rcu_node *parent;
	uint64_t parent_bit;
	unsigned int first_cpu;              /* of a leaf */
	uint64_t all;                        /* a bit for each CPU or child */
	uint64_t mask[NR_RCU_MASKS];         /* likewise */
	uint64_t started, completed, needed; /* grace periods, as known here */
};

struct rcu {
	struct kernel *k;
	struct task *kthread;
	struct rcu_node *node; /* [0] is the root; a single one is its own leaf */
	struct rcu_node *leaf;
	unsigned int nr_nodes, nr_leaves;
	uint64_t started, completed; /* grace periods */
	uint64_t runs;               /* of the kthread, from sleep to sleep */
	bool needed;
	bool force; /* do not wait for the next forced scan */
	sim_ps gp_start;
	struct metric *gp, *callbacks, *delay, *backlog;
	/* all CPUs together */
	uint64_t waiting, pinned;
	struct metric *waiting_series, *pinned_series;
	struct rcu_nocb *nocb; /* by CPU */
	struct rcu_nocb_group *group;
	unsigned int nr_groups;
	/* expedited */
	struct mutex exp_mutex;
	uint64_t exp_started, exp_completed;
	struct task *exp_waiter;
	struct metric *exp_gp, *exp_shared;
};

static inline struct rcu_node *rcu_leaf(const struct rcu *r, unsigned int cpu)
{
	return &r->leaf[cpu / RCU_FANOUT_LEAF];
}
static inline uint64_t rcu_bit(unsigned int cpu)
{
	return UINT64_C(1) << (cpu % RCU_FANOUT_LEAF);
}
static inline bool rcu_gp_running(const struct rcu *r)
{
	return r->started != r->completed;
}

/* ---- rcu.c ---- */

/* A callback of this CPU needs a grace period that has not begun. */
void rcu_start_gp(struct task *t, struct rcu *r);
/* Takes bits off a mask, with the node's lock held, which it drops. Who takes the last one climbs.
 * True: the root's mask is empty. */
bool rcu_report_up(struct task *t, struct rcu_node *n, enum rcu_mask which, uint64_t bits);
/* The kthread scans for idle CPUs at once. */
void rcu_force_quiescent_state(struct task *t, struct rcu *r);

/* ---- rcu_callbacks.c ---- */

void rcu_callbacks_init(struct kernel *k, struct rcu *r);
/* Ended grace periods move callbacks to done; new ones get the number that they must wait for.
 * True: one must begin. */
bool rcu_advance_cbs(struct rcu *r, struct rcu_data *d, uint64_t completed);

void rcu_append(struct rcu_data *d, struct rcu_cb *cb);
struct rcu_cb_list rcu_take_list(struct rcu_cb_list *l);
/* One callback that is on no list any more. t == NULL: after the run. */
void rcu_invoke(struct kernel *k, struct task *t, struct rcu_data *d, struct rcu_cb *cb);

/* ---- rcu_nocb.c ---- */

void rcu_nocb_init(struct kernel *k, struct rcu *r);
void rcu_nocb_free(struct kernel *k, struct rcu *r);
void rcu_nocb_enqueue(struct task *t, struct rcu_data *d, struct rcu_cb *cb, bool hurry);
void rcu_nocb_drain(struct kernel *k);
void rcu_nocb_gp_ended(struct task *t, struct rcu *r);

/* ---- rcu_exp.c ---- */

void rcu_exp_init(struct kernel *k, struct rcu *r);
void rcu_exp_free(struct kernel *k, struct rcu *r);

#endif
