// SPDX-License-Identifier: GPL-2.0-only
/*
 * RCU and the hash table over liburcu, and the tree of entries by age.
 */
#include "control.h"
#include "cpu.h"
#include "liburcu.h"
#include "tsan.h"

void (*shim_grace_hook)(void);

bool shim_grace_held;

/* The numbers of the grace period that began last, and of the latest that is over. */
static unsigned long graces_begun, graces_over;

void synchronize_rcu(void)
{
	unsigned long grace = __atomic_add_fetch(&graces_begun, 1, __ATOMIC_SEQ_CST);
	unsigned long over = __atomic_load_n(&graces_over, __ATOMIC_SEQ_CST);
	unsigned long flags;

	shim_might_sleep(__func__);
	if (shim_grace_hook)
		shim_grace_hook();
	flags = shim_irq_save();
	liburcu_synchronize();
	shim_grace_ends();
	while ((long)(grace - over) > 0 &&
	       !__atomic_compare_exchange_n(&graces_over, &over, grace, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
	shim_irq_restore(flags);
}

void start_poll_synchronize_rcu_full(struct rcu_gp_seq *grace)
{
	grace->number = __atomic_load_n(&graces_begun, __ATOMIC_SEQ_CST) + 1;
}

/* Wait for the grace period, and return true, unless the test holds it. */
bool poll_state_synchronize_rcu_full(struct rcu_gp_seq *grace)
{
	if ((long)(__atomic_load_n(&graces_over, __ATOMIC_SEQ_CST) - grace->number) >= 0) {
		shim_grace_ends();
		return true;
	}
	if (__atomic_load_n(&shim_grace_held, __ATOMIC_RELAXED))
		return false;
	synchronize_rcu();
	return true;
}

/* Callbacks of the module that have not run. */
static unsigned long nr_callbacks;

/* Return true if the callback is that of kfree_rcu(). */
static bool frees_object(const struct rcu_head *head)
{
	return (unsigned long)head->fn < PAGE_SIZE;
}

/* Runs after a grace period for which another CPU may have waited. */
static void run_callback(void *callback)
{
	struct rcu_head *head = callback;

	shim_grace_ends();
	tsan_acquire(head);
	shim_self.callback = true;
	if (frees_object(head)) {
		kfree((void *)head - (unsigned long)head->fn);
	} else {
		head->fn(head);
		__atomic_fetch_sub(&nr_callbacks, 1, __ATOMIC_SEQ_CST);
	}
	shim_self.callback = false;
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	unsigned long flags = shim_irq_save();

	head->fn = fn;
	if (!frees_object(head))
		__atomic_fetch_add(&nr_callbacks, 1, __ATOMIC_SEQ_CST);
	tsan_release(head);
	liburcu_call(head, run_callback);
	shim_irq_restore(flags);
}

void rcu_barrier(void)
{
	synchronize_rcu();
}

int rhashtable_init(struct rhashtable *ht, const struct rhashtable_params *params)
{
	unsigned long flags;

	if (shim_should_fail(SHIM_FAIL_OTHER, GFP_KERNEL))
		return -ENOMEM;
	flags = shim_irq_save();
	*ht = (struct rhashtable){ .table = liburcu_table_new(), .seed = shim_random(),
				    .head_offset = params->head_offset };
	shim_irq_restore(flags);
	return 0;
}

void rhashtable_destroy(struct rhashtable *ht)
{
	unsigned long flags = shim_irq_save();
	int err;

	if (ht->nr)
		shim_die("%ld entries are left in the table", ht->nr);
	/* The module is about to end. */
	if (__atomic_load_n(&nr_callbacks, __ATOMIC_SEQ_CST))
		shim_die("the module does not wait for its RCU callbacks");
	liburcu_synchronize();
	err = liburcu_table_destroy(ht->table);
	if (err)
		shim_die("the table cannot be destroyed: %s", strerror(-err));
	shim_irq_restore(flags);
}

static void table_assert_writable(void)
{
	if (!SHIM_TABLE_IN_HARDIRQ && (irqs_disabled() || in_hardirq()))
		shim_die("the table is modified with interrupts off");
}

static u32 table_hash(struct rhashtable *ht, const void *key,
		      const struct rhashtable_params *params)
{
	return params->hashfn(key, params->key_len, ht->seed);
}

int rhashtable_insert_fast(struct rhashtable *ht, struct rhash_head *head,
			   struct rhashtable_params params)
{
	struct liburcu_key key = {
		.key = (char *)head - params.head_offset + params.key_offset,
		.offset = params.key_offset - params.head_offset,
		.len = params.key_len,
	};
	unsigned long flags;
	bool added;

	table_assert_writable();
	if (shim_should_fail(SHIM_FAIL_TABLE, GFP_ATOMIC))
		return -ENOMEM;
	flags = shim_irq_save();
	added = liburcu_table_add(ht->table, head, table_hash(ht, key.key, &params), &key);
	shim_irq_restore(flags);
	if (!added)
		shim_die("a page is inserted into the table twice");
	__atomic_fetch_add(&ht->nr, 1, __ATOMIC_RELAXED);
	return 0;
}

int rhashtable_remove_fast(struct rhashtable *ht, struct rhash_head *head,
			   struct rhashtable_params params)
{
	unsigned long flags;
	bool removed;

	(void)params;
	table_assert_writable();
	flags = shim_irq_save();
	removed = liburcu_table_del(ht->table, head);
	shim_irq_restore(flags);
	if (!removed)
		shim_die("a removed entry is not in the table");
	__atomic_fetch_sub(&ht->nr, 1, __ATOMIC_RELAXED);
	return 0;
}

void *rhashtable_lookup(struct rhashtable *ht, const void *key, struct rhashtable_params params)
{
	struct liburcu_key liburcu_key = {
		.key = key,
		.offset = params.key_offset - params.head_offset,
		.len = params.key_len,
	};
	char *head;

	if (!shim_in_section())
		shim_die("a lookup outside of a read-side section");
	head = liburcu_table_find(ht->table, table_hash(ht, key, &params), &liburcu_key);
	return head ? head - params.head_offset : NULL;
}

void rhashtable_walk_enter(struct rhashtable *ht, struct rhashtable_iter *iter)
{
	*iter = (struct rhashtable_iter){ .ht = ht };
}

/* Count up to the last entry again, because nothing pins it. */
void rhashtable_walk_start(struct rhashtable_iter *iter)
{
	unsigned long flags;
	unsigned long seen;

	rcu_read_lock();
	flags = shim_irq_save();
	iter->last = NULL;
	for (seen = 0; seen < iter->seen; seen++)
		iter->last = liburcu_table_next(iter->ht->table, iter->liburcu, seen);
	shim_irq_restore(flags);
}

/* Claim from time to time that the table was resized, and start again. */
void *rhashtable_walk_next(struct rhashtable_iter *iter)
{
	unsigned long flags = shim_irq_save();
	char *head;

	if (!(shim_random() % 1024)) {
		iter->seen = 0;
		shim_irq_restore(flags);
		return ERR_PTR(-EAGAIN);
	}
	head = liburcu_table_next(iter->ht->table, iter->liburcu, iter->seen++);
	iter->last = head;
	shim_irq_restore(flags);
	return head ? head - iter->ht->head_offset : NULL;
}

void *rhashtable_walk_peek(struct rhashtable_iter *iter)
{
	return iter->last ? (char *)iter->last - iter->ht->head_offset : rhashtable_walk_next(iter);
}

void rhashtable_walk_stop(struct rhashtable_iter *iter)
{
	(void)iter;
	rcu_read_unlock();
}

void rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
		   bool (*less)(struct rb_node *a, const struct rb_node *b))
{
	struct cds_list_head *before = root->last;

	while (before && less(node, list_entry(before, struct rb_node, list)))
		before = before->prev;
	node->list.prev = before;
	node->list.next = before ? before->next : root->first;
	if (node->list.next)
		node->list.next->prev = &node->list;
	else
		root->last = &node->list;
	if (before)
		before->next = &node->list;
	else
		root->first = &node->list;
}

void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root)
{
	struct cds_list_head *prev = node->list.prev, *next = node->list.next;

	if (prev)
		prev->next = next;
	else
		root->first = next;
	if (next)
		next->prev = prev;
	else
		root->last = prev;
}

struct rb_node *rb_first_cached(struct rb_root_cached *root)
{
	return root->first ? list_entry(root->first, struct rb_node, list) : NULL;
}
