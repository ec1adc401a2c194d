// SPDX-License-Identifier: Apache-2.0
/*
 * The packages of a Java archive in the root. The one that the archive is, owns the file, as others own theirs. Of the others in it
 * no open of the archive can tell which ran: they are `contained`.
 */

#include "packages/root_parts.h"

#include "packages/jar.h"

struct finding {
	struct root *root;
	const char *path;
	const struct stat *status;
};

static int package_take(void *user, const struct jar_package *package)
{
	const struct finding *finding = user;
	/* A purl of Maven needs a group; who does not know it has only a name and a version. */
	struct found found = {
		.source = PACKAGE_FROM_JAR,
		.type = "maven",
		.namespace_ = package->group,
		.name = package->artifact,
		.version = package->version,
		.without_purl = !package->group,
	};
	uint32_t index;
	int r = root_package(finding->root, &found, finding->path, &index);

	if (r != 0)
		return r < 0 ? r : 0;
	return root_seen_file(finding->root, index, str_of(finding->path), finding->status, !package->own);
}

int root_jar(struct root *root, const char *path, int fd, const struct stat *status)
{
	struct finding finding = { root, path, status };
	struct jar_source source = { .fd = fd, .name = path };
	const char *why;
	int r = jar_read(&source, package_take, &finding, &why);

	return r == JAR_UNREADABLE ? root_unreadable(root, path, why) : r;
}
