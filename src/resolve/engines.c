// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's side of the engines: the questions go in, the facts come out, and neither waits for an engine. Owns the
 * threads, the questions and the facts that nobody took yet.
 */

#include "resolve/engines.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"
#include "resolve/engine_slot.h"

#define STOP_MS (ENGINE_TIMEOUT_MS + 500)

uint64_t engines_now_ns(void)
{
	return clock_now().boot_ns;
}

/* ---- waiting and threads ---- */

static struct timespec monotonic_in(uint64_t ns)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ns / 1000000000);
	at.tv_nsec += (long)(ns % 1000000000);
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

static bool wait_on(struct engines *engines, pthread_cond_t *cond, uint64_t until_ns)
{
	uint64_t now = engines_now_ns();
	struct timespec at;

	if (until_ns == UINT64_MAX)
		return pthread_cond_wait(cond, &engines->lock) == 0;
	if (now >= until_ns)
		return false;
	at = monotonic_in(until_ns - now);
	return pthread_cond_timedwait(cond, &engines->lock, &at) != ETIMEDOUT;
}

bool engines_wait(struct engines *engines, uint64_t until_ns)
{
	return wait_on(engines, &engines->changed, until_ns);
}

int engines_thread(struct engines *engines, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&engines->threads[engines->n_threads], NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;
	engines->n_threads++;
	engines->alive++;
	return 0;
}

static void engines_free(struct engines *engines)
{
	struct container_facts facts;

	while (engines_next(engines, &facts) > 0)
		container_facts_done(&facts);
	questions_free(engines->questions);
	for (size_t i = 0; i < engines->options.n_labels; i++)
		free(engines->options.labels[i]);
	free((void *)engines->options.labels);
	free((char *)engines->options.root);
	closep(&engines->event);
	pthread_cond_destroy(&engines->ended);
	pthread_cond_destroy(&engines->changed);
	pthread_mutex_destroy(&engines->lock);
	free(engines);
}

void engines_thread_ends(struct engines *engines)
{
	bool last;

	engines->alive--;
	last = engines->left && engines->alive == 0;
	pthread_cond_broadcast(&engines->ended);
	pthread_mutex_unlock(&engines->lock);
	if (last)
		engines_free(engines);
}

/* ---- start ---- */

static void init_conditions(struct engines *engines)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&engines->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&engines->changed, &attr);
	pthread_cond_init(&engines->ended, &attr);
	pthread_condattr_destroy(&attr);
}

static int copy_options(struct engines *engines, const struct engines_options *options)
{
	char **labels = calloc(options->n_labels + 1, sizeof(*labels));

	engines->options.labels = labels;
	engines->options.root = strdup(options->root ? options->root : "");
	engines->options.stop = &engines->stop;
	if (!labels || !engines->options.root)
		return -ENOMEM;
	for (size_t i = 0; i < options->n_labels; i++) {
		labels[i] = strdup(options->labels[i]);
		if (!labels[i])
			return -ENOMEM;
		engines->options.n_labels++;
	}
	return 0;
}

static int check_sockets(const struct engines_options *options, struct diag *diag)
{
	if (options->n_sockets > ENGINE_SOCKETS_MAX)
		return diag_error(diag, -EINVAL, "%zu engines' sockets: at most %d are asked",
				  options->n_sockets, ENGINE_SOCKETS_MAX);
	for (size_t i = 0; i < options->n_sockets; i++) {
		const struct engine_socket *socket = &options->sockets[i];

		if (socket->path[0] != '/' || strlen(socket->path) >= ENGINE_PATH_MAX ||
		    (unsigned int)socket->kind >= ENGINE_KINDS)
			return diag_error(diag, -EINVAL,
					  "%s: an engine's socket is an absolute path of less than %d bytes",
					  socket->path, ENGINE_PATH_MAX);
	}
	return 0;
}

static int engines_new(const struct engines_options *options, struct engines **ret_engines)
{
	struct engines *engines = calloc(1, sizeof(*engines));
	int r;

	if (!engines)
		return -ENOMEM;
	init_conditions(engines);
	engines->last = &engines->first;
	for (size_t i = 0; i < ENGINE_SOCKETS_MAX; i++) {
		engines->slots[i].engines = engines;
		engines->slots[i].number = i;
	}
	engines->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = engines->event < 0 ? -errno : questions_new(&engines->questions);
	if (r >= 0)
		r = copy_options(engines, options);
	if (r < 0) {
		engines_free(engines);
		return r;
	}
	*ret_engines = engines;
	return 0;
}

int engines_start(const struct engines_options *options, struct diag *diag, struct engines **ret_engines)
{
	_cleanup_(engines_stopp) struct engines *engines = NULL;
	int r = check_sockets(options, diag);

	if (r < 0)
		return r;
	r = engines_new(options, &engines);
	if (r < 0)
		return diag_error(diag, r, "cannot ask container engines: %s", strerror(-r));
	pthread_mutex_lock(&engines->lock);
	for (size_t i = 0; i < options->n_sockets && r >= 0; i++) {
		engines->slots[i].configured = true;
		r = engine_slot_use(&engines->slots[i], options->sockets[i].kind, options->sockets[i].path);
	}
	engines->looks = options->n_sockets == 0;
	/* The first look is ours: from now on engines_may_answer is right. */
	if (engines->looks)
		engines_look(engines);
	if (r >= 0)
		r = engines_thread(engines, engines_looker, engines);
	pthread_mutex_unlock(&engines->lock);
	if (r < 0)
		return diag_error(diag, r, "cannot start a thread for a container engine: %s", strerror(-r));
	*ret_engines = TAKE(engines);
	return 0;
}

void engines_stop(struct engines *engines)
{
	uint64_t until_ns;
	pthread_t threads[ENGINE_THREADS_MAX];
	size_t n;
	bool left;

	if (!engines)
		return;
	pthread_mutex_lock(&engines->lock);
	atomic_store(&engines->stop, true);
	pthread_cond_broadcast(&engines->changed);
	until_ns = engines_now_ns() + (uint64_t)STOP_MS * 1000000;
	while (engines->alive > 0 && wait_on(engines, &engines->ended, until_ns))
		;
	left = engines->left = engines->alive > 0;
	n = engines->n_threads;
	memcpy(threads, engines->threads, n * sizeof(threads[0]));
	pthread_mutex_unlock(&engines->lock);
	for (size_t i = 0; i < n; i++) {
		if (left)
			pthread_detach(threads[i]);
		else
			pthread_join(threads[i], NULL);
	}
	if (!left)
		engines_free(engines);
}

/* ---- facts ---- */

int engines_fd(const struct engines *engines)
{
	return engines->event;
}

struct waiting_facts *engines_room(const struct engines *engines, const struct container_facts *facts)
{
	if (engines->n_waiting == ENGINE_QUEUE_MAX ||
	    container_facts_size(facts) > ENGINE_QUEUE_BYTES - engines->bytes_waiting)
		return NULL;
	return calloc(1, sizeof(struct waiting_facts));
}

void engines_tell(struct engines *engines, struct waiting_facts *room, struct container_facts *facts)
{
	const uint64_t one = 1;

	room->size = container_facts_size(facts);
	room->facts = *facts;
	*facts = (struct container_facts) { .id = "" };
	*engines->last = room;
	engines->last = &room->next;
	engines->bytes_waiting += room->size;
	engines->n_waiting++;
	/* It fails only where it would pass 2^64, and then it is readable. */
	if (write(engines->event, &one, sizeof(one)) < 0)
		return;
}

int engines_next(struct engines *engines, struct container_facts *ret_facts)
{
	struct waiting_facts *waiting;
	uint64_t count;

	pthread_mutex_lock(&engines->lock);
	waiting = engines->first;
	if (waiting) {
		engines->first = waiting->next;
		if (!engines->first)
			engines->last = &engines->first;
		engines->bytes_waiting -= waiting->size;
		engines->n_waiting--;
	}
	if (engines->n_waiting == 0 && read(engines->event, &count, sizeof(count)) < 0)
		count = 0; /* it was not readable */
	pthread_mutex_unlock(&engines->lock);
	if (!waiting)
		return 0;
	*ret_facts = waiting->facts;
	free(waiting);
	return 1;
}

/* ---- questions ---- */

void engines_ask_of(struct engines *engines, const char *runtime, const char *id, uid_t owner)
{
	if (!engine_id_is(id))
		return;
	pthread_mutex_lock(&engines->lock);
	if (questions_ask(engines->questions, runtime, id, owner, engines_now_ns()))
		pthread_cond_broadcast(&engines->changed);
	pthread_mutex_unlock(&engines->lock);
}

void engines_ask(struct engines *engines, const char *runtime, const char *id)
{
	engines_ask_of(engines, runtime, id, 0);
}

void engines_forget(struct engines *engines, const char *id)
{
	pthread_mutex_lock(&engines->lock);
	questions_forget(engines->questions, id);
	pthread_mutex_unlock(&engines->lock);
}

/* Connected, or not yet given up. */
static bool may_speak(const struct engine_slot *slot)
{
	return slot->used && (slot->connected || slot->failures < ENGINE_GIVEN_UP);
}

bool engines_may_answer(const struct engines *engines, const char *runtime)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&engines->lock;
	bool may = false;

	pthread_mutex_lock(lock);
	for (size_t i = 0; i < ENGINE_SOCKETS_MAX && !may; i++)
		may = may_speak(&engines->slots[i]) && engines->slots[i].owner == 0 &&
		      questions_kind_may_know(engines->slots[i].kind, runtime);
	pthread_mutex_unlock(lock);
	return may;
}

static uint32_t speaking(const struct engines *engines)
{
	uint32_t sockets = 0;

	for (size_t i = 0; i < ENGINE_SOCKETS_MAX; i++)
		sockets |= (uint32_t)may_speak(&engines->slots[i]) << i;
	return sockets;
}

bool engines_may_answer_about(const struct engines *engines, const char *id, uid_t owner)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&engines->lock;
	bool may;

	pthread_mutex_lock(lock);
	may = questions_open(engines->questions, id, owner, speaking(engines));
	pthread_mutex_unlock(lock);
	return may;
}

bool engines_have_spoken(const struct engines *engines, const char *id, uid_t owner)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&engines->lock;
	bool spoken;

	pthread_mutex_lock(lock);
	spoken = engines->n_waiting == 0 && questions_settled(engines->questions, id, owner, speaking(engines));
	pthread_mutex_unlock(lock);
	return spoken;
}

/* ---- state ---- */

static void state_of(const struct engine_slot *slot, struct engine_state *ret_state)
{
	*ret_state = (struct engine_state) {
		.number = slot->number,
		.kind = slot->kind,
		.owner = slot->owner,
		.connected = slot->connected,
		.watching = slot->watching,
		.asked = slot->asked,
		.answered = slot->answered,
		.refused = slot->refused,
		.reconnects = slot->connects > 0 ? slot->connects - 1 : 0,
	};
	memcpy(ret_state->socket, slot->path, sizeof(ret_state->socket));
	memcpy(ret_state->error, slot->error, sizeof(ret_state->error));
}

size_t engines_state(struct engines *engines, struct engine_state *ret_states, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&engines->lock);
	for (size_t i = 0; i < ENGINE_SOCKETS_MAX && n < max; i++) {
		if (engines->slots[i].used)
			state_of(&engines->slots[i], &ret_states[n++]);
	}
	pthread_mutex_unlock(&engines->lock);
	return n;
}

void engines_totals(const struct engines *engines, struct engines_totals *ret_totals)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&engines->lock;

	pthread_mutex_lock(lock);
	*ret_totals = engines->totals;
	ret_totals->questions_dropped = questions_dropped(engines->questions);
	ret_totals->conflicts = questions_conflicts(engines->questions);
	pthread_mutex_unlock(lock);
}
