// SPDX-License-Identifier: Apache-2.0
/*
 * What a seal says of the files whose functions are probed. Their names are the watched processes' and may be any
 * bytes: what is no UTF-8 is shown as a question mark, for a seal that cannot be written would be worse. Owns nothing.
 */

#include <stdlib.h>

#include "base/text.h"
#include "daemon/parts.h"

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

static int set_missing(struct statement_target *row, const struct source_target *target)
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
		r = set_any(&row->missing[i], target->missing[i]);
		if (r >= 0)
			row->n_missing++;
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
	if (r >= 0)
		r = set_build_id(&row->build_id, target);
	return r < 0 ? r : set_missing(row, target);
}

int describe_targets(struct source *source, const struct moment *closed, struct statement *statement)
{
	const struct source_target *targets;
	size_t count = source_targets(source, &targets);
	int r = 0;

	if (count == 0)
		return 0;
	if (count > STATEMENT_TARGETS_MAX)
		count = STATEMENT_TARGETS_MAX;
	statement->targets = calloc(count, sizeof(*statement->targets));
	if (!statement->targets)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		/* Taken off before this chunk: said in the one before. A new one may be of after the border. */
		if ((targets[i].to_boot_ns && targets[i].to_boot_ns < statement->opened.boot_ns) ||
		    targets[i].from_boot_ns > closed->boot_ns)
			continue;
		r = fill_row(&statement->targets[statement->n_targets++], &targets[i], &statement->opened,
			     closed);
	}
	return r;
}
