// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of the shim that a fuzzer replaces. It has one thread, no state from one input to the
 * next, and always the same addresses.
 *
 * RCU is a count of sections. A callback runs as soon as no section is open, so that ASan
 * finds late accesses. The hash table has chains.
 *
 * Pages come from an arena at a fixed address. A freed run is reused first for its size, as in
 * a kernel, so that stale knowledge of it does harm. Until then it is poisoned for ASan.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sanitizer/asan_interface.h>

#include "fuzz.h"
#include "shim/liburcu.h"

struct callback {
	struct callback *next;
	void (*fn)(void *head);
};

static unsigned int sections;
static struct callback *callbacks;
static struct callback **callbacks_end = &callbacks;

void liburcu_register_thread(void)
{
}

void liburcu_unregister_thread(void)
{
}

void liburcu_read_lock(void)
{
	sections++;
}

static void run_callbacks(void)
{
	while (callbacks && !sections) {
		struct callback *first = callbacks;

		callbacks = first->next;
		if (!callbacks)
			callbacks_end = &callbacks;
		first->fn(first);
	}
}

void liburcu_read_unlock(void)
{
	if (!--sections)
		run_callbacks();
}

void liburcu_synchronize(void)
{
	if (sections)
		shim_die("a grace period would never end");
}

void liburcu_call(void *head, void (*fn)(void *head))
{
	struct callback *callback = head;

	*callback = (struct callback){ .fn = fn };
	*callbacks_end = callback;
	callbacks_end = &callback->next;
	run_callbacks();
}

#define TABLE_BUCKETS	1024

struct node {
	struct node *next;
	unsigned long hash;
};

static struct node *table[TABLE_BUCKETS];

void *liburcu_table_new(void)
{
	return table;
}

int liburcu_table_destroy(void *t)
{
	unsigned int i;

	(void)t;
	for (i = 0; i < TABLE_BUCKETS; i++) {
		if (table[i])
			return -EPERM;
	}
	return 0;
}

void *liburcu_table_find(void *t, unsigned long hash, const struct liburcu_key *key)
{
	struct node *node = table[hash % TABLE_BUCKETS];

	(void)t;
	while (node && *(unsigned long *)((char *)node + key->offset) != *(unsigned long *)key->key)
		node = node->next;
	return node;
}

bool liburcu_table_add(void *t, void *head, unsigned long hash, const struct liburcu_key *key)
{
	struct node **bucket = &table[hash % TABLE_BUCKETS];
	struct node *node = head;

	if (liburcu_table_find(t, hash, key))
		return false;
	*node = (struct node){ .next = *bucket, .hash = hash };
	*bucket = node;
	return true;
}

bool liburcu_table_del(void *t, void *head)
{
	struct node *node = head;
	struct node **at = &table[node->hash % TABLE_BUCKETS];

	(void)t;
	while (*at && *at != node)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = node->next;
	return true;
}

/* Return the first node of the bucket or of the buckets after it. */
static struct node *table_first(unsigned long bucket)
{
	while (bucket < TABLE_BUCKETS && !table[bucket])
		bucket++;
	return bucket < TABLE_BUCKETS ? table[bucket] : NULL;
}

void *liburcu_table_next(void *t, void *iter, bool begun)
{
	struct node **at = iter;

	(void)t;
	if (!begun)
		*at = table_first(0);
	else if (*at)
		*at = (*at)->next ?: table_first((*at)->hash % TABLE_BUCKETS + 1);
	return *at;
}

#define ARENA		((char *)0x200000000000)
#define ARENA_PAGES	BIT(20)
#define ARENA_KEPT	(256UL << 20)
#define RUN_PAGES_MAX	4096U

/* For the first page of each run: its number of pages, and the run that was freed before it. */
static u32 run_pages[ARENA_PAGES];
static u32 run_next[ARENA_PAGES];
/* The last freed run of each size, or 0. */
static u32 run_freed[RUN_PAGES_MAX + 1];
static unsigned long arena_used;

void *fuzz_wild_address(unsigned long offset)
{
	return ARENA + offset % (arena_used * PAGE_SIZE + PAGE_SIZE);
}

static unsigned long run_take(u32 pages)
{
	unsigned long align = min(BIT(get_order(pages * PAGE_SIZE)), 16UL);
	unsigned long page = run_freed[pages];

	if (page) {
		run_freed[pages] = run_next[page];
		return page;
	}
	/* A poisoned page follows each run. */
	page = ALIGN(arena_used + 1, align);
	arena_used = page + pages;
	if (arena_used >= ARENA_PAGES)
		return 0;
	run_pages[page] = pages;
	ASAN_POISON_MEMORY_REGION(ARENA + arena_used * PAGE_SIZE, PAGE_SIZE);
	return page;
}

static void *run_alloc(size_t align, size_t bytes)
{
	unsigned long page = bytes <= RUN_PAGES_MAX * PAGE_SIZE ? run_take(bytes >> PAGE_SHIFT) : 0;

	(void)align;
	if (!page)
		return NULL;
	ASAN_UNPOISON_MEMORY_REGION(ARENA + page * PAGE_SIZE, bytes);
	return ARENA + page * PAGE_SIZE;
}

static void run_free(void *run)
{
	unsigned long page = ((char *)run - ARENA) >> PAGE_SHIFT;
	u32 pages = run_pages[page];

	ASAN_POISON_MEMORY_REGION(run, pages * PAGE_SIZE);
	run_next[page] = run_freed[pages];
	run_freed[pages] = page;
}

void fuzz_arena_reset(void)
{
	memset(run_freed, 0, sizeof(run_freed));
	if (arena_used * PAGE_SIZE > ARENA_KEPT)
		madvise(ARENA, arena_used * PAGE_SIZE, MADV_DONTNEED);
	arena_used = 0;
}

void fuzz_arena_init(void)
{
	void *arena = mmap(ARENA, ARENA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
			   -1, 0);

	if (arena != ARENA)
		shim_die("the arena cannot be mapped");
	shim_run_alloc = run_alloc;
	shim_run_free = run_free;
}
