/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What people read and paste: the page of verify-chain says no more than its JSON, status no more than the collector,
 * and printed commands are words.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/status_containers.h"
#include "cli/verify_page.h"

/* What is printed of this JSON, into a file that stands in for stdout. */
static char *printed(void (*print)(const char *json), const char *json)
{
	static char page[65536];
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t len;

	assert_non_null(file);
	assert_true(saved >= 0);
	fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	print(json);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	rewind(file);
	len = fread(page, 1, sizeof(page) - 1, file);
	page[len] = '\0';
	fclose(file);
	return page;
}

static void print_page(const char *json)
{
	assert_int_equal(verify_page_print(json, "/e"), 0);
}

static char *page_of(const char *json)
{
	return printed(print_page, json);
}

static void print_status(const char *json)
{
	json_t *status = json_loads(json, 0, NULL);

	assert_non_null(status);
	status_containers(status);
	json_decref(status);
}

#define LOSS(effect_, count_) \
	"{\"cause\":\"c\",\"count\":" #count_ ",\"effect\":\"" effect_ "\",\"kind\":\"k\",\"layer\":\"l\"}"
#define REPORT(chunks_, losses_)                                                                         \
	"{\"chunks\":" #chunks_ ",\"complete\":true,\"losses\":[" losses_ "],\"records\":1,\"signers\":" \
	"[{\"chunks\":" #chunks_ ",\"key_id\":\"i\"}],\"sound\":true}"

static void test_completeness(void **state)
{
	(void)state;
	assert_non_null(strstr(page_of(REPORT(2, "")), "Complete: nothing was lost"));
	assert_non_null(strstr(page_of(REPORT(2, LOSS("member", 0))), "Complete: nothing was lost"));
	assert_null(strstr(page_of(REPORT(2, LOSS("member", 3) "," LOSS("member", 2))), "nothing was lost"));
	assert_non_null(strstr(page_of(REPORT(2, LOSS("member", 3) "," LOSS("member", 2))),
			       "no record was lost, and nothing interrupted the watch; 5 details"));
	assert_non_null(strstr(page_of(REPORT(2, LOSS("member", 1))), "1 detail of records\n  is missing"));
}

static void test_incidents(void **state)
{
	const char *page =
		page_of("{\"incidents\":[{\"at\":{\"boot_ns\":1,\"time\":\"T\"},\"detail\":\"it stepped\","
			"\"sequence\":3,\"what\":\"clock_step\"}],\"incidents_total\":3}");

	(void)state;
	assert_non_null(strstr(page, "What happened meanwhile:\n  - chunk 3, T, clock_step: it stepped\n"));
	assert_non_null(strstr(page, "2 more"));
	assert_null(strstr(page_of(REPORT(2, "")), "meanwhile"));
}

static void test_containers(void **state)
{
	const char *page =
		page_of("{\"containers\":[{\"complete\":true,\"from\":{\"boot_ns\":1,\"time\":\"2026-11-22T23:"
			"51:40.123456789Z\"},"
			"\"id\":\"docker://"
			"0123456789abcdef\",\"image_digest\":\"sha256:fedcba9876543210\",\"incomplete\":[],"
			"\"records\":12,\"to\":{\"time\":\"2026-11-22T23:52:40.000000000Z\"}},"
			"{\"complete\":false,\"id\":\"0123456789abcdef\",\"image_digest\":null,\"incomplete\":["
			"\"at_start\","
			"\"losses\"],\"records\":0}],\"containers_total\":4}");

	(void)state;
	assert_non_null(strstr(page, "  CONTAINER              IMAGE                RECORDS  FROM (UTC)"));
	assert_non_null(strstr(page,
			       "  docker://0123456789ab  sha256:fedcba987654       12  2026-11-22T23:51:40  "
			       "2026-11-22T23:52:40  yes\n"));
	assert_non_null(strstr(page, "  0123456789ab           not known                  0"));
	assert_non_null(strstr(page, "no: at_start, losses\n"));
	assert_non_null(strstr(page, "2 more entries of seals"));
	assert_null(strstr(page_of(REPORT(2, "")), "CONTAINER"));
}

#define SINCE "\"since\":{\"boot_ns\":5000000000,\"time\":\"2026-11-22T23:51:40.000000000Z\"}"

static void test_status_of_containers(void **state)
{
	const char *page = printed(print_status, "{\"containers\":[{\"decision\":\"keep\",\"id\":\"docker://"
						 "0123456789abcdef\",\"image\":\"nginx:1.25\","
						 "\"image_digest\":\"sha256:fedcba9876543210\",\"losses\":0,"
						 "\"name\":\"web\\u001b[1m\",\"records\":12,"
						 "\"since_boot_ns\":65000000000},{\"id\":\"0123456789abcdef\"}]"
						 ",\"containers_more\":3,\"engines\":["
						 "{\"answered\":3,\"asked\":4,\"connected\":true,\"engine\":"
						 "\"docker\",\"refused\":1,\"socket\":\"/run/d.sock\"},"
						 "{\"connected\":false,\"engine\":\"cri\",\"error\":\"no such "
						 "file\",\"socket\":\"/run/c.sock\"}]," SINCE "}");

	(void)state;
	assert_non_null(
		strstr(page, "\nCONTAINER              NAME     SINCE (UTC)          RECORDS  LOST  DECISION  "
			     "IMAGE\n"));
	assert_non_null(
		strstr(page, "\ndocker://0123456789ab  web?[1m  2026-11-22T23:52:40       12     0  keep      "
			     "nginx:1.25"));
	assert_non_null(strstr(page, "(sha256:fedcba987654)\n"));
	/* Unknown is not zero. */
	assert_non_null(strstr(
		page, "\n0123456789ab           -        -                          -     -  -         -\n"));
	assert_non_null(strstr(page, "\nand 3 more\n"));
	assert_non_null(strstr(page, "\nENGINE  ASKED  ANSWERED  REFUSED  SOCKET       STATE\n"));
	assert_non_null(strstr(page, "\ndocker      4         3        1  /run/d.sock  connected\n"));
	assert_non_null(
		strstr(page, "\ncri         -         -        -  /run/c.sock  not connected: no such file\n"));
}

static void test_status_without_containers(void **state)
{
	const char *page;

	(void)state;
	/* A collector that knows nothing of them says nothing; one that knows that there are none says so. */
	page = printed(print_status, "{" SINCE "}");
	assert_string_equal(page, "");
	page = printed(print_status, "{\"containers\":[],\"engines\":[]}");
	assert_non_null(strstr(page, "No container is known.\n"));
	assert_non_null(strstr(page, "No container engine is asked"));
	assert_null(strstr(page, "CONTAINER"));
}

static void test_singular(void **state)
{
	(void)state;
	assert_non_null(strstr(page_of(REPORT(1, "")), "1, 1 record\n"));
	assert_non_null(strstr(page_of(REPORT(1, "")), "key i, 1 chunk\n"));
	assert_non_null(strstr(page_of(REPORT(2, "")), "key i, 2 chunks\n"));
}

static const char *command_of(void (*add)(struct buf *, const char *), const char *text)
{
	static struct buf command;

	buf_done(&command);
	command = BUF_MAX(65536);
	add(&command, text);
	return buf_cstr(&command);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(command_of(command_word, "/a/b-c.d_1"), " /a/b-c.d_1");
	assert_string_equal(command_of(command_word, "/a b"), " '/a b'");
	assert_string_equal(command_of(command_word, "it's"), " 'it'\\''s'");
	assert_string_equal(command_of(command_word, "$(x);`y`"), " '$(x);`y`'");
	assert_string_equal(command_of(command_word, "~"), " '~'");
	assert_string_equal(command_of(command_word, ""), " ''");
	assert_string_equal(command_of(command_word, "-rf"), " ./-rf");
}

static void test_defaults_are_left_out(void **state)
{
	(void)state;
	setenv(TRUST_DIRECTORY_ENV, "/t r/", 1);
	setenv("STELLA_SOCKET", "/s", 1);
	assert_string_equal(command_of(command_trust, "/t r/a.pem"), "");
	assert_string_equal(command_of(command_trust, "/t r/a/b.pem"), " --trust '/t r/a'");
	assert_string_equal(command_of(command_trust, "/t rx/b.pem"), " --trust '/t rx'");
	assert_string_equal(command_of(command_trust, ""), "");
	assert_string_equal(command_of(command_socket, "/s"), "");
	assert_string_equal(command_of(command_socket, "/s2"), " --socket /s2");
	unsetenv(TRUST_DIRECTORY_ENV);
	unsetenv("STELLA_SOCKET");
	assert_string_equal(command_of(command_trust, TRUST_DIRECTORY_DEFAULT "/a.pem"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_completeness),
		cmocka_unit_test(test_incidents),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_singular),
		cmocka_unit_test(test_status_of_containers),
		cmocka_unit_test(test_status_without_containers),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_defaults_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
