/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wrappers of liburcu, because it shares names with the kernel.
 */
#ifndef SHIM_LIBURCU_H
#define SHIM_LIBURCU_H

#include <stdbool.h>
#include <stddef.h>

struct liburcu_key {
	const void *key;
	size_t offset;
	size_t len;
};

void liburcu_register_thread(void);
void liburcu_unregister_thread(void);
void liburcu_read_lock(void);
void liburcu_read_unlock(void);
void liburcu_synchronize(void);
void liburcu_call(void *head, void (*fn)(void *head));

void *liburcu_table_new(void);
int liburcu_table_destroy(void *table);
bool liburcu_table_add(void *table, void *node, unsigned long hash, const struct liburcu_key *key);
bool liburcu_table_del(void *table, void *node);
void *liburcu_table_next(void *table, void *iter, bool begun);
void *liburcu_table_find(void *table, unsigned long hash, const struct liburcu_key *key);

#endif /* SHIM_LIBURCU_H */
