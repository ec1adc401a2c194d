// SPDX-License-Identifier: Apache-2.0
/*
 * Modules of Go programs and crates of Rust programs in the root. The program is its main module's or root crate's; the
 * others, and Go's standard library, are in it.
 */

#include "packages/root_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "packages/binary.h"

struct finding {
	struct root *root;
	const char *path;
	const struct stat *status;
};

static int file_take(const struct finding *finding, uint32_t index, bool own)
{
	return root_seen_file(finding->root, index, str_of(finding->path), finding->status, !own);
}

static int go_take(const struct finding *finding, const struct go_module *module)
{
	_cleanup_(freep) char *path = str_copy(module->path);
	_cleanup_(freep) char *version = str_copy(module->version);
	struct found found = { .source = PACKAGE_FROM_GO, .type = "golang", .version = version };
	uint32_t index;
	char *slash;
	int r;

	if (!path || !version)
		return -ENOMEM;
	slash = strrchr(path, '/');
	found.name = slash ? slash + 1 : path;
	if (slash) {
		*slash = '\0';
		found.namespace_ = path;
	}
	if (found.name[0] == '\0')
		return root_unreadable(finding->root, finding->path, "names a Go module without a name");
	r = root_package(finding->root, &found, finding->path, &index);
	return r != 0 ? r : file_take(finding, index, module->is_main);
}

/* "go1.21.3 X:boringcrypto": the standard library has the compiler's version. */
static int go_library(const struct finding *finding, struct str version)
{
	const char *space = version.len ? memchr(version.data, ' ', version.len) : NULL;
	struct go_module library = { .path = STR("stdlib") };

	if (!text_begins(version, STR("go")))
		return 0; /* "devel ..." */
	if (space)
		version.len = (size_t)(space - version.data);
	library.version = (struct str) { version.data + 2, version.len - 2 };
	return go_take(finding, &library);
}

static int go_list(const struct finding *finding, const struct binary_info *info)
{
	struct str rest = buf_str(&info->go_modules);
	struct go_module module;
	int r = info->go_version.len > 0 ? go_library(finding, buf_str(&info->go_version)) : 0;

	while (r >= 0 && go_module_next(&rest, &module))
		r = go_take(finding, &module);
	return r;
}

static int crate_take(void *user, const struct rust_crate *crate)
{
	const struct finding *finding = user;
	struct found found = {
		.source = PACKAGE_FROM_RUST, .type = "cargo", .name = crate->name, .version = crate->version
	};
	uint32_t index;
	int r = root_package(finding->root, &found, finding->path, &index);

	return r != 0 ? r : file_take(finding, index, crate->is_root);
}

int root_binary(struct root *root, const char *path, int fd, const struct stat *status)
{
	_cleanup_(binary_info_done) struct binary_info info = BINARY_INFO_EMPTY;
	struct finding finding = { root, path, status };
	const char *why = NULL;
	int r = binary_read(fd, &info, &why);

	if (r == -ENOEXEC)
		return 0;
	if (r == -EBADMSG)
		return root_unreadable(root, path, why);
	if (r < 0)
		return root_unreadable_error(root, path, r);
	r = go_list(&finding, &info);
	if (r >= 0 && info.rust.len > 0)
		r = rust_list(buf_str(&info.rust), crate_take, &finding);
	return r == -EBADMSG ? root_unreadable(root, path, why) : r;
}
