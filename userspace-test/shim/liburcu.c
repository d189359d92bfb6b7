// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read-side sections, grace periods and the hash table of liburcu.
 */
#define RCU_MEMBARRIER
#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <urcu.h>
#include <urcu/rculfhash.h>

#include "liburcu.h"
#include "tsan.h"

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

/* A callback that waits for a grace period, at the place of the shim's struct rcu_head. */
struct callback {
	struct callback *next;
	void (*fn)(void *head);
};

static_assert(sizeof(struct callback) == 2 * sizeof(void *), "fits into the shim's");

static struct callback *callbacks;

/*
 * Do not use call_rcu() of liburcu, because its thread sleeps for 10 ms between two looks at its
 * queue. Each rcu_barrier() would take as long.
 */
void liburcu_call(void *head, void (*fn)(void *head))
{
	struct callback *callback = head;

	callback->fn = fn;
	callback->next = __atomic_load_n(&callbacks, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&callbacks, &callback->next, callback, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* Each grace period runs the callbacks that were there when it began. */
void liburcu_synchronize(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct callback *callback, *next;

	/* A second caller returns after the callbacks that the first one has taken. */
	pthread_mutex_lock(&lock);
	callback = __atomic_exchange_n(&callbacks, NULL, __ATOMIC_ACQUIRE);
	synchronize_rcu();
	for (; callback; callback = next) {
		next = callback->next;
		callback->fn(callback);
	}
	pthread_mutex_unlock(&lock);
}

void *liburcu_table_new(void)
{
	return cds_lfht_new(TABLE_BUCKETS, TABLE_BUCKETS, TABLE_BUCKETS, 0, NULL);
}

int liburcu_table_destroy(void *table)
{
	return cds_lfht_destroy(table, NULL);
}

/* Not checked by TSan, because liburcu_table_find() tells it of the order only after this. */
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
