// SPDX-License-Identifier: Apache-2.0
/*
 * Docker and Podman, over HTTP. Which of the two it is, is asked first: a socket of the one name may be the other's. A
 * session holds one socket's file, so it stays that one. Owns the connection.
 */

#include "resolve/engine_docker.h"

#include <stdio.h>

#include "base/clock.h"
#include "resolve/engine_http.h"
#include "resolve/engine_json.h"

/* filters={"id":["ID"]} */
#define CONTAINER "/containers/json?all=1&filters=%%7B%%22id%%22%%3A%%5B%%22%s%%22%%5D%%7D"
/* filters={"type":["container"],"event":["create","start"]} */
#define EVENTS                                                  \
	"/events?filters=%7B%22type%22%3A%5B%22container%22%5D" \
	"%2C%22event%22%3A%5B%22create%22%2C%22start%22%5D%7D"

struct session {
	struct engine_http *http;
	const char *socket;
	const struct engines_options *options;
	const char *runtime;
};

static uint64_t deadline(void)
{
	return clock_now().boot_ns + (uint64_t)ENGINE_TIMEOUT_MS * 1000000;
}

/* 1: `body` holds the answer; 0: there is no such thing; else -EPROTO or why there is no answer. */
static int get(struct session *session, const char *path, uint64_t deadline_ns, struct buf *body,
	       struct diag *diag)
{
	int status = engine_http_get_all(session->http, path, deadline_ns, body, diag);

	if (status < 0)
		return status;
	if (status == 404)
		return 0;
	return status == 200
		       ? 1
		       : diag_error(diag, -EPROTO, "%s: status %d to GET %.40s", session->socket, status, path);
}

static int learn_runtime(struct session *session, struct diag *diag)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(ENGINE_ANSWER_MAX);
	int r;

	r = get(session, "/version", deadline(), &body, diag);
	if (r == 0)
		r = diag_error(diag, -EPROTO, "%s: neither Docker nor Podman", session->socket);
	if (r < 0)
		return r;
	return docker_read_version(buf_str(&body), diag, &session->runtime);
}

static void docker_close(void *user)
{
	struct session *session = user;

	engine_http_close(session->http);
	free(session);
}

static int docker_open(const char *socket, const struct engines_options *options, struct diag *diag,
		       void **ret_session)
{
	struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return diag_error(diag, -ENOMEM, "out of memory");
	session->socket = socket;
	session->options = options;
	r = engine_http_open(socket, options->owner, options->stop, diag, &session->http);
	if (r >= 0)
		r = learn_runtime(session, diag);
	if (r < 0) {
		docker_close(session);
		return r;
	}
	*ret_session = session;
	return 0;
}

/* 1, as ask_container. */
static int ask_image(struct session *session, const char *image, uint64_t deadline_ns, struct diag *diag,
		     struct container_facts *facts)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(ENGINE_ANSWER_MAX);
	char path[sizeof("/images//json") + ENGINE_DIGEST_LEN];
	int r;

	if (image[0] == '\0')
		return 1;
	snprintf(path, sizeof(path), "/images/%s/json", image);
	r = get(session, path, deadline_ns, &body, diag);
	if (r > 0)
		r = docker_read_image(buf_str(&body), image, facts->image_reference, diag,
				      &facts->image_digest);
	if (r < 0 || facts->image_digest)
		return r < 0 ? r : 1;
	/* Never in a repository, or removed under the container: the image's own digest is what there is. */
	facts->image_digest_is_config = true;
	r = engine_text(image, ENGINE_DIGEST_LEN, "a digest", diag, &facts->image_digest);
	return r < 0 ? r : 1;
}

/*
 * By a list of one. GET /containers/ID/json would wait in Docker for the container's lock, which its start holds: 200 ms
 * measured, where this takes 1 ms (20.10.24; Podman 4.3 waits either way).
 */
static int ask_container(struct session *session, const char *id, struct diag *diag,
			 struct container_facts *facts)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(ENGINE_ANSWER_MAX);
	char path[sizeof(CONTAINER) + ENGINE_ID_LEN], image[ENGINE_DIGEST_LEN + 1];
	uint64_t deadline_ns = deadline(); /* of all that one answer takes */
	int r;

	snprintf(path, sizeof(path), CONTAINER, id);
	r = get(session, path, deadline_ns, &body, diag);
	if (r == 0)
		r = diag_error(diag, -EPROTO, "%s: status 404 to a list of containers", session->socket);
	if (r > 0)
		r = docker_read_container(buf_str(&body), id, session->options, diag, facts, image);
	if (r > 0)
		r = ask_image(session, image, deadline_ns, diag, facts);
	if (r <= 0)
		return r;
	facts->runtime = session->runtime;
	return 1;
}

static int docker_ask(void *user, const char *id, struct diag *diag, struct container_facts *ret_facts)
{
	_cleanup_(container_facts_done) struct container_facts facts = { .id = "" };
	int r;

	if (!engine_id_is(id))
		return 0;
	r = ask_container(user, id, diag, &facts);
	if (r <= 0)
		return r;
	*ret_facts = facts;
	facts = (struct container_facts) { .id = "" };
	return 1;
}

/* ---- many ---- */

struct telling {
	struct engine_objects objects;
	int (*read)(struct str text, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
	engine_id_fn each;
	void *user;
	const atomic_bool *stop;
	struct diag *diag;
	size_t told, max;
};

static int tell(void *user, struct str text)
{
	struct telling *telling = user;
	char id[ENGINE_ID_LEN + 1];
	int r = telling->read(text, telling->diag, id);

	if (r < 0)
		return r;
	if (r > 0 && telling->told < telling->max) {
		telling->told++;
		telling->each(telling->user, id);
	}
	return 0;
}

static int take_piece(void *user, struct str piece)
{
	struct telling *telling = user;
	int r = engine_objects_feed(&telling->objects, piece, tell, telling);

	if (telling->stop && atomic_load(telling->stop))
		return diag_error(telling->diag, -ECANCELED, "stopped");
	return r < 0 ? diag_error(telling->diag, r, "what it tells is no row of JSON objects") : 0;
}

static int read_listed(struct str text, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1])
{
	int r = docker_read_listed(text, diag, ret_id);

	return r < 0 ? r : 1;
}

static int docker_list(void *user, engine_id_fn each, void *each_user, struct diag *diag)
{
	struct session *session = user;
	struct telling telling = { ENGINE_OBJECTS(true),   read_listed, each, each_user, NULL, .diag = diag,
				   .max = ENGINE_QUEUE_MAX };
	int status = engine_http_get(session->http, "/containers/json", deadline(), take_piece, &telling, diag);

	engine_objects_done(&telling.objects);
	/* Too many to tell them in time: it is there, and the kernel knows of the rest. */
	if (status == -ETIMEDOUT && telling.told > 0)
		return -EPROTO;
	if (status < 0)
		return status;
	if (status != 200 || !telling.objects.closed || telling.objects.refused > 0)
		return diag_error(diag, -EPROTO, "%s: status %d and no whole list of containers",
				  session->socket, status);
	return 0;
}

static int docker_watch(void *user, const atomic_bool *stop, engine_id_fn each, void *each_user,
			struct diag *diag)
{
	struct session *session = user;
	struct telling telling = { ENGINE_OBJECTS(false), docker_read_event, each, each_user, stop,
				   .diag = diag,	  .max = SIZE_MAX };
	int status = engine_http_get(session->http, EVENTS, 0, take_piece, &telling, diag);

	engine_objects_done(&telling.objects);
	if (status < 0)
		return status == -ECANCELED ? 0 : status;
	if (status != 200)
		return diag_error(diag, -EPROTO, "%s: status %d, no events", session->socket, status);
	return diag_error(diag, -ECONNRESET, "%s: the stream of events has ended", session->socket);
}

const struct engine_driver engine_driver_docker = {
	.open = docker_open,
	.close = docker_close,
	.ask = docker_ask,
	.list = docker_list,
	.watch = docker_watch,
};
