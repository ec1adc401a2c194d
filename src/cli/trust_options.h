/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whom a verb that verifies trusts: the options, and what they make of a verifier. */

#include "cli/options.h"
#include "stella/verify.h"

struct trust_options {
	struct option_list keys, trusts, roots, identities, issuers, logs;
	bool trusts_nothing; /* none was given, and there is no trust directory of this host */
};

/* Rows for option_row[]; `trust_` is a struct trust_options. */
#define OPTIONS_TRUST(trust_)                                                                                \
	OPTION_IS_LIST("key", 'k', "FILE", "trust this public key (PEM); may be repeated", &(trust_)->keys), \
		OPTION_IS_LIST(                                                                              \
			"trust", 't', "DIR",                                                                 \
			"trust each *.pem, *.pub, *.vkey and trusted_root.json in DIR (default without "     \
			"--key and --certificate-identity: $" TRUST_DIRECTORY_ENV                            \
			" or " TRUST_DIRECTORY_DEFAULT ")",                                                  \
			&(trust_)->trusts),                                                                  \
		OPTION_IS_LIST("trusted-root", 0, "FILE",                                                    \
			       "trust the logs, certificate and timestamp authorities of this Sigstore "     \
			       "trusted_root.json",                                                          \
			       &(trust_)->roots),                                                            \
		OPTION_IS_LIST("certificate-identity", 0, "NAME",                                            \
			       "trust certificates for this name, exactly; may be repeated",                 \
			       &(trust_)->identities),                                                       \
		OPTION_IS_LIST("certificate-oidc-issuer", 0, "ISSUER",                                       \
			       "who must have vouched for that name, exactly; one for all or one each",      \
			       &(trust_)->issuers),                                                          \
		OPTION_IS_LIST("log", 0, "DIR",                                                              \
			       "a trusted log's tiles: proves that its checkpoints are of one tree",         \
			       &(trust_)->logs)

/* Gives them to the verifier. On failure its line is out, and *ret_status the exit status. */
bool trust_options_apply(struct trust_options *options, struct stella_verifier *verifier, int *ret_status);

/* Was any signer named on the command line? */
bool trust_options_name_signers(const struct trust_options *options);

/* Prints why the verifier failed; the exit status. */
int trust_failed(const struct stella_verifier *verifier, int error);
