/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Size classes: which class serves a request, how large its blocks are, and how
 * many of them share a slab. This is arithmetic without state.
 */
#ifndef _BP_SIZE_CLASS_H
#define _BP_SIZE_CLASS_H

#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/reciprocal_div.h>
#include <linux/sizes.h>
#include <linux/types.h>

#define BP_GRAIN	8U		/* each size is a multiple of it */
#define BP_SIZE_MAX	((u32)SZ_1G)	/* largest class there can be */
#define BP_CLASSES_MAX	1048576U	/* 8 MiB of pointers, for each CPU, too */
#define BP_SLAB_PAGES	8U		/* most pages of a slab of several blocks */
#define BP_SLAB_STATES	3840U		/* most granules; a descriptor fits into 4 KiB */

/**
 * struct bp_sizes - the size classes of a pool
 * @min: smallest class, bytes
 * @max: largest class, bytes
 * @step: distance of linear classes, bytes; 0 = geometric classes
 * @nr: number of classes
 * @extra_slots: slots of class 0 beyond its first, see bp_slot()
 * @per_step: reciprocal of @step
 * @grid_max: the slot of each size up to this one is its grid point; 0 = none
 */
struct bp_sizes {
	u32 min;
	u32 max;
	u32 step;
	u32 nr;
	u32 extra_slots;
	struct reciprocal_value per_step;
	size_t grid_max;
};

/*
 * Return the point of the geometric grid that serves size @last + 1. The grid has four
 * points per doubling, 8 bytes apart at least:
 * 8 16 24 32, 40 48 56 64, 80 96 112 128, 160 ...
 *
 * The two bits below the highest tell the quarter of the doubling: last >>
 * (order - 2) is 4 ... 7. Order 5 begins with point 4. Smaller sizes count as of
 * order 5, and have quarters 0 ... 3 there. Without the mask, UBSAN would check
 * the shift, and the fast path would need a stack frame.
 */
static __always_inline u32 bp_grid_point_of_last(unsigned long last)
{
	u32 order = __fls(last | 4 * BP_GRAIN);

	return 4 * order - 20 + ((u32)last >> ((order - 2) & 31));
}

static inline u32 bp_grid_point(u32 size)
{
	return bp_grid_point_of_last(size - 1);
}

static inline u32 bp_grid_size(u32 point)
{
	if (point < 4)
		return (point + 1) * BP_GRAIN;
	return (5 + point % 4) << (point / 4 + 2);
}

/*
 * Return the slot that serves @size, which must be in 1 ... max. Slots are
 * classes, except in a geometric pool. There, slots are grid points, and class
 * 0 has all slots below the slot of class 1.
 */
static inline u32 bp_slot(const struct bp_sizes *sizes, u32 size)
{
	if (size <= sizes->min)
		return 0;
	if (sizes->step)
		return reciprocal_divide(size - sizes->min + sizes->step - 1, sizes->per_step);
	return bp_grid_point(size);
}

static inline u32 bp_nr_slots(const struct bp_sizes *sizes)
{
	return sizes->nr + sizes->extra_slots;
}

/* Return the first slot, or the last, of a class. */
static inline u32 bp_first_slot(const struct bp_sizes *sizes, u32 index)
{
	return index ? index + sizes->extra_slots : 0;
}

static inline u32 bp_last_slot(const struct bp_sizes *sizes, u32 index)
{
	return index + sizes->extra_slots;
}

/* Return the class that serves @size, which must be in 1 ... max. */
static inline u32 bp_class_index(const struct bp_sizes *sizes, u32 size)
{
	u32 slot = bp_slot(sizes, size);

	return slot - min(slot, sizes->extra_slots);
}

static inline u32 bp_class_size(const struct bp_sizes *sizes, u32 index)
{
	if (!index)
		return sizes->min;
	if (sizes->step)
		return min(sizes->min + index * sizes->step, sizes->max);
	return min(bp_grid_size(index + sizes->extra_slots), sizes->max);
}

/*
 * Compute the size classes of a pool. The sizes are multiples of BP_GRAIN, and
 * BP_GRAIN <= @min <= @max <= BP_SIZE_MAX and @step <= BP_SIZE_MAX hold.
 */
static inline void bp_sizes_init(struct bp_sizes *sizes, u32 min, u32 max, u32 step)
{
	sizes->min = min;
	sizes->max = max;
	sizes->step = step;
	sizes->extra_slots = step ? 0 : bp_grid_point(min + 1) - 1;
	/* The slot is not the grid point if the smallest class lies between two of them. */
	sizes->grid_max = !step && bp_grid_point(min) == sizes->extra_slots ? max : 0;
	if (step)
		sizes->per_step = reciprocal_value(step);
	sizes->nr = bp_class_index(sizes, max) + 1;
}

/*
 * Blocks start at multiples of a stride in their slab. The stride is a multiple of a
 * granule, which is a power of two of bytes. If a slab has room for one block only, a
 * granule is a page. Otherwise it divides the size, or is a 64th to a 32nd of it. Then
 * the stride is at most a 32nd larger than the size.
 */
static inline u32 bp_granule_shift(u32 size)
{
	if (size > BP_SLAB_PAGES * PAGE_SIZE / 2)
		return PAGE_SHIFT;
	return min_t(u32, max_t(u32, __ffs(size), max(__fls(size), 5UL) - 5), PAGE_SHIFT);
}

static inline u32 bp_stride(u32 size)
{
	return ALIGN(size, 1U << bp_granule_shift(size));
}

/* Return the number of blocks of a slab of @bytes. */
static inline u32 bp_slab_blocks(u32 bytes, u32 size)
{
	return bytes / bp_stride(size);
}

/*
 * Return the number of granules in the pages in which the blocks of a slab start. The
 * slab has @nr blocks, and @stride counts granules.
 */
static inline u32 bp_slab_granules(u32 nr, u32 stride, u32 shift)
{
	return (((nr - 1) * stride << shift >> PAGE_SHIFT) + 1) << (PAGE_SHIFT - shift);
}

/**
 * bp_slab_bytes() - compute the size of the slabs of a class
 * @size: of a block, bytes
 *
 * A slab has as many blocks as fit into BP_SLAB_PAGES and waste at most an
 * eighth of their pages. If there is no such number, it has the number that wastes
 * least. With pages of 4 KiB, that is at most a seventh. For blocks of a page or less,
 * it is at most an eighth. A block of more than half of BP_SLAB_PAGES has a slab of
 * its own, and wastes less than a page.
 *
 * Return: bytes, a multiple of the page size.
 */
static inline u32 bp_slab_bytes(u32 size)
{
	u32 most = min_t(u32, BP_SLAB_PAGES * PAGE_SIZE, BP_SLAB_STATES << bp_granule_shift(size));
	u32 stride = bp_stride(size);
	u32 best = PAGE_ALIGN(size);
	u32 nr;

	for (nr = (most & PAGE_MASK) / stride; nr > 1; nr--) {
		u32 bytes = PAGE_ALIGN(nr * stride);
		u32 waste = bytes - nr * size;

		if (waste <= bytes / 8)
			return bytes;
		if ((u64)waste * best < (u64)(best % size) * bytes)
			best = bytes;
	}
	return best;
}

/*
 * Return the granule of a slab or a page in which a block at @offset would
 * start. The rotation makes the result huge if no granule starts there.
 */
static __always_inline unsigned long bp_granule(unsigned long offset, u32 shift)
{
	return BITS_PER_LONG == 64 ? ror64(offset, shift) : ror32(offset, shift);
}

#endif /* _BP_SIZE_CLASS_H */
