/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists, over those of liburcu.
 */
#ifndef SHIM_KERNEL_LIST_H
#define SHIM_KERNEL_LIST_H

#include <urcu/list.h>

#include "atomic.h"

#define list_head			cds_list_head
#define LIST_HEAD(name)			CDS_LIST_HEAD(name)
#define INIT_LIST_HEAD(head)		CDS_INIT_LIST_HEAD(head)
#define list_add_tail(entry, head)	cds_list_add_tail(entry, head)
#define list_entry(ptr, type, member)	container_of(ptr, type, member)
#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) \
	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))
#define list_next_entry(pos, member) \
	list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_entry_is_head(pos, head, member)	(&(pos)->member == (head))
#define list_prepare_entry(pos, head, member) \
	((pos) ?: list_entry(head, typeof(*(pos)), member))
#define list_for_each_entry(pos, head, member) \
	cds_list_for_each_entry(pos, head, member)
#define list_for_each_entry_safe(pos, next, head, member) \
	cds_list_for_each_entry_safe(pos, next, head, member)
#define list_for_each_entry_continue(pos, head, member)		\
	for ((pos) = list_next_entry(pos, member);		\
	     !list_entry_is_head(pos, head, member);		\
	     (pos) = list_next_entry(pos, member))
#define list_for_each_entry_rcu(pos, head, member)				\
	for ((pos) = list_entry(READ_ONCE((head)->next), typeof(*(pos)), member);	\
	     !list_entry_is_head(pos, head, member);				\
	     (pos) = list_entry(READ_ONCE((pos)->member.next), typeof(*(pos)), member))

/*
 * TSan does not see the atomic accesses of liburcu's own functions. As in the kernel,
 * list_empty() may look at a list that another CPU changes. These are no points,
 * because the shim uses lists, too.
 */
static inline bool list_empty(const struct list_head *head)
{
	return __atomic_load_n(&head->next, __ATOMIC_RELAXED) == head;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	entry->next = head->next;
	entry->prev = head;
	head->next->prev = entry;
	__atomic_store_n(&head->next, entry, __ATOMIC_RELAXED);
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	__atomic_store_n(&entry->prev->next, entry->next, __ATOMIC_RELAXED);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	cds_list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_add_tail_rcu(struct list_head *entry, struct list_head *head)
{
	struct list_head *prev = head->prev;

	entry->next = head;
	entry->prev = prev;
	head->prev = entry;
	__atomic_store_n(&prev->next, entry, __ATOMIC_RELEASE);
}

static inline void list_del_rcu(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	__atomic_store_n(&entry->prev->next, entry->next, __ATOMIC_RELEASE);
	entry->prev = NULL;
}

#endif /* SHIM_KERNEL_LIST_H */
