// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that the tests on two NUMA nodes share
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "block.h"
#include "check.h"
#include "numa.h"

struct kind {
	const char *name;
	size_t size;
	unsigned int nr;
	unsigned int flags;
	bool mapped;
};

static const struct kind kinds[] = {
	{ "numa-64", 64, 1024 },
	{ "numa-4k", SZ_4K, 64 },
	{ "numa-1m", SZ_1M, 16 },
	{ "numa-8m", SZ_8M, 4, .mapped = true },
	{ "numa-single-64", 64, 1024, BYTEPOOL_SINGLE },
	{ "numa-single-4k", SZ_4K, 64, BYTEPOOL_SINGLE },
	{ "numa-single-1m", SZ_1M, 16, BYTEPOOL_SINGLE },
	{ "numa-single-8m", SZ_8M, 4, BYTEPOOL_SINGLE, .mapped = true },
};

/* Keep the reason of the first failure. Later ones are consequences of it. */
void want(struct numa *n, bool ok, const char *why, ...)
{
	va_list args;

	if (ok || n->why[0])
		return;
	va_start(args, why);
	vsnprintf(n->why, sizeof(n->why), why, args);
	va_end(args);
}

int numa_cpu(int node)
{
	return cpumask_first(cpumask_of_node(node));
}

void numa_go(int node)
{
	set_cpus_allowed_ptr(current, cpumask_of(numa_cpu(node)));
}

int block_node(const void *block)
{
	return page_to_nid(is_vmalloc_addr(block) ? vmalloc_to_page(block) : virt_to_page(block));
}

void *numa_alloc(struct bytepool *pool, size_t size, gfp_t gfp, int node)
{
	return node == UNNAMED ? bytepool_alloc(pool, size, gfp) :
				 bytepool_alloc_node(pool, size, gfp, node);
}

/* Allocate up to @nr blocks from @node, or UNNAMED. Return how many. */
unsigned int take(struct numa *n, unsigned int nr, gfp_t gfp, int node)
{
	unsigned int first = n->got;

	while (n->got - first < nr && n->got < NR_BLOCKS) {
		void *block = numa_alloc(n->pool, n->size, gfp, node);

		if (!block) {
			n->failures++;
			break;
		}
		block_fill(block, n->size, n->got);
		n->blocks[n->got++] = block;
	}
	n->allocs += n->got - first;
	return n->got - first;
}

/* Return how many of the last @nr blocks are on @node. */
unsigned int nr_on(struct numa *n, unsigned int nr, int node)
{
	unsigned int found = 0;
	unsigned int i;

	for (i = n->got - min(nr, n->got); i < n->got; i++)
		found += block_node(n->blocks[i]) == node;
	return found;
}

/* Allocate @nr blocks from @node. All of them must be on node @where. */
void take_on(struct numa *n, unsigned int nr, gfp_t gfp, int node, int where,
	     const char *what)
{
	unsigned int got = take(n, nr, gfp, node);
	unsigned int on = nr_on(n, got, where);

	want(n, got == nr && on == nr, "%s: %u of %u blocks, %u of them on node %d", what, got, nr,
	     on, where);
}

/* Free the last @nr blocks here, one by one or in bulk. */
void put(struct numa *n, unsigned int nr, bool bulk)
{
	void **blocks;
	unsigned int damaged = 0;
	unsigned int i;

	nr = min(nr, n->got);
	n->got -= nr;
	n->frees += nr;
	blocks = n->blocks + n->got;
	for (i = 0; i < nr; i++)
		damaged += !block_intact(blocks[i], n->size);
	want(n, !damaged, "%u blocks do not have their owner's content", damaged);
	if (bulk) {
		bytepool_free_bulk(n->pool, nr, blocks);
		return;
	}
	for (i = 0; i < nr; i++)
		bytepool_free(n->pool, blocks[i]);
}

void put_all(struct numa *n)
{
	put(n, n->got, false);
}

u64 nr_idle(struct numa *n)
{
	struct bytepool_stats stats;

	bytepool_get_stats(n->pool, &stats);
	return stats.blocks_idle;
}

/* Check that @nr allocations missed since the last call, or since skip_misses(). */
void want_misses(struct numa *n, u64 nr, const char *what)
{
	struct bytepool_stats stats;

	bytepool_get_stats(n->pool, &stats);
	want(n, stats.misses - n->misses == nr, "%s: %llu misses, not %llu", what,
	     stats.misses - n->misses, nr);
	n->misses = stats.misses;
}

void skip_misses(struct numa *n)
{
	struct bytepool_stats stats;

	bytepool_get_stats(n->pool, &stats);
	n->misses = stats.misses;
}

void want_empty(struct numa *n, const char *what)
{
	size_t held = bytepool_size(n->pool);

	want(n, !held, "%s: %zu bytes held", what, held);
}

/* Free all blocks. Check that the statistics are exact, and that all memory goes back. */
static void want_end(struct numa *n)
{
	struct bytepool_stats stats;

	put_all(n);
	bytepool_get_stats(n->pool, &stats);
	want(n, stats.allocs == n->allocs && stats.frees == n->frees &&
	     stats.failures == n->failures && stats.hits + stats.misses == n->allocs,
	     "%llu allocs, %llu frees, %llu failures; and not %llu, %llu, %llu", stats.allocs,
	     stats.frees, stats.failures, n->allocs, n->frees, n->failures);
	want(n, !stats.blocks_in_use && !stats.bad_frees, "%llu blocks in use, %llu bad frees",
	     stats.blocks_in_use, stats.bad_frees);
	bytepool_trim(n->pool);
	want_empty(n, "at the end");
}

static void test_one(struct seq_file *m, struct numa *n, void (*fn)(struct numa *n),
		     const struct kind *kind, const struct bytepool_params *params,
		     const char *what)
{
	char of[48];

	n->single = kind->flags & BYTEPOOL_SINGLE;
	n->mapped = kind->mapped;
	n->size = kind->size;
	n->nr = kind->nr;
	n->other = 1 - n->node;
	snprintf(of, sizeof(of), "%s from node %d", kind->name, n->node);
	n->pool = bytepool_create(kind->name, params);
	if (IS_ERR(n->pool)) {
		check(m, false, of, what, "create: %pe", n->pool);
		return;
	}
	numa_go(n->node);
	fn(n);
	want_end(n);
	check(m, !n->why[0], of, what, "%s", n->why);
	bytepool_destroy(n->pool);
}

/* Run a test with one kind of blocks, from either node. */
static void test_kind(struct seq_file *m, void (*fn)(struct numa *n), const struct kind *kind,
		      unsigned int with, const char *what)
{
	struct bytepool_params params = {
		.min_size = kind->size,
		.max_size = kind->size,
		.flags = kind->flags,
		.limit_bytes = with & LIMITED ? kind->nr * kind->size : 0,
		.idle_timeout_ms = with & AGEING ? NUMA_TIMEOUT_MS : 0,
	};
	int node;

	for (node = 0; node < 2; node++) {
		struct numa *n = kvzalloc(sizeof(*n), GFP_KERNEL);

		if (!n || !node_online(node)) {
			check(m, false, kind->name, what, "out of memory, or no node %d", node);
		} else {
			n->node = node;
			test_one(m, n, fn, kind, &params, what);
		}
		kvfree(n);
	}
}

void test_all(struct seq_file *m, void (*fn)(struct numa *n), unsigned int with,
	      const char *what)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].flags & BYTEPOOL_SINGLE && !(with & WITH_SINGLE))
			continue;
		if (kinds[i].mapped && !(with & WITH_MAPPED))
			continue;
		if (kinds[i].size < SZ_1M && with & LARGE)
			continue;
		test_kind(m, fn, &kinds[i], with, what);
	}
}
