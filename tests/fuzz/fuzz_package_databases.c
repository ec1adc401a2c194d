/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile text of package databases; the first byte says of which. Beyond not crashing: what is found lies within the
 * text, and paths come out clean.
 */

#include <stdint.h>
#include <stdlib.h>

#include "packages/jar_text.h"
#include "packages/root_apk.h"
#include "packages/root_dpkg.h"
#include "packages/root_gem.h"
#include "packages/root_parts.h"
#include "packages/root_python.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void must_lie_in(struct str part, struct str text)
{
	must(part.len == 0 ||
	     (part.data >= text.data && part.len <= text.len - (size_t)(part.data - text.data)));
}

static void dpkg(struct str text)
{
	struct str rest = text;
	struct dpkg_stanza stanza;
	struct dpkg_diversion diversion;

	while (dpkg_stanza_next(&rest, &stanza)) {
		must_lie_in(stanza.package, text);
		must_lie_in(stanza.version, text);
		must_lie_in(stanza.arch, text);
		must_lie_in(stanza.source, text);
		must_lie_in(stanza.status, text);
		dpkg_stanza_is_there(&stanza);
	}
	must(rest.len == 0);
	rest = text;
	while (dpkg_diversion_next(&rest, &diversion))
		must_lie_in(diversion.to, text);
	must(rest.len == 0);
}

static void apk(struct str text)
{
	struct str rest = text, directory, name;
	struct apk_package package;

	while (apk_package_next(&rest, &package)) {
		must_lie_in(package.name, text);
		must_lie_in(package.files, text);
		directory = (struct str) { NULL, 0 };
		while (apk_file_next(&package.files, &directory, &name)) {
			must_lie_in(directory, text);
			must_lie_in(name, text);
		}
	}
	must(rest.len == 0);
}

static void python(struct str text)
{
	_cleanup_(buf_done) struct buf name = BUF_MAX(PACKAGE_TEXT_MAX);
	struct str rest = text, said, version;
	int r;

	while ((r = python_record_next(&rest, &name)) > 0)
		must(rest.len < text.len);
	must(r == 0 || r == -EBADMSG);
	python_metadata(text, &said, &version);
	must_lie_in(said, text);
	must_lie_in(version, text);
}

static void gem(struct str text)
{
	struct gemspec spec;

	gemspec_parse(text, &spec);
	must_lie_in(spec.name, text);
	must_lie_in(spec.version, text);
	must_lie_in(spec.platform, text);
}

static void jar(struct str text)
{
	struct jar_pom pom = { .group = NULL };
	int r = jar_pom_parse(text, &pom);

	must(r < 0 || (r == 1) == (pom.artifact != NULL));
	if (r == 1)
		jar_pom_names(&pom, "some-1.0.jar");
	jar_pom_done(&pom);
	r = jar_manifest_parse(text, "some/name-1.0.jar", &pom);
	must(r < 0 || (r == 1 && pom.version && strcmp(pom.artifact, "name") == 0));
	jar_pom_done(&pom);
}

static void path(struct str text)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(2 * PACKAGE_TEXT_MAX);

	if (path_join(&out, STR("/a/b"), text) < 0)
		return;
	must(out.len > 1 && out.data[0] == '/' && strlen(out.data) == out.len);
	must(!strstr(out.data, "//") && !strstr(out.data, "/./") && !strstr(out.data, "/../"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(struct str text) = { dpkg, apk, python, gem, jar, path };

	if (size > 0)
		parsers[data[0] % ARRAY_LEN(parsers)]((struct str) { (const char *)data + 1, size - 1 });
	return 0;
}
