/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys in files: "local", made when it is missing and never overwritten, and "file:/PATH", which must be there. They
 * lie in our memory while they are used; what a file must be like, and how it is encrypted, is key_load's to judge.
 */

#include "signer/parts.h"

#include <errno.h>
#include <unistd.h>

static int load(struct signer *signer, const char *path, struct diag *diag)
{
	signer->in_memory = true;
	return key_load_encrypted(path, signer->settings.passphrase_file, diag, &signer->key);
}

static int open_file(struct signer *signer, struct diag *diag)
{
	return load(signer, signer->name, diag);
}

/* Two first starts at once: the loser of key_save loads what the winner saved. */
static int open_local(struct signer *signer, struct diag *diag)
{
	const char *path = signer->settings.local_key;
	_cleanup_(key_freep) struct key *fresh = NULL;
	struct diag quiet = { .text = "" };
	int r;

	if (!path)
		return diag_error(diag, -EINVAL, "no place for the local key is set");
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return load(signer, path, diag);
	r = key_generate(diag, &fresh);
	if (r < 0)
		return r;
	r = key_save(fresh, path, &quiet);
	if (r == -EEXIST)
		return load(signer, path, diag);
	if (r < 0)
		return diag_error(diag, r, "%s", quiet.text);
	signer->key = TAKE(fresh);
	signer->in_memory = signer->generated = true;
	return 0;
}

const struct signer_driver signer_local = {
	.kind = "local",
	.prefix = "local",
	.open = open_local,
	.sign = signer_sign_with_key,
};

const struct signer_driver signer_file = {
	.kind = "file",
	.prefix = "file:",
	.check = signer_check_path,
	.open = open_file,
	.sign = signer_sign_with_key,
};
