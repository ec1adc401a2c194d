// SPDX-License-Identifier: Apache-2.0
/*
 * Promises that nothing is taken from an answer that speaks of another container or image than the one asked for, and that
 * a digest is the one that the container was made from. containerd keeps only the image's name with a container, and a name
 * can be moved to another image (a tag pulled again): the time of the name's last change against that of the container's
 * creation tells whether it may have been.
 */

#include "resolve/engine_containerd_answer.h"

#include "resolve/engine_driver.h"
#include "resolve/engine_message.h"

#include "engine_containerd.pb-c.h"

#define DOCKER_NAMESPACE "moby"
/* In what order a container's name is looked for: nerdctl's, and that within the pod. */
static const char *const name_labels[] = { "nerdctl/name", "io.kubernetes.container.name" };

static const char *const starting_topics[] = { "/containers/create", "/tasks/create", "/tasks/start" };

/* It goes into a header of the next question, so no other byte than containerd allows in an identifier. */
static bool namespace_take(ProtobufCBinaryData bytes, char ret_name[CONTAINERD_NAMESPACE_MAX + 1])
{
	char name[CONTAINERD_NAMESPACE_MAX + 1];

	if (bytes.len == 0 || bytes.len > CONTAINERD_NAMESPACE_MAX || engine_bytes_are(bytes, DOCKER_NAMESPACE))
		return false;
	memcpy(name, bytes.data, bytes.len);
	name[bytes.len] = '\0';
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != bytes.len)
		return false;
	memcpy(ret_name, name, bytes.len + 1);
	return true;
}

int containerd_namespaces_read(struct str answer, struct diag *diag,
			       struct containerd_namespaces *ret_namespaces)
{
	_cleanup_(engine_message_freep) Containerd__ListNamespacesResponse *said = NULL;
	int r = engine_unpack(&containerd__list_namespaces_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	ret_namespaces->n = 0;
	for (size_t i = 0; i < said->n_namespaces && ret_namespaces->n < CONTAINERD_NAMESPACES_MAX; i++)
		ret_namespaces->n +=
			namespace_take(said->namespaces[i]->name, ret_namespaces->names[ret_namespaces->n]);
	return 0;
}

int containerd_listed_read(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1])
{
	_cleanup_(engine_message_freep) Containerd__GetContainerResponse *said = NULL;
	int r = engine_unpack(&containerd__get_container_response__descriptor, message, diag, &said);

	if (r < 0)
		return r;
	return said->container && engine_id_take(said->container->id, ret_id);
}

static int name_take(const Containerd__Container *container, struct diag *diag, struct container_facts *facts)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(name_labels) && !facts->name && r == 0; i++)
		r = engine_text_take(engine_entry_value(container->labels, container->n_labels, name_labels[i]),
				     ENGINE_NAME_MAX, name_labels[i], diag, &facts->name);
	return r;
}

static struct containerd_time time_of(const Containerd__Timestamp *timestamp)
{
	return timestamp ? (struct containerd_time) { timestamp->seconds, timestamp->nanos }
			 : (struct containerd_time) { 0, 0 };
}

int containerd_container_read(struct str answer, const char *id, const struct engines_options *options,
			      struct diag *diag, struct container_facts *ret_facts, char **ret_image,
			      struct containerd_time *ret_created)
{
	_cleanup_(engine_message_freep) Containerd__GetContainerResponse *said = NULL;
	_cleanup_(container_facts_done) struct container_facts facts = { .runtime = "containerd" };
	_cleanup_(freep) char *image = NULL;
	const Containerd__Container *container;
	int r = engine_unpack(&containerd__get_container_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	container = said->container;
	if (!container || !engine_id_take(container->id, facts.id) || strcmp(facts.id, id) != 0)
		return diag_error(diag, -EPROTO, "asked for container %s, the answer is another's", id);
	r = engine_text_take(container->image, ENGINE_REFERENCE_MAX, "an image's name", diag, &image);
	if (r == 0)
		r = name_take(container, diag, &facts);
	if (r == 0)
		r = engine_labels_take(container->labels, container->n_labels, options, diag, &facts);
	if (r < 0)
		return r;
	/* The CRI plugin has records of images under their own id, too; that is no reference. */
	if (image && !engine_digest_is(image)) {
		facts.image_reference = strdup(image);
		if (!facts.image_reference)
			return -ENOMEM;
	}
	*ret_created = time_of(container->created_at);
	*ret_image = TAKE(image);
	*ret_facts = facts;
	facts = (struct container_facts) { .runtime = NULL };
	return 0;
}

static bool is_later(const struct containerd_time *a, const struct containerd_time *b)
{
	return a->seconds > b->seconds || (a->seconds == b->seconds && a->nanos > b->nanos);
}

int containerd_image_read(struct str answer, const char *name, const struct containerd_time *created,
			  struct diag *diag, char **ret_digest)
{
	_cleanup_(engine_message_freep) Containerd__GetImageResponse *said = NULL;
	_cleanup_(freep) char *digest = NULL;
	const char *named = engine_reference_digest(name);
	struct containerd_time updated;
	int r = engine_unpack(&containerd__get_image_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	if (!said->image || !engine_bytes_are(said->image->name, name) || !said->image->target)
		return diag_error(diag, -EPROTO, "asked for image %s, the answer is another's", name);
	r = engine_text_take(said->image->target->digest, ENGINE_NAME_MAX, "a digest", diag, &digest);
	if (r < 0)
		return r;
	if (!digest || !engine_digest_is(digest) || (named && strcmp(named, digest) != 0))
		return diag_error(diag, -EPROTO, "image %s has no digest, or one that is not its name's", name);
	updated = time_of(said->image->updated_at);
	if (!named && (updated.seconds == 0 || created->seconds == 0 || is_later(&updated, created)))
		*ret_digest = NULL;
	else
		*ret_digest = TAKE(digest);
	return 0;
}

static bool topic_starts(ProtobufCBinaryData topic)
{
	for (size_t i = 0; i < ARRAY_LEN(starting_topics); i++) {
		if (engine_bytes_are(topic, starting_topics[i]))
			return true;
	}
	return false;
}

int containerd_event_read(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1])
{
	_cleanup_(engine_message_freep) Containerd__Envelope *envelope = NULL;
	_cleanup_(engine_message_freep) Containerd__ContainerEvent *event = NULL;
	int r = engine_unpack(&containerd__envelope__descriptor, message, diag, &envelope);

	if (r < 0)
		return r;
	if (!envelope->event || !topic_starts(envelope->topic) ||
	    engine_bytes_are(envelope->namespace_, DOCKER_NAMESPACE))
		return 0;
	r = engine_unpack(
		&containerd__container_event__descriptor,
		(struct str) { (const char *)envelope->event->value.data, envelope->event->value.len }, diag,
		&event);
	return r < 0 ? r : engine_id_take(event->id, ret_id);
}
