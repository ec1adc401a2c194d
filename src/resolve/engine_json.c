// SPDX-License-Identifier: Apache-2.0
/*
 * Two scanners that know no more of JSON than strings and brackets; what they let pass is judged by jansson. Promises:
 * memory for what is read is bounded before it is asked for. Owns the object under way.
 */

#include "resolve/engine_json.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- one document ---- */

static bool is_modest(struct str text)
{
	size_t depth = 0, values = 1;
	bool in_string = false, escaped = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (in_string) {
			in_string = escaped || c != '"';
			escaped = !escaped && c == '\\';
			continue;
		}
		in_string = c == '"';
		if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		values += c == '[' || c == '{' || c == ',';
		if (depth > ENGINE_JSON_DEPTH_MAX || values > ENGINE_JSON_VALUES_MAX)
			return false;
	}
	return true;
}

static int load(struct str text, json_type type, struct diag *diag, json_t **ret_root)
{
	json_error_t error;
	json_t *root;

	if (!is_modest(text))
		return diag_error(diag, -EPROTO, "an answer of more than %d values, or nested deeper than %d",
				  ENGINE_JSON_VALUES_MAX, ENGINE_JSON_DEPTH_MAX);
	root = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return diag_error(diag, -EPROTO, "an answer that is not JSON: %s", error.text);
	if (json_typeof(root) != type) {
		json_decref(root);
		return diag_error(diag, -EPROTO, "an answer that is no JSON %s",
				  type == JSON_OBJECT ? "object" : "list");
	}
	*ret_root = root;
	return 0;
}

int engine_json_object(struct str text, struct diag *diag, json_t **ret_object)
{
	return load(text, JSON_OBJECT, diag, ret_object);
}

int engine_json_list(struct str text, struct diag *diag, json_t **ret_list)
{
	return load(text, JSON_ARRAY, diag, ret_list);
}

/* ---- many objects ---- */

void engine_objects_done(struct engine_objects *objects)
{
	buf_done(&objects->object);
}

/* Between two objects. */
static int feed_between(struct engine_objects *objects, char c)
{
	bool may_begin = !objects->list || (objects->open && !objects->closed && !objects->comma);

	if (is_space(c))
		return 0;
	if (c == '{' && may_begin) {
		objects->depth = 1;
		objects->passed_over = false;
		buf_clear(&objects->object);
		return buf_append(&objects->object, &c, 1);
	}
	if (!objects->list || objects->closed)
		return -EPROTO;
	if (c == '[' && !objects->open)
		objects->open = true;
	else if (c == ']' && objects->open)
		objects->closed = true; /* ", ]" passes here: nothing is lost by it */
	else if (c == ',' && objects->comma)
		objects->comma = false;
	else
		return -EPROTO;
	return 0;
}

static int feed_inside(struct engine_objects *objects, char c)
{
	int r = objects->passed_over ? 0 : buf_append(&objects->object, &c, 1);

	if (r == -ENOMEM)
		return r;
	if (objects->in_string) {
		objects->in_string = objects->escaped || c != '"';
		objects->escaped = !objects->escaped && c == '\\';
	} else if (c == '"') {
		objects->in_string = true;
	} else if (c == '{' || c == '[') {
		objects->depth++;
	} else if (c == '}' || c == ']') {
		objects->depth--;
	}
	if (r < 0 || objects->depth > ENGINE_JSON_DEPTH_MAX)
		objects->passed_over = true;
	return 0;
}

int engine_objects_feed(struct engine_objects *objects, struct str piece, engine_object_fn each, void *user)
{
	int r = 0;

	for (size_t i = 0; i < piece.len && r >= 0; i++) {
		if (objects->depth == 0) {
			r = feed_between(objects, piece.data[i]);
			continue;
		}
		r = feed_inside(objects, piece.data[i]);
		if (r < 0 || objects->depth > 0)
			continue;
		objects->comma = true;
		if (objects->passed_over)
			objects->refused++;
		else
			r = each(user, buf_str(&objects->object));
	}
	return r;
}
