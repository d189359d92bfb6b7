// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytefifo - a queue of messages, as an example of a driver that uses bytepool
 *
 * Each write() to /dev/bytefifo becomes one message, and each read() takes one.
 * A message has two blocks of the driver's pool: a small header, and a block
 * for the data, of exactly the size that was written, up to 4 MiB. The sizes
 * vary from write to write, many blocks are allocated and freed, and the queue
 * is often empty. A pool with size classes is made for such use.
 *
 * The functions to look at are bytefifo_init(), which creates the pool,
 * bytefifo_exit(), which destroys it, and message_create(), which frees its
 * blocks at the end of the scope, so that no error path can leak one. The rest
 * is what any queue needs.
 *
 * README.md describes the interface of the device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "bytepool.h"

#define MESSAGE_MAX	SZ_4M

static char *alloc = "bytepool";
module_param(alloc, charp, 0444);
MODULE_PARM_DESC(alloc, "allocator to use: bytepool (default) or kvmalloc");

static unsigned long max_bytes = SZ_16M;
module_param(max_bytes, ulong, 0444);
MODULE_PARM_DESC(max_bytes, "maximum bytes of all messages in the queue (default 16 MiB)");

static unsigned long max_messages = 16384;
module_param(max_messages, ulong, 0444);
MODULE_PARM_DESC(max_messages, "maximum number of messages in the queue (default 16384)");

struct message {
	struct list_head link;
	size_t size;
	void *data;
};

static struct fifo {
	/* The pool of headers and data, or NULL with alloc=kvmalloc. */
	struct bytepool *pool;
	/* Protects messages, bytes and nr. */
	spinlock_t lock;
	/* Messages that can be read, the oldest first. */
	struct list_head messages;
	/*
	 * Room in use. It is taken before a message is allocated, and given
	 * back after it is freed, so that the parameters limit the memory and
	 * not only the list.
	 */
	size_t bytes;
	unsigned long nr;
	/*
	 * Held by the writer that waits for room. Otherwise small messages
	 * could overtake a large one forever.
	 */
	struct mutex turn;
	/* Readers wait exclusively, because each message wakes one. */
	wait_queue_head_t readable;
	/* The writer that holds turn. */
	wait_queue_head_t writable;
} fifo = {
	.lock		= __SPIN_LOCK_UNLOCKED(fifo.lock),
	.messages	= LIST_HEAD_INIT(fifo.messages),
	.turn		= __MUTEX_INITIALIZER(fifo.turn),
	.readable	= __WAIT_QUEUE_HEAD_INITIALIZER(fifo.readable),
	.writable	= __WAIT_QUEUE_HEAD_INITIALIZER(fifo.writable),
};

/* ---- messages: the part that uses the pool ---- */

static void *block_alloc(size_t size)
{
	if (fifo.pool)
		return bytepool_alloc(fifo.pool, size, GFP_KERNEL);
	return kvmalloc(size, GFP_KERNEL);
}

static void block_free(const void *block)
{
	if (fifo.pool)
		bytepool_free(fifo.pool, block);
	else
		kvfree(block);
}

/*
 * A driver without a second allocator writes CLASS(bytepool_block, b)(pool,
 * size, gfp), which bytepool.h defines.
 */
DEFINE_CLASS(block, void *, block_free(_T), block_alloc(size), size_t size)

static struct message *message_create(struct iov_iter *from, size_t size)
{
	CLASS(block, header)(sizeof(struct message));
	CLASS(block, data)(size);
	struct message *msg = header;

	if (!header || !data)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_iter_full(data, size, from))
		return ERR_PTR(-EFAULT);
	msg->size = size;
	msg->data = no_free_ptr(data);
	return no_free_ptr(header);
}

static void message_destroy(struct message *msg)
{
	block_free(msg->data);
	block_free(msg);
}

/* ---- room: the limit of memory ---- */

/* Return the size of the largest message that the queue accepts. */
static size_t largest_message(void)
{
	return min_t(size_t, MESSAGE_MAX, max_bytes);
}

static bool has_room(size_t size)
{
	lockdep_assert_held(&fifo.lock);
	return size <= max_bytes - fifo.bytes && fifo.nr < max_messages;
}

static bool room_try_take(size_t size)
{
	bool taken;

	spin_lock(&fifo.lock);
	taken = has_room(size);
	if (taken) {
		fifo.bytes += size;
		fifo.nr++;
	}
	spin_unlock(&fifo.lock);
	return taken;
}

static int room_take(size_t size, bool nonblock)
{
	int ret;

	if (!mutex_is_locked(&fifo.turn) && room_try_take(size))
		return 0;
	if (nonblock)
		return -EAGAIN;

	if (mutex_lock_interruptible(&fifo.turn))
		return -ERESTARTSYS;
	ret = wait_event_interruptible(fifo.writable, room_try_take(size));
	mutex_unlock(&fifo.turn);
	return ret;
}

static void room_give(size_t size)
{
	spin_lock(&fifo.lock);
	fifo.bytes -= size;
	fifo.nr--;
	spin_unlock(&fifo.lock);
	wake_up_interruptible_poll(&fifo.writable, EPOLLOUT | EPOLLWRNORM);
}

/* ---- the queue ---- */

static void wake_reader(void)
{
	wake_up_interruptible_poll(&fifo.readable, EPOLLIN | EPOLLRDNORM);
}

static void queue_put(struct message *msg)
{
	spin_lock(&fifo.lock);
	list_add_tail(&msg->link, &fifo.messages);
	spin_unlock(&fifo.lock);
	wake_reader();
}

/* Put a message that was not delivered back to the front of the queue. */
static void queue_put_back(struct message *msg)
{
	spin_lock(&fifo.lock);
	list_add(&msg->link, &fifo.messages);
	spin_unlock(&fifo.lock);
	wake_reader();
}

/*
 * Return the oldest message, NULL if there is none, or -EMSGSIZE if it is
 * larger than @max.
 */
static struct message *queue_take(size_t max)
{
	struct message *msg;

	spin_lock(&fifo.lock);
	msg = list_first_entry_or_null(&fifo.messages, struct message, link);
	if (msg && msg->size > max)
		msg = ERR_PTR(-EMSGSIZE);
	else if (msg)
		list_del(&msg->link);
	spin_unlock(&fifo.lock);
	return msg;
}

static struct message *queue_wait(size_t max, bool nonblock)
{
	struct message *msg = queue_take(max);
	int ret;

	if (msg)
		return msg;
	if (nonblock)
		return ERR_PTR(-EAGAIN);
	ret = wait_event_interruptible_exclusive(fifo.readable, (msg = queue_take(max)));
	return ret ? ERR_PTR(ret) : msg;
}

/* ---- the device ---- */

static bool is_nonblock(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) || (iocb->ki_flags & IOCB_NOWAIT);
}

static ssize_t bytefifo_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	size_t size = iov_iter_count(from);
	struct message *msg;
	int ret;

	if (!size)
		return 0;
	if (size > largest_message())
		return -EMSGSIZE;

	ret = room_take(size, is_nonblock(iocb));
	if (ret)
		return ret;
	msg = message_create(from, size);
	if (IS_ERR(msg)) {
		room_give(size);
		return PTR_ERR(msg);
	}
	queue_put(msg);
	return size;
}

static ssize_t bytefifo_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	size_t max = iov_iter_count(to);
	struct message *msg;
	size_t size;

	if (!max)
		return 0;

	msg = queue_wait(max, is_nonblock(iocb));
	if (IS_ERR(msg)) {
		/*
		 * The message stays in the queue, and it may have woken this
		 * reader. Wake another one.
		 */
		if (PTR_ERR(msg) == -EMSGSIZE)
			wake_reader();
		return PTR_ERR(msg);
	}

	size = msg->size;
	if (copy_to_iter(msg->data, size, to) != size) {
		queue_put_back(msg);
		return -EFAULT;
	}
	message_destroy(msg);
	room_give(size);
	return size;
}

/*
 * Report the device as writable if a message of any size fits. Then a program
 * that polls before it writes does not get -EAGAIN, unless another writer was
 * faster.
 */
static __poll_t bytefifo_poll(struct file *file, poll_table *wait)
{
	__poll_t events = 0;

	poll_wait(file, &fifo.readable, wait);
	poll_wait(file, &fifo.writable, wait);

	spin_lock(&fifo.lock);
	if (!list_empty(&fifo.messages))
		events |= EPOLLIN | EPOLLRDNORM;
	if (has_room(largest_message()))
		events |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&fifo.lock);
	return events;
}

static int bytefifo_open(struct inode *inode, struct file *file)
{
	return stream_open(inode, file);
}

static const struct file_operations bytefifo_fops = {
	.owner		= THIS_MODULE,
	.open		= bytefifo_open,
	.read_iter	= bytefifo_read_iter,
	.write_iter	= bytefifo_write_iter,
	.poll		= bytefifo_poll,
};

static struct miscdevice bytefifo_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "bytefifo",
	.fops	= &bytefifo_fops,
	.mode	= 0600,
};

static int __init bytefifo_create_pool(void)
{
	static const struct bytepool_params params = {
		.max_size = MESSAGE_MAX,
	};
	struct bytepool *pool;

	pool = bytepool_create("bytefifo", &params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	fifo.pool = pool;
	return 0;
}

static int __init bytefifo_init(void)
{
	int ret;

	if (!max_bytes || !max_messages) {
		pr_err("max_bytes and max_messages must not be 0\n");
		return -EINVAL;
	}

	if (!strcmp(alloc, "bytepool")) {
		ret = bytefifo_create_pool();
		if (ret)
			return ret;
	} else if (strcmp(alloc, "kvmalloc")) {
		pr_err("alloc=%s: neither bytepool nor kvmalloc\n", alloc);
		return -EINVAL;
	}

	/* Create the pool before, because the device can be opened from here on. */
	ret = misc_register(&bytefifo_dev);
	if (ret)
		bytepool_destroy(fifo.pool);
	return ret;
}
module_init(bytefifo_init);

/* No file is open any more, so no reader is left for the queued messages. */
static void __exit bytefifo_exit(void)
{
	struct message *msg, *next;

	misc_deregister(&bytefifo_dev);
	list_for_each_entry_safe(msg, next, &fifo.messages, link)
		message_destroy(msg);
	bytepool_destroy(fifo.pool);
}
module_exit(bytefifo_exit);

MODULE_AUTHOR("The bytepool developers");
MODULE_DESCRIPTION("A queue of messages at /dev/bytefifo in memory from a bytepool");
MODULE_LICENSE("GPL");
