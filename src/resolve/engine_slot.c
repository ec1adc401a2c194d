// SPDX-License-Identifier: Apache-2.0
/*
 * The threads of one socket. One asks: it takes the question that is due, and lists what the engine has when it connects
 * and when nothing else tells of new containers. The other listens to the engine's events, where there are any. A
 * connection that fails is made anew, later each time and never at the same moment as everybody's.
 */

#include "resolve/engine_slot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define NO_STREAM 16 /* failures: as seldom as may be, another engine may come */

static const struct engine_driver *const drivers[ENGINE_KINDS] = {
	[ENGINE_DOCKER] = &engine_driver_docker,
	[ENGINE_PODMAN] = &engine_driver_docker,
	[ENGINE_CONTAINERD] = &engine_driver_containerd,
	[ENGINE_CRI] = &engine_driver_cri,
};

/* What a thread took from its slot before it let the lock go. */
struct attempt {
	const struct engine_driver *driver;
	char path[ENGINE_PATH_MAX];
	uint64_t epoch;
	void *session;
	struct engine_socket_identity seen;
	struct engines_options options;
};

static bool is_over(const struct engine_slot *slot, const struct attempt *attempt)
{
	return atomic_load(&slot->engines->stop) || slot->epoch != attempt->epoch;
}

static uint64_t retry_ns(unsigned int failures)
{
	uint64_t wait_ms = ENGINE_RETRY_MIN_MS;
	uint16_t random = 0;

	for (unsigned int i = 1; i < failures && wait_ms < ENGINE_RETRY_MAX_MS; i++)
		wait_ms *= 2;
	if (wait_ms > ENGINE_RETRY_MAX_MS)
		wait_ms = ENGINE_RETRY_MAX_MS;
	/* Three quarters to five quarters of it: engines that came down together need not be asked together. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT16_MAX / 2;
	return (wait_ms * 3 / 4 + wait_ms * random / (2 * UINT16_MAX)) * 1000000;
}

/* ---- a session; all of it without the lock ---- */

static int attempt_open(struct attempt *attempt, struct diag *diag)
{
	int r = engine_socket_look(attempt->path, diag, &attempt->seen, &attempt->options.owner);
	int fd;

	if (r < 0)
		return r;
	/* Whatever way the driver connects: who listens is known before anything is said. */
	fd = engine_socket_connect(attempt->path, attempt->options.owner, diag);
	if (fd < 0)
		return fd;
	close(fd);
	return attempt->driver->open(attempt->path, &attempt->options, diag, &attempt->session);
}

/* Lock held on entry and on return. */
static int connect_slot(struct engine_slot *slot, struct attempt *attempt, struct diag *diag)
{
	int r;

	*attempt = (struct attempt) { .driver = slot->driver,
				      .epoch = slot->epoch,
				      .options = slot->engines->options };
	memcpy(attempt->path, slot->path, sizeof(attempt->path));
	pthread_mutex_unlock(&slot->engines->lock);
	r = attempt_open(attempt, diag);
	pthread_mutex_lock(&slot->engines->lock);
	return r;
}

static void disconnect(struct engine_slot *slot, struct attempt *attempt)
{
	pthread_mutex_unlock(&slot->engines->lock);
	attempt->driver->close(attempt->session);
	pthread_mutex_lock(&slot->engines->lock);
}

/* ---- what engines bring up ---- */

static void hear(void *user, const char *id)
{
	struct engine_slot *slot = user;
	struct engines *engines = slot->engines;

	pthread_mutex_lock(&engines->lock);
	if (questions_hear(engines->questions, slot->number, id, engines_now_ns()))
		pthread_cond_broadcast(&engines->changed);
	pthread_mutex_unlock(&engines->lock);
}

static void hear_event(void *user, const char *id)
{
	struct engine_slot *slot = user;

	hear(slot, id);
	pthread_mutex_lock(&slot->engines->lock);
	slot->watch_failures = 0;
	pthread_mutex_unlock(&slot->engines->lock);
}

/* ---- the asking thread; lock held, but for the calls of the driver ---- */

/* 0, or why the connection is gone. */
static int count_result(struct engine_slot *slot, int r)
{
	if (r == -EPROTO) {
		slot->refused++;
		r = 0;
	}
	if (r >= 0)
		slot->failures = 0; /* it speaks, be it nonsense */
	return r < 0 ? r : 0;
}

static void take_answer(struct engine_slot *slot, const struct question_ticket *ticket,
			struct container_facts *facts)
{
	struct engines *engines = slot->engines;
	_cleanup_(freep) struct waiting_facts *room = engines_room(engines, facts);

	slot->answered++;
	slot->refused += facts->labels_refused;
	facts->socket = slot->number;
	facts->owner = slot->owner;
	if (!room) {
		engines->totals.facts_put_back++;
		questions_settle(engines->questions, slot->number, ticket, QUESTION_FAILED, engines_now_ns());
	} else if (questions_answer(engines->questions, slot->number, ticket, facts)) {
		engines_tell(engines, TAKE(room), facts);
	}
}

static int ask_one(struct engine_slot *slot, const struct attempt *attempt,
		   const struct question_ticket *ticket, struct diag *diag)
{
	_cleanup_(container_facts_done) struct container_facts facts = { .id = "" };
	struct engines *engines = slot->engines;
	int r;

	slot->asked++;
	pthread_mutex_unlock(&engines->lock);
	r = attempt->driver->ask(attempt->session, ticket->id, diag, &facts);
	if (r > 0 && container_facts_check(&facts, ticket->id, diag) < 0)
		r = -EPROTO;
	pthread_mutex_lock(&engines->lock);
	if (slot->epoch != attempt->epoch)
		return 0;
	if (r > 0)
		take_answer(slot, ticket, &facts);
	else
		questions_settle(engines->questions, slot->number, ticket,
				 r == 0 || r == -EPROTO ? QUESTION_UNKNOWN : QUESTION_FAILED, engines_now_ns());
	return count_result(slot, r);
}

static int list_all(struct engine_slot *slot, const struct attempt *attempt, struct diag *diag, bool *ret_again)
{
	int r;

	slot->list_now = false;
	pthread_mutex_unlock(&slot->engines->lock);
	r = attempt->driver->list(attempt->session, hear, slot, diag);
	pthread_mutex_lock(&slot->engines->lock);
	*ret_again = r != -EOPNOTSUPP;
	return count_result(slot, r == -EOPNOTSUPP ? 0 : r);
}

/* As long as the connection stands: 0 when it is no longer wanted, else why it is gone. */
static int serve(struct engine_slot *slot, const struct attempt *attempt, struct diag *diag)
{
	struct engines *engines = slot->engines;
	struct question_ticket ticket;
	uint64_t list_ns = 0, due_ns, now;
	bool again;
	int r = 0;

	while (r >= 0 && !is_over(slot, attempt)) {
		now = engines_now_ns();
		diag->text[0] = '\0'; /* of what was refused */
		if (questions_next(engines->questions, slot->number, now, &ticket, &due_ns)) {
			r = ask_one(slot, attempt, &ticket, diag);
		} else if (now >= list_ns || slot->list_now) {
			r = list_all(slot, attempt, diag, &again);
			list_ns = slot->watching || !again
					  ? UINT64_MAX
					  : engines_now_ns() + (uint64_t)ENGINE_LIST_MS * 1000000;
		} else {
			engines_wait(engines, due_ns < list_ns ? due_ns : list_ns);
		}
	}
	return r;
}

static void note_connected(struct engine_slot *slot, const struct attempt *attempt)
{
	struct engines *engines = slot->engines;

	if (slot->owner != attempt->options.owner) {
		slot->owner = attempt->options.owner;
		questions_socket_new(engines->questions, slot->number, slot->kind, slot->owner);
	}
	slot->connected = true;
	slot->connects++;
	slot->error[0] = '\0';
	questions_socket_connected(engines->questions, slot->number, true, engines_now_ns());
	pthread_cond_broadcast(&engines->changed);
}

static void note_lost(struct engine_slot *slot)
{
	slot->connected = false;
	questions_socket_connected(slot->engines->questions, slot->number, false, engines_now_ns());
	pthread_cond_broadcast(&slot->engines->changed);
}

static void wait_for_retry(struct engine_slot *slot, const struct attempt *attempt, const struct diag *diag)
{
	uint64_t until_ns;

	slot->failures++;
	slot->seen = attempt->seen;
	snprintf(slot->error, sizeof(slot->error), "%s", diag->text);
	until_ns = engines_now_ns() + retry_ns(slot->failures);
	while (!is_over(slot, attempt) && !slot->retry_now && engines_wait(slot->engines, until_ns))
		;
	slot->retry_now = false;
}

static void one_connection(struct engine_slot *slot)
{
	struct diag diag = { .text = "" };
	struct attempt attempt;
	int r = connect_slot(slot, &attempt, &diag);

	if (r >= 0 && !is_over(slot, &attempt)) {
		note_connected(slot, &attempt);
		r = serve(slot, &attempt, &diag);
		note_lost(slot);
	} else if (r == -EPROTO) {
		slot->refused++;
	}
	if (attempt.session)
		disconnect(slot, &attempt);
	if (r < 0 && !is_over(slot, &attempt))
		wait_for_retry(slot, &attempt, &diag);
}

static void *asker_main(void *arg)
{
	struct engine_slot *slot = arg;

	pthread_mutex_lock(&slot->engines->lock);
	while (!atomic_load(&slot->engines->stop))
		one_connection(slot);
	engines_thread_ends(slot->engines);
	return NULL;
}

/* ---- the watching thread ---- */

static void watch_once(struct engine_slot *slot)
{
	struct engines *engines = slot->engines;
	struct diag diag = { .text = "" };
	struct attempt attempt;
	uint64_t until_ns;
	int r = connect_slot(slot, &attempt, &diag);

	if (r >= 0 && !is_over(slot, &attempt) && attempt.options.owner == slot->owner) {
		slot->watching = true;
		pthread_mutex_unlock(&engines->lock);
		r = attempt.driver->watch(attempt.session, &engines->stop, hear_event, slot, &diag);
		pthread_mutex_lock(&engines->lock);
		slot->watching = false;
		slot->list_now = true;
		pthread_cond_broadcast(&engines->changed);
	}
	slot->refused += r == -EPROTO;
	if (attempt.session)
		disconnect(slot, &attempt);
	slot->watch_failures = r == -EOPNOTSUPP ? NO_STREAM : slot->watch_failures + 1;
	until_ns = engines_now_ns() + retry_ns(slot->watch_failures);
	while (!is_over(slot, &attempt) && engines_wait(engines, until_ns))
		;
}

static void *watcher_main(void *arg)
{
	struct engine_slot *slot = arg;

	pthread_mutex_lock(&slot->engines->lock);
	while (!atomic_load(&slot->engines->stop)) {
		if (slot->connected && slot->driver->watch)
			watch_once(slot);
		else
			engines_wait(slot->engines, UINT64_MAX);
	}
	engines_thread_ends(slot->engines);
	return NULL;
}

/* ---- whose it is ---- */

int engine_slot_use(struct engine_slot *slot, enum engine_kind kind, const char *path)
{
	int r = 0;

	slot->used = true;
	slot->epoch++;
	slot->kind = kind;
	slot->driver = drivers[kind];
	snprintf(slot->path, sizeof(slot->path), "%s", path);
	slot->failures = slot->watch_failures = 0;
	slot->asked = slot->answered = slot->refused = slot->connects = 0;
	slot->error[0] = '\0';
	/* Of one that is not there nothing is asked before its owner is known. */
	if (engine_socket_look(path, NULL, NULL, &slot->owner) < 0)
		slot->owner = 0;
	questions_socket_new(slot->engines->questions, slot->number, kind, slot->owner);
	if (!slot->has_asker)
		r = engines_thread(slot->engines, asker_main, slot);
	slot->has_asker |= r >= 0;
	if (r >= 0 && slot->driver->watch && !slot->has_watcher) {
		r = engines_thread(slot->engines, watcher_main, slot);
		slot->has_watcher = r >= 0;
	}
	pthread_cond_broadcast(&slot->engines->changed);
	return r;
}
