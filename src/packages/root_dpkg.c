// SPDX-License-Identifier: Apache-2.0
/*
 * dpkg: the status file (and status.d of distroless images), the lists of files beside it, diversions. A package counts when
 * its files are there, also half-configured. A list that is missing makes its package's files unknown, and is told.
 */

#include "packages/root_dpkg.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"

#define STATUS "/var/lib/dpkg/status"
#define STATUS_D "/var/lib/dpkg/status.d"
#define INFO "/var/lib/dpkg/info"
#define DIVERSIONS "/var/lib/dpkg/diversions"
#define DIVERSIONS_MAX 100000

bool dpkg_stanza_next(struct str *rest, struct dpkg_stanza *ret_stanza)
{
	struct dpkg_stanza stanza = { .package = { NULL, 0 } };
	struct str line;
	bool any = false;

	while (text_line(rest, &line)) {
		if (text_trim(line).len == 0) {
			if (any)
				break;
			continue;
		}
		any = true;
		if (text_value(line, STR("Package"), ':', &stanza.package) ||
		    text_value(line, STR("Version"), ':', &stanza.version) ||
		    text_value(line, STR("Architecture"), ':', &stanza.arch) ||
		    text_value(line, STR("Source"), ':', &stanza.source) ||
		    text_value(line, STR("Status"), ':', &stanza.status))
			continue;
	}
	*ret_stanza = stanza;
	return any;
}

bool dpkg_stanza_is_there(const struct dpkg_stanza *stanza)
{
	struct str state = stanza->status;
	const char *space = state.len ? memrchr(state.data, ' ', state.len) : NULL;

	if (!space)
		return false;
	state.len -= (size_t)(space + 1 - state.data);
	state.data = space + 1;
	return !str_equal(state, STR("not-installed")) && !str_equal(state, STR("config-files"));
}

bool dpkg_diversion_next(struct str *rest, struct dpkg_diversion *ret_diversion)
{
	return text_line(rest, &ret_diversion->from) && text_line(rest, &ret_diversion->to) &&
	       text_line(rest, &ret_diversion->by);
}

struct dpkg {
	struct root *root;
	struct buf diversions_text;
	struct dpkg_diversion *diversions; /* sorted by from */
	size_t n_diversions;
	struct buf list; /* reused */
};

static void dpkg_done(struct dpkg *dpkg)
{
	buf_done(&dpkg->diversions_text);
	free(dpkg->diversions);
	buf_done(&dpkg->list);
}

static int compare(struct str a, struct str b)
{
	int r = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_diversions(const void *a, const void *b)
{
	return compare(((const struct dpkg_diversion *)a)->from, ((const struct dpkg_diversion *)b)->from);
}

static int diversions_read(struct dpkg *dpkg)
{
	struct dpkg_diversion diversion;
	struct str rest;
	size_t n = 0;
	int r = root_read(dpkg->root, DIVERSIONS, &dpkg->diversions_text);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		r = root_unreadable_error(dpkg->root, DIVERSIONS, r);
		return r < 0 ? r : 0;
	}
	rest = buf_str(&dpkg->diversions_text);
	while (dpkg_diversion_next(&rest, &diversion))
		n++;
	if (n > DIVERSIONS_MAX) {
		root_unreadable(dpkg->root, DIVERSIONS, "too many");
		return 0;
	}
	dpkg->diversions = calloc(n + 1, sizeof(*dpkg->diversions));
	if (!dpkg->diversions)
		return -ENOMEM;
	rest = buf_str(&dpkg->diversions_text);
	while (dpkg_diversion_next(&rest, &diversion))
		dpkg->diversions[dpkg->n_diversions++] = diversion;
	if (n > 0)
		qsort(dpkg->diversions, n, sizeof(diversion), compare_diversions);
	return 0;
}

/* Where the package's file of that name truly lies. */
static struct str diverted(const struct dpkg *dpkg, struct str path, struct str package)
{
	const struct dpkg_diversion key = { .from = path }, *found = NULL;

	if (dpkg->n_diversions > 0)
		found = bsearch(&key, dpkg->diversions, dpkg->n_diversions, sizeof(key), compare_diversions);
	return found && !str_equal(found->by, package) ? found->to : path;
}

/* One path a line. */
static int list_take(struct dpkg *dpkg, uint32_t index, struct str package)
{
	struct str rest = buf_str(&dpkg->list), path;
	int r = 0;

	while (r >= 0 && text_line(&rest, &path)) {
		if (path.len > 0)
			r = root_file(dpkg->root, index, diverted(dpkg, path, package));
	}
	return r;
}

/* "MD5  relative/path" a line. */
static int sums_take(struct dpkg *dpkg, uint32_t index, struct str package)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	struct str rest = buf_str(&dpkg->list), line;
	int r = 0;

	while (r >= 0 && text_line(&rest, &line)) {
		const char *space = line.len ? memchr(line.data, ' ', line.len) : NULL;
		struct str name = line;

		if (!space)
			continue;
		name.len -= (size_t)(space + 1 - name.data);
		name.data = space + 1;
		r = path_join(&path, STR(""), text_trim(name));
		if (r == -EINVAL)
			r = 0;
		else if (r >= 0)
			r = root_file(dpkg->root, index, diverted(dpkg, buf_str(&path), package));
	}
	return r;
}

/* Reads the file of that ending: NAME:ARCH where several architectures can be installed beside each other, else NAME. */
static int info_read(struct dpkg *dpkg, const char *directory, const struct dpkg_stanza *stanza,
		     const char *ending)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	int name = (int)stanza->package.len, arch = (int)stanza->arch.len, r;

	buf_clear(&dpkg->list);
	r = buf_printf(&path, "%s/%.*s:%.*s.%s", directory, name, stanza->package.data, arch,
		       arch ? stanza->arch.data : "", ending);
	if (r >= 0)
		r = buf_cstr(&path) ? root_read(dpkg->root, path.data, &dpkg->list) : -ENOMEM;
	if (r != -ENOENT)
		return r;
	buf_clear(&path);
	r = buf_printf(&path, "%s/%.*s.%s", directory, name, stanza->package.data, ending);
	if (r >= 0)
		r = buf_cstr(&path) ? root_read(dpkg->root, path.data, &dpkg->list) : -ENOMEM;
	return r;
}

static int files_take(struct dpkg *dpkg, const char *directory, const struct dpkg_stanza *stanza,
		      uint32_t index)
{
	char name[256];
	int r = info_read(dpkg, directory, stanza, "list");

	if (r >= 0)
		return list_take(dpkg, index, stanza->package);
	if (r == -ENOENT)
		r = info_read(dpkg, directory, stanza, "md5sums");
	if (r >= 0)
		return sums_take(dpkg, index, stanza->package);
	snprintf(name, sizeof(name), "%s/%.*s.list", directory, (int)stanza->package.len, stanza->package.data);
	return root_unreadable_error(dpkg->root, name, r);
}

/* A package's name is part of a file's name. */
static bool is_name(struct str name)
{
	return name.len > 0 && name.len < 256 && !memchr(name.data, '/', name.len) &&
	       !memchr(name.data, '\0', name.len) && name.data[0] != '.';
}

/* "source (version)", or nothing but the name; as a qualifier "source@version". */
static int upstream_make(const struct dpkg_stanza *stanza, char **ret_upstream)
{
	struct str name = stanza->source, version = { NULL, 0 };
	const char *open = name.len ? memchr(name.data, '(', name.len) : NULL;
	int r;

	if (name.len == 0)
		return 0;
	if (open) {
		version = (struct str) { open + 1, name.len - (size_t)(open + 1 - name.data) };
		if (version.len > 0 && version.data[version.len - 1] == ')')
			version.len--;
		name = text_trim((struct str) { name.data, (size_t)(open - name.data) });
	}
	if (version.len > 0)
		r = asprintf(ret_upstream, "%.*s@%.*s", (int)name.len, name.data, (int)version.len,
			     version.data);
	else
		r = asprintf(ret_upstream, "%.*s", (int)name.len, name.data);
	if (r < 0)
		*ret_upstream = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int stanza_take(struct dpkg *dpkg, const char *path, const char *directory,
		       const struct dpkg_stanza *stanza)
{
	_cleanup_(freep) char *name = NULL, *version = NULL, *arch = NULL, *upstream = NULL;
	struct found found = { .source = PACKAGE_FROM_DPKG, .type = "deb", .distro = true };
	uint32_t index;
	int r;

	if (!is_name(stanza->package) || (stanza->arch.len && !is_name(stanza->arch)))
		return root_unreadable(dpkg->root, path, "has a package without a proper name");
	name = str_copy(stanza->package);
	version = stanza->version.len ? str_copy(stanza->version) : strdup("");
	arch = stanza->arch.len ? str_copy(stanza->arch) : strdup("");
	r = upstream_make(stanza, &upstream);
	if (r < 0 || !name || !version || !arch)
		return -ENOMEM;
	found.namespace_ = dpkg->root->id ? dpkg->root->id : "debian";
	found.name = name;
	found.version = version;
	found.arch = arch;
	found.upstream = upstream;
	r = root_package(dpkg->root, &found, path, &index);
	return r != 0 ? r : files_take(dpkg, directory, stanza, index);
}

static int status_take(struct dpkg *dpkg)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROOT_TEXT_MAX);
	struct dpkg_stanza stanza;
	struct str rest;
	int r = root_read(dpkg->root, STATUS, &text);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return root_unreadable_error(dpkg->root, STATUS, r);
	dpkg->root->facts->sources |= PACKAGE_FROM_DPKG;
	rest = buf_str(&text);
	while (r >= 0 && dpkg_stanza_next(&rest, &stanza)) {
		if (dpkg_stanza_is_there(&stanza))
			r = stanza_take(dpkg, STATUS, INFO, &stanza);
	}
	return r;
}

/* A file of status.d: one stanza, of what is there. */
static int status_d_take(void *user, const char *name)
{
	struct dpkg *dpkg = user;
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROOT_SMALL_MAX), path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	struct dpkg_stanza stanza;
	struct str rest;
	int r;

	if (text_ends(str_of(name), STR(".md5sums")) || text_ends(str_of(name), STR(".list")))
		return 0;
	r = path_join(&path, STR(STATUS_D), str_of(name));
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	r = root_read(dpkg->root, path.data, &text);
	if (r < 0)
		return root_unreadable_error(dpkg->root, path.data, r);
	rest = buf_str(&text);
	while (r >= 0 && dpkg_stanza_next(&rest, &stanza))
		r = stanza_take(dpkg, path.data, STATUS_D, &stanza);
	return r;
}

int root_dpkg(struct root *root)
{
	_cleanup_(dpkg_done) struct dpkg dpkg = { .root = root,
						  .diversions_text = BUF_MAX(ROOT_TEXT_MAX),
						  .list = BUF_MAX(ROOT_TEXT_MAX) };
	_cleanup_(closep) int directory = -1;
	int r = diversions_read(&dpkg);

	if (r >= 0)
		r = status_take(&dpkg);
	if (r < 0)
		return r;
	directory = root_open(root, STATUS_D, O_RDONLY | O_DIRECTORY);
	if (directory == -ENOENT || directory == -ENOTDIR)
		return 0;
	if (directory < 0)
		return root_unreadable_error(root, STATUS_D, directory);
	root->facts->sources |= PACKAGE_FROM_DPKG;
	r = root_names(directory, status_d_take, &dpkg);
	return r < 0 ? r : 0;
}
