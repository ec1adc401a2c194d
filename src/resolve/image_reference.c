// SPDX-License-Identifier: Apache-2.0
/*
 * The distribution project's grammar of references, with Docker's defaults put in. Strict: what a registry would not
 * take is none.
 */

#include "resolve/image_reference.h"

#include "resolve/container_path.h"

#define TAG_MAX 128
#define DIGEST_PREFIX "sha256:"

static bool is_small(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

static bool is_letter(char byte)
{
	return is_small(byte) || (byte >= 'A' && byte <= 'Z');
}

static struct str before(struct str text, size_t at)
{
	return (struct str) { text.data, at };
}

static struct str after(struct str text, size_t at)
{
	return (struct str) { text.data + at + 1, text.len - at - 1 };
}

/* Where the byte stands last, or text.len. */
static size_t find_last(struct str text, char byte)
{
	for (size_t at = text.len; at > 0; at--) {
		if (text.data[at - 1] == byte)
			return at - 1;
	}
	return text.len;
}

static size_t find(struct str text, char byte)
{
	const char *at = text.len ? memchr(text.data, byte, text.len) : NULL;

	return at ? (size_t)(at - text.data) : text.len;
}

static bool digest_is_sound(struct str digest)
{
	size_t len = sizeof(DIGEST_PREFIX) - 1;

	return digest.len > len && str_equal(before(digest, len), STR(DIGEST_PREFIX)) &&
	       container_id_is((struct str) { digest.data + len, digest.len - len });
}

static bool tag_is_sound(struct str tag)
{
	if (tag.len == 0 || tag.len > TAG_MAX || tag.data[0] == '.' || tag.data[0] == '-')
		return false;
	for (size_t i = 0; i < tag.len; i++) {
		if (!is_letter(tag.data[i]) && !memchr("_.-", tag.data[i], 3))
			return false;
	}
	return true;
}

/* Components of small letters and digits, with one '.', one or two '_', or any number of '-' between them. */
static bool path_is_sound(struct str path)
{
	size_t dots = 0, underlines = 0, dashes = 0;
	bool inside = false;

	for (size_t i = 0; i < path.len; i++) {
		char byte = path.data[i];

		if (is_small(byte)) {
			inside = true;
			dots = underlines = dashes = 0;
			continue;
		}
		dots += byte == '.';
		underlines += byte == '_';
		dashes += byte == '-';
		if (!inside || !memchr("._-/", byte, 4) || dots > 1 || underlines > 2 ||
		    (dots > 0) + (underlines > 0) + (dashes > 0) > 1)
			return false;
		if (byte != '/')
			continue;
		if (dots + underlines + dashes > 0)
			return false;
		inside = false;
	}
	return inside && dots + underlines + dashes == 0;
}

static bool domain_is_sound(struct str domain)
{
	struct str name = before(domain, find(domain, ':'));

	if (name.len == 0 || (name.len < domain.len && after(domain, name.len).len == 0))
		return false;
	for (size_t i = name.len + 1; i < domain.len; i++) {
		if (domain.data[i] < '0' || domain.data[i] > '9')
			return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		bool edge = i == 0 || i + 1 == name.len || name.data[i - 1] == '.' || name.data[i + 1] == '.';

		if (!is_letter(name.data[i]) && (edge || !memchr(".-", name.data[i], 2)))
			return false;
	}
	return true;
}

static void domain_split(struct str name, struct image_reference *image)
{
	size_t slash = find(name, '/');
	struct str first = before(name, slash);

	image->domain = STR("docker.io");
	image->path = name;
	if (slash < name.len && (find(first, '.') < first.len || find(first, ':') < first.len ||
				 str_equal(first, STR("localhost")))) {
		image->path = after(name, slash);
		if (!str_equal(first, STR("index.docker.io")))
			image->domain = first;
	}
	slash = find(image->path, '/');
	if (str_equal(image->domain, STR("docker.io")) &&
	    str_equal(before(image->path, slash), STR("library")) && slash < image->path.len &&
	    find(after(image->path, slash), '/') == after(image->path, slash).len)
		image->path = after(image->path, slash);
}

bool image_reference_parse(struct str text, struct image_reference *ret_image)
{
	struct image_reference image = { .tag = { NULL, 0 } };
	size_t at = find(text, '@'), colon;

	if (text.len == 0 || text.len > IMAGE_REFERENCE_MAX)
		return false;
	if (at < text.len) {
		image.digest = after(text, at);
		if (!digest_is_sound(image.digest))
			return false;
		text = before(text, at);
	}
	colon = find_last(text, ':');
	if (colon < text.len && find(after(text, colon), '/') == after(text, colon).len) {
		image.tag = after(text, colon);
		if (!tag_is_sound(image.tag))
			return false;
		text = before(text, colon);
	}
	domain_split(text, &image);
	if (!domain_is_sound(image.domain) || !path_is_sound(image.path))
		return false;
	*ret_image = image;
	return true;
}
