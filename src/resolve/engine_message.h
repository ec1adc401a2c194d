/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Protobuf between an engine and us: packed and unpacked by protobuf-c, under a ceiling of memory (two bytes on the wire
 * can ask for a hundred in memory), and the texts in it checked: protobuf-c looks at neither UTF-8 nor NULs. Fields that
 * our .proto files do not name are skipped.
 */

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "resolve/engines.h"

#define ENGINE_MESSAGE_MEMORY_MAX \
	(16u << 20) /* bytes asked for while one answer is unpacked, from first to last */

struct Engine__Entry; /* engine_entry.proto */

/* Replaces what is in `out`: 0, -E2BIG or -ENOMEM. */
int engine_pack(const ProtobufCMessage *message, struct buf *out);
/*
 * `ret_message` points to a pointer to the C type of `type`; what it gets is for engine_message_free. -EPROTO: no such
 * message, or one that asks for too much memory.
 */
int engine_unpack(const ProtobufCMessageDescriptor *type, struct str bytes, struct diag *diag,
		  void *ret_message);
void engine_message_free(void *message);

static inline void engine_message_freep(void *held)
{
	engine_message_free(*(void **)held);
}

static inline ProtobufCBinaryData engine_bytes(const char *text)
{
	return (ProtobufCBinaryData) { strlen(text), (uint8_t *)(uintptr_t)text };
}

static inline bool engine_bytes_are(ProtobufCBinaryData bytes, const char *text)
{
	return bytes.len == strlen(text) && (bytes.len == 0 || memcmp(bytes.data, text, bytes.len) == 0);
}

/* 64 lower-case hex digits, or false. */
bool engine_id_take(ProtobufCBinaryData bytes, char ret_id[ENGINE_ID_LEN + 1]);

/*
 * A copy. Empty is unknown, and so is what is longer than `max` (an honest engine may have that): NULL. -EPROTO: a NUL in
 * it, or no UTF-8, which no honest engine sends.
 */
int engine_text_take(ProtobufCBinaryData bytes, size_t max, const char *what, struct diag *diag,
		     char **ret_text);

/* The value of a key, the last one when there are several as protobuf has it; empty when there is none. */
ProtobufCBinaryData engine_entry_value(struct Engine__Entry *const *entries, size_t n, const char *key);

/*
 * container_facts_label over them. -EPROTO also when a text that it would take has a NUL in it or is no UTF-8; what nobody
 * asks for is not looked at.
 */
int engine_labels_take(struct Engine__Entry *const *entries, size_t n, const struct engines_options *options,
		       struct diag *diag, struct container_facts *facts);
