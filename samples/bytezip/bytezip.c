// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytezip - compressed records, as an example of a filesystem that uses
 * bytepool
 *
 * A filesystem that compresses needs memory for each record: for the tables of
 * the compressor, which take up to megabytes and depend on size and level, and
 * for the output. It frees the memory after each record. This module does the
 * same: a write() to /dev/bytezip is a record, which the open file keeps
 * compressed, and a read() unpacks it.
 *
 * The functions to look at are record_pack() and record_unpack(). They take
 * workspaces and buffers from the pool around each call of the kernel's zlib or
 * zstd. Workspaces are large and short-lived. A pool keeps them ready, but the
 * system would map, perhaps clear, and unmap them every time.
 *
 * README.md describes the interface of the device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <linux/zlib.h>
#include <linux/zstd.h>

#include "bytepool.h"

#define RECORD_MAX	SZ_128K

static char *alloc = "bytepool";
module_param(alloc, charp, 0444);
MODULE_PARM_DESC(alloc, "allocator to use: bytepool (default), kvmalloc or vmalloc");

static char *method = "zstd";
module_param(method, charp, 0444);
MODULE_PARM_DESC(method, "compression method: zstd (default) or zlib");

static int level = 3;
module_param(level, int, 0444);
MODULE_PARM_DESC(level, "compression level: 1 (fastest) to 22 (zstd) or 9 (zlib), default 3");

/* ---- memory, and its cost ---- */

/* NULL unless alloc=bytepool. */
static struct bytepool *pool;
static bool use_vmalloc;

/*
 * The shortest time between two readings of the clock. It is subtracted from
 * each measurement.
 */
static s64 clock_ns;

static struct cost {
	const char *name;
	atomic64_t records;
	atomic64_t plain_bytes;
	atomic64_t packed_bytes;
	/* Time in the whole call, and in allocating and freeing. */
	atomic64_t total_ns;
	atomic64_t alloc_ns;
} pack_cost = { .name = "pack" }, unpack_cost = { .name = "unpack" };

static s64 since(s64 start)
{
	return ktime_get_ns() - start - clock_ns;
}

static void *buffer_alloc(struct cost *cost, size_t size)
{
	s64 start = ktime_get_ns();
	void *buffer;

	if (pool)
		buffer = bytepool_alloc(pool, size, GFP_KERNEL);
	else
		buffer = kvmalloc(size, GFP_KERNEL);
	atomic64_add(since(start), &cost->alloc_ns);
	return buffer;
}

/* Some filesystems allocate their workspaces with vmalloc, but none its buffers. */
static void *workspace_alloc(struct cost *cost, size_t size)
{
	s64 start = ktime_get_ns();
	void *workspace;

	if (!use_vmalloc)
		return buffer_alloc(cost, size);
	workspace = vmalloc(size);
	atomic64_add(since(start), &cost->alloc_ns);
	return workspace;
}

/* Free a buffer or a workspace. NULL is ignored. */
static void block_free(struct cost *cost, const void *block)
{
	s64 start = ktime_get_ns();

	if (pool)
		bytepool_free(pool, block);
	else
		kvfree(block);
	atomic64_add(since(start), &cost->alloc_ns);
}

static void clock_calibrate(void)
{
	s64 least = S64_MAX;
	int i;

	for (i = 0; i < 1000; i++) {
		s64 start = ktime_get_ns();

		least = min_t(s64, least, ktime_get_ns() - start);
	}
	clock_ns = least;
}

/* ---- the kernel's compressors ---- */

struct span {
	void *data;
	size_t size;
};

/*
 * pack() returns the number of bytes in @to, or 0 if @from does not fit there
 * when packed. unpack() fills @to, or returns -EIO.
 */
struct codec {
	const char *name;
	int (*max_level)(void);
	size_t (*pack_workspace_size)(size_t record_size);
	size_t (*pack)(struct span workspace, struct span to, struct span from);
	size_t (*unpack_workspace_size)(void);
	int (*unpack)(struct span workspace, struct span to, struct span from);
};

static size_t zstd_pack_workspace_size(size_t record_size)
{
	zstd_parameters params = zstd_get_params(level, record_size);

	return zstd_cctx_workspace_bound(&params.cParams);
}

static size_t zstd_pack(struct span workspace, struct span to, struct span from)
{
	zstd_parameters params = zstd_get_params(level, from.size);
	zstd_cctx *cctx = zstd_init_cctx(workspace.data, workspace.size);
	size_t ret;

	if (!cctx)
		return 0;
	ret = zstd_compress_cctx(cctx, to.data, to.size, from.data, from.size, &params);
	return zstd_is_error(ret) ? 0 : ret;
}

static int zstd_unpack(struct span workspace, struct span to, struct span from)
{
	zstd_dctx *dctx = zstd_init_dctx(workspace.data, workspace.size);
	size_t ret;

	if (!dctx)
		return -EIO;
	ret = zstd_decompress_dctx(dctx, to.data, to.size, from.data, from.size);
	return ret == to.size ? 0 : -EIO;
}

static int zlib_max_level(void)
{
	return Z_BEST_COMPRESSION;
}

static size_t zlib_pack_workspace_size(size_t record_size)
{
	return zlib_deflate_workspacesize(MAX_WBITS, MAX_MEM_LEVEL);
}

static size_t zlib_unpack_workspace_size(void)
{
	return zlib_inflate_workspacesize();
}

static struct z_stream_s zlib_stream(struct span workspace, struct span to, struct span from)
{
	return (struct z_stream_s) {
		.workspace	= workspace.data,
		.next_out	= to.data,
		.avail_out	= to.size,
		.next_in	= from.data,
		.avail_in	= from.size,
	};
}

static size_t zlib_pack(struct span workspace, struct span to, struct span from)
{
	struct z_stream_s stream = zlib_stream(workspace, to, from);
	int ret;

	if (zlib_deflateInit(&stream, level) != Z_OK)
		return 0;
	ret = zlib_deflate(&stream, Z_FINISH);
	zlib_deflateEnd(&stream);
	return ret == Z_STREAM_END ? stream.total_out : 0;
}

static int zlib_unpack(struct span workspace, struct span to, struct span from)
{
	struct z_stream_s stream = zlib_stream(workspace, to, from);
	int ret;

	if (zlib_inflateInit(&stream) != Z_OK)
		return -EIO;
	ret = zlib_inflate(&stream, Z_FINISH);
	zlib_inflateEnd(&stream);
	return ret == Z_STREAM_END && stream.total_out == to.size ? 0 : -EIO;
}

static const struct codec codecs[] = {
	{
		.name			= "zstd",
		.max_level		= zstd_max_clevel,
		.pack_workspace_size	= zstd_pack_workspace_size,
		.pack			= zstd_pack,
		.unpack_workspace_size	= zstd_dctx_workspace_bound,
		.unpack			= zstd_unpack,
	}, {
		.name			= "zlib",
		.max_level		= zlib_max_level,
		.pack_workspace_size	= zlib_pack_workspace_size,
		.pack			= zlib_pack,
		.unpack_workspace_size	= zlib_unpack_workspace_size,
		.unpack			= zlib_unpack,
	},
};

static const struct codec *codec;

/* ---- records: the part that uses the pool ---- */

struct record {
	/* Protects the fields below. Each open file has its own record. */
	struct mutex lock;
	/* The data being written. A filesystem has it in the page cache. */
	void *plain;
	/* The data of the last write, or NULL before the first write. */
	void *packed;
	size_t packed_size;
	/* Size of the record. Equal to packed_size if the record is not compressed. */
	size_t size;
};

static void record_replace(struct record *rec, void *packed, size_t packed_size, size_t size)
{
	block_free(&pack_cost, rec->packed);
	rec->packed = packed;
	rec->packed_size = packed_size;
	rec->size = size;
}

/* Pack the first @size bytes of rec->plain. On failure, keep the previous record. */
static int record_pack(struct record *rec, size_t size)
{
	size_t workspace_size = codec->pack_workspace_size(size);
	void *workspace = workspace_alloc(&pack_cost, workspace_size);
	void *packed = buffer_alloc(&pack_cost, size);
	size_t packed_size;

	if (!workspace || !packed) {
		block_free(&pack_cost, workspace);
		block_free(&pack_cost, packed);
		return -ENOMEM;
	}

	/* Keep the record uncompressed if compression does not make it smaller. */
	packed_size = codec->pack((struct span) { workspace, workspace_size },
				  (struct span) { packed, size - 1 },
				  (struct span) { rec->plain, size });
	if (!packed_size) {
		memcpy(packed, rec->plain, size);
		packed_size = size;
	}
	block_free(&pack_cost, workspace);
	record_replace(rec, packed, packed_size, size);
	return 0;
}

/* Unpack the record to @plain, which has room for rec->size bytes. */
static int record_unpack(struct record *rec, void *plain)
{
	size_t workspace_size = codec->unpack_workspace_size();
	void *workspace;
	int ret;

	if (rec->packed_size == rec->size) {
		memcpy(plain, rec->packed, rec->size);
		return 0;
	}
	workspace = workspace_alloc(&unpack_cost, workspace_size);
	if (!workspace)
		return -ENOMEM;
	ret = codec->unpack((struct span) { workspace, workspace_size },
			    (struct span) { plain, rec->size },
			    (struct span) { rec->packed, rec->packed_size });
	block_free(&unpack_cost, workspace);
	return ret;
}

static int record_write(struct record *rec, struct iov_iter *from)
{
	size_t size = iov_iter_count(from);

	if (!copy_from_iter_full(rec->plain, size, from))
		return -EFAULT;
	return record_pack(rec, size);
}

static int record_read(struct record *rec, struct iov_iter *to)
{
	void *plain = buffer_alloc(&unpack_cost, rec->size);
	int ret;

	if (!plain)
		return -ENOMEM;
	ret = record_unpack(rec, plain);
	if (!ret && copy_to_iter(plain, rec->size, to) != rec->size)
		ret = -EFAULT;
	block_free(&unpack_cost, plain);
	return ret;
}

/* ---- the device ---- */

static void cost_add(struct cost *cost, const struct record *rec, s64 start)
{
	atomic64_add(since(start), &cost->total_ns);
	atomic64_inc(&cost->records);
	atomic64_add(rec->size, &cost->plain_bytes);
	atomic64_add(rec->packed_size, &cost->packed_bytes);
}

static ssize_t bytezip_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct record *rec = iocb->ki_filp->private_data;
	size_t size = iov_iter_count(from);
	s64 start;
	int ret;

	if (!size)
		return 0;
	if (size > RECORD_MAX)
		return -EMSGSIZE;

	mutex_lock(&rec->lock);
	start = ktime_get_ns();
	ret = record_write(rec, from);
	if (!ret)
		cost_add(&pack_cost, rec, start);
	mutex_unlock(&rec->lock);
	return ret ?: size;
}

static ssize_t bytezip_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct record *rec = iocb->ki_filp->private_data;
	ssize_t ret = 0;
	s64 start;

	mutex_lock(&rec->lock);
	if (!rec->size || !iov_iter_count(to))
		goto out_unlock;
	ret = -EMSGSIZE;
	if (iov_iter_count(to) < rec->size)
		goto out_unlock;

	start = ktime_get_ns();
	ret = record_read(rec, to);
	if (!ret) {
		cost_add(&unpack_cost, rec, start);
		ret = rec->size;
	}
out_unlock:
	mutex_unlock(&rec->lock);
	return ret;
}

static int bytezip_open(struct inode *inode, struct file *file)
{
	struct record *rec = kzalloc(sizeof(*rec), GFP_KERNEL);

	if (!rec)
		return -ENOMEM;
	rec->plain = kvmalloc(RECORD_MAX, GFP_KERNEL);
	if (!rec->plain) {
		kfree(rec);
		return -ENOMEM;
	}
	mutex_init(&rec->lock);
	file->private_data = rec;
	return stream_open(inode, file);
}

static int bytezip_release(struct inode *inode, struct file *file)
{
	struct record *rec = file->private_data;

	block_free(&pack_cost, rec->packed);
	kvfree(rec->plain);
	kfree(rec);
	return 0;
}

static const struct file_operations bytezip_fops = {
	.owner		= THIS_MODULE,
	.open		= bytezip_open,
	.release	= bytezip_release,
	.read_iter	= bytezip_read_iter,
	.write_iter	= bytezip_write_iter,
};

static struct miscdevice bytezip_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "bytezip",
	.fops	= &bytezip_fops,
	.mode	= 0600,
};

/* ---- statistics ---- */

static struct dentry *bytezip_dir;

static void cost_show(struct seq_file *m, struct cost *cost)
{
	seq_printf(m, "%s %lld %lld %lld %lld %lld\n", cost->name,
		   atomic64_read(&cost->records), atomic64_read(&cost->plain_bytes),
		   atomic64_read(&cost->packed_bytes), atomic64_read(&cost->total_ns),
		   atomic64_read(&cost->alloc_ns));
}

static int costs_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "# call records plain_bytes packed_bytes total_ns alloc_ns\n");
	cost_show(m, &pack_cost);
	cost_show(m, &unpack_cost);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(costs);

/* ---- loading ---- */

static int __init choose_codec(void)
{
	const struct codec *c;

	for (c = codecs; c < codecs + ARRAY_SIZE(codecs); c++)
		if (!strcmp(method, c->name))
			break;
	if (c == codecs + ARRAY_SIZE(codecs)) {
		pr_err("method=%s: neither zstd nor zlib\n", method);
		return -EINVAL;
	}
	if (level < 1 || level > c->max_level()) {
		pr_err("level=%d: not from 1 to %d\n", level, c->max_level());
		return -EINVAL;
	}
	codec = c;
	return 0;
}

/* A default pool serves up to 4 MiB, and the largest workspace takes less than 3 MiB. */
static int __init choose_allocator(void)
{
	struct bytepool *new;

	if (!strcmp(alloc, "bytepool")) {
		new = bytepool_create("bytezip", NULL);
		if (IS_ERR(new))
			return PTR_ERR(new);
		pool = new;
	} else if (!strcmp(alloc, "vmalloc")) {
		use_vmalloc = true;
	} else if (strcmp(alloc, "kvmalloc")) {
		pr_err("alloc=%s: none of bytepool, kvmalloc, vmalloc\n", alloc);
		return -EINVAL;
	}
	return 0;
}

static int __init bytezip_init(void)
{
	int ret;

	ret = choose_codec();
	if (ret)
		return ret;
	ret = choose_allocator();
	if (ret)
		return ret;
	clock_calibrate();

	/* Create the pool before, because the device can be opened from here on. */
	ret = misc_register(&bytezip_dev);
	if (ret) {
		bytepool_destroy(pool);
		return ret;
	}
	bytezip_dir = debugfs_create_dir("bytezip", NULL);
	debugfs_create_file("costs", 0400, bytezip_dir, NULL, &costs_fops);
	return 0;
}
module_init(bytezip_init);

/* No file is open any more, so no record is left. */
static void __exit bytezip_exit(void)
{
	debugfs_remove(bytezip_dir);
	misc_deregister(&bytezip_dev);
	bytepool_destroy(pool);
}
module_exit(bytezip_exit);

MODULE_AUTHOR("The bytepool developers");
MODULE_DESCRIPTION("Compressed records at /dev/bytezip in memory from a bytepool");
MODULE_LICENSE("GPL");
