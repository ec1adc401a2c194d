/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A component on its way into the set. Promises that what is no package URL is no package URL of ours either, that a ref
 * belongs to one component, and that each thing left out is counted once. Owns the buffers of the component.
 */

#include <errno.h>
#include <stdlib.h>

#include "packages/purl.h"
#include "packages/sbom_parts.h"

void sbom_component_init(struct sbom_component *component)
{
	*component = (struct sbom_component) {
		.type = BUF_MAX(PACKAGE_TEXT_MAX),
		.group = BUF_MAX(PACKAGE_TEXT_MAX),
		.name = BUF_MAX(PACKAGE_TEXT_MAX),
		.version = BUF_MAX(PACKAGE_TEXT_MAX),
		.purl = BUF_MAX(PACKAGE_TEXT_MAX),
		.ref = BUF_MAX(SBOM_REF_MAX),
		.places = BUF_MAX(SBOM_PATHS_MAX),
	};
}

void sbom_component_done(struct sbom_component *component)
{
	buf_done(&component->type);
	buf_done(&component->group);
	buf_done(&component->name);
	buf_done(&component->version);
	buf_done(&component->purl);
	buf_done(&component->ref);
	buf_done(&component->places);
}

int sbom_component_place(struct sbom_component *component, struct str path)
{
	int r = buf_append_str(&component->places, path);

	return r < 0 ? r : buf_append(&component->places, "", 1);
}

int sbom_failed(struct sbom *sbom, int error)
{
	return jwalk_refuse(sbom->json, error,
			    error == -E2BIG    ? "it tells of more than can be taken"
			    : error == -ENOMEM ? "out of memory"
					       : "it is not understood");
}

void sbom_text(struct sbom *sbom, struct buf *out)
{
	bool cut;

	if (!jwalk_text(sbom->json, out, &cut) || cut)
		buf_clear(out);
}

int sbom_ids_read(struct sbom *sbom, struct sbom_ids *ids)
{
	_cleanup_(buf_done) struct buf id = BUF_MAX(SBOM_REF_MAX);
	int r = 0;

	if (!jwalk_array(sbom->json))
		return 0;
	while (r == 0 && jwalk_element(sbom->json)) {
		sbom_text(sbom, &id);
		if (id.len > 0)
			r = sbom_ids_add(ids, sbom_id_of(buf_str(&id)));
	}
	return r;
}

static char *text_or_null(struct buf *buf)
{
	return buf->len > 0 ? (char *)buf_cstr(buf) : NULL;
}

/* trivy takes the epoch out of the purl's version; the component's own still has it. */
static bool is_longer_version(const struct sbom_component *component, const char *version)
{
	size_t len = strlen(version);

	return component->version.len > len + 1 &&
	       component->version.data[component->version.len - len - 1] == ':' &&
	       memcmp(component->version.data + component->version.len - len, version, len) == 0;
}

/* The package as its purl has it, canonical. 1: it has none that is one. */
static int take_purl(struct sbom *sbom, struct sbom_component *component, struct package *package,
		     struct purl *purl)
{
	const char *reason;
	int r;

	if (component->purl.len == 0) {
		sbom->facts->without_purl++;
		return 1;
	}
	r = purl_parse(buf_str(&component->purl), &reason, purl);
	if (r == -EINVAL) {
		sbom->facts->without_purl++;
		sbom->facts->bad_purls++;
		return 1;
	}
	if (r < 0)
		return r;
	buf_clear(&component->purl);
	r = purl_write(&component->purl, purl);
	buf_clear(&component->name);
	if (r == 0)
		r = purl_full_name(&component->name, purl);
	package->purl = text_or_null(&component->purl);
	package->type = purl->type;
	package->arch = (char *)purl_qualifier(purl, "arch");
	if (purl->version && !is_longer_version(component, purl->version))
		package->version = purl->version;
	return r;
}

/* Without a purl: the group is part of the name. */
static int join_group(struct sbom_component *component)
{
	int r;

	if (component->group.len == 0 || component->name.len == 0)
		return 0;
	r = buf_append(&component->group, "/", 1);
	if (r == 0)
		r = buf_append_str(&component->group, buf_str(&component->name));
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	buf_clear(&component->name);
	return buf_append_str(&component->name, buf_str(&component->group));
}

/* The first keeps an id; without one nothing is lost. */
static int take_ref(struct sbom *sbom, struct sbom_component *component, uint32_t index)
{
	int r = component->ref.len == 0
			? 0
			: sbom_table_add(sbom->refs, sbom_id_of(buf_str(&component->ref)), index);

	if (r != -EEXIST)
		return r;
	sbom->facts->duplicate_refs++;
	return 0;
}

static bool is_ref_taken(struct sbom *sbom, const struct sbom_component *component)
{
	uint32_t other;

	return component->ref.len > 0 &&
	       sbom_table_find(sbom->refs, sbom_id_of(buf_str(&component->ref)), &other);
}

static int note_package(struct sbom *sbom, uint32_t index, size_t before)
{
	size_t max = sbom->max_has_file;

	if (index < before) {
		/* Packages that others brought are no duplicates of ours. */
		sbom->facts->duplicates += index >= sbom->first;
		return 0;
	}
	if (index - sbom->first >= max) {
		uint8_t *grown;

		max = max ? 2 * max : 1024;
		grown = realloc(sbom->has_file, max);
		if (!grown)
			return -ENOMEM;
		memset(grown + sbom->max_has_file, 0, max - sbom->max_has_file);
		sbom->has_file = grown;
		sbom->max_has_file = max;
	}
	sbom->facts->without_files++;
	return 0;
}

static int add_place(struct sbom *sbom, uint32_t index, struct str path, bool within,
		     enum sbom_place *ret_place)
{
	_cleanup_(buf_done) struct buf absolute = BUF_MAX(PACKAGE_TEXT_MAX);
	const struct package *package = package_set_get(sbom->set, index);
	enum sbom_place place = sbom_place(path, package->type, sbom->of_image, &absolute);
	size_t own = index - sbom->first;
	int r;

	if (ret_place)
		*ret_place = place;
	if (place == SBOM_PLACE_SOURCE) {
		sbom->facts->sources++;
		return 0;
	}
	if (place == SBOM_PLACE_BAD)
		r = -EINVAL;
	else if (within || place == SBOM_PLACE_WITHIN)
		r = package_set_add_within(sbom->set, index, buf_str(&absolute));
	else
		r = package_set_add_file(sbom->set, index, buf_str(&absolute));
	if (r == -EINVAL) {
		sbom->facts->bad_paths++;
		return 0;
	}
	if (r < 0)
		return r;
	sbom->facts->files++;
	if (index >= sbom->first && !sbom->has_file[own]) {
		sbom->has_file[own] = 1;
		sbom->facts->without_files--;
	}
	return 0;
}

int sbom_add_place(struct sbom *sbom, uint32_t index, struct str path)
{
	return add_place(sbom, index, path, false, NULL);
}

static int add_places(struct sbom *sbom, const struct sbom_component *component, uint32_t index)
{
	bool any = false, bad = false;
	int r = 0;

	for (size_t at = 0; at < component->places.len && r == 0;
	     at += strlen(component->places.data + at) + 1) {
		enum sbom_place place;

		r = add_place(sbom, index, str_of(component->places.data + at), component->within, &place);
		any = any || place == SBOM_PLACE_FILE || place == SBOM_PLACE_WITHIN;
		bad = bad || place == SBOM_PLACE_BAD;
	}
	/* One of several components of the package, or one of its places: where that is nobody knows. */
	if (r == 0 && (bad || (!any && component->tells_all)) && index >= sbom->first)
		package_set_more_places(sbom->set, index);
	return r;
}

int sbom_component_add(struct sbom *sbom, struct sbom_component *component, uint32_t *ret_index)
{
	_cleanup_(purl_done) struct purl purl = { 0 };
	struct package package = { .sources = PACKAGE_FROM_SBOM };
	size_t before = package_set_count(sbom->set);
	uint32_t index = UINT32_MAX;
	int r;

	sbom->facts->components++;
	r = take_purl(sbom, component, &package, &purl);
	if (r == 1)
		r = join_group(component);
	if (r < 0)
		return sbom_failed(sbom, r);
	package.name = text_or_null(&component->name);
	if (!package.version)
		package.version = text_or_null(&component->version);
	package.ref = is_ref_taken(sbom, component) ? NULL : text_or_null(&component->ref);
	if (package.name || package.purl) {
		r = package_set_add(sbom->set, &package, &index);
		if (r == 0)
			r = note_package(sbom, index, before);
		if (r == 0)
			r = add_places(sbom, component, index);
	}
	if (r == 0)
		r = take_ref(sbom, component, index);
	if (r < 0)
		return sbom_failed(sbom, r);
	if (ret_index)
		*ret_index = index;
	return 0;
}

/* ---- the subject ---- */

static bool is_digest(struct str text)
{
	if (text.len != 71 || memcmp(text.data, "sha256:", 7) != 0)
		return false;
	for (size_t i = 7; i < text.len; i++)
		if (!(text.data[i] >= '0' && text.data[i] <= '9') &&
		    !(text.data[i] >= 'a' && text.data[i] <= 'f'))
			return false;
	return true;
}

static int set_text(char **to, struct str text)
{
	char *copy = str_copy(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

int sbom_take_subject(struct sbom *sbom, const struct sbom_component *component, bool is_image)
{
	_cleanup_(purl_done) struct purl purl = { 0 };
	struct str digest = buf_str(&component->version);
	const char *reason;
	int r = 0;

	sbom->of_image = is_image;
	if (component->name.len > 0)
		r = set_text(&sbom->facts->subject, buf_str(&component->name));
	if (r < 0 || !is_image)
		return r < 0 ? sbom_failed(sbom, r) : 0;
	if (!is_digest(digest) && component->purl.len > 0 &&
	    purl_parse(buf_str(&component->purl), &reason, &purl) == 0 && purl.version)
		digest = str_of(purl.version);
	if (is_digest(digest))
		r = set_text(&sbom->facts->image_digest, digest);
	return r < 0 ? sbom_failed(sbom, r) : 0;
}
