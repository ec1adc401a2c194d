// SPDX-License-Identifier: Apache-2.0
/* The outbox over seals of a test's own, with a log that keeps its word, or contradicts itself. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>

#include "fake_rekor2.h"
#include "format/bundle.h"
#include "format/statement.h"
#include "transparency/outbox.h"

#define ORIGIN "rekor.example"
#define WAIT_MS 60000 /* what has not come by then does not come */
#define SHORT_MS 500 /* outbox_wait comes back earlier, when all that is left has failed */

struct world {
	char path[64], evidence[96], state[96], logs[2][96], log_key[96], local[96], local_key[96];
	struct key *key;
	struct public_key *public;
	struct trusted_root root;
	struct local_log *remote[2]; /* two trees of one log */
	struct fake_rekor rekor;
	struct outbox *outbox;
	struct diag diag;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const struct validity always = { 0, INT64_MAX };
	char path[] = "/tmp/stella-outbox-XXXXXX";

	if (!mkdtemp(path))
		return -1;
	strcpy(world->path, path);
	snprintf(world->evidence, sizeof(world->evidence), "%s/evidence", path);
	snprintf(world->state, sizeof(world->state), "%s/outbox", path);
	snprintf(world->log_key, sizeof(world->log_key), "%s/rekor.pem", path);
	snprintf(world->local, sizeof(world->local), "%s/local", path);
	snprintf(world->local_key, sizeof(world->local_key), "%s/local.pem", path);
	assert_int_equal(directory_make(world->evidence, 0700, NULL), 0);
	assert_int_equal(key_generate(NULL, &world->key), 0);
	assert_int_equal(key_public(world->key, NULL, &world->public), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(world->logs[i], sizeof(world->logs[i]), "%s/rekor%d", path, i);
		assert_int_equal(
			local_log_open(world->logs[i], world->log_key, ORIGIN, NULL, &world->remote[i]), 0);
	}
	assert_int_equal(
		trusted_root_add_log(&world->root, local_log_key(world->remote[0]), ORIGIN, NULL, always, NULL),
		0);
	fake_start(&world->rekor, world->remote[0]);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	char line[96];

	outbox_stop(world->outbox);
	fake_stop(&world->rekor);
	for (int i = 0; i < 2; i++)
		local_log_close(world->remote[i]);
	trusted_root_done(&world->root);
	public_key_free(world->public);
	key_free(world->key);
	snprintf(line, sizeof(line), "rm -rf %s", world->path);
	if (system(line) != 0)
		return -1;
	free(world);
	return 0;
}

/* ---- seals ---- */

static void seal_name(const struct world *world, uint64_t sequence, char out[256])
{
	char name[CHUNK_NAME_MAX];

	assert_int_equal(chunk_name(CHUNK_SEAL, sequence, name), 0);
	snprintf(out, 256, "%s/%s", world->evidence, name);
}

/* `chain` makes seals of the same number different. */
static void seal(struct world *world, const char *chain, uint64_t first, uint64_t last)
{
	for (uint64_t sequence = first; sequence <= last; sequence++) {
		_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
		_cleanup_(buf_done) struct buf pae = BUF_MAX(4096), text = BUF_MAX(BUNDLE_FILE_MAX);
		char path[256];

		assert_int_equal(buf_append_str(&bundle.payload_type, STR("application/vnd.in-toto+json")), 0);
		assert_int_equal(
			buf_printf(&bundle.payload, "{\"%s\":%llu}", chain, (unsigned long long)sequence), 0);
		assert_int_equal(dsse_pae(&pae, buf_str(&bundle.payload_type), buf_str(&bundle.payload)), 0);
		assert_int_equal(key_sign(world->key, pae.data, pae.len, &bundle.signature, NULL), 0);
		bundle.identity = BUNDLE_PUBLIC_KEY;
		bundle.key_id = *public_key_id(world->public);
		assert_int_equal(bundle_write(&text, &bundle), 0);
		seal_name(world, sequence, path);
		assert_int_equal(file_publish_at(AT_FDCWD, path, 0600, text.data, text.len, false, NULL), 0);
	}
}

/* The seal as it was before: what was signed is kept. */
static void take_proofs(const struct world *world, uint64_t sequence)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY, bare = BUNDLE_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX), out = BUF_MAX(BUNDLE_FILE_MAX);
	char path[256];

	seal_name(world, sequence, path);
	assert_int_equal(file_read_at(AT_FDCWD, path, &text, NULL), 0);
	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), 0);
	assert_int_equal(buf_append_str(&bare.payload, buf_str(&bundle.payload)), 0);
	assert_int_equal(buf_append_str(&bare.payload_type, buf_str(&bundle.payload_type)), 0);
	assert_int_equal(buf_append_str(&bare.signature, buf_str(&bundle.signature)), 0);
	bare.key_id = bundle.key_id;
	assert_int_equal(bundle_write(&out, &bare), 0);
	assert_int_equal(file_publish_at(AT_FDCWD, path, 0600, out.data, out.len, false, NULL), 0);
}

static size_t entries(const struct world *world, uint64_t sequence)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	char path[256];

	seal_name(world, sequence, path);
	assert_int_equal(file_read_at(AT_FDCWD, path, &text, NULL), 0);
	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), 0);
	return bundle.n_entries;
}

static void all_have(const struct world *world, uint64_t first, uint64_t last, size_t n)
{
	for (uint64_t sequence = first; sequence <= last; sequence++)
		assert_int_equal(entries(world, sequence), n);
}

/* ---- the outbox ---- */

static struct outbox_settings settings_of(struct world *world, bool local)
{
	struct outbox_settings settings = {
		.directory = world->evidence,
		.state = world->state,
		.sinks = { { OUTBOX_REKOR_V2, world->rekor.url }, { OUTBOX_LOCAL, NULL } },
		.n_sinks = local ? 2 : 1,
		.http = { .proxy = "", .timeout_ms = WAIT_MS },
		.root = &world->root,
		.public = world->public,
		.local_log = local ? world->local : NULL,
		.local_log_key = world->local_key,
		.local_log_origin = "local.example",
	};

	return settings;
}

static void open_outbox(struct world *world, bool local, uint64_t sealed)
{
	struct outbox_settings settings = settings_of(world, local);

	outbox_stop(TAKE(world->outbox));
	if (outbox_new(&settings, &world->diag, &world->outbox) < 0)
		fail_msg("%s", world->diag.text);
	outbox_sealed(world->outbox, sealed);
}

static struct outbox_sink_state state_of(struct world *world, size_t sink)
{
	struct outbox_sink_state states[OUTBOX_SINKS_MAX];

	assert_true(outbox_state(world->outbox, states) > sink);
	return states[sink];
}

static void finished(struct world *world)
{
	if (outbox_wait(world->outbox, WAIT_MS) < 0)
		fail_msg("%s", state_of(world, 0).error);
}

/* The only file of the outbox whose name ends so. */
static void outbox_file(const struct world *world, const char *end, char out[512])
{
	char line[600];
	FILE *found;

	snprintf(line, sizeof(line), "ls %s/*/*%s 2>/dev/null", world->state, end);
	found = popen(line, "r");
	if (!found || !fgets(out, 512, found))
		out[0] = 0;
	out[strcspn(out, "\n")] = 0;
	if (found)
		pclose(found);
}

/* ---- the tests ---- */

static void seals_get_their_proofs(void **state)
{
	struct world *world = *state;

	seal(world, "a", 1, 30);
	open_outbox(world, true, 30);
	finished(world);
	all_have(world, 1, 30, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(state_of(world, i).done, 30);
		assert_int_equal(state_of(world, i).submitted, 30);
		assert_int_equal(state_of(world, i).waiting, 0);
		assert_int_equal(state_of(world, i).refused, 0);
	}
	seal(world, "a", 31, 33);
	outbox_sealed(world->outbox, 33);
	finished(world);
	all_have(world, 31, 33, 2);
}

static void what_is_there_is_not_sent_again(void **state)
{
	struct world *world = *state;
	char cursor[512];

	seal(world, "a", 1, 10);
	open_outbox(world, false, 10);
	finished(world);
	open_outbox(world, false, 10);
	finished(world);
	assert_int_equal(state_of(world, 0).done, 10);
	assert_int_equal(world->rekor.posted, 10);
	/* Nor when the cursor is lost: the log is known by what it answers, and its answers are the same. */
	outbox_stop(TAKE(world->outbox));
	outbox_file(world, ".json", cursor);
	assert_int_equal(unlink(cursor), 0);
	open_outbox(world, false, 10);
	finished(world);
	all_have(world, 1, 10, 1);
	assert_int_equal(world->rekor.posted - world->rekor.conflicts, 10);
}

/* Killed between the log's answer and the seal's file. */
static void what_the_log_has_already_is_proved_from_its_tiles(void **state)
{
	struct world *world = *state;
	char line[160];

	seal(world, "a", 1, 5);
	open_outbox(world, false, 5);
	finished(world);
	outbox_stop(TAKE(world->outbox));
	for (uint64_t sequence = 1; sequence <= 5; sequence++)
		take_proofs(world, sequence);
	snprintf(line, sizeof(line), "rm -r %s", world->state);
	assert_int_equal(system(line), 0);
	open_outbox(world, false, 5);
	finished(world);
	all_have(world, 1, 5, 1);
	assert_int_equal(world->rekor.conflicts, 5);
}

/* A backup of the state was put back, and the seals are newer. */
static void a_log_that_was_set_back_signs_nothing(void **state)
{
	struct world *world = *state;
	char line[512];

	seal(world, "a", 1, 3);
	open_outbox(world, true, 3);
	finished(world);
	outbox_stop(TAKE(world->outbox));
	snprintf(line, sizeof(line), "cp -a %s/checkpoint %s.checkpoint", world->local, world->local);
	assert_int_equal(system(line), 0);
	seal(world, "a", 4, 6);
	open_outbox(world, true, 6);
	finished(world);
	outbox_stop(TAKE(world->outbox));
	snprintf(line, sizeof(line), "mv %s.checkpoint %s/checkpoint", world->local, world->local);
	assert_int_equal(system(line), 0);
	seal(world, "a", 7, 7);
	open_outbox(world, true, 7);
	assert_int_equal(outbox_wait(world->outbox, 1000), -EAGAIN);
	assert_non_null(strstr(state_of(world, 1).error, "was set back"));
	all_have(world, 7, 7, 1);
}

static void a_cursor_of_another_chain_is_not_believed(void **state)
{
	struct world *world = *state;

	seal(world, "a", 1, 10);
	open_outbox(world, false, 10);
	finished(world);
	outbox_stop(TAKE(world->outbox));
	seal(world, "b", 1, 10);
	open_outbox(world, false, 10);
	finished(world);
	all_have(world, 1, 10, 1);
	assert_int_equal(world->rekor.posted, 20);
}

static void a_damaged_cursor_is_not_believed(void **state)
{
	static const char *const damaged[] = { "",
					       "{}",
					       "{\"done\":10}",
					       "{\"done\":10,\"done\":10,\"trees\":[]}",
					       "{\"done\":-1,\"trees\":[]}",
					       "{\"done\":10,\"more\":1,\"trees\":[]}",
					       "\xff" };
	struct world *world = *state;
	char cursor[512];

	seal(world, "a", 1, 3);
	open_outbox(world, false, 3);
	finished(world);
	outbox_stop(TAKE(world->outbox));
	outbox_file(world, ".json", cursor);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		seal(world, "b", 1, 3);
		assert_int_equal(
			file_publish_at(AT_FDCWD, cursor, 0600, damaged[i], strlen(damaged[i]), false, NULL),
			0);
		open_outbox(world, false, 3);
		finished(world);
		outbox_stop(TAKE(world->outbox));
		all_have(world, 1, 3, 1);
	}
}

static void seals_that_are_gone_hold_up_nobody(void **state)
{
	struct world *world = *state;
	char path[256];

	seal(world, "a", 1, 5);
	seal_name(world, 2, path);
	assert_int_equal(unlink(path), 0);
	open_outbox(world, true, 5);
	finished(world);
	assert_int_equal(state_of(world, 0).done, 5);
	assert_int_equal(world->rekor.posted, 4);
}

static void a_broken_seal_holds_up_no_other(void **state)
{
	struct world *world = *state;
	char path[256];

	seal(world, "a", 1, 5);
	seal_name(world, 2, path);
	assert_int_equal(file_publish_at(AT_FDCWD, path, 0600, "{}", 2, false, NULL), 0);
	open_outbox(world, true, 5);
	/* Each failure is a pause; the others are through when it is tried at once. */
	while (state_of(world, 0).waiting > 1 || state_of(world, 1).waiting > 1)
		(void)outbox_wait(world->outbox, SHORT_MS);
	all_have(world, 3, 5, 2);
	assert_int_equal(state_of(world, 0).done, 1);
	assert_non_null(strstr(state_of(world, 0).error, "seal 2"));
	assert_int_equal(state_of(world, 0).refused, 0);
	seal(world, "a", 2, 2);
	finished(world);
	assert_int_equal(state_of(world, 0).done, 5);
}

static void a_log_that_is_ill_is_tried_again(void **state)
{
	struct world *world = *state;

	world->rekor.status = 503;
	seal(world, "a", 1, 4);
	open_outbox(world, true, 4);
	assert_int_equal(outbox_wait(world->outbox, WAIT_MS), -EAGAIN);
	assert_int_equal(state_of(world, 0).waiting, 4);
	assert_true(state_of(world, 0).failures > 0);
	assert_true(state_of(world, 0).retry_in_ms > 0);
	assert_non_null(strstr(state_of(world, 0).error, "HTTP status 503: not now"));
	assert_int_equal(state_of(world, 1).done, 4);
	all_have(world, 1, 4, 1);
	world->rekor.status = 0;
	finished(world);
	all_have(world, 1, 4, 2);
	assert_string_equal(state_of(world, 0).error, "");
}

/* The same log, the same key, another tree. */
static void a_split_view_is_refused(void **state)
{
	struct world *world = *state;
	_cleanup_(buf_done) struct buf kept = BUF_MAX(4 * NOTE_MAX);
	char path[512];

	seal(world, "a", 1, 3);
	open_outbox(world, false, 3);
	finished(world);
	assert_false(state_of(world, 0).split_view);
	world->rekor.log = world->remote[1];
	seal(world, "a", 4, 12);
	outbox_sealed(world->outbox, 12);
	while (!state_of(world, 0).split_view)
		(void)outbox_wait(world->outbox, SHORT_MS);
	/* Whatever that tree grows to. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(outbox_wait(world->outbox, WAIT_MS), -EAGAIN);
	assert_int_equal(state_of(world, 0).done, 3);
	assert_true(state_of(world, 0).refused > 0);
	assert_non_null(strstr(state_of(world, 0).error, "split view"));
	all_have(world, 4, 12, 0);
	outbox_file(world, ".split", path);
	assert_int_equal(file_read_at(AT_FDCWD, path, &kept, NULL), 0);
	assert_non_null(strstr(strstr(buf_cstr(&kept), ORIGIN "\n") + 1, ORIGIN "\n"));
	/* It is remembered beyond a restart. */
	open_outbox(world, false, 12);
	assert_int_equal(outbox_wait(world->outbox, WAIT_MS), -EAGAIN);
	all_have(world, 4, 12, 0);
	/* And when the log shows the tree that it began with, it is heard again. */
	world->rekor.log = world->remote[0];
	finished(world);
	all_have(world, 4, 12, 1);
}

static void a_log_that_is_not_trusted_is_refused(void **state)
{
	struct world *world = *state;
	struct trusted_root none = { .n_logs = 0 };
	struct outbox_settings settings = settings_of(world, false);

	settings.root = &none;
	seal(world, "a", 1, 1);
	assert_int_equal(outbox_new(&settings, &world->diag, &world->outbox), 0);
	outbox_sealed(world->outbox, 1);
	assert_int_equal(outbox_wait(world->outbox, WAIT_MS), -EAGAIN);
	assert_true(state_of(world, 0).refused > 0);
	assert_non_null(strstr(state_of(world, 0).error, "trusted root"));
	assert_int_equal(entries(world, 1), 0);
}

static void seals_of_an_earlier_key_are_logged_when_it_is_known(void **state)
{
	struct world *world = *state;
	_cleanup_(public_key_freep) struct public_key *earlier = NULL;
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX);
	struct outbox_settings settings;
	char trust[96], path[128];

	seal(world, "a", 1, 2);
	key_free(TAKE(world->key));
	earlier = TAKE(world->public);
	assert_int_equal(key_generate(NULL, &world->key), 0);
	assert_int_equal(key_public(world->key, NULL, &world->public), 0);
	seal(world, "a", 3, 4);
	settings = settings_of(world, true);
	snprintf(trust, sizeof(trust), "%s/trust", world->path);
	settings.trust = trust;
	assert_int_equal(directory_make(trust, 0700, NULL), 0);
	assert_int_equal(outbox_new(&settings, &world->diag, &world->outbox), 0);
	outbox_sealed(world->outbox, 4);
	while (state_of(world, 0).waiting > 2 || state_of(world, 1).waiting > 2)
		(void)outbox_wait(world->outbox, SHORT_MS);
	all_have(world, 3, 4, 2);
	assert_non_null(strstr(state_of(world, 0).error, "whose public half is not known"));
	assert_int_equal(public_key_pem(earlier, &pem, NULL), 0);
	snprintf(path, sizeof(path), "%s/old.pem", trust);
	assert_int_equal(file_publish_at(AT_FDCWD, path, 0644, pem.data, pem.len, false, NULL), 0);
	finished(world);
	all_have(world, 1, 4, 2);
}

/* A seal whose certificate ended long ago; what it signs is the statement number 1. */
static void seal_with_ended_certificate(struct world *world)
{
	_cleanup_(bundle_done) struct bundle golden = BUNDLE_EMPTY, bundle = BUNDLE_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX), out = BUF_MAX(BUNDLE_FILE_MAX);
	char path[256];

	assert_int_equal(file_read_at(AT_FDCWD, "tests/golden/sigstore/cosign-spiffe-v1.json", &text, NULL), 0);
	assert_int_equal(bundle_parse(buf_str(&text), NULL, &golden), 0);
	assert_int_equal(golden.identity, BUNDLE_CERTIFICATE);
	assert_int_equal(buf_append_str(&bundle.payload_type, STR("application/vnd.in-toto+json")), 0);
	assert_int_equal(buf_append_str(&bundle.payload, STR("{\"a\":1}")), 0);
	assert_int_equal(buf_append_str(&bundle.signature, buf_str(&golden.signature)), 0);
	assert_int_equal(buf_append_str(&bundle.certificate, buf_str(&golden.certificate)), 0);
	bundle.identity = BUNDLE_CERTIFICATE;
	assert_int_equal(bundle_write(&out, &bundle), 0);
	seal_name(world, 1, path);
	assert_int_equal(file_publish_at(AT_FDCWD, path, 0600, out.data, out.len, false, NULL), 0);
}

static void what_a_certificate_ran_out_for_is_signed_again(void **state)
{
	struct world *world = *state;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	struct outbox_settings settings = settings_of(world, true);
	struct signer *signer;
	char path[256];

	seal_with_ended_certificate(world);
	open_outbox(world, true, 1); /* nobody signs: nothing is sent that could never be proved */
	assert_int_equal(outbox_wait(world->outbox, WAIT_MS), -EAGAIN);
	assert_non_null(strstr(state_of(world, 0).error, "ended before any trusted time"));
	assert_int_equal(world->rekor.posted, 0);
	outbox_stop(TAKE(world->outbox));
	assert_int_equal(signer_of_key(world->key, NULL, &signer), 0);
	settings.signer = signer;
	assert_int_equal(outbox_new(&settings, &world->diag, &world->outbox), 0);
	outbox_sealed(world->outbox, 1);
	while (state_of(world, 0).waiting + state_of(world, 1).waiting > 0)
		(void)outbox_wait(world->outbox, SHORT_MS);
	outbox_stop(TAKE(world->outbox));
	signer_free(signer);
	seal_name(world, 1, path);
	assert_int_equal(file_read_at(AT_FDCWD, path, &text, NULL), 0);
	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), 0);
	assert_int_equal(bundle.identity, BUNDLE_PUBLIC_KEY);
	assert_true(str_equal(buf_str(&bundle.payload), STR("{\"a\":1}")));
	assert_int_equal(bundle.n_entries, 2);
	assert_int_equal(world->rekor.posted, 1);
}

static void settings_that_prove_nothing_are_refused(void **state)
{
	struct world *world = *state;
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(public_key_freep) struct public_key *ed25519 = NULL;
	struct outbox_settings settings = settings_of(world, false);

	settings.root = NULL;
	assert_int_equal(outbox_new(&settings, &world->diag, &world->outbox), -EINVAL);
	assert_int_equal(world->diag.code, EXIT_UNSOUND);
	assert_non_null(strstr(world->diag.text, "trusted_root"));
	settings = settings_of(world, false);
	assert_int_equal(key_generate_ed25519(NULL, &key), 0);
	assert_int_equal(key_public(key, NULL, &ed25519), 0);
	settings.public = ed25519;
	world->diag.text[0] = 0;
	assert_int_equal(outbox_new(&settings, &world->diag, &world->outbox), -EINVAL);
	assert_non_null(strstr(world->diag.text, "Ed25519"));
	assert_null(world->outbox);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(seals_get_their_proofs),
		TEST(what_is_there_is_not_sent_again),
		TEST(what_the_log_has_already_is_proved_from_its_tiles),
		TEST(a_log_that_was_set_back_signs_nothing),
		TEST(a_cursor_of_another_chain_is_not_believed),
		TEST(a_damaged_cursor_is_not_believed),
		TEST(seals_that_are_gone_hold_up_nobody),
		TEST(a_broken_seal_holds_up_no_other),
		TEST(a_log_that_is_ill_is_tried_again),
		TEST(a_split_view_is_refused),
		TEST(a_log_that_is_not_trusted_is_refused),
		TEST(seals_of_an_earlier_key_are_logged_when_it_is_known),
		TEST(what_a_certificate_ran_out_for_is_signed_again),
		TEST(settings_that_prove_nothing_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
