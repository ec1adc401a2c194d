/* SPDX-License-Identifier: Apache-2.0 */
/* SBOMs of other tools: packages, their files, and what was left out, counted. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "packages/sbom.h"

#define DATA "tests/unit/data/sbom/"

struct world {
	struct package_set *set;
	struct sbom_facts facts;
	struct diag diag;
};

static void world_done(struct world *world)
{
	package_set_free(world->set);
	sbom_facts_done(&world->facts);
}

static int parse(struct world *world, struct str text)
{
	int r;

	assert_int_equal(package_set_new(&world->set), 0);
	r = sbom_parse(text, "test.json", world->set, &world->diag, &world->facts);
	if (r == 0)
		assert_int_equal(package_set_finish(world->set), 0);
	return r;
}

static void load(struct world *world, const char *path)
{
	assert_int_equal(package_set_new(&world->set), 0);
	if (sbom_load(path, world->set, &world->diag, &world->facts) < 0)
		fail_msg("%s", world->diag.text);
	assert_int_equal(package_set_finish(world->set), 0);
}

/* purl and name of each package; whose file this is. */
static const char *owner(struct world *world, const char *path)
{
	uint32_t index;

	switch (package_set_whose(world->set, str_of(path), UINT32_MAX, 0, 0, &index)) {
	case PACKAGE_ONE:
		return package_set_get(world->set, index)->purl ? package_set_get(world->set, index)->purl
								: package_set_get(world->set, index)->name;
	case PACKAGE_AMBIGUOUS:
		return "ambiguous";
	default:
		return "nobody";
	}
}

static void of_other_tools(void **state)
{
	static const struct {
		const char *file, *format, *subject;
		size_t packages;
		uint64_t components, without_purl, without_files, files, bad_purls, bad_paths, unknown_refs;
		const char *path, *owner;
	} cases[] = {
		{ "syft-cyclonedx.json", "CycloneDX 1.7", "user-image-input", 2, 2, 1, 0, 2, 1, 0, 0,
		  "/somefile-2.txt", "pkg:deb/debian/package-2@2.0.1" },
		{ "syft-spdx.json", "SPDX 2.3", "user-image-input", 2, 2, 1, 1, 3, 1, 0, 0, "/d1/f3",
		  "package-1" },
		{ "syft-spdx3.json", "SPDX 3.0.1", "user-image-input", 2, 2, 1, 2, 0, 1, 0, 0, "/f1",
		  "nobody" },
		{ "trivy-cyclonedx.json", "CycloneDX 1.6",
		  "testdata/fixtures/images/fluentd-multiple-lockfiles.tar.gz", 4, 4, 0, 4, 0, 0, 0, 0,
		  "/var/lib/gems/2.5.0/specifications/fluentd-1.8.0.gemspec", "nobody" },
		/* A directory, not an image: nobody knows where that was mounted. */
		{ "trivy-spdx.json", "SPDX 2.2", "testdata/fixtures/fs/conda", 2, 2, 0, 2, 0, 0, 2, 0,
		  "/miniconda3/envs/testenv/conda-meta/pip-22.2.2-py38h06a4308_0.json", "nobody" },
		{ "cyclonedx-npm.json", "CycloneDX 1.7", "demo-bundled-deps", 4, 4, 0, 4, 0, 0, 0, 0, "/x",
		  "nobody" },
		{ "spdx-example7.json", "SPDX 2.2", "hello", 1, 1, 1, 1, 0, 0, 0, 0, "/hello", "nobody" },
		{ "spdx3-example3.json", "SPDX 3.0.1", "main-bin", 1, 1, 1, 1, 0, 0, 2, 0, "/main", "nobody" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(world_done) struct world world = { .set = NULL };
		char path[256];

		snprintf(path, sizeof(path), DATA "%s", cases[i].file);
		load(&world, path);
		print_message("# %s\n", cases[i].file);
		assert_string_equal(world.facts.format, cases[i].format);
		assert_string_equal(world.facts.subject, cases[i].subject);
		assert_int_equal(package_set_count(world.set), cases[i].packages);
		assert_int_equal(world.facts.components, cases[i].components);
		assert_int_equal(world.facts.without_purl, cases[i].without_purl);
		assert_int_equal(world.facts.without_files, cases[i].without_files);
		assert_int_equal(world.facts.files, cases[i].files);
		assert_int_equal(world.facts.bad_purls, cases[i].bad_purls);
		assert_int_equal(world.facts.bad_paths, cases[i].bad_paths);
		assert_int_equal(world.facts.unknown_refs, cases[i].unknown_refs);
		assert_string_equal(owner(&world, cases[i].path), cases[i].owner);
	}
}

static void image_digest_is_found(void **state)
{
	_cleanup_(world_done) struct world spdx2 = { .set = NULL }, spdx3 = { .set = NULL },
					   trivy = { .set = NULL };
	const char digest[] = "sha256:2731251dc34951c0e50fcc643b4c5f74922dad1a5d98f302b504cf46cd5d9368";

	(void)state;
	load(&spdx2, DATA "syft-spdx.json");
	assert_string_equal(spdx2.facts.image_digest, digest);
	load(&spdx3, DATA "syft-spdx3.json");
	assert_string_equal(spdx3.facts.image_digest, digest);
	load(&trivy, DATA "trivy-cyclonedx.json");
	assert_null(trivy.facts.image_digest);
}

#define CDX(metadata, components)                                                           \
	"{\"bomFormat\":\"CycloneDX\",\"components\":" components ",\"metadata\":" metadata \
	",\"specVersion\":\"1.6\"}"
#define IMAGE "{\"component\":{\"type\":\"container\",\"name\":\"i\"}}"
#define LOCATED(purl, path)                                      \
	"{\"type\":\"library\",\"name\":\"n\",\"purl\":\"" purl  \
	"\",\"properties\":[{\"name\":\"syft:location:0:path\"," \
	"\"value\":\"" path "\"}]}"

static void places_mean_what_they_are(void **state)
{
	static const struct {
		const char *purl, *path, *asked, *owner;
		uint64_t files, bad, sources;
		bool contained;
	} cases[] = {
		{ "pkg:npm/a@1", "/app/node_modules/a/package.json", "/app/node_modules/a/package.json",
		  "pkg:npm/a@1", 1, 0, 0, false },
		{ "pkg:npm/a@1", "/app/package-lock.json", "/app/package-lock.json", "nobody", 0, 0, 1, false },
		{ "pkg:deb/debian/a@1", "/var/lib/dpkg/status", "/var/lib/dpkg/status", "nobody", 0, 0, 1,
		  false },
		{ "pkg:apk/alpine/a@1", "/lib/apk/db/installed", "/lib/apk/db/installed", "nobody", 0, 0, 1,
		  false },
		{ "pkg:rpm/fedora/a@1", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite", "nobody", 0,
		  0, 1, false },
		{ "pkg:golang/a@v1", "/usr/bin/prog", "/usr/bin/prog", "pkg:golang/a@v1", 1, 0, 0, true },
		{ "pkg:cargo/a@1", "/src/Cargo.lock", "/src/Cargo.lock", "nobody", 0, 0, 1, false },
		{ "pkg:maven/g/a@1", "/app/a.jar", "/app/a.jar", "pkg:maven/g/a@1", 1, 0, 0, false },
		{ "pkg:maven/g/a@1", "/app/b.jar:BOOT-INF/lib/a.jar", "/app/b.jar", "pkg:maven/g/a@1", 1, 0, 0,
		  true },
		{ "pkg:maven/g/a@1", "app/b.war/WEB-INF/lib/a.jar", "/app/b.war", "pkg:maven/g/a@1", 1, 0, 0,
		  true },
		{ "pkg:pypi/a@1", "./usr/lib/a.py", "/usr/lib/a.py", "pkg:pypi/a@1", 1, 0, 0, false },
		/* Descriptions and licences: nobody who uses the package opens them. */
		{ "pkg:pypi/a@1", "./usr/lib/a.dist-info/METADATA", "/usr/lib/a.dist-info/METADATA", "nobody",
		  0, 0, 1, false },
		{ "pkg:pypi/a@1", "/usr/lib/a.egg-info/PKG-INFO", "/usr/lib/a.egg-info/PKG-INFO", "nobody", 0,
		  0, 1, false },
		{ "pkg:pypi/a@1", "/usr/lib/a.egg-info", "/usr/lib/a.egg-info", "nobody", 0, 0, 1, false },
		{ "pkg:pypi/a@1", "/usr/a.dist-information/x.py", "/usr/a.dist-information/x.py",
		  "pkg:pypi/a@1", 1, 0, 0, false },
		{ "pkg:gem/a@1", "/usr/gems/specifications/a-1.gemspec", "/usr/gems/specifications/a-1.gemspec",
		  "nobody", 0, 0, 1, false },
		{ "pkg:conda/a@1", "/opt/conda/conda-meta/a-1.json", "/opt/conda/conda-meta/a-1.json", "nobody",
		  0, 0, 1, false },
		{ "pkg:deb/debian/a@1", "/usr/share/doc/a/copyright", "/usr/share/doc/a/copyright", "nobody", 0,
		  0, 1, false },
		{ "pkg:pypi/a@1", "../../etc/passwd", "/etc/passwd", "nobody", 0, 1, 0, false },
		{ "pkg:pypi/a@1", "/../etc/passwd", "/etc/passwd", "nobody", 0, 1, 0, false },
		{ "pkg:pypi/a@1", "/usr/./lib/a", "/usr/lib/a", "nobody", 0, 1, 0, false },
		{ "pkg:pypi/a@1", "/usr//lib/a", "/usr/lib/a", "nobody", 0, 1, 0, false },
		{ "pkg:pypi/a@1", "/usr/lib/a/", "/usr/lib/a", "nobody", 0, 1, 0, false },
		{ "pkg:pypi/a@1", "/", "/", "nobody", 0, 1, 0, false },
		{ "pkg:pypi/a@1", "/usr/lib/..", "/usr", "nobody", 0, 1, 0, false },
		{ "pkg:pypi/a@1", "", "/", "nobody", 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(world_done) struct world world = { .set = NULL };
		_cleanup_(buf_done) struct buf text = BUF_MAX(4096);

		assert_int_equal(buf_printf(&text, CDX(IMAGE, "[" LOCATED("%s", "%s") "]"), cases[i].purl,
					    cases[i].path),
				 0);
		assert_int_equal(parse(&world, buf_str(&text)), 0);
		print_message("# %s\n", cases[i].path);
		assert_string_equal(owner(&world, cases[i].asked), cases[i].owner);
		assert_int_equal(world.facts.files, cases[i].files);
		assert_int_equal(world.facts.without_files, 1 - cases[i].files);
		assert_int_equal(world.facts.bad_paths, cases[i].bad);
		assert_int_equal(world.facts.sources, cases[i].sources);
		assert_true(package_set_get(world.set, 0)->contained == cases[i].contained);
	}
}

/* Relative to what? Only an image has one root. */
static void relative_places_need_an_image(void **state)
{
	_cleanup_(world_done) struct world world = { .set = NULL };

	(void)state;
	assert_int_equal(parse(&world, STR(CDX("{\"component\":{\"type\":\"application\",\"name\":\"d\"}}",
					       "[" LOCATED("pkg:gem/a@1", "usr/a.gemspec") "]"))),
			 0);
	assert_int_equal(world.facts.bad_paths, 1);
	assert_int_equal(world.facts.files, 0);
}

/* Twice in the document, and once without a place: it lies where nobody knows. */
static void places_may_be_missing(void **state)
{
	static const struct {
		const char *components;
		bool more;
	} rows[] = {
		{ LOCATED("pkg:npm/a@1", "/app/a/package.json"), false },
		{ LOCATED("pkg:npm/a@1", "/app/a/package.json") "," LOCATED("pkg:npm/a@1",
									    "/srv/a/package.json"),
		  false },
		{ LOCATED("pkg:npm/a@1", "/app/a/package.json") "," LOCATED("pkg:npm/a@1",
									    "/app/package-lock.json"),
		  true },
		{ LOCATED("pkg:npm/a@1", "/app/a/package.json") "," LOCATED("pkg:npm/a@1",
									    "/srv/../a/package.json"),
		  true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(world_done) struct world world = { .set = NULL };
		_cleanup_(buf_done) struct buf text = BUF_MAX(4096);

		print_message("row %zu\n", i);
		assert_int_equal(buf_printf(&text, CDX(IMAGE, "[%s]"), rows[i].components), 0);
		assert_int_equal(parse(&world, buf_str(&text)), 0);
		assert_int_equal(package_set_count(world.set), 1);
		assert_true(package_set_get(world.set, 0)->places_more == rows[i].more);
	}
}

static void components_nest(void **state)
{
	_cleanup_(world_done) struct world world = { .set = NULL };

	(void)state;
	assert_int_equal(
		parse(&world, STR(CDX("{}", "[{\"components\":[{\"type\":\"file\",\"name\":\"/usr/bin/outer\"},"
					    "{\"type\":\"library\",\"name\":\"inner\",\"group\":\"@g\","
					    "\"purl\":\"pkg:npm/%40g/inner@2\","
					    "\"evidence\":{\"occurrences\":[{\"location\":\"/opt/"
					    "inner.js\"},{\"location\":\"src/x.js#3\"}]}}],"
					    "\"name\":\"outer\",\"type\":\"application\",\"version\":\"1\","
					    "\"bom-ref\":\"o\"},"
					    "{\"type\":\"file\",\"name\":\"/lost\"}]"))),
		0);
	assert_int_equal(package_set_count(world.set), 2);
	assert_string_equal(owner(&world, "/usr/bin/outer"), "outer");
	assert_string_equal(owner(&world, "/opt/inner.js"), "pkg:npm/%40g/inner@2");
	assert_string_equal(owner(&world, "/lost"), "nobody");
	assert_int_equal(world.facts.bad_paths, 1);
	for (uint32_t i = 0; i < 2; i++) {
		const struct package *package = package_set_get(world.set, i);

		if (package->purl)
			assert_string_equal(package->name, "@g/inner");
		else
			assert_string_equal(package->ref, "o");
	}
}

static void epochs_are_versions(void **state)
{
	_cleanup_(world_done) struct world world = { .set = NULL };
	uint32_t index;

	(void)state;
	load(&world, DATA "trivy-cyclonedx.json");
	assert_int_equal(package_set_find_purl(
				 world.set, STR("pkg:deb/debian/bsdutils@1%3A2.33.1-0.1?arch=amd64"), &index),
			 0);
	assert_string_equal(package_set_get(world.set, index)->version, "1:2.33.1-0.1");
}

static void duplicates_are_counted(void **state)
{
	_cleanup_(world_done) struct world world = { .set = NULL };

	(void)state;
	assert_int_equal(parse(&world, STR(CDX("{}", "[{\"type\":\"library\",\"name\":\"a\",\"purl\":\"pkg:npm/"
						     "a@1\",\"bom-ref\":\"x\"},"
						     "{\"type\":\"library\",\"name\":\"a\",\"purl\":\"pkg:npm/"
						     "a@1\",\"bom-ref\":\"y\"},"
						     "{\"type\":\"library\",\"name\":\"b\",\"purl\":\"pkg:npm/"
						     "b@1\",\"bom-ref\":\"x\"}]"))),
			 0);
	assert_int_equal(package_set_count(world.set), 2);
	assert_int_equal(world.facts.components, 3);
	assert_int_equal(world.facts.duplicates, 1);
	assert_int_equal(world.facts.duplicate_refs, 1);
	assert_string_equal(package_set_get(world.set, 0)->ref, "x");
	assert_null(package_set_get(world.set, 1)->ref);
}

#define SPDX(packages, files, relationships)                                                                  \
	"{\"files\":" files ",\"packages\":" packages ",\"relationships\":" relationships ",\"spdxVersion\":" \
	"\"SPDX-2.3\"}"
#define SPDX_PACKAGE(id) "{\"SPDXID\":\"" id "\",\"name\":\"" id "\",\"versionInfo\":\"1\"}"
#define RELATED(a, type, b) \
	"{\"spdxElementId\":\"" a "\",\"relationshipType\":\"" type "\",\"relatedSpdxElement\":\"" b "\"}"

static void relationships_may_be_anything(void **state)
{
	_cleanup_(world_done) struct world world = { .set = NULL };

	(void)state;
	assert_int_equal(
		parse(&world,
		      STR(SPDX(
			      "[" SPDX_PACKAGE("a") "," SPDX_PACKAGE("b") "," SPDX_PACKAGE("a") "]",
			      "[{\"SPDXID\":\"f\",\"fileName\":\"/f\"},{\"SPDXID\":\"g\",\"fileName\":\"/g\"},"
			      "{\"SPDXID\":\"f\",\"fileName\":\"/again\"},{\"SPDXID\":\"h\",\"fileName\":\"../"
			      "h\"}]",
			      /* a circle, a file contained twice, ends that are not there */
			      "[" RELATED("a", "CONTAINS", "b") "," RELATED("b", "CONTAINS", "a") "," RELATED("a", "CONTAINS", "a") "," RELATED(
				      "a", "CONTAINS",
				      "f") "," RELATED("a", "CONTAINS",
						       "f") "," RELATED("g", "CONTAINED_BY",
									"b") "," RELATED("b", "CONTAINS",
											 "h") "," RELATED("non"
													  "e",
													  "CONT"
													  "AIN"
													  "S",
													  "f") "," RELATED("a",
															   "CONTAINS",
															   "nothing") "," RELATED("a",
																		  "DEPENDS_ON",
																		  "g") "]"))),
		0);
	assert_string_equal(owner(&world, "/f"), "a");
	assert_string_equal(owner(&world, "/g"), "b");
	assert_string_equal(owner(&world, "/again"), "nobody");
	assert_int_equal(world.facts.files, 2);
	assert_int_equal(world.facts.bad_paths, 1);
	assert_int_equal(world.facts.unknown_refs, 2);
	assert_int_equal(world.facts.duplicate_refs, 2);
	assert_int_equal(world.facts.duplicates, 1);
}

static void formats_are_told_apart(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "[]", "no JSON object" },
		{ "{}", "neither CycloneDX nor SPDX" },
		{ "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"2.0\"}", "version of CycloneDX" },
		{ "{\"bomFormat\":\"CycloneDX\"}", "version of CycloneDX" },
		{ "{\"spdxVersion\":\"SPDX-1.2\"}", "version of SPDX" },
		{ "{\"@context\":\"https://spdx.org/rdf/4.0.0/spdx-context.jsonld\",\"@graph\":[]}",
		  "version of SPDX" },
		{ "{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\"}", "without a @graph" },
		{ "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"spdxVersion\":\"SPDX-2.3\"}",
		  "two formats" },
		{ "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"name\":\"\xff\"}]}",
		  "UTF-8" },
		{ "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[]} trailing",
		  "follows" },
		{ "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"name\":\"a\","
		  "\"name\":\"b\"}]}",
		  "twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(world_done) struct world world = { .set = NULL };

		if (parse(&world, str_of(cases[i].text)) != -EBADMSG || !strstr(world.diag.text, cases[i].why))
			fail_msg("%s: %s", cases[i].text, world.diag.text);
		assert_int_equal(package_set_count(world.set), 0);
	}
}

static void nesting_has_an_end(void **state)
{
	(void)state;
	for (int depth = SBOM_NESTING_MAX; depth <= SBOM_NESTING_MAX + 1; depth++) {
		_cleanup_(world_done) struct world world = { .set = NULL };
		_cleanup_(buf_done) struct buf text = BUF_MAX(65536);

		assert_int_equal(
			buf_append_str(&text, STR("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"")), 0);
		for (int i = 0; i < depth; i++)
			assert_int_equal(
				buf_printf(&text, ",\"components\":[{\"type\":\"library\",\"name\":\"n%d\"", i),
				0);
		for (int i = 0; i < depth; i++)
			assert_int_equal(buf_append_str(&text, STR("}]")), 0);
		assert_int_equal(buf_append_str(&text, STR("}")), 0);
		if (depth <= SBOM_NESTING_MAX) {
			assert_int_equal(parse(&world, buf_str(&text)), 0);
			assert_int_equal(package_set_count(world.set), (size_t)depth);
		} else {
			assert_int_equal(parse(&world, buf_str(&text)), -EBADMSG);
			assert_non_null(strstr(world.diag.text, "nested too deeply"));
		}
	}
}

/* Every prefix of a document is refused, and every byte changed gives an answer or a line. */
static void damage_is_survived(void **state)
{
	static const char *const files[] = { "trivy-cyclonedx.json", "syft-spdx.json", "syft-spdx3.json" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_cleanup_(buf_done) struct buf text = BUF_MAX(65536);
		char path[256];

		snprintf(path, sizeof(path), DATA "%s", files[i]);
		assert_int_equal(file_read_at(AT_FDCWD, path, &text, NULL), 0);
		for (size_t len = 0; len + 2 < text.len; len += 7) {
			_cleanup_(world_done) struct world cut = { .set = NULL }, bent = { .set = NULL };
			char kept = text.data[len];

			assert_true(parse(&cut, (struct str) { text.data, len }) < 0);
			assert_true(cut.diag.text[0] != '\0');
			text.data[len] = "\"{}[],:\\0\x80"[len % 10];
			if (parse(&bent, buf_str(&text)) < 0)
				assert_true(bent.diag.text[0] != '\0');
			text.data[len] = kept;
		}
	}
}

static void write_many(int fd, size_t count)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1 << 20);

	assert_int_equal(
		buf_append_str(&text,
			       STR("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[")),
		0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(
			buf_printf(&text,
				   "%s{\"type\":\"library\",\"name\":\"p%zu\",\"purl\":\"pkg:npm/p%zu@1\"}",
				   i ? "," : "", i, i),
			0);
		if (text.len > 1000000 || i + 1 == count) {
			assert_int_equal(file_write_all(fd, text.data, text.len, NULL), 0);
			buf_clear(&text);
		}
	}
	assert_int_equal(file_write_all(fd, "]}", 2, NULL), 0);
}

/* As many as a set can hold are read, and one more is one error. The document itself is never in memory. */
static void a_million_components(void **state)
{
	_cleanup_(world_done) struct world world = { .set = NULL };
	char path[] = "/tmp/sbom-XXXXXX";
	_cleanup_(closep) int fd = -1;
	struct rusage before, after;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message(
		"# skip: a million components say nothing under a sanitizer that smaller documents do not\n");
	skip();
#endif
	fd = mkstemp(path);
	write_many(fd, PACKAGES_MAX + 1);
	assert_int_equal(package_set_new(&world.set), 0);
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(sbom_load(path, world.set, &world.diag, &world.facts), -E2BIG);
	getrusage(RUSAGE_SELF, &after);
	unlink(path);
	assert_non_null(strstr(world.diag.text, "more than can be taken"));
	assert_int_equal(package_set_count(world.set), PACKAGES_MAX);
	assert_true(after.ru_maxrss - before.ru_maxrss < 500 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_other_tools),
		cmocka_unit_test(image_digest_is_found),
		cmocka_unit_test(places_mean_what_they_are),
		cmocka_unit_test(relative_places_need_an_image),
		cmocka_unit_test(places_may_be_missing),
		cmocka_unit_test(components_nest),
		cmocka_unit_test(epochs_are_versions),
		cmocka_unit_test(duplicates_are_counted),
		cmocka_unit_test(relationships_may_be_anything),
		cmocka_unit_test(formats_are_told_apart),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(a_million_components),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
