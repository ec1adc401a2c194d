// SPDX-License-Identifier: Apache-2.0
/*
 * One root, all its package databases: first those of the operating system, then a walk for what languages install, last
 * whose the files are of those that do not say so. What can't be read is counted and told, never taken for absent. Owns
 * what a struct root holds while it runs.
 */

#include "packages/root.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"

#define OS_RELEASE_MAX 65536

static void root_done(struct root *root)
{
	closep(&root->fd);
	closep(&root->last.fd);
	free(root->last.named);
	free(root->last.resolved);
	free(root->id);
	for (size_t i = 0; i < root->n_orphans; i++) {
		free(root->orphans[i].directory);
		free(root->orphans[i].described);
		free(root->orphans[i].names);
	}
	free(root->orphans);
	buf_done(&root->compiled);
	buf_done(&root->links);
}

void root_facts_done(struct root_facts *facts)
{
	free(facts->distro);
	free(facts->first_unreadable);
	*facts = (struct root_facts) { .distro = NULL };
}

/* The value of KEY=value or KEY="value"; no escapes, which neither member has anywhere. */
static int os_release_value(struct str text, struct str key, char **ret_value)
{
	struct str line, value;

	while (text_line(&text, &line)) {
		if (!text_value(text_trim(line), key, '=', &value))
			continue;
		if (value.len >= 2 && (value.data[0] == '"' || value.data[0] == '\'') &&
		    value.data[value.len - 1] == value.data[0])
			value = (struct str) { value.data + 1, value.len - 2 };
		free(*ret_value);
		*ret_value = str_copy(value);
		if (!*ret_value)
			return -ENOMEM;
	}
	return 0;
}

static int os_release(struct root *root)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(OS_RELEASE_MAX);
	_cleanup_(freep) char *version = NULL;
	int r = root_read(root, "/etc/os-release", &text);

	if (r < 0) {
		buf_clear(&text);
		r = root_read(root, "/usr/lib/os-release", &text);
	}
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = os_release_value(buf_str(&text), STR("ID"), &root->id);
	if (r >= 0)
		r = os_release_value(buf_str(&text), STR("VERSION_ID"), &version);
	if (r < 0 || !root->id || root->id[0] == '\0')
		return r;
	if (asprintf(&root->facts->distro, "%s%s%s", root->id, version && version[0] ? "-" : "",
		     version ? version : "") < 0) {
		root->facts->distro = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int distro_given(struct root *root, const char *distro)
{
	const char *dash = strrchr(distro, '-');

	free(root->id);
	free(root->facts->distro);
	root->id = dash ? strndup(distro, (size_t)(dash - distro)) : strdup(distro);
	root->facts->distro = strdup(distro);
	return root->id && root->facts->distro ? 0 : -ENOMEM;
}

/* Where /bin is a directory of its own, its files are not those of /usr/bin. */
static void look_at_usr(struct root *root)
{
	_cleanup_(closep) int fd = root_open(root, "/bin", O_PATH | O_NOFOLLOW);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
		package_set_separate_usr(root->set);
}

static int load(struct root *root)
{
	static int (*const steps[])(struct root * root) = { root_dpkg,		 root_apk,	   root_rpm,
							    root_walk,		 root_node_settle, root_adopt,
							    root_compiled_settle };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(steps); i++)
		r = steps[i](root);
	return r < 0 ? r : 0;
}

static void count(struct root *root)
{
	for (size_t i = 0; i < package_set_count(root->set); i++) {
		if (package_set_get(root->set, (uint32_t)i)->sources & ~(unsigned int)PACKAGE_FROM_SBOM)
			root->facts->packages++;
	}
}

int root_load(const char *directory, const struct root_options *options, struct package_set *set,
	      struct diag *diag, struct root_facts *ret_facts)
{
	_cleanup_(root_facts_done) struct root_facts facts = { .distro = NULL };
	_cleanup_(root_done) struct root root = {
		.fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.set = set,
		.facts = &facts,
		.diag = diag,
		.same_inodes = options && options->same_inodes,
		.last = { .fd = -1 },
		.compiled = BUF_MAX(ROOT_TEXT_MAX),
		.links = BUF_MAX(ROOT_TEXT_MAX),
	};
	_cleanup_(closep) int probe = -1;
	int r;

	if (root.fd < 0)
		return diag_error(diag, -errno,
				  "%s: %s; give the directory that is the root of the file system", directory,
				  strerror(errno));
	probe = root_open(&root, "/", O_PATH | O_DIRECTORY);
	if (probe == -ENOSYS)
		return diag_error(diag, -ENOSYS,
				  "%s: this kernel can't keep a search for files within a directory (openat2); "
				  "Linux 5.6 or newer can",
				  directory);
	r = os_release(&root);
	if (r >= 0 && options && options->distro)
		r = distro_given(&root, options->distro);
	if (r < 0)
		return diag_error(diag, r, "%s: %s", directory, strerror(-r));
	root.distro = facts.distro;
	look_at_usr(&root);
	r = load(&root);
	if (r < 0)
		return diag_error(diag, r, "%s: %s", directory, strerror(-r));
	count(&root);
	*ret_facts = facts;
	facts = (struct root_facts) { .distro = NULL };
	return 0;
}
