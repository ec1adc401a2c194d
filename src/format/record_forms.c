/* SPDX-License-Identifier: Apache-2.0 */

/* Pure predicates over the raw text of a string. None of the patterns but "not empty" and "absolute" lets an escape
   through, so raw and decoded text are the same where it matters. */

#include "format/record_forms.h"

#include <stdint.h>

#define HEX_DIGEST 64

enum { DIGIT = 1, HEX = 2, UPPER = 4, BASE64 = 8, ADDRESS = 16 };

/* What each byte may be part of; everything else is 0. */
static const uint8_t classes[256] = {
	['0' ... '9'] = DIGIT | HEX | BASE64 | ADDRESS,
	['a' ... 'f'] = HEX | BASE64 | ADDRESS,
	['g' ... 'z'] = BASE64,
	['A' ... 'Z'] = UPPER | BASE64,
	['+'] = BASE64,
	['/'] = BASE64,
	[':'] = ADDRESS,
	['.'] = ADDRESS,
};

static bool all_of(const char *data, size_t len, uint8_t class)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!(classes[(unsigned char)data[i]] & class))
			return false;
	return true;
}

static bool is_prefixed_hex(struct str raw, struct str prefix)
{
	return raw.len == prefix.len + HEX_DIGEST && memcmp(raw.data, prefix.data, prefix.len) == 0 &&
	       all_of(raw.data + prefix.len, HEX_DIGEST, HEX);
}

bool form_container_id(struct str raw)
{
	return is_prefixed_hex(raw, STR("docker://")) || is_prefixed_hex(raw, STR("containerd://")) ||
	       is_prefixed_hex(raw, STR("cri-o://")) || is_prefixed_hex(raw, STR("podman://"));
}

bool form_image_digest(struct str raw)
{
	return is_prefixed_hex(raw, STR("sha256:"));
}

bool form_dev(struct str raw)
{
	const char *colon = memchr(raw.data, ':', raw.len);
	size_t major;

	if (!colon)
		return false;
	major = (size_t)(colon - raw.data);
	return major > 0 && raw.len - major > 1 && all_of(raw.data, major, DIGIT) &&
	       all_of(colon + 1, raw.len - major - 1, DIGIT);
}

bool form_errno(struct str raw)
{
	return raw.len >= 2 && raw.data[0] == 'E' && all_of(raw.data + 1, raw.len - 1, UPPER | DIGIT);
}

bool form_absolute(struct str raw)
{
	return raw.len > 0 && raw.data[0] == '/';
}

bool form_not_empty(struct str raw)
{
	return raw.len > 0;
}

bool form_build_id(struct str raw)
{
	return raw.len > 0 && raw.len % 2 == 0 && all_of(raw.data, raw.len, HEX);
}

bool form_address(struct str raw)
{
	return raw.len >= 2 && raw.len <= 45 && all_of(raw.data, raw.len, ADDRESS);
}

bool form_base64(struct str raw)
{
	size_t padding = 0;

	if (raw.len % 4 != 0)
		return false;
	if (raw.len > 0 && raw.data[raw.len - 1] == '=')
		padding = raw.data[raw.len - 2] == '=' ? 2 : 1;
	return all_of(raw.data, raw.len - padding, BASE64);
}
