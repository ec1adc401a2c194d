/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the threads behind engines.h share. One lock guards all of it; nobody holds it while an engine is spoken to. A slot
 * is a socket's place: what it is for may change only while its threads are between two connections, which they find
 * out by `epoch`.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "resolve/engine_driver.h"
#include "resolve/engine_questions.h"
#include "resolve/engine_socket.h"

struct engine_slot {
	struct engines *engines;
	size_t number;
	bool used, configured;
	enum engine_kind kind;
	const struct engine_driver *driver;
	char path[ENGINE_PATH_MAX];
	uid_t owner;
	uint64_t epoch; /* another number: another socket */
	bool has_asker, has_watcher; /* threads */
	bool connected, watching;
	bool list_now; /* the stream of events has ended: look whether it is there at all, and what was missed */
	bool retry_now; /* another file lies there: no need to wait */
	unsigned int failures, watch_failures; /* in a row */
	struct engine_socket_identity seen; /* at the last attempt */
	char error[DIAG_MAX];
	uint64_t asked, answered, refused, connects;
};

struct waiting_facts {
	struct waiting_facts *next;
	size_t size;
	struct container_facts facts;
};

#define ENGINE_THREADS_MAX (2 * ENGINE_SOCKETS_MAX + 1)

struct engines {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a question, a connection, the end */
	pthread_cond_t ended; /* of a thread */
	atomic_bool stop;
	bool left; /* nobody waits for the threads: the last one frees */
	pthread_t threads[ENGINE_THREADS_MAX];
	size_t n_threads, alive;
	struct engine_slot slots[ENGINE_SOCKETS_MAX];
	struct questions *questions;
	struct waiting_facts *first, **last;
	size_t n_waiting, bytes_waiting;
	int event; /* eventfd: more than 0 while something waits */
	struct engines_options options; /* copies; no sockets */
	bool looks; /* for sockets in the well-known places */
	struct engines_totals totals;
};

uint64_t engines_now_ns(void);
/* Lock held. Waits for a change until that time (engines_now_ns); false: it has come. */
bool engines_wait(struct engines *engines, uint64_t until_ns);
/* Lock held; keeps a thread's count. */
int engines_thread(struct engines *engines, void *(*run)(void *), void *arg);
/* The last thing a thread does, with the lock held. */
void engines_thread_ends(struct engines *engines);
/* Lock held. A place in the queue for facts of that size; NULL: it is full. */
struct waiting_facts *engines_room(const struct engines *engines, const struct container_facts *facts);
/* Lock held. Takes both. */
void engines_tell(struct engines *engines, struct waiting_facts *room, struct container_facts *facts);

/* Lock held. The slot is for this socket from now on; starts what threads it lacks. */
int engine_slot_use(struct engine_slot *slot, enum engine_kind kind, const char *path);
/* The looking thread (engine_places.c). */
void *engines_looker(void *engines);
/* Lock held on entry and on return: what of the well-known places is not asked yet gets a slot. */
void engines_look(struct engines *engines);
