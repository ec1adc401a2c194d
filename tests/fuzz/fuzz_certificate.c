/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile certificates: DER, and PEM files of them. Beyond not crashing: what is accepted is kept byte for byte, and a
 * certificate that nobody issued is believed by nobody.
 */

#include <stdint.h>
#include <stdlib.h>

#include "crypto/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void read_all(const struct certificate *certificate)
{
	_cleanup_(buf_done) struct buf san = BUF_MAX(CERTIFICATE_MAX), issuer = BUF_MAX(CERTIFICATE_MAX);
	_cleanup_(buf_done) struct buf organization = BUF_MAX(CERTIFICATE_MAX), name = BUF_MAX(CERTIFICATE_MAX);
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	struct certificate *list[] = { (struct certificate *)certificate };
	const struct certificate_chain self = { list, 1 }, nobody = { 0 };
	int64_t time = certificate_not_before(certificate);

	if (certificate_san(certificate, &san, NULL) == 0)
		must(san.len > 0 && !memchr(san.data, '\0', san.len));
	if (certificate_issuer(certificate, &issuer, NULL) == 0)
		must(issuer.len > 0 && !memchr(issuer.data, '\0', issuer.len));
	certificate_public_key(certificate, NULL, &key);
	must(certificate_subject(certificate, &organization, &name) == 0);
	must(certificate_verify(certificate, &nobody, time, NULL) < 0);
	must(certificate_verify(certificate, &self, time, NULL) < 0);
	must(certificate_check_sct(certificate, &self, NULL, 0, NULL) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(certificate_chain_done) struct certificate_chain chain = { 0 };
	_cleanup_(certificate_freep) struct certificate *certificate = NULL;
	struct str text = { (const char *)data, size };
	struct diag diag = { 0 };
	int r = certificate_parse(text, "input", &diag, &certificate);

	if (r == 0) {
		must(str_equal(certificate_der(certificate), text));
		read_all(certificate);
	} else {
		must(r == -ENOMEM || (r == -EINVAL && diag.text[0] != '\0'));
	}
	r = certificate_chain_parse_pem(text, "input", NULL, &chain);
	must((r == 0) == (chain.count > 0));
	for (size_t i = 0; i < chain.count; i++)
		read_all(chain.list[i]);
	return 0;
}
