// SPDX-License-Identifier: Apache-2.0
/*
 * One call of a function of the map and one of each TLS function, on the live kernel, by each way that it has of hanging
 * probes on functions. The functions are this program's own, so that nothing else need be there: it runs on the
 * emulated kernels too. Needs root; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "probe/decode.h"
#include "source_world.h"

#define READ_BYTES 7
#define WRITTEN_BYTES 11

/* What a TLS library defines, as far as a probe on it can tell. */
int SSL_read(void *ssl, void *buffer, int size);
int SSL_write(void *ssl, const void *buffer, int size);
int watched_function(int number);

__attribute__((noinline)) int SSL_read(void *ssl, void *buffer, int size)
{
	__asm__ volatile("" ::"r"(ssl), "r"(buffer));
	return size;
}

__attribute__((noinline)) int SSL_write(void *ssl, const void *buffer, int size)
{
	__asm__ volatile("" ::"r"(ssl), "r"(buffer));
	return size;
}

__attribute__((noinline)) int watched_function(int number)
{
	__asm__ volatile("");
	return number + 1;
}

#define KEEPS_FRAME __attribute__((noinline, optimize("no-omit-frame-pointer")))

int the_caller(int number);
int above_the_caller(int number);

KEEPS_FRAME int the_caller(int number)
{
	int got = watched_function(number);

	__asm__ volatile("" : "+r"(got)); /* it comes back here */
	return got;
}

KEEPS_FRAME int above_the_caller(int number)
{
	int got = the_caller(number);

	__asm__ volatile("" : "+r"(got));
	return got;
}

static struct {
	struct decode_scratch scratch;
	uint32_t pid;
	unsigned int calls, malformed;
	uint64_t read, written;
	size_t callers; /* that were the right ones */
} seen;

/* In this program, in these two functions. */
static size_t callers_right(const struct event_function *function)
{
	static const char *const names[] = { "the_caller", "above_the_caller" };
	struct stat status;

	assert_int_equal(stat("/proc/self/exe", &status), 0);
	for (size_t i = 0; i < function->n_callers; i++) {
		const struct event_caller *caller = &function->callers[i];

		if (caller->inode != status.st_ino || !str_equal(caller->symbol, str_of(names[i])) ||
		    !str_equal(caller->library, function->library))
			fail_msg("caller %zu: inode %llu, %.*s in %.*s", i, (unsigned long long)caller->inode,
				 (int)caller->symbol.len, caller->symbol.data, (int)caller->library.len,
				 caller->library.data);
	}
	return function->n_callers;
}

static void take(void *taker, const void *data, size_t len)
{
	struct event event;

	(void)taker;
	if (decode_record(data, len, &seen.scratch, &event) != DECODE_OK) {
		seen.malformed++;
		return;
	}
	if (event.pid != seen.pid)
		return;
	if (event.kind == WIRE_KIND_FUNCTION_CALL &&
	    str_equal(event.function.symbol, str_of("watched_function"))) {
		seen.calls++;
		seen.callers += callers_right(&event.function);
	} else if (event.kind == WIRE_KIND_SSL_OP)
		*(event.ssl.write ? &seen.written : &seen.read) += event.ssl.bytes;
	else
		return;
	report_seen(&event);
}

/* Our own calls are nobody's, so a child makes them, of whom the source is to know when it opens. */
static pid_t child_new(int *ret_ask)
{
	int ask[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ask), 0);
	child = fork();
	if (child == 0) {
		close(ask[1]);
		if (read(ask[0], &byte, 1) != 1)
			_exit(1);
		_exit(above_the_caller(1) != 2 || SSL_read(NULL, &byte, READ_BYTES) != READ_BYTES ||
		      SSL_write(NULL, &byte, WRITTEN_BYTES) != WRITTEN_BYTES);
	}
	assert_true(child > 0);
	close(ask[0]);
	*ret_ask = ask[1];
	return child;
}

static void child_run(pid_t child, int ask)
{
	int status;

	assert_int_equal(write(ask, "", 1), 1);
	close(ask);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void drain_all(struct source *source)
{
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
}

/* What is folded comes when the chunk ends. */
static void end_chunk(struct source *source)
{
	struct moment since;
	uint16_t epoch;

	source_epoch(source, &epoch, &since);
	while (!source_epoch_passed(source))
		drain_all(source);
	(void)source_epoch_over(source);
	drain_all(source);
	assert_true(source_sweep(source, take, NULL) >= 0);
}

static struct source *open_source(unsigned int without)
{
	static const char text[] = "{\"version\":1,\"functions\":[{\"library\":\"test_source_targets\","
				   "\"symbols\":[\"watched_function\"]}]}";
	char map[] = "/tmp/stella-map-XXXXXX";
	struct source_options options = { .ring_bytes = 1u << 20,
					  .kinds = 1u << WIRE_KIND_FUNCTION_CALL | 1u << WIRE_KIND_SSL_OP,
					  .function_map = map,
					  .tls = true,
					  .one_shot = true,
					  .without = without };
	struct source *source = NULL;
	struct diag diag = { .text = "" };
	int fd = mkstemp(map);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	r = source_open(&options, &diag, &source);
	unlink(map);
	if (r < 0)
		fail_msg("source_open without %x: %s", without, diag.text);
	report_source(source, without == 0);
	return source;
}

static void one_call_of_each(void **state)
{
	struct source *source;
	pid_t child;
	int ask;

	if (!source_possible())
		skip();
	child = child_new(&ask);
	source = open_source((unsigned int)(uintptr_t)*state);
	memset(&seen, 0, sizeof(seen));
	seen.pid = (uint32_t)child;
	child_run(child, ask);
	if (!(source_features(source) & FEATURE_ATTACH_COOKIE)) {
		printf("# skip: this kernel has no cookies for probes (before 5.15)\n");
		source_close(source);
		skip();
	}
	drain_all(source);
	end_chunk(source);
	assert_int_equal(seen.malformed, 0);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.callers, source_features(source) & FEATURE_FIND_VMA ? 2 : 0);
	assert_int_equal(seen.read, READ_BYTES);
	assert_int_equal(seen.written, WRITTEN_BYTES);
	source_close(source);
}

/* Without cookies a probe cannot tell which function it is of: none is hung anywhere, and none is said to be. */
static void without_cookies_none_is_watched(void **state)
{
	const struct source_probe *probes;
	struct source *source;

	(void)state;
	if (!source_possible())
		skip();
	source = open_source(FEATURE_UPROBE_MULTI | FEATURE_ATTACH_COOKIE);
	assert_int_equal(source_probes(source, &probes), 0);
	source_close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(one_call_of_each, NULL),
		cmocka_unit_test_prestate(one_call_of_each, (void *)(uintptr_t)FEATURE_UPROBE_MULTI),
		cmocka_unit_test_prestate(one_call_of_each, (void *)(uintptr_t)FEATURE_DIRECT_READS),
		cmocka_unit_test_prestate(one_call_of_each,
					  (void *)(uintptr_t)(FEATURE_UPROBE_MULTI | FEATURE_FIND_VMA)),
		cmocka_unit_test(without_cookies_none_is_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
