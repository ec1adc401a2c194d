/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What must not be said: evidence in which something was used, or may have been, by roads that hide it. Each row was once a
 * `not_observed`, an RU or a CU.
 */

#include "merge_world.h"

#include "format/function_map.h"
#include "format/jsontext.h"
#include "merge/coverage.h"

/* ---- reasons without room ---- */

static bool has_lack(const struct coverage *coverage, unsigned int kinds, bool total)
{
	for (size_t i = 0; i < coverage->n_lacks; i++) {
		if ((coverage->lacks[i].kinds & kinds) == kinds && coverage->lacks[i].total == total)
			return true;
	}
	return false;
}

static void no_reason_is_forgotten(void **state)
{
	struct coverage coverage = { 0 };

	(void)state;
	assert_int_equal(coverage_init(&coverage), 0);
	for (int i = 0; i < 244; i++)
		assert_int_equal(coverage_lack(&coverage, OF_FUNCTION, false, "chunk %d", i), 0);
	assert_int_equal(coverage_lack(&coverage, OF_EXEC, true, "a filter"), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(coverage_lack(&coverage, OF_FUNCTION, false, "another %d", i), 0);
	assert_int_equal(coverage_lack(&coverage, OF_OPEN, false, "a loss of opens"), 0);
	assert_true(coverage.n_lacks <= COVERAGE_LACKS_MAX);
	assert_true(has_lack(&coverage, OF_OPEN, false));
	assert_true(has_lack(&coverage, OF_EXEC, true));
	for (int i = 0; i < 300; i++)
		assert_int_equal(coverage_lack(&coverage, OF_EXEC, true, "filter %d", i), 0);
	assert_int_equal(coverage_lack(&coverage, OF_LIBRARY, true, "the last"), 0);
	assert_true(coverage.n_lacks <= COVERAGE_LACKS_MAX);
	assert_true(has_lack(&coverage, OF_LIBRARY, true));
	coverage_done(&coverage);
}

/* ---- packages ---- */

static struct event twin_elsewhere(struct lines *lines)
{
	return opened(lines, "/mnt/usr/share/twin", 600);
}

static struct event below(struct lines *lines)
{
	return opened(lines, "/usr/lib/libunused.so.1/inner", 9);
}

static struct event python_library_at_start(struct lines *lines)
{
	struct event event = mapped(lines, "/usr/lib/libpython3.so", 700);

	event.source = WIRE_SOURCE_ITER_TASK_VMA;
	event.at_start = true;
	return event;
}

static struct event python_in_container(struct lines *lines)
{
	struct event event = executed(lines, "/usr/bin/python3.11", 500);

	event.source = WIRE_SOURCE_ITER_TASK;
	event.at_start = true;
	event.container_id = STR(CONTAINER);
	return event;
}

static struct package_set *packages_more(void)
{
	struct package_set *set = packages();
	uint32_t index, python;

	assert_int_equal(package_set_add(set,
					 &(struct package) { .purl = (char *)"pkg:deb/debian/libpython3@3" },
					 &python),
			 0);
	assert_int_equal(package_set_add_file(set, python, STR("/usr/lib/libpython3.so")), 0);
	assert_int_equal(package_set_add_inode(set, python, 8, 1, 700), 0);
	/* In its own world somebody's only file, in another one that of two. */
	assert_int_equal(package_set_add(set, &(struct package) { .purl = (char *)"pkg:pypi/left@1" }, &index),
			 0);
	assert_int_equal(package_set_add_file(set, index, STR("/usr/lib/libused.so.1")), 0);
	assert_int_equal(package_set_add(set, &(struct package) { .purl = (char *)"pkg:pypi/right@1" }, &index),
			 0);
	assert_int_equal(package_set_add_file(set, index, STR("/usr/lib/libused.so.1")), 0);
	assert_int_equal(package_set_finish(set), 0);
	return set;
}

static void used_by_another_road(void **state)
{
	static const struct {
		struct event (*make)(struct lines *lines);
		enum evidence_join join;
		const char *package;
		enum answer answer;
		const char *reason;
	} rows[] = {
		{ twin_elsewhere, JOIN_HOST, "twin-a", ANSWER_NOT_MEASURED, "shares with another" },
		{ twin_elsewhere, JOIN_HOST, "twin-b", ANSWER_NOT_MEASURED, "shares with another" },
		{ twin_elsewhere, JOIN_ROOT, "twin-b", ANSWER_NOT_MEASURED, "shares with another" },
		{ twin_elsewhere, JOIN_PATH, "left", ANSWER_NOT_MEASURED, "shares with another" },
		{ twin_elsewhere, JOIN_PATH, "right", ANSWER_NOT_MEASURED, "shares with another" },
		{ below, JOIN_PATH, "unused", ANSWER_NOT_MEASURED, "below a place of it" },
		{ python_library_at_start, JOIN_PATH, "module", ANSWER_NOT_OBSERVED_LOSSY,
		  "Python ran before" },
		{ python_in_container, JOIN_ROOT, "module", ANSWER_NOT_OBSERVED_LOSSY, "Python ran before" },
		{ python_in_container, JOIN_HOST, "module", ANSWER_NOT_OBSERVED_LOSSY, "Python ran before" },
		{ python_in_container, JOIN_PATH, "module", ANSWER_NOT_OBSERVED, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct outcome outcome;

		print_message("row %zu\n", i);
		first_chunk(&maker, NULL);
		one_event(&maker, rows[i].make);
		outcome = merge(&maker,
				(struct merge_inputs) { .join = rows[i].join, .packages = packages_more() });
		assert_int_equal(outcome.r, 0);
		assert_answer(&outcome, rows[i].package, rows[i].answer, rows[i].reason);
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

/* A container opens what has the host's name and another inode; not one inode fits, as on file systems that tell other devices. */
static void a_host_whose_inodes_do_not_fit(void **state)
{
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
	struct outcome outcome;

	(void)state;
	one_event(&maker, in_container);
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_HOST });
	assert_int_equal(outcome.r, 0);
	assert_answer(&outcome, "tool", ANSWER_NOT_OBSERVED_LOSSY, "what containers used of it");
	outcome_done(&outcome);
	maker_remove(&maker);
}

static void compiled_denied(struct statement *s)
{
	one_text(&s->path_denylist, &s->n_path_denylist, "**/__pycache__/**");
}

static void compiled_denied_by_ending(struct statement *s)
{
	one_text(&s->path_denylist, &s->n_path_denylist, "**/*.pyc");
}

static void sources_allowed(struct statement *s)
{
	one_text(&s->path_allowlist, &s->n_path_allowlist, "/usr/**/*.py");
}

static void merged_denied(struct statement *s)
{
	one_text(&s->path_denylist, &s->n_path_denylist, "/usr/lib/old.so");
}

static void some_containers_and_host(struct statement *s)
{
	one_text(&s->target_containers, &s->n_target_containers, "web");
	s->host_known = s->host = true;
}

static void filters_that_hide_by_another_name(void **state)
{
	static const struct {
		maker_lie lie;
		enum evidence_join join;
		const char *package;
		enum answer answer;
		const char *reason;
	} rows[] = {
		{ compiled_denied, JOIN_PATH, "module", ANSWER_NOT_MEASURED, "filters.path_denylist" },
		{ compiled_denied_by_ending, JOIN_PATH, "module", ANSWER_NOT_MEASURED,
		  "filters.path_denylist" },
		{ sources_allowed, JOIN_PATH, "module", ANSWER_NOT_MEASURED, "filters.path_allowlist" },
		{ merged_denied, JOIN_PATH, "old", ANSWER_NOT_MEASURED, "filters.path_denylist" },
		{ merged_denied, JOIN_PATH, "module", ANSWER_NOT_OBSERVED, NULL },
		{ some_containers_and_host, JOIN_PATH, "unused", ANSWER_NOT_OBSERVED, NULL },
		{ some_containers_and_host, JOIN_ROOT, "unused", ANSWER_NOT_MEASURED, "whose root this is" },
		{ some_containers_and_host, JOIN_HOST, "unused", ANSWER_NOT_OBSERVED_LOSSY,
		  "left out containers" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct package_set *set = packages();
		struct outcome outcome;
		uint32_t index;

		print_message("row %zu\n", i);
		assert_int_equal(package_set_add(set,
						 &(struct package) { .purl = (char *)"pkg:deb/debian/old@1" },
						 &index),
				 0);
		assert_int_equal(package_set_add_file(set, index, STR("/lib/old.so")), 0);
		assert_int_equal(package_set_finish(set), 0);
		first_chunk(&maker, rows[i].lie);
		outcome = merge(&maker, (struct merge_inputs) { .join = rows[i].join, .packages = set });
		assert_int_equal(outcome.r, 0);
		assert_answer(&outcome, rows[i].package, rows[i].answer, rows[i].reason);
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

/* ---- before --since ---- */

static void lost_programs(struct statement *s)
{
	a_loss(s);
	assert_int_equal(statement_set(&s->losses[0].kind, "process_exec"), 0);
}

static void restarted(struct statement *s)
{
	after_a_crash(s);
	s->gap = GAP_RESTART;
}

static void what_began_before_the_window(void **state)
{
	static const struct {
		maker_lie first, second;
		struct event (*make)(struct lines *lines);
		const char *package;
		enum answer answer;
		const char *reason;
	} rows[] = {
		{ NULL, NULL, python_at_start, "module", ANSWER_NOT_OBSERVED_LOSSY, "Python ran before" },
		{ ran_before, NULL, lower, "tool", ANSWER_NOT_OBSERVED_LOSSY, "running_before_start" },
		{ lost_programs, NULL, twin, "module", ANSWER_NOT_OBSERVED_LOSSY,
		  "something is missing before" },
		/* Whoever starts anew tells all that runs. */
		{ lost_programs, restarted, twin, "module", ANSWER_NOT_OBSERVED, NULL },
		{ denied, NULL, twin, "unused", ANSWER_NOT_MEASURED, "filters.path_denylist" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct lines lines;
		struct event event;
		struct outcome outcome;

		print_message("row %zu\n", i);
		one_event_of(&maker, rows[i].make, rows[i].first);
		first_chunk(&maker, rows[i].second);
		lines = lines_new(&maker);
		event = opened(&lines, "/nobody", 9);
		put(&lines, &event);
		chunk(&maker, &lines, NULL);
		outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH,
								.since_wall_ns = MAKER_WALL + maker.boot_ns -
										 MAKER_SECOND });
		assert_int_equal(outcome.r, 0);
		assert_answer(&outcome, rows[i].package, rows[i].answer, rows[i].reason);
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

/* ---- containers of an image ---- */

static const char *row_id, *row_image;
static bool row_config;

static void two_containers(struct statement *s)
{
	container_row(s, IMAGE, true);
	s->containers = reallocarray(s->containers, 2, sizeof(*s->containers));
	assert_non_null(s->containers);
	memset(&s->containers[1], 0, sizeof(s->containers[1]));
	s->n_containers = 2;
	assert_int_equal(statement_set(&s->containers[1].id, row_id), 0);
	assert_int_equal(statement_set(&s->containers[1].image_digest, row_image), 0);
	s->containers[1].image_is_config = row_config;
}

#define SECOND "docker://dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

/* The same image goes by two digests, and engines tell one of them. */
static void digests_of_two_kinds(void **state)
{
	(void)state;
	for (int config = 0; config < 2; config++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct lines lines = lines_new(&maker);
		struct event event = in_container(&lines);
		struct outcome outcome;

		row_id = SECOND;
		row_image = OTHER;
		row_config = config == 1;
		put(&lines, &event);
		chunk(&maker, &lines, two_containers);
		outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH, .image = IMAGE });
		assert_int_equal(outcome.r, 0);
		if (config)
			assert_answer(&outcome, "tool", ANSWER_NOT_OBSERVED_LOSSY, "another kind");
		else
			assert_answer(&outcome, "tool", ANSWER_NOT_OBSERVED, NULL);
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

/* The engine answers late: what the container used until then is in no scope, and must not be called unused. */
static void an_image_that_is_told_late(void **state)
{
	static const struct {
		const char *id; /* as the records have it */
		bool late;
		enum answer answer;
	} rows[] = {
		{ CONTAINER, true, ANSWER_NOT_OBSERVED_LOSSY },
		{ CONTAINER, false, ANSWER_OBSERVED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct lines lines = lines_new(&maker);
		struct event event = executed(&lines, "/usr/bin/tool", 300);
		struct outcome outcome;

		print_message("row %zu\n", i);
		event.container_id = str_of(rows[i].id);
		put(&lines, &event);
		chunk(&maker, &lines, rows[i].late ? of_nobody : of_image);
		lines = lines_new(&maker);
		event = in_container(&lines);
		put(&lines, &event);
		chunk(&maker, &lines, of_image);
		outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH, .image = IMAGE });
		assert_int_equal(outcome.r, 0);
		assert_answer(&outcome, "tool", rows[i].answer,
			      rows[i].late ? "from before its image was known" : NULL);
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

/* Not one of the files that the image's containers used is in the SBOM: it is of another image. */
static void places_of_another_image(void **state)
{
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
	struct lines lines = lines_new(&maker);
	struct event event = executed(&lines, "/opt/bin/tool", 300);
	struct outcome outcome;

	(void)state;
	event.container_id = STR(CONTAINER);
	put(&lines, &event);
	chunk(&maker, &lines, of_image);
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH, .image = IMAGE });
	assert_int_equal(outcome.r, 0);
	assert_answer(&outcome, "tool", ANSWER_NOT_MEASURED, "another image's");
	outcome_done(&outcome);
	maker_remove(&maker);
}

/* ---- functions ---- */

#define LIBRARY "/usr/lib/libused.so.1"
#define NODE(id, more)                                                                                  \
	"{\"id\":\"" id "\",\"name\":\"" id "\",\"attributes\":{\"library\":\"libused.so.1\",\"purl\":" \
	"\"pkg:deb/debian/used@1\"}" more "}"
#define EDGE(from, to, more) "{\"sourceId\":\"" from "\",\"targetId\":\"" to "\"" more "}"
#define NODES NODE("main", "") "," NODE("a", "") "," NODE("dead", "") "," NODE("vuln", "")
#define EDGES EDGE("main", "a", "") "," EDGE("dead", "vuln", "")

static struct callgraph *graph_of(const char *nodes, const char *edges)
{
	struct buf text = BUF_MAX(1u << 20);
	struct callgraph *graph = NULL;
	struct diag diag = { 0 };
	struct digest digest;
	char hex[DIGEST_TEXT_LEN + 1];
	const char *why;

	assert_int_equal(
		buf_printf(&text,
			   "{\"schema\":\"stella.callgraph.v1\",\"entrypoints\":[\"main\"],\"nodes\":[%s],"
			   "\"edges\":[%s]}",
			   nodes, edges),
		0);
	assert_int_equal(jsontext_canonical_digest(buf_str(&text), NULL, &digest, &why), 0);
	digest_hex(&digest, hex);
	text.len--;
	assert_int_equal(buf_printf(&text, ",\"graphHash\":\"%s\"}", hex), 0);
	if (callgraph_parse(buf_str(&text), "graph", &diag, &graph) < 0)
		fail_msg("%s", diag.text);
	buf_done(&text);
	return graph;
}

static struct event called(struct lines *lines, const char *symbol, const char *purl)
{
	struct event event = event_new(lines, WIRE_KIND_FUNCTION_CALL, WIRE_SOURCE_UPROBE_FUNCTION_ENTRY);

	event.function =
		(struct event_function) { .symbol = str_of(symbol), .library = STR(LIBRARY), .offset = 16 };
	if (purl)
		event.function.purl = str_of(purl);
	return event;
}

static const char *const *target_libraries;
static bool first_is_late;

static void targets(struct statement *s)
{
	size_t count = 0;

	while (target_libraries[count])
		count++;
	s->targets = calloc(count, sizeof(*s->targets));
	s->n_targets = count;
	for (size_t i = 0; i < count; i++) {
		struct statement_target *target = &s->targets[i];

		target->inode = 100 + i;
		target->dev_major = 8;
		target->dev_minor = 1;
		target->attached = 5;
		target->from_boot_ns = s->opened.boot_ns + (first_is_late && i == 0 ? MAKER_SECOND : 0);
		target->to_boot_ns = s->closed.boot_ns;
		assert_int_equal(statement_set(&target->kind, "function_call"), 0);
		assert_int_equal(statement_set(&target->library, target_libraries[i]), 0);
	}
}

static const struct function_verdict *function_of(const struct outcome *outcome, const char *id)
{
	for (size_t i = 0; i < outcome->result.n_functions; i++) {
		if (outcome->result.functions[i].id && strcmp(outcome->result.functions[i].id, id) == 0)
			return &outcome->result.functions[i];
	}
	fail_msg("no function %s", id);
	return NULL;
}

static void unreachable_is_not_confirmed(void **state)
{
	static const char map_text[] = "{\"version\":1,\"functions\":[{\"library\":\"libused.so.1\","
				       "\"symbols\":[\"a\",\"dead\",\"stray\","
				       "\"vuln\"]}]}";
	static const char *const one[] = { LIBRARY, NULL }, *const two[] = { "/opt/libused.so.1", LIBRARY,
									     NULL };
	static const struct {
		const char *call, *purl, *nodes, *edges;
		const char *const *libraries;
		bool late, no_packages, before;
		enum lattice state; /* of vuln */
		enum answer answer;
	} rows[] = {
		{ "a", NULL, NODES, EDGES, one, .state = LATTICE_CU, ANSWER_NOT_OBSERVED },
		/* It ran although the graph says that nothing leads to it; what is behind it may have run for the same reason. */
		{ "dead", NULL, NODES, EDGES, one, .state = LATTICE_RU, ANSWER_NOT_OBSERVED },
		/* Somebody saw this edge in use. */
		{ "a", NULL, NODES, EDGES "," EDGE("a", "vuln", ",\"kind\":\"runtime\""), one,
		  .state = LATTICE_RU, ANSWER_NOT_OBSERVED },
		/* One of the candidates is not in the graph, and may call anything. */
		{ "a", NULL, NODES,
		  EDGES ",{\"sourceId\":\"main\",\"isResolved\":false,\"candidates\":[\"a\",\"elsewhere\"]}",
		  one, .state = LATTICE_RU, ANSWER_NOT_OBSERVED },
		/* What ran makes a call that may lead anywhere, though the graph says that it does not run. */
		{ "dead", NULL, NODES "," NODE("other", ""),
		  EDGE("main", "a", "") ",{\"sourceId\":\"dead\",\"isResolved\":false}", one,
		  .state = LATTICE_RU, ANSWER_NOT_OBSERVED },
		/* The graph does not know all functions of the file. */
		{ "stray", NULL, NODES, EDGES, one, .state = LATTICE_RU, ANSWER_NOT_OBSERVED },
		/* Its own call, under a purl that is written in another way. */
		{ "vuln", "pkg:deb/debian/used@1?arch=amd64", NODES, EDGES, one, .no_packages = true,
		  .state = LATTICE_U, ANSWER_NOT_MEASURED },
		/* Of two files with the name one was not probed all the time. */
		{ "a", NULL, NODES, EDGES, two, .late = true, .state = LATTICE_SU, ANSWER_NOT_OBSERVED_LOSSY },
		{ "vuln", NULL, NODES, EDGES, one, .before = true, .state = LATTICE_U,
		  ANSWER_NOT_OBSERVED_LOSSY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct lines lines = lines_new(&maker);
		struct event event = called(&lines, rows[i].call, rows[i].purl);
		struct merge_inputs inputs = { .join = JOIN_PATH,
					       .graph = graph_of(rows[i].nodes, rows[i].edges) };
		struct function_map *map = NULL;
		struct outcome outcome;
		const struct function_verdict *verdict;

		print_message("row %zu\n", i);
		target_libraries = rows[i].libraries;
		first_is_late = rows[i].late;
		assert_int_equal(function_map_parse(str_of(map_text), NULL, &map), 0);
		inputs.map = map;
		if (rows[i].no_packages)
			assert_int_equal(package_set_new(&inputs.packages), 0);
		put(&lines, &event);
		chunk(&maker, &lines, targets);
		if (rows[i].before) {
			inputs.since_wall_ns = MAKER_WALL + maker.boot_ns + MAKER_SECOND;
			lines = lines_new(&maker);
			event = called(&lines, "a", NULL);
			event.boot_ns += 2 * MAKER_SECOND;
			put(&lines, &event);
			chunk(&maker, &lines, targets);
		}
		outcome = merge(&maker, inputs);
		if (outcome.r < 0)
			fail_msg("%s", outcome.diag.text);
		verdict = function_of(&outcome, "vuln");
		if (verdict->state != rows[i].state || verdict->answer != rows[i].answer)
			fail_msg("%s, %s: %s", lattice_name(verdict->state), answer_name(verdict->answer),
				 verdict->n_reasons ? verdict->reasons[0] : "");
		outcome_done(&outcome);
		function_map_free(map);
		maker_remove(&maker);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_reason_is_forgotten),
		cmocka_unit_test(used_by_another_road),
		cmocka_unit_test(a_host_whose_inodes_do_not_fit),
		cmocka_unit_test(filters_that_hide_by_another_name),
		cmocka_unit_test(what_began_before_the_window),
		cmocka_unit_test(digests_of_two_kinds),
		cmocka_unit_test(an_image_that_is_told_late),
		cmocka_unit_test(places_of_another_image),
		cmocka_unit_test(unreachable_is_not_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
