/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RFC 3161 over HTTP: a timestamp over the seal's signature. */

#include "format/bundle.h"
#include "sigstore/trusted_root.h"
#include "transparency/ask.h"

/*
 * Asks the authority at the client's URL and proves its answer with `root`: by the timestampers of that URL when there
 * are any, else by any. Appends the response; *ret_time: seconds since 1970. -EBADMSG: the answer proves nothing.
 */
int tsa_stamp(struct client *client, const struct bundle *bundle, const struct trusted_root *root,
	      struct diag *diag, struct buf *out, int64_t *ret_time);

/* Has the bundle a timestamp that such a timestamper gave? */
bool tsa_has(const struct bundle *bundle, const char *url, const struct trusted_root *root);
