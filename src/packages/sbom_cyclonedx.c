/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CycloneDX 1.4 to 1.6. One walk: components as they come, those within them first, since their files may be the outer
 * one's. Refuses nesting beyond SBOM_NESTING_MAX. What depends on what is not looked at: it says nothing of files.
 */

#include <errno.h>

#include "packages/sbom_parts.h"

/* A component that is read: what its type makes of it. */
struct reading {
	struct sbom_component component;
	bool is_file; /* type "file": a file of the component around it */
	bool is_listing; /* a lock file or operating system that stands for what it lists */
};

static void reading_done(struct reading *reading)
{
	sbom_component_done(&reading->component);
}

static bool is_type(const struct reading *reading, const char *type)
{
	return str_equal(buf_str(&reading->component.type), str_of(type));
}

static bool starts_with(struct str text, const char *start)
{
	size_t len = strlen(start);

	return text.len >= len && memcmp(text.data, start, len) == 0;
}

static bool ends_with(struct str text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

/* Members of scanners beside the format: where syft and trivy found it. */
static int take_property(struct reading *reading, struct str name, struct str value)
{
	if ((starts_with(name, "syft:location:") && ends_with(name, ":path")) ||
	    str_equal(name, STR("aquasecurity:trivy:FilePath")))
		return value.len > 0 ? sbom_component_place(&reading->component, value) : 0;
	if (str_equal(name, STR("syft:metadata:virtualPath")))
		reading->component.within = memchr(value.data ? value.data : "", ':', value.len) != NULL;
	if (str_equal(name, STR("aquasecurity:trivy:Class")))
		reading->is_listing = true;
	return 0;
}

static int read_properties(struct sbom *sbom, struct reading *reading)
{
	_cleanup_(buf_done) struct buf name = BUF_MAX(256), value = BUF_MAX(PACKAGE_TEXT_MAX);
	struct str key;
	int r = 0;

	if (!jwalk_array(sbom->json))
		return 0;
	while (jwalk_element(sbom->json)) {
		buf_clear(&name);
		buf_clear(&value);
		if (!jwalk_object(sbom->json))
			continue;
		while (jwalk_member(sbom->json, &key)) {
			if (str_equal(key, STR("name")))
				sbom_text(sbom, &name);
			else if (str_equal(key, STR("value")))
				sbom_text(sbom, &value);
			else
				jwalk_skip(sbom->json);
		}
		if (r == 0)
			r = take_property(reading, buf_str(&name), buf_str(&value));
	}
	return r;
}

/* evidence.occurrences[].location: "where the component was found". */
static int read_occurrences(struct sbom *sbom, struct reading *reading)
{
	_cleanup_(buf_done) struct buf location = BUF_MAX(PACKAGE_TEXT_MAX);
	struct str key;
	int r = 0;

	if (!jwalk_array(sbom->json))
		return 0;
	while (jwalk_element(sbom->json)) {
		if (!jwalk_object(sbom->json))
			continue;
		while (jwalk_member(sbom->json, &key)) {
			if (!str_equal(key, STR("location"))) {
				jwalk_skip(sbom->json);
				continue;
			}
			sbom_text(sbom, &location);
			if (r == 0 && location.len > 0)
				r = sbom_component_place(&reading->component, buf_str(&location));
		}
	}
	return r;
}

static int read_evidence(struct sbom *sbom, struct reading *reading)
{
	struct str key;
	int r = 0;

	if (!jwalk_object(sbom->json))
		return 0;
	while (jwalk_member(sbom->json, &key)) {
		if (str_equal(key, STR("occurrences")) && r == 0)
			r = read_occurrences(sbom, reading);
		else
			jwalk_skip(sbom->json);
	}
	return r;
}

static int read_components(struct sbom *sbom, struct reading *around, unsigned int nesting);

static int read_member(struct sbom *sbom, struct reading *reading, struct str key, unsigned int nesting)
{
	static const struct {
		const char *key;
		size_t offset;
	} texts[] = {
		{ "type", offsetof(struct sbom_component, type) },
		{ "group", offsetof(struct sbom_component, group) },
		{ "name", offsetof(struct sbom_component, name) },
		{ "version", offsetof(struct sbom_component, version) },
		{ "purl", offsetof(struct sbom_component, purl) },
		{ "bom-ref", offsetof(struct sbom_component, ref) },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (str_equal(key, str_of(texts[i].key))) {
			sbom_text(sbom, (struct buf *)((char *)&reading->component + texts[i].offset));
			return 0;
		}
	}
	if (str_equal(key, STR("properties")))
		return read_properties(sbom, reading);
	if (str_equal(key, STR("evidence")))
		return read_evidence(sbom, reading);
	if (str_equal(key, STR("components")))
		return read_components(sbom, reading, nesting + 1);
	jwalk_skip(sbom->json);
	return 0;
}

static int read_component(struct sbom *sbom, struct reading *reading, unsigned int nesting)
{
	struct str key;
	int r = 0;

	sbom_component_init(&reading->component);
	if (!jwalk_object(sbom->json))
		return jwalk_error(sbom->json);
	while (r == 0 && jwalk_member(sbom->json, &key))
		r = read_member(sbom, reading, key, nesting);
	return r < 0 ? sbom_failed(sbom, r) : jwalk_error(sbom->json);
}

/* Is this a package, something that has files? Not what lists or carries packages. */
static bool is_package(const struct reading *reading)
{
	static const char *const others[] = {
		"operating-system", "container", "cryptographic-asset", "data", "machine-learning-model",
		"device",	    "platform"
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (is_type(reading, others[i]))
			return false;
	return !reading->is_listing || reading->component.purl.len > 0;
}

static int settle(struct sbom *sbom, struct reading *reading, struct reading *around)
{
	uint32_t index;

	if (reading->is_file || is_type(reading, "file")) {
		if (!around || reading->component.name.len == 0)
			return 0;
		return sbom_component_place(&around->component, buf_str(&reading->component.name));
	}
	reading->component.tells_all = true;
	return is_package(reading) ? sbom_component_add(sbom, &reading->component, &index) : 0;
}

static int read_components(struct sbom *sbom, struct reading *around, unsigned int nesting)
{
	int r = 0;

	if (nesting > SBOM_NESTING_MAX)
		return jwalk_refuse(sbom->json, -EBADMSG, "its components are nested too deeply");
	if (!jwalk_array(sbom->json))
		return jwalk_error(sbom->json);
	while (r == 0 && jwalk_element(sbom->json)) {
		_cleanup_(reading_done) struct reading reading = { .is_file = false };

		if (jwalk_type(sbom->json) != JWALK_OBJECT) {
			jwalk_skip(sbom->json);
			continue;
		}
		r = read_component(sbom, &reading, nesting);
		if (r == 0)
			r = settle(sbom, &reading, around);
	}
	return r < 0 ? r : jwalk_error(sbom->json);
}

/* metadata.component: what the document is about. Its files are relative to an image's root. */
static int read_metadata(struct sbom *sbom)
{
	_cleanup_(reading_done) struct reading subject = { .is_file = false };
	struct str key;
	int r = 0;

	sbom_component_init(&subject.component);
	if (!jwalk_object(sbom->json))
		return 0;
	while (r == 0 && jwalk_member(sbom->json, &key)) {
		if (!str_equal(key, STR("component"))) {
			jwalk_skip(sbom->json);
			continue;
		}
		reading_done(&subject);
		r = read_component(sbom, &subject, 0);
		if (r == 0)
			r = sbom_take_subject(sbom, &subject.component, is_type(&subject, "container"));
	}
	return r;
}

/* Members of the document in any order: the subject first, since it says what relative places mean. */
static int walk(struct sbom *sbom, struct str wanted, int (*reader)(struct sbom *sbom))
{
	struct str key;
	int r = 0;

	if (!jwalk_object(sbom->json))
		return jwalk_error(sbom->json);
	while (r == 0 && jwalk_member(sbom->json, &key)) {
		if (str_equal(key, wanted))
			r = reader(sbom);
		else
			jwalk_skip(sbom->json);
	}
	return r < 0 ? r : jwalk_error(sbom->json);
}

static int read_list(struct sbom *sbom)
{
	return read_components(sbom, NULL, 1);
}

int sbom_read_cyclonedx(struct sbom *sbom)
{
	int r = walk(sbom, STR("metadata"), read_metadata);

	if (r == 0)
		r = jwalk_rewind(sbom->json);
	return r < 0 ? r : walk(sbom, STR("components"), read_list);
}
