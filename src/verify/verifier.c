/* SPDX-License-Identifier: Apache-2.0 */

/* The verifier's options. Promises: nothing is trusted until the caller brings it; each refusal leaves its line. */

#include "verify/verifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int stella_verifier_new(struct stella_verifier **ret_verifier)
{
	struct stella_verifier *verifier = calloc(1, sizeof(*verifier));

	if (!verifier)
		return -ENOMEM;
	verifier->publish_wait_ms = VERIFIER_PUBLISH_WAIT_MS;
	*ret_verifier = verifier;
	return 0;
}

void stella_verifier_free(struct stella_verifier *verifier)
{
	if (!verifier)
		return;
	trust_done(&verifier->trust);
	for (size_t i = 0; i < verifier->n_tiles; i++)
		free(verifier->tiles[i]);
	free(verifier);
}

const char *stella_verifier_error(const struct stella_verifier *verifier)
{
	return verifier->diag.text;
}

int stella_verifier_trust_key(struct stella_verifier *verifier, const char *path)
{
	verifier->diag = (struct diag) { 0 };
	return trust_add_file(&verifier->trust, path, &verifier->diag);
}

int stella_verifier_trust_directory(struct stella_verifier *verifier, const char *path)
{
	verifier->diag = (struct diag) { 0 };
	return trust_add_directory(&verifier->trust, path, &verifier->diag);
}

int stella_verifier_trusted_root(struct stella_verifier *verifier, const char *path)
{
	verifier->diag = (struct diag) { 0 };
	return trust_add_root(&verifier->trust, path, &verifier->diag);
}

int stella_verifier_identity(struct stella_verifier *verifier, const char *san, const char *issuer)
{
	verifier->diag = (struct diag) { 0 };
	return trust_add_identity(&verifier->trust, san, issuer, &verifier->diag);
}

int stella_verifier_log_directory(struct stella_verifier *verifier, const char *path)
{
	char *copy;

	verifier->diag = (struct diag) { 0 };
	if (verifier->n_tiles == ANCHORS_TILES_MAX)
		return diag_error(&verifier->diag, -E2BIG, "more than %d directories of logs",
				  ANCHORS_TILES_MAX);
	copy = strdup(path);
	if (!copy)
		return diag_error(&verifier->diag, -ENOMEM, "no memory");
	verifier->tiles[verifier->n_tiles++] = copy;
	return 0;
}

void verifier_ask_logs(struct stella_verifier *verifier, presence_ask_fn *ask, void *user)
{
	verifier->ask = ask;
	verifier->ask_user = user;
}

int stella_verifier_expect_head(struct stella_verifier *verifier, const char *hex)
{
	char lower[DIGEST_TEXT_LEN + 1];
	size_t len = strlen(hex);

	verifier->diag = (struct diag) { 0 };
	for (size_t i = 0; i <= len && len == DIGEST_TEXT_LEN; i++)
		lower[i] = hex[i] >= 'A' && hex[i] <= 'F' ? (char)(hex[i] - 'A' + 'a') : hex[i];
	if (len != DIGEST_TEXT_LEN || digest_parse(str_of(lower), &verifier->expected_head) < 0)
		return diag_error(&verifier->diag, -EINVAL, "%s: a head is 64 hex digits", hex);
	verifier->has_expected_head = true;
	return 0;
}

void stella_verifier_require_complete(struct stella_verifier *verifier, bool required)
{
	verifier->require_complete = required;
}

void stella_verifier_require_log(struct stella_verifier *verifier, bool required)
{
	verifier->require_log = required;
}

void stella_verifier_seals_only(struct stella_verifier *verifier, bool seals_only)
{
	verifier->seals_only = seals_only;
}

void stella_verifier_on_progress(struct stella_verifier *verifier,
				 void (*progress)(void *user, uint64_t done_bytes, uint64_t total_bytes),
				 void *user)
{
	verifier->progress = progress;
	verifier->progress_user = user;
}
