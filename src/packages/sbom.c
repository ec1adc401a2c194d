/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which format an SBOM is of, and its reading from the first byte to the last. Promises that text which is not well-formed
 * adds nothing to the set. Refuses what names no format, two, or a version that is not known here: guessing at a document
 * would make packages of what none may be.
 */

#include "packages/sbom.h"

#include <errno.h>
#include <stdlib.h>

#include "packages/sbom_parts.h"

/* What the members at the top say. */
struct marks {
	struct buf bom_format, spec_version, spdx_version, context;
	bool has_graph;
};

static void marks_done(struct marks *marks)
{
	buf_done(&marks->bom_format);
	buf_done(&marks->spec_version);
	buf_done(&marks->spdx_version);
	buf_done(&marks->context);
}

/* A context, or the one of several that is SPDX's. */
static void read_context(struct jwalk *json, struct buf *context)
{
	if (jwalk_type(json) != JWALK_ARRAY) {
		jwalk_text(json, context, NULL);
		return;
	}
	jwalk_array(json);
	while (jwalk_element(json)) {
		if (context->len > 0 && memmem(context->data, context->len, "spdx.org", 8))
			jwalk_skip(json);
		else
			jwalk_text(json, context, NULL);
	}
}

static int read_marks(struct jwalk *json, struct marks *marks)
{
	struct str key;

	if (jwalk_type(json) != JWALK_OBJECT)
		return jwalk_refuse(json, -EBADMSG, "it is no JSON object");
	jwalk_object(json);
	while (jwalk_member(json, &key)) {
		if (str_equal(key, STR("bomFormat"))) {
			jwalk_text(json, &marks->bom_format, NULL);
		} else if (str_equal(key, STR("specVersion"))) {
			jwalk_text(json, &marks->spec_version, NULL);
		} else if (str_equal(key, STR("spdxVersion"))) {
			jwalk_text(json, &marks->spdx_version, NULL);
		} else if (str_equal(key, STR("@context"))) {
			read_context(json, &marks->context);
		} else {
			marks->has_graph = marks->has_graph || str_equal(key, STR("@graph"));
			jwalk_skip(json);
		}
	}
	return jwalk_end(json);
}

typedef int (*reader)(struct sbom *sbom);

static bool is_one_of(struct str version, const char *const *known, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(version, str_of(known[i])))
			return true;
	return false;
}

/* "3.0.1" of ".../rdf/3.0.1/spdx-context.jsonld"; empty: not SPDX's. */
static struct str context_version(struct str context)
{
	static const char mark[] = "spdx.org/rdf/";
	const char *at = context.len ? memmem(context.data, context.len, mark, sizeof(mark) - 1) : NULL, *end;

	if (!at)
		return STR("");
	at += sizeof(mark) - 1;
	if (context.data + context.len - at > 0 && *at == 'v')
		at++;
	end = memchr(at, '/', (size_t)(context.data + context.len - at));
	return end ? (struct str) { at, (size_t)(end - at) } : STR("");
}

static int choose(struct jwalk *json, struct marks *marks, struct buf *format, reader *ret_reader)
{
	static const char *const cyclonedx[] = { "1.2", "1.3", "1.4", "1.5", "1.6", "1.7" };
	static const char *const spdx[] = { "SPDX-2.2", "SPDX-2.3" };
	struct str spdx3 = context_version(buf_str(&marks->context));
	bool is_cyclonedx = str_equal(buf_str(&marks->bom_format), STR("CycloneDX"));

	if (is_cyclonedx + (marks->spdx_version.len > 0) + (spdx3.len > 0) > 1)
		return jwalk_refuse(json, -EBADMSG, "it claims to be of two formats");
	if (is_cyclonedx) {
		if (!is_one_of(buf_str(&marks->spec_version), cyclonedx, ARRAY_LEN(cyclonedx)))
			return jwalk_refuse(json, -EBADMSG,
					    "its version of CycloneDX is not one of 1.2 to 1.7");
		*ret_reader = sbom_read_cyclonedx;
		return buf_printf(format, "CycloneDX %s", buf_cstr(&marks->spec_version));
	}
	if (marks->spdx_version.len > 0) {
		if (!is_one_of(buf_str(&marks->spdx_version), spdx, ARRAY_LEN(spdx)))
			return jwalk_refuse(json, -EBADMSG,
					    "its version of SPDX is not one of 2.2, 2.3 and 3.0");
		*ret_reader = sbom_read_spdx2;
		return buf_printf(format, "SPDX %s", buf_cstr(&marks->spdx_version) + 5);
	}
	if (spdx3.len >= 3 && spdx3.len < 16 && memcmp(spdx3.data, "3.0", 3) == 0) {
		if (!marks->has_graph)
			return jwalk_refuse(json, -EBADMSG, "it is SPDX 3.0 without a @graph");
		*ret_reader = sbom_read_spdx3;
		return buf_printf(format, "SPDX %.*s", (int)spdx3.len, spdx3.data);
	}
	return jwalk_refuse(json, -EBADMSG,
			    spdx3.len > 0 ? "its version of SPDX is not one of 2.2, 2.3 and 3.0"
					  : "it is neither CycloneDX nor SPDX, as JSON");
}

static int read_document(struct jwalk *json, struct package_set *set, struct sbom_facts *facts)
{
	_cleanup_(marks_done) struct marks marks = { .bom_format = BUF_MAX(64),
						     .spec_version = BUF_MAX(64),
						     .spdx_version = BUF_MAX(64),
						     .context = BUF_MAX(4096) };
	_cleanup_(buf_done) struct buf format = BUF_MAX(128);
	_cleanup_(sbom_table_freep) struct sbom_table *refs = NULL;
	struct sbom sbom = { .json = json, .set = set, .facts = facts, .first = package_set_count(set) };
	reader read = NULL;
	int r = read_marks(json, &marks);

	if (r == 0)
		r = choose(json, &marks, &format, &read);
	if (r == 0)
		r = sbom_table_new(&refs);
	if (r == 0)
		facts->format = strdup(buf_cstr(&format));
	if (r < 0 || !facts->format)
		return sbom_failed(&sbom, r < 0 ? r : -ENOMEM);
	sbom.refs = refs;
	r = jwalk_rewind(json);
	if (r == 0)
		r = read(&sbom);
	free(sbom.has_file);
	return r;
}

static int read_into(struct jwalk *json, struct package_set *set, struct sbom_facts *ret_facts)
{
	struct sbom_facts facts = { .format = NULL };
	int r = read_document(json, set, &facts);

	if (r < 0) {
		sbom_facts_done(&facts);
		return r;
	}
	*ret_facts = facts;
	return 0;
}

int sbom_load(const char *path, struct package_set *set, struct diag *diag, struct sbom_facts *ret_facts)
{
	_cleanup_(jwalk_freep) struct jwalk *json = NULL;
	int r = jwalk_open(path, SBOM_FILE_MAX, diag, &json);

	return r < 0 ? r : read_into(json, set, ret_facts);
}

int sbom_parse(struct str text, const char *name, struct package_set *set, struct diag *diag,
	       struct sbom_facts *ret_facts)
{
	_cleanup_(jwalk_freep) struct jwalk *json = NULL;
	int r;

	if (text.len > SBOM_FILE_MAX)
		return diag_error(diag, -EFBIG, "cannot read %s: it is larger than the limit of %u bytes", name,
				  SBOM_FILE_MAX);
	r = jwalk_new(text, name, diag, &json);
	return r < 0 ? r : read_into(json, set, ret_facts);
}

void sbom_facts_done(struct sbom_facts *facts)
{
	free(facts->format);
	free(facts->subject);
	free(facts->image_digest);
	*facts = (struct sbom_facts) { .format = NULL };
}
