// SPDX-License-Identifier: Apache-2.0
/*
 * YAML text -> configuration, by libyaml's events so that every refusal has its line and column. Promises: what
 * is not in the table, or stands there twice, or has another type, stops the start. Refuses what makes a file say
 * something else than it seems to: anchors, aliases, tags, merge keys, further documents, numbers in quotes. The
 * depth is bounded by the table: nothing is entered that is no group of it.
 */

#include "daemon/config_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/nearest.h"
#include "collect/filter.h"

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the one being looked at */
	const char *name;
	struct diag *diag;
	struct config *config;
	bool seen[CONFIG_ROWS_MAX]; /* the row has stood in the file */
};

static int refuse_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
{
	char text[DIAG_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return diag_exit(reader->diag, EXIT_UNSOUND, -EINVAL, "%s:%zu:%zu: %s", reader->name, mark.line + 1,
			 mark.column + 1, text);
}

#define refuse(reader, ...) refuse_at(reader, (reader)->event.start_mark, __VA_ARGS__)

static int refuse_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "not YAML";

	if (parser->error == YAML_MEMORY_ERROR)
		return diag_error(reader->diag, -ENOMEM, "%s: no memory", reader->name);
	/* libyaml's words for a tab, most of the time: who reads them looks for a letter. */
	return refuse_at(reader, parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark,
			 "%s%s", problem,
			 strstr(problem, "cannot start any token") ? "; tabs do not indent, spaces do" : "");
}

/* The next event; those that hide meaning are refused here, wherever they stand. */
static int next(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return refuse_syntax(reader);
	if (event->type == YAML_ALIAS_EVENT)
		return refuse(reader, "aliases are not allowed here; write the value out");
	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	}
	if (anchor)
		return refuse(reader, "anchors are not allowed here");
	if (tag)
		return refuse(reader, "tags are not allowed here");
	return 0;
}

static const struct config_row *row_find(const char *name)
{
	for (size_t i = 0; i < config_n_rows; i++) {
		if (strcmp(config_rows[i].name, name) == 0)
			return &config_rows[i];
	}
	return NULL;
}

/* The group's own keys are suggested, and for a key in the wrong group the place where it belongs. */
static int refuse_unknown(struct reader *reader, const char *group, const char *key)
{
	struct nearest nearest = NEAREST_TO(str_of(key));
	size_t prefix = strlen(group);

	for (size_t i = 0; i < config_n_rows; i++) {
		const struct config_row *row = &config_rows[i];
		bool inside = strncmp(row->name, group, prefix) == 0 &&
			      strlen(row->name) - strlen(config_row_key(row)) == prefix + (prefix > 0);

		if (row->type != CONFIG_LATER && inside)
			nearest_try(&nearest, config_row_key(row));
	}
	if (nearest.best)
		return refuse(reader, "unknown key '%s'; did you mean '%s'?", key, nearest.best);
	for (size_t i = 0; i < config_n_rows; i++) {
		if (strcmp(config_row_key(&config_rows[i]), key) == 0)
			return refuse(reader, "unknown key '%s' here; it belongs at %s", key,
				      config_rows[i].name);
	}
	return refuse(reader, "unknown key '%s'; `stella-signalsd --help-config` lists the keys", key);
}

static const char *wanted_type(const struct config_row *row)
{
	switch (row->type) {
	case CONFIG_GROUP:
		return "a mapping of keys is wanted";
	case CONFIG_BOOL:
		return "true or false is wanted";
	case CONFIG_U64:
		return "a whole number is wanted";
	case CONFIG_DECIMAL:
		return "a number is wanted";
	case CONFIG_LIST:
		return "a list is wanted";
	default:
		return "a text is wanted";
	}
}

static int refuse_value(struct reader *reader, const struct config_row *row, const char *text,
			const char *wrong)
{
	if (wrong[0])
		return refuse(reader, "%s: '%s': %s", row->name, text, wrong);
	if (row->type == CONFIG_U64)
		return refuse(reader, "%s: '%s': a whole number from %llu to %llu is wanted", row->name, text,
			      (unsigned long long)row->min, (unsigned long long)row->max);
	if (row->type == CONFIG_DECIMAL)
		return refuse(reader, "%s: '%s': a number from %g to %g with at most three decimals is wanted",
			      row->name, text, (double)row->min / 1000, (double)row->max / 1000);
	return refuse(reader, "%s: '%s': one of %s is wanted", row->name, text, row->words);
}

/* What plain YAML means by nothing; it would otherwise become the text "null". */
static bool is_null(const char *text)
{
	return !*text || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

static bool is_clean(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false; /* a NUL too: what is checked must be what is used */
	}
	return true;
}

static int read_scalar(struct reader *reader, const struct config_row *row)
{
	const char *text = (const char *)reader->event.data.scalar.value;
	bool plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool is_text = row->type == CONFIG_TEXT || row->type == CONFIG_LIST || row->type == CONFIG_WORD;
	const char *wrong;
	int error = -EINVAL;

	if (plain && is_null(text))
		return refuse(reader, "%s: nothing stands there; %s", row->name,
			      row->type == CONFIG_LIST ? "a text is wanted" : wanted_type(row));
	if (!plain && !is_text)
		return refuse(reader, "%s: a text stands there; %s", row->name, wanted_type(row));
	if (!is_clean(text, reader->event.data.scalar.length))
		return refuse(reader, "%s: control characters are not allowed", row->name);
	error = 0;
	wrong = config_row_set(reader->config, row, text, &error);
	if (error < 0)
		return diag_error(reader->diag, error, "%s: no memory", reader->name);
	return wrong ? refuse_value(reader, row, text, wrong) : 0;
}

/* Is the last item one of those before it? */
static bool is_doubled(const struct config_list *list)
{
	for (size_t i = 0; i + 1 < list->count; i++) {
		if (strcmp(list->items[i], list->items[list->count - 1]) == 0)
			return true;
	}
	return false;
}

static int read_list(struct reader *reader, const struct config_row *row)
{
	struct config_list *list = config_field(reader->config, row);
	int r;

	if (reader->event.type != YAML_SEQUENCE_START_EVENT)
		return refuse(reader, "%s: a list is wanted", row->name);
	config_list_clear(list); /* what stands in the file is the list, not an addition to the default */
	for (;;) {
		r = next(reader);
		if (r >= 0 && reader->event.type == YAML_SEQUENCE_END_EVENT && list->count < row->min)
			return refuse(reader,
				      "%s: the list is empty; name at least one, or leave the key out for the "
				      "default",
				      row->name);
		if (r < 0 || reader->event.type == YAML_SEQUENCE_END_EVENT)
			return r;
		if (reader->event.type != YAML_SCALAR_EVENT)
			return refuse(reader, "%s: a text is wanted", row->name);
		r = read_scalar(reader, row);
		if (r >= 0 && row->unique && is_doubled(list))
			return refuse(reader, "%s: '%s' stands there twice", row->name,
				      list->items[list->count - 1]);
		if (r < 0)
			return r;
	}
}

static int read_group(struct reader *reader, const char *group);

static int read_value(struct reader *reader, const struct config_row *row)
{
	int r = next(reader);

	if (r < 0)
		return r;
	if (row->type == CONFIG_LIST)
		return read_list(reader, row);
	if (row->type == CONFIG_GROUP) {
		if (reader->event.type != YAML_MAPPING_START_EVENT)
			return refuse(reader, "%s: a mapping of keys is wanted", row->name);
		return read_group(reader, row->name);
	}
	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, "%s: %s", row->name, wanted_type(row));
	return read_scalar(reader, row);
}

/* One key and its value; the event is the key. */
static int read_member(struct reader *reader, const char *group)
{
	char name[128];
	const char *key;
	const struct config_row *row;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, "a key is wanted");
	key = (const char *)reader->event.data.scalar.value;
	if (strlen(key) != reader->event.data.scalar.length || strchr(key, '.') ||
	    snprintf(name, sizeof(name), "%s%s%s", group, *group ? "." : "", key) >= (int)sizeof(name))
		return refuse(reader, "unknown key '%.64s'", key);
	row = row_find(name);
	if (!row)
		return refuse_unknown(reader, group, key);
	if (row->type == CONFIG_LATER)
		return refuse(reader, "%s is not in this version: %s", row->name, row->help);
	if (reader->seen[row - config_rows])
		return refuse(reader, "%s stands there twice", row->name);
	reader->seen[row - config_rows] = true;
	return read_value(reader, row);
}

/* The mapping whose start was just read, up to its end. */
static int read_group(struct reader *reader, const char *group)
{
	for (;;) {
		int r = next(reader);

		if (r < 0 || reader->event.type == YAML_MAPPING_END_EVENT)
			return r;
		r = read_member(reader, group);
		if (r < 0)
			return r;
	}
}

static int read_document(struct reader *reader)
{
	int r = next(reader); /* stream start */

	if (r >= 0)
		r = next(reader);
	if (r < 0)
		return r;
	if (reader->event.type == YAML_STREAM_END_EVENT) /* cut short by a full disk, more often than meant */
		return refuse_at(reader, (yaml_mark_t) { 0 },
				 "the file is empty; write `signals: {}` for the defaults");
	r = next(reader);
	if (r < 0)
		return r;
	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return refuse(reader, "a mapping with the key 'signals' is wanted");
	r = read_group(reader, "");
	if (r >= 0)
		r = next(reader); /* document end */
	if (r >= 0)
		r = next(reader);
	if (r >= 0 && reader->event.type != YAML_STREAM_END_EVENT)
		return refuse(reader, "only one document is allowed");
	return r;
}

int config_parse(struct str text, const char *name, struct diag *diag, struct config **ret_config)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct reader reader = { .name = name, .diag = diag };
	const char *wrong;
	int r = config_new(&config);

	if (r < 0)
		return diag_error(diag, r, "%s: no memory", name);
	if (text.len > CONFIG_FILE_MAX)
		return diag_exit(diag, EXIT_UNSOUND, -E2BIG, "%s: larger than %u bytes", name, CONFIG_FILE_MAX);
	reader.config = config;
	if (!yaml_parser_initialize(&reader.parser))
		return diag_error(diag, -ENOMEM, "%s: no memory", name);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.data ? text.data : ""),
				     text.len);
	r = read_document(&reader);
	wrong = r >= 0 ? config_contradiction(config) : NULL;
	if (wrong)
		r = refuse_at(&reader, (yaml_mark_t) { 0 }, "%s", wrong);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	if (r < 0)
		return r;
	*ret_config = TAKE(config);
	return 0;
}

int config_load(const char *path, struct diag *diag, struct config **ret_config)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_FILE_MAX);
	int r;

	if (!path) {
		r = config_new(ret_config);
		return r < 0 ? diag_error(diag, r, "no memory") : 0;
	}
	r = file_read_at(AT_FDCWD, path, &text, diag);
	if (r == -ENOENT && diag)
		diag->text[0] = '\0'; /* said better below */
	if (r == -ENOENT)
		return diag_exit(diag, EXIT_NOT_FOUND, r,
				 "there is no configuration %s; `stella-signalsd --example-config` prints one",
				 path);
	if (r == -E2BIG || r == -EINVAL)
		diag->code = EXIT_UNSOUND;
	if (r < 0)
		return r;
	r = config_parse(buf_str(&text), path, diag, &config);
	if (r < 0)
		return r;
	config->file = strdup(path);
	if (!config->file)
		return diag_error(diag, -ENOMEM, "%s: no memory", path);
	*ret_config = TAKE(config);
	return 0;
}

int config_find(const char *option, struct diag *diag, char **ret_path)
{
	const char *path = option ? option : getenv("STELLA_CONFIG");
	int r;

	*ret_path = NULL;
	if (!path || !*path) {
		/* Only a missing default is none: one that cannot be read must not become the defaults silently. */
		if (access(CONFIG_FILE_DEFAULT, F_OK) < 0 && errno == ENOENT)
			return 0;
		path = CONFIG_FILE_DEFAULT;
	}
	r = path_absolute(path, ret_path); /* SIGHUP reads it again, and a daemon has left its directory */
	return r < 0 ? diag_error(diag, r, "%s: %s", path, strerror(-r)) : 0;
}
