// SPDX-License-Identifier: Apache-2.0
/*
 * The forms that an engine's words must have before they are believed: ids and digests. Strict: one spelling each, the
 * whole text. Owns nothing.
 */

#include "resolve/engine_driver.h"

#include <string.h>

#define DIGEST_PREFIX "sha256:"

bool engine_id_is(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return len == ENGINE_ID_LEN && text[len] == '\0';
}

bool engine_digest_is(const char *text)
{
	return strncmp(text, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0 &&
	       engine_id_is(text + strlen(DIGEST_PREFIX));
}

const char *engine_reference_digest(const char *reference)
{
	const char *at = strchr(reference, '@');

	return at && at > reference && engine_digest_is(at + 1) ? at + 1 : NULL;
}
