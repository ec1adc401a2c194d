/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets on the live kernel: whole libraries attached and their first calls recorded, sizes of TLS operations summed
 * exactly, files that are rewritten, replaced, deleted or in another root. Needs root; skipped elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "caller.h"
#include "probe/decode.h"
#include "probe/source.h"

struct seen {
	struct decode_scratch scratch;
	char symbol[64]; /* whose calls are counted */
	uint32_t pid; /* whose; 0 = anybody's */
	unsigned int calls, malformed, any;
	char library[4096];
};

static struct seen seen;

static void take(void *taker, const void *data, size_t len)
{
	struct seen *in = taker;
	struct event event;

	if (decode_record(data, len, &in->scratch, &event) != DECODE_OK) {
		in->malformed++;
		return;
	}
	if (event.kind == WIRE_KIND_FUNCTION_CALL && (in->pid == 0 || event.pid == in->pid)) {
		in->any++;
		if (!str_equal(event.function.symbol, str_of(in->symbol)))
			return;
		in->calls++;
		snprintf(in->library, sizeof(in->library), "%.*s", (int)event.function.library.len,
			 event.function.library.data);
	}
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static const char *map_of(const char *text)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/map.json", folder);
	write_file(path, text);
	return path;
}

static struct source *open_source(struct source_options options)
{
	struct source *source = NULL;
	struct diag diag = { .text = "" };
	int r;

	options.ring_bytes = 8u << 20;
	r = source_open(&options, &diag, &source);
	if (r < 0)
		fail_msg("source_open: %s", diag.text);
	return source;
}

static void drain(struct source *source)
{
	int n;

	do {
		n = source_drain(source, 100000, take, &seen);
		assert_true(n >= 0);
	} while (n > 0);
}

static const struct source_target *target_named(struct source *source, enum wire_kind kind, const char *end)
{
	const struct source_target *targets;
	size_t count = source_targets(source, &targets);

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(targets[i].library), want = strlen(end);

		if (targets[i].kind == kind && len >= want && !strcmp(targets[i].library + len - want, end))
			return &targets[i];
	}
	return NULL;
}

/* Attaching waits for every processor several times: with more to run than processors, what is measured is the wait. */
static bool machine_is_busy(void)
{
	double load = 0;

	return getloadavg(&load, 1) == 1 && load > (double)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Another process, whose first calls into libcrypto these are; -1 = it could not. */
static pid_t digest_elsewhere(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execlp("openssl", "openssl", "dgst", "-sha256", "/dev/null", NULL);
		_exit(127);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return child;
}

static void whole_libraries_in_less_than_a_second(void **state)
{
	const struct source_target *crypto;
	struct source_target_counts counts;
	uint64_t began = clock_now().boot_ns, took;
	struct source *source = open_source((struct source_options) {
		.kinds = 1u << WIRE_KIND_FUNCTION_CALL,
		.function_map = map_of(
			"{\"version\":1,\"functions\":["
			"{\"library\":\"libcrypto.so.3\",\"symbols\":\"*\",\"purl\":\"pkg:deb/debian/"
			"openssl@3.0\"},{\"library\":\"libc.so.6\",\"symbols\":[\"getpwnam\",\"nosuch\"]}]}"),
		.one_shot = true,
	});

	(void)state;
	took = clock_now().boot_ns - began;
	source_target_counts(source, &counts);
	print_message("%llu functions attached in %.3f s\n", (unsigned long long)counts.functions_attached,
		      (double)took / 1e9);
	assert_true(counts.functions_attached > 2000);
	crypto = target_named(source, WIRE_KIND_FUNCTION_CALL, "/libcrypto.so.3");
	assert_non_null(crypto);
	assert_string_equal(crypto->purl, "pkg:deb/debian/openssl@3.0");
	assert_int_equal(target_named(source, WIRE_KIND_FUNCTION_CALL, "/libc.so.6")->missing_count, 1);
	assert_string_equal(target_named(source, WIRE_KIND_FUNCTION_CALL, "/libc.so.6")->missing[0], "nosuch");
	seen = (struct seen) { .symbol = "BIO_new_fp" };
	seen.pid = (uint32_t)digest_elsewhere();
	drain(source);
	assert_int_equal(seen.malformed, 0);
	assert_int_equal(seen.calls, 1);
	print_message("%u functions called\n", seen.any);
	assert_true(took < 1000000000ull * (machine_is_busy() ? 60 : 1));
	source_close(source);
}

/* ---- a library of our own ---- */

static uint64_t attached_now(struct source *source)
{
	struct source_target_counts counts;

	source_target_counts(source, &counts);
	return counts.functions_attached;
}

/* Drains until that many functions are attached; the clock ends a test that would hang. */
static void wait_for_attached(struct source *source, uint64_t wanted)
{
	uint64_t until = clock_now().boot_ns + 30000000000ull;

	do
		drain(source);
	while (attached_now(source) != wanted && clock_now().boot_ns < until && usleep(10000) == 0);
	assert_int_equal(attached_now(source), wanted);
}

static void next_epoch(struct source *source)
{
	struct moment since;
	uint16_t epoch;

	source_epoch(source, &epoch, &since);
	while (!source_epoch_passed(source))
		drain(source);
	assert_int_equal(source_epoch_over(source), 0);
}

static struct source *open_library(bool one_shot, unsigned int without)
{
	char map[256];

	snprintf(map, sizeof(map),
		 "{\"version\":1,\"functions\":[{\"library\":\"%s\",\"symbols\":[\"once\",\"never\"]}]}",
		 library);
	return open_source((struct source_options) { .kinds = 1u << WIRE_KIND_FUNCTION_CALL,
						     .function_map = map_of(map),
						     .one_shot = one_shot,
						     .without = without });
}

static void what_has_answered_is_off_until_the_next_chunk(void **state)
{
	struct caller caller;
	struct source *source;
	uint64_t with, without;

	library_make("");
	caller = caller_new();
	source = open_library(true, (unsigned int)(uintptr_t)*state);
	assert_int_equal(attached_now(source), 2);
	seen = (struct seen) { .symbol = "once", .pid = (uint32_t)caller.pid };
	with = caller_calls(&caller, 10000);
	wait_for_attached(source, 1);
	assert_int_equal(seen.calls, 1);
	without = caller_calls(&caller, 1000000);
	print_message("a call took %llu ns with the probe, %llu ns when it was off\n", (unsigned long long)with,
		      (unsigned long long)without);
	assert_true(without < 100); /* no trap is that cheap */
	next_epoch(source);
	assert_int_equal(attached_now(source), 2);
	(void)caller_calls(&caller, 1);
	drain(source);
	assert_int_equal(seen.calls, 2);
	caller_end(&caller);
	source_close(source);
}

static void a_file_that_is_rewritten_is_looked_into_anew(void **state)
{
	const struct source_target *targets;
	struct source *source;
	struct caller caller;

	(void)state;
	library_make("");
	source = open_library(false, 0);
	assert_int_equal(source_targets(source, &targets), 1);
	assert_int_equal(targets[0].to_boot_ns, 0);
	library_make("int moves(int x) { return x * 7 + 1; } int them(int x) { return x / 3; }");
	wait_for_attached(source, 2);
	assert_true(source_targets(source, &targets) >= 2);
	assert_true(targets[0].to_boot_ns >= targets[0].from_boot_ns);
	caller = caller_new();
	seen = (struct seen) { .symbol = "once", .pid = (uint32_t)caller.pid };
	(void)caller_calls(&caller, 3);
	drain(source);
	assert_int_equal(seen.calls, 3);
	assert_int_equal(seen.malformed, 0);
	caller_end(&caller);
	source_close(source);
}

/* One by one they cost seconds: a part is watched, and all the others are said to be missing. */
static void without_multi_uprobes_a_part_is_watched(void **state)
{
	const char *map =
		map_of("{\"version\":1,\"functions\":[{\"library\":\"libcrypto.so.3\",\"symbols\":\"*\"},"
		       "{\"library\":\"libz.so.1\",\"symbols\":[\"inflate\"]}]}");
	uint64_t began = clock_now().boot_ns;
	struct source *source = open_source((struct source_options) {
		.kinds = 1u << WIRE_KIND_FUNCTION_CALL, .function_map = map, .without = FEATURE_UPROBE_MULTI });
	const struct source_target *crypto = target_named(source, WIRE_KIND_FUNCTION_CALL, "/libcrypto.so.3");
	const struct source_target *z = target_named(source, WIRE_KIND_FUNCTION_CALL, "/libz.so.1.2.13");
	struct source_target_counts counts;

	(void)state;
	if (!crypto) {
		print_message("# skip: no libcrypto.so.3 where libraries lie\n");
		source_close(source);
		skip();
	}
	source_target_counts(source, &counts);
	assert_int_equal(attached_now(source), SOURCE_SINGLE_MAX);
	assert_int_equal(crypto->attached, SOURCE_SINGLE_MAX);
	assert_int_equal(crypto->n_missing_listed, SOURCE_MISSING_MAX);
	assert_true(crypto->missing_count > 1000);
	assert_true(counts.over_limit > 1000);
	if (z) {
		assert_int_equal(z->attached, 0);
		assert_string_equal(z->missing[0], "inflate");
	}
	source_close(source);
	print_message("%d functions on and off in %.3f s\n", SOURCE_SINGLE_MAX,
		      (double)(clock_now().boot_ns - began) / 1e9);
}

static const struct source_probe *probe_of(struct source *source, enum wire_kind kind)
{
	const struct source_probe *probes;
	size_t count = source_probes(source, &probes);

	for (size_t i = 0; i < count; i++) {
		if (probes[i].kind == kind)
			return &probes[i];
	}
	fail_msg("no probe of kind %d", (int)kind);
	return NULL;
}

/* The collector's own calls are counted and no records; where they are not counted, the probes are not alive. */
static void probes_on_functions_answer(void **state)
{
	struct source *source = open_source((struct source_options) {
		.function_map = map_of(
			"{\"version\":1,\"functions\":[{\"library\":\"none-such.so\",\"symbols\":\"*\"}]}"),
		.tls = true,
		.without = (unsigned int)(uintptr_t)*state });
	const struct source_probe *calls = probe_of(source, WIRE_KIND_FUNCTION_CALL);
	const struct source_probe *tls = probe_of(source, WIRE_KIND_SSL_OP);
	struct wire_cpu_counters counters;
	pid_t child;
	int status;

	seen = (struct seen) { .pid = (uint32_t)getpid() };
	for (int i = 0; i < 5; i++)
		source_refresh(source);
	drain(source);
	assert_int_equal(seen.any + seen.malformed, 0);
	assert_true(calls->alive && calls->answers && tls->alive && tls->answers);
	assert_int_equal(source_counters(source, &counters), 0);
	assert_true(counters.canaries[WIRE_KIND_FUNCTION_CALL - 1] >= 5);
	assert_true(counters.canaries[WIRE_KIND_SSL_OP - 1] >= 10);
	assert_int_equal(counters.records[WIRE_KIND_FUNCTION_CALL - 1], 0);
	child = fork();
	if (child == 0) { /* not the one whose calls are counted */
		source_refresh(source);
		source_refresh(source);
		_exit(calls->alive || tls->alive);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	source_close(source);
}

/* Where cgroup v2 is mounted nowhere: the last test, for what is taken away here does not come back. */
static void what_is_mapped_at_start_is_off_when_it_has_answered(void **state)
{
	const unsigned int kinds = 1u << WIRE_KIND_FUNCTION_CALL | 1u << WIRE_KIND_LIBRARY_LOAD;
	struct diag diag = { .text = "" };
	struct caller caller;
	struct source *source;
	char map[256];

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	(void)umount2("/sys/fs/cgroup", MNT_DETACH);
	library_make("");
	caller = caller_new();
	(void)caller_calls(&caller, 1);
	snprintf(map, sizeof(map),
		 "{\"version\":1,\"functions\":[{\"library\":\"%s\",\"symbols\":[\"once\",\"never\"]}]}",
		 basename(library));
	source = open_source(
		(struct source_options) { .kinds = kinds, .function_map = map_of(map), .one_shot = true });
	seen = (struct seen) { .symbol = "once", .pid = (uint32_t)caller.pid };
	if (source_snapshot(source, take, &seen, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(attached_now(source), 2);
	(void)caller_calls(&caller, 100);
	wait_for_attached(source, 1);
	assert_int_equal(seen.calls, 1);
	caller_end(&caller);
	source_close(source);
}

/* It uses libcrypto as others in its cgroup do, and would answer for them. */
static void own_calls_answer_for_nobody(void **state)
{
	struct caller caller;
	struct source *source;
	void *opened;

	library_make("");
	caller = caller_new();
	source = open_library(*state != NULL, 0);
	seen = (struct seen) { .symbol = "once" };
	opened = dlopen(library, RTLD_NOW);
	assert_non_null(opened);
	*(void **)&once = dlsym(opened, "once");
	assert_int_equal(once(1), 2);
	drain(source);
	assert_int_equal(seen.any, 0);
	(void)caller_calls(&caller, 1);
	drain(source);
	assert_int_equal(seen.calls, 1);
	dlclose(opened);
	caller_end(&caller);
	source_close(source);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(library, sizeof(library), "%s/lib%d.so", folder, (int)getpid()); /* no other run's */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_libraries_in_less_than_a_second),
		cmocka_unit_test_prestate(what_has_answered_is_off_until_the_next_chunk, NULL),
		cmocka_unit_test_prestate(what_has_answered_is_off_until_the_next_chunk,
					  (void *)(uintptr_t)FEATURE_UPROBE_MULTI),
		cmocka_unit_test(a_file_that_is_rewritten_is_looked_into_anew),
		cmocka_unit_test_prestate(probes_on_functions_answer, NULL),
		cmocka_unit_test_prestate(probes_on_functions_answer, (void *)(uintptr_t)FEATURE_UPROBE_MULTI),
		cmocka_unit_test(without_multi_uprobes_a_part_is_watched),
		cmocka_unit_test_prestate(own_calls_answer_for_nobody, &seen), /* one-shot */
		cmocka_unit_test_prestate(own_calls_answer_for_nobody, NULL),
		cmocka_unit_test(what_is_mapped_at_start_is_off_when_it_has_answered),
	};

	if (geteuid() != 0) {
		print_message("SKIP: needs root to load BPF programs\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, NULL);
}
