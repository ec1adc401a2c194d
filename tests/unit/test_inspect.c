/* SPDX-License-Identifier: Apache-2.0 */

/* What inspect selects, and how it reads: from chunks made by hand, sealed, unsealed and still growing. */

#include "tests/unit/chain_maker.h"
#include "cli/inspect_chunks.h"
#include "cli/inspect_print.h"

#include "cli/verbs.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CHAIN "0123456789abcdef0123456789abcdef"
#define CONTAINER "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899"

#define LINE                                                                     \
	"{\"cgroup_id\":1,\"comm\":\"x\",\"container_id\":\"docker://" CONTAINER \
	"\",\"event\":{\"access\":\"read\","                                     \
	"\"path\":\"/usr/lib/a.so\",\"requested\":\"./"                          \
	"a.so\",\"type\":\"file_open\"},\"image_digest\":\"sha256:" CONTAINER    \
	"\",\"pid\":7,\"src\":\"sys_exit_openat\",\"tid\":8,\"ts_ns\":5000000000}"

static bool matches(const char *what)
{
	struct record_view view;
	struct match match;

	assert_int_equal(match_parse(what, NULL, &match), 0);
	assert_true(record_view(STR(LINE), &view));
	return match_record(&match, &view, 0);
}

static void test_what(void **state)
{
	static const char *const yes[] = {
		"pid:7",
		"7",
		"pid:8",
		"/usr/lib/a.so",
		"/usr/lib",
		"/usr/lib/",
		"/",
		"/usr/*.so",
		"/usr/lib/?.so",
		"./[a].so",
		"aabbcc",
		"docker://aabbcc",
		"docker://" CONTAINER,
		"sha256:aabbcc",
		"sha256:" CONTAINER,
	};
	static const char *const no[] = {
		"pid:70", "/usr/li", "/usr/lib/a.s",	"/usr/lib/a.so.1",
		"/*.c",	  "aabbcd",  "podman://aabbcc", "sha256:aabbcd",
	};
	static const char *const never[] = {
		"",	   "name:",   "image:",	       "pod:/x",  "pid:",	"pid:0",	"pid:-1",
		"pid:7x",  "chunk:0", "chunk:1000000", "usr/lib", "sha256:xyz", "lxc://aabbcc", "docker://",
		"pod:",	   "pod:a/",  "pod:a/b/c",     ".a",	  "-a",		"a b",		"a:b",
		"sha256:",
	};
	struct match match;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!matches(yes[i]))
			print_message("%s\n", yes[i]);
		assert_true(matches(yes[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(matches(no[i]));
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		struct diag diag = { 0 };

		if (match_parse(never[i], &diag, &match) == 0)
			print_message("%s\n", never[i]);
		assert_int_equal(match_parse(never[i], &diag, &match), -EINVAL);
		assert_int_equal(diag.code, EXIT_UNSOUND);
	}
}

/* ---- containers: what only the seal knows ---- */

#define BARE                                                                                      \
	"{\"cgroup_id\":1,\"comm\":\"x\",\"container_id\":\"docker://" CONTAINER "\",\"event\":{" \
	"\"path\":\"/a\",\"type\":\"file_open\"},\"pid\":7,\"src\":\"s\",\"tid\":8,\"ts_ns\":5000000000}"
#define OTHER_IMAGE "sha256:ffbbccddeeff00112233445566778899aabbccddeeff00112233445566778899"

static void set(char **field, const char *text)
{
	assert_int_equal(statement_set(field, text), 0);
}

/* Two lives of one container's id, as if its digits came again: only the first had begun at 5 s. */
static void say_containers(struct statement *s)
{
	s->containers = calloc(2, sizeof(*s->containers));
	assert_non_null(s->containers);
	s->n_containers = 2;
	for (size_t i = 0; i < 2; i++) {
		struct statement_container *row = &s->containers[i];

		row->cgroup_id = 10 + i;
		row->generation = i == 0 ? 5000000001 : 4000000000;
		set(&row->id, "docker://" CONTAINER);
		set(&row->image, i == 0 ? "busybox" : "docker.io/library/nginx:1.25");
		set(&row->image_digest, i == 0 ? OTHER_IMAGE : "sha256:" CONTAINER);
		set(&row->pod, i == 0 ? "late-1" : "web-1");
		set(&row->pod_namespace, "shop");
		row->names = calloc(1, sizeof(*row->names));
		assert_non_null(row->names);
		row->n_names = 1;
		set(&row->names[0], i == 0 ? "late" : "deadbeef-web");
	}
}

static bool matches_with(const struct container_table *table, const char *line, const char *what)
{
	struct record_view view;
	struct match match;

	if (match_parse(what, NULL, &match) != 0)
		fail_msg("%s", what);
	assert_true(record_view(str_of(line), &view));
	view.container = container_of(table, &view);
	return match_record(&match, &view, 0);
}

static void test_what_of_containers(void **state)
{
	static const char *const yes[] = {
		"deadbeef-web",	       "name:deadbeef-web",   "aabbcc",
		"docker://" CONTAINER, "sha256:" CONTAINER,   "sha256:aabbcc",
		"pod:web-1",	       "pod:shop/web-1",      "image:nginx",
		"image:nginx:1.25",    "image:library/nginx", "image:docker.io/library/nginx:1.25",
	};
	static const char *const no[] = {
		"late",
		"deadbeef",
		"web",
		"name:deadbeef-we",
		"pod:web",
		"pod:web-1x",
		"pod:sho/web-1",
		"pod:late-1",
		"image:busybox",
		"image:ngin",
		"image:nginx:1.2",
		"image:brary/nginx",
		"image:docker.io",
		"image:library",
		OTHER_IMAGE,
	};
	struct statement statement = { 0 };
	struct container_table table, none = { NULL, 0 };

	(void)state;
	say_containers(&statement);
	table = container_table_take(&statement);
	assert_int_equal(statement.n_containers, 0);
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!matches_with(&table, BARE, yes[i]))
			fail_msg("%s", yes[i]);
		assert_int_equal(matches_with(&none, BARE, yes[i]), i == 2 || i == 3);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		if (matches_with(&table, BARE, no[i]))
			fail_msg("%s", no[i]);
	}
	/* The record's own word stands, whatever the seal says. */
	set(&table.rows[0].image_digest, OTHER_IMAGE);
	assert_true(matches_with(&table, LINE, "sha256:aabbcc"));
	assert_false(matches_with(&table, LINE, OTHER_IMAGE));
	assert_true(matches_with(&table, BARE, OTHER_IMAGE));
	container_table_done(&table);
	statement_done(&statement);
}

/* As in the program: what `print` writes to stdout. */
static void printed_by(void (*print)(const struct found_record *), const struct found_record *record, char *out,
		       size_t size)
{
	_cleanup_(closep) int kept = dup(STDOUT_FILENO), file = memfd_create("row", MFD_CLOEXEC);
	ssize_t len;

	fflush(stdout);
	assert_true(kept >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
	print(record);
	fflush(stdout);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	len = pread(file, out, size - 1, 0);
	assert_true(len > 0);
	out[len] = '\0';
}

/* The chunk's records have no image; its seal has, or the draft while it is open. */
static void test_image_from_the_seal(void **state)
{
	(void)state;
	for (int open = 0; open <= 1; open++) {
		struct maker maker = maker_new(CHAIN);
		struct match match;
		struct found found;
		struct chunk_view view;
		char out[2048], *digest;

		maker_chunk_of(&maker, STR(BARE "\n" LINE "\n"), 2, say_containers, maker.key);
		if (open) {
			assert_int_equal(renameat(maker.dir, "chunk-000001.ndjson", maker.dir,
						  "chunk-000001.ndjson.open"),
					 0);
			assert_int_equal(renameat(maker.dir, "chunk-000001.sigstore.json", maker.dir,
						  "chunk-000001.json.open"),
					 0);
		}
		assert_int_equal(match_parse("sha256:" CONTAINER, NULL, &match), 0);
		assert_int_equal(found_init(&found, 10), 0);
		view = chunk_look(maker.dir, 1);
		assert_int_equal(view.sealed, !open);
		assert_int_equal(chunk_find(maker.dir, 1, &view, &match, NULL, &found), 0);
		assert_int_equal(found.listed, 2);
		printed_by(record_print_json, found_at(&found, 0), out, sizeof(out));
		digest = strstr(out, open ? ",\"image_digest\":\"sha256:" CONTAINER
					    "\",\"image_digest_from\":\"draft\",\"line\":1,"
					  : ",\"image_digest\":\"sha256:" CONTAINER
					    "\",\"image_digest_from\":\"seal\",\"line\":1,");
		if (!digest || !strstr(out, "\"record\":" BARE))
			fail_msg("%s", out);
		/* Its own is not said twice. */
		printed_by(record_print_json, found_at(&found, 1), out, sizeof(out));
		assert_null(strstr(out, "image_digest_from"));
		printed_by(record_print_row, found_at(&found, 0), out, sizeof(out));
		if (!strstr(out, ", in container deadbeef-web of docker.io/library/nginx:1.25\n"))
			fail_msg("%s", out);
		found_done(&found);
		chunk_view_done(&view);
		maker_remove(&maker);
	}
}

/* Who follows reads an open chunk only as far as its draft speaks of it, and notices when it says more. */
static void test_draft_says_more(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct buf seal;
	struct match match = { .want = WANT_ALL };
	struct found found;
	struct chunk_view view;

	(void)state;
	maker_chunk_of(&maker, STR(BARE "\n"), 1, say_containers, maker.key);
	seal = maker_get(&maker, "chunk-000001.sigstore.json");
	assert_int_equal(unlinkat(maker.dir, "chunk-000001.sigstore.json", 0), 0);
	assert_int_equal(unlinkat(maker.dir, "chunk-000001.ndjson", 0), 0);
	maker_put(&maker, "chunk-000001.json.open", buf_str(&seal));
	maker_put(&maker, "chunk-000001.ndjson.open", STR(BARE "\n" BARE "\n"));
	view = chunk_look(maker.dir, 1);
	assert_int_equal(view.told, sizeof(BARE));
	assert_int_equal(view.until, UINT64_MAX);
	view.until = view.told;
	assert_int_equal(found_init(&found, 10), 0);
	assert_int_equal(chunk_find(maker.dir, 1, &view, &match, NULL, &found), 0);
	assert_int_equal(found.lines, 1);
	found_done(&found);
	assert_false(chunk_said_more(maker.dir, 1, &view));
	maker_put(&maker, "chunk-000001.json.open", buf_str(&seal));
	assert_true(chunk_said_more(maker.dir, 1, &view));
	chunk_view_done(&view);
	view = chunk_look(maker.dir, 1);
	assert_false(chunk_said_more(maker.dir, 1, &view));
	maker_put(&maker, "chunk-000001.sigstore.json", buf_str(&seal));
	assert_true(chunk_said_more(maker.dir, 1, &view));
	chunk_view_done(&view);
	/* Neither: nothing is known, and nothing holds back. */
	assert_int_equal(unlinkat(maker.dir, "chunk-000001.json.open", 0), 0);
	assert_int_equal(unlinkat(maker.dir, "chunk-000001.sigstore.json", 0), 0);
	view = chunk_look(maker.dir, 1);
	assert_int_equal(view.told, UINT64_MAX);
	assert_int_equal(view.containers.count, 0);
	assert_false(chunk_said_more(maker.dir, 1, &view));
	chunk_view_done(&view);
	buf_done(&seal);
	maker_remove(&maker);
}

static void write_behind(const struct maker *maker, const char *name, struct str text)
{
	int fd = openat(maker->dir, name, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, text.data, text.len, NULL), 0);
	close(fd);
}

/* Of these lines, as a draft or as the seal; `known` false: nothing is known of containers yet. */
static void put_said(struct maker *maker, enum chunk_file file, struct str lines, bool known)
{
	struct statement statement = maker_statement(maker, lines, 1);
	char name[CHUNK_NAME_MAX], seal[CHUNK_NAME_MAX];
	struct buf text;

	if (known)
		say_containers(&statement);
	assert_int_equal(chunk_name(file, statement.sequence, name), 0);
	assert_int_equal(chunk_name(CHUNK_SEAL, statement.sequence, seal), 0);
	maker_seal(maker, statement.sequence, &statement, maker->key, &maker->key_id);
	text = maker_get(maker, seal);
	if (file != CHUNK_SEAL)
		assert_int_equal(unlinkat(maker->dir, seal, 0), 0);
	maker_put(maker, name, buf_str(&text));
	buf_done(&text);
	statement_done(&statement);
}

/* The next line of what inspect prints must hold this. */
static void expect_line(FILE *from, const char *text)
{
	char line[4096];

	assert_non_null(fgets(line, sizeof(line), from));
	if (!strstr(line, text))
		fail_msg("%s is not in %s", text, line);
}

static FILE *follow_in_child(const struct maker *maker, const char *what, pid_t *ret_child)
{
	const char *const argv[] = { "inspect",	 "--evidence", maker->path, "--follow",
				     "--output", "ndjson",     what,	    NULL };
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	*ret_child = fork();
	assert_true(*ret_child >= 0);
	if (*ret_child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(verb_inspect((int)ARRAY_LEN(argv) - 1, (char **)argv));
	}
	close(ends[1]);
	return fdopen(ends[0], "r");
}

/* A record is written before anybody knows its container's name: it is shown when the draft or the seal says. */
static void test_follow_waits_to_be_told(void **state)
{
	struct maker maker = maker_new(CHAIN);
	pid_t child;
	FILE *shown;

	(void)state;
	put_said(&maker, CHUNK_DRAFT, STR(""), false);
	maker_put(&maker, "chunk-000001.ndjson.open", STR(BARE "\n"));
	shown = follow_in_child(&maker, "deadbeef-web", &child);
	put_said(&maker, CHUNK_DRAFT, STR(BARE "\n"), true);
	expect_line(shown, "{\"chunk\":1,\"image_digest\":\"sha256:" CONTAINER
			   "\",\"image_digest_from\":\"draft\",\"line\":1,");
	/* Rotated: the next chunk is there before the seal, and before the draft tells of the last lines. */
	write_behind(&maker, "chunk-000001.ndjson.open", STR(BARE "\n"));
	maker_put(&maker, "chunk-000002.ndjson.open", STR(BARE "\n"));
	put_said(&maker, CHUNK_SEAL, STR(BARE "\n" BARE "\n"), true);
	assert_int_equal(renameat(maker.dir, "chunk-000001.ndjson.open", maker.dir, "chunk-000001.ndjson"), 0);
	expect_line(shown, "\"image_digest_from\":\"seal\",\"line\":2,");
	/* Without a draft nobody knows of this one; then one comes. */
	maker.sequence++;
	put_said(&maker, CHUNK_DRAFT, STR(BARE "\n"), true);
	write_behind(&maker, "chunk-000002.ndjson.open", STR(BARE "\n"));
	put_said(&maker, CHUNK_DRAFT, STR(BARE "\n" BARE "\n"), true);
	expect_line(shown, "{\"chunk\":2,");
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	fclose(shown);
	maker_remove(&maker);
}

/* What a person sees of a record; the row goes to stdout as in the program. */
static void printed(const char *event, const char *count, char *out, size_t size)
{
	struct found_record record = { .chunk = 1, .line = 1, .sealed = true };
	char line[2048];

	snprintf(line, sizeof(line),
		 "{\"comm\":\"x\",%s\"event\":%s,\"pid\":7,\"src\":\"s\",\"ts_ns\":5001000000}", count, event);
	record.text = line;
	record.len = strlen(line);
	printed_by(record_print_row, &record, out, size);
}

static void test_rows(void **state)
{
	static const struct {
		const char *event, *count, *row; /* how the row ends */
	} rows[] = {
		{ "{\"exit_status\":3,\"ppid\":1,\"started_ns\":1000000000,\"type\":\"process_exit\"}", "",
		  "process_exit   exit status 3 after 4.001 s\n" },
		{ "{\"ppid\":1,\"signal\":9,\"type\":\"process_exit\"}", "",
		  "process_exit   killed by signal 9\n" },
		{ "{\"at_start\":true,\"dev\":\"8:1\",\"inode\":1,\"path\":\"/"
		  "l.so\",\"type\":\"library_load\"}",
		  "", "library_load   /l.so, already so at start\n" },
		{ "{\"addr\":\"::1\",\"family\":\"ipv6\",\"op\":\"connect\",\"port\":443,\"result\":"
		  "\"ECONNREFUSED\",\"type\":\"net_connect\"}",
		  "\"count\":3,", "net_connect    connect to ::1 port 443: ECONNREFUSED, 3 times so far\n" },
		{ "{\"family\":\"unix\",\"op\":\"accept\",\"result\":0,\"type\":\"net_connect\"}", "",
		  "net_connect    accept from unix socket without a name\n" },
		{ "{\"addr\":\"/run/\\u001b[1m\",\"family\":\"unix\",\"op\":\"connect\",\"result\":0,\"type\":"
		  "\"net_connect\"}",
		  "", "net_connect    connect to unix /run/?[1m\n" },
		{ "{\"family\":\"other\",\"family_number\":40,\"op\":\"connect\",\"result\":0,\"type\":\"net_"
		  "connect\"}",
		  "", "net_connect    connect to family 40\n" },
		{ "{\"bytes\":77,\"library\":\"/libssl.so.3\",\"op\":\"write\",\"type\":\"ssl_op\"}",
		  "\"count\":2,", "ssl_op         write 77 bytes through /libssl.so.3, 2 times so far\n" },
		{ "{\"library\":\"/libz.so\",\"purl\":\"pkg:deb/"
		  "z\",\"symbol\":\"inflate\",\"type\":\"function_call\"}",
		  "", "function_call  inflate in /libz.so of pkg:deb/z\n" },
		{ "{\"callers\":[{\"dev\":\"8:1\",\"inode\":7,\"library\":\"/bin/"
		  "a\",\"offset\":9,\"symbol\":\"main\"},"
		  "{\"dev\":\"8:1\",\"inode\":7,\"offset\":9}],\"library\":\"/libz.so\",\"symbol\":\"inflate\","
		  "\"type\":\"function_call\"}",
		  "",
		  "function_call  inflate in /libz.so, called from main in /bin/a, from offset 9 in inode "
		  "7\n" },
		{ "{\"library\":\"/libz.so\",\"symbol\":\"inflate\",\"type\":\"function_call\"}", "",
		  "function_call  inflate in /libz.so\n" },
		{ "{\"at_start\":true,\"op\":\"create\",\"path\":\"/docker/1\",\"type\":\"cgroup\"}", "",
		  "cgroup         create /docker/1, already so at start\n" },
		{ "{\"argv\":[\"/usr/bin/sort\",\"-r\",\"a b\"],\"filename\":\"/usr/bin/sort\",\"ppid\":1,"
		  "\"type\":\"process_exec\"}",
		  "", "process_exec   /usr/bin/sort -r a b\n" },
		{ "{\"argv\":[\"/bin/sleep\",\"2\"],\"filename\":\"/bin/busybox\",\"ppid\":1,"
		  "\"type\":\"process_exec\"}",
		  "", "process_exec   /bin/busybox as /bin/sleep 2\n" },
		{ "{\"argv\":[\"\"],\"filename\":\"/bin/true\",\"ppid\":1,\"type\":\"process_exec\"}", "",
		  "process_exec   /bin/true\n" },
		{ "{\"argv\":[],\"filename\":\"/bin/true\",\"ppid\":1,\"type\":\"process_exec\"}", "",
		  "process_exec   /bin/true\n" },
		{ "{\"path\":\"/later\",\"type\":\"of_a_later_version\"}", "", "of_a_later_version  /later\n" },
	};
	char out[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].row);

		printed(rows[i].event, rows[i].count, out, sizeof(out));
		if (strlen(out) < len || strcmp(out + strlen(out) - len, rows[i].row) != 0)
			fail_msg("not \"%s\" but: %s", rows[i].row, out);
	}
}

static void test_filters(void **state)
{
	struct match match = { .want = WANT_ALL };
	struct record_view view;

	(void)state;
	assert_true(record_view(STR(LINE), &view));
	assert_int_equal(match_type("file_open", NULL, &match), 0);
	assert_true(match_record(&match, &view, 0));
	assert_int_equal(match_type("tcp_state", NULL, &match), 0);
	assert_false(match_record(&match, &view, 0));
	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		assert_int_equal(match_type(event_kind_name((enum wire_kind)kind), NULL, &match), 0);
	assert_int_equal(match_type("library_loads", NULL, &match), -EINVAL);
	assert_int_equal(match_type("", NULL, &match), -EINVAL);
	assert_int_equal(match_type("file_opens", NULL, &match), -EINVAL);
	match = (struct match) { .want = WANT_ALL };
	assert_int_equal(match_since("10s", 100 * MAKER_SECOND, NULL, &match), 0);
	assert_int_equal(match.since_wall_ns, 90 * MAKER_SECOND);
	assert_false(match_record(&match, &view, (int64_t)(84 * MAKER_SECOND)));
	assert_true(match_record(&match, &view, (int64_t)(85 * MAKER_SECOND)));
	assert_int_equal(match_since("1970-01-01T00:01:00Z", 0, NULL, &match), 0);
	assert_int_equal(match.since_wall_ns, 60 * MAKER_SECOND);
	assert_int_equal(match_since("1970-01-02", 0, NULL, &match), 0);
	assert_int_equal(match.since_wall_ns, 86400 * MAKER_SECOND);
	assert_int_equal(match_since("1970-02-30", 0, NULL, &match), -EINVAL);
	assert_int_equal(match_since("1970-01-2 ", 0, NULL, &match), -EINVAL);
	assert_int_equal(match_since("1970-1-2", 0, NULL, &match), -EINVAL);
	assert_int_equal(match_since("10", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("s", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("101s", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("99999999999999999999d", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("yesterday", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
}

static void test_newest_first_then_in_order(void **state)
{
	(void)state;
	for (int zstd = 0; zstd <= 1; zstd++) {
		struct maker maker = maker_new(CHAIN);
		struct match match = { .want = WANT_ALL };
		struct found found;

		maker.zstd = zstd;
		maker_chunk(&maker, 5, NULL);
		maker_chunk(&maker, 5, NULL);
		assert_int_equal(found_init(&found, 7), 0);
		for (uint64_t sequence = 2; sequence > 0; sequence--) {
			struct chunk_view view = chunk_look(maker.dir, sequence);

			assert_true(view.sealed);
			assert_int_equal(view.wall_minus_boot_ns, MAKER_WALL);
			assert_int_equal(chunk_find(maker.dir, sequence, &view, &match, NULL, &found), 0);
		}
		assert_int_equal(found.listed, 7);
		assert_true(found.full);
		for (size_t i = 0; i < 7; i++) {
			assert_int_equal(found_at(&found, i)->chunk, i < 2 ? 1 : 2);
			assert_int_equal(found_at(&found, i)->line, i < 2 ? i + 4 : i - 1);
		}
		found_done(&found);
		maker_remove(&maker);
	}
}

static void test_open_and_hostile(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct match match = { .want = WANT_ALL };
	struct chunk_view view;
	struct found found;
	uint64_t newest = 9;

	(void)state;
	assert_int_equal(chunk_newest(maker.dir, &newest), 0);
	assert_int_equal(newest, 0);
	maker_put(&maker, "chunk-000001.ndjson.open", STR(LINE "\nrubbish\n" LINE "\n{\"half\":"));
	assert_int_equal(symlinkat("chunk-000001.ndjson.open", maker.dir, "chunk-000002.ndjson.open"), 0);
	assert_int_equal(chunk_look(maker.dir, 2).file, CHUNK_FOREIGN);
	view = chunk_look(maker.dir, 1);
	assert_int_equal(view.file, CHUNK_OPEN);
	assert_false(view.sealed);
	assert_int_equal(found_init(&found, 10), 0);
	assert_int_equal(chunk_find(maker.dir, 1, &view, &match, NULL, &found), 0);
	assert_int_equal(found.listed, 2);
	assert_int_equal(found.lines, 3);
	assert_int_equal(found.unreadable, 1);
	assert_false(found.full);
	assert_int_equal(found_at(&found, 1)->line, 3);
	found_done(&found);
	/* A chunk under its final name without a seal is not sealed. */
	maker_put(&maker, "chunk-000003.ndjson", STR(LINE "\n"));
	assert_false(chunk_look(maker.dir, 3).sealed);
	maker_remove(&maker);
}

struct seen {
	uint64_t lines, last;
	size_t bytes;
};

static void count_line(void *user, uint64_t line, struct str text)
{
	struct seen *seen = user;

	seen->lines++;
	seen->last = line;
	seen->bytes += text.len;
}

static void test_growing(void **state)
{
	struct maker maker = maker_new(CHAIN);
	int writer = openat(maker.dir, "grow", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	int reader = openat(maker.dir, "grow", O_RDONLY | O_CLOEXEC);
	char *huge = malloc(RECORD_LINE_MAX + 1);
	struct line_tail tail;
	struct seen seen = { 0 };

	(void)state;
	assert_non_null(huge);
	memset(huge, 'x', RECORD_LINE_MAX + 1);
	line_tail_init(&tail, &reader);
	assert_int_equal(reader, -1);
	assert_int_equal(file_write_all(writer, "one\ntw", 6, NULL), 0);
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 1);
	assert_int_equal(file_write_all(writer, "o\n\nthree", 8, NULL), 0);
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 3);
	assert_int_equal(seen.bytes, 6);
	/* A line that no record can be is counted, not taken, and does not disturb the next. */
	assert_int_equal(file_write_all(writer, huge, RECORD_LINE_MAX + 1, NULL), 0);
	assert_int_equal(file_write_all(writer, "\nlast\n", 6, NULL), 0);
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 4);
	assert_int_equal(seen.last, 5);
	assert_int_equal(seen.bytes, 10);
	/* No further than it may, not even to the end of a line. */
	tail.until = tail.offset + 2;
	assert_int_equal(file_write_all(writer, "held\n", 5, NULL), 0);
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 4);
	tail.until = UINT64_MAX;
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 5);
	assert_int_equal(seen.bytes, 14);
	line_tail_done(&tail);
	close(writer);
	free(huge);
	maker_remove(&maker);
}

static void test_damaged_compressed(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct diag diag = { 0 };
	struct seen seen = { 0 };
	int fd;

	(void)state;
	maker_put(&maker, "x", STR("no zstd at all, but long enough to be looked at"));
	fd = openat(maker.dir, "x", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lines_read_zstd(fd, "x", &diag, count_line, &seen), -EBADMSG);
	assert_int_equal(diag.code, EXIT_UNSOUND);
	assert_int_equal(seen.lines, 0);
	close(fd);
	maker_remove(&maker);
}

/* Cut anywhere: what came out is taken, and it is not passed off as the whole. */
static void test_cut_compressed(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct seen whole = { 0 };
	off_t size;
	int fd;

	(void)state;
	maker.zstd = true;
	maker_chunk(&maker, 3000, NULL);
	fd = openat(maker.dir, "chunk-000001.ndjson.zst", O_RDWR | O_CLOEXEC);
	assert_int_equal(lines_read_zstd(fd, "x", NULL, count_line, &whole), 0);
	assert_int_equal(whole.lines, 3000);
	size = lseek(fd, 0, SEEK_END);
	for (int part = 0; part < 10; part++) {
		struct diag diag = { 0 };
		struct seen seen = { 0 };

		assert_int_equal(ftruncate(fd, part == 0 ? size - 1 : size * (10 - part) / 10), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(lines_read_zstd(fd, "x", &diag, count_line, &seen), -EBADMSG);
		assert_int_equal(diag.code, EXIT_UNSOUND);
		assert_true(seen.lines <= 3000);
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lines_read_zstd(fd, "x", NULL, count_line, &whole), -EBADMSG);
	close(fd);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what),
		cmocka_unit_test(test_what_of_containers),
		cmocka_unit_test(test_image_from_the_seal),
		cmocka_unit_test(test_draft_says_more),
		cmocka_unit_test(test_follow_waits_to_be_told),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_newest_first_then_in_order),
		cmocka_unit_test(test_open_and_hostile),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_damaged_compressed),
		cmocka_unit_test(test_cut_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
