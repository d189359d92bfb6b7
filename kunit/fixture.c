// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "bytepool-kunit: " fmt

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "fixture.h"

/**
 * struct bk_fixture - the state that bk_exit() has to clean up
 * @pools: pools created by the test
 * @sysfs: mount of sysfs, or NULL if the test has not used it
 * @timeout: module-wide idle_timeout_ms before the test changed it, or empty
 * @interval: gc_interval_ms before the test changed it, or empty
 */
struct bk_fixture {
	struct bk_pool_entry pools[BK_POOLS];
	struct vfsmount *sysfs;
	char timeout[16];
	char interval[16];
};

/*
 * Each test runs in its own thread. Pin it to one CPU so that it finds the
 * blocks that it freed.
 */
int bk_init(struct kunit *test)
{
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	test->priv = kunit_kzalloc(test, sizeof(struct bk_fixture), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void bk_destroy_entry(struct kunit *test, struct bk_pool_entry *entry)
{
	struct bytepool_stats stats = bk_stats(entry->pool);
	bool warns = stats.blocks_in_use;

	if (!entry->dirty) {
		KUNIT_EXPECT_EQ_MSG(test, stats.blocks_in_use, 0, "blocks left in use");
		bytepool_trim(entry->pool);
		if (!warns)
			KUNIT_EXPECT_EQ_MSG(test, bytepool_size(entry->pool), 0, "held after trim");
	}
	if (warns)
		bk_expect_warning_begin();
	bytepool_destroy(entry->pool);
	if (warns)
		bk_expect_warning_end();
	entry->pool = NULL;
}

void bk_exit(struct kunit *test)
{
	struct bk_fixture *fixture = test->priv;
	unsigned int i;

	if (!fixture)
		return;
	if (fixture->timeout[0])
		bk_sysfs_write(test, "idle_timeout_ms", fixture->timeout);
	if (fixture->interval[0])
		bk_sysfs_write(test, "gc_interval_ms", fixture->interval);
	for (i = 0; i < BK_POOLS; i++)
		if (fixture->pools[i].pool)
			bk_destroy_entry(test, &fixture->pools[i]);
	if (fixture->sysfs)
		kern_unmount(fixture->sysfs);
}

void bk_unique_name(char *name)
{
	static atomic_t serial;

	snprintf(name, BK_NAME_SIZE, "kunit-%d", atomic_inc_return(&serial));
}

static struct bk_pool_entry *bk_entry(struct kunit *test, struct bytepool *pool)
{
	struct bk_fixture *fixture = test->priv;
	unsigned int i;

	for (i = 0; i < BK_POOLS; i++)
		if (fixture->pools[i].pool == pool)
			return &fixture->pools[i];
	KUNIT_FAIL(test, "no such pool, or too many pools");
	return &fixture->pools[0];
}

struct bytepool *bk_pool(struct kunit *test, const struct bytepool_params *params)
{
	struct bk_pool_entry *entry = bk_entry(test, NULL);
	struct bytepool *pool;

	bk_unique_name(entry->name);
	pool = bytepool_create(entry->name, params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	entry->dirty = false;
	entry->pool = pool;
	return pool;
}

struct bytepool *bk_pool_fixed(struct kunit *test, size_t size, unsigned int flags)
{
	return bk_pool(test, &(struct bytepool_params){
		.min_size = size, .max_size = size, .flags = flags,
	});
}

const char *bk_pool_name(struct kunit *test, struct bytepool *pool)
{
	return bk_entry(test, pool)->name;
}

void bk_pool_dirty(struct kunit *test, struct bytepool *pool)
{
	bk_entry(test, pool)->dirty = true;
}

void bk_leak_many(unsigned int nr, void **blocks)
{
	while (nr--)
		kmemleak_not_leak(blocks[nr]);
}

void bk_pool_destroy(struct kunit *test, struct bytepool *pool)
{
	bk_destroy_entry(test, bk_entry(test, pool));
}

struct bytepool_stats bk_stats(struct bytepool *pool)
{
	struct bytepool_stats stats;

	/* Fill the structure so that a field not set by bytepool_get_stats() is noticed. */
	memset(&stats, 0xee, sizeof(stats));
	bytepool_get_stats(pool, &stats);
	return stats;
}

/* Check the invariants of a pool that no other thread is using. */
void bk_check_stats(struct kunit *test, struct bytepool *pool)
{
	struct bytepool_stats stats = bk_stats(pool);

	KUNIT_EXPECT_EQ(test, stats.allocs, stats.hits + stats.misses);
	KUNIT_EXPECT_EQ(test, stats.allocs, stats.frees + stats.blocks_in_use);
	KUNIT_EXPECT_GE(test, stats.bytes_held, stats.bytes_in_use + stats.bytes_idle);
	KUNIT_EXPECT_EQ(test, stats.bytes_held, (u64)bytepool_size(pool));
	KUNIT_EXPECT_EQ(test, stats.bytes_held % PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, !stats.blocks_in_use, !stats.bytes_in_use);
	KUNIT_EXPECT_EQ(test, !stats.blocks_idle, !stats.bytes_idle);
}

void **bk_array(struct kunit *test, unsigned int nr)
{
	void **blocks = kunit_kcalloc(test, nr, sizeof(*blocks), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, blocks);
	return blocks;
}

void bk_alloc_many(struct kunit *test, struct bytepool *pool, size_t size, unsigned int nr,
		   void **blocks)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		blocks[i] = bytepool_alloc(pool, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, blocks[i]);
	}
}

void bk_free_many(struct bytepool *pool, unsigned int nr, void **blocks)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		bytepool_free(pool, blocks[i]);
}

static u8 bk_byte(unsigned int seed, size_t i)
{
	return seed * 37 + i * 11 + (i >> 8) + 1;
}

void bk_fill(void *block, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		((u8 *)block)[i] = bk_byte(seed, i);
}

bool bk_filled(const void *block, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (((const u8 *)block)[i] != bk_byte(seed, i))
			return false;
	return true;
}

/* Check that the pool hands out @nr blocks that do not overlap, and takes them back. */
void bk_check_sound(struct kunit *test, struct bytepool *pool, size_t size, unsigned int nr)
{
	struct bytepool_stats before = bk_stats(pool);
	void **blocks = bk_array(test, nr);
	unsigned int i;

	for (i = 0; i < nr; i++) {
		blocks[i] = bytepool_alloc(pool, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, blocks[i]);
		KUNIT_ASSERT_GE(test, bytepool_usable_size(pool, blocks[i]), size);
		bk_fill(blocks[i], size, i);
	}
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_TRUE(test, bk_filled(blocks[i], size, i));
	bk_free_many(pool, nr, blocks);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, bytepool_usable_size(pool, blocks[i]), 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, before.blocks_in_use);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, before.bad_frees);
	bk_check_stats(test, pool);
	kunit_kfree(test, blocks);
}

void bk_expect_warning_begin(void)
{
	pr_info("expect-warning begin\n");
}

void bk_expect_warning_end(void)
{
	pr_info("expect-warning end\n");
}

struct bk_log *bk_log_start(struct kunit *test)
{
	struct bk_log *log = kunit_kzalloc(test, sizeof(*log), GFP_KERNEL);

	if (!IS_ENABLED(CONFIG_PRINTK))
		kunit_skip(test, "needs CONFIG_PRINTK");
	KUNIT_ASSERT_NOT_NULL(test, log);
	kmsg_dump_rewind(&log->iter);
	bk_log_next(log);
	return log;
}

/* Skip the lines logged so far. */
void bk_log_next(struct bk_log *log)
{
	while (kmsg_dump_get_line(&log->iter, false, log->line, sizeof(log->line), NULL))
		;
}

/* Return the number of lines since the last count that contain both strings. */
unsigned int bk_log_count(struct bk_log *log, const char *one, const char *other)
{
	unsigned int count = 0;
	size_t len;

	while (kmsg_dump_get_line(&log->iter, false, log->line, sizeof(log->line) - 1, &len)) {
		log->line[len] = '\0';
		if (strstr(log->line, one) && strstr(log->line, other))
			count++;
	}
	return count;
}

static struct file *bk_sysfs_open(struct kunit *test, const char *path, int flags)
{
	struct bk_fixture *fixture = test->priv;
	struct path root;
	struct file *file;
	char *full;

	if (!fixture->sysfs) {
		struct file_system_type *type = get_fs_type("sysfs");
		struct vfsmount *mnt;

		if (!type)
			kunit_skip(test, "needs CONFIG_SYSFS");
		mnt = kern_mount(type);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mnt);
		fixture->sysfs = mnt;
	}
	full = kasprintf(GFP_KERNEL, "kernel/bytepool/%s", path);
	if (!full)
		return ERR_PTR(-ENOMEM);
	root.mnt = fixture->sysfs;
	root.dentry = fixture->sysfs->mnt_root;
	file = file_open_root(&root, full, flags, 0);
	kfree(full);
	return file;
}

/* Read the file into @buf, without its newline. Return the length or -errno. */
ssize_t bk_sysfs_read(struct kunit *test, const char *path, char *buf, size_t size)
{
	struct file *file = bk_sysfs_open(test, path, O_RDONLY);
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, buf, size - 1, &pos);
	fput(file);
	if (len < 0)
		return len;
	buf[len] = '\0';
	KUNIT_EXPECT_TRUE_MSG(test, len && buf[len - 1] == '\n', "%s: no newline at the end", path);
	return strim(buf) - buf + strlen(buf);
}

int bk_sysfs_write(struct kunit *test, const char *path, const char *value)
{
	struct file *file = bk_sysfs_open(test, path, O_WRONLY);
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_write(file, value, strlen(value), &pos);
	fput(file);
	if (len < 0)
		return len;
	return len == strlen(value) ? 0 : -EIO;
}

int bk_sysfs_mode(struct kunit *test, const char *path)
{
	struct file *file = bk_sysfs_open(test, path, O_PATH);
	int mode;

	if (IS_ERR(file))
		return PTR_ERR(file);
	mode = file_inode(file)->i_mode & 0777;
	fput(file);
	return mode;
}

u64 bk_sysfs_number(struct kunit *test, const char *path)
{
	char buf[64];
	u64 value = 0;
	ssize_t len = bk_sysfs_read(test, path, buf, sizeof(buf));

	KUNIT_ASSERT_GT_MSG(test, len, 0, "%s cannot be read", path);
	KUNIT_ASSERT_EQ_MSG(test, kstrtou64(buf, 10, &value), 0, "%s is \"%s\"", path, buf);
	return value;
}

char *bk_pool_path(struct kunit *test, struct bytepool *pool, const char *file)
{
	char *path = kunit_kzalloc(test, 2 * BK_NAME_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, path);
	snprintf(path, 2 * BK_NAME_SIZE, "pools/%s/%s", bk_pool_name(test, pool), file);
	return path;
}

static void bk_set(struct kunit *test, const char *path, char *saved, size_t size, unsigned int ms)
{
	char value[16];

	if (!saved[0])
		KUNIT_ASSERT_GT(test, bk_sysfs_read(test, path, saved, size), 0);
	snprintf(value, sizeof(value), "%u", ms);
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, value), 0);
}

void bk_set_timeout(struct kunit *test, unsigned int ms)
{
	struct bk_fixture *fixture = test->priv;

	bk_set(test, "idle_timeout_ms", fixture->timeout, sizeof(fixture->timeout), ms);
}

void bk_set_interval(struct kunit *test, unsigned int ms)
{
	struct bk_fixture *fixture = test->priv;

	bk_set(test, "gc_interval_ms", fixture->interval, sizeof(fixture->interval), ms);
}

static bool slow;
module_param(slow, bool, 0);
MODULE_PARM_DESC(slow, "Allow 20 s more for ageing, for a machine that does not keep time");

/*
 * The lower bound is checked by the clock. For the upper bound, each iteration
 * counts as at most two ticks, because a sleep of one tick may take two. So a
 * machine that stalls between two iterations is not mistaken for a slow GC.
 */
void bk_wait_held(struct kunit *test, struct bytepool *pool, size_t bytes, ktime_t freed,
		  unsigned int min_ms, unsigned int max_ms)
{
	s64 passed = ktime_ms_delta(ktime_get(), freed);
	long ticks = msecs_to_jiffies(max_ms + 30) + 2 - (long)msecs_to_jiffies(passed);
	unsigned long before = jiffies;

	if (slow)
		ticks += 20 * HZ;
	while (bytepool_size(pool) > bytes) {
		ticks -= min(jiffies - before, 2UL);
		before = jiffies;
		if (ticks < 0) {
			KUNIT_FAIL(test, "holds %zu after %lld ms", bytepool_size(pool),
				   ktime_ms_delta(ktime_get(), freed));
			return;
		}
		schedule_timeout_uninterruptible(1);
	}
	passed = ktime_to_ns(ktime_sub(ktime_get(), freed));
	if (slow)
		passed += 20 * NSEC_PER_MSEC;
	KUNIT_EXPECT_GE_MSG(test, passed, (s64)min_ms * NSEC_PER_MSEC, "given back too early");
}

/* A function to be called by a tasklet or an irq_work. */
struct bk_call {
	struct tasklet_struct tasklet;
	struct irq_work work;
	void (*fn)(void *arg);
	void *arg;
	struct completion done;
};

static void bk_call_tasklet(struct tasklet_struct *tasklet)
{
	struct bk_call *call = container_of(tasklet, struct bk_call, tasklet);

	call->fn(call->arg);
	complete(&call->done);
}

void bk_in_softirq(void (*fn)(void *arg), void *arg)
{
	struct bk_call call = { .fn = fn, .arg = arg };

	init_completion(&call.done);
	tasklet_setup(&call.tasklet, bk_call_tasklet);
	tasklet_schedule(&call.tasklet);
	wait_for_completion(&call.done);
	tasklet_kill(&call.tasklet);
}

static void bk_call_irq_work(struct irq_work *work)
{
	struct bk_call *call = container_of(work, struct bk_call, work);

	call->fn(call->arg);
	complete(&call->done);
}

static void bk_queue_irq_work(void *call)
{
	irq_work_queue(&((struct bk_call *)call)->work);
}

/*
 * Call @fn on @cpu in hardirq context. Without PREEMPT_RT, the irq_work is not
 * marked as hard, just as a driver's interrupt handler is not, so that lockdep
 * permits the same locks as in a handler.
 */
void bk_on_cpu(unsigned int cpu, void (*fn)(void *arg), void *arg)
{
	struct bk_call call = { .fn = fn, .arg = arg };

	init_completion(&call.done);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		call.work = IRQ_WORK_INIT_HARD(bk_call_irq_work);
	else
		init_irq_work(&call.work, bk_call_irq_work);
	smp_call_function_single(cpu, bk_queue_irq_work, &call, 1);
	wait_for_completion(&call.done);
	irq_work_sync(&call.work);
}

void bk_in_hardirq(void (*fn)(void *arg), void *arg)
{
	bk_on_cpu(raw_smp_processor_id(), fn, arg);
}

static void bk_in_process(void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

static void bk_irqs_off(void (*fn)(void *arg), void *arg)
{
	unsigned long flags;

	local_irq_save(flags);
	fn(arg);
	local_irq_restore(flags);
}

static void bk_spinlocked(void (*fn)(void *arg), void *arg)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	fn(arg);
	spin_unlock(&lock);
}

static void bk_spinlocked_irq(void (*fn)(void *arg), void *arg)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	fn(arg);
	spin_unlock_irqrestore(&lock, flags);
}

static void bk_bh_off(void (*fn)(void *arg), void *arg)
{
	local_bh_disable();
	fn(arg);
	local_bh_enable();
}

static void bk_preempt_off(void (*fn)(void *arg), void *arg)
{
	preempt_disable();
	fn(arg);
	preempt_enable();
}

static void bk_rcu_locked(void (*fn)(void *arg), void *arg)
{
	rcu_read_lock();
	fn(arg);
	rcu_read_unlock();
}

const struct bk_context bk_contexts[BK_CONTEXTS] = {
	{ "process", bk_in_process, .rt = true },
	{ "irqs_off", bk_irqs_off },
	{ "spinlock", bk_spinlocked, .rt = true },
	{ "spinlock_irqsave", bk_spinlocked_irq, .rt = true },
	{ "bh_off", bk_bh_off, .rt = true },
	{ "preempt_off", bk_preempt_off },
	{ "rcu_read_lock", bk_rcu_locked, .rt = true },
	{ "softirq", bk_in_softirq, .rt = true },
	{ "hardirq", bk_in_hardirq },
};

MODULE_DESCRIPTION("KUnit tests for bytepool");
MODULE_LICENSE("GPL");
