// SPDX-License-Identifier: Apache-2.0
/*
 * Ruby gems: specifications/NAME-VERSION.gemspec beside gems/NAME-VERSION and extensions/. A gem without a directory of its
 * own came in a package of the operating system; root_adopt.c settles whose files it has. Of the gems that came with Ruby
 * (specifications/default) no list tells the files: they are unknown. A gemspec is read whenever Ruby looks for anything,
 * so that it is no file of its gem.
 */

#include "packages/root_gem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"

static bool next_word(struct str *rest, struct str *ret_word)
{
	const char *space;

	*rest = text_trim(*rest);
	if (rest->len == 0)
		return false;
	space = memchr(rest->data, ' ', rest->len);
	*ret_word = (struct str) { rest->data, space ? (size_t)(space - rest->data) : rest->len };
	rest->data += ret_word->len;
	rest->len -= ret_word->len;
	return true;
}

/* "# stub: name version platform require/paths", the second line of what RubyGems writes. */
static bool stub_line(struct str line, struct gemspec *spec)
{
	struct str rest, name, version, platform;

	if (!text_begins(line, STR("# stub: ")))
		return false;
	rest = (struct str) { line.data + 8, line.len - 8 };
	if (!next_word(&rest, &name) || !next_word(&rest, &version) || !next_word(&rest, &platform))
		return false;
	*spec = (struct gemspec) { name, version, platform };
	return true;
}

/* s.MEMBER = "value", also Gem::Version.new("value") and with .freeze behind it. */
static void assignment(struct str line, struct str member, struct str *ret_value)
{
	const char *dot = line.len ? memchr(line.data, '.', line.len) : NULL, *open, *close;
	struct str rest;

	if (!dot || ret_value->data)
		return;
	rest = (struct str) { dot + 1, line.len - (size_t)(dot + 1 - line.data) };
	if (!text_begins(rest, member))
		return;
	rest = text_trim((struct str) { rest.data + member.len, rest.len - member.len });
	if (rest.len == 0 || rest.data[0] != '=')
		return;
	open = memchr(rest.data, '"', rest.len);
	if (!open)
		open = memchr(rest.data, '\'', rest.len);
	if (!open)
		return;
	open++;
	close = memchr(open, open[-1], rest.len - (size_t)(open - rest.data));
	/* "#{...}" would have to be run. */
	if (close && !memchr(open, '#', (size_t)(close - open)))
		*ret_value = (struct str) { open, (size_t)(close - open) };
}

void gemspec_parse(struct str text, struct gemspec *ret_spec)
{
	struct gemspec spec = { .name = { NULL, 0 } };
	struct str line;

	while (text_line(&text, &line)) {
		line = text_trim(line);
		if (stub_line(line, &spec))
			break;
		assignment(line, STR("name"), &spec.name);
		assignment(line, STR("version"), &spec.version);
		assignment(line, STR("platform"), &spec.platform);
	}
	*ret_spec = spec;
}

struct gems {
	struct root *root;
	struct str specifications; /* the directory */
	struct str home; /* the one above it */
	bool with_ruby; /* these came with Ruby: where their files lie is not said anywhere */
	const char *full_name; /* of the gem at hand */
	uint32_t index;
};

/* extensions/PLATFORM/ABI/NAME-VERSION: what was compiled on the machine. */
static int extension_take(struct gems *gems, const char *below, unsigned int level);

struct level {
	struct gems *gems;
	const char *path;
	unsigned int number;
};

static int extension_entry(void *user, const char *name)
{
	const struct level *level = user;
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	int r = path_join(&path, str_of(level->path), str_of(name));

	if (r < 0)
		return r == -EINVAL ? 0 : r;
	return extension_take(level->gems, path.data, level->number + 1);
}

static int extension_take(struct gems *gems, const char *below, unsigned int number)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	_cleanup_(closep) int fd = -1;
	struct level level = { gems, below, number };
	int r;

	if (number == 2) {
		r = path_join(&path, str_of(below), str_of(gems->full_name));
		return r < 0 ? (r == -EINVAL ? 0 : r) : root_tree(gems->root, gems->index, path.data, NULL);
	}
	fd = root_open(gems->root, below, O_RDONLY | O_DIRECTORY);
	return fd < 0 ? 0 : root_names(fd, extension_entry, &level);
}

static int files_take(struct gems *gems, const char *path)
{
	_cleanup_(freep) char *own = NULL, *extensions = NULL;
	int r;

	if (gems->with_ruby)
		return 0;

	if (asprintf(&own, "%.*s/gems/%s", (int)gems->home.len, gems->home.data, gems->full_name) < 0)
		own = NULL;
	if (asprintf(&extensions, "%.*s/extensions", (int)gems->home.len, gems->home.data) < 0)
		extensions = NULL;
	if (!own || !extensions)
		return -ENOMEM;
	if (root_exists(gems->root, own)) {
		r = root_tree(gems->root, gems->index, own, NULL);
		return r < 0 ? r : extension_take(gems, extensions, 0);
	}
	/* Debian: the gem's files lie in Ruby's own directories, all of them of its package. */
	return root_orphan(gems->root, gems->index, "", path, (struct str) { NULL, 0 });
}

static int gem_take(struct gems *gems, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROOT_SMALL_MAX);
	_cleanup_(freep) char *name = NULL, *version = NULL, *full_name = NULL;
	struct found found = { .source = PACKAGE_FROM_GEM, .type = "gem" };
	struct gemspec spec;
	bool any_platform;
	int r = root_read(gems->root, path, &text);

	if (r < 0)
		return root_unreadable_error(gems->root, path, r);
	gemspec_parse(buf_str(&text), &spec);
	if (spec.name.len == 0 || spec.version.len == 0)
		return root_unreadable(gems->root, path,
				       "does not say the gem's name and version in plain text");
	any_platform = spec.platform.len == 0 || str_equal(spec.platform, STR("ruby"));
	name = str_copy(spec.name);
	version = str_copy(spec.version);
	if (asprintf(&full_name, "%.*s-%.*s%s%.*s", (int)spec.name.len, spec.name.data, (int)spec.version.len,
		     spec.version.data, any_platform ? "" : "-", any_platform ? 0 : (int)spec.platform.len,
		     any_platform ? "" : spec.platform.data) < 0)
		full_name = NULL;
	if (!name || !version || !full_name)
		return -ENOMEM;
	if (strchr(full_name, '/'))
		return root_unreadable(gems->root, path, "names a gem with a slash");
	found.name = name;
	found.version = version;
	gems->full_name = full_name;
	r = root_package(gems->root, &found, path, &gems->index);
	return r != 0 ? r : files_take(gems, path);
}

static int gem_entry(void *user, const char *name)
{
	struct gems *gems = user;
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	int r;

	if (!text_ends(str_of(name), STR(".gemspec")))
		return 0;
	r = path_join(&path, gems->specifications, str_of(name));
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	r = gem_take(gems, path.data);
	return r < 0 ? r : 0;
}

int root_gems(struct root *root, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct gems gems = { .root = root,
			     .specifications = str_of(path),
			     .home = { path, slash ? (size_t)(slash - path) : 0 },
			     .with_ruby = text_ends(str_of(path), STR("/default")) };
	_cleanup_(closep) int fd = root_open(root, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0) {
		int r = root_unreadable_error(root, path, fd);

		return r < 0 ? r : 0;
	}
	return root_names(fd, gem_entry, &gems);
}
