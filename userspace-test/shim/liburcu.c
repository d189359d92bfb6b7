// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read-side sections, grace periods and the hash table of liburcu.
 */
#define RCU_MEMBARRIER
#include <assert.h>
#include <string.h>
#include <urcu.h>
#include <urcu/rculfhash.h>

#include "liburcu.h"
#include "tsan.h"

static_assert(sizeof(struct rcu_head) <= 2 * sizeof(void *), "fits into the shim's");
static_assert(sizeof(struct cds_lfht_node) <= 2 * sizeof(void *), "fits into the shim's");

#define TABLE_BUCKETS	4096

void liburcu_register_thread(void)
{
	rcu_register_thread();
}

void liburcu_unregister_thread(void)
{
	rcu_unregister_thread();
}

void liburcu_read_lock(void)
{
	rcu_read_lock();
}

void liburcu_read_unlock(void)
{
	rcu_read_unlock();
}

void liburcu_synchronize(void)
{
	synchronize_rcu();
}

void liburcu_call(void *head, void (*fn)(void *head))
{
	call_rcu(head, (void (*)(struct rcu_head *))fn);
}

void liburcu_barrier(void)
{
	rcu_barrier();
}

void *liburcu_table_new(void)
{
	return cds_lfht_new(TABLE_BUCKETS, TABLE_BUCKETS, TABLE_BUCKETS, 0, NULL);
}

int liburcu_table_destroy(void *table)
{
	return cds_lfht_destroy(table, NULL);
}

/* Not checked by TSan, because liburcu_table_find() tells it what may be read only after this. */
__attribute__((no_sanitize("thread")))
static int key_matches(struct cds_lfht_node *node, const void *arg)
{
	const struct liburcu_key *key = arg;

	/* Do not call memcmp(), which TSan checks everywhere. */
	return *(unsigned long *)((char *)node + key->offset) == *(unsigned long *)key->key;
}

bool liburcu_table_add(void *table, void *node, unsigned long hash, const struct liburcu_key *key)
{
	bool added;

	tsan_release(node);
	rcu_read_lock();
	cds_lfht_node_init(node);
	added = cds_lfht_add_unique(table, hash, key_matches, key, node) == node;
	rcu_read_unlock();
	return added;
}

bool liburcu_table_del(void *table, void *node)
{
	bool removed;

	rcu_read_lock();
	removed = !cds_lfht_del(table, node);
	rcu_read_unlock();
	return removed;
}

void *liburcu_table_find(void *table, unsigned long hash, const struct liburcu_key *key)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_lookup(table, hash, key_matches, key, &iter);
	node = cds_lfht_iter_get_node(&iter);
	if (node)
		tsan_acquire(node);
	return node;
}

static_assert(sizeof(struct cds_lfht_iter) <= 2 * sizeof(void *), "fits into the shim's");

void *liburcu_table_next(void *table, void *iter, bool begun)
{
	if (begun)
		cds_lfht_next(table, iter);
	else
		cds_lfht_first(table, iter);
	return cds_lfht_iter_get_node(iter);
}
