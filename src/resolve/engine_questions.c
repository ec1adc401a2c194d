// SPDX-License-Identifier: Apache-2.0
/*
 * A table by id and owner, and four rows in order of age: what the daemon asked and what engines brought up, each open or
 * done. Promises at most ENGINE_QUEUE_MAX entries of a few hundred bytes, whatever engines tell. Owns the entries; what
 * answers are worth, engine_memory.c decides.
 */

#include "resolve/engine_questions.h"

#include <errno.h>
#include <string.h>

#include "resolve/engine_memory.h"

#define BUCKETS 1024 /* a power of two */
#define EVERYBODY UINT32_MAX

enum row_kind { ROW_ASKED, ROW_HEARD, ROW_ASKED_DONE, ROW_HEARD_DONE, ROWS };

struct question {
	struct question *next_in_bucket;
	struct question *older, *newer; /* in its row */
	enum row_kind row;
	char id[ENGINE_ID_LEN + 1];
	uid_t owner;
	uint32_t kinds; /* of engines that may know it */
	uint64_t serial;
	size_t heard_of; /* the socket, in the rows of heard ones */
	/* Bit n: socket n. */
	uint32_t answered, unknown, under_way;
	uint8_t tries[ENGINE_SOCKETS_MAX];
	uint64_t due_ns[ENGINE_SOCKETS_MAX];
	struct engine_memory memory; /* of what was answered */
};

struct row {
	struct question *oldest, *newest;
};

struct asked_socket {
	enum engine_kind kind;
	uid_t owner;
	bool connected;
	size_t n_heard;
};

struct questions {
	struct question *buckets[BUCKETS];
	struct row rows[ROWS];
	struct asked_socket sockets[ENGINE_SOCKETS_MAX];
	size_t count;
	uint64_t serial, dropped, conflicts;
};

int questions_new(struct questions **ret_questions)
{
	*ret_questions = calloc(1, sizeof(**ret_questions));
	return *ret_questions ? 0 : -ENOMEM;
}

void questions_free(struct questions *questions)
{
	if (!questions)
		return;
	for (size_t i = 0; i < ROWS; i++) {
		while (questions->rows[i].oldest) {
			struct question *question = questions->rows[i].oldest;

			questions->rows[i].oldest = question->newer;
			free(question);
		}
	}
	free(questions);
}

/* ---- table and rows ---- */

/* Ids are random already. */
static struct question **bucket_of(struct questions *questions, const char *id)
{
	uint32_t mix = 2166136261u;

	for (size_t i = 0; i < 16 && id[i]; i++)
		mix = (mix ^ (unsigned char)id[i]) * 16777619u;
	return &questions->buckets[(mix ^ mix >> 16) & (BUCKETS - 1)];
}

static struct question *find(const struct questions *questions, const char *id, uid_t owner)
{
	struct question *question = *bucket_of((struct questions *)questions, id);

	while (question && (question->owner != owner || strcmp(question->id, id) != 0))
		question = question->next_in_bucket;
	return question;
}

static void row_leave(struct questions *questions, struct question *question)
{
	struct row *row = &questions->rows[question->row];

	if (question->older)
		question->older->newer = question->newer;
	else
		row->oldest = question->newer;
	if (question->newer)
		question->newer->older = question->older;
	else
		row->newest = question->older;
	if (question->row == ROW_HEARD || question->row == ROW_HEARD_DONE)
		questions->sockets[question->heard_of].n_heard--;
}

static void row_enter(struct questions *questions, struct question *question, enum row_kind kind)
{
	struct row *row = &questions->rows[kind];

	question->row = kind;
	question->newer = NULL;
	question->older = row->newest;
	if (row->newest)
		row->newest->newer = question;
	else
		row->oldest = question;
	row->newest = question;
	if (kind == ROW_HEARD || kind == ROW_HEARD_DONE)
		questions->sockets[question->heard_of].n_heard++;
}

static void row_change(struct questions *questions, struct question *question, enum row_kind kind)
{
	row_leave(questions, question);
	row_enter(questions, question, kind);
}

static void drop(struct questions *questions, struct question *question)
{
	struct question **at = bucket_of(questions, question->id);

	while (*at != question)
		at = &(*at)->next_in_bucket;
	*at = question->next_in_bucket;
	row_leave(questions, question);
	questions->count--;
	free(question);
}

/* The oldest of one row goes, if there is one. */
static bool make_room_in(struct questions *questions, enum row_kind kind, bool counted)
{
	struct question *oldest = questions->rows[kind].oldest;

	if (!oldest)
		return false;
	questions->dropped += counted;
	drop(questions, oldest);
	return true;
}

static bool make_room(struct questions *questions, bool for_asked)
{
	if (questions->count < ENGINE_QUEUE_MAX)
		return true;
	if (make_room_in(questions, ROW_HEARD_DONE, false))
		return true;
	if (for_asked)
		return make_room_in(questions, ROW_ASKED_DONE, false) ||
		       make_room_in(questions, ROW_HEARD, true) || make_room_in(questions, ROW_ASKED, true);
	return make_room_in(questions, ROW_HEARD, true);
}

/* A user's engine may bring up so many and no more: its own oldest goes. */
static void keep_to_share(struct questions *questions, size_t socket)
{
	static const enum row_kind rows[] = { ROW_HEARD_DONE, ROW_HEARD };

	if (questions->sockets[socket].owner == 0 || questions->sockets[socket].n_heard < ENGINE_HEARD_MAX)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct question *question = questions->rows[rows[i]].oldest;

		while (question && question->heard_of != socket)
			question = question->newer;
		if (!question)
			continue;
		questions->dropped += rows[i] == ROW_HEARD;
		drop(questions, question);
		return;
	}
}

static struct question *add(struct questions *questions, const char *id, uid_t owner, enum row_kind row,
			    size_t heard_of)
{
	struct question **bucket = bucket_of(questions, id), *question;

	question = make_room(questions, row == ROW_ASKED) ? calloc(1, sizeof(*question)) : NULL;
	if (!question) {
		questions->dropped++;
		return NULL;
	}
	memcpy(question->id, id, ENGINE_ID_LEN + 1);
	question->owner = owner;
	question->heard_of = heard_of;
	question->serial = ++questions->serial;
	question->next_in_bucket = *bucket;
	*bucket = question;
	questions->count++;
	row_enter(questions, question, row);
	return question;
}

/* ---- who may know ---- */

static uint32_t kinds_of(const char *runtime)
{
	/* One language: a socket of the one name may be the other's. cri-dockerd tells of Docker's. */
	if (runtime && strcmp(runtime, "docker") == 0)
		return 1u << ENGINE_DOCKER | 1u << ENGINE_PODMAN | 1u << ENGINE_CRI;
	if (runtime && strcmp(runtime, "podman") == 0)
		return 1u << ENGINE_DOCKER | 1u << ENGINE_PODMAN;
	if (runtime && strcmp(runtime, "containerd") == 0)
		return 1u << ENGINE_CONTAINERD | 1u << ENGINE_CRI;
	if (runtime && strcmp(runtime, "cri-o") == 0)
		return 1u << ENGINE_CRI;
	return EVERYBODY;
}

/* Of what it tells by itself, those who speak its language may know too. */
static uint32_t alike(enum engine_kind kind)
{
	return kind <= ENGINE_PODMAN ? 1u << ENGINE_DOCKER | 1u << ENGINE_PODMAN
				     : 1u << ENGINE_CONTAINERD | 1u << ENGINE_CRI;
}

bool questions_kind_may_know(enum engine_kind kind, const char *runtime)
{
	return kinds_of(runtime) >> kind & 1;
}

static bool may_know(const struct questions *questions, const struct question *question, size_t socket)
{
	const struct asked_socket *asked = &questions->sockets[socket];

	return (question->kinds >> asked->kind & 1) && (asked->owner == 0 || asked->owner == question->owner);
}

/* ---- asking ---- */

static void ask_all_now(struct question *question, uint64_t now_ns)
{
	question->answered = question->unknown = 0;
	engine_memory_tell_again(&question->memory);
	memset(question->tries, 0, sizeof(question->tries));
	for (size_t i = 0; i < ENGINE_SOCKETS_MAX; i++)
		question->due_ns[i] = now_ns;
}

bool questions_ask(struct questions *questions, const char *runtime, const char *id, uid_t owner,
		   uint64_t now_ns)
{
	struct question *question = find(questions, id, owner);

	if (question && question->row == ROW_ASKED && !question->answered)
		return false; /* it is being asked */
	if (!question)
		question = add(questions, id, owner, ROW_ASKED, 0);
	else
		row_change(questions, question, ROW_ASKED);
	if (!question)
		return false;
	question->kinds = kinds_of(runtime);
	/* An answer under way still counts, and tells all there is to know: that is what is wanted. */
	ask_all_now(question, now_ns);
	return true;
}

bool questions_hear(struct questions *questions, size_t socket, const char *id, uint64_t now_ns)
{
	uid_t owner = questions->sockets[socket].owner;
	struct question *question = find(questions, id, owner);

	if (question && question->answered)
		return false;
	if (question) {
		/* It says that it knows what it did not know just now. */
		question->unknown &= ~(1u << socket);
		question->due_ns[socket] = now_ns;
		return true;
	}
	keep_to_share(questions, socket);
	question = add(questions, id, owner, ROW_HEARD, socket);
	if (!question)
		return false;
	question->kinds = alike(questions->sockets[socket].kind);
	ask_all_now(question, now_ns);
	return true;
}

void questions_forget(struct questions *questions, const char *id)
{
	struct question *question = *bucket_of(questions, id);

	while (question) {
		struct question *next = question->next_in_bucket;

		if (strcmp(question->id, id) == 0)
			drop(questions, question);
		question = next;
	}
}

/* Once one has answered, those who do not know and those who are not there are not waited for. */
static void row_settle(struct questions *questions, struct question *question)
{
	bool heard = question->row == ROW_HEARD || question->row == ROW_HEARD_DONE;

	for (size_t i = 0; i < ENGINE_SOCKETS_MAX; i++) {
		if (questions->sockets[i].connected && may_know(questions, question, i) &&
		    !((question->answered | question->unknown) >> i & 1))
			return;
	}
	if (question->answered)
		row_change(questions, question, heard ? ROW_HEARD_DONE : ROW_ASKED_DONE);
}

static bool wants(const struct questions *questions, const struct question *question, size_t socket)
{
	uint32_t bit = 1u << socket;

	if (!may_know(questions, question, socket) || ((question->answered | question->under_way) & bit))
		return false;
	return !question->answered || !(question->unknown & bit);
}

bool questions_next(struct questions *questions, size_t socket, uint64_t now_ns,
		    struct question_ticket *ret_ticket, uint64_t *ret_due_ns)
{
	static const enum row_kind rows[] = { ROW_ASKED, ROW_HEARD };
	struct question *best = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (struct question *at = questions->rows[rows[i]].oldest; at; at = at->newer) {
			if (wants(questions, at, socket) &&
			    (!best || at->due_ns[socket] < best->due_ns[socket]))
				best = at;
		}
		if (best && best->due_ns[socket] <= now_ns)
			break; /* what the daemon asks comes before what engines bring up */
	}
	*ret_due_ns = best ? best->due_ns[socket] : UINT64_MAX;
	if (!best || best->due_ns[socket] > now_ns)
		return false;
	best->under_way |= 1u << socket;
	ret_ticket->owner = best->owner;
	ret_ticket->serial = best->serial;
	memcpy(ret_ticket->id, best->id, sizeof(ret_ticket->id));
	return true;
}

static struct question *ticket_question(struct questions *questions, size_t socket,
					const struct question_ticket *ticket)
{
	struct question *question = find(questions, ticket->id, ticket->owner);

	if (!question || question->serial != ticket->serial)
		return NULL;
	question->under_way &= ~(1u << socket);
	return question;
}

void questions_settle(struct questions *questions, size_t socket, const struct question_ticket *ticket,
		      enum question_outcome outcome, uint64_t now_ns)
{
	struct question *question = ticket_question(questions, socket, ticket);
	uint64_t wait_ms = ENGINE_ASK_AGAIN_MS;

	if (!question)
		return;
	if (question->tries[socket] < UINT8_MAX)
		question->tries[socket]++;
	for (unsigned int i = 1; i < question->tries[socket] && wait_ms < ENGINE_RETRY_MAX_MS; i++)
		wait_ms *= 2;
	if (wait_ms > ENGINE_RETRY_MAX_MS)
		wait_ms = ENGINE_RETRY_MAX_MS;
	question->due_ns[socket] = now_ns + wait_ms * 1000000;
	if (outcome == QUESTION_UNKNOWN)
		question->unknown |= 1u << socket;
	row_settle(questions, question);
}

/* ---- answers ---- */

bool questions_answer(struct questions *questions, size_t socket, const struct question_ticket *ticket,
		      struct container_facts *facts)
{
	struct question *question = ticket_question(questions, socket, ticket);
	bool first, news, conflict = false;

	if (!question)
		return false;
	first = question->answered == 0;
	question->answered |= 1u << socket;
	news = engine_memory_add(&question->memory, questions->sockets[socket].owner == 0, facts, &conflict);
	questions->conflicts += conflict;
	row_settle(questions, question);
	/* That it knows the container is news too, even if it is all. */
	return first || news;
}

/* ---- sockets ---- */

void questions_socket_new(struct questions *questions, size_t socket, enum engine_kind kind, uid_t owner)
{
	questions->sockets[socket].kind = kind;
	questions->sockets[socket].owner = owner;
	questions->sockets[socket].connected = false;
	for (size_t i = 0; i < ROWS; i++) {
		for (struct question *at = questions->rows[i].oldest; at; at = at->newer) {
			at->answered &= ~(1u << socket);
			at->unknown &= ~(1u << socket);
			at->under_way &= ~(1u << socket);
			at->tries[socket] = 0;
			at->due_ns[socket] = 0;
		}
	}
}

/* What brought the connection down waits its turn (due_ns) all the same: it may be what brings it down again. */
void questions_socket_connected(struct questions *questions, size_t socket, bool connected, uint64_t now_ns)
{
	static const enum row_kind rows[] = { ROW_ASKED, ROW_HEARD };
	uint32_t bit = 1u << socket;

	questions->sockets[socket].connected = connected;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct question *next;

		for (struct question *at = questions->rows[rows[i]].oldest; at; at = next) {
			next = at->newer;
			if (connected && (at->unknown & bit)) {
				at->unknown &= ~bit;
				at->due_ns[socket] = now_ns;
			}
			row_settle(questions, at);
		}
	}
}

/* ---- looking ---- */

bool questions_open(const struct questions *questions, const char *id, uid_t owner, uint32_t sockets)
{
	const struct question *question = find(questions, id, owner);

	if (!question || engine_memory_has_digest(&question->memory))
		return false;
	for (size_t i = 0; i < ENGINE_SOCKETS_MAX; i++) {
		if ((sockets >> i & 1) && may_know(questions, question, i) &&
		    !((question->answered | question->unknown) >> i & 1))
			return true;
	}
	return false;
}

uint64_t questions_dropped(const struct questions *questions)
{
	return questions->dropped;
}

uint64_t questions_conflicts(const struct questions *questions)
{
	return questions->conflicts;
}

size_t questions_count(const struct questions *questions)
{
	return questions->count;
}
