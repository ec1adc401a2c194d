/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPDX 3.0, JSON-LD in the form the specification fixes: one @graph of elements, the short names of its context. Elements
 * stand in any order, so the graph is walked four times: roots; packages; what contains which file; files. Other spellings of
 * JSON-LD (full IRIs, elements within elements) are not expanded: an element that is not understood counts for nothing.
 */

#include <errno.h>

#include "packages/sbom_parts.h"

struct element {
	struct sbom_component component; /* .type: its class, .ref: its spdxId */
	struct buf purpose, relationship, from, file_kind;
	struct sbom_ids to, roots;
};

struct reading {
	struct sbom *sbom;
	struct sbom_table *roots;
	struct sbom_pairs *pairs;
	uint64_t dangling;
};

static void element_init(struct element *element)
{
	*element = (struct element) { .purpose = BUF_MAX(64),
				      .relationship = BUF_MAX(64),
				      .from = BUF_MAX(SBOM_REF_MAX),
				      .file_kind = BUF_MAX(64) };
	sbom_component_init(&element->component);
}

static void element_done(struct element *element)
{
	sbom_component_done(&element->component);
	buf_done(&element->purpose);
	buf_done(&element->relationship);
	buf_done(&element->from);
	buf_done(&element->file_kind);
	sbom_ids_done(&element->to);
	sbom_ids_done(&element->roots);
}

static bool is_class(const struct element *element, const char *name)
{
	return str_equal(buf_str(&element->component.type), str_of(name));
}

static bool is_package(const struct element *element)
{
	return is_class(element, "software_Package") || is_class(element, "ai_AIPackage") ||
	       is_class(element, "dataset_DatasetPackage");
}

/* syft's name for the directory or image that it looked at. */
static bool is_listing(const struct element *element)
{
	static const char mark[] = "DocumentRoot-";
	const struct buf *ref = &element->component.ref;

	return element->component.purl.len == 0 && ref->len > 0 &&
	       memmem(ref->data, ref->len, mark, sizeof(mark) - 1) != NULL;
}

/* One id, or several. */
static int read_ids(struct sbom *sbom, struct sbom_ids *ids)
{
	_cleanup_(buf_done) struct buf id = BUF_MAX(SBOM_REF_MAX);

	if (jwalk_type(sbom->json) == JWALK_STRING) {
		sbom_text(sbom, &id);
		return id.len > 0 ? sbom_ids_add(ids, sbom_id_of(buf_str(&id))) : 0;
	}
	return sbom_ids_read(sbom, ids);
}

/* externalIdentifier: where the purl stands when it is not in the member of its own. */
static int read_identifiers(struct sbom *sbom, struct buf *purl)
{
	_cleanup_(buf_done) struct buf type = BUF_MAX(64), identifier = BUF_MAX(PACKAGE_TEXT_MAX);
	struct str key;
	int r = 0;

	if (!jwalk_array(sbom->json))
		return 0;
	while (r == 0 && jwalk_element(sbom->json)) {
		buf_clear(&type);
		buf_clear(&identifier);
		if (!jwalk_object(sbom->json))
			continue;
		while (jwalk_member(sbom->json, &key)) {
			if (str_equal(key, STR("externalIdentifierType")))
				sbom_text(sbom, &type);
			else if (str_equal(key, STR("identifier")))
				sbom_text(sbom, &identifier);
			else
				jwalk_skip(sbom->json);
		}
		if (purl->len == 0 &&
		    (str_equal(buf_str(&type), STR("packageUrl")) || str_equal(buf_str(&type), STR("purl"))))
			r = buf_append_str(purl, buf_str(&identifier));
	}
	return r;
}

static int read_member(struct sbom *sbom, struct element *element, struct str key)
{
	static const struct {
		const char *key;
		size_t offset;
	} texts[] = {
		{ "type", offsetof(struct element, component.type) },
		{ "@type", offsetof(struct element, component.type) },
		{ "spdxId", offsetof(struct element, component.ref) },
		{ "@id", offsetof(struct element, component.ref) },
		{ "name", offsetof(struct element, component.name) },
		{ "software_packageVersion", offsetof(struct element, component.version) },
		{ "software_packageUrl", offsetof(struct element, component.purl) },
		{ "software_primaryPurpose", offsetof(struct element, purpose) },
		{ "software_fileKind", offsetof(struct element, file_kind) },
		{ "relationshipType", offsetof(struct element, relationship) },
		{ "from", offsetof(struct element, from) },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (str_equal(key, str_of(texts[i].key))) {
			sbom_text(sbom, (struct buf *)((char *)element + texts[i].offset));
			return 0;
		}
	}
	if (str_equal(key, STR("to")))
		return read_ids(sbom, &element->to);
	if (str_equal(key, STR("rootElement")))
		return read_ids(sbom, &element->roots);
	if (str_equal(key, STR("externalIdentifier")))
		return read_identifiers(sbom, &element->component.purl);
	jwalk_skip(sbom->json);
	return 0;
}

/* ---- what is done with an element, walk by walk ---- */

static int take_roots(struct reading *reading, struct element *element)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < element->roots.count; i++) {
		r = sbom_table_add(reading->roots, element->roots.list[i], 0);
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

static int take_package(struct reading *reading, struct element *element)
{
	struct sbom *sbom = reading->sbom;
	struct sbom_id id = sbom_id_of(buf_str(&element->component.ref));
	bool is_image = str_equal(buf_str(&element->purpose), STR("container")), is_root;
	uint32_t unused;
	int r = 0;

	if (!is_package(element))
		return 0;
	is_root = sbom_table_find(reading->roots, id, &unused);
	if (is_root)
		r = sbom_take_subject(sbom, &element->component, is_image);
	if (r < 0)
		return r;
	if (is_image || str_equal(buf_str(&element->purpose), STR("operatingSystem")) || is_listing(element)) {
		r = sbom_table_add(sbom->refs, id, UINT32_MAX);
		return r == -EEXIST ? 0 : r;
	}
	return sbom_component_add(sbom, &element->component, NULL);
}

static int take_relationship(struct reading *reading, struct element *element)
{
	struct sbom_table *refs = reading->sbom->refs;
	uint32_t index, other;
	int r = 0;

	if (!str_equal(buf_str(&element->relationship), STR("contains")))
		return 0;
	if (!sbom_table_find(refs, sbom_id_of(buf_str(&element->from)), &index)) {
		reading->dangling++;
		return 0;
	}
	for (size_t i = 0; r == 0 && index != UINT32_MAX && i < element->to.count; i++)
		if (!sbom_table_find(refs, element->to.list[i], &other))
			r = sbom_pairs_add(reading->pairs, element->to.list[i], index);
	return r;
}

static int take_file(struct reading *reading, struct element *element)
{
	const uint32_t *packages;
	bool again;
	size_t n;
	int r = 0;

	if (!is_class(element, "software_File"))
		return 0;
	n = sbom_pairs_of(reading->pairs, sbom_id_of(buf_str(&element->component.ref)), &packages, &again);
	reading->sbom->facts->duplicate_refs += again;
	if (str_equal(buf_str(&element->file_kind), STR("directory")))
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = sbom_add_place(reading->sbom, packages[i], buf_str(&element->component.name));
	return r;
}

/* ---- the document ---- */

static int read_element(struct reading *reading, int (*taker)(struct reading *reading, struct element *element))
{
	_cleanup_(element_done) struct element element;
	struct jwalk *json = reading->sbom->json;
	struct str key;
	int r = 0;

	element_init(&element);
	while (r == 0 && jwalk_member(json, &key))
		r = read_member(reading->sbom, &element, key);
	if (r == 0 && jwalk_error(json) == 0)
		r = taker(reading, &element);
	return r;
}

static int walk(struct reading *reading, int (*taker)(struct reading *reading, struct element *element))
{
	struct jwalk *json = reading->sbom->json;
	struct str key;
	int r = jwalk_rewind(json);

	if (r < 0 || !jwalk_object(json))
		return jwalk_error(json);
	while (r == 0 && jwalk_member(json, &key)) {
		if (!str_equal(key, STR("@graph"))) {
			jwalk_skip(json);
			continue;
		}
		if (!jwalk_array(json))
			continue;
		while (r == 0 && jwalk_element(json))
			if (jwalk_object(json))
				r = read_element(reading, taker);
	}
	return r < 0 ? sbom_failed(reading->sbom, r) : jwalk_error(json);
}

int sbom_read_spdx3(struct sbom *sbom)
{
	_cleanup_(sbom_table_freep) struct sbom_table *roots = NULL;
	_cleanup_(sbom_pairs_freep) struct sbom_pairs *pairs = NULL;
	struct reading reading = { .sbom = sbom };
	int r = sbom_table_new(&roots);

	if (r == 0)
		r = sbom_pairs_new(&pairs);
	if (r < 0)
		return sbom_failed(sbom, r);
	reading.roots = roots;
	reading.pairs = pairs;
	r = walk(&reading, take_roots);
	if (r == 0)
		r = walk(&reading, take_package);
	if (r == 0)
		r = walk(&reading, take_relationship);
	sbom_pairs_sort(pairs);
	if (r == 0)
		r = walk(&reading, take_file);
	sbom->facts->unknown_refs += reading.dangling + sbom_pairs_unasked(pairs);
	return r;
}
