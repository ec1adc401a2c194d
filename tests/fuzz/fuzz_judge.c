/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile seals, judged with the trust of tests/golden/sigstore. Beyond not crashing: what is authentic is one of the
 * statements that were signed there, whatever became of the rest of the file.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/file.h"
#include "sigstore/judge.h"

#define GOLDEN "tests/golden/sigstore/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "key-v1",		 "key-v1-spaced",
				     "cosign-key-v1",	 "cosign-key-v2-tsa",
				     "cosign-spiffe-v1", "cosign-k8s-v2-tsa" };
static const struct judge_identity identities[] = {
	{ STR("spiffe://example.org/node/1"), STR("http://127.0.0.1:3011") },
	{ STR("https://kubernetes.io/namespaces/ns/serviceaccounts/sa"), STR("http://127.0.0.1:3010") },
};

static struct trusted_root root;
static struct public_key *key;
static struct bundle signed_here[ARRAY_LEN(names)];

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void load(void)
{
	must(trusted_root_load(GOLDEN "trusted_root.json", NULL, &root) == 0);
	must(public_key_load(GOLDEN "key.pem", NULL, &key) == 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
		char path[128];

		snprintf(path, sizeof(path), GOLDEN "%s.json", names[i]);
		signed_here[i] = BUNDLE_EMPTY;
		must(file_read_at(AT_FDCWD, path, &text, NULL) == 0);
		must(bundle_parse(buf_str(&text), NULL, &signed_here[i]) == 0);
	}
}

static bool was_signed(const struct bundle *bundle)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_equal(buf_str(&bundle->payload), buf_str(&signed_here[i].payload)) &&
		    str_equal(buf_str(&bundle->payload_type), buf_str(&signed_here[i].payload_type)))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(judgement_done) struct judgement judgement = { 0 };
	struct judge_request request = { &bundle, &root, NULL, identities, ARRAY_LEN(identities) };

	if (!key)
		load();
	if (bundle_parse((struct str) { (const char *)data, size }, NULL, &bundle) < 0)
		return 0;
	request.key = bundle.identity == BUNDLE_PUBLIC_KEY ? key : NULL;
	must(judge(&request, NULL, NULL, &judgement) == 0);
	if (judgement.authentic)
		must(was_signed(&bundle));
	for (size_t i = 0; i < judgement.n_entries; i++)
		if (judgement.entries[i].proved)
			must(was_signed(&bundle) && judgement.entries[i].known);
	return 0;
}
