/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CycloneDX 1.6 as VEX: each vulnerability of each package with its analysis, the packages beside them as components, so that
 * the document stands alone. A reference is the package's purl; what the SBOM called it is a property.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "merge/output_vex_parts.h"

static void write_property(struct canon *canon, const char *name, const char *value)
{
	canon_object(canon);
	canon_key_cstr(canon, "name", name);
	vex_key_text(canon, "value", value);
	canon_object_end(canon);
}

/* ---- components ---- */

/* A package that a vulnerability concerns. */
struct component {
	char *ref;
	const char *name, *version, *sbom_ref;
};

static int compare_components(const void *a, const void *b)
{
	return strcmp(((const struct component *)a)->ref, ((const struct component *)b)->ref);
}

static void free_components(struct component *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].ref);
	free(list);
}

static int make_component(const struct vex_writer *writer, size_t at, struct component *ret_component)
{
	const struct vulnerability_verdict *verdict = &writer->result->vulnerability_verdicts[writer->list[at]];
	const struct vulnerability *vulnerability =
		&writer->result->vulnerabilities.list[verdict->vulnerability];
	_cleanup_(buf_done) struct buf purl = BUF_MAX(8 * PACKAGE_TEXT_MAX);
	int r = vex_purl(writer->result, verdict, &purl);

	if (r < 0 || !buf_cstr(&purl))
		return r < 0 ? r : -ENOMEM;
	*ret_component = (struct component) { .name = vulnerability->name, .version = vulnerability->version };
	if (verdict->match == PACKAGE_ONE) {
		const struct package *package = package_set_get(writer->result->packages, verdict->package);

		*ret_component = (struct component) { .name = package->name,
						      .version = package->version,
						      .sbom_ref = package->ref };
	}
	ret_component->ref = TAKE(purl.data);
	return 0;
}

static void write_component(struct canon *canon, const struct component *component)
{
	canon_object(canon);
	vex_key_text(canon, "bom-ref", component->ref);
	vex_key_text(canon, "name", component->name ? component->name : component->ref);
	if (component->sbom_ref) {
		canon_key(canon, "properties");
		canon_array(canon);
		write_property(canon, "stella:sbom:ref", component->sbom_ref);
		canon_array_end(canon);
	}
	vex_key_text(canon, "purl", component->ref);
	canon_key_cstr(canon, "type", "library");
	if (component->version)
		vex_key_text(canon, "version", component->version);
	canon_object_end(canon);
}

static int write_components(struct vex_writer *writer)
{
	struct component *list = calloc(writer->count + 1, sizeof(*list));
	size_t count = 0;
	int r = list ? 0 : -ENOMEM;

	while (r == 0 && count < writer->count) {
		r = make_component(writer, count, &list[count]);
		count += r == 0;
	}
	if (r == 0)
		qsort(list, count, sizeof(*list), compare_components);
	canon_key(&writer->canon, "components");
	canon_array(&writer->canon);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (i > 0 && strcmp(list[i - 1].ref, list[i].ref) == 0)
			continue;
		write_component(&writer->canon, &list[i]);
		r = vex_flush(writer);
	}
	free_components(list, count);
	if (r == 0)
		canon_array_end(&writer->canon);
	return r;
}

/* ---- vulnerabilities ---- */

/* The words of scanners, as the format has them; NULL: no such word. */
static const char *severity_word(const char *severity)
{
	static const char *const words[][2] = { { "critical", "critical" }, { "high", "high" },
						{ "important", "high" },    { "medium", "medium" },
						{ "moderate", "medium" },   { "low", "low" },
						{ "negligible", "low" },    { "none", "none" },
						{ "unknown", "unknown" } };

	for (size_t i = 0; severity && i < ARRAY_LEN(words); i++)
		if (strcasecmp(words[i][0], severity) == 0)
			return words[i][1];
	return NULL;
}

static const char *source_of(const char *id)
{
	return strncmp(id, "CVE-", 4) == 0 ? "NVD" : strncmp(id, "GHSA-", 5) == 0 ? "GitHub" : "OSV";
}

static void write_analysis(struct canon *canon, enum vex_status status, const char *detail)
{
	static const char *const states[] = { [VEX_SAY_AFFECTED] = "exploitable",
					      [VEX_SAY_NOT_AFFECTED] = "not_affected",
					      [VEX_SAY_UNDER_INVESTIGATION] = "in_triage" };

	canon_key(canon, "analysis");
	canon_object(canon);
	vex_key_text(canon, "detail", detail);
	if (status == VEX_SAY_NOT_AFFECTED)
		canon_key_cstr(canon, "justification", "code_not_reachable");
	canon_key_cstr(canon, "state", states[status]);
	canon_object_end(canon);
}

static void write_description(struct canon *canon, const struct vulnerability *vulnerability)
{
	const char *severity = severity_word(vulnerability->severity);

	if (vulnerability->description)
		vex_key_text(canon, "description", vulnerability->description);
	vex_key_text(canon, "id", vulnerability->id);
	if (severity) {
		canon_key(canon, "ratings");
		canon_array(canon);
		canon_object(canon);
		canon_key_cstr(canon, "severity", severity);
		canon_object_end(canon);
		canon_array_end(canon);
	}
	if (vulnerability->n_aliases == 0)
		return;
	canon_key(canon, "references");
	canon_array(canon);
	for (size_t i = 0; i < vulnerability->n_aliases; i++) {
		canon_object(canon);
		vex_key_text(canon, "id", vulnerability->aliases[i]);
		canon_key(canon, "source");
		canon_object(canon);
		canon_key_cstr(canon, "name", source_of(vulnerability->aliases[i]));
		canon_object_end(canon);
		canon_object_end(canon);
	}
	canon_array_end(canon);
}

static int write_vulnerability(struct vex_writer *writer, const struct vulnerability_verdict *verdict)
{
	_cleanup_(buf_done) struct buf purl = BUF_MAX(8 * PACKAGE_TEXT_MAX),
				       detail = BUF_MAX(VEX_PIECE_MAX / 4), notes = BUF_MAX(VEX_PIECE_MAX / 8);
	struct canon *canon = &writer->canon;
	const char *why;
	enum vex_status status = vex_judge(writer->result, verdict, &why);
	int r = vex_purl(writer->result, verdict, &purl);

	if (r == 0)
		r = vex_notes(writer->result, verdict, status, why, &notes);
	if (r == 0 && status == VEX_SAY_NOT_AFFECTED)
		r = buf_printf(&detail, "%s ", verdict->impact);
	if (r == 0)
		r = buf_append_str(&detail, buf_str(&notes));
	if (r < 0)
		return r;
	canon_object(canon);
	canon_key(canon, "affects");
	canon_array(canon);
	canon_object(canon);
	canon_key_string(canon, "ref", buf_str(&purl));
	canon_object_end(canon);
	canon_array_end(canon);
	write_analysis(canon, status, buf_cstr(&detail));
	write_description(canon, &writer->result->vulnerabilities.list[verdict->vulnerability]);
	canon_object_end(canon);
	return vex_flush(writer);
}

/* ---- the document ---- */

static void write_metadata(struct vex_writer *writer)
{
	const struct merge_result *result = writer->result;
	struct canon *canon = &writer->canon;
	char time[CLOCK_TEXT_MAX];

	clock_format(result->to.wall_ns, time);
	canon_key(canon, "metadata");
	canon_object(canon);
	if (result->image) {
		canon_key(canon, "component");
		canon_object(canon);
		vex_key_text(canon, "bom-ref", result->image);
		vex_key_text(canon, "name", result->image);
		canon_key_cstr(canon, "type", "container");
		canon_object_end(canon);
	}
	canon_key(canon, "properties");
	canon_array(canon);
	write_property(canon, "stella:evidence:chain", result->chain_id ? result->chain_id : "");
	write_property(canon, "stella:evidence:head", result->head_sha256);
	write_property(canon, "stella:evidence:complete", result->complete ? "true" : "false");
	canon_array_end(canon);
	canon_key_cstr(canon, "timestamp", time);
	canon_key(canon, "tools");
	canon_object(canon);
	canon_key(canon, "components");
	canon_array(canon);
	canon_object(canon);
	canon_key_cstr(canon, "name", "stella");
	canon_key_cstr(canon, "type", "application");
	canon_key_cstr(canon, "version", STELLA_VERSION);
	canon_object_end(canon);
	canon_array_end(canon);
	canon_object_end(canon);
	canon_object_end(canon);
}

/* RFC 9562, version 8: what the bits are made of is ours to say; they are of the content's SHA-256. */
static void write_serial(struct vex_writer *writer)
{
	const char *hex = writer->identity;
	char serial[64];

	snprintf(serial, sizeof(serial), "urn:uuid:%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12,
		 hex + 15, hex + 18);
	canon_key_cstr(&writer->canon, "serialNumber", serial);
}

static int write_document(struct vex_writer *writer)
{
	struct canon *canon = &writer->canon;
	int r;

	canon_object(canon);
	canon_key_cstr(canon, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
	canon_key_cstr(canon, "bomFormat", "CycloneDX");
	r = write_components(writer);
	if (r < 0)
		return r;
	write_metadata(writer);
	write_serial(writer);
	canon_key_cstr(canon, "specVersion", "1.6");
	canon_key_u64(canon, "version", 1);
	canon_key(canon, "vulnerabilities");
	canon_array(canon);
	for (size_t i = 0; r == 0 && i < writer->count; i++)
		r = write_vulnerability(writer, &writer->result->vulnerability_verdicts[writer->list[i]]);
	if (r < 0)
		return r;
	canon_array_end(canon);
	canon_object_end(canon);
	return canon->error;
}

int output_cyclonedx(const struct merge_result *result, const struct output_sink *sink, struct diag *diag)
{
	return vex_write(result, sink, diag, write_document);
}
