// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel half knows numbers; here a record gets the texts they stand for, so that what is kept raw and what is
 * written can be read without us. The completed record lives until the next one.
 */

#include <string.h>

#include "probe/parts.h"

static uint16_t clamp(size_t len, size_t max)
{
	return (uint16_t)(len < max ? len : max);
}

static char *put(char *at, const char *text, uint16_t len)
{
	return len > 0 ? (char *)memcpy(at, text, len) + len : at;
}

static struct target *target_of(struct source *source, uint32_t number, enum wire_kind kind)
{
	struct target *target = number < TARGETS_MAX ? source->targets.all[number] : NULL;

	return target && target->kind == kind ? target : NULL;
}

static bool complete_ssl(struct source *source, const void *data, size_t *ret_len)
{
	char *record = source->targets.record, *end;
	const struct target *target;
	struct wire_ssl_op fixed;

	memcpy(&fixed, data, sizeof(fixed));
	target = target_of(source, fixed.target, WIRE_KIND_SSL_OP);
	if (!target)
		return false;
	fixed.target = 0;
	fixed.library_len = clamp(strlen(target->path), WIRE_PATH_MAX - 1);
	end = put(record + sizeof(fixed), target->path, fixed.library_len);
	fixed.head.size = (uint32_t)(end - record);
	memcpy(record, &fixed, sizeof(fixed));
	*ret_len = fixed.head.size;
	return true;
}

/*
 * What is known of the callers, behind the record's other texts. The second was found by the frame pointer, which says
 * something only when the first keeps one.
 */
static char *put_callers(struct source *source, struct wire_function_call *fixed, char *end)
{
	for (size_t i = 0; i < WIRE_CALLERS && fixed->callers[i].inode != 0; i++) {
		struct wire_caller_name name = { 0 };
		struct caller_known known;

		callers_find(source, &fixed->callers[i], fixed->head.pid, &known);
		if (!known.keeps_frame && i + 1 < WIRE_CALLERS && fixed->callers[i + 1].inode != 0) {
			memset(&fixed->callers[i + 1], 0, sizeof(fixed->callers[i + 1]));
			source->targets.counts.callers_unproven++;
		}
		name.symbol_len = known.symbol ? clamp(strlen(known.symbol), WIRE_SYMBOL_MAX) : 0;
		name.library_len = known.library ? clamp(strlen(known.library), WIRE_PATH_MAX - 1) : 0;
		name.build_id_len = known.build_id.len;
		memcpy(name.build_id, known.build_id.bytes, sizeof(name.build_id));
		end = put(end, (const char *)&name, sizeof(name));
		end = put(end, known.symbol, name.symbol_len);
		end = put(end, known.library, name.library_len);
	}
	return end;
}

static bool complete_function(struct source *source, const void *data, size_t *ret_len)
{
	char *record = source->targets.record, *end;
	const struct target_function *function;
	struct wire_function_call fixed;
	const struct target *target;
	size_t index;

	memcpy(&fixed, data, sizeof(fixed));
	target = target_of(source, fixed.target >> TARGET_FUNCTION_BITS, WIRE_KIND_FUNCTION_CALL);
	index = fixed.target & (TARGET_FUNCTIONS_MAX - 1);
	if (!target || index >= target->n_functions)
		return false;
	functions_answered(source, &fixed);
	function = &target->functions[index];
	fixed.target = 0;
	fixed.offset = function->offset;
	fixed.symbol_len = clamp(strlen(function->symbol), WIRE_SYMBOL_MAX);
	fixed.library_len = clamp(strlen(target->path), WIRE_PATH_MAX - 1);
	fixed.purl_len = function->purl ? clamp(strlen(function->purl), WIRE_PURL_MAX) : 0;
	fixed.build_id_len = target->build_id.len;
	memcpy(fixed.build_id, target->build_id.bytes, sizeof(fixed.build_id));
	end = put(record + sizeof(fixed), function->symbol, fixed.symbol_len);
	end = put(end, target->path, fixed.library_len);
	end = put(end, function->purl, fixed.purl_len);
	end = put_callers(source, &fixed, end);
	fixed.head.size = (uint32_t)(end - record);
	memcpy(record, &fixed, sizeof(fixed));
	*ret_len = fixed.head.size;
	return true;
}

bool targets_annotate(struct source *source, const void *data, size_t len, const void **ret_data,
		      size_t *ret_len)
{
	struct wire_head head;
	bool done = false;

	if (len < sizeof(head))
		return false;
	memcpy(&head, data, sizeof(head));
	if (head.kind == WIRE_KIND_SSL_OP && len == sizeof(struct wire_ssl_op))
		done = complete_ssl(source, data, ret_len);
	else if (head.kind == WIRE_KIND_FUNCTION_CALL && len == sizeof(struct wire_function_call))
		done = complete_function(source, data, ret_len);
	if (done)
		*ret_data = source->targets.record;
	return done;
}
