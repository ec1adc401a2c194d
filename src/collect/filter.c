/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which file opens become evidence. Called for each event, so each pattern is taken apart once: a path whose
 * beginning or end differs from the pattern's literal beginning or end is decided by one or two memcmp, one that
 * lacks the pattern's longest literal by a memmem; only what is left runs the matcher. Patterns of the form "/dir/" + "**" are decided by their beginning alone.
 *
 * What cannot be judged passes: a path that is unknown or whose beginning is missing is evidence, not noise.
 * The filter owns copies of its patterns.
 */

#include "collect/filter.h"

#include <errno.h>

struct glob {
	char *pattern;
	struct str text;
	struct str prefix, suffix, inner; /* in pattern: bytes a match must begin with, end with, hold */
	bool prefix_decides; /* nothing but ** behind the prefix */
	bool literal; /* no wildcard at all */
};

struct glob_list {
	struct glob *globs;
	size_t count;
};

struct filter {
	struct glob_list allow, deny;
};

static void glob_list_done(struct glob_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->globs[i].pattern);
	free(list->globs);
}

/* Bytes that mean something; a backslash too, since what follows it is not what stands there. */
static bool is_meta(char byte)
{
	return byte == '*' || byte == '?' || byte == '[' || byte == '\\';
}

/*
 * The longest run of plain bytes between wildcards. Without the slash behind a "**", which may stand for nothing
 * together with it.
 */
static struct str longest_run(const char *data, size_t from, size_t to)
{
	struct str longest = { NULL, 0 };
	size_t begin, end;

	for (begin = from; begin < to; begin = end + 1) {
		for (end = begin; end < to && !is_meta(data[end]); end++)
			;
		if (end > begin && begin > 0 && data[begin] == '/' && data[begin - 1] == '*')
			begin++;
		if (end - begin > longest.len)
			longest = (struct str) { data + begin, end - begin };
	}
	return longest;
}

static void glob_prepare(struct glob *glob)
{
	const char *data = glob->text.data;
	size_t len = glob->text.len, head = 0, tail = len;

	while (head < len && !is_meta(data[head]))
		head++;
	glob->prefix = (struct str) { data, head };
	glob->literal = head == len;
	if (glob->literal)
		return;
	glob->prefix_decides = head + 2 == len && memcmp(data + head, "**", 2) == 0;
	/* A class or an escape can hide what the last bytes are; then there is no suffix to compare. */
	if (memchr(data, '[', len) || memchr(data, '\\', len))
		return;
	while (tail > head && !is_meta(data[tail - 1]))
		tail--;
	/* "**" before a slash may stand for nothing, and then the slash is not there either. */
	if (tail >= 2 && tail < len && data[tail] == '/' && memcmp(data + tail - 2, "**", 2) == 0)
		tail++;
	glob->suffix = (struct str) { data + tail, len - tail };
	glob->inner = longest_run(data, head, tail);
}

static int glob_list_init(struct glob_list *list, char *const *patterns, size_t count, const char *name,
			  struct diag *diag)
{
	size_t i;

	if (count > FILTER_GLOBS_MAX)
		return diag_exit(diag, EXIT_UNSOUND, -E2BIG, "%s: %zu patterns, at most %d are allowed", name,
				 count, FILTER_GLOBS_MAX);
	list->globs = calloc(count > 0 ? count : 1, sizeof(*list->globs));
	if (!list->globs)
		return diag_error(diag, -ENOMEM, "%s: out of memory", name);
	for (i = 0; i < count; i++) {
		struct glob *glob = &list->globs[i];
		const char *reason = NULL;

		if (glob_check(str_of(patterns[i]), &reason) < 0)
			return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "%s: pattern %zu '%s': %s", name, i + 1,
					 patterns[i], reason);
		glob->pattern = strdup(patterns[i]);
		if (!glob->pattern)
			return diag_error(diag, -ENOMEM, "%s: out of memory", name);
		list->count = i + 1;
		glob->text = str_of(glob->pattern);
		glob_prepare(glob);
	}
	return 0;
}

static bool glob_wants(const struct glob *glob, struct str path)
{
	if (path.len < glob->prefix.len || memcmp(path.data, glob->prefix.data, glob->prefix.len) != 0)
		return false;
	if (glob->literal)
		return path.len == glob->prefix.len;
	if (glob->prefix_decides)
		return true;
	if (glob->suffix.len > 0) {
		if (path.len < glob->suffix.len)
			return false;
		if (memcmp(path.data + path.len - glob->suffix.len, glob->suffix.data, glob->suffix.len) != 0)
			return false;
	}
	if (glob->inner.len > 0 && !memmem(path.data, path.len, glob->inner.data, glob->inner.len))
		return false;
	return glob_matches(glob->text, path);
}

static bool glob_list_has(const struct glob_list *list, struct str path)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (glob_wants(&list->globs[i], path))
			return true;
	}
	return false;
}

int filter_new(char *const *allow, size_t n_allow, char *const *deny, size_t n_deny, struct diag *diag,
	       struct filter **ret_filter)
{
	_cleanup_(filter_freep) struct filter *filter = calloc(1, sizeof(*filter));
	int r;

	if (!filter)
		return diag_error(diag, -ENOMEM, "filters: out of memory");
	r = glob_list_init(&filter->allow, allow, n_allow, "filters.path_allowlist", diag);
	if (r < 0)
		return r;
	r = glob_list_init(&filter->deny, deny, n_deny, "filters.path_denylist", diag);
	if (r < 0)
		return r;
	*ret_filter = TAKE(filter);
	return 0;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	glob_list_done(&filter->allow);
	glob_list_done(&filter->deny);
	free(filter);
}

bool filter_wants(const struct filter *filter, const struct event *event)
{
	struct str path;

	if (event->kind != WIRE_KIND_FILE_OPEN)
		return true;
	path = event->open.path;
	if (!path.data || event->open.path_truncated)
		return true;
	if (glob_list_has(&filter->deny, path))
		return false;
	return filter->allow.count == 0 || glob_list_has(&filter->allow, path);
}
