/* SPDX-License-Identifier: GPL-2.0-only */
/* Static keys, which count what they are on for. */
#ifndef SHIM_JUMP_LABEL_H
#define SHIM_JUMP_LABEL_H

#include "../shim.h"

struct static_key_false {
	int count;
};

#define DECLARE_STATIC_KEY_FALSE(name)	extern struct static_key_false name
#define DEFINE_STATIC_KEY_FALSE(name)	struct static_key_false name
#define static_branch_unlikely(key)	unlikely(__atomic_load_n(&(key)->count, __ATOMIC_RELAXED))
#define static_branch_inc(key)		shim_static_key_add(key, 1)
#define static_branch_dec(key)		shim_static_key_add(key, -1)

static inline void shim_static_key_add(struct static_key_false *key, int nr)
{
	__atomic_fetch_add(&key->count, nr, __ATOMIC_RELAXED);
}

#endif /* SHIM_JUMP_LABEL_H */
