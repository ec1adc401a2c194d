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
	if (!container_id_is((struct str) { (const char *)bytes.data, bytes.len }))
		return false;
	memcpy(ret_id, bytes.data, ENGINE_ID_LEN);
	ret_id[ENGINE_ID_LEN] = '\0';
	return true;
}

static int text_check(ProtobufCBinaryData bytes, const char *what, struct diag *diag)
{
	if (bytes.len > 0 && (memchr(bytes.data, '\0', bytes.len) ||
			      !text_is_utf8((struct str) { (const char *)bytes.data, bytes.len })))
		return diag_error(diag, -EPROTO,
				  "%s in the answer is no text: %zu bytes with a NUL or other than UTF-8", what,
				  bytes.len);
	return 0;
}

int engine_text_take(ProtobufCBinaryData bytes, size_t max, const char *what, struct diag *diag,
		     char **ret_text)
{
	char *text;
	int r = text_check(bytes, what, diag);

	if (r < 0)
		return r;
	*ret_text = NULL;
	if (bytes.len == 0 || bytes.len > max)
		return 0;
	text = malloc(bytes.len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, bytes.data, bytes.len);
	text[bytes.len] = '\0';
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

struct search {
	Engine__Entry *const *entries;
	size_t n;
	struct diag *diag;
	struct buf value; /* of the last one found, ended */
	int error;
};

static int value_copy(struct search *search, ProtobufCBinaryData value)
{
	int r = text_check(value, "a label", search->diag);

	buf_clear(&search->value);
	if (r == 0)
		r = buf_append(&search->value, value.data, value.len);
	return r < 0 ? r : buf_append(&search->value, "", 1);
}

/* NULL when there is none, and when it does not hold: then `error` says so, and nothing more is told. */
static const char *label_find(void *user, const char *key)
{
	struct search *search = user;
	const Engine__Entry *entry = entry_find(search->entries, search->n, key);

	if (!entry || search->error < 0)
		return NULL;
	search->error = value_copy(search, entry->value);
	return search->error < 0 ? NULL : search->value.data;
}

int engine_labels_take(Engine__Entry *const *entries, size_t n, const struct engines_options *options,
		       struct diag *diag, struct container_facts *facts)
{
	struct search search = { entries, n, diag, BUF_MAX(ENGINE_ANSWER_MAX + 1), 0 };
	int r = container_facts_label(facts, options, label_find, &search, diag);

	buf_done(&search.value);
	return search.error < 0 ? search.error : r;
}
