// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/bytepool/pools/: the files of a pool.
 */
#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "backing.h"
#include "context.h"
#include "gc.h"
#include "stats.h"
#include "sysfs.h"
#include "types.h"
#include "wake.h"

struct pool_attribute {
	struct attribute attr;
	ssize_t (*show)(struct bytepool *pool, const struct pool_attribute *attr, char *buf);
	ssize_t (*store)(struct bytepool *pool, const char *buf, size_t len);
	size_t offset;	/* of the value, in struct bytepool or struct bytepool_stats */
};

/* Check a write that triggers something. Return 0 if it is 1, otherwise -errno. */
int bp_parse_one(const char *buf)
{
	unsigned int value;
	int err = kstrtouint(buf, 0, &value);

	return err ?: value == 1 ? 0 : -EINVAL;
}

/*
 * Do as bp_parse_one(), but refuse a BYTEPOOL_SINGLE pool, whose owner cannot
 * serialise with a write to sysfs.
 */
static int pool_parse_one(struct bytepool *pool, const char *buf)
{
	int err = bp_parse_one(buf);

	if (err)
		return err;
	return bp_pool_single(pool) ? -EOPNOTSUPP : 0;
}

/*
 * Parse a timeout in ms. Return 0 or -errno. Reject UINT_MAX, which is
 * BYTEPOOL_TIMEOUT_NEVER internally. In sysfs, 0 means never.
 */
int bp_parse_timeout(const char *buf, unsigned int *ms)
{
	unsigned int value;
	int err = kstrtouint(buf, 0, &value);

	if (err)
		return err;
	if (value == UINT_MAX)
		return -ERANGE;
	*ms = value;
	return 0;
}

static ssize_t idle_timeout_ms_show(struct bytepool *pool, const struct pool_attribute *attr,
				    char *buf)
{
	unsigned int ms = READ_ONCE(pool->idle_timeout_ms);

	if (ms == BYTEPOOL_TIMEOUT_DEFAULT)
		return sysfs_emit(buf, "default\n");
	return sysfs_emit(buf, "%u\n", ms == BYTEPOOL_TIMEOUT_NEVER ? 0 : ms);
}

static ssize_t idle_timeout_ms_store(struct bytepool *pool, const char *buf, size_t len)
{
	unsigned int ms = BYTEPOOL_TIMEOUT_DEFAULT;

	if (!sysfs_streq(buf, "default")) {
		int err = bp_parse_timeout(buf, &ms);

		if (err)
			return err;
		ms = ms ?: BYTEPOOL_TIMEOUT_NEVER;
	}
	WRITE_ONCE(pool->idle_timeout_ms, ms);
	bp_timeout_changed(pool);
	return len;
}

static ssize_t limit_bytes_show(struct bytepool *pool, const struct pool_attribute *attr,
				char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pool->limit));
}

static ssize_t limit_bytes_store(struct bytepool *pool, const char *buf, size_t len)
{
	unsigned long limit;
	int err = kstrtoul(buf, 0, &limit);

	if (err)
		return err;
	WRITE_ONCE(pool->limit, limit);
	if (limit && bp_pool_held(pool) > limit && !bp_pool_single(pool))
		bp_pool_trim(pool);
	return len;
}

static ssize_t u32_show(struct bytepool *pool, const struct pool_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", *(u32 *)((void *)pool + attr->offset));
}

static ssize_t stat_show(struct bytepool *pool, const struct pool_attribute *attr, char *buf)
{
	struct bytepool_stats stats;

	bp_pool_stats(pool, &stats);
	return sysfs_emit(buf, "%llu\n", *(u64 *)((void *)&stats + attr->offset));
}

static ssize_t flags_show(struct bytepool *pool, const struct pool_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%#x\n", pool->flags);
}

static ssize_t gc_store(struct bytepool *pool, const char *buf, size_t len)
{
	int err = pool_parse_one(pool, buf);

	if (err)
		return err;
	bp_pool_gc(pool, NULL);
	return len;
}

static ssize_t trim_store(struct bytepool *pool, const char *buf, size_t len)
{
	int err = pool_parse_one(pool, buf);

	if (err)
		return err;
	bp_pool_trim(pool);
	return len;
}

static struct pool_attribute idle_timeout_ms_attr = __ATTR_RW(idle_timeout_ms);
static struct pool_attribute limit_bytes_attr = __ATTR_RW(limit_bytes);
static struct pool_attribute flags_attr = __ATTR_RO(flags);
static struct pool_attribute gc_attr = __ATTR_WO(gc);
static struct pool_attribute trim_attr = __ATTR_WO(trim);

/* Attributes that can only be read: the place of each value, and how it is shown. */
#define POOL_VALUE(_string, _show)			\
	.attr = { .name = _string, .mode = 0444 },	\
	.show = _show

#define POOL_U32(_name, _member)					\
	static struct pool_attribute _name##_attr = {			\
		POOL_VALUE(#_name, u32_show),				\
		.offset = offsetof(struct bytepool, _member),		\
	}

POOL_U32(min_size, sizes.min);
POOL_U32(max_size, sizes.max);
POOL_U32(nr_classes, sizes.nr);

static struct attribute *pool_attrs[] = {
	&idle_timeout_ms_attr.attr,
	&limit_bytes_attr.attr,
	&min_size_attr.attr,
	&max_size_attr.attr,
	&nr_classes_attr.attr,
	&flags_attr.attr,
	&gc_attr.attr,
	&trim_attr.attr,
	NULL
};

static const struct attribute_group pool_group = { .attrs = pool_attrs };

#define POOL_STAT(_name)						\
	static struct pool_attribute _name##_attr = {			\
		POOL_VALUE(#_name, stat_show),				\
		.offset = offsetof(struct bytepool_stats, _name),	\
	}

POOL_STAT(bytes_held);
POOL_STAT(bytes_in_use);
POOL_STAT(bytes_idle);
POOL_STAT(bytes_overhead);
POOL_STAT(blocks_in_use);
POOL_STAT(blocks_idle);
POOL_STAT(allocs);
POOL_STAT(frees);
POOL_STAT(hits);
POOL_STAT(misses);
POOL_STAT(failures);
POOL_STAT(bad_frees);
POOL_STAT(gc_runs);
POOL_STAT(reclaimed_blocks);
POOL_STAT(reclaimed_bytes);

static struct attribute *pool_stats_attrs[] = {
	&bytes_held_attr.attr,
	&bytes_in_use_attr.attr,
	&bytes_idle_attr.attr,
	&bytes_overhead_attr.attr,
	&blocks_in_use_attr.attr,
	&blocks_idle_attr.attr,
	&allocs_attr.attr,
	&frees_attr.attr,
	&hits_attr.attr,
	&misses_attr.attr,
	&failures_attr.attr,
	&bad_frees_attr.attr,
	&gc_runs_attr.attr,
	&reclaimed_blocks_attr.attr,
	&reclaimed_bytes_attr.attr,
	NULL
};

static const struct attribute_group pool_stats_group = {
	.name = "stats",
	.attrs = pool_stats_attrs,
};

static const struct attribute_group *pool_groups[] = { &pool_group, &pool_stats_group, NULL };

static ssize_t pool_attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct pool_attribute *pool_attr = container_of(attr, struct pool_attribute, attr);

	if (!pool_attr->show)
		return -EIO;
	return pool_attr->show(container_of(kobj, struct bytepool, kobj), pool_attr, buf);
}

static ssize_t pool_attr_store(struct kobject *kobj, struct attribute *attr, const char *buf,
			       size_t len)
{
	struct pool_attribute *pool_attr = container_of(attr, struct pool_attribute, attr);

	if (!pool_attr->store)
		return -EIO;
	return pool_attr->store(container_of(kobj, struct bytepool, kobj), buf, len);
}

static const struct sysfs_ops pool_sysfs_ops = {
	.show = pool_attr_show,
	.store = pool_attr_store,
};

static void pool_kobj_release(struct kobject *kobj)
{
	complete(&container_of(kobj, struct bytepool, kobj)->released);
}

static const struct kobj_type pool_ktype = {
	.sysfs_ops = &pool_sysfs_ops,
	.release = pool_kobj_release,
	.default_groups = pool_groups,
};

struct kobject *bp_pools_kobj;	/* /sys/kernel/bytepool/pools */

/* Drop the kobject and wait for its last user, because the release function is in this module. */
static void pool_kobj_put(struct bytepool *pool)
{
	kobject_put(&pool->kobj);
	wait_for_completion(&pool->released);
}

void bp_pool_sysfs_remove(struct bytepool *pool)
{
	kobject_del(&pool->kobj);
	pool_kobj_put(pool);
}

int bp_pool_sysfs_add(struct bytepool *pool)
{
	int err = kobject_init_and_add(&pool->kobj, &pool_ktype, bp_pools_kobj, "%s", pool->name);

	if (err)
		pool_kobj_put(pool);
	return err;
}
