// SPDX-License-Identifier: Apache-2.0
/*
 * function_call, with its texts and those of its callers, as the collector has completed it (target_record.c). As in
 * decode.c every length is checked before it is used, and nothing is kept.
 */

#include <string.h>

#include "probe/decode_parts.h"

/* What the collector put behind the record's own texts. */
static bool decode_caller(const struct wire_caller *fixed, struct tail *tail, struct event_caller *caller)
{
	struct wire_caller_name name;
	struct str bytes;

	if (!tail_take(tail, sizeof(name), &bytes))
		return false;
	memcpy(&name, bytes.data, sizeof(name));
	if (name.symbol_len > WIRE_SYMBOL_MAX || name.library_len > WIRE_PATH_MAX ||
	    name.build_id_len > WIRE_BUILD_ID_MAX || fixed->offset == 0)
		return false;
	caller->inode = fixed->inode;
	caller->offset = fixed->offset;
	dev_split(fixed->dev, &caller->dev_major, &caller->dev_minor);
	caller->build_id =
		build_id_of(bytes.data, offsetof(struct wire_caller_name, build_id), name.build_id_len);
	if (!tail_take(tail, name.symbol_len, &caller->symbol) ||
	    !tail_take(tail, name.library_len, &caller->library))
		return false;
	if (name.symbol_len == 0)
		caller->symbol = (struct str) { 0 };
	if (name.library_len == 0)
		caller->library = (struct str) { 0 };
	return true;
}

/* Above one that is unknown there is none. */
static bool decode_callers(const struct wire_function_call *fixed, struct tail *tail,
			   struct event_function *function)
{
	size_t known = 0;

	while (known < WIRE_CALLERS && fixed->callers[known].inode != 0) {
		if (!decode_caller(&fixed->callers[known], tail, &function->callers[known]))
			return false;
		known++;
	}
	function->n_callers = known;
	for (; known < WIRE_CALLERS; known++) {
		if (fixed->callers[known].inode != 0)
			return false;
	}
	return tail->left == 0;
}

bool decode_function(const void *data, size_t len, struct event *event)
{
	struct event_function *function = &event->function;
	struct wire_function_call fixed;
	struct tail tail;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	tail = (struct tail) { (const char *)data + sizeof(fixed), len - sizeof(fixed) };
	if (fixed.target != 0 || fixed.symbol_len == 0 || fixed.symbol_len > WIRE_SYMBOL_MAX ||
	    fixed.library_len == 0 || fixed.library_len > WIRE_PATH_MAX || fixed.purl_len > WIRE_PURL_MAX ||
	    fixed.build_id_len > WIRE_BUILD_ID_MAX)
		return false;
	function->offset = fixed.offset;
	function->build_id =
		build_id_of(data, offsetof(struct wire_function_call, build_id), fixed.build_id_len);
	if (!tail_take(&tail, fixed.symbol_len, &function->symbol) ||
	    !tail_take(&tail, fixed.library_len, &function->library) ||
	    !tail_take(&tail, fixed.purl_len, &function->purl) || !decode_callers(&fixed, &tail, function))
		return false;
	if (function->purl.len == 0)
		function->purl = (struct str) { 0 };
	return true;
}
