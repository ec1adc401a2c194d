// SPDX-License-Identifier: Apache-2.0
/*
 * pom.properties (KEY=value lines) and MANIFEST.MF ("Key: value", lines of 72 bytes that go on behind a space). Values are
 * copied as they are; whether a package URL can be made of them is decided elsewhere.
 */

#include "packages/jar_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "packages/root_parts.h"

#define VALUE_MAX 1024

void jar_pom_done(struct jar_pom *pom)
{
	free(pom->group);
	free(pom->artifact);
	free(pom->version);
	*pom = (struct jar_pom) { .group = NULL };
}

static int keep(struct str value, char **to)
{
	if (*to || value.len == 0 || value.len > VALUE_MAX || memchr(value.data, '\0', value.len))
		return 0;
	*to = str_copy(value);
	return *to ? 0 : -ENOMEM;
}

int jar_pom_parse(struct str text, struct jar_pom *ret_pom)
{
	struct jar_pom pom = { .group = NULL };
	struct str line, value;
	int r = 0;

	while (r >= 0 && text_line(&text, &line)) {
		line = text_trim(line);
		if (text_value(line, STR("groupId"), '=', &value))
			r = keep(value, &pom.group);
		else if (text_value(line, STR("artifactId"), '=', &value))
			r = keep(value, &pom.artifact);
		else if (text_value(line, STR("version"), '=', &value))
			r = keep(value, &pom.version);
	}
	if (r < 0 || !pom.artifact) {
		jar_pom_done(&pom);
		return r;
	}
	*ret_pom = pom;
	return 1;
}

/* Without directory and ending. */
static struct str stem(const char *file_name)
{
	const char *slash = strrchr(file_name, '/'), *name = slash ? slash + 1 : file_name, *dot;

	dot = strrchr(name, '.');
	return (struct str) { name, dot && dot > name ? (size_t)(dot - name) : strlen(name) };
}

bool jar_pom_names(const struct jar_pom *pom, const char *file_name)
{
	struct str name = stem(file_name), artifact = str_of(pom->artifact);

	if (!text_begins(name, artifact))
		return false;
	return name.len == artifact.len ||
	       (name.data[artifact.len] == '-' && name.len > artifact.len + 1 &&
		(!pom->version ||
		 text_begins((struct str) { name.data + artifact.len + 1, name.len - artifact.len - 1 },
			     str_of(pom->version))));
}

/* "name-1.2": where the version begins, or the whole length. */
static size_t version_in(struct str name)
{
	for (size_t i = 1; i + 1 < name.len; i++) {
		if (name.data[i] == '-' && name.data[i + 1] >= '0' && name.data[i + 1] <= '9')
			return i;
	}
	return name.len;
}

/* The next header of the main section, its continuations joined in `out`. 1, 0 at the section's end, or -ENOMEM. */
static int header_next(struct str *rest, struct buf *out)
{
	struct str line;
	int r;

	buf_clear(out);
	if (!text_line(rest, &line) || line.len == 0)
		return 0;
	for (;;) {
		r = buf_append_str(out, line);
		if (r == -ENOMEM)
			return r;
		if (rest->len == 0 || rest->data[0] != ' ' || !text_line(rest, &line))
			return 1;
		line = (struct str) { line.data + 1, line.len - 1 };
	}
}

struct manifest {
	char *title, *symbolic, *module, *implementation_version, *bundle_version, *vendor_id;
};

static void manifest_done(struct manifest *manifest)
{
	free(manifest->title);
	free(manifest->symbolic);
	free(manifest->module);
	free(manifest->implementation_version);
	free(manifest->bundle_version);
	free(manifest->vendor_id);
}

static int manifest_read(struct str text, struct manifest *manifest)
{
	_cleanup_(buf_done) struct buf header = BUF_MAX(8 * VALUE_MAX);
	const struct {
		struct str key;
		char **to;
	} keys[] = {
		{ STR("Implementation-Title"), &manifest->title },
		{ STR("Bundle-SymbolicName"), &manifest->symbolic },
		{ STR("Automatic-Module-Name"), &manifest->module },
		{ STR("Implementation-Version"), &manifest->implementation_version },
		{ STR("Bundle-Version"), &manifest->bundle_version },
		{ STR("Implementation-Vendor-Id"), &manifest->vendor_id },
	};
	int r = 0, more = 1;

	while (r >= 0 && (more = header_next(&text, &header)) > 0) {
		struct str value;

		for (size_t i = 0; r >= 0 && i < ARRAY_LEN(keys); i++) {
			if (text_value(buf_str(&header), keys[i].key, ':', &value)) {
				const char *end = value.len ? memchr(value.data, ';', value.len) : NULL;

				/* "org.example.x;singleton:=true" */
				if (end)
					value.len = (size_t)(end - value.data);
				r = keep(value, keys[i].to);
			}
		}
	}
	return r < 0 ? r : more;
}

/* A title may be a sentence; what names an artifact has no space in it. */
static bool is_artifact(const char *name)
{
	return name && !strpbrk(name, " \t/:");
}

int jar_manifest_parse(struct str text, const char *file_name, struct jar_pom *ret_pom)
{
	_cleanup_(manifest_done) struct manifest manifest = { .title = NULL };
	struct jar_pom pom = { .group = NULL };
	struct str name = stem(file_name);
	size_t at = version_in(name);
	const char *version;
	int r = manifest_read(text, &manifest);

	if (r < 0)
		return r;
	version = manifest.implementation_version ? manifest.implementation_version : manifest.bundle_version;
	/* The file's name is what people know it by, if it has a version in it; else what it calls itself. */
	if (at < name.len) {
		r = keep((struct str) { name.data, at }, &pom.artifact);
		if (r >= 0 && !version)
			r = keep((struct str) { name.data + at + 1, name.len - at - 1 }, &pom.version);
	} else if (is_artifact(manifest.symbolic)) {
		r = keep(str_of(manifest.symbolic), &pom.artifact);
	} else if (is_artifact(manifest.title)) {
		r = keep(str_of(manifest.title), &pom.artifact);
	} else {
		r = keep(name, &pom.artifact);
	}
	if (r >= 0 && version)
		r = keep(str_of(version), &pom.version);
	if (r >= 0 && is_artifact(manifest.vendor_id))
		r = keep(str_of(manifest.vendor_id), &pom.group);
	if (r < 0 || !pom.artifact || !pom.version) {
		jar_pom_done(&pom);
		return r < 0 ? r : 0;
	}
	*ret_pom = pom;
	return 1;
}
