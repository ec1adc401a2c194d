/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VEX of hand-made verdicts: byte for byte tests/golden/merge/openvex.json and cyclonedx-vex.json, which validators of others
 * judge in tests/interop; and "not affected" only where every condition is met.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "merge/output_vex.h"

#define HEAD "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
#define IMAGE "sha256:2731251dc34951c0e50fcc643b4c5f74922dad1a5d98f302b504cf46cd5d9368"
#define IMPACT                                                                                               \
	"No call from an entry point leads to golang.org/x/text/language.Parse, and none was observed from " \
	"2024-05-01T10:00:00.000000000Z to 2024-05-01T12:00:00.000000000Z; function hits were covered "      \
	"without a gap; "                                                                                    \
	"chain head " HEAD "."

enum { TEXT, TZDATA, NAMELESS, N_PACKAGES };

struct world {
	struct merge_result result;
	struct vulnerability vulnerabilities[6];
	struct vulnerability_verdict verdicts[6];
	struct function_verdict functions[2];
	char *symbols[1], *aliases[2], *missing[2];
};

static void install(struct package_set *set, const struct package *package, uint32_t wanted)
{
	uint32_t index;

	assert_int_equal(package_set_add(set, package, &index), 0);
	assert_int_equal(index, wanted);
}

static void world_init(struct world *w)
{
	*w = (struct world) { .symbols = { (char *)"golang.org/x/text/language.Parse" },
			      .aliases = { (char *)"CVE-2021-38561", (char *)"GHSA-ppp9-7jff-5vj2" },
			      .missing = { (char *)"function hits of this package",
					   (char *)"the window from 10:00 to 11:00" } };
	assert_int_equal(package_set_new(&w->result.packages), 0);
	install(w->result.packages,
		&(struct package) { .purl = (char *)"pkg:golang/golang.org/x/text@v0.3.6",
				    .ref = (char *)"bom-17" },
		TEXT);
	install(w->result.packages,
		&(struct package) { .purl = (char *)"pkg:deb/debian/tzdata@2021a-0%2Bdeb9u3?arch=all" },
		TZDATA);
	install(w->result.packages,
		&(struct package) { .name = (char *)"caf\xc3\xa9 tool", .version = (char *)"1/2" }, NAMELESS);
	assert_int_equal(package_set_finish(w->result.packages), 0);

	w->vulnerabilities[0] =
		(struct vulnerability) { .id = (char *)"CVE-2020-0001",
					 .purl = (char *)"pkg:deb/debian/tzdata@2021a-0+deb9u3?arch=all",
					 .name = (char *)"tzdata",
					 .severity = (char *)"Important",
					 .description = (char *)"bent \x1b[31m text" };
	w->verdicts[0] = (struct vulnerability_verdict) { .vulnerability = 0,
							  .match = PACKAGE_ONE,
							  .package = TZDATA,
							  .status = VEX_AFFECTED,
							  .has_line = true,
							  .line = { .sequence = 3, .line = 17 },
							  .tier = TIER_OPENED };
	w->vulnerabilities[1] = (struct vulnerability) { .id = (char *)"GO-2021-0113",
							 .aliases = w->aliases,
							 .n_aliases = 2,
							 .purl = (char *)"pkg:golang/golang.org/x/text@v0.3.6",
							 .name = (char *)"golang.org/x/text",
							 .symbols = w->symbols,
							 .n_symbols = 1 };
	w->verdicts[1] = (struct vulnerability_verdict) { .vulnerability = 1,
							  .match = PACKAGE_ONE,
							  .package = TEXT,
							  .status = VEX_NOT_AFFECTED,
							  .impact = (char *)IMPACT };
	w->vulnerabilities[2] = (struct vulnerability) { .id = (char *)"GO-2022-1059",
							 .name = (char *)"caf\xc3\xa9 tool",
							 .version = (char *)"1/2" };
	w->verdicts[2] = (struct vulnerability_verdict) { .vulnerability = 2,
							  .match = PACKAGE_ONE,
							  .package = NAMELESS,
							  .status = VEX_UNDER_INVESTIGATION,
							  .missing = w->missing,
							  .n_missing = 2 };
	w->vulnerabilities[3] =
		(struct vulnerability) { .id = (char *)"GO-2022-1059", .purl = (char *)"no purl" };
	w->verdicts[3] = (struct vulnerability_verdict) { .vulnerability = 3,
							  .match = PACKAGE_NONE,
							  .status = VEX_UNDER_INVESTIGATION };
	w->functions[0] = (struct function_verdict) { .id = (char *)"n1",
						      .symbol = (char *)"golang.org/x/text/language.Parse",
						      .state = LATTICE_CU };
	w->functions[1] = (struct function_verdict) { .id = (char *)"n2", .state = LATTICE_CR };
	w->result.vulnerabilities = (struct vulnerability_list) { .list = w->vulnerabilities, .count = 4 };
	w->result.vulnerability_verdicts = w->verdicts;
	w->result.n_vulnerability_verdicts = 4;
	w->result.functions = w->functions;
	w->result.n_functions = 2;
	w->result.has_graph = true;
	w->result.chain_id = (char *)"6b1c0a2e";
	w->result.head_sequence = 4;
	memcpy(w->result.head_sha256, HEAD, sizeof(HEAD));
	w->result.from.wall_ns = 1714557600000000000;
	w->result.to.wall_ns = 1714564800000000000;
	w->result.complete = true;
}

static void world_done(struct world *w)
{
	package_set_free(w->result.packages);
}

static int gather(void *user, struct str piece)
{
	return buf_append_str(user, piece);
}

static void write_vex(const struct world *w,
		      int (*output)(const struct merge_result *result, const struct output_sink *sink,
				    struct diag *diag),
		      struct buf *out)
{
	struct output_sink sink = { gather, out };
	struct diag diag = { .text = "" };

	if (output(&w->result, &sink, &diag) != 0)
		fail_msg("%s", diag.text);
	assert_non_null(buf_cstr(out));
}

static void compare(const char *path, struct buf *got)
{
	_cleanup_(buf_done) struct buf golden = BUF_MAX(1 << 20);

	/* STELLA_GOLDEN=write after a change that is meant; look at what git says then. */
	if (getenv("STELLA_GOLDEN"))
		assert_int_equal(file_publish_at(AT_FDCWD, path, 0644, got->data, got->len, false, NULL), 0);
	assert_int_equal(file_read_at(AT_FDCWD, path, &golden, NULL), 0);
	assert_string_equal(got->data, buf_cstr(&golden));
}

static void bytes_are_those_of_the_golden_files(void **state)
{
	_cleanup_(world_done) struct world w;
	_cleanup_(buf_done) struct buf openvex = BUF_MAX(1 << 20), cyclonedx = BUF_MAX(1 << 20),
				       image = BUF_MAX(1 << 20);

	(void)state;
	world_init(&w);
	write_vex(&w, output_openvex, &openvex);
	compare("tests/golden/merge/openvex.json", &openvex);
	write_vex(&w, output_cyclonedx, &cyclonedx);
	compare("tests/golden/merge/cyclonedx-vex.json", &cyclonedx);
	w.result.image = (char *)IMAGE;
	write_vex(&w, output_openvex, &image);
	compare("tests/golden/merge/openvex-image.json", &image);
}

static void identity_is_of_the_content(void **state)
{
	_cleanup_(world_done) struct world w;
	_cleanup_(buf_done) struct buf one = BUF_MAX(1 << 20), again = BUF_MAX(1 << 20),
				       other = BUF_MAX(1 << 20);
	size_t id = strlen("{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"@id\":\"");

	(void)state;
	world_init(&w);
	write_vex(&w, output_openvex, &one);
	write_vex(&w, output_openvex, &again);
	assert_string_equal(one.data, again.data);
	w.verdicts[0].line.line++;
	write_vex(&w, output_openvex, &other);
	assert_memory_equal(one.data, other.data, id);
	assert_memory_not_equal(one.data + id, other.data + id,
				strlen("https://stella-ops.io/vex/sha256-") + 64);
}

static bool says(struct world *w, const char *status)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(1 << 20);
	char text[128];

	snprintf(text, sizeof(text), "\"status\":\"%s\"", status);
	write_vex(w, output_openvex, &out);
	return strstr(out.data, text) != NULL;
}

static void no_package(struct world *w)
{
	w->verdicts[1].match = PACKAGE_AMBIGUOUS;
}

static void no_graph(struct world *w)
{
	w->result.has_graph = false;
}

static void no_symbols(struct world *w)
{
	w->vulnerabilities[1].n_symbols = 0;
}

static void no_function(struct world *w)
{
	w->result.n_functions = 0;
}

static void only_unobserved(struct world *w)
{
	w->functions[0].state = LATTICE_RU;
}

static void only_static(struct world *w)
{
	w->functions[0].state = LATTICE_SU;
}

static void contested(struct world *w)
{
	w->functions[0].state = LATTICE_X;
}

static void elsewhere_reachable(struct world *w)
{
	w->functions[1].symbol = w->functions[0].symbol;
}

static void of_another_package(struct world *w)
{
	w->functions[0].purl = (char *)"pkg:golang/example.com/other@v1";
}

static void no_impact(struct world *w)
{
	w->verdicts[1].impact = NULL;
}

static void impact_without_head(struct world *w)
{
	w->verdicts[1].impact = (char *)"it was not seen";
}

static void no_head(struct world *w)
{
	w->result.head_sha256[0] = '\0';
}

static void not_affected_needs_every_condition(void **state)
{
	static void (*const bend[])(
		struct world * w) = { no_package,	  no_graph,    no_symbols,	    no_function,
				      only_unobserved,	  only_static, contested,	    elsewhere_reachable,
				      of_another_package, no_impact,   impact_without_head, no_head };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bend); i++) {
		_cleanup_(world_done) struct world w;

		world_init(&w);
		assert_true(says(&w, "not_affected"));
		bend[i](&w);
		if (says(&w, "not_affected"))
			fail_msg("condition %zu is not looked at", i);
	}
}

static void affected_needs_a_line_and_a_version(void **state)
{
	_cleanup_(world_done) struct world w;

	(void)state;
	world_init(&w);
	assert_true(says(&w, "affected"));
	w.vulnerabilities[0].undecided = true;
	assert_false(says(&w, "affected"));
	w.vulnerabilities[0].undecided = false;
	w.verdicts[0].has_line = false;
	assert_false(says(&w, "affected"));
	w.verdicts[0].has_line = true;
	w.verdicts[0].match = PACKAGE_NONE;
	assert_false(says(&w, "affected"));
}

/* Two findings of one package: what is worse is said, once. */
static void one_statement_for_one_package(void **state)
{
	_cleanup_(world_done) struct world w;
	_cleanup_(freep) size_t *list = NULL;
	size_t count;

	(void)state;
	world_init(&w);
	w.vulnerabilities[4] =
		(struct vulnerability) { .id = w.vulnerabilities[0].id, .name = (char *)"tzdata-again" };
	w.verdicts[4] = (struct vulnerability_verdict) {
		.vulnerability = 4, .match = PACKAGE_ONE, .package = TZDATA, .status = VEX_UNDER_INVESTIGATION
	};
	w.result.n_vulnerability_verdicts = 5;
	assert_int_equal(vex_select(&w.result, &list, &count), 0);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(list[i], i);
}

static int refuse(void *user, struct str piece)
{
	(void)user;
	(void)piece;
	return -ENOSPC;
}

static void failures_are_told(void **state)
{
	_cleanup_(world_done) struct world w;
	struct output_sink sink = { refuse, NULL };
	struct diag diag = { .text = "" };

	(void)state;
	world_init(&w);
	assert_int_equal(output_openvex(&w.result, &sink, &diag), -ENOSPC);
	assert_true(diag.text[0] != '\0');
	assert_int_equal(output_cyclonedx(&w.result, &sink, NULL), -ENOSPC);
	w.result.n_vulnerability_verdicts = 0;
	diag.text[0] = '\0';
	assert_int_equal(output_openvex(&w.result, &sink, &diag), -ENODATA);
	assert_non_null(strstr(diag.text, "--vulns"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_of_the_golden_files),
		cmocka_unit_test(identity_is_of_the_content),
		cmocka_unit_test(not_affected_needs_every_condition),
		cmocka_unit_test(affected_needs_a_line_and_a_version),
		cmocka_unit_test(one_statement_for_one_package),
		cmocka_unit_test(failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
