/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The list of questions: about which containers which sockets have still to be asked, when again, and what was said of
 * each so far, so that two answers can be told apart. No threads, no clock: the caller locks and gives the time.
 *
 * A question is a container's id and whose container it is (0: anybody's, for root's engines only). It is open until each
 * socket that may know has answered or, once one has answered, said that it does not know; then it is kept as a memory
 * of the digest as long as there is room. Questions asked by the daemon push out those that engines brought up, never
 * the other way round; those go first that are done.
 */

#include "resolve/engines.h"

enum question_outcome {
	QUESTION_UNKNOWN, /* the engine does not know it, or said what does not hold: again later */
	QUESTION_FAILED, /* no answer, the connection is gone: again later, others first */
};

/* Which question a socket's thread is at work on, by value: it may be gone when the answer comes. */
struct question_ticket {
	char id[ENGINE_ID_LEN + 1];
	uid_t owner;
	uint64_t serial;
};

struct questions;

int questions_new(struct questions **ret_questions);
void questions_free(struct questions *questions);
DEFINE_FREEP(questions, questions_free)

/* ---- sockets, by number below ENGINE_SOCKETS_MAX ---- */

/* It speaks for somebody else from now on: what it said and did not know is forgotten. Not connected. */
void questions_socket_new(struct questions *questions, size_t socket, enum engine_kind kind, uid_t owner);
/* A connection made: what it did not know before is asked again. One lost: nothing waits for it. */
void questions_socket_connected(struct questions *questions, size_t socket, bool connected, uint64_t now_ns);

/* ---- questions ---- */

/* By the daemon. True: there is something new to ask. */
bool questions_ask(struct questions *questions, const char *runtime, const char *id, uid_t owner,
		   uint64_t now_ns);
/* Brought up by that socket's engine: about a container of its owner. */
bool questions_hear(struct questions *questions, size_t socket, const char *id, uint64_t now_ns);
void questions_forget(struct questions *questions, const char *id);

/*
 * The question that this socket should be asked next and is due; false: none, and *ret_due_ns is when (UINT64_MAX:
 * not before something changes).
 */
bool questions_next(struct questions *questions, size_t socket, uint64_t now_ns,
		    struct question_ticket *ret_ticket, uint64_t *ret_due_ns);
void questions_settle(struct questions *questions, size_t socket, const struct question_ticket *ticket,
		      enum question_outcome outcome, uint64_t now_ns);
/*
 * An answer that holds. Takes out of `facts` what was known already, or what another one's word stands against. False:
 * nothing is left to tell, or nobody wants to know any more.
 */
bool questions_answer(struct questions *questions, size_t socket, const struct question_ticket *ticket,
		      struct container_facts *facts);

/* Would any of the sockets of the mask (bit n: socket n) that may know it still tell this container's digest? */
bool questions_open(const struct questions *questions, const char *id, uid_t owner, uint32_t sockets);
/* Has each of them spoken? False also when nobody is asked. */
bool questions_settled(const struct questions *questions, const char *id, uid_t owner, uint32_t sockets);
/* May an engine of that kind know a container of that runtime (NULL: any)? */
bool questions_kind_may_know(enum engine_kind kind, const char *runtime);

uint64_t questions_dropped(const struct questions *questions);
uint64_t questions_conflicts(const struct questions *questions);
/* How many are kept, done ones included: at most ENGINE_QUEUE_MAX. */
size_t questions_count(const struct questions *questions);
