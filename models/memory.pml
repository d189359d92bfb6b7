/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is as weak as the kernel's memory model permits, as far as the
 * models need it. SPIN's own memory is sequentially consistent.
 *
 * A store goes to the store buffer of its CPU. It is committed at any later
 * time, in any order that smp_wmb(), smp_store_release() and smp_mb() permit.
 * The CPU itself sees its own stores at once. A load takes place where it is
 * written, unless a preceding early() has already taken the value. An smp_rmb()
 * between the two discards that value.
 *
 * A model that includes this file defines NR_CPUS, NR_VARS and `cpu` in each
 * process. The memory has NR_VARS numbered variables, 8 at most. State that only
 * one CPU or only an assertion uses is in ordinary variables of SPIN.
 */
#define BIT(n)	(1 << (n))

/*
 * Sets of stores. pending: the stores in the buffer. fence: later stores wait for
 * these. fixed: other stores wait for these.
 */
typedef store_buffer {
	byte pending;
	byte fence;
	byte fixed;
	byte value[NR_VARS];
	byte after[NR_VARS]
}

byte memory[NR_VARS];
store_buffer buffer[NR_CPUS];

/* The nesting depth of sections on each CPU. A section is a reader to RCU. */
byte section[NR_CPUS];

inline load(reg, v)
{
	atomic {
		if
		:: buffer[cpu].pending & BIT(v) -> reg = buffer[cpu].value[v]
		:: else -> reg = memory[v]
		fi
	}
}

/* A second store to a variable may replace the first before any CPU has seen it. */
inline store_after(v, x, which)
{
	atomic {
		!(buffer[cpu].fixed & BIT(v));
		buffer[cpu].value[v] = x;
		buffer[cpu].after[v] = (buffer[cpu].after[v] | which) & ~BIT(v);
		buffer[cpu].fixed = buffer[cpu].fixed | buffer[cpu].after[v];
		buffer[cpu].pending = buffer[cpu].pending | BIT(v)
	}
}

#define store(v, x)		store_after(v, x, buffer[cpu].fence)
#define smp_store_release(v, x)	store_after(v, x, buffer[cpu].pending)
#define smp_mb()		(buffer[cpu].pending == 0)

inline smp_wmb()
{
	d_step {
		buffer[cpu].fence = buffer[cpu].pending;
		buffer[cpu].fixed = buffer[cpu].pending
	}
}

/* The load of the variable by the next late() may already take place here. */
inline early(v)
{
	if
	:: load(early_value, v); is_early = true
	:: skip
	fi
}

#define smp_rmb()		is_early = false

inline late(reg, v)
{
	if
	:: is_early -> atomic { reg = early_value; is_early = false }
	:: else -> load(reg, v)
	fi
}

/* An atomic operation without memory ordering. */
inline atomic_inc(v)
{
	atomic { !(buffer[cpu].pending & BIT(v)); memory[v] = memory[v] + 1 }
}

inline lock(v)
{
	atomic { !(buffer[cpu].pending & BIT(v)) && memory[v] == 0; memory[v] = 1 }
}

#define unlock(v)		smp_store_release(v, 0)

inline bp_section_enter()
{
	section[cpu] = section[cpu] + 1
}

inline bp_section_exit()
{
	section[cpu] = section[cpu] - 1
}

/*
 * Wait until each CPU was outside of any section once, with all stores of earlier
 * sections committed. This is also a full barrier on the calling CPU.
 */
inline synchronize_rcu()
{
	smp_mb();
	for (other : 0 .. NR_CPUS - 1) {
		section[other] == 0 && buffer[other].pending == 0
	}
	other = 0
}

inline commit(v)
{
	memory[v] = buffer[cpu].value[v];
	buffer[cpu].value[v] = 0;
	buffer[cpu].after[v] = 0;
	buffer[cpu].pending = buffer[cpu].pending & ~BIT(v);
	buffer[cpu].fence = buffer[cpu].fence & ~BIT(v);
	buffer[cpu].fixed = buffer[cpu].fixed & ~BIT(v)
}

#define may_commit(v) \
	((buffer[cpu].pending & BIT(v)) && !(buffer[cpu].after[v] & buffer[cpu].pending))

proctype commits(byte cpu)
{
end:
	do
	:: atomic { may_commit(0) -> commit(0) }
#if NR_VARS > 1
	:: atomic { may_commit(1) -> commit(1) }
#endif
#if NR_VARS > 2
	:: atomic { may_commit(2) -> commit(2) }
#endif
#if NR_VARS > 3
	:: atomic { may_commit(3) -> commit(3) }
#endif
#if NR_VARS > 4
	:: atomic { may_commit(4) -> commit(4) }
#endif
#if NR_VARS > 5
	:: atomic { may_commit(5) -> commit(5) }
#endif
#if NR_VARS > 6
	:: atomic { may_commit(6) -> commit(6) }
#endif
#if NR_VARS > 7
	:: atomic { may_commit(7) -> commit(7) }
#endif
	od
}
