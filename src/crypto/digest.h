/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SHA-256, FIPS 180-4, at once or in pieces. Failing to hash is failing to allocate: -ENOMEM. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

#define DIGEST_LEN 32
#define DIGEST_TEXT_LEN 64 /* lower-case hex */

struct digest {
	uint8_t bytes[DIGEST_LEN];
};

struct digest_stream;

int digest_stream_new(struct digest_stream **ret_stream);
void digest_stream_free(struct digest_stream *stream);
DEFINE_FREEP(digest_stream, digest_stream_free)
int digest_stream_add(struct digest_stream *stream, const void *data, size_t len);
/* The digest of what was added so far; the stream goes on. */
int digest_stream_value(struct digest_stream *stream, struct digest *ret_digest);
/* Starts over. */
int digest_stream_reset(struct digest_stream *stream);

int digest_of(const void *data, size_t len, struct digest *ret_digest);

/* SHA-512, for the one format that wants it. */
#define DIGEST_SHA512_LEN 64
int digest_sha512(const void *data, size_t len, uint8_t out[DIGEST_SHA512_LEN]);

void digest_hex(const struct digest *digest, char out[DIGEST_TEXT_LEN + 1]);
/* Exactly 64 lower-case hex digits; -EINVAL. */
int digest_parse(struct str hex, struct digest *ret_digest);
