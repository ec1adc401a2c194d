/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenVEX v0.2.0 (github.com/openvex/spec). A statement for each vulnerability and package; the product is the image where one is
 * named, with the package as its subcomponent, else the package.
 */

#include <errno.h>

#include "base/cleanup.h"
#include "merge/output_vex_parts.h"

static void write_identifiers(struct canon *canon, struct str purl)
{
	canon_key(canon, "identifiers");
	canon_object(canon);
	canon_key_string(canon, "purl", purl);
	canon_object_end(canon);
}

static void write_package(struct canon *canon, struct str purl)
{
	canon_object(canon);
	canon_key_string(canon, "@id", purl);
	write_identifiers(canon, purl);
	canon_object_end(canon);
}

static void write_product(struct vex_writer *writer, struct str purl)
{
	struct canon *canon = &writer->canon;
	const char *image = writer->result->image;
	static const char prefix[] = "sha256:";

	canon_key(canon, "products");
	canon_array(canon);
	if (image && strncmp(image, prefix, sizeof(prefix) - 1) == 0) {
		canon_object(canon);
		vex_key_text(canon, "@id", image);
		canon_key(canon, "hashes");
		canon_object(canon);
		vex_key_text(canon, "sha-256", image + sizeof(prefix) - 1);
		canon_object_end(canon);
		canon_key(canon, "subcomponents");
		canon_array(canon);
		write_package(canon, purl);
		canon_array_end(canon);
		canon_object_end(canon);
	} else {
		write_package(canon, purl);
	}
	canon_array_end(canon);
}

static void write_vulnerability(struct canon *canon, const struct vulnerability *vulnerability)
{
	canon_key(canon, "vulnerability");
	canon_object(canon);
	if (vulnerability->n_aliases > 0) {
		canon_key(canon, "aliases");
		canon_array(canon);
		for (size_t i = 0; i < vulnerability->n_aliases; i++)
			vex_text(canon, str_of(vulnerability->aliases[i]));
		canon_array_end(canon);
	}
	if (vulnerability->description)
		vex_key_text(canon, "description", vulnerability->description);
	vex_key_text(canon, "name", vulnerability->id);
	canon_object_end(canon);
}

/* What a reader should do; the fixed version is the advisory's to know. */
static int write_action(struct canon *canon, const struct vulnerability *vulnerability, struct buf *text)
{
	int r;

	buf_clear(text);
	r = buf_printf(
		text,
		"Update the package to a version that %s does not affect, or keep the code from being used.",
		vulnerability->id);
	if (r == 0)
		vex_key_text(canon, "action_statement", buf_cstr(text));
	return r;
}

static int write_statement(struct vex_writer *writer, const struct vulnerability_verdict *verdict)
{
	static const char *const names[] = { [VEX_SAY_AFFECTED] = "affected",
					     [VEX_SAY_NOT_AFFECTED] = "not_affected",
					     [VEX_SAY_UNDER_INVESTIGATION] = "under_investigation" };
	const struct vulnerability *vulnerability =
		&writer->result->vulnerabilities.list[verdict->vulnerability];
	_cleanup_(buf_done) struct buf purl = BUF_MAX(8 * PACKAGE_TEXT_MAX), text = BUF_MAX(VEX_PIECE_MAX / 4);
	struct canon *canon = &writer->canon;
	const char *why;
	enum vex_status status = vex_judge(writer->result, verdict, &why);
	int r = vex_purl(writer->result, verdict, &purl);

	canon_object(canon);
	if (r == 0 && status == VEX_SAY_AFFECTED)
		r = write_action(canon, vulnerability, &text);
	if (status == VEX_SAY_NOT_AFFECTED) {
		vex_key_text(canon, "impact_statement", verdict->impact);
		canon_key_cstr(canon, "justification", "vulnerable_code_not_in_execute_path");
	}
	write_product(writer, buf_str(&purl));
	canon_key_cstr(canon, "status", names[status]);
	if (r == 0)
		r = vex_notes(writer->result, verdict, status, why, &text);
	if (r == 0)
		vex_key_text(canon, "status_notes", buf_cstr(&text));
	write_vulnerability(canon, vulnerability);
	canon_object_end(canon);
	return r < 0 ? r : vex_flush(writer);
}

static int write_document(struct vex_writer *writer)
{
	struct canon *canon = &writer->canon;
	char id[128], time[CLOCK_TEXT_MAX];
	int r = 0;

	snprintf(id, sizeof(id), "https://stella-ops.io/vex/sha256-%s", writer->identity);
	clock_format(writer->result->to.wall_ns, time);
	canon_object(canon);
	canon_key_cstr(canon, "@context", "https://openvex.dev/ns/v0.2.0");
	canon_key_cstr(canon, "@id", id);
	canon_key_cstr(canon, "author", "Stella Signals");
	canon_key(canon, "statements");
	canon_array(canon);
	for (size_t i = 0; r == 0 && i < writer->count; i++)
		r = write_statement(writer, &writer->result->vulnerability_verdicts[writer->list[i]]);
	if (r < 0)
		return r;
	canon_array_end(canon);
	canon_key_cstr(canon, "timestamp", time);
	canon_key_cstr(canon, "tooling", "stella signals merge " STELLA_VERSION);
	canon_key_u64(canon, "version", 1);
	canon_object_end(canon);
	return canon->error;
}

int output_openvex(const struct merge_result *result, const struct output_sink *sink, struct diag *diag)
{
	if (result->n_vulnerability_verdicts == 0)
		return diag_error(diag, -ENODATA,
				  "no OpenVEX document: no vulnerability concerns a package that is known, and "
				  "the format "
				  "needs one statement; give --vulns FILE, or another --output");
	return vex_write(result, sink, diag, write_document);
}
