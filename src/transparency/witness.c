// SPDX-License-Identifier: Apache-2.0
/*
 * add-checkpoint. Promises to ask a second time with the size that the witness itself names (409), and no third time.
 * Refuses answers that are no signature lines. Owns nothing.
 */

#include "transparency/witness.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"

#define DASH "\xE2\x80\x94 "
#define ANSWER_MAX 16384

static int write_request(struct local_log *log, struct str checkpoint, uint64_t size, uint64_t known_size,
			 struct diag *diag, struct buf *out)
{
	struct digest hashes[TILE_PROOF_MAX];
	size_t n = 0;
	int r = local_log_consistency(log, known_size, size, diag, hashes, &n);

	if (r >= 0)
		r = buf_printf(out, "old %llu\n", (unsigned long long)known_size);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = text_base64_append(out, hashes[i].bytes, DIGEST_LEN);
		if (r >= 0)
			r = buf_append(out, "\n", 1);
	}
	if (r >= 0)
		r = buf_append(out, "\n", 1);
	return r < 0 ? r : buf_append_str(out, checkpoint);
}

static bool are_lines(struct str text)
{
	const char *end = text.data + text.len;
	size_t dash = strlen(DASH);

	for (const char *at = text.data; at < end;) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		if (!lf || (size_t)(lf - at) <= dash || memcmp(at, DASH, dash) != 0)
			return false;
		at = lf + 1;
	}
	return text.len > 0;
}

static int ask_witness(struct client *client, struct str body, struct diag *diag, struct http_answer *answer)
{
	const struct question question = {
		.method = "POST", .path = "/add-checkpoint", .body = body, .answer_max = ANSWER_MAX
	};

	return ask(client, &question, diag, answer);
}

/* "SIZE\n" */
static bool size_told(const struct http_answer *answer, uint64_t size, uint64_t *ret_known)
{
	struct str text = buf_str(&answer->body);

	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	return text_parse_u64(text, 0, size, ret_known) == 0;
}

int witness_cosign(struct client *client, struct local_log *log, struct str checkpoint, uint64_t size,
		   uint64_t *known_size, struct diag *diag, struct buf *lines)
{
	for (int attempt = 0;; attempt++) {
		_cleanup_(http_answer_done) struct http_answer answer = { .retry_after_s = -1 };
		_cleanup_(buf_done) struct buf body = BUF_MAX(2 * NOTE_MAX);
		uint64_t told;
		int r = write_request(log, checkpoint, size, *known_size, diag, &body);

		if (r >= 0)
			r = ask_witness(client, buf_str(&body), diag, &answer);
		if (r < 0)
			return r;
		if (answer.status == 200) {
			if (!are_lines(buf_str(&answer.body)))
				return diag_error(diag, -EBADMSG, "%s: its answer is no cosignature",
						  client->url);
			*known_size = size;
			return buf_append_str(lines, buf_str(&answer.body));
		}
		if (answer.status != 409 || attempt > 0 || !size_told(&answer, size, &told))
			return ask_refused(client, "asking for a cosignature", &answer, diag);
		*known_size = told;
	}
}
