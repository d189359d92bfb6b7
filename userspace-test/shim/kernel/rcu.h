/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RCU: preempt.c, and sync.c over liburcu.c.
 */
#ifndef SHIM_KERNEL_RCU_H
#define SHIM_KERNEL_RCU_H

#include "compiler.h"

struct rcu_head {
	void *liburcu[2];
	void (*fn)(struct rcu_head *head);
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
void synchronize_rcu(void);

#ifndef BYTEPOOL_RCU_GP_SEQ
#define rcu_gp_seq	rcu_gp_oldstate
#endif

struct rcu_gp_seq {
	unsigned long number;
};

void start_poll_synchronize_rcu_full(struct rcu_gp_seq *grace);
bool poll_state_synchronize_rcu_full(struct rcu_gp_seq *grace);
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));
void rcu_barrier(void);
/* Instead of a function, the callback has the offset of its head in the object to free. */
#define kfree_rcu(object, member)						\
	call_rcu(&(object)->member,						\
		 (void (*)(struct rcu_head *))offsetof(typeof(*(object)), member))

#endif /* SHIM_KERNEL_RCU_H */
