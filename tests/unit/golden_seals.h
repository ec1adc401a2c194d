/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The seals that real servers and cosign made, from tests/golden/sigstore; see its script `make`. For cmocka programs. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/file.h"
#include "format/bundle.h"
#include "sigstore/trusted_root.h"

#define GOLDEN_SEALS "tests/golden/sigstore/"
#define GOLDEN_SPIFFE "spiffe://example.org/node/1"
#define GOLDEN_SPIFFE_ISSUER "http://127.0.0.1:3011"
#define GOLDEN_K8S "https://kubernetes.io/namespaces/ns/serviceaccounts/sa"
#define GOLDEN_K8S_ISSUER "http://127.0.0.1:3010"

static inline void golden_text(const char *name, struct buf *out)
{
	struct diag diag = { 0 };
	char path[128];

	snprintf(path, sizeof(path), GOLDEN_SEALS "%s", name);
	if (file_read_at(AT_FDCWD, path, out, &diag) < 0)
		fail_msg("%s", diag.text);
}

static inline void golden_seal(const char *name, struct bundle *bundle)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	struct diag diag = { 0 };

	*bundle = BUNDLE_EMPTY;
	golden_text(name, &text);
	if (bundle_parse(buf_str(&text), &diag, bundle) < 0)
		fail_msg("%s", diag.text);
}

static inline void golden_root(struct trusted_root *root)
{
	struct diag diag = { 0 };

	*root = TRUSTED_ROOT_EMPTY;
	if (trusted_root_load(GOLDEN_SEALS "trusted_root.json", &diag, root) < 0)
		fail_msg("%s", diag.text);
}

static inline struct public_key *golden_key(void)
{
	struct public_key *key = NULL;
	struct diag diag = { 0 };

	if (public_key_load(GOLDEN_SEALS "key.pem", &diag, &key) < 0)
		fail_msg("%s", diag.text);
	return key;
}
