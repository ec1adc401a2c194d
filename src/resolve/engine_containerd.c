// SPDX-License-Identifier: Apache-2.0
/*
 * containerd's own services. Containers live in namespaces there, and the kernel does not tell us in which: each is
 * asked. An id that two of them know is nobody's. Containers of Docker's namespace are left to Docker's API.
 */

#include "resolve/engine_containerd_answer.h"
#include "resolve/engine_driver.h"
#include "resolve/engine_grpc.h"
#include "resolve/engine_message.h"

#include "engine_containerd.pb-c.h"

#define SERVICES "/containerd.services."
#define METADATA_MAX 128

struct session {
	const struct engines_options *options; /* theirs; they stay until `close` */
	struct grpc_client *client;
	struct buf request, answer;
	struct containerd_namespaces namespaces;
};

static void session_close(void *held)
{
	struct session *session = held;

	if (!session)
		return;
	grpc_close(session->client);
	buf_done(&session->request);
	buf_done(&session->answer);
	free(session);
}

static inline void session_closep(struct session **held)
{
	session_close(*held);
}

static const char *namespace_header(const char *name, char out[METADATA_MAX])
{
	snprintf(out, METADATA_MAX, "containerd-namespace: %s", name);
	return out;
}

static int namespaces_ask(struct session *session, uint64_t deadline_ns, struct diag *diag)
{
	struct grpc_call call = { .method = SERVICES "namespaces.v1.Namespaces/List",
				  .deadline_ns = deadline_ns,
				  .stop = session->options->stop };
	int r = grpc_unary(session->client, &call, diag, &session->answer);

	if (r < 0)
		return r;
	if (r != GRPC_ANSWERED)
		return diag_error(diag, -EOPNOTSUPP, "the engine has no namespaces: it is not containerd");
	return containerd_namespaces_read(buf_str(&session->answer), diag, &session->namespaces);
}

static int session_open(const char *socket, const struct engines_options *options, struct diag *diag,
			void **ret_session)
{
	_cleanup_(session_closep) struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return -ENOMEM;
	session->options = options;
	session->request = BUF_MAX(ENGINE_ANSWER_MAX);
	session->answer = BUF_MAX(ENGINE_ANSWER_MAX);
	r = grpc_open(socket, options->owner, diag, &session->client);
	if (r == 0)
		r = namespaces_ask(session, grpc_deadline(ENGINE_TIMEOUT_MS), diag);
	if (r < 0)
		return r;
	*ret_session = TAKE(session);
	return 0;
}

static int image_ask(struct session *session, const char *metadata, uint64_t deadline_ns, const char *image,
		     const struct containerd_time *created, struct diag *diag, struct container_facts *facts)
{
	struct grpc_call call = {
		.method = SERVICES "images.v1.Images/Get",
		.metadata = metadata,
		.deadline_ns = deadline_ns,
		.stop = session->options->stop,
	};
	Containerd__GetImageRequest request = CONTAINERD__GET_IMAGE_REQUEST__INIT;
	int r;

	request.name = engine_bytes(image);
	r = engine_pack(&request.base, &session->request);
	if (r < 0)
		return r;
	call.request = buf_str(&session->request);
	r = grpc_unary(session->client, &call, diag, &session->answer);
	/* Not known any more: the name is removed, the container runs on. */
	if (r != GRPC_ANSWERED)
		return r < 0 ? r : 0;
	return containerd_image_read(buf_str(&session->answer), image, created, diag, &facts->image_digest);
}

/* In one namespace: 1 and *ret_facts, 0: not there. */
static int container_ask(struct session *session, const char *name_space, uint64_t deadline_ns, const char *id,
			 struct diag *diag, struct container_facts *ret_facts)
{
	_cleanup_(container_facts_done) struct container_facts facts = { .runtime = NULL };
	_cleanup_(freep) char *image = NULL;
	char metadata[METADATA_MAX];
	struct grpc_call call = {
		.method = SERVICES "containers.v1.Containers/Get",
		.metadata = namespace_header(name_space, metadata),
		.deadline_ns = deadline_ns,
		.stop = session->options->stop,
	};
	Containerd__GetContainerRequest request = CONTAINERD__GET_CONTAINER_REQUEST__INIT;
	struct containerd_time created;
	int r;

	request.id = engine_bytes(id);
	r = engine_pack(&request.base, &session->request);
	if (r < 0)
		return r;
	call.request = buf_str(&session->request);
	r = grpc_unary(session->client, &call, diag, &session->answer);
	if (r != GRPC_ANSWERED)
		return r < 0 ? r : 0;
	r = containerd_container_read(buf_str(&session->answer), id, session->options, diag, &facts, &image,
				      &created);
	if (r == 0 && image)
		r = image_ask(session, metadata, deadline_ns, image, &created, diag, &facts);
	if (r < 0)
		return r;
	*ret_facts = facts;
	facts = (struct container_facts) { .runtime = NULL };
	return 1;
}

static int ask(void *held, const char *id, struct diag *diag, struct container_facts *ret_facts)
{
	_cleanup_(container_facts_done) struct container_facts found = { .runtime = NULL };
	uint64_t deadline_ns = grpc_deadline(ENGINE_TIMEOUT_MS);
	struct session *session = held;
	int r = namespaces_ask(session, deadline_ns, diag);

	for (size_t i = 0; i < session->namespaces.n && r >= 0; i++) {
		struct container_facts facts = { .runtime = NULL };

		r = container_ask(session, session->namespaces.names[i], deadline_ns, id, diag, &facts);
		if (r <= 0)
			continue;
		if (!found.runtime) {
			found = facts;
			continue;
		}
		container_facts_done(&facts);
		r = diag_error(diag, -EPROTO, "two namespaces have a container %s", id);
	}
	if (r < 0)
		return r;
	if (!found.runtime)
		return 0;
	*ret_facts = found;
	found = (struct container_facts) { .runtime = NULL };
	return 1;
}

/* ---- all of them, and those that come ---- */

struct telling {
	engine_id_fn each;
	void *user;
	struct diag *diag;
	size_t left;
	int (*read)(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
};

static int tell(void *user, struct str message)
{
	struct telling *telling = user;
	char id[ENGINE_ID_LEN + 1];
	int r;

	if (telling->left == 0)
		return 1;
	telling->left--;
	r = telling->read(message, telling->diag, id);
	if (r > 0)
		telling->each(telling->user, id);
	return r < 0 ? r : 0;
}

/* By stream: a container's record holds its whole OCI specification, and a list of a few hundred is longer than we read. */
static int list(void *held, engine_id_fn each, void *user, struct diag *diag)
{
	struct telling telling = { each, user, diag, ENGINE_QUEUE_MAX, containerd_listed_read };
	uint64_t deadline_ns = grpc_deadline(ENGINE_TIMEOUT_MS);
	struct session *session = held;
	int r = namespaces_ask(session, deadline_ns, diag);

	for (size_t i = 0; i < session->namespaces.n && r >= 0 && telling.left > 0; i++) {
		char metadata[METADATA_MAX];
		struct grpc_call call = {
			.method = SERVICES "containers.v1.Containers/ListStream",
			.metadata = namespace_header(session->namespaces.names[i], metadata),
			.deadline_ns = deadline_ns,
			.stop = session->options->stop,
		};

		r = grpc_stream(session->client, &call, tell, &telling, diag);
		if (r == GRPC_UNIMPLEMENTED)
			r = diag_error(diag, -EOPNOTSUPP, "the engine cannot list its containers as a stream");
	}
	return r < 0 ? r : 0;
}

static int watch(void *held, const atomic_bool *stop, engine_id_fn each, void *user, struct diag *diag)
{
	static const char *const filters[] = { "topic==\"/containers/create\"", "topic==\"/tasks/create\"",
					       "topic==\"/tasks/start\"" };
	struct telling telling = { each, user, diag, SIZE_MAX, containerd_event_read };
	struct grpc_call call = { .method = SERVICES "events.v1.Events/Subscribe", .stop = stop };
	Containerd__SubscribeRequest request = CONTAINERD__SUBSCRIBE_REQUEST__INIT;
	ProtobufCBinaryData wanted[ARRAY_LEN(filters)];
	struct session *session = held;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		wanted[i] = engine_bytes(filters[i]);
	request.filters = wanted;
	request.n_filters = ARRAY_LEN(filters);
	r = engine_pack(&request.base, &session->request);
	if (r < 0)
		return r;
	call.request = buf_str(&session->request);
	r = grpc_stream(session->client, &call, tell, &telling, diag);
	if (r == -ECANCELED)
		return 0;
	if (r == GRPC_UNIMPLEMENTED || r == GRPC_NOT_FOUND)
		return diag_error(diag, -EOPNOTSUPP, "the engine has no stream of events");
	return r < 0 ? r : diag_error(diag, -ECONNRESET, "the engine has ended its stream of events");
}

const struct engine_driver engine_driver_containerd = {
	.open = session_open,
	.close = session_close,
	.ask = ask,
	.list = list,
	.watch = watch,
};
