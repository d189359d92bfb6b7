/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests, by file
 *
 * Each test is a file of debugfs. Reading the file runs the test on CPU 0, and returns a line
 * for each of its checks.
 */
#ifndef _BYTEPOOL_TEST_TESTS_H
#define _BYTEPOOL_TEST_TESTS_H

struct seq_file;

void stress_contexts(struct seq_file *m);
void stress_hotplug(struct seq_file *m);
void stress_small(struct seq_file *m);
void stress_limit(struct seq_file *m);
void stress_original(struct seq_file *m);

void race_threads(struct seq_file *m);
void race_trim(struct seq_file *m);
void race_bulk(struct seq_file *m);
void race_hardirq(struct seq_file *m);
void race_limit(struct seq_file *m);
void race_ring(struct seq_file *m);

void reserve_hardirq(struct seq_file *m);
void reserve_wait(struct seq_file *m);
void reserve_wait_many(struct seq_file *m);

void age_idle(struct seq_file *m);
void age_busy(struct seq_file *m);
void age_offline(struct seq_file *m);
void trim_offline(struct seq_file *m);

void hostile_gfp(struct seq_file *m);
void hostile_sizes(struct seq_file *m);
void hostile_frees(struct seq_file *m);
void hostile_leak(struct seq_file *m);

void hold_begin(struct seq_file *m);
void hold_end(struct seq_file *m);
void hold_system(struct seq_file *m);
void hold_scopes(struct seq_file *m);
void idle_begin(struct seq_file *m);
void idle_end(struct seq_file *m);
void idle_exit(void);
void hold_exit(void);

void pressure_pools(struct seq_file *m);
void pressure_begin(struct seq_file *m);
void pressure_again(struct seq_file *m);
void pressure_end(struct seq_file *m);
void pressure_exit(void);

void numa_local(struct seq_file *m);
void numa_named(struct seq_file *m);
void numa_home(struct seq_file *m);
void numa_order(struct seq_file *m);
void numa_order_named(struct seq_file *m);
void numa_limit(struct seq_file *m);
void numa_only(struct seq_file *m);
void numa_reserve(struct seq_file *m);
void numa_reserve_spread(struct seq_file *m);
void numa_wake(struct seq_file *m);
void numa_exhausted(struct seq_file *m);
void numa_trim(struct seq_file *m);
void numa_age(struct seq_file *m);
void numa_ping_pong(struct seq_file *m);
void numa_exchange(struct seq_file *m);

#endif /* _BYTEPOOL_TEST_TESTS_H */
