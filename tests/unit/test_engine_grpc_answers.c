// SPDX-License-Identifier: Apache-2.0
/* containerd and CRI through their drivers: what is believed of what an engine says, and what is not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "resolve/engine_driver.h"
#include "resolve/engine_message.h"

#include "engine_containerd.pb-c.h"
#include "engine_cri.pb-c.h"
#include "engine_entry.pb-c.h"

#include "grpc_engine.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define ID HEX "0"
#define ID_B HEX "1"
#define ID_C HEX "2"
#define SANDBOX HEX "3"
#define DIGEST "sha256:" HEX "4"
#define OTHER_DIGEST "sha256:" HEX "5"
#define CONFIG_DIGEST "sha256:" HEX "6"

#define NAMESPACES "/containerd.services.namespaces.v1.Namespaces/List"
#define CONTAINER "/containerd.services.containers.v1.Containers/Get"
#define CONTAINERS "/containerd.services.containers.v1.Containers/ListStream"
#define IMAGE "/containerd.services.images.v1.Images/Get"
#define EVENTS "/containerd.services.events.v1.Events/Subscribe"

#define VERSION "/runtime.v1.RuntimeService/Version"
#define CRI_CONTAINERS "/runtime.v1.RuntimeService/ListContainers"
#define CRI_SANDBOXES "/runtime.v1.RuntimeService/ListPodSandbox"
#define CRI_EVENTS "/runtime.v1.RuntimeService/GetContainerEvents"
#define CRI_IMAGE "/runtime.v1.ImageService/ImageStatus"

struct world {
	struct grpc_engine engine;
	const struct engine_driver *driver;
	void *session;
	struct container_facts facts;
	struct diag diag;
	struct buf bytes, body;
	char told[16][ENGINE_ID_LEN + 1];
	size_t n_told;
	atomic_bool stop;
};

static char *wanted[] = { (char[]) { "tier" }, (char[]) { "app" }, (char[]) { "absent" }, (char[]) { "app" } };
static const struct engines_options options = { .labels = wanted, .n_labels = ARRAY_LEN(wanted) };

static void frame(struct world *world, const ProtobufCMessage *message)
{
	assert_int_equal(engine_pack(message, &world->bytes), 0);
	frame_append(&world->body, world->bytes.data, world->bytes.len);
}

static struct row *frames_are(struct world *world, const char *method, const char *name_space)
{
	struct row *row = engine_says(&world->engine, method, WELL, world->body.data, world->body.len);

	row->name_space = name_space;
	buf_clear(&world->body);
	return row;
}

static struct row *says(struct world *world, const char *method, const char *name_space,
			const ProtobufCMessage *message)
{
	frame(world, message);
	return frames_are(world, method, name_space);
}

static struct row *refuses(struct world *world, const char *method, const char *name_space, const char *status)
{
	struct row *row = engine_says(&world->engine, method, AT_ONCE, "", 0);

	row->name_space = name_space;
	row->status = status;
	return row;
}

static void says_namespaces(struct world *world, size_t n, const char *const *names)
{
	Containerd__ListNamespacesResponse response = CONTAINERD__LIST_NAMESPACES_RESPONSE__INIT;
	Containerd__Namespace name_spaces[8], *list[8];

	for (size_t i = 0; i < n; i++) {
		containerd__namespace__init(&name_spaces[i]);
		name_spaces[i].name = engine_bytes(names[i]);
		list[i] = &name_spaces[i];
	}
	response.namespaces = list;
	response.n_namespaces = n;
	says(world, NAMESPACES, NULL, &response.base);
}

/* A container as containerd keeps one, to be spoilt by the tests. */
struct kept {
	Containerd__GetContainerResponse response;
	Containerd__Container container;
	Containerd__Timestamp created, updated;
	Engine__Entry entries[8], *labels[8];
	Containerd__GetImageResponse image_response;
	Containerd__Image image;
	Containerd__Descriptor target;
};

static void label(struct kept *kept, const char *key, const char *value)
{
	Engine__Entry *entry = &kept->entries[kept->container.n_labels];

	engine__entry__init(entry);
	entry->key = engine_bytes(key);
	entry->value = engine_bytes(value);
	kept->labels[kept->container.n_labels++] = entry;
}

static struct kept *kept(void)
{
	static struct kept it;

	containerd__get_container_response__init(&it.response);
	containerd__container__init(&it.container);
	containerd__timestamp__init(&it.created);
	containerd__timestamp__init(&it.updated);
	containerd__get_image_response__init(&it.image_response);
	containerd__image__init(&it.image);
	containerd__descriptor__init(&it.target);
	it.response.container = &it.container;
	it.container.id = engine_bytes(ID);
	it.container.image = engine_bytes("docker.io/library/nginx:1.25");
	it.container.created_at = &it.created;
	it.container.labels = it.labels;
	it.created = (Containerd__Timestamp) { it.created.base, 1700000000, 5 };
	it.updated = (Containerd__Timestamp) { it.updated.base, 1700000000, 5 };
	it.image_response.image = &it.image;
	it.image.name = it.container.image;
	it.image.target = &it.target;
	it.image.updated_at = &it.updated;
	it.target.digest = engine_bytes(DIGEST);
	label(&it, "app", "web");
	label(&it, "secret", "no business of ours");
	label(&it, "tier", "");
	label(&it, "io.kubernetes.pod.name", "web-0");
	label(&it, "io.kubernetes.pod.namespace", "shop");
	label(&it, "io.kubernetes.pod.uid", "2f8c");
	label(&it, "io.kubernetes.container.name", "nginx");
	return &it;
}

static int ask(struct world *world, const char *id)
{
	container_facts_done(&world->facts);
	world->diag.text[0] = '\0';
	return world->driver->ask(world->session, id, &world->diag, &world->facts);
}

/* What containerd says: the container in "default", and the image. */
static int ask_kept(struct world *world, struct kept *it)
{
	int r;

	says(world, CONTAINER, "default", &it->response.base);
	says(world, IMAGE, "default", &it->image_response.base);
	r = ask(world, ID);
	for (size_t i = 0; i < 2; i++)
		free(world->engine.rows[--world->engine.n_rows].body);
	return r;
}

static int setup(void **state, const struct engine_driver *driver)
{
	struct world *world = calloc(1, sizeof(*world));

	world->bytes = BUF_MAX(16u << 20);
	world->body = BUF_MAX(16u << 20);
	world->driver = driver;
	*state = world;
	return engine_start(&world->engine);
}

static int setup_containerd(void **state)
{
	static const char *const names[] = { "default" };
	struct world *world;

	if (setup(state, &engine_driver_containerd) != 0)
		return -1;
	world = *state;
	says_namespaces(world, 1, names);
	refuses(world, CONTAINER, NULL, "5");
	return world->driver->open(world->engine.path, &options, &world->diag, &world->session);
}

static void says_version(struct world *world, const char *name)
{
	Cri__VersionResponse version = CRI__VERSION_RESPONSE__INIT;

	version.runtime_name = engine_bytes(name);
	says(world, VERSION, NULL, &version.base);
}

static int setup_cri(void **state)
{
	struct world *world;

	if (setup(state, &engine_driver_cri) != 0)
		return -1;
	world = *state;
	says_version(world, "cri-o");
	return world->driver->open(world->engine.path, &options, &world->diag, &world->session);
}

static int teardown(void **state)
{
	struct world *world = *state;

	container_facts_done(&world->facts);
	world->driver->close(world->session);
	engine_stop(&world->engine);
	buf_done(&world->bytes);
	buf_done(&world->body);
	free(world);
	return 0;
}

static void tell(void *user, const char *id)
{
	struct world *world = user;

	assert_true(world->n_told < ARRAY_LEN(world->told));
	strcpy(world->told[world->n_told++], id);
}

/* ---- the forms ---- */

static void test_forms(void **state)
{
	(void)state;
	assert_true(engine_id_is(ID));
	assert_false(engine_id_is(HEX));
	assert_false(engine_id_is(ID "0"));
	assert_false(engine_id_is(HEX "A"));
	assert_false(engine_id_is(""));
	assert_true(engine_digest_is(DIGEST));
	assert_false(engine_digest_is(ID));
	assert_false(engine_digest_is("sha256:" HEX));
	assert_false(engine_digest_is("sha512:" ID));
	assert_false(engine_digest_is("SHA256:" ID));
	assert_string_equal(engine_reference_digest("localhost:5000/a/b:tag@" DIGEST), DIGEST);
	assert_null(engine_reference_digest("nginx"));
	assert_null(engine_reference_digest("@" DIGEST));
	assert_null(engine_reference_digest("nginx@" DIGEST "0"));
	assert_null(engine_reference_digest(DIGEST));
}

/* ---- containerd ---- */

static void test_containerd_ask(void **state)
{
	struct world *world = *state;
	const struct container_facts *facts = &world->facts;

	assert_int_equal(ask_kept(world, kept()), 1);
	assert_string_equal(facts->id, ID);
	assert_string_equal(facts->runtime, "containerd");
	assert_string_equal(facts->image_digest, DIGEST);
	assert_false(facts->image_digest_is_config);
	assert_string_equal(facts->image_reference, "docker.io/library/nginx:1.25");
	assert_string_equal(facts->name, "nginx");
	assert_string_equal(facts->pod, "web-0");
	assert_string_equal(facts->pod_namespace, "shop");
	assert_string_equal(facts->pod_uid, "2f8c");
	assert_int_equal(facts->n_labels, 2);
	assert_string_equal(facts->labels[0].key, "app");
	assert_string_equal(facts->labels[0].value, "web");
	assert_string_equal(facts->labels[1].key, "tier");
	assert_string_equal(facts->labels[1].value, "");
	assert_int_equal(ask(world, ID_B), 0);
}

static void test_containerd_namespaces(void **state)
{
	static const char *const names[] = { "moby", "bad\r\nte: x", "", "default", "k8s.io" };
	struct world *world = *state;

	says_namespaces(world, ARRAY_LEN(names), names);
	assert_int_equal(ask(world, ID), 0);
	assert_int_equal(world->engine.asked, 1 + 1 + 2); /* open; namespaces, two of them */
	says(world, CONTAINER, "moby", &kept()->response.base);
	assert_int_equal(ask(world, ID), 0);
	says(world, CONTAINER, "k8s.io", &kept()->response.base);
	refuses(world, IMAGE, "k8s.io", "5");
	assert_int_equal(ask(world, ID), 1);
	assert_null(world->facts.image_digest);
	assert_string_equal(world->facts.pod, "web-0");
	says(world, CONTAINER, "default", &kept()->response.base);
	refuses(world, IMAGE, "default", "5");
	assert_int_equal(ask(world, ID), -EPROTO);
	assert_null(world->facts.runtime);
}

/* A name that may mean another image by now tells no digest. */
static void test_containerd_moved_name(void **state)
{
	struct world *world = *state;
	struct kept *it = kept();

	it->updated.nanos++;
	assert_int_equal(ask_kept(world, it), 1);
	assert_null(world->facts.image_digest);
	assert_string_equal(world->facts.image_reference, "docker.io/library/nginx:1.25");
	it->updated.seconds--;
	assert_int_equal(ask_kept(world, it), 1);
	assert_string_equal(world->facts.image_digest, DIGEST);
	it->image.updated_at = NULL;
	assert_int_equal(ask_kept(world, it), 1);
	assert_null(world->facts.image_digest);
	/* A name with a digest in it cannot be moved. */
	it->container.image = it->image.name = engine_bytes("nginx@" DIGEST);
	assert_int_equal(ask_kept(world, it), 1);
	assert_string_equal(world->facts.image_digest, DIGEST);
	it->target.digest = engine_bytes(OTHER_DIGEST);
	assert_int_equal(ask_kept(world, it), -EPROTO);
	/* The CRI plugin's record under the image's id is no reference. */
	it = kept();
	it->container.image = it->image.name = engine_bytes(CONFIG_DIGEST);
	assert_int_equal(ask_kept(world, it), 1);
	assert_null(world->facts.image_reference);
	assert_string_equal(world->facts.image_digest, DIGEST);
}

static void test_containerd_lies(void **state)
{
	static const uint8_t nul[] = { 'a', 0, 'b' }, latin[] = { 0xe9, 't', 0xe9 };
	static char digests[][80] = { "sha256:", "sha256:" HEX, "md5:" ID, "sha256:" HEX "G",
				      "sha256:" ID "0" };
	struct world *world = *state;
	struct kept *it = kept();

	it->container.id = engine_bytes(ID_B);
	assert_int_equal(ask_kept(world, it), -EPROTO);
	it->response.container = NULL;
	assert_int_equal(ask_kept(world, it), -EPROTO);
	it = kept();
	it->image.name = engine_bytes("docker.io/library/nginx:1.26");
	assert_int_equal(ask_kept(world, it), -EPROTO);
	for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
		it = kept();
		it->target.digest = engine_bytes(digests[i]);
		assert_int_equal(ask_kept(world, it), -EPROTO);
	}
	for (size_t i = 0; i < 3; i++) {
		ProtobufCBinaryData bad = i == 0 ? (ProtobufCBinaryData) { 3, (uint8_t *)nul }
						 : (ProtobufCBinaryData) { 3, (uint8_t *)latin };

		it = kept();
		*(i < 2 ? &it->container.image : &it->entries[3].value) = bad;
		assert_int_equal(ask_kept(world, it), -EPROTO);
		assert_non_null(strstr(world->diag.text, "no text"));
		assert_null(world->facts.runtime);
	}
	/* A label that nobody asked for may hold what it likes. */
	it = kept();
	it->entries[1].value = (ProtobufCBinaryData) { 3, (uint8_t *)nul };
	assert_int_equal(ask_kept(world, it), 1);
}

static void test_containerd_lengths(void **state)
{
	struct world *world = *state;
	struct kept *it = kept();
	char text[ENGINE_REFERENCE_MAX + 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	it->container.image = it->image.name = engine_bytes(text);
	it->entries[0].value = engine_bytes(text);
	it->entries[6].value = engine_bytes(text);
	assert_int_equal(ask_kept(world, it), 1);
	assert_null(world->facts.image_reference);
	assert_null(world->facts.image_digest);
	assert_null(world->facts.name);
	assert_int_equal(world->facts.n_labels, 1);
	assert_true(world->facts.labels_refused > 0);
	it = kept();
	it->entries[3].value = engine_bytes(text);
	assert_int_equal(ask_kept(world, it), -EPROTO);
	it = kept();
	it->entries[0].value = engine_bytes(text + 1);
	it->container.image = it->image.name = engine_bytes(text + 1);
	assert_int_equal(ask_kept(world, it), 1);
	assert_int_equal(world->facts.n_labels, 2);
	assert_int_equal(strlen(world->facts.labels[0].value), ENGINE_LABEL_MAX);
	assert_int_equal(strlen(world->facts.image_reference), ENGINE_REFERENCE_MAX);
}

/* Bytes that are no message, and a message that is small on the wire only: 1.5 million empty labels. */
static void test_containerd_garbage(void **state)
{
	enum { LABELS = 1500000 };
	static const uint8_t length[] = { 0x0a, 0xc0, 0x8d, 0xb7, 0x01 }; /* field 1, 3000000 bytes */
	static const char *const garbage[] = { "\xff\xff\xff\xff", "\x0a\x7f", "\x0a\x02\x0a\x7f", "\x0b\x0c",
					       "<html>" };
	struct world *world = *state;
	struct buf bomb = BUF_MAX(ENGINE_ANSWER_MAX);

	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		frame_append(&world->body, garbage[i], strlen(garbage[i]));
		frames_are(world, CONTAINER, NULL);
		assert_int_equal(ask(world, ID), -EPROTO);
	}
	assert_int_equal(buf_append(&bomb, length, sizeof(length)), 0);
	for (size_t i = 0; i < LABELS; i++)
		assert_int_equal(buf_append(&bomb, "\x12", 2), 0);
	frame_append(&world->body, bomb.data, bomb.len);
	frames_are(world, CONTAINER, NULL);
	assert_int_equal(ask(world, ID), -EPROTO);
	assert_non_null(strstr(world->diag.text, "16 MB"));
	buf_done(&bomb);
	frame_append(&world->body, "\xff", 1);
	frames_are(world, NAMESPACES, NULL);
	assert_int_equal(ask(world, ID), -EPROTO);
}

static void test_containerd_list(void **state)
{
	static const char *const names[] = { "default", "k8s.io" };
	static const char *const ids[] = { ID, "busybox", ID_B };
	struct world *world = *state;
	struct kept *it = kept();

	says_namespaces(world, 2, names);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		it->container.id = engine_bytes(ids[i]);
		frame(world, &it->response.base);
	}
	frames_are(world, CONTAINERS, "default");
	it->container.id = engine_bytes(ID_C);
	says(world, CONTAINERS, "k8s.io", &it->response.base);
	assert_int_equal(world->driver->list(world->session, tell, world, &world->diag), 0);
	assert_int_equal(world->n_told, 3);
	assert_string_equal(world->told[0], ID);
	assert_string_equal(world->told[1], ID_B);
	assert_string_equal(world->told[2], ID_C);
}

static void count(void *user, const char *id)
{
	(void)id;
	(*(size_t *)user)++;
}

static void test_containerd_endless_list(void **state)
{
	struct world *world = *state;
	size_t n = 0;

	says(world, CONTAINERS, NULL, &kept()->response.base)->manner = ENDLESS;
	assert_int_equal(world->driver->list(world->session, count, &n, &world->diag), 0);
	assert_int_equal(n, ENGINE_QUEUE_MAX);
}

static void event(struct world *world, const char *name_space, const char *topic, const char *id)
{
	Containerd__Envelope envelope = CONTAINERD__ENVELOPE__INIT;
	Containerd__ContainerEvent inner = CONTAINERD__CONTAINER_EVENT__INIT;
	Containerd__Any any = CONTAINERD__ANY__INIT;
	uint8_t packed[256];

	inner.id = engine_bytes(id);
	any.value = (ProtobufCBinaryData) { containerd__container_event__pack(&inner, packed), packed };
	envelope.namespace_ = engine_bytes(name_space);
	envelope.topic = engine_bytes(topic);
	envelope.event = &any;
	frame(world, &envelope.base);
}

static void test_containerd_watch(void **state)
{
	struct world *world = *state;

	event(world, "default", "/containers/create", ID);
	event(world, "default", "/tasks/start", ID_B);
	event(world, "default", "/tasks/exit", SANDBOX);
	event(world, "moby", "/tasks/start", SANDBOX);
	event(world, "default", "/tasks/create", "no-hex");
	event(world, "k8s.io", "/tasks/create", ID_C);
	frames_are(world, EVENTS, NULL);
	assert_int_equal(world->driver->watch(world->session, &world->stop, tell, world, &world->diag),
			 -ECONNRESET);
	assert_int_equal(world->n_told, 3);
	assert_string_equal(world->told[0], ID);
	assert_string_equal(world->told[1], ID_B);
	assert_string_equal(world->told[2], ID_C);
	assert_non_null(
		memmem(world->engine.asked_body, world->engine.asked_len, "topic==\"/tasks/start\"", 21));
	event(world, "default", "/tasks/start", ID);
	frame_append(&world->body, "\xff\xff", 2);
	frames_are(world, EVENTS, NULL);
	assert_int_equal(world->driver->watch(world->session, &world->stop, tell, world, &world->diag),
			 -EPROTO);
	assert_int_equal(world->n_told, 4);
	world->stop = true;
	assert_int_equal(world->driver->watch(world->session, &world->stop, tell, world, &world->diag), 0);
}

static void test_containerd_is_another(void **state)
{
	struct world *world = *state;
	void *session = NULL;

	engine_forgets(&world->engine);
	assert_int_equal(world->driver->open(world->engine.path, &options, &world->diag, &session),
			 -EOPNOTSUPP);
	assert_null(session);
	assert_string_not_equal(world->diag.text, "");
}

/* ---- CRI ---- */

struct known {
	Cri__ListContainersResponse containers;
	Cri__Container container, *list[1];
	Cri__ContainerMetadata metadata;
	Cri__ImageSpec spec;
	Engine__Entry entries[4], *labels[4];
	Cri__ListPodSandboxResponse sandboxes;
	Cri__PodSandbox sandbox, *items[1];
	Cri__PodSandboxMetadata pod;
	Cri__ImageStatusResponse status;
	Cri__Image image;
	ProtobufCBinaryData digests[3];
};

static struct known *known(void)
{
	static struct known it;

	cri__list_containers_response__init(&it.containers);
	cri__container__init(&it.container);
	cri__container_metadata__init(&it.metadata);
	cri__image_spec__init(&it.spec);
	cri__list_pod_sandbox_response__init(&it.sandboxes);
	cri__pod_sandbox__init(&it.sandbox);
	cri__pod_sandbox_metadata__init(&it.pod);
	cri__image_status_response__init(&it.status);
	cri__image__init(&it.image);
	engine__entry__init(&it.entries[0]);
	it.containers.containers = it.list;
	it.containers.n_containers = 1;
	it.list[0] = &it.container;
	it.container.id = engine_bytes(ID);
	it.container.pod_sandbox_id = engine_bytes(SANDBOX);
	it.container.metadata = &it.metadata;
	it.container.image = &it.spec;
	it.container.image_ref = engine_bytes("quay.io/nginx@" DIGEST);
	it.container.labels = it.labels;
	it.container.n_labels = 1;
	it.labels[0] = &it.entries[0];
	it.entries[0].key = engine_bytes("app");
	it.entries[0].value = engine_bytes("web");
	it.metadata.name = engine_bytes("nginx");
	it.spec.image = engine_bytes("quay.io/nginx:1.25");
	it.sandboxes.items = it.items;
	it.sandboxes.n_items = 1;
	it.items[0] = &it.sandbox;
	it.sandbox.id = engine_bytes(SANDBOX);
	it.sandbox.metadata = &it.pod;
	it.pod.name = engine_bytes("web-0");
	it.pod.namespace_ = engine_bytes("shop");
	it.pod.uid = engine_bytes("2f8c");
	it.status.image = &it.image;
	it.image.id = engine_bytes(CONFIG_DIGEST);
	it.image.repo_digests = it.digests;
	return &it;
}

static int ask_known(struct world *world, struct known *it)
{
	int r;

	says(world, CRI_CONTAINERS, NULL, &it->containers.base);
	says(world, CRI_SANDBOXES, NULL, &it->sandboxes.base);
	says(world, CRI_IMAGE, NULL, &it->status.base);
	r = ask(world, ID);
	for (size_t i = 0; i < 3; i++)
		free(world->engine.rows[--world->engine.n_rows].body);
	return r;
}

static void test_cri_ask(void **state)
{
	struct world *world = *state;
	const struct container_facts *facts = &world->facts;

	assert_int_equal(ask_known(world, known()), 1);
	assert_string_equal(facts->id, ID);
	assert_string_equal(facts->runtime, "cri-o");
	assert_string_equal(facts->image_digest, DIGEST);
	assert_false(facts->image_digest_is_config);
	assert_string_equal(facts->image_reference, "quay.io/nginx:1.25");
	assert_string_equal(facts->name, "nginx");
	assert_string_equal(facts->pod, "web-0");
	assert_string_equal(facts->pod_namespace, "shop");
	assert_string_equal(facts->pod_uid, "2f8c");
	assert_int_equal(facts->n_labels, 1);
	assert_string_equal(facts->labels[0].value, "web");
}

static void test_cri_image_ids(void **state)
{
	struct world *world = *state;
	struct known *it = known();

	it->container.image_ref = engine_bytes(CONFIG_DIGEST);
	assert_int_equal(ask_known(world, it), 1);
	assert_string_equal(world->facts.image_digest, CONFIG_DIGEST);
	assert_true(world->facts.image_digest_is_config);
	/* CRI-O's form. */
	it->container.image_ref = it->image.id = engine_bytes(CONFIG_DIGEST + 7);
	assert_int_equal(ask_known(world, it), 1);
	assert_string_equal(world->facts.image_digest, CONFIG_DIGEST);
	assert_true(world->facts.image_digest_is_config);
	/* Two repositories have it: that which it was asked from. */
	it->digests[0] = engine_bytes("mirror:5000/nginx@" OTHER_DIGEST);
	it->digests[1] = engine_bytes("no digest");
	it->digests[2] = engine_bytes("quay.io/nginx@" DIGEST);
	it->image.n_repo_digests = 3;
	assert_int_equal(ask_known(world, it), 1);
	assert_string_equal(world->facts.image_digest, DIGEST);
	assert_false(world->facts.image_digest_is_config);
	it->spec.image = engine_bytes("mirror:5000/nginx");
	assert_int_equal(ask_known(world, it), 1);
	assert_string_equal(world->facts.image_digest, OTHER_DIGEST);
	/* Nothing to hold on to: unknown. */
	it->image.n_repo_digests = 0;
	it->image.id = engine_bytes("nonsense");
	assert_int_equal(ask_known(world, it), 1);
	assert_null(world->facts.image_digest);
	assert_false(world->facts.image_digest_is_config);
	it->status.image = NULL;
	assert_int_equal(ask_known(world, it), 1);
	assert_null(world->facts.image_digest);
	it->container.image_ref = engine_bytes("");
	assert_int_equal(ask_known(world, it), 1);
	assert_null(world->facts.image_digest);
}

static void test_cri_sandbox(void **state)
{
	struct world *world = *state;
	struct known *it = known();

	it->containers.n_containers = 0;
	it->sandbox.id = engine_bytes(ID);
	it->sandbox.labels = it->labels;
	it->sandbox.n_labels = 1;
	assert_int_equal(ask_known(world, it), 1);
	assert_string_equal(world->facts.id, ID);
	assert_string_equal(world->facts.runtime, "cri-o");
	assert_string_equal(world->facts.pod, "web-0");
	assert_null(world->facts.image_digest);
	assert_int_equal(world->facts.n_labels, 1);
	it->sandboxes.n_items = 0;
	assert_int_equal(ask_known(world, it), 0);
}

static void test_cri_lies(void **state)
{
	static const uint8_t nul[] = { 'a', 0, 'b' };
	struct world *world = *state;
	struct known *it = known();

	it->container.id = engine_bytes(ID_B);
	assert_int_equal(ask_known(world, it), -EPROTO);
	it = known();
	it->sandbox.id = engine_bytes(ID_B);
	assert_int_equal(ask_known(world, it), -EPROTO);
	it = known();
	it->metadata.name = (ProtobufCBinaryData) { 3, (uint8_t *)nul };
	assert_int_equal(ask_known(world, it), -EPROTO);
	it = known();
	it->container.image_ref = engine_bytes(CONFIG_DIGEST);
	it->digests[0] = (ProtobufCBinaryData) { 3, (uint8_t *)nul };
	it->image.n_repo_digests = 1;
	assert_int_equal(ask_known(world, it), -EPROTO);
	assert_null(world->facts.runtime);
}

static void test_cri_runtimes(void **state)
{
	struct world *world = *state;
	void *session = NULL;

	says_version(world, "frobnicator");
	assert_int_equal(world->driver->open(world->engine.path, &options, &world->diag, &session),
			 -EOPNOTSUPP);
	says_version(world, "containerd");
	assert_int_equal(world->driver->open(world->engine.path, &options, &world->diag, &session), 0);
	world->driver->close(session);
	engine_forgets(&world->engine);
	session = NULL;
	assert_int_equal(world->driver->open(world->engine.path, &options, &world->diag, &session),
			 -EOPNOTSUPP);
	assert_null(session);
}

static void test_cri_list(void **state)
{
	struct world *world = *state;

	says(world, CRI_CONTAINERS, NULL, &known()->containers.base);
	says(world, CRI_SANDBOXES, NULL, &known()->sandboxes.base);
	assert_int_equal(world->driver->list(world->session, tell, world, &world->diag), 0);
	assert_int_equal(world->n_told, 2);
	assert_string_equal(world->told[0], ID);
	assert_string_equal(world->told[1], SANDBOX);
}

static void test_cri_watch(void **state)
{
	static const char *const ids[] = { ID, ID_B, ID_C, SANDBOX, "short" };
	struct world *world = *state;

	/* Not there, and there without a word: both are no stream. */
	assert_int_equal(world->driver->watch(world->session, &world->stop, tell, world, &world->diag),
			 -EOPNOTSUPP);
	frames_are(world, CRI_EVENTS, NULL);
	assert_int_equal(world->driver->watch(world->session, &world->stop, tell, world, &world->diag),
			 -EOPNOTSUPP);
	for (int i = 0; i < (int)ARRAY_LEN(ids); i++) {
		Cri__ContainerEventResponse response = CRI__CONTAINER_EVENT_RESPONSE__INIT;

		response.container_id = engine_bytes(ids[i]);
		response.container_event_type = i % 4;
		frame(world, &response.base);
	}
	frames_are(world, CRI_EVENTS, NULL);
	assert_int_equal(world->driver->watch(world->session, &world->stop, tell, world, &world->diag),
			 -ECONNRESET);
	assert_int_equal(world->n_told, 2);
	assert_string_equal(world->told[0], ID);
	assert_string_equal(world->told[1], ID_B);
}

#define CONTAINERD_CASE(test) cmocka_unit_test_setup_teardown(test, setup_containerd, teardown)
#define CRI_CASE(test) cmocka_unit_test_setup_teardown(test, setup_cri, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		CONTAINERD_CASE(test_containerd_ask),
		CONTAINERD_CASE(test_containerd_namespaces),
		CONTAINERD_CASE(test_containerd_moved_name),
		CONTAINERD_CASE(test_containerd_lies),
		CONTAINERD_CASE(test_containerd_lengths),
		CONTAINERD_CASE(test_containerd_garbage),
		CONTAINERD_CASE(test_containerd_list),
		CONTAINERD_CASE(test_containerd_endless_list),
		CONTAINERD_CASE(test_containerd_watch),
		CONTAINERD_CASE(test_containerd_is_another),
		CRI_CASE(test_cri_ask),
		CRI_CASE(test_cri_image_ids),
		CRI_CASE(test_cri_sandbox),
		CRI_CASE(test_cri_lies),
		CRI_CASE(test_cri_runtimes),
		CRI_CASE(test_cri_list),
		CRI_CASE(test_cri_watch),
	};

	return cmocka_run_group_tests_name("engine_grpc_answers", tests, NULL, NULL);
}
