/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both VEX formats are made of. Promises that nobody is told "not affected" without each condition being looked at here once
 * more, whatever the verdict says; refuses no verdict, but takes it back to "under investigation" and says why.
 */

#include "merge/output_vex.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "merge/output_vex_parts.h"
#include "packages/purl.h"

static const struct vulnerability *vulnerability_of(const struct merge_result *result,
						    const struct vulnerability_verdict *verdict)
{
	return &result->vulnerabilities.list[verdict->vulnerability];
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Each function that the advisory names has a verdict, each verdict on it is CU. */
static bool are_functions_unreachable(const struct merge_result *result,
				      const struct vulnerability_verdict *verdict)
{
	const struct vulnerability *vulnerability = vulnerability_of(result, verdict);
	_cleanup_(freep) bool *found = calloc(vulnerability->n_symbols, sizeof(*found));
	size_t n_found = 0, which;

	if (!found || vulnerability->n_symbols == 0)
		return false;
	for (size_t i = 0; i < result->n_functions; i++) {
		const struct function_verdict *function = &result->functions[i];
		const char *name = function->symbol ? function->symbol : function->id;

		if (!name || !vulnerability_has_symbol(vulnerability, name, &which))
			continue;
		/* Known to be another package's. */
		if (function->purl && vulnerability->purl &&
		    !is_same_text(function->purl, vulnerability->purl) &&
		    !is_same_text(function->purl, package_set_get(result->packages, verdict->package)->purl))
			continue;
		if (function->state != LATTICE_CU)
			return false;
		n_found += !found[which];
		found[which] = true;
	}
	return n_found == vulnerability->n_symbols;
}

enum vex_status vex_judge(const struct merge_result *result, const struct vulnerability_verdict *verdict,
			  const char **ret_why)
{
	*ret_why = "";
	if (verdict->status == VEX_UNDER_INVESTIGATION)
		return VEX_SAY_UNDER_INVESTIGATION;
	if (verdict->match != PACKAGE_ONE)
		*ret_why = "which package is meant";
	else if (verdict->status == VEX_AFFECTED && vulnerability_of(result, verdict)->undecided)
		*ret_why = "whether the installed version is affected";
	else if (verdict->status == VEX_AFFECTED && !verdict->has_line)
		*ret_why = "a line of the evidence";
	else if (verdict->status == VEX_AFFECTED)
		return VEX_SAY_AFFECTED;
	else if (!result->has_graph)
		*ret_why = "a static call graph";
	else if (vulnerability_of(result, verdict)->n_symbols == 0)
		*ret_why = "which functions are vulnerable";
	else if (!are_functions_unreachable(result, verdict))
		*ret_why = "that every vulnerable function is confirmed unreachable";
	else if (result->head_sha256[0] == '\0' || !verdict->impact ||
		 !strstr(verdict->impact, result->head_sha256))
		*ret_why = "an impact statement that names the head of the chain";
	else
		return VEX_SAY_NOT_AFFECTED;
	return VEX_SAY_UNDER_INVESTIGATION;
}

/* ---- the package ---- */

static int write_generic(struct buf *out, const char *name, const char *version)
{
	int r = buf_append_str(out, STR("pkg:generic/"));

	if (r == 0)
		r = purl_encode(out, str_of(name && name[0] ? name : "unknown"));
	if (r < 0 || !version || !version[0])
		return r;
	r = buf_append(out, "@", 1);
	return r < 0 ? r : purl_encode(out, str_of(version));
}

static int write_purl(struct buf *out, const char *text, const char *name, const char *version)
{
	_cleanup_(purl_done) struct purl purl = { .type = NULL };
	int r = text ? purl_parse(str_of(text), NULL, &purl) : -EINVAL;

	if (r == 0)
		return purl_write(out, &purl);
	return r == -EINVAL ? write_generic(out, name ? name : text, version) : r;
}

int vex_purl(const struct merge_result *result, const struct vulnerability_verdict *verdict, struct buf *out)
{
	const struct vulnerability *vulnerability = vulnerability_of(result, verdict);
	const struct package *package =
		verdict->match == PACKAGE_ONE ? package_set_get(result->packages, verdict->package) : NULL;

	buf_clear(out);
	if (package)
		return write_purl(out, package->purl, package->name, package->version);
	return write_purl(out, vulnerability->purl, vulnerability->name, vulnerability->version);
}

/* ---- words ---- */

static int note_line(const struct vulnerability_verdict *verdict, struct buf *out)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(&verdict->line.digest, hex);
	return buf_printf(out, "%s%s%s was observed (%s): chunk %llu, line %llu, record SHA-256 %s.",
			  verdict->function ? "The vulnerable function " : "The package",
			  verdict->function ? verdict->function : "",
			  verdict->function ? "" : " that is vulnerable", tier_name(verdict->tier),
			  (unsigned long long)verdict->line.sequence, (unsigned long long)verdict->line.line,
			  hex);
}

static int note_missing(const struct vulnerability_verdict *verdict, const char *why, struct buf *out)
{
	int r = buf_append_str(out, STR("Not known: "));

	for (size_t i = 0; r == 0 && i < verdict->n_missing; i++)
		r = buf_printf(out, "%s%s", i > 0 ? "; " : "", verdict->missing[i]);
	if (r == 0 && why[0])
		r = buf_printf(out, "%s%s", verdict->n_missing > 0 ? "; " : "", why);
	if (r == 0 && verdict->n_missing == 0 && !why[0])
		r = buf_append_str(out, STR("whether the vulnerable code runs"));
	return r < 0 ? r : buf_append(out, ".", 1);
}

int vex_notes(const struct merge_result *result, const struct vulnerability_verdict *verdict,
	      enum vex_status status, const char *why, struct buf *out)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	int r = 0;

	buf_clear(out);
	if (status == VEX_SAY_AFFECTED)
		r = note_line(verdict, out);
	else if (status == VEX_SAY_UNDER_INVESTIGATION)
		r = note_missing(verdict, why, out);
	if (r < 0)
		return r;
	clock_format(result->from.wall_ns, from);
	clock_format(result->to.wall_ns, to);
	return buf_printf(out, "%sEvidence from %s to %s, %s, chain head %llu %s.", out->len > 0 ? " " : "",
			  from, to, result->complete ? "complete" : "not complete",
			  (unsigned long long)result->head_sequence, result->head_sha256);
}

/* ---- one statement for one vulnerability and one package ---- */

struct choice {
	const struct merge_result *result;
	const struct vulnerability *vulnerability;
	size_t verdict;
	int strength; /* less is stronger */
};

static int compare_subjects(const struct choice *a, const struct choice *b)
{
	const struct vulnerability_verdict *x = &a->result->vulnerability_verdicts[a->verdict];
	const struct vulnerability_verdict *y = &b->result->vulnerability_verdicts[b->verdict];
	int r = strcmp(a->vulnerability->id, b->vulnerability->id);

	if (r == 0)
		r = (y->match == PACKAGE_ONE) - (x->match == PACKAGE_ONE);
	if (r || x->match != PACKAGE_ONE)
		return r ? r : (a->verdict > b->verdict) - (a->verdict < b->verdict);
	return (x->package > y->package) - (x->package < y->package);
}

static int compare_choices(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;
	int r = compare_subjects(x, y);

	if (r == 0)
		r = x->strength - y->strength;
	return r ? r : (x->verdict > y->verdict) - (x->verdict < y->verdict);
}

static int compare_numbers(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int vex_select(const struct merge_result *result, size_t **ret_list, size_t *ret_count)
{
	static const int strengths[] = {
		[VEX_SAY_AFFECTED] = 0, [VEX_SAY_UNDER_INVESTIGATION] = 1, [VEX_SAY_NOT_AFFECTED] = 2
	};
	size_t n = result->n_vulnerability_verdicts, kept = 0;
	_cleanup_(freep) struct choice *choices = calloc(n + 1, sizeof(*choices));
	size_t *list = calloc(n + 1, sizeof(*list));
	const char *why;

	if (!choices || !list) {
		free(list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		const struct vulnerability_verdict *verdict = &result->vulnerability_verdicts[i];

		choices[i] = (struct choice) { result, vulnerability_of(result, verdict), i,
					       strengths[vex_judge(result, verdict, &why)] };
	}
	qsort(choices, n, sizeof(*choices), compare_choices);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || compare_subjects(&choices[i - 1], &choices[i]) != 0)
			list[kept++] = choices[i].verdict;
	qsort(list, kept, sizeof(*list), compare_numbers);
	*ret_list = list;
	*ret_count = kept;
	return 0;
}

/* ---- writing ---- */

void vex_text(struct canon *canon, struct str text)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(VEX_PIECE_MAX);
	int r = text_printable_append(&shown, text);

	if (r < 0 && canon->error == 0)
		canon->error = r;
	canon_string(canon, shown.data ? buf_str(&shown) : STR(""));
}

void vex_key_text(struct canon *canon, const char *key, const char *text)
{
	canon_key(canon, key);
	vex_text(canon, str_of(text));
}

int vex_flush(struct vex_writer *writer)
{
	int r = writer->canon.error;

	if (r == 0 && writer->piece.len > 0)
		r = writer->sink.write(writer->sink.user, buf_str(&writer->piece));
	buf_clear(&writer->piece);
	return r;
}

static int write_once(struct vex_writer *writer, int (*write)(struct vex_writer *writer))
{
	int r;

	buf_clear(&writer->piece);
	writer->canon = CANON_INTO(&writer->piece);
	r = write(writer);
	if (r == 0)
		r = canon_done(&writer->canon);
	if (r == 0)
		r = buf_append(&writer->piece, "\n", 1);
	return r < 0 ? r : vex_flush(writer);
}

static int add_to_digest(void *user, struct str piece)
{
	return digest_stream_add(user, piece.data, piece.len);
}

int vex_write(const struct merge_result *result, const struct output_sink *sink, struct diag *diag,
	      int (*write)(struct vex_writer *writer))
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = NULL;
	_cleanup_(freep) size_t *list = NULL;
	struct vex_writer writer = { .result = result, .piece = BUF_MAX(VEX_PIECE_MAX) };
	struct digest digest;
	int r = vex_select(result, &list, &writer.count);

	if (r == 0)
		r = digest_stream_new(&stream);
	writer.list = list;
	writer.sink = (struct output_sink) { add_to_digest, stream };
	memset(writer.identity, '0', DIGEST_TEXT_LEN);
	if (r == 0)
		r = write_once(&writer, write);
	if (r == 0)
		r = digest_stream_value(stream, &digest);
	if (r == 0) {
		digest_hex(&digest, writer.identity);
		writer.sink = *sink;
		r = write_once(&writer, write);
	}
	buf_done(&writer.piece);
	return r < 0 ? diag_error(diag, r, "cannot write VEX: %s", strerror(-r)) : 0;
}
