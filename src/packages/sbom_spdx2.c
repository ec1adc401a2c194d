/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPDX 2.2 and 2.3. Its packages, files and relationships name each other by id, in any order, so the document is walked
 * four times: what it describes; packages; which contains which file; files. Only direct relationships count, so no circle of
 * them can hold us, and a file within a package within a package is the inner one's.
 */

#include <errno.h>

#include "packages/sbom_parts.h"

struct reading {
	struct sbom *sbom;
	struct sbom_table *described;
	struct sbom_pairs *pairs;
	uint64_t dangling; /* relationships from what is not there */
};

struct spdx_package {
	struct sbom_component component;
	struct buf purpose;
	struct sbom_ids files; /* hasFiles */
};

static void spdx_package_done(struct spdx_package *package)
{
	sbom_component_done(&package->component);
	buf_done(&package->purpose);
	sbom_ids_done(&package->files);
}

/* Calls with each object of an array. */
static int each(struct reading *reading, int (*reader)(struct reading *reading))
{
	struct jwalk *json = reading->sbom->json;
	int r = 0;

	if (!jwalk_array(json))
		return jwalk_error(json);
	while (r == 0 && jwalk_element(json)) {
		if (jwalk_object(json))
			r = reader(reading);
	}
	return r < 0 ? r : jwalk_error(json);
}

/* ---- packages ---- */

static int read_external_refs(struct sbom *sbom, struct sbom_component *component)
{
	_cleanup_(buf_done) struct buf type = BUF_MAX(64), locator = BUF_MAX(PACKAGE_TEXT_MAX);
	struct str key;
	int r = 0;

	if (!jwalk_array(sbom->json))
		return 0;
	while (r == 0 && jwalk_element(sbom->json)) {
		buf_clear(&type);
		buf_clear(&locator);
		if (!jwalk_object(sbom->json))
			continue;
		while (jwalk_member(sbom->json, &key)) {
			if (str_equal(key, STR("referenceType")))
				sbom_text(sbom, &type);
			else if (str_equal(key, STR("referenceLocator")))
				sbom_text(sbom, &locator);
			else
				jwalk_skip(sbom->json);
		}
		/* Of several the first. */
		if (component->purl.len == 0 && str_equal(buf_str(&type), STR("purl")))
			r = buf_append_str(&component->purl, buf_str(&locator));
	}
	return r;
}

static int read_package_member(struct sbom *sbom, struct spdx_package *package, struct str key)
{
	if (str_equal(key, STR("SPDXID")))
		sbom_text(sbom, &package->component.ref);
	else if (str_equal(key, STR("name")))
		sbom_text(sbom, &package->component.name);
	else if (str_equal(key, STR("versionInfo")))
		sbom_text(sbom, &package->component.version);
	else if (str_equal(key, STR("primaryPackagePurpose")))
		sbom_text(sbom, &package->purpose);
	else if (str_equal(key, STR("externalRefs")))
		return read_external_refs(sbom, &package->component);
	else if (str_equal(key, STR("hasFiles")))
		return sbom_ids_read(sbom, &package->files);
	else
		jwalk_skip(sbom->json);
	return 0;
}

static bool is_purpose(const struct spdx_package *package, const char *purpose)
{
	return str_equal(buf_str(&package->purpose), str_of(purpose));
}

/* What trivy and syft call things that stand for what they list: a directory, an image, a system, a lock file. */
static const char *const listings[] = { "SPDXRef-Application-",	 "SPDXRef-Filesystem-",
					"SPDXRef-Repository-",	 "SPDXRef-OperatingSystem-",
					"SPDXRef-DocumentRoot-", "SPDXRef-ContainerImage-" };

static bool is_listing(const struct spdx_package *package)
{
	struct str ref = buf_str(&package->component.ref);

	if (is_purpose(package, "CONTAINER") || is_purpose(package, "OPERATING-SYSTEM"))
		return true;
	if (package->component.purl.len > 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(listings); i++)
		if (ref.len > strlen(listings[i]) && memcmp(ref.data, listings[i], strlen(listings[i])) == 0)
			return true;
	return false;
}

/* "NOASSERTION" says nothing. */
static void drop_noassertion(struct buf *text)
{
	if (str_equal(buf_str(text), STR("NOASSERTION")) || str_equal(buf_str(text), STR("NONE")))
		buf_clear(text);
}

static int settle_package(struct reading *reading, struct spdx_package *package)
{
	struct sbom *sbom = reading->sbom;
	struct sbom_id id = sbom_id_of(buf_str(&package->component.ref));
	uint32_t index = UINT32_MAX, unused;
	bool described = sbom_table_find(reading->described, id, &unused);
	int r = 0;

	drop_noassertion(&package->component.version);
	if (described)
		r = sbom_take_subject(sbom, &package->component, is_purpose(package, "CONTAINER"));
	if (r == 0 && is_listing(package)) {
		r = sbom_table_add(sbom->refs, id, UINT32_MAX);
		return r == -EEXIST ? 0 : r;
	}
	if (r == 0)
		r = sbom_component_add(sbom, &package->component, &index);
	for (size_t i = 0; r == 0 && index != UINT32_MAX && i < package->files.count; i++)
		r = sbom_pairs_add(reading->pairs, package->files.list[i], index);
	return r;
}

static int read_package(struct reading *reading)
{
	_cleanup_(spdx_package_done) struct spdx_package package = { .purpose = BUF_MAX(64) };
	struct str key;
	int r = 0;

	sbom_component_init(&package.component);
	while (r == 0 && jwalk_member(reading->sbom->json, &key))
		r = read_package_member(reading->sbom, &package, key);
	if (r == 0 && jwalk_error(reading->sbom->json) == 0)
		r = settle_package(reading, &package);
	return r;
}

/* ---- relationships ---- */

struct relationship {
	struct buf from, to, type, comment;
};

static void relationship_done(struct relationship *relationship)
{
	buf_done(&relationship->from);
	buf_done(&relationship->to);
	buf_done(&relationship->type);
	buf_done(&relationship->comment);
}

#define RELATIONSHIP_EMPTY                                                                       \
	{                                                                                        \
		.from = BUF_MAX(SBOM_REF_MAX), .to = BUF_MAX(SBOM_REF_MAX), .type = BUF_MAX(64), \
		.comment = BUF_MAX(64)                                                           \
	}

static void read_relationship(struct jwalk *json, struct relationship *relationship)
{
	struct str key;

	while (jwalk_member(json, &key)) {
		if (str_equal(key, STR("spdxElementId")))
			jwalk_text(json, &relationship->from, NULL);
		else if (str_equal(key, STR("relatedSpdxElement")))
			jwalk_text(json, &relationship->to, NULL);
		else if (str_equal(key, STR("relationshipType")))
			jwalk_text(json, &relationship->type, NULL);
		else if (str_equal(key, STR("comment")))
			jwalk_text(json, &relationship->comment, NULL);
		else
			jwalk_skip(json);
	}
}

static bool is_related(const struct relationship *relationship, const char *type)
{
	return str_equal(buf_str(&relationship->type), str_of(type));
}

static int take_description(struct reading *reading)
{
	_cleanup_(relationship_done) struct relationship relationship = RELATIONSHIP_EMPTY;
	const struct buf *what = &relationship.to;
	int r;

	read_relationship(reading->sbom->json, &relationship);
	if (is_related(&relationship, "DESCRIBED_BY"))
		what = &relationship.from;
	else if (!is_related(&relationship, "DESCRIBES"))
		return 0;
	r = sbom_table_add(reading->described, sbom_id_of(buf_str(what)), 0);
	return r == -EEXIST ? 0 : r;
}

/* syft: the package is known by this file; its own files are CONTAINS. */
static bool is_evident_by(const struct relationship *relationship)
{
	static const char start[] = "evident-by";

	return is_related(relationship, "OTHER") && relationship->comment.len >= sizeof(start) - 1 &&
	       memcmp(relationship->comment.data, start, sizeof(start) - 1) == 0;
}

static int take_containment(struct reading *reading)
{
	_cleanup_(relationship_done) struct relationship relationship = RELATIONSHIP_EMPTY;
	const struct buf *package = &relationship.from, *file = &relationship.to;
	uint32_t index, other;
	int r;

	read_relationship(reading->sbom->json, &relationship);
	if (is_related(&relationship, "CONTAINED_BY")) {
		package = &relationship.to;
		file = &relationship.from;
	} else if (!is_related(&relationship, "CONTAINS") && !is_evident_by(&relationship)) {
		return 0;
	}
	if (!sbom_table_find(reading->sbom->refs, sbom_id_of(buf_str(package)), &index)) {
		reading->dangling++;
		return 0;
	}
	if (index == UINT32_MAX || sbom_table_find(reading->sbom->refs, sbom_id_of(buf_str(file)), &other))
		return 0;
	r = sbom_pairs_add(reading->pairs, sbom_id_of(buf_str(file)), index);
	return r < 0 ? sbom_failed(reading->sbom, r) : 0;
}

/* ---- files ---- */

static int read_file(struct reading *reading)
{
	_cleanup_(buf_done) struct buf id = BUF_MAX(SBOM_REF_MAX), name = BUF_MAX(PACKAGE_TEXT_MAX);
	struct jwalk *json = reading->sbom->json;
	const uint32_t *packages;
	struct str key;
	bool again;
	size_t n;
	int r = 0;

	while (jwalk_member(json, &key)) {
		if (str_equal(key, STR("SPDXID")))
			sbom_text(reading->sbom, &id);
		else if (str_equal(key, STR("fileName")))
			sbom_text(reading->sbom, &name);
		else
			jwalk_skip(json);
	}
	n = sbom_pairs_of(reading->pairs, sbom_id_of(buf_str(&id)), &packages, &again);
	reading->sbom->facts->duplicate_refs += again;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = sbom_add_place(reading->sbom, packages[i], buf_str(&name));
	return r;
}

/* ---- the document ---- */

static int walk(struct reading *reading, const char *wanted, int (*reader)(struct reading *reading))
{
	struct jwalk *json = reading->sbom->json;
	struct str key;
	int r = jwalk_rewind(json);

	if (r < 0 || !jwalk_object(json))
		return jwalk_error(json);
	while (r == 0 && jwalk_member(json, &key)) {
		if (str_equal(key, str_of(wanted)))
			r = each(reading, reader);
		else
			jwalk_skip(json);
	}
	return r < 0 ? sbom_failed(reading->sbom, r) : jwalk_error(json);
}

/* documentDescribes, the older way to say what it is about. */
static int read_described(struct reading *reading)
{
	_cleanup_(sbom_ids_done) struct sbom_ids ids = { .list = NULL };
	struct jwalk *json = reading->sbom->json;
	struct str key;
	int r = 0;

	if (!jwalk_object(json))
		return jwalk_error(json);
	while (r == 0 && jwalk_member(json, &key)) {
		if (str_equal(key, STR("documentDescribes")))
			r = sbom_ids_read(reading->sbom, &ids);
		else if (str_equal(key, STR("relationships")))
			r = each(reading, take_description);
		else
			jwalk_skip(json);
	}
	for (size_t i = 0; r == 0 && i < ids.count; i++) {
		r = sbom_table_add(reading->described, ids.list[i], 0);
		if (r == -EEXIST)
			r = 0;
	}
	return r < 0 ? sbom_failed(reading->sbom, r) : jwalk_error(json);
}

int sbom_read_spdx2(struct sbom *sbom)
{
	_cleanup_(sbom_table_freep) struct sbom_table *described = NULL;
	_cleanup_(sbom_pairs_freep) struct sbom_pairs *pairs = NULL;
	struct reading reading = { .sbom = sbom };
	int r = sbom_table_new(&described);

	if (r == 0)
		r = sbom_pairs_new(&pairs);
	if (r < 0)
		return sbom_failed(sbom, r);
	reading.described = described;
	reading.pairs = pairs;
	r = read_described(&reading);
	if (r == 0)
		r = walk(&reading, "packages", read_package);
	if (r == 0)
		r = walk(&reading, "relationships", take_containment);
	sbom_pairs_sort(pairs);
	if (r == 0)
		r = walk(&reading, "files", read_file);
	sbom->facts->unknown_refs += reading.dangling + sbom_pairs_unasked(pairs);
	return r;
}
