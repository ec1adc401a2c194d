/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM as keys come in it: one block, at the very beginning, nothing behind it but white space. Owns the block, and wipes
 * it.
 */

#include "crypto/key_parts.h"

#include <errno.h>
#include <string.h>

#include <openssl/pem.h>

void pem_done(struct pem *pem)
{
	OPENSSL_free(pem->name);
	OPENSSL_free(pem->header);
	OPENSSL_clear_free(pem->data, (size_t)pem->len);
}

static bool is_space(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

int pem_read(struct str text, const char *name, struct diag *diag, struct pem *ret_pem)
{
	static const char begin[] = "-----BEGIN ";
	_cleanup_(BIO_free_allp) BIO *bio = NULL;
	char *rest;
	long left;

	if (text.len < strlen(begin) || text.len > KEY_FILE_MAX || memcmp(text.data, begin, strlen(begin)) != 0)
		return diag_error(diag, -EINVAL, "%s is no key: it does not begin with \"%s\"", name, begin);
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	if (!bio)
		return -ENOMEM;
	if (PEM_read_bio(bio, &ret_pem->name, &ret_pem->header, &ret_pem->data, &ret_pem->len) != 1)
		return diag_error(diag, -EINVAL, "%s is no key: bad PEM (%s)", name, openssl_reason());
	left = BIO_get_mem_data(bio, &rest);
	for (long i = 0; i < left; i++)
		ret_pem->followed |= !is_space(rest[i]);
	return 0;
}

int pem_require_alone(const struct pem *pem, const char *name, struct diag *diag)
{
	if (pem->header[0] != '\0')
		return diag_error(diag, -EINVAL, "cannot use key %s: its PEM block has header lines", name);
	if (pem->followed)
		return diag_error(diag, -EINVAL, "cannot use key %s: there is more behind the first key", name);
	return 0;
}
