// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases for several CPUs at the same time.
 *
 * The host does not always run a virtual CPU while the guest believes that it
 * runs. So pairs are timed in chunks of about 20 us. If CPUs have to work at
 * the same time, a chunk counts only if another CPU made about as much progress
 * while it ran. A round's value is the median of the chunks of all CPUs, and
 * the result is the best round. Interference between allocators is in every
 * round, but other work on the machine only in some.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/time64.h>
#include <linux/vmalloc.h>

#include "bench.h"
#include "ring.h"

#define CPUS_MAX	4U
#define CHUNK_NS	20000U
#define CHUNKS		400U	/* per round */
#define ROUNDS		10U	/* with at least SAMPLES_MIN samples each */
#define ROUNDS_MAX	200U	/* including those with fewer */
#define SAMPLES_MIN	(CHUNKS / 2)
#define SAMPLES_MAX	(CHUNKS * ROUNDS * CPUS_MAX)
#define PROGRESS_MAX	4U
#define USED_ROUNDS_MIN	4U
#define USED_ROUNDS_MAX	30U
#define USED_NS		(4ULL * NSEC_PER_SEC)	/* for all rounds of a size */
#define CROSS_ROUNDS_MIN	20U
#define CROSS_ROUNDS_MAX	400U
#define CROSS_PAIRS	10000U	/* per round; most of them run with warm CPU caches */
#define CROSS_NS	(10ULL * NSEC_PER_SEC)	/* for all rounds of a size */
#define CHURN_BLOCKS	50000U

static const size_t sizes[] = { 64, SZ_4K, SZ_64K, SZ_256K, SZ_1M };

struct samples {
	u64 took[SAMPLES_MAX];
	unsigned int nr;
};

/* A thread that runs a loop on its CPU once all other threads are running. */
struct runner {
	struct subject *s;
	enum loop loop;
	unsigned int pairs;	/* per chunk */
	unsigned int chunks;
	atomic_t *missing;
	struct completion done;
	const unsigned int *other;	/* progress of another CPU, or NULL */
	unsigned int progress ____cacheline_aligned_in_smp;
	unsigned int nr_took;
	u64 took[CHUNKS];
};

static u64 cost_of(struct subject *s, enum loop loop)
{
	s->nr = pairs_for(s, loop);
	return s->peer->loops[loop](s, s->nr) / s->nr + 1;
}

/* Return the number of operations in a chunk. */
static unsigned int pairs_in_chunk(struct subject *s, enum loop loop)
{
	return clamp_t(u64, CHUNK_NS / cost_of(s, loop), 1, 4000);
}

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void emit_percentile(const char *what, const struct subject *s,
			    const struct samples *samples, unsigned int percent, unsigned int pairs)
{
	if (samples->nr)
		emit_cost(what, s->peer->name, s->size,
			  samples->took[(samples->nr - 1) * percent / 100], pairs);
	else
		emit_failures(what, 1);
}

static void sort_samples(struct samples *samples)
{
	sort(samples->took, samples->nr, sizeof(*samples->took), compare_u64, NULL);
}

static int runner_main(void *data)
{
	struct runner *r = data;
	unsigned int i;

	atomic_dec(r->missing);
	while (atomic_read(r->missing))
		ring_wait();
	for (i = 0; i < r->chunks; i++) {
		unsigned int other = r->other ? READ_ONCE(*r->other) : 0;
		u64 took = r->s->peer->loops[r->loop](r->s, r->pairs);

		WRITE_ONCE(r->progress, i + 1);
		if (r->other)
			other = READ_ONCE(*r->other) - other;
		if (!r->other || (other > 0 && other <= PROGRESS_MAX))
			r->took[r->nr_took++] = took;
	}
	complete(&r->done);
	return 0;
}

static struct task_struct *runner_create(struct runner *r, unsigned int cpu, atomic_t *missing)
{
	r->missing = missing;
	r->progress = 0;
	r->nr_took = 0;
	init_completion(&r->done);
	return kthread_create_on_cpu(runner_main, r, cpu, "bytepool_bench/%u");
}

/*
 * Run all runners once, or none if a thread cannot be created. CPUs share more
 * runners than CPUs. The first thread for this CPU, CPU 0, is woken last, because it
 * occupies the CPU until all of them are running.
 */
static void run_together(struct runner *runners, unsigned int nr)
{
	struct task_struct *tasks[CPUS_MAX];
	unsigned int i, created;
	atomic_t missing;

	atomic_set(&missing, nr);
	for (created = 0; created < nr; created++) {
		tasks[created] = runner_create(&runners[created], created % num_online_cpus(),
					       &missing);
		if (IS_ERR(tasks[created]))
			goto stop;
	}
	for (i = nr; i-- > 0; )
		wake_up_process(tasks[i]);
	for (i = 0; i < nr; i++)
		wait_for_completion(&runners[i].done);
	return;

stop:
	emit_failures("threads", 1);
	while (created-- > 0)
		kthread_stop(tasks[created]);
}

/*
 * Run @nr threads for one round. Return the median of the chunks, or U64_MAX if too few
 * of them count. All count if only the allocator's choice of blocks is of interest.
 */
static u64 round_median(enum loop loop, struct subject *s, unsigned int pairs,
			struct runner *runners, struct samples *samples, unsigned int nr)
{
	bool at_once = nr > 1 && loop == LOOP_PAIR;
	unsigned int i, j;

	for (i = 0; i < nr; i++) {
		runners[i].s = s;
		runners[i].loop = loop;
		runners[i].pairs = pairs;
		runners[i].chunks = CHUNKS;
		runners[i].other = at_once ? &runners[(i + 1) % nr].progress : NULL;
	}
	run_together(runners, nr);
	samples->nr = 0;
	for (i = 0; i < nr; i++) {
		for (j = 0; j < runners[i].nr_took && samples->nr < SAMPLES_MAX; j++)
			samples->took[samples->nr++] = runners[i].took[j];
	}
	if (samples->nr < SAMPLES_MIN)
		return U64_MAX;
	sort_samples(samples);
	return samples->took[samples->nr / 2];
}

/* Measure the cost of a pair while @nr CPUs run pairs. */
static void bench_pairs_on(const char *what, struct subject *s, unsigned int pairs,
			   struct runner *runners, struct samples *samples, unsigned int nr)
{
	unsigned int round, rounds = 0;
	u64 best = U64_MAX;

	for (round = 0; round < ROUNDS_MAX && rounds < ROUNDS; round++) {
		u64 median = round_median(LOOP_PAIR, s, pairs, runners, samples, nr);

		best = min(best, median);
		rounds += median != U64_MAX;
	}
	/* Without any valid round, the host did not run the CPUs at the same time. */
	if (rounds)
		emit_cost(what, s->peer->name, s->size, best, pairs);
	else
		emit_failures(what, 1);
}

static void bench_both_subject(struct subject *s, struct runner *runners, struct samples *samples)
{
	unsigned int pairs = pairs_in_chunk(s, LOOP_PAIR);

	bench_pairs_on("alone", s, pairs, runners, samples, 1);
	bench_pairs_on("both", s, pairs, runners, samples, 2);
	if (num_online_cpus() >= 4)
		bench_pairs_on("four", s, pairs, runners, samples, 4);
}

typedef void (*together_fn)(struct subject *s, struct runner *runners, struct samples *samples);

static void bench_together_peer(together_fn bench, const struct peer *peer, size_t size)
{
	struct subject *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct runner *runners = kcalloc(CPUS_MAX, sizeof(*runners), GFP_KERNEL);
	struct samples *samples = vzalloc(sizeof(*samples));

	if (!s || !runners || !samples || subject_init(s, peer, size)) {
		emit_failures("threads", 1);
		goto out_free;
	}
	bench(s, runners, samples);
	subject_exit(s);
out_free:
	vfree(samples);
	kfree(runners);
	kfree(s);
}

static void bench_together(together_fn bench)
{
	const struct peer *const *peer;
	unsigned int i;

	if (num_online_cpus() < 2)
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (peer = peers; *peer; peer++) {
			if (peer_wanted(*peer) && (*peer)->loops[LOOP_PAIR] &&
			    sizes[i] >= (*peer)->min_size && sizes[i] <= (*peer)->max_size)
				bench_together_peer(bench, *peer, sizes[i]);
		}
	}
}

static u64 cross_once(struct subject *s, struct runner *runners)
{
	static const enum loop loops[] = { LOOP_PRODUCE, LOOP_CONSUME };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		runners[i].s = s;
		runners[i].loop = loops[i];
		runners[i].pairs = s->nr;
		runners[i].chunks = 1;
		runners[i].other = NULL;
	}
	run_together(runners, 2);
	return runners[1].nr_took ? runners[1].took[0] : U64_MAX;
}

/*
 * Measure the best of many rounds, with the allocators taking turns. The ring
 * lets neither CPU get far ahead of the other, so a disturbed round takes long.
 * On a busy machine all rounds are disturbed, so the total time is bounded.
 */
static void bench_cross_size(struct subject *subjects, struct runner *runners,
			     struct ring *ring, size_t size)
{
	unsigned int round, i, nr = subjects_init(subjects, peers, LOOP_PRODUCE, size);
	u64 start;

	for (i = 0; i < nr; i++) {
		struct subject *s = &subjects[i];

		s->ring = ring;
		s->nr = clamp_t(u64, CHUNK_NS * 100 / cost_of(s, LOOP_PAIR), 64, CROSS_PAIRS);
		s->best = U64_MAX;
	}
	start = bench_clock();
	for (round = 0; round < CROSS_ROUNDS_MAX; round++) {
		if (round >= CROSS_ROUNDS_MIN && bench_clock() - start > CROSS_NS)
			break;
		for (i = 0; i < nr; i++)
			subjects[i].best = min(subjects[i].best, cross_once(&subjects[i], runners));
	}
	for (i = 0; i < nr; i++) {
		emit_cost("cross", subjects[i].peer->name, size, subjects[i].best, subjects[i].nr);
		subject_exit(&subjects[i]);
	}
}

/* Measure pairs whose block is allocated by one CPU and freed by another. */
void bench_cross(void)
{
	struct subject *subjects = kcalloc(PEERS_MAX, sizeof(*subjects), GFP_KERNEL);
	struct runner *runners = kcalloc(2, sizeof(*runners), GFP_KERNEL);
	struct ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL);
	unsigned int i;

	if (!subjects || !runners || !ring)
		emit_failures("cross", 1);
	else if (num_online_cpus() >= 2)
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			bench_cross_size(subjects, runners, ring, sizes[i]);
	kfree(ring);
	kfree(runners);
	kfree(subjects);
}

/* Measure pairs on one CPU while other CPUs run pairs, too. */
void bench_both(void)
{
	bench_together(bench_both_subject);
}

/*
 * Let the allocators take turns, because they differ by little. The total time is
 * bounded, as in bench_cross_size(). Print also how many blocks the pool has needed.
 */
static void bench_used_by(const char *what, const char *what_held, struct subject *subjects,
			  unsigned int nr_subjects, struct runner *runners,
			  struct samples *samples, unsigned int nr)
{
	unsigned int round, i;
	u64 start;

	for (i = 0; i < nr_subjects; i++) {
		subjects[i].nr = pairs_in_chunk(&subjects[i], LOOP_USED);
		subjects[i].best = U64_MAX;
	}
	start = bench_clock();
	for (round = 0; round < USED_ROUNDS_MAX; round++) {
		if (round >= USED_ROUNDS_MIN && bench_clock() - start > USED_NS)
			break;
		for (i = 0; i < nr_subjects; i++) {
			struct subject *s = &subjects[i];

			s->best = min(s->best, round_median(LOOP_USED, s, s->nr, runners,
							    samples, nr));
		}
	}
	for (i = 0; i < nr_subjects; i++) {
		struct subject *s = &subjects[i];

		emit_cost(what, s->peer->name, s->size, s->best, s->nr);
		if (s->peer == peers[0])
			emit(what_held, s->peer->name, s->size, bytepool_size(s->pool),
			     s->size, "blocks");
	}
}

static void bench_used_size(struct subject *subjects, struct runner *runners,
			    struct samples *samples, size_t size)
{
	unsigned int i, nr = subjects_init(subjects, peers, LOOP_USED, size);

	bench_used_by("used-1", "used-1-held", subjects, nr, runners, samples, 1);
	bench_used_by("used-2", "used-2-held", subjects, nr, runners, samples, 2);
	bench_used_by("used-4", "used-4-held", subjects, nr, runners, samples, 4);
	for (i = 0; i < nr; i++)
		subject_exit(&subjects[i]);
}

/* Measure blocks that their owner writes and reads, for 1, 2 and 4 tasks at the same time. */
void bench_used(void)
{
	struct subject *subjects = kcalloc(PEERS_MAX, sizeof(*subjects), GFP_KERNEL);
	struct runner *runners = kcalloc(CPUS_MAX, sizeof(*runners), GFP_KERNEL);
	struct samples *samples = vzalloc(sizeof(*samples));
	size_t size;

	if (!subjects || !runners || !samples)
		emit_failures("used", 1);
	else
		for (size = SZ_4K; size <= SZ_4M; size *= 4)
			bench_used_size(subjects, runners, samples, size);
	vfree(samples);
	kfree(runners);
	kfree(subjects);
}

/* The disturb functions run on another CPU until they are stopped. */
static int disturb_by_gc(void *pool)
{
	while (!kthread_should_stop()) {
		bytepool_gc(pool, NULL);
		cond_resched();
	}
	return 0;
}

static int disturb_by_trim(void *pool)
{
	while (!kthread_should_stop()) {
		bytepool_trim(pool);
		cond_resched();
	}
	return 0;
}

/* Create and free slabs by the ten thousand. The table grows once and never shrinks. */
static int disturb_by_churn(void *pool)
{
	void **blocks = vzalloc(array_size(CHURN_BLOCKS, sizeof(*blocks)));
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; blocks && i < CHURN_BLOCKS; i++) {
			blocks[i] = bytepool_alloc(pool, SZ_4K, GFP_KERNEL);
			cond_resched();
		}
		for (i = 0; blocks && i < CHURN_BLOCKS; i++)
			bytepool_free(pool, blocks[i]);
		bytepool_trim(pool);
	}
	vfree(blocks);
	return 0;
}

/* Measure chunks of pairs on this CPU. Print the median and the 99th percentile. */
static void emit_chunks(const char *what, const char *what_99, struct subject *s,
			struct samples *samples)
{
	unsigned int i, pairs = max(s->nr / CHUNKS, 1U);

	for (i = 0; i < CHUNKS * ROUNDS; i++) {
		samples->took[i] = s->peer->loops[LOOP_PAIR](s, pairs);
		cond_resched();
	}
	samples->nr = i;
	sort_samples(samples);
	emit_percentile(what, s, samples, 50, pairs);
	emit_percentile(what_99, s, samples, 99, pairs);
}

static void bench_disturbed(const char *what, const char *what_99, struct subject *s,
			    int (*disturb)(void *pool), struct samples *samples)
{
	struct task_struct *task;

	task = kthread_create_on_cpu(disturb, s->pool, 1, "bytepool_bench/%u");
	if (IS_ERR(task)) {
		emit_failures(what, 1);
		return;
	}
	/* Keep the task_struct until kthread_stop(). */
	get_task_struct(task);
	wake_up_process(task);
	emit_chunks(what, what_99, s, samples);
	kthread_stop(task);
	put_task_struct(task);
}

static void bench_during_all(struct subject *s, struct runner *runners, struct samples *samples)
{
	s->nr = pairs_for(s, LOOP_PAIR);
	emit_chunks("during-nothing", "during-nothing-99", s, samples);
	bench_disturbed("during-gc", "during-gc-99", s, disturb_by_gc, samples);
	bench_disturbed("during-trim", "during-trim-99", s, disturb_by_trim, samples);
	bench_disturbed("during-churn", "during-churn-99", s, disturb_by_churn, samples);
}

/*
 * Measure a hot pair while another CPU frees memory to the system, or allocates
 * and frees much of it.
 */
void bench_during(void)
{
	if (num_online_cpus() >= 2)
		bench_together_peer(bench_during_all, peers[0], 64);
}

static void bench_during_timer_pool(struct subject *s, struct runner *runners,
				    struct samples *samples)
{
	s->nr = pairs_for(s, LOOP_PAIR);
	emit_chunks("during-timer", "during-timer-99", s, samples);
}

/* Measure the same while the GC runs at the interval given to bytepool.ko. */
void bench_during_timer(void)
{
	bench_together_peer(bench_during_timer_pool, peers[0], 64);
}
