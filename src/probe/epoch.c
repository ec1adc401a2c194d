// SPDX-License-Identifier: Apache-2.0
/*
 * Where one chunk's folding ends and the next one's begins. The kernel's own barrier says when no program runs any
 * more that has read the old epoch: it returns when every stretch of the kernel that was not to be interrupted is
 * over, and a program runs in one. That takes the kernel tens of milliseconds, in which the ring must be drained: so a
 * thread waits for it. Owns that thread.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "probe/parts.h"

#define SETTLE_GRACE_NS 50000000 /* where the kernel has no barrier for us */
#define EPOCH_PURGE 32768 /* epochs; their number has 16 bits in the table, and must not come again there */

/* Forgets what was folded. An entry that goes costs a repeated record. */
static void folds_purge(struct source *source)
{
	int map = bpf_map__fd(source->programs->maps.folds);
	char key[64];

	if (bpf_map__key_size(source->programs->maps.folds) > sizeof(key))
		return;
	for (unsigned int i = 0; i < bpf_map__max_entries(source->programs->maps.folds); i++) {
		if (bpf_map_get_next_key(map, NULL, key) < 0 || bpf_map_delete_elem(map, key) < 0)
			return;
	}
}

static int barrier_pass(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0 ? -errno : 0;
}

static void *barrier_wait(void *user)
{
	struct source *source = user;

	source->barrier.error = barrier_pass();
	if (source->programs->data->fold_epoch % EPOCH_PURGE == 0)
		folds_purge(source);
	__atomic_store_n(&source->barrier.passed, true, __ATOMIC_RELEASE);
	return NULL;
}

void source_epoch(struct source *source, uint16_t *ret_epoch, struct moment *ret_since)
{
	struct epoch_barrier *barrier = &source->barrier;

	(void)source_epoch_over(source); /* the last one's thread */
	targets_before_epoch(source);
	/* In full order: whoever reads the clock after we do reads the new epoch. */
	*ret_epoch = (uint16_t)__atomic_add_fetch(&source->programs->data->fold_epoch, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*ret_since = clock_now();
	targets_after_epoch(source);
	barrier->passed = false;
	barrier->running = pthread_create(&barrier->thread, NULL, barrier_wait, source) == 0;
	if (!barrier->running)
		(void)barrier_wait(source);
}

bool source_epoch_passed(struct source *source)
{
	return __atomic_load_n(&source->barrier.passed, __ATOMIC_ACQUIRE);
}

int source_epoch_over(struct source *source)
{
	struct epoch_barrier *barrier = &source->barrier;

	if (barrier->running)
		(void)pthread_join(barrier->thread, NULL);
	barrier->running = false;
	return barrier->error;
}

void source_settle(struct source *source)
{
	const struct timespec grace = { .tv_nsec = SETTLE_GRACE_NS };

	(void)source_epoch_over(source);
	if (barrier_pass() < 0)
		nanosleep(&grace, NULL);
}
