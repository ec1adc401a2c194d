// SPDX-License-Identifier: Apache-2.0
/*
 * Kubernetes' Container Runtime Interface, version v1: containerd's plugin and CRI-O speak it, and cri-dockerd. What is
 * asked are lists with a filter of one id: the status methods write an error into the engine's log for each id that they
 * do not know, which a sandbox's own container (the pause process) is to ContainerStatus. Of that one no image is told,
 * but the pod.
 */

#include "resolve/engine_cri_answer.h"
#include "resolve/engine_driver.h"
#include "resolve/engine_grpc.h"
#include "resolve/engine_message.h"

#include "engine_cri.pb-c.h"

#define RUNTIME "/runtime.v1.RuntimeService/"
#define IMAGE "/runtime.v1.ImageService/"

struct session {
	const struct engines_options *options; /* theirs; they stay until `close` */
	struct grpc_client *client;
	struct buf request, answer;
	const char *runtime;
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

/* `request` NULL: a message without fields. The answer is in session->answer. */
static int question(struct session *session, const char *method, uint64_t deadline_ns,
		    const ProtobufCMessage *request, struct diag *diag)
{
	struct grpc_call call = { .method = method,
				  .deadline_ns = deadline_ns,
				  .stop = session->options->stop };
	int r = request ? engine_pack(request, &session->request) : 0;

	if (r < 0)
		return r;
	if (request)
		call.request = buf_str(&session->request);
	return grpc_unary(session->client, &call, diag, &session->answer);
}

static int runtime_ask(struct session *session, struct diag *diag)
{
	int r = question(session, RUNTIME "Version", grpc_deadline(ENGINE_TIMEOUT_MS), NULL, diag);

	if (r < 0)
		return r;
	if (r != GRPC_ANSWERED)
		return diag_error(diag, -EOPNOTSUPP, "the engine does not speak CRI v1");
	r = cri_runtime_read(buf_str(&session->answer), diag, &session->runtime);
	if (r == 0 && !session->runtime)
		return diag_error(
			diag, -EOPNOTSUPP,
			"the engine is neither containerd nor CRI-O nor Docker, its containers are not known");
	return r;
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
		r = runtime_ask(session, diag);
	if (r < 0)
		return r;
	*ret_session = TAKE(session);
	return 0;
}

/* ---- one container ---- */

static int container_question(struct session *session, uint64_t deadline_ns, const char *id, struct diag *diag)
{
	Cri__ListContainersRequest request = CRI__LIST_CONTAINERS_REQUEST__INIT;
	Cri__ContainerFilter filter = CRI__CONTAINER_FILTER__INIT;

	filter.id = engine_bytes(id);
	request.filter = &filter;
	return question(session, RUNTIME "ListContainers", deadline_ns, &request.base, diag);
}

static int sandbox_question(struct session *session, uint64_t deadline_ns, const char *id, struct diag *diag)
{
	Cri__ListPodSandboxRequest request = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
	Cri__PodSandboxFilter filter = CRI__POD_SANDBOX_FILTER__INIT;

	filter.id = engine_bytes(id);
	request.filter = &filter;
	return question(session, RUNTIME "ListPodSandbox", deadline_ns, &request.base, diag);
}

static int image_ask(struct session *session, uint64_t deadline_ns, const char *image_id, struct diag *diag,
		     struct container_facts *facts)
{
	Cri__ImageStatusRequest request = CRI__IMAGE_STATUS_REQUEST__INIT;
	Cri__ImageSpec image = CRI__IMAGE_SPEC__INIT;
	int r;

	image.image = engine_bytes(image_id);
	request.image = &image;
	r = question(session, IMAGE "ImageStatus", deadline_ns, &request.base, diag);
	/* Not known any more: removed while the container runs on. */
	if (r != GRPC_ANSWERED)
		return r < 0 ? r : 0;
	return cri_image_read(buf_str(&session->answer), facts->image_reference, diag, &facts->image_digest,
			      &facts->image_digest_is_config);
}

/* kubelet labels each container with its pod; other clients do not, but then the sandbox knows. */
static int pod_ask(struct session *session, uint64_t deadline_ns, const char *sandbox, struct diag *diag,
		   struct container_facts *facts)
{
	int r = sandbox_question(session, deadline_ns, sandbox, diag);

	if (r != GRPC_ANSWERED)
		return r < 0 ? r : 0;
	r = cri_pod_read(buf_str(&session->answer), sandbox, diag, facts);
	return r < 0 ? r : 0;
}

static int sandbox_ask(struct session *session, uint64_t deadline_ns, const char *id, struct diag *diag,
		       struct container_facts *ret_facts)
{
	int r = sandbox_question(session, deadline_ns, id, diag);

	if (r != GRPC_ANSWERED)
		return r < 0 ? r : 0;
	r = cri_sandbox_read(buf_str(&session->answer), id, session->options, diag, ret_facts);
	if (r > 0)
		ret_facts->runtime = session->runtime;
	return r;
}

static int ask(void *held, const char *id, struct diag *diag, struct container_facts *ret_facts)
{
	_cleanup_(container_facts_done) struct container_facts facts = { .runtime = NULL };
	uint64_t deadline_ns = grpc_deadline(ENGINE_TIMEOUT_MS);
	struct cri_more more = { .image_id = NULL };
	struct session *session = held;
	int r = container_question(session, deadline_ns, id, diag);

	if (r < 0)
		return r;
	if (r == GRPC_ANSWERED)
		r = cri_container_read(buf_str(&session->answer), id, session->options, diag, &facts, &more);
	else
		r = 0;
	if (r < 0)
		return r;
	if (r == 0)
		return sandbox_ask(session, deadline_ns, id, diag, ret_facts);
	r = more.image_id ? image_ask(session, deadline_ns, more.image_id, diag, &facts) : 0;
	free(more.image_id);
	if (r == 0 && more.sandbox[0] != '\0' && (!facts.pod || !facts.pod_namespace || !facts.pod_uid))
		r = pod_ask(session, deadline_ns, more.sandbox, diag, &facts);
	if (r < 0)
		return r;
	facts.runtime = session->runtime;
	*ret_facts = facts;
	facts = (struct container_facts) { .runtime = NULL };
	return 1;
}

/* ---- all of them, and those that come ---- */

static int list(void *held, engine_id_fn each, void *user, struct diag *diag)
{
	uint64_t deadline_ns = grpc_deadline(ENGINE_TIMEOUT_MS);
	struct session *session = held;
	int told, r = question(session, RUNTIME "ListContainers", deadline_ns, NULL, diag);

	if (r != GRPC_ANSWERED)
		return r < 0 ? r : diag_error(diag, -EOPNOTSUPP, "the engine does not list its containers");
	told = cri_containers_read(buf_str(&session->answer), ENGINE_QUEUE_MAX, each, user, diag);
	if (told < 0)
		return told;
	r = question(session, RUNTIME "ListPodSandbox", deadline_ns, NULL, diag);
	if (r == GRPC_ANSWERED)
		r = cri_sandboxes_read(buf_str(&session->answer), ENGINE_QUEUE_MAX - (size_t)told, each, user,
				       diag);
	return r < 0 ? r : 0;
}

struct telling {
	engine_id_fn each;
	void *user;
	struct diag *diag;
	bool told; /* anything at all */
};

static int tell(void *user, struct str message)
{
	struct telling *telling = user;
	char id[ENGINE_ID_LEN + 1];
	int r = cri_event_read(message, telling->diag, id);

	telling->told = true;
	if (r > 0)
		telling->each(telling->user, id);
	return r < 0 ? r : 0;
}

/* containerd has the stream since 1.7, CRI-O when it is told to (enable_pod_events); without, CRI-O's may just end. */
static int watch(void *held, const atomic_bool *stop, engine_id_fn each, void *user, struct diag *diag)
{
	struct telling telling = { .each = each, .user = user, .diag = diag };
	struct grpc_call call = { .method = RUNTIME "GetContainerEvents", .stop = stop };
	struct session *session = held;
	int r = grpc_stream(session->client, &call, tell, &telling, diag);

	if (r == -ECANCELED)
		return 0;
	if (r < 0)
		return r;
	if (r != GRPC_ANSWERED || !telling.told)
		return diag_error(diag, -EOPNOTSUPP, "the engine has no stream of events");
	return diag_error(diag, -ECONNRESET, "the engine has ended its stream of events");
}

const struct engine_driver engine_driver_cri = {
	.open = session_open,
	.close = session_close,
	.ask = ask,
	.list = list,
	.watch = watch,
};
