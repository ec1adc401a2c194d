/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Options of trust. Promises: what is given is used or refused, never dropped; the host's own trust directory is read
 * only when no signer was named.
 */

#include "cli/trust_options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

static int status_of(int error)
{
	switch (error) {
	case -ENOENT:
		return EXIT_NOT_FOUND;
	case -EINVAL:
	case -ENOTDIR:
	case -E2BIG:
	case -EBADMSG:
	case -EISDIR:
		return EXIT_UNSOUND;
	default:
		return diag_exit_status(NULL, error);
	}
}

int trust_failed(const struct stella_verifier *verifier, int error)
{
	const char *line = stella_verifier_error(verifier);

	talk("%s", *line ? line : strerror(-error));
	return status_of(error);
}

bool trust_options_name_signers(const struct trust_options *options)
{
	return options->keys.count > 0 || options->trusts.count > 0 || options->identities.count > 0;
}

/* The default directory may be absent or empty: then nothing is trusted, and the verdict says so. */
static int trust_default(struct stella_verifier *verifier, struct trust_options *options)
{
	const char *directory = command_trust_default();
	int r;

	r = stella_verifier_trust_directory(verifier, directory);
	if (r == -ENOENT && access(directory, F_OK) != 0) {
		options->trusts_nothing = true;
		return 0;
	}
	return r;
}

static bool identities_paired(const struct trust_options *options)
{
	size_t names = options->identities.count, issuers = options->issuers.count;

	if (names > 0 && issuers == 0)
		talk("--certificate-identity needs --certificate-oidc-issuer: who must have vouched for the "
		     "name");
	else if (names == 0 && issuers > 0)
		talk("--certificate-oidc-issuer needs --certificate-identity: the name that it vouches for");
	else if (issuers > 1 && issuers != names)
		talk("%zu names and %zu issuers: give one issuer for all names, or one for each in their order",
		     names, issuers);
	else
		return true;
	return false;
}

static int each(const struct option_list *list, struct stella_verifier *verifier,
		int (*add)(struct stella_verifier *verifier, const char *path))
{
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++)
		r = add(verifier, list->items[i]);
	return r;
}

static int identities(const struct trust_options *options, struct stella_verifier *verifier)
{
	int r = 0;

	for (size_t i = 0; i < options->identities.count && r == 0; i++)
		r = stella_verifier_identity(verifier, options->identities.items[i],
					     options->issuers.items[options->issuers.count > 1 ? i : 0]);
	return r;
}

bool trust_options_apply(struct trust_options *options, struct stella_verifier *verifier, int *ret_status)
{
	int r;

	*ret_status = EXIT_UNSOUND;
	if (!identities_paired(options))
		return false;
	r = trust_options_name_signers(options) ? 0 : trust_default(verifier, options);
	r = r < 0 ? r : each(&options->keys, verifier, stella_verifier_trust_key);
	r = r < 0 ? r : each(&options->trusts, verifier, stella_verifier_trust_directory);
	r = r < 0 ? r : each(&options->roots, verifier, stella_verifier_trusted_root);
	r = r < 0 ? r : identities(options, verifier);
	r = r < 0 ? r : each(&options->logs, verifier, stella_verifier_log_directory);
	if (r < 0)
		*ret_status = trust_failed(verifier, r);
	return r == 0;
}
