// SPDX-License-Identifier: Apache-2.0
/*
 * What follows from the table of options (config_rows.c): defaults, values, canonical text, digest.
 */

#include "daemon/config_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "collect/filter.h"
#include "format/canon.h"

const char *config_row_key(const struct config_row *row)
{
	const char *dot = strrchr(row->name, '.');

	return dot ? dot + 1 : row->name;
}

unsigned int config_row_depth(const struct config_row *row)
{
	unsigned int depth = 0;

	for (const char *p = row->name; *p; p++)
		depth += *p == '.';
	return depth;
}

int config_word_index(const char *words, const char *text)
{
	size_t len = strlen(text);

	for (int index = 0; *words; index++) {
		size_t word = strcspn(words, "|");

		if (word == len && memcmp(words, text, len) == 0)
			return index;
		words += word + (words[word] == '|');
	}
	return -1;
}

/* "12", "0.5", "3.125" -> thousandths. */
static int parse_decimal(const char *text, uint64_t min, uint64_t max, uint64_t *ret_thousandths)
{
	static const uint64_t scales[] = { 1000, 100, 10, 1 };
	const char *dot = strchr(text, '.');
	size_t decimals = dot ? strlen(dot + 1) : 0;
	uint64_t whole, part = 0;

	if (decimals > 3 || (dot && decimals == 0))
		return -EINVAL;
	if (text_parse_u64((struct str) { text, dot ? (size_t)(dot - text) : strlen(text) }, 0, max, &whole) <
	    0)
		return -EINVAL;
	for (size_t i = 0; i < decimals; i++) {
		if (dot[1 + i] < '0' || dot[1 + i] > '9')
			return -EINVAL;
		part = part * 10 + (uint64_t)(dot[1 + i] - '0');
	}
	*ret_thousandths = whole * 1000 + part * scales[decimals];
	return *ret_thousandths < min || *ret_thousandths > max ? -ERANGE : 0;
}

static const char *set_text(char **field, const char *text, int *ret_error)
{
	char *copy = strdup(text);

	if (!copy) {
		*ret_error = -ENOMEM;
		return "no memory";
	}
	free(*field);
	*field = copy;
	return NULL;
}

static const char *add_item(struct config_list *list, const char *text, int *ret_error)
{
	char **items;

	if (list->count >= FILTER_GLOBS_MAX)
		return "the list is too long";
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items) {
		*ret_error = -ENOMEM;
		return "no memory";
	}
	list->items = items;
	items[list->count] = NULL;
	return set_text(&items[list->count++], text, ret_error);
}

static const char *set_bool(bool *field, const char *text)
{
	*field = strcmp(text, "true") == 0;
	return *field || strcmp(text, "false") == 0 ? NULL : "true or false is wanted";
}

const char *config_row_set(struct config *config, const struct config_row *row, const char *text,
			   int *ret_error)
{
	void *field = config_field(config, row);
	const char *wrong = NULL;
	int word;

	switch (row->type) {
	case CONFIG_BOOL:
		wrong = set_bool(field, text);
		break;
	case CONFIG_U64:
		wrong = text_parse_u64(str_of(text), row->min, row->max, field) < 0 ? "" : NULL;
		break;
	case CONFIG_DECIMAL:
		wrong = parse_decimal(text, row->min, row->max, field) < 0 ? "" : NULL;
		break;
	case CONFIG_WORD:
		word = config_word_index(row->words, text);
		*(uint64_t *)field = word < 0 ? 0 : (uint64_t)word;
		wrong = word < 0 ? "" : NULL;
		break;
	case CONFIG_TEXT:
	case CONFIG_LIST:
		wrong = row->check ? row->check(text) : NULL;
		if (wrong)
			return wrong;
		return row->type == CONFIG_TEXT ? set_text(field, text, ret_error)
						: add_item(field, text, ret_error);
	case CONFIG_GROUP:
	case CONFIG_LATER:
		return "no value belongs here";
	}
	return wrong || !row->check ? wrong : row->check(text);
}

void config_list_clear(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list) { .items = NULL };
}

/* "[one, two]" as it stands in the table. */
static void set_initial_list(struct config *config, const struct config_row *row, int *ret_error)
{
	const char *at = row->initial + 1;

	while (*ret_error >= 0 && *at && *at != ']') {
		_cleanup_(freep) char *item = strndup(at, strcspn(at, ",]"));

		if (item)
			(void)config_row_set(config, row, item, ret_error);
		else
			*ret_error = -ENOMEM;
		at += strcspn(at, ",]");
		at += strspn(at, ", ");
	}
}

int config_new(struct config **ret_config)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	int error = 0;

	if (!config)
		return -ENOMEM;
	for (size_t i = 0; i < config_n_rows; i++) {
		const struct config_row *row = &config_rows[i];

		if (row->initial && row->type == CONFIG_LIST)
			set_initial_list(config, row, &error);
		else if (row->initial) /* a text that is empty stands as "" in the table */
			(void)config_row_set(config, row, row->initial[0] == '"' ? "" : row->initial, &error);
	}
	if (error < 0)
		return error;
	*ret_config = TAKE(config);
	return 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config_n_rows; i++) {
		if (config_rows[i].type == CONFIG_TEXT)
			free(*(char **)config_field(config, &config_rows[i]));
		else if (config_rows[i].type == CONFIG_LIST)
			config_list_clear(config_field(config, &config_rows[i]));
	}
	free(config->file);
	free(config);
}

uint64_t config_max_age_ns(const struct config *config)
{
	return config->max_age_millihours * 3600ull * 1000000ull;
}

/* Thousandths as the shortest decimal: 1000 -> "1", 250 -> "0.25". */
static int put_decimal(struct buf *out, uint64_t thousandths)
{
	char part[8];
	size_t len;

	if (thousandths % 1000 == 0)
		return buf_printf(out, "%llu", (unsigned long long)(thousandths / 1000));
	snprintf(part, sizeof(part), "%03u", (unsigned int)(thousandths % 1000));
	len = strlen(part);
	while (part[len - 1] == '0')
		part[--len] = '\0';
	return buf_printf(out, "%llu.%s", (unsigned long long)(thousandths / 1000), part);
}

static int put_list(struct buf *out, const struct config_list *list)
{
	int r = buf_append(out, "[", 1);

	for (size_t i = 0; r >= 0 && i < list->count; i++) {
		r = i > 0 ? buf_append(out, ",", 1) : 0;
		if (r >= 0)
			r = canon_append_string(out, str_of(list->items[i]));
	}
	return r < 0 ? r : buf_append(out, "]", 1);
}

int config_row_value(const struct config *config, const struct config_row *row, struct buf *out)
{
	const void *field = config_field_const(config, row);
	const char *word;

	switch (row->type) {
	case CONFIG_BOOL:
		return buf_printf(out, "%s", *(const bool *)field ? "true" : "false");
	case CONFIG_U64:
		return buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
	case CONFIG_DECIMAL:
		return put_decimal(out, *(const uint64_t *)field);
	case CONFIG_TEXT:
		return canon_append_string(out, str_of(*(char *const *)field));
	case CONFIG_WORD:
		word = row->words;
		for (uint64_t i = 0; i < *(const uint64_t *)field; i++)
			word = strchr(word, '|') + 1;
		return canon_append_string(out, (struct str) { word, strcspn(word, "|") });
	case CONFIG_LIST:
		return put_list(out, field);
	case CONFIG_GROUP:
	case CONFIG_LATER:
		break;
	}
	return -EINVAL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct config_row *const *)a)->name,
		      (*(const struct config_row *const *)b)->name);
}

int config_canonical(const struct config *config, struct buf *out)
{
	const struct config_row *sorted[CONFIG_ROWS_MAX] = { NULL };
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < config_n_rows; i++) {
		if (config_rows[i].type != CONFIG_GROUP && config_rows[i].type != CONFIG_LATER)
			sorted[count++] = &config_rows[i];
	}
	qsort(sorted, count, sizeof(sorted[0]), by_name);
	for (size_t i = 0; r >= 0 && i < count; i++) {
		r = buf_printf(out, "%s\"%s\":", i > 0 ? "," : "{", sorted[i]->name);
		if (r >= 0)
			r = config_row_value(config, sorted[i], out);
	}
	return r < 0 ? r : buf_append(out, "}", 1);
}

int config_digest(const struct config *config, struct digest *ret_digest)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_TEXT_MAX * 4);
	int r = config_canonical(config, &text);

	return r < 0 ? r : digest_of(text.data, text.len, ret_digest);
}

const char *config_fixed_difference(const struct config *running, const struct config *wanted)
{
	for (size_t i = 0; i < config_n_rows; i++) {
		_cleanup_(buf_done) struct buf a = BUF_MAX(CONFIG_TEXT_MAX);
		_cleanup_(buf_done) struct buf b = BUF_MAX(CONFIG_TEXT_MAX);

		if (config_rows[i].reload || config_rows[i].type == CONFIG_GROUP ||
		    config_rows[i].type == CONFIG_LATER)
			continue;
		if (config_row_value(running, &config_rows[i], &a) < 0 ||
		    config_row_value(wanted, &config_rows[i], &b) < 0 || !str_equal(buf_str(&a), buf_str(&b)))
			return config_rows[i].name;
	}
	return NULL;
}
