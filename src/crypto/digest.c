/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 by OpenSSL's provider (which uses the processor's SHA instructions). The algorithm is fetched once a
 * process: looking it up costs more than hashing a record. A stream owns two contexts: the running one and the
 * one its value is finished in, so that asking for a value neither allocates nor ends the stream.
 */

#include "crypto/digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/text.h"

struct digest_stream {
	EVP_MD_CTX *running;
	EVP_MD_CTX *finished;
};

static EVP_MD *sha256;

static void fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* NULL when OpenSSL has no memory or no provider for it. Lives as long as the process. */
static const EVP_MD *algorithm(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_sha256);
	return sha256;
}

void digest_stream_free(struct digest_stream *stream)
{
	if (!stream)
		return;
	EVP_MD_CTX_free(stream->running);
	EVP_MD_CTX_free(stream->finished);
	free(stream);
}

int digest_stream_new(struct digest_stream **ret_stream)
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = calloc(1, sizeof(*stream));
	int r;

	if (!stream)
		return -ENOMEM;
	stream->running = EVP_MD_CTX_new();
	stream->finished = EVP_MD_CTX_new();
	if (!stream->running || !stream->finished)
		return -ENOMEM;
	r = digest_stream_reset(stream);
	if (r < 0)
		return r;
	*ret_stream = TAKE(stream);
	return 0;
}

int digest_stream_reset(struct digest_stream *stream)
{
	const EVP_MD *md = algorithm();

	if (!md || EVP_DigestInit_ex2(stream->running, md, NULL) != 1)
		return -ENOMEM;
	return 0;
}

int digest_stream_add(struct digest_stream *stream, const void *data, size_t len)
{
	return EVP_DigestUpdate(stream->running, data, len) == 1 ? 0 : -ENOMEM;
}

int digest_stream_value(struct digest_stream *stream, struct digest *ret_digest)
{
	struct digest digest;

	if (EVP_MD_CTX_copy_ex(stream->finished, stream->running) != 1)
		return -ENOMEM;
	if (EVP_DigestFinal_ex(stream->finished, digest.bytes, NULL) != 1)
		return -ENOMEM;
	*ret_digest = digest;
	return 0;
}

int digest_of(const void *data, size_t len, struct digest *ret_digest)
{
	const EVP_MD *md = algorithm();
	struct digest digest;

	if (!md || EVP_Digest(data, len, digest.bytes, NULL, md, NULL) != 1)
		return -ENOMEM;
	*ret_digest = digest;
	return 0;
}

int digest_sha512(const void *data, size_t len, uint8_t out[DIGEST_SHA512_LEN])
{
	return EVP_Q_digest(NULL, "SHA512", NULL, data, len, out, NULL) == 1 ? 0 : -ENOMEM;
}

void digest_hex(const struct digest *digest, char out[DIGEST_TEXT_LEN + 1])
{
	text_hex(digest->bytes, DIGEST_LEN, out);
}

int digest_parse(struct str hex, struct digest *ret_digest)
{
	return text_unhex(hex, ret_digest->bytes, DIGEST_LEN);
}
