// SPDX-License-Identifier: GPL-2.0-only
/*
 * guide_softirq - packets that are received in softirq context
 *
 * A timer stands for a network card. Each tick, a burst of packets arrives in
 * softirq context, where an allocation must not sleep. A work item processes
 * them. The pool has one class, with a reserve of two bursts, so that no packet
 * is dropped while the work item keeps up, even if the system is out of memory.
 */
#include <linux/err.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "bytepool.h"

#define PACKET_BYTES	2048
#define BURST		32

struct packet {
	struct list_head list;
	unsigned char payload[];
};

/* Each counter has one writer, and sysfs may read it at any time. */
static unsigned long received, dropped, damaged;
module_param(received, ulong, 0444);
MODULE_PARM_DESC(received, "Packets received");
module_param(dropped, ulong, 0444);
MODULE_PARM_DESC(dropped, "Packets dropped for lack of memory");
module_param(damaged, ulong, 0444);
MODULE_PARM_DESC(damaged, "Packets received with wrong contents");

static struct bytepool *pool;

static LIST_HEAD(queue);
static DEFINE_SPINLOCK(queue_lock);	/* protects queue */

static void card_tick(struct timer_list *timer);
static DEFINE_TIMER(card, card_tick);

static void process(struct work_struct *work)
{
	struct packet *packet, *next;
	LIST_HEAD(packets);

	spin_lock_bh(&queue_lock);
	list_splice_init(&queue, &packets);
	spin_unlock_bh(&queue_lock);

	list_for_each_entry_safe(packet, next, &packets, list) {
		if (memchr_inv(packet->payload, packet->payload[0],
			       PACKET_BYTES - sizeof(*packet)))
			WRITE_ONCE(damaged, damaged + 1);
		WRITE_ONCE(received, received + 1);
		bytepool_free(pool, packet);
	}
}

static DECLARE_WORK(process_work, process);

static void card_tick(struct timer_list *timer)
{
	struct packet *packet;
	int i;

	for (i = 0; i < BURST; i++) {
		packet = bytepool_alloc(pool, PACKET_BYTES, GFP_ATOMIC);
		if (!packet) {
			WRITE_ONCE(dropped, dropped + 1);
			continue;
		}
		memset(packet->payload, i, PACKET_BYTES - sizeof(*packet));
		spin_lock(&queue_lock);
		list_add_tail(&packet->list, &queue);
		spin_unlock(&queue_lock);
	}
	schedule_work(&process_work);
	mod_timer(&card, jiffies + 1);
}

static int __init guide_softirq_init(void)
{
	static const struct bytepool_params params = {
		.min_size = PACKET_BYTES,
		.max_size = PACKET_BYTES,
	};
	int err;

	pool = bytepool_create("guide_softirq", &params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = bytepool_reserve(pool, PACKET_BYTES, 2 * BURST, GFP_KERNEL);
	if (err) {
		bytepool_destroy(pool);
		return err;
	}
	mod_timer(&card, jiffies + 1);
	return 0;
}
module_init(guide_softirq_init);

static void __exit guide_softirq_exit(void)
{
	timer_shutdown_sync(&card);
	flush_work(&process_work);
	bytepool_destroy(pool);
}
module_exit(guide_softirq_exit);

MODULE_DESCRIPTION("Packets allocated in softirq context from a bytepool with a reserve");
MODULE_LICENSE("GPL");
