// SPDX-License-Identifier: Apache-2.0
/*
 * Timestamps. Promises that only a response is kept which verifies over this signature, with our nonce, by a trusted
 * authority that was valid at the time it names. Owns nothing beyond a call.
 */

#include "transparency/tsa.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/timestamp.h"

static size_t url_len(const char *url)
{
	size_t len = url ? strlen(url) : 0;

	while (len > 0 && url[len - 1] == '/')
		len--;
	return len;
}

static bool same_url(const char *a, const char *b)
{
	return a && b && url_len(a) == url_len(b) && memcmp(a, b, url_len(a)) == 0;
}

static bool is_named(const struct trusted_root *root, const char *url)
{
	for (size_t i = 0; i < root->n_timestampers; i++)
		if (same_url(root->timestampers[i].url, url))
			return true;
	return false;
}

/* By the first of the authorities that did; the line is the last one's. */
static int verify(struct str response, const struct bundle *bundle, uint64_t nonce, const char *url,
		  const struct trusted_root *root, struct diag *diag, int64_t *ret_time)
{
	bool named = is_named(root, url);
	struct diag why = { .text = "" };
	int r = -EBADMSG;

	for (size_t i = 0; i < root->n_timestampers; i++) {
		const struct authority *authority = &root->timestampers[i];

		if (named && !same_url(authority->url, url))
			continue;
		why.text[0] = 0;
		r = timestamp_verify(response, buf_str(&bundle->signature), nonce, &authority->chain, &why,
				     ret_time);
		if (r >= 0 && (*ret_time < authority->validity.from || *ret_time > authority->validity.until))
			r = diag_error(&why, -EBADMSG,
				       "the trusted root does not trust the authority at that time");
		if (r >= 0 || r == -ENOMEM)
			return r;
	}
	return diag_error(diag, r, "%s: its timestamp proves nothing: %s", url,
			  root->n_timestampers > 0 ? why.text
						   : "the trusted root names no timestamp authority");
}

bool tsa_has(const struct bundle *bundle, const char *url, const struct trusted_root *root)
{
	for (size_t i = 0; i < bundle->n_timestamps; i++) {
		struct diag quiet = { .text = "" };
		int64_t time;

		if (verify(buf_str(&bundle->timestamps[i]), bundle, 0, url, root, &quiet, &time) == 0)
			return true;
	}
	return false;
}

int tsa_stamp(struct client *client, const struct bundle *bundle, const struct trusted_root *root,
	      struct diag *diag, struct buf *out, int64_t *ret_time)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(4096);
	_cleanup_(http_answer_done) struct http_answer answer = { .retry_after_s = -1 };
	struct question question = { .method = "POST",
				     .path = "",
				     .content_type = "application/timestamp-query",
				     .accept = "application/timestamp-reply",
				     .answer_max = BUNDLE_TIMESTAMP_MAX };
	uint64_t nonce = 0;
	int r = random_bytes(&nonce, sizeof(nonce));

	nonce = (nonce >> 1) | 1; /* positive in DER, and never 0 */
	if (r >= 0)
		r = timestamp_request(buf_str(&bundle->signature), nonce, &body, diag);
	if (r < 0)
		return diag_error(diag, r, "cannot ask %s for a timestamp: %s", client->url, strerror(-r));
	question.body = buf_str(&body);
	r = ask(client, &question, diag, &answer);
	if (r >= 0 && answer.status != 200 && answer.status != 201)
		r = ask_refused(client, "asking for a timestamp", &answer, diag);
	if (r >= 0)
		r = verify(buf_str(&answer.body), bundle, nonce, client->url, root, diag, ret_time);
	return r < 0 ? r : buf_append_str(out, buf_str(&answer.body));
}
