// SPDX-License-Identifier: Apache-2.0
/*
 * What a seal says of the files whose functions are probed. Their names are the watched processes' and may be any
 * bytes: what is no UTF-8 is shown as a question mark, and what all of them together have no room for is only counted,
 * for a seal that cannot be written would be worse. Owns nothing.
 */

#include <stdlib.h>

#include "base/text.h"
#include "daemon/parts.h"

#define TARGETS_ROOM (3u << 19) /* of STATEMENT_MAX; the filters are a part of the configuration's 1 MiB */
#define ROW_COST 512 /* names of members and numbers */

static int set_any(char **field, const char *text)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(STATEMENT_STRING_MAX);

	if (!text)
		return 0;
	if (text_is_utf8(str_of(text)))
		return statement_set(field, text);
	(void)text_printable_append(&shown, str_of(text)); /* what fits */
	return buf_cstr(&shown) ? statement_set(field, buf_cstr(&shown)) : -ENOMEM;
}

static int set_build_id(char **field, const struct source_target *target)
{
	char hex[2 * WIRE_BUILD_ID_MAX + 1];

	if (target->build_id_len == 0)
		return 0;
	text_hex(target->build_id, target->build_id_len, hex);
	return statement_set(field, hex);
}

/* At most, in the seal's text. */
static size_t text_cost(const char *text)
{
	size_t cost = 8; /* quotes, comma */

	for (; text && *text; text++)
		cost += (unsigned char)*text < 0x20 ? 6 : *text == '"' || *text == '\\' ? 2 : 1;
	return cost;
}

static bool afford(size_t *room, size_t cost)
{
	if (cost > *room)
		return false;
	*room -= cost;
	return true;
}

static int set_missing(struct statement_target *row, const struct source_target *target, size_t *room)
{
	size_t count = target->n_missing_listed;
	int r = 0;

	row->missing_count = target->missing_count;
	if (count > STATEMENT_MISSING_MAX)
		count = STATEMENT_MISSING_MAX;
	row->missing = calloc(count ? count : 1, sizeof(*row->missing));
	if (!row->missing)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		char **name = &row->missing[row->n_missing];

		r = set_any(name, target->missing[i]);
		if (r >= 0 && afford(room, text_cost(*name)))
			row->n_missing++;
		else
			r = statement_set(name, NULL);
	}
	return r;
}

static int fill_row(struct statement_target *row, const struct source_target *target,
		    const struct moment *opened, const struct moment *closed)
{
	int r = statement_set(&row->kind, event_kind_name(target->kind));

	row->dev_major = target->dev_major;
	row->dev_minor = target->dev_minor;
	row->inode = target->inode;
	row->attached = target->attached;
	row->from_boot_ns = target->from_boot_ns > opened->boot_ns ? target->from_boot_ns : opened->boot_ns;
	row->to_boot_ns = target->to_boot_ns ? target->to_boot_ns : closed->boot_ns;
	if (row->to_boot_ns > closed->boot_ns)
		row->to_boot_ns = closed->boot_ns;
	if (row->to_boot_ns < row->from_boot_ns)
		row->to_boot_ns = row->from_boot_ns;
	if (r >= 0)
		r = set_any(&row->library, target->library ? target->library : "");
	if (r >= 0)
		r = set_any(&row->purl, target->purl);
	return r < 0 ? r : set_build_id(&row->build_id, target);
}

/* Without room for it, it is one more. */
static int add_row(struct statement *statement, const struct source_target *target, const struct moment *closed,
		   size_t *room)
{
	struct statement_target *row = &statement->targets[statement->n_targets];
	int r = fill_row(row, target, &statement->opened, closed);

	if (r >= 0 && statement->targets_more == 0 && statement->n_targets < STATEMENT_TARGETS_MAX &&
	    afford(room, ROW_COST + text_cost(row->library) + text_cost(row->purl))) {
		statement->n_targets++;
		return 0;
	}
	statement->targets_more++;
	free(row->kind);
	free(row->library);
	free(row->purl);
	free(row->build_id);
	*row = (struct statement_target) { .kind = NULL };
	return r;
}

/* Taken off before this chunk: said in the one before. A new one may be of after the border. */
static bool is_of_chunk(const struct source_target *target, const struct moment *closed,
			const struct statement *statement)
{
	return (target->to_boot_ns == 0 || target->to_boot_ns >= statement->opened.boot_ns) &&
	       target->from_boot_ns <= closed->boot_ns;
}

/* All rows first: what is watched comes before the names of what is not. */
int describe_target_rows(const struct source_target *targets, size_t count, const struct moment *closed,
			 struct statement *statement)
{
	size_t room = TARGETS_ROOM, row = 0;
	int r = 0;

	if (count == 0)
		return 0;
	statement->targets = calloc(count, sizeof(*statement->targets));
	if (!statement->targets)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		if (is_of_chunk(&targets[i], closed, statement))
			r = add_row(statement, &targets[i], closed, &room);
	}
	for (size_t i = 0; r >= 0 && i < count && row < statement->n_targets; i++) {
		if (is_of_chunk(&targets[i], closed, statement))
			r = set_missing(&statement->targets[row++], &targets[i], &room);
	}
	return r;
}

int describe_targets(struct source *source, const struct moment *closed, struct statement *statement)
{
	const struct source_target *targets;
	size_t count = source_targets(source, &targets);

	return describe_target_rows(targets, count, closed, statement);
}
