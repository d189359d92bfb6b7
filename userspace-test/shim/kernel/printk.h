/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log: log.c. Numbers and other text: text.c.
 */
#ifndef SHIM_KERNEL_PRINTK_H
#define SHIM_KERNEL_PRINTK_H

#include "compiler.h"

#define KBUILD_MODNAME		"bytepool"
#define pr_err(fmt, ...)	shim_printk(false, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)	shim_printk(false, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err_once(fmt, ...)	pr_warn_once(fmt, ##__VA_ARGS__)
#define pr_warn_once(fmt, ...) ({					\
	static bool _told;						\
	if (!__atomic_exchange_n(&_told, true, __ATOMIC_RELAXED))	\
		pr_warn(fmt, ##__VA_ARGS__);				\
})
#define WARN(condition, ...) ({						\
	bool _warn = (condition);					\
	if (unlikely(_warn))						\
		shim_printk(true, __VA_ARGS__);				\
	_warn;								\
})
__printf(2, 3) void shim_printk(bool warning, const char *fmt, ...);

struct ratelimit_state {
	unsigned int left;
};

#define DEFAULT_RATELIMIT_INTERVAL	(5 * HZ)
#define DEFAULT_RATELIMIT_BURST		10
#define ratelimit_state_init(rs, interval, burst)	((rs)->left = (burst))
bool __ratelimit(struct ratelimit_state *rs);
#define pr_warn_ratelimited(fmt, ...) ({						\
	static struct ratelimit_state _limit = { .left = DEFAULT_RATELIMIT_BURST };	\
	if (__ratelimit(&_limit))							\
		pr_warn(fmt, ##__VA_ARGS__);						\
})

ssize_t strscpy(char *to, const char *from, size_t size);
void *memchr_inv(const void *p, int c, size_t size);
int kstrtoul(const char *text, unsigned int base, unsigned long *value);
int kstrtouint(const char *text, unsigned int base, unsigned int *value);

#endif /* SHIM_KERNEL_PRINTK_H */
