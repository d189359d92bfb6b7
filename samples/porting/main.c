// SPDX-License-Identifier: GPL-2.0-only
/*
 * porting - typical call sites of the kernel, before and after porting
 *
 * When the module is loaded, it runs both versions of each call site
 * repeatedly. It refuses to load if their results differ.
 */
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "porting.h"

static const struct porting * const portings[] = {
	&porting_kvmalloc, &porting_workspace, &porting_mempool, &porting_kmem_cache,
	&porting_pages,
};

/* Do the work that needs a buffer: fill it, and return a hash of its contents. */
u32 porting_work(void *buffer, size_t size, u32 seed)
{
	u32 *words = buffer;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		words[i] = seed + i;
	return jhash(buffer, size, seed);
}

static int compare(const struct porting *porting)
{
	u32 before, after, seed;
	int err = 0;

	for (seed = 0; seed < 100 && !err; seed++) {
		err = porting->before(porting->size, seed, &before);
		if (!err)
			err = porting->after(porting->size, seed, &after);
		if (!err && before != after)
			err = -EIO;
	}
	return err;
}

static int __init porting_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(portings); i++) {
		err = portings[i]->init();
		if (err)
			return err;
		err = compare(portings[i]);
		portings[i]->exit();
		if (err)
			return err;
		pr_info("porting: %s: the same before and after\n", portings[i]->name);
	}
	return 0;
}
module_init(porting_init);

static void __exit porting_exit(void)
{
}
module_exit(porting_exit);

MODULE_DESCRIPTION("Call sites before and after they were ported to bytepool");
MODULE_LICENSE("GPL");
