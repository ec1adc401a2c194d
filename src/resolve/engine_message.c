// SPDX-License-Identifier: Apache-2.0
/*
 * Promises that whatever bytes an engine sends become a message of our own or -EPROTO, within a fixed amount of memory, and
 * that every text taken out of it is UTF-8 without a NUL. A message belongs to who unpacked it; texts are copied.
 */

#include "resolve/engine_message.h"

#include <assert.h>
#include <stdlib.h>

#include "base/text.h"
#include "resolve/engine_driver.h"

#include "engine_entry.pb-c.h"

/* What is given back while unpacking (the list of fields found) is not added again: the sum only grows. */
struct ceiling {
	size_t left;
	bool no_memory; /* malloc's own refusal */
};

static void *ceiling_alloc(void *user, size_t size)
{
	struct ceiling *ceiling = user;
	void *memory;

	if (size > ceiling->left)
		return NULL;
	ceiling->left -= size;
	memory = malloc(size);
	ceiling->no_memory |= memory == NULL;
	return memory;
}

static void ceiling_free(void *user, void *memory)
{
	(void)user;
	free(memory);
}

int engine_unpack(const ProtobufCMessageDescriptor *type, struct str bytes, struct diag *diag,
		  void *ret_message)
{
	struct ceiling ceiling = { .left = ENGINE_MESSAGE_MEMORY_MAX };
	ProtobufCAllocator allocator = { ceiling_alloc, ceiling_free, &ceiling };
	ProtobufCMessage *message;

	message = protobuf_c_message_unpack(type, &allocator, bytes.len, (const uint8_t *)bytes.data);
	if (message) {
		memcpy(ret_message, &message, sizeof(message));
		return 0;
	}
	if (ceiling.no_memory)
		return -ENOMEM;
	return diag_error(diag, -EPROTO,
			  "the answer of %zu bytes is no %s, or one that asks for more than %u MB", bytes.len,
			  type->short_name, ENGINE_MESSAGE_MEMORY_MAX >> 20);
}

void engine_message_free(void *message)
{
	struct ceiling ceiling = { .left = 0 };
	ProtobufCAllocator allocator = { ceiling_alloc, ceiling_free, &ceiling };

	if (message)
		protobuf_c_message_free_unpacked(message, &allocator);
}

int engine_pack(const ProtobufCMessage *message, struct buf *out)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	int r;

	buf_clear(out);
	r = buf_reserve(out, size);
	if (r < 0)
		return r;
	if (size > 0)
		out->len = protobuf_c_message_pack(message, (uint8_t *)out->data);
	return 0;
}

bool engine_id_take(ProtobufCBinaryData bytes, char ret_id[ENGINE_ID_LEN + 1])
{
	char id[ENGINE_ID_LEN + 1];

	if (bytes.len != ENGINE_ID_LEN)
		return false;
	memcpy(id, bytes.data, ENGINE_ID_LEN);
	id[ENGINE_ID_LEN] = '\0';
	if (!engine_id_is(id))
		return false;
	memcpy(ret_id, id, sizeof(id));
	return true;
}

int engine_text_take(ProtobufCBinaryData bytes, size_t max, const char *what, struct diag *diag,
		     char **ret_text)
{
	char *text;

	if (bytes.len > 0 && (memchr(bytes.data, '\0', bytes.len) ||
			      !text_is_utf8((struct str) { (const char *)bytes.data, bytes.len })))
		return diag_error(diag, -EPROTO,
				  "%s in the answer is no text: %zu bytes with a NUL or other than UTF-8", what,
				  bytes.len);
	*ret_text = NULL;
	if (bytes.len == 0 || bytes.len > max)
		return 0;
	text = strndup((const char *)bytes.data, bytes.len);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

static const Engine__Entry *entry_find(Engine__Entry *const *entries, size_t n, const char *key)
{
	while (n-- > 0) {
		if (engine_bytes_are(entries[n]->key, key))
			return entries[n];
	}
	return NULL;
}

ProtobufCBinaryData engine_entry_value(Engine__Entry *const *entries, size_t n, const char *key)
{
	const Engine__Entry *entry = entry_find(entries, n, key);

	return entry ? entry->value : (ProtobufCBinaryData) { 0, NULL };
}

int engine_pod_take(Engine__Entry *const *entries, size_t n, struct diag *diag, struct container_facts *facts)
{
	const struct {
		const char *key;
		char **to;
	} rows[] = {
		{ "io.kubernetes.pod.name", &facts->pod },
		{ "io.kubernetes.pod.namespace", &facts->pod_namespace },
		{ "io.kubernetes.pod.uid", &facts->pod_uid },
	};
	int r;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (*rows[i].to)
			continue;
		r = engine_text_take(engine_entry_value(entries, n, rows[i].key), ENGINE_NAME_MAX, rows[i].key,
				     diag, rows[i].to);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_label(const struct container_facts *facts, const char *key)
{
	for (size_t i = 0; i < facts->n_labels; i++) {
		if (strcmp(facts->labels[i].key, key) == 0)
			return true;
	}
	return false;
}

/* Asked for, there and not too long: kept. An empty value is a value. */
static int label_take(Engine__Entry *const *entries, size_t n, const char *key, struct diag *diag,
		      struct container_facts *facts)
{
	const Engine__Entry *entry = entry_find(entries, n, key);
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) char *copy = NULL;
	int r;

	if (!entry)
		return 0;
	r = engine_text_take(entry->value, ENGINE_LABEL_MAX, "a label", diag, &text);
	if (r < 0)
		return r;
	if (!text && entry->value.len > 0)
		return 0;
	copy = strdup(key);
	if (!text)
		text = strdup("");
	if (!copy || !text)
		return -ENOMEM;
	facts->labels[facts->n_labels++] = (struct engine_label) { TAKE(copy), TAKE(text) };
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct engine_label *)a)->key, ((const struct engine_label *)b)->key);
}

int engine_labels_take(Engine__Entry *const *entries, size_t n, const struct engines_options *options,
		       struct diag *diag, struct container_facts *facts)
{
	int r;

	assert(!facts->labels);
	if (n == 0 || options->n_labels == 0)
		return 0;
	facts->labels = calloc(ENGINE_LABELS_MAX, sizeof(*facts->labels));
	if (!facts->labels)
		return -ENOMEM;
	for (size_t i = 0; i < options->n_labels && facts->n_labels < ENGINE_LABELS_MAX; i++) {
		if (strlen(options->labels[i]) > ENGINE_LABEL_MAX || has_label(facts, options->labels[i]))
			continue;
		r = label_take(entries, n, options->labels[i], diag, facts);
		if (r < 0)
			return r;
	}
	qsort(facts->labels, facts->n_labels, sizeof(*facts->labels), by_key);
	return 0;
}
