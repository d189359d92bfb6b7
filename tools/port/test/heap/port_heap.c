// SPDX-License-Identifier: GPL-2.0-only
/* Blocks of kvmalloc() and vmalloc() in variables, fields, arrays and lists, to be ported. */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define NR_ROWS	5

struct record {
	struct list_head list;
	size_t bytes;
	u8 *data;
};

static LIST_HEAD(records);
static u32 *table;

/* Return an error if the buffer does not have the byte everywhere. */
static int expect(const u8 *buffer, size_t bytes, u8 byte)
{
	if (buffer && !memchr_inv(buffer, byte, bytes))
		return 0;
	return buffer ? -EIO : -ENOMEM;
}

/* Check a buffer of another allocator, which does not prevent the port of the others. */
static int expect_small(void)
{
	u8 *small = kzalloc(10, GFP_KERNEL);
	int err = expect(small, 10, 0);

	kfree(small);
	return err;
}

static void record_free(struct record *record)
{
	if (!record)
		return;
	vfree(record->data);
	kvfree(record);
}

static struct record *record_make(size_t bytes)
{
	struct record *record = kvzalloc(sizeof(*record), GFP_KERNEL);

	if (!record)
		return NULL;
	record->bytes = bytes;
	record->data = vzalloc(bytes);
	if (!record->data) {
		record_free(record);
		return NULL;
	}
	list_add(&record->list, &records);
	return record;
}

static int try_records(void)
{
	struct record *record, *next;
	size_t bytes;
	int err = 0;

	for (bytes = 100; bytes < 5 << 20 && !err; bytes *= 7) {
		/* The second block of a slab shows how a class is aligned. */
		record = record_make(bytes) ? record_make(bytes) : NULL;
		err = record ? expect(record->data, bytes, 0) : -ENOMEM;
		if (!err && !PAGE_ALIGNED(record->data))
			err = -EFAULT;
	}
	list_for_each_entry_safe(record, next, &records, list) {
		memset(record->data, 1, record->bytes);
		list_del(&record->list);
		record_free(record);
	}
	return err;
}

static void rows_free(u8 **rows)
{
	int i;

	for (i = 0; rows && i < NR_ROWS; i++)
		kvfree(rows[i]);
	kvfree(rows);
}

static int try_rows(size_t bytes)
{
	u8 **rows = kvcalloc(NR_ROWS, sizeof(*rows), GFP_KERNEL);
	int i, err = rows ? 0 : -ENOMEM;

	for (i = 0; i < NR_ROWS && !err; i++) {
		rows[i] = kvmalloc(i ? bytes : 0, GFP_KERNEL);
		if (!rows[i]) {
			err = -ENOMEM;
		} else if (i) {
			memset(rows[i], i, bytes);
			err = expect(rows[i], bytes, i);
		}
	}
	rows_free(rows);
	return err;
}

static int try_table(size_t nr)
{
	void *other = __vmalloc(nr, GFP_KERNEL);
	int err;

	table = kvmalloc_array(nr, sizeof(*table), GFP_KERNEL | __GFP_ZERO);
	err = other ? expect((u8 *)table, array_size(nr, sizeof(*table)), 0) : -ENOMEM;
	kvfree(table);
	table = NULL;
	vfree(other);
	return err;
}

static int __init port_heap_init(void)
{
	int err = expect_small();

	if (!err)
		err = try_records();
	if (!err)
		err = try_rows(100000);
	if (!err)
		err = try_table(1000);
	/* Beyond what a pool serves by default. */
	if (!err)
		err = try_table(3 << 20);
	return err;
}
module_init(port_heap_init);

static void __exit port_heap_exit(void)
{
}
module_exit(port_heap_exit);

MODULE_DESCRIPTION("Blocks of kvmalloc() and vmalloc()");
MODULE_LICENSE("GPL");
