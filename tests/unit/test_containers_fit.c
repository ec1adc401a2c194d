/* SPDX-License-Identifier: Apache-2.0 */

/* The tables of containers in a seal: whatever engines say, the seal can be written, and what is missing is counted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "format/canon.h"
#include "format/statement.h"

static void set(char **field, const char *text)
{
	assert_int_equal(statement_set(field, text), 0);
}

static struct statement empty(void)
{
	struct statement s = { .sequence = 1 };

	set(&s.chunk_name, "chunk-000001.ndjson");
	set(&s.chain_id, "00112233445566778899aabbccddeeff");
	set(&s.collector_name, "c");
	set(&s.collector_version, "0");
	set(&s.encoding, "identity");
	return s;
}

static struct statement_container *add_container(struct statement *s, uint64_t number)
{
	struct statement_container *row;
	char id[100];

	s->containers = realloc(s->containers, (s->n_containers + 1) * sizeof(*s->containers));
	assert_non_null(s->containers);
	row = &s->containers[s->n_containers++];
	*row = (struct statement_container) { .cgroup_id = number, .generation = number * 10 };
	snprintf(id, sizeof(id), "docker://%064llx", (unsigned long long)number);
	set(&row->id, id);
	return row;
}

static struct statement_container_coverage *add_covered(struct statement *s, uint64_t number)
{
	struct statement_container_coverage *row;
	char id[100];

	s->container_coverage =
		realloc(s->container_coverage, (s->n_container_coverage + 1) * sizeof(*s->container_coverage));
	assert_non_null(s->container_coverage);
	row = &s->container_coverage[s->n_container_coverage++];
	*row = (struct statement_container_coverage) { .cgroup_id = number,
						       .generation = number * 10,
						       .complete = true };
	snprintf(id, sizeof(id), "docker://%064llx", (unsigned long long)number);
	set(&row->id, id);
	return row;
}

static void add_label(struct statement_container *row, const char *key, const char *value)
{
	row->labels = realloc(row->labels, (row->n_labels + 1) * sizeof(*row->labels));
	assert_non_null(row->labels);
	row->labels[row->n_labels] = (struct statement_label) { NULL, NULL };
	set(&row->labels[row->n_labels].key, key);
	set(&row->labels[row->n_labels++].value, value);
}

static void add_name(struct statement_container *row, const char *name)
{
	row->names = realloc(row->names, (row->n_names + 1) * sizeof(*row->names));
	assert_non_null(row->names);
	row->names[row->n_names] = NULL;
	set(&row->names[row->n_names++], name);
}

/* Bytes of the statement's text, which must be one that a reader takes back. */
static size_t written(const struct statement *s)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement back = { 0 };
	struct diag diag = { 0 };
	size_t count, offset;

	assert_int_equal(statement_write(&text, s), 0);
	assert_int_equal(canon_scan_object(buf_str(&text), NULL, 0, &count, &offset), CANON_OK);
	if (statement_parse(buf_str(&text), &diag, &back) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(back.n_containers, s->n_containers);
	assert_int_equal(back.n_container_coverage, s->n_container_coverage);
	assert_int_equal(back.containers_more, s->containers_more);
	return text.len;
}

static void what_fits_stays_as_it_is(void **state)
{
	_cleanup_(statement_done) struct statement s = empty();
	struct statement_container *row;

	(void)state;
	assert_int_equal(statement_containers_fit(&s), 0);
	add_covered(&s, 1);
	row = add_container(&s, 1);
	set(&row->image, "nginx:1.25");
	add_name(row, "web");
	add_label(row, "b", "2");
	add_label(row, "a", "1");
	assert_int_equal(statement_containers_fit(&s), 0);
	assert_int_equal(s.n_containers + s.n_container_coverage, 2);
	assert_int_equal(s.containers_more + s.containers[0].labels_more, 0);
	assert_string_equal(s.containers[0].image, "nginx:1.25");
	assert_int_equal(s.containers[0].n_labels, 2);
	assert_string_equal(s.containers[0].labels[0].key, "a");
	assert_string_equal(s.containers[0].labels[1].value, "2");
	written(&s);
}

/* An engine may send anything; none of it may keep the seal from being written. */
static void hostile_text_becomes_unknown(void **state)
{
	_cleanup_(statement_done) struct statement s = empty();
	_cleanup_(freep) char *large = calloc(1, STATEMENT_STRING_MAX + 2);
	struct statement_container *row;

	(void)state;
	assert_non_null(large);
	memset(large, 'x', STATEMENT_STRING_MAX + 1);
	row = add_container(&s, 1);
	set(&row->image, "\xff");
	set(&row->image_digest, "sha256:no");
	set(&row->pod, "");
	set(&row->pod_uid, large);
	set(&row->outer, "\xc3");
	add_name(row, "\xfe");
	add_name(row, "good");
	add_name(row, large);
	add_label(row, "k", "\xff");
	add_label(row, "", "v");
	add_label(row, "\"", "v");
	add_label(row, "caf\xc3\xa9", "v");
	add_label(row, "k", large);
	add_label(row, "k", "v");
	add_label(row, "k", "w");
	row = add_container(&s, 2);
	set(&row->id, "\xff");
	row = add_container(&s, 3);
	row->conflict = true;
	set(&row->image_digest, "sha256:0011223344556677889900112233445566778899001122334455667788990011");
	set(&add_covered(&s, 2)->id, "");
	add_covered(&s, 4)->complete = false; /* and no word why */
	assert_int_equal(statement_containers_fit(&s), 0);
	assert_int_equal(s.n_containers, 2);
	assert_int_equal(s.n_container_coverage, 0);
	assert_int_equal(s.containers_more, 2);
	row = &s.containers[0];
	assert_true(!row->image && !row->image_digest && !row->pod && !row->pod_uid && !row->outer);
	assert_int_equal(row->n_names, 1);
	assert_string_equal(row->names[0], "good");
	assert_int_equal(row->n_labels, 1);
	assert_int_equal(row->labels_more, 6);
	assert_null(s.containers[1].image_digest);
	written(&s);
}

static void more_than_the_limits_is_counted(void **state)
{
	_cleanup_(statement_done) struct statement s = empty();
	struct statement_container *row = add_container(&s, 1);
	char text[32];

	(void)state;
	for (int i = 0; i < 2 * STATEMENT_LABELS_MAX; i++) {
		snprintf(text, sizeof(text), "label-%03d", 2 * STATEMENT_LABELS_MAX - i);
		add_label(row, text, "v");
		add_name(row, text);
	}
	assert_int_equal(statement_containers_fit(&s), 0);
	assert_int_equal(s.containers[0].n_labels, STATEMENT_LABELS_MAX);
	assert_int_equal(s.containers[0].labels_more, STATEMENT_LABELS_MAX);
	assert_string_equal(s.containers[0].labels[0].key, "label-001");
	assert_int_equal(s.containers[0].n_names, STATEMENT_NAMES_MAX);
	written(&s);
}

/* As many as can be, each with all it may have: the tables stay in their room, and the first in line are there. */
static void the_room_is_kept(void **state)
{
	_cleanup_(statement_done) struct statement none = empty(), s = empty();
	size_t bare = written(&none), len;

	(void)state;
	s.containers_more = 7; /* the tracker itself had no room for */
	for (uint64_t i = 1; i <= STATEMENT_CONTAINERS_MAX + 10; i++) {
		struct statement_container *row = add_container(&s, i);

		add_covered(&s, i);
		set(&row->image, "registry.example/team/image:1.2.3");
		add_name(row, "a-name");
		add_label(row, "team", "shop");
	}
	assert_int_equal(statement_containers_fit(&s), 0);
	len = written(&s);
	assert_true(len - bare <= STATEMENT_CONTAINERS_ROOM + 64);
	assert_true(len - bare > STATEMENT_CONTAINERS_ROOM * 9 / 10);
	assert_int_equal(s.containers[0].cgroup_id, 1);
	assert_int_equal(s.container_coverage[0].cgroup_id, 1);
	assert_true(s.n_containers > 1000 && s.n_container_coverage > 1000);
	/* One that lacks both rows is counted once. */
	assert_int_equal(
		s.containers_more,
		7 + STATEMENT_CONTAINERS_MAX + 10 -
			(s.n_containers < s.n_container_coverage ? s.n_containers : s.n_container_coverage));
	assert_int_equal(s.containers[s.n_containers - 1].labels_more, 1);
}

/* One container's labels do not push out another's row, nor does a row that is too large those behind it. */
static void rows_come_before_labels(void **state)
{
	_cleanup_(statement_done) struct statement s = empty();
	_cleanup_(freep) char *large = calloc(1, STATEMENT_STRING_MAX + 1);
	size_t labels = 0;
	char key[32];

	(void)state;
	assert_non_null(large);
	memset(large, '\x01', STATEMENT_STRING_MAX); /* six bytes each in the text */
	for (uint64_t i = 1; i <= 8; i++) {
		struct statement_container *row = add_container(&s, i);

		for (int k = 0; k < STATEMENT_LABELS_MAX; k++) {
			snprintf(key, sizeof(key), "k%d", k);
			add_label(row, key, large);
		}
	}
	for (size_t i = 2; i < 6; i++) {
		for (int k = 0; k < 10; k++)
			add_name(&s.containers[i], large);
	}
	assert_int_equal(statement_containers_fit(&s), 0);
	assert_int_equal(s.n_containers, 7);
	assert_int_equal(s.containers[4].cgroup_id, 5);
	assert_int_equal(s.containers[5].cgroup_id, 7);
	assert_int_equal(s.containers_more, 1);
	for (size_t i = 0; i < s.n_containers; i++) {
		assert_int_equal(s.containers[i].n_labels + s.containers[i].labels_more, STATEMENT_LABELS_MAX);
		labels += s.containers[i].n_labels;
	}
	assert_int_equal(labels, 1); /* names took nearly all */
	assert_true(written(&s) < STATEMENT_CONTAINERS_ROOM + 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_stays_as_it_is),
		cmocka_unit_test(hostile_text_becomes_unknown),
		cmocka_unit_test(more_than_the_limits_is_counted),
		cmocka_unit_test(the_room_is_kept),
		cmocka_unit_test(rows_come_before_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
