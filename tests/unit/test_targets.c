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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "probe/decode.h"
#include "probe/source.h"

static char folder[] = "/tmp/stella-targets-XXXXXX";

struct seen {
	struct decode_scratch scratch;
	char symbol[64]; /* whose calls are counted */
	uint32_t pid; /* whose; 0 = anybody's */
	unsigned int calls, malformed, any;
	uint64_t bytes[2], ops[2]; /* read, write: of sweeps and single records */
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
	struct source_target_counts counts;
	const struct source_target *crypto;
	uint64_t began = clock_now().boot_ns, took;
	struct source *source = open_source((struct source_options) {
		.kinds = 1u << WIRE_KIND_FUNCTION_CALL,
		.function_map = map_of(
			"{\"version\":1,\"functions\":["
			"{\"library\":\"libcrypto.so.3\",\"symbols\":\"*\",\"purl\":\"pkg:deb/debian/"
			"openssl@3.0\"},{\"library\":\"libc.so.6\",\"symbols\":[\"getpwnam\",\"nosuch\"]}]}"),
		.one_shot = true,
		.without = (unsigned int)(uintptr_t)*state,
	});

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
	if (!*state) /* one by one it takes the kernel longer */
		assert_true(took < 1000000000);
	source_close(source);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(whole_libraries_in_less_than_a_second, NULL),
	};

	if (geteuid() != 0) {
		print_message("SKIP: needs root to load BPF programs\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, NULL);
}
