// SPDX-License-Identifier: Apache-2.0
/*
 * The table of options and what follows from it: defaults, values, canonical text, digest. Adding a row (and its
 * field) is all it takes for a new option; parser, help, example and manual follow. Refuses with a sentence what
 * a later version brings, so that nobody believes a key is in force that is not.
 */

#include "daemon/config_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"
#include "collect/filter.h"
#include "format/canon.h"

static const char *check_absolute(const char *text)
{
	return text[0] == '/' && strlen(text) < 4096 ? NULL : "an absolute path is wanted";
}

static const char *check_socket(const char *text)
{
	if (text[0] != '/')
		return "an absolute path is wanted";
	return strlen(text) < sizeof(((struct sockaddr_un *)NULL)->sun_path)
		       ? NULL
		       : "a socket's path has at most 107 bytes";
}

static const char *check_signing(const char *text)
{
	return strcmp(text, "true") == 0 ? NULL : "an unsigned chain proves nothing; only true is possible";
}

static const char *check_rekor(const char *text)
{
	return strcmp(text, "false") == 0
		       ? NULL
		       : "the transparency log comes with a later version; only false is possible";
}

static const char *check_key_id(const char *text)
{
	if (strcmp(text, "local") == 0)
		return NULL;
	if (strncmp(text, "file:", 5) == 0)
		return text[5] == '/' ? NULL : "behind file: an absolute path is wanted";
	return "'local' or 'file:/PATH' is wanted; other keys come with a later version";
}

static const char *check_power_of_two(const char *text)
{
	uint64_t value = strtoull(text, NULL, 10); /* a whole number in range: looked at before */

	return value & (value - 1) ? "a power of two is wanted" : NULL;
}

static const char *check_glob(const char *text)
{
	const char *reason = NULL;

	if (glob_check(str_of(text), &reason) < 0)
		return reason;
	/* An escaped slash is one too. */
	return strchr("/*?[", text[0]) || (text[0] == '\\' && text[1] == '/')
		       ? NULL
		       : "paths are absolute, this matches none; begin it with / or **/";
}

static const char *check_no_container(const char *text)
{
	(void)text;
	return "choosing containers comes with a later version; only the empty list is possible";
}

#define FIELD(member) .offset = offsetof(struct config, member)

const struct config_row config_rows[] = {
	{ .name = "signals", .type = CONFIG_GROUP, .help = "Everything of Stella Signals." },
	{ .name = "signals.enabled",
	  .type = CONFIG_BOOL,
	  FIELD(enabled),
	  .initial = "true",
	  .help = "False: the collector refuses to start." },
	{ .name = "signals.output_directory",
	  .type = CONFIG_TEXT,
	  FIELD(output_directory),
	  .initial = "/var/lib/stella/evidence",
	  .check = check_absolute,
	  .help = "Where the chain of evidence is written. Made when missing, mode 0750. One collector a "
		  "directory." },
	{ .name = "signals.rotation",
	  .type = CONFIG_GROUP,
	  .help = "When a chunk is closed and sealed: at the size or the age, whichever comes first." },
	{ .name = "signals.rotation.max_size_mb",
	  .type = CONFIG_U64,
	  FIELD(max_size_mb),
	  .min = 1,
	  .max = 10240,
	  .initial = "100",
	  .unit = "MiB",
	  .reload = true,
	  .help = "Size of a chunk's plain text." },
	{ .name = "signals.rotation.max_age_hours",
	  .type = CONFIG_DECIMAL,
	  FIELD(max_age_millihours),
	  .min = 1,
	  .max = 8760000,
	  .initial = "1",
	  .unit = "hours",
	  .reload = true,
	  .help = "Age of a chunk. Up to three decimals: 0.25 is a quarter of an hour." },
	{ .name = "signals.signing", .type = CONFIG_GROUP, .help = "How chunks are sealed." },
	{ .name = "signals.signing.enabled",
	  .type = CONFIG_BOOL,
	  FIELD(signing_enabled),
	  .initial = "true",
	  .check = check_signing,
	  .help = "Only true is possible: an unsigned chain proves nothing." },
	{ .name = "signals.signing.key_id",
	  .type = CONFIG_TEXT,
	  FIELD(key_id),
	  .initial = "local",
	  .check = check_key_id,
	  .help = "'local': a key made at the first start, in keys/ of the state directory, its public half in "
		  "trust/. "
		  "'file:/PATH': a private key in PEM (PKCS#8, ECDSA P-256) that only its owner can read." },
	{ .name = "signals.signing.submit_to_rekor",
	  .type = CONFIG_BOOL,
	  FIELD(submit_to_rekor),
	  .initial = "false",
	  .check = check_rekor,
	  .help = "Send each seal to a transparency log. Only false is possible in this version." },
	{ .name = "signals.filters",
	  .type = CONFIG_GROUP,
	  .help = "What is recorded. Left out records are counted in the seal." },
	{ .name = "signals.filters.target_containers",
	  .type = CONFIG_LIST,
	  FIELD(target_containers),
	  .initial = "[]",
	  .check = check_no_container,
	  .reload = true,
	  .help = "Containers to record; empty: all, and the host. Only empty is possible in this version." },
	{ .name = "signals.filters.path_allowlist",
	  .type = CONFIG_LIST,
	  FIELD(path_allowlist),
	  .initial = "[]",
	  .check = check_glob,
	  .reload = true,
	  .help = "Globs of the paths whose opens are recorded; empty: all. '*' stays inside one component, "
		  "'**' crosses them." },
	{ .name = "signals.filters.path_denylist",
	  .type = CONFIG_LIST,
	  FIELD(path_denylist),
	  .initial = "[]",
	  .check = check_glob,
	  .reload = true,
	  .help = "Globs of the paths whose opens are not recorded. Wins over the allowlist." },
	{ .name = "signals.ring_buffer_mb",
	  .type = CONFIG_U64,
	  FIELD(ring_buffer_mb),
	  .min = 1,
	  .max = 512,
	  .initial = "8",
	  .unit = "MiB",
	  .check = check_power_of_two,
	  .help = "Ring between kernel and collector, a power of two. Raise it when status shows ring_full "
		  "losses." },
	{ .name = "signals.drain_interval_ms",
	  .type = CONFIG_U64,
	  FIELD(drain_interval_ms),
	  .min = 2,
	  .max = 10,
	  .initial = "5",
	  .unit = "ms",
	  .help = "How often the ring is emptied. Shorter: fewer losses in bursts, more CPU." },
	{ .name = "signals.compression",
	  .type = CONFIG_WORD,
	  FIELD(compression),
	  .words = "none|zstd",
	  .initial = "none",
	  .help = "How sealed chunks lie on disk." },
	{ .name = "signals.control_socket",
	  .type = CONFIG_TEXT,
	  FIELD(control_socket),
	  .initial = "/run/stella/signals.sock",
	  .check = check_socket,
	  .help = "Unix socket for status, stats, health and stop. Mode 0600; only root and the collector's "
		  "user may ask." },
	{ .name = "signals.state_directory",
	  .type = CONFIG_TEXT,
	  FIELD(state_directory),
	  .initial = "/var/lib/stella",
	  .check = check_absolute,
	  .help = "Holds keys/ (the local signing key), trust/ (public keys of this host) and heads/ (how far "
		  "chains had come)." },
	{ .name = "signals.probes",
	  .type = CONFIG_LATER,
	  .help = "Choosing probes comes with a later version." },
	{ .name = "signals.dedup",
	  .type = CONFIG_LATER,
	  .help = "Folding equal records comes with a later version." },
	{ .name = "signals.metrics",
	  .type = CONFIG_LATER,
	  .help = "The metrics page comes with a later version." },
	{ .name = "signals.btf",
	  .type = CONFIG_LATER,
	  .help = "Choosing type information comes with a later version." },
	{ .name = "signals.containers",
	  .type = CONFIG_LATER,
	  .help = "Asking container engines comes with a later version." },
	{ .name = "signals.signing.rekor_url",
	  .type = CONFIG_LATER,
	  .help = "The transparency log comes with a later version." },
	{ .name = "signals.signing.fulcio_url",
	  .type = CONFIG_LATER,
	  .help = "Signing without a key of one's own comes with a later version." },
};

const size_t config_n_rows = ARRAY_LEN(config_rows);
_Static_assert(ARRAY_LEN(config_rows) <= CONFIG_ROWS_MAX, "the parser's bit set is full");

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

int config_new(struct config **ret_config)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	int error = 0;

	if (!config)
		return -ENOMEM;
	for (size_t i = 0; i < config_n_rows; i++) {
		if (config_rows[i].initial && config_rows[i].type != CONFIG_LIST)
			(void)config_row_set(config, &config_rows[i], config_rows[i].initial, &error);
	}
	if (error < 0)
		return error;
	*ret_config = TAKE(config);
	return 0;
}

static void list_done(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config_n_rows; i++) {
		if (config_rows[i].type == CONFIG_TEXT)
			free(*(char **)config_field(config, &config_rows[i]));
		else if (config_rows[i].type == CONFIG_LIST)
			list_done(config_field(config, &config_rows[i]));
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
