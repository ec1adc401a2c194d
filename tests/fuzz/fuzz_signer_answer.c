/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile answers of signing services, plugins and token issuers. The first byte says whose answer the rest is. Beyond
 * not crashing: what is refused has a line that says why, what is accepted as a key is one, and a bundle's signature
 * never grows beyond its limit.
 */

#include <stdint.h>
#include <stdlib.h>

#include "signer/identity_token.h"
#include "signer/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer that is well: only with a key's version is a signature looked at. */
#define VAULT_KEY                                                                               \
	"{\"data\":{\"type\":\"ed25519\",\"latest_version\":1,\"keys\":{\"1\":{\"public_key\":" \
	"\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}}}}"

static const char *const key_ids[] = {
	"hashivault://k",
	"awskms:///k",
	"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
	"azurekms://h/k",
	"exec:/bin/false k",
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void refused_with_a_line(int r, const struct diag *diag)
{
	must(r == 0 || r == -ENOMEM || diag->text[0] != '\0');
}

static void try_key(struct signer *signer, struct str text)
{
	_cleanup_(json_freep) json_t *answer = NULL;
	struct diag diag = { .code = 0 };
	int r = service_read(200, text, "a service", &diag, &answer);

	if (r == 0)
		r = signer->driver->read_key(signer, answer, &diag);
	refused_with_a_line(r, &diag);
	if (r == 0)
		must(public_key_type(signer->public) != NULL);
}

static void try_signature(struct signer *signer, struct str text)
{
	_cleanup_(json_freep) json_t *answer = NULL;
	_cleanup_(buf_done) struct buf signature = BUF_MAX(4096);
	struct diag diag = { .code = 0 };
	int r;

	if (signer->driver == &signer_hashivault)
		try_key(signer, STR(VAULT_KEY));
	r = service_read(200, text, "a service", &diag, &answer);
	if (r == 0)
		r = signer->driver->read_signature(signer, answer, &signature, &diag);
	refused_with_a_line(r, &diag);
	if (r == 0)
		must(signature.len > 0 && signature.len <= 4096);
}

static void try_token(struct str text)
{
	_cleanup_(buf_done) struct buf challenge = BUF_MAX(4096);
	struct diag diag = { .code = 0 };
	int64_t expires = -1;
	int r = identity_token_read(text, &diag, &challenge, &expires);

	must(r != 0 || challenge.len > 0);
	must(r == 0 || r == -ENOMEM || r == -E2BIG || diag.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(signer_freep) struct signer *signer = NULL;
	struct signer_settings settings = { .key_id = NULL };
	struct diag diag = { .code = 0 };
	_cleanup_(json_freep) json_t *answer = NULL;
	struct str text;

	if (size < 1)
		return 0;
	text = (struct str) { (const char *)data + 1, size - 1 };
	if (data[0] == 't') {
		try_token(text);
	} else if (data[0] == 's') {
		refused_with_a_line(service_read(503, text, "a service", &diag, &answer), &diag);
	} else if (data[0] >= '0' && data[0] <= '9') {
		settings.key_id = key_ids[(data[0] - '0') % 5];
		must(signer_begin(&settings, NULL, &signer) == 0);
		if (data[0] < '5')
			try_key(signer, text);
		else
			try_signature(signer, text);
	}
	return 0;
}
