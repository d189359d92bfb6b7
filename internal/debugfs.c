// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/bytepool/: the classes of a pool, and its blocks in use.
 */
#include <linux/compiler.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>

#include "cache.h"
#include "check.h"
#include "class.h"
#include "debugfs.h"
#include "depot.h"
#include "slab.h"
#include "stats.h"
#include "table.h"
#include "types.h"

struct dentry *bp_debugfs_root;	/* /sys/kernel/debug/bytepool */

/* Return the class at *@pos, which is 1 + its index, or the next one, and move *@pos there. */
static void *classes_at(struct seq_file *m, loff_t *pos)
{
	struct bytepool *pool = m->private;
	u32 index = *pos - 1;
	struct bp_class *class = bp_class_next(pool, &index);

	*pos = (class ? class->index : pool->sizes.nr) + 1;
	return class;
}

static void *classes_start(struct seq_file *m, loff_t *pos)
{
	return *pos ? classes_at(m, pos) : SEQ_START_TOKEN;
}

static void *classes_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return classes_at(m, pos);
}

static void classes_stop(struct seq_file *m, void *v)
{
}

static int classes_show(struct seq_file *m, void *v)
{
	struct bp_class *class = v;
	struct bytepool_stats stats = {};
	unsigned long nr_slabs = 0, nr_cached = 0;
	struct bp_depot *depot;
	struct bp_cache *cache;

	if (v == SEQ_START_TOKEN) {
		seq_printf(m, "%10s %10s %10s %10s %10s %10s %12s %12s\n", "size", "slabs",
			   "in_use", "idle", "cpu_idle", "reserve", "hits", "misses");
		return 0;
	}
	bp_class_add_stats(class, &stats);
	bp_for_each_depot(depot, class) {
		/* Other CPUs may change it meanwhile. */
		nr_slabs += data_race(depot->nr_slabs);
	}
	rcu_read_lock();
	bp_for_each_cache(cache, class)
		nr_cached += bp_cache_peek(cache, NULL);
	rcu_read_unlock();
	seq_printf(m, "%10u %10lu %10llu %10llu %10lu %10u %12llu %12llu\n", class->size, nr_slabs,
		   stats.blocks_in_use, stats.blocks_idle, nr_cached, READ_ONCE(class->reserve),
		   stats.hits, stats.misses);
	return 0;
}

static const struct seq_operations classes_sops = {
	.start = classes_start,
	.next = classes_next,
	.stop = classes_stop,
	.show = classes_show,
};
DEFINE_SEQ_ATTRIBUTE(classes);

/* A walk over the table, which shows the slabs of one pool. */
struct blocks_iter {
	struct bytepool *pool;
	struct rhashtable_iter slabs;
};

static void *blocks_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct blocks_iter *iter = m->private;
	struct bp_slab *slab;
	unsigned long seen = 0;

	++*pos;
	do {
		slab = bp_table_walk_next(&iter->slabs, &seen);
	} while (slab && slab->depot->class->pool != iter->pool);
	return slab;
}

static void *blocks_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct blocks_iter *iter = m->private;
	struct bp_slab *slab;

	if (!*pos) {
		rhashtable_walk_exit(&iter->slabs);
		rhashtable_walk_enter(&bp_table, &iter->slabs);
		rhashtable_walk_start(&iter->slabs);
		return SEQ_START_TOKEN;
	}
	rhashtable_walk_start(&iter->slabs);
	/* Go on at the slab that was not shown yet, unless it has died. */
	slab = rhashtable_walk_peek(&iter->slabs);
	if (!IS_ERR_OR_NULL(slab) && slab->depot->class->pool == iter->pool)
		return slab;
	return slab ? blocks_next(m, slab, pos) : NULL;
}

static void blocks_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	struct blocks_iter *iter = m->private;

	rhashtable_walk_stop(&iter->slabs);
}

static int blocks_show(struct seq_file *m, void *v)
{
	struct bp_slab *slab = v;
	const struct bp_class *class;
	u32 granule;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "            address       size     age_ms        pid allocated_by\n");
		return 0;
	}
	class = slab->depot->class;
	bp_for_each_block(granule, slab) {
		struct bp_track track;

		if (READ_ONCE(slab->state[granule]) != BP_BLOCK_IN_USE)
			continue;
		track = bp_track_read(slab, granule);
		seq_printf(m, "%19p %10u %10llu %10d %pS\n", bp_slab_block(slab, class, granule),
			   class->size, bp_track_age_ms(&track), track.pid, (void *)track.caller);
	}
	return 0;
}

static const struct seq_operations blocks_sops = {
	.start = blocks_start,
	.next = blocks_next,
	.stop = blocks_stop,
	.show = blocks_show,
};

static int blocks_open(struct inode *inode, struct file *file)
{
	struct blocks_iter *iter = __seq_open_private(file, &blocks_sops, sizeof(*iter));

	if (!iter)
		return -ENOMEM;
	iter->pool = inode->i_private;
	rhashtable_walk_enter(&bp_table, &iter->slabs);
	return 0;
}

static int blocks_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct blocks_iter *iter = m->private;

	rhashtable_walk_exit(&iter->slabs);
	return seq_release_private(inode, file);
}

static const struct file_operations blocks_fops = {
	.owner = THIS_MODULE,
	.open = blocks_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = blocks_release,
};

/* Make the files of the pool. Failures are ignored, because a pool works without them. */
void bp_pool_debugfs_add(struct bytepool *pool)
{
	pool->debugfs = debugfs_create_dir(pool->name, bp_debugfs_root);
	debugfs_create_file("classes", 0400, pool->debugfs, pool, &classes_fops);
	if (pool->flags & BYTEPOOL_TRACK)
		debugfs_create_file("blocks", 0400, pool->debugfs, pool, &blocks_fops);
}
