/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Copies whom to trust. Promises: all that verify-chain would read is copied as it is, under names that it reads again,
 * and nothing else: no private key can get along, for what is no public key has been refused before.
 */

#include "cli/bundle_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/command.h"

#define ROOT_NAME "trusted_root.json"

struct taker {
	struct bundle_copy *copy;
	int dir;
	unsigned int number; /* makes each name another one */
	bool has_root;
};

static const char *ending_of(const char *name)
{
	static const char *const endings[] = { ".pem", ".pub", ".vkey" };
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		size_t end = strlen(endings[i]);

		if (name[0] != '.' && len > end && strcmp(name + len - end, endings[i]) == 0)
			return endings[i];
	}
	return NULL;
}

static int take_root(struct taker *taker, int dir, const char *path)
{
	if (taker->has_root)
		return diag_exit(
			taker->copy->diag, EXIT_UNSOUND, -EINVAL,
			"%s: a bundle has room for one trusted root: make one of them with `stella signals "
			"trusted-root`",
			path);
	taker->has_root = true;
	return bundle_copy_file(taker->copy, dir, path, false, "trust/" ROOT_NAME, 0644);
}

static int take(struct taker *taker, int dir, const char *path, const char *ending)
{
	char to[64];

	snprintf(to, sizeof(to), "trust/%03u%s", ++taker->number, ending);
	return bundle_copy_file(taker->copy, dir, path, false, to, 0644);
}

static int take_entry(void *user, const char *name)
{
	struct taker *taker = user;
	const char *ending = ending_of(name);
	struct stat st;

	if (!ending && strcmp(name, ROOT_NAME) != 0)
		return 0;
	if (fstatat(taker->dir, name, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return ending ? take(taker, taker->dir, name, ending) : take_root(taker, taker->dir, name);
}

static int take_directory(struct taker *taker, const char *path)
{
	_cleanup_(closep) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return diag_error(taker->copy->diag, -errno, "%s: %s", path, strerror(errno));
	taker->dir = dir;
	return directory_visit(dir, take_entry, taker);
}

int bundle_trust_copy(struct bundle_copy *copy, const struct trust_options *trust)
{
	struct taker taker = { .copy = copy };
	int r = 0;

	if (!trust_options_name_signers(trust) && !trust->trusts_nothing)
		r = take_directory(&taker, command_trust_default());
	for (size_t i = 0; i < trust->keys.count && r == 0; i++)
		r = take(&taker, AT_FDCWD, trust->keys.items[i], ".pem");
	for (size_t i = 0; i < trust->trusts.count && r == 0; i++)
		r = take_directory(&taker, trust->trusts.items[i]);
	for (size_t i = 0; i < trust->roots.count && r == 0; i++)
		r = take_root(&taker, AT_FDCWD, trust->roots.items[i]);
	return r;
}

void bundle_trust_command(struct buf *out, const struct trust_options *trust)
{
	(void)buf_printf(out, " --trust trust");
	for (size_t i = 0; i < trust->identities.count; i++) {
		(void)buf_printf(out, " --certificate-identity");
		command_word(out, trust->identities.items[i]);
	}
	for (size_t i = 0; i < trust->issuers.count; i++) {
		(void)buf_printf(out, " --certificate-oidc-issuer");
		command_word(out, trust->issuers.items[i]);
	}
}
