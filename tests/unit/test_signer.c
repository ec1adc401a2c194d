/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs: which key_ids are ones, keys in files, what a signature does to a bundle, plugins that behave and that do
 * not, identity tokens, what services' refusals mean, and a sealer whose signer is away.
 */

#include "chain_world.h"

#include <signal.h>
#include <sys/stat.h>

#include "base/text.h"
#include "signer/identity_token.h"
#include "signer/service.h"

static const char *path_in(const struct world *world, const char *name)
{
	static char paths[4][160];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", world->path, name);
	return path;
}

static void file_of(const struct world *world, const char *name, const char *text, mode_t mode)
{
	assert_int_equal(file_publish_at(world->dir, name, mode, text, strlen(text), false, NULL), 0);
	assert_int_equal(fchmodat(world->dir, name, mode, 0), 0);
}

/* ---- names ---- */

static void which_key_ids_are_ones(void **state)
{
	static const char *const good[] = {
		"local",
		"file:/etc/k.pem",
		"pkcs11:token=a;object=b",
		"pkcs11:id=%01",
		"tpm2:0x81000001",
		"tpm2:/etc/k.pem",
		"fulcio",
		"hashivault://seal",
		"openbao://seal-1.x",
		"awskms:///alias/seal",
		"awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab",
		"awskms://localhost:4566/alias/seal",
		"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
		"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/versions/1",
		"azurekms://v.vault.azure.net/k",
		"azurekms://v.vault.azure.net/k/0123",
		"exec:/usr/bin/sigstore-kms-x a/key",
	};
	static const char *const bad[] = {
		"",
		"Local",
		"local ",
		"locals",
		"file:",
		"file:k.pem",
		"pkcs11:token=a",
		"pkcs11:object=a;pin-value=1",
		"pkcs11:object=a?pin-source=file:/x",
		"pkcs11:object=a?module-path=/x",
		"tpm2:",
		"tpm2:0x80000000",
		"tpm2:81000001",
		"fulcio:",
		"hashivault://",
		"hashivault://a/b",
		"hashivault://a?b",
		"hashivault:a",
		"awskms://",
		"awskms:///",
		"awskms:///a b",
		"awskms://ho/st?/a",
		"awskms:///../a",
		"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
		"gcpkms://x/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
		"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1?x",
		"azurekms://v.vault.azure.net",
		"azurekms:///k",
		"azurekms://v/k#x",
		"exec:/usr/bin/x",
		"exec:/usr/bin/x ",
		"exec:x key",
		"exec:/usr/bin/x \"key",
		"exec:/usr/bin/x key more",
		"file:/a\nb",
		"https://example.org",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (signer_check(good[i]))
			fail_msg("%s: %s", good[i], signer_check(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!signer_check(bad[i]))
			fail_msg("\"%s\" is no key_id, and is taken for one", bad[i]);
}

static void a_key_id_that_is_none_is_not_opened(void **state)
{
	const struct signer_settings settings = { .key_id = "nothing" };
	struct diag diag = { .code = 0 };
	struct signer *signer = NULL;

	(void)state;
	assert_int_equal(signer_open(&settings, &diag, &signer), -EINVAL);
	assert_int_equal(diag.code, EXIT_UNSOUND);
	assert_null(signer);
}

/* ---- keys in files ---- */

static void a_local_key_is_made_once(void **state)
{
	struct world *world = *state;
	const struct signer_settings settings = { .key_id = "local", .local_key = path_in(world, "local.pem") };
	_cleanup_(signer_freep) struct signer *first = NULL, *second = NULL;
	struct stat st;

	assert_int_equal(signer_open(&settings, NULL, &first), 0);
	assert_true(signer_generated(first));
	assert_non_null(signer_key(first));
	assert_string_equal(signer_kind(first), "local");
	assert_int_equal(fstatat(world->dir, "local.pem", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(signer_open(&settings, NULL, &second), 0);
	assert_false(signer_generated(second));
	assert_memory_equal(public_key_id(signer_public(first)), public_key_id(signer_public(second)),
			    sizeof(struct digest));
	assert_int_equal(fchmodat(world->dir, "local.pem", 0640, 0), 0);
	signer_free(TAKE(second));
	assert_int_equal(signer_open(&settings, NULL, &second), -EPERM);
}

static void a_file_may_be_encrypted(void **state)
{
	struct world *world = *state;
	char key_id[200];
	const struct {
		const char *passphrase_file;
		int error, code;
		const char *text;
	} rows[] = {
		{ "phrase", 0, 0, "" },
		{ "wrong", -EINVAL, 0, "passphrase" },
		{ "open", -EPERM, EXIT_NOT_PERMITTED, "mode 0644" },
		{ "missing", -ENOENT, EXIT_NOT_FOUND, "not there" },
		{ "empty", -EINVAL, 0, "empty" },
		{ "lines", -EINVAL, 0, "more than one line" },
		{ NULL, -EINVAL, 0, "passphrase_file" },
	};

	file_of(world, "phrase", "correct horse\n", 0600);
	file_of(world, "wrong", "correct horse \n", 0600);
	file_of(world, "open", "correct horse\n", 0644);
	file_of(world, "empty", "\n", 0600);
	file_of(world, "lines", "correct\nhorse\n", 0600);
	assert_int_equal(
		key_save_encrypted(world->key, path_in(world, "k.pem"), path_in(world, "phrase"), NULL), 0);
	assert_int_equal(
		key_save_encrypted(world->key, path_in(world, "k.pem"), path_in(world, "phrase"), NULL),
		-EEXIST);
	snprintf(key_id, sizeof(key_id), "file:%s", path_in(world, "k.pem"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *file = rows[i].passphrase_file;
		const struct signer_settings settings = { .key_id = key_id,
							  .passphrase_file =
								  file ? path_in(world, file) : NULL };
		_cleanup_(signer_freep) struct signer *signer = NULL;
		struct diag diag = { .code = 0 };
		int r = signer_open(&settings, &diag, &signer);

		if (r != rows[i].error || diag.code != rows[i].code || !strstr(diag.text, rows[i].text))
			fail_msg("row %zu: %d %d \"%s\"", i, r, diag.code, diag.text);
		assert_null(strstr(diag.text, "horse"));
		if (r == 0)
			assert_memory_equal(public_key_id(signer_public(signer)),
					    public_key_id(signer_public(world->signer)), sizeof(struct digest));
	}
}

/* ---- signing ---- */

static void a_bundle(struct bundle *bundle)
{
	assert_int_equal(buf_append_str(&bundle->payload_type, STR("text/plain")), 0);
	assert_int_equal(buf_append_str(&bundle->payload, STR("what is sealed")), 0);
}

static bool verifies(const struct bundle *bundle, const struct public_key *public)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(4096);

	assert_int_equal(dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload)), 0);
	return public_key_verify(public, buf_str(&pae), buf_str(&bundle->signature));
}

static void signing_anew_forgets_old_proofs(void **state)
{
	struct world *world = *state;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct bundle_entry entry;

	a_bundle(&bundle);
	assert_int_equal(signer_sign(world->signer, &bundle, NULL), 0);
	assert_true(verifies(&bundle, signer_public(world->signer)));
	bundle_entry_init(&entry);
	assert_int_equal(bundle_add_entry(&bundle, &entry), 0);
	assert_int_equal(bundle_add_timestamp(&bundle, STR("token")), 0);
	bundle.identity = BUNDLE_CERTIFICATE;
	assert_int_equal(buf_append_str(&bundle.certificate, STR("old")), 0);
	assert_int_equal(signer_sign(world->signer, &bundle, NULL), 0);
	assert_true(verifies(&bundle, signer_public(world->signer)));
	assert_int_equal(bundle.n_entries, 0);
	assert_int_equal(bundle.n_timestamps, 0);
	assert_int_equal(bundle.certificate.len, 0);
	assert_int_equal(bundle.identity, BUNDLE_PUBLIC_KEY);
	assert_memory_equal(&bundle.key_id, public_key_id(signer_public(world->signer)), sizeof(struct digest));
	assert_true(signer_deadline(&bundle) == INT64_MAX);
}

static void nothing_is_signed_after_cancel(void **state)
{
	struct world *world = *state;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;

	a_bundle(&bundle);
	signer_cancel(world->signer);
	assert_int_equal(signer_sign(world->signer, &bundle, NULL), -ECANCELED);
	assert_int_equal(bundle.signature.len, 0);
}

/* ---- plugins ---- */

/* The protocol's answers by the openssl command; `wish` is shell text that comes first. */
static void plugin_of(struct world *world, const char *wish, struct signer_settings *settings)
{
	static char key_id[256];
	char text[4096];

	if (faccessat(world->dir, "p.pem", F_OK, 0) < 0)
		assert_int_equal(key_save(world->key, path_in(world, "p.pem"), NULL), 0);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\ncd %s\nprintf '%%s' \"$2\" >asked\n[ \"$#\" = 2 ] && [ \"$1\" = v1 ] || exit 1\n"
		 "k=p.pem\n%s\ncase \"$2\" in\n"
		 "*'\"methodName\":\"publicKey\",\"publicKey\":{'*)\n"
		 "\tprintf '{\"publicKey\":{\"publicKeyPEM\":\"%%s\"}}' \"$(openssl pkey -in p.pem -pubout | "
		 "base64 -w0)\" ;;\n"
		 "*'\"methodName\":\"signMessage\",\"signMessage\":{'*)\n"
		 "\tprintf '{\"signMessage\":{\"signature\":\"%%s\"}}' \"$(openssl dgst -sha256 -sign $k | "
		 "base64 -w0)\" ;;\n"
		 "esac\n",
		 world->path, wish);
	file_of(world, "plugin", text, 0755);
	snprintf(key_id, sizeof(key_id), "exec:%s a/key", path_in(world, "plugin"));
	*settings = (struct signer_settings) { .key_id = key_id, .http.timeout_ms = 20000 };
}

static void a_plugin_signs(void **state)
{
	struct world *world = *state;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(signer_freep) struct signer *signer = NULL;
	_cleanup_(buf_done) struct buf asked = BUF_MAX(8192), open_files = BUF_MAX(8192);
	struct signer_settings settings;
	struct diag diag = { .code = 0 };

	/* What it has open besides 0, 1, 2: nothing but the directory that ls reads. */
	plugin_of(world, "ls /proc/self/fd | tr '\\n' ' ' >open", &settings);
	a_bundle(&bundle);
	if (signer_open(&settings, &diag, &signer) < 0 || signer_sign(signer, &bundle, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_null(signer_key(signer));
	assert_true(verifies(&bundle, signer_public(signer)));
	assert_int_equal(file_read_at(world->dir, "asked", &asked, NULL), 0);
	assert_non_null(strstr(buf_cstr(&asked), "\"keyResourceID\":\"a/key\""));
	assert_non_null(strstr(buf_cstr(&asked), "\"protocolVersion\":\"v1\""));
	assert_non_null(strstr(buf_cstr(&asked), "\"messageOptions\":{\"digest\":\""));
	assert_int_equal(file_read_at(world->dir, "open", &open_files, NULL), 0);
	assert_string_equal(buf_cstr(&open_files), "0 1 2 3 ");
}

static void plugins_that_do_not_behave(void **state)
{
	struct world *world = *state;
	const struct {
		const char *wish;
		int error;
		const char *text;
	} rows[] = {
		{ "echo '{\"errorMessage\":\"token is locked\"}'; exit 0", -EAGAIN, "token is locked" },
		{ "exit 1", -EBADMSG, "no JSON object" },
		{ "echo hello; exit 0", -EBADMSG, "no JSON object" },
		{ "echo '[]'; exit 0", -EBADMSG, "no JSON object" },
		{ "echo '{\"signMessage\":{}}'; exit 0", -EBADMSG, "signature" },
		{ "echo '{\"signMessage\":{\"signature\":\"AAA\"}}'; exit 0", -EBADMSG, "base64" },
		{ "echo '{\"signMessage\":{\"signature\":\"AAAA\"}}'; exit 0", -EBADMSG,
		  "no signature by the key" },
		{ "echo '{\"a\":1,\"a\":2}'; exit 0", -EBADMSG, "no JSON object" },
		{ "exec yes", -EBADMSG, "too much" },
		{ "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out q.pem 2>/dev/null; "
		  "k=q.pem",
		  -EBADMSG, "no signature by the key" },
		{ "kill -9 $$", -EBADMSG, "no JSON object" },
	};
	struct signer_settings settings;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
		_cleanup_(signer_freep) struct signer *signer = NULL;
		struct diag diag = { .code = 0 };
		int r;

		a_bundle(&bundle);
		plugin_of(world, "", &settings);
		assert_int_equal(signer_open(&settings, NULL, &signer), 0);
		plugin_of(world, rows[i].wish, &settings);
		r = signer_sign(signer, &bundle, &diag);
		if (r != rows[i].error || !strstr(diag.text, rows[i].text))
			fail_msg("row %zu: %d \"%s\"", i, r, diag.text);
		assert_int_equal(bundle.signature.len, 0);
	}
}

static void a_plugin_that_others_can_change_is_not_run(void **state)
{
	struct world *world = *state;
	struct signer_settings settings;
	struct diag diag = { .code = 0 };
	struct signer *signer = NULL;

	plugin_of(world, "touch ran", &settings);
	assert_int_equal(fchmodat(world->dir, "plugin", 0775, 0), 0);
	assert_int_equal(signer_open(&settings, &diag, &signer), -EPERM);
	assert_int_equal(diag.code, EXIT_NOT_PERMITTED);
	assert_false(world_has(world, "ran"));
}

static void a_plugin_that_hangs_is_ended_with_its_children(void **state)
{
	struct world *world = *state;
	struct signer_settings settings;
	struct diag diag = { .code = 0 };
	struct signer *signer = NULL;
	_cleanup_(buf_done) struct buf pid = BUF_MAX(64);

	plugin_of(world, "sleep 1000 & echo $! >child; wait", &settings);
	settings.http.timeout_ms = 1000;
	assert_int_equal(signer_open(&settings, &diag, &signer), -EAGAIN);
	assert_int_equal(diag.code, EXIT_TRY_AGAIN);
	assert_int_equal(file_read_at(world->dir, "child", &pid, NULL), 0);
	/* Killed, though whoever inherited it may not have waited for it yet. */
	for (int i = 0; i < 500; i++) {
		char path[64], line[256] = "";
		FILE *status;

		snprintf(path, sizeof(path), "/proc/%d/stat", atoi(buf_cstr(&pid)));
		status = fopen(path, "r");
		if (!status || !fgets(line, sizeof(line), status) || strstr(line, ") Z")) {
			if (status)
				fclose(status);
			return;
		}
		fclose(status);
		usleep(20000);
	}
	fail_msg("the plugin's child lives on");
}

static void *cancel_when_asked(void *user)
{
	struct signer *signer = ((void **)user)[0];
	const struct world *world = ((void **)user)[1];

	while (!world_has(world, "signing"))
		usleep(1000);
	signer_cancel(signer);
	return NULL;
}

static void cancel_ends_a_plugin(void **state)
{
	struct world *world = *state;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(signer_freep) struct signer *signer = NULL;
	struct signer_settings settings;
	pthread_t thread;
	void *both[2];

	plugin_of(world, "", &settings);
	settings.http.timeout_ms = 600000;
	assert_int_equal(signer_open(&settings, NULL, &signer), 0);
	plugin_of(world, "touch signing; exec sleep 1000", &settings);
	both[0] = signer;
	both[1] = world;
	assert_int_equal(pthread_create(&thread, NULL, cancel_when_asked, both), 0);
	a_bundle(&bundle);
	assert_int_equal(signer_sign(signer, &bundle, NULL), -ECANCELED);
	pthread_join(thread, NULL);
}

/* It has answered, and does not end. */
static void cancel_ends_a_plugin_that_lingers(void **state)
{
	struct world *world = *state;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(signer_freep) struct signer *signer = NULL;
	struct signer_settings settings;
	pthread_t thread;
	void *both[2];

	plugin_of(world, "", &settings);
	settings.http.timeout_ms = 600000;
	assert_int_equal(signer_open(&settings, NULL, &signer), 0);
	plugin_of(world, "exec >&-; touch signing; exec sleep 1000", &settings);
	both[0] = signer;
	both[1] = world;
	assert_int_equal(pthread_create(&thread, NULL, cancel_when_asked, both), 0);
	a_bundle(&bundle);
	alarm(60);
	assert_true(signer_sign(signer, &bundle, NULL) < 0);
	alarm(0);
	pthread_join(thread, NULL);
}

/* ---- a chain whose signer is away ---- */

static void signed_later_is_signed_all_the_same(void **state)
{
	struct world *world = *state;
	_cleanup_(signer_freep) struct signer *signer = NULL;
	struct signer_settings settings;
	struct chain_state said;
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct chain *chain;

	plugin_of(world,
		  "case \"$2\" in *signMessage*) [ -e well ] || { echo '{\"errorMessage\":\"away\"}'; exit; "
		  "};; esac",
		  &settings);
	assert_int_equal(signer_open(&settings, NULL, &signer), 0);
	world->options.signer = signer;
	world->options.draft_key = world->key;
	chain = world_begin(world, NULL);
	assert_int_equal(world_append(world, chain, 3), 0);
	assert_int_equal(chain_rotate(chain, world_later(world, 1), NULL), 0);
	assert_int_equal(world_append(world, chain, 2), 0); /* recording goes on */
	assert_int_equal(chain_wait(chain, 200), -EAGAIN);
	do
		chain_state(chain, &said);
	while (said.error == 0);
	assert_int_equal(said.error, -EAGAIN);
	assert_non_null(strstr(said.error_text, "away"));
	assert_int_equal(said.sealed_sequence, 0);
	file_of(world, "well", "", 0644);
	assert_int_equal(chain_wait(chain, 60000), 0);
	assert_int_equal(chain_close(chain, world_later(world, 1), 60000, NULL), 0);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
}

static void a_stop_does_not_wait_for_a_signer_that_hangs(void **state)
{
	struct world *world = *state;
	_cleanup_(signer_freep) struct signer *signer = NULL, *next = NULL;
	struct signer_settings settings;
	struct diag diag = { .code = 0 };
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct chain *chain;

	plugin_of(world, "case \"$2\" in *signMessage*) touch signing; exec sleep 1000;; esac", &settings);
	settings.http.timeout_ms = 600000;
	assert_int_equal(signer_open(&settings, NULL, &signer), 0);
	world->options.signer = signer;
	world->options.draft_key = world->key;
	chain = world_begin(world, NULL);
	assert_int_equal(world_append(world, chain, 3), 0);
	assert_int_equal(chain_rotate(chain, world_later(world, 1), NULL), 0);
	while (!world_has(world, "signing"))
		usleep(1000);
	assert_int_equal(chain_close(chain, world_later(world, 1), 0, &diag), -EAGAIN);
	assert_false(world_has(world, "chunk-000001.sigstore.json"));
	/* The next start seals both. */
	plugin_of(world, "", &settings);
	assert_int_equal(signer_open(&settings, NULL, &next), 0);
	world->options.signer = next;
	chain = world_open(world, NULL);
	assert_int_equal(chain_wait(chain, 60000), 0);
	assert_int_equal(chain_close(chain, world_later(world, 1), 60000, NULL), 0);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
}

/* ---- tokens and answers ---- */

static void token_of(const char *claims, struct buf *out)
{
	assert_int_equal(service_base64url_append(out, "{\"alg\":\"ES256\"}", 15), 0);
	assert_int_equal(buf_append_str(out, STR(".")), 0);
	assert_int_equal(service_base64url_append(out, claims, strlen(claims)), 0);
	assert_int_equal(buf_append_str(out, STR(".c2ln")), 0);
}

static void what_a_token_wants_signed(void **state)
{
	static const struct {
		const char *claims, *challenge; /* NULL: refused */
		int64_t expires;
	} rows[] = {
		{ "{\"sub\":\"spiffe://x/y\",\"exp\":5}", "spiffe://x/y", 5 },
		{ "{\"sub\":\"a\"}", "a", INT64_MAX },
		{ "{\"sub\":\"a\",\"email\":\"a@b\",\"email_verified\":true}", "a@b", INT64_MAX },
		{ "{\"sub\":\"a\",\"email\":\"a@b\",\"email_verified\":\"true\"}", "a@b", INT64_MAX },
		{ "{\"sub\":\"a\",\"email\":\"a@b\",\"email_verified\":false}", NULL, 0 },
		{ "{\"sub\":\"a\",\"email\":\"a@b\"}", NULL, 0 },
		{ "{\"sub\":\"a\",\"email\":5,\"email_verified\":true}", NULL, 0 },
		{ "{\"sub\":\"\"}", NULL, 0 },
		{ "{\"sub\":1}", NULL, 0 },
		{ "{}", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "{\"sub\":\"a\",\"sub\":\"b\"}", NULL, 0 },
		{ "{\"sub\":\"a\",\"exp\":\"5\"}", NULL, 0 },
		{ "{\"sub\":\"a\",\"exp\":5.5}", NULL, 0 },
		{ "{\"sub\":\"a\"} x", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_done) struct buf token = BUF_MAX(4096), challenge = BUF_MAX(4096);
		struct diag diag = { .code = 0 };
		int64_t expires = 0;
		int r;

		token_of(rows[i].claims, &token);
		r = identity_token_read(buf_str(&token), &diag, &challenge, &expires);
		if (r != (rows[i].challenge ? 0 : -EBADMSG))
			fail_msg("%s: %d %s", rows[i].claims, r, diag.text);
		if (r == 0)
			assert_true(str_equal(buf_str(&challenge), str_of(rows[i].challenge)) &&
				    expires == rows[i].expires);
	}
}

static void what_is_no_token(void **state)
{
	static const char *const bad[] = { "",	       ".",	 "..",	      "a.b",	  "a.e30",
					   "a..c",     ".e30.c", "a.e30.c.d", "a.e30=.c", "a.eyJzdWIi+.c",
					   "a.e3 0.c", "a.e30." };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(buf_done) struct buf challenge = BUF_MAX(64);
		struct diag diag = { .code = 0 };
		int64_t expires;

		if (identity_token_read(str_of(bad[i]), &diag, &challenge, &expires) != -EBADMSG)
			fail_msg("%s", bad[i]);
	}
}

static void what_a_refusal_means(void **state)
{
	static const struct {
		long status;
		const char *body;
		int error, code;
		const char *text;
	} rows[] = {
		{ 200, "{}", 0, 0, "" },
		{ 201, "{\"a\":\"b\"}\n", 0, 0, "" },
		{ 200, "", -EBADMSG, 0, "no JSON object" },
		{ 200, "{", -EBADMSG, 0, "no JSON object" },
		{ 200, "{} x", -EBADMSG, 0, "no JSON object" },
		{ 200, "{\"a\":1,\"a\":1}", -EBADMSG, 0, "no JSON object" },
		{ 302, "", -EBADMSG, 0, "302" },
		{ 400, "{\"__type\":\"NotFoundException\"}", -EBADMSG, 0, "NotFoundException" },
		{ 401, "{\"error\":{\"message\":\"who?\"}}", -EACCES, EXIT_NOT_PERMITTED, "who?" },
		{ 403, "{\"errors\":[\"permission denied\"]}", -EACCES, EXIT_NOT_PERMITTED,
		  "permission denied" },
		{ 404, "<html>", -ENOENT, EXIT_NOT_FOUND, "404" },
		{ 408, "", -EAGAIN, EXIT_TRY_AGAIN, "408" },
		{ 429, "{\"message\":\"slow down\"}", -EAGAIN, EXIT_TRY_AGAIN, "slow down" },
		{ 500, "", -EAGAIN, EXIT_TRY_AGAIN, "500" },
		{ 503, "{\"errors\":[\"Vault is sealed\"]}", -EAGAIN, EXIT_TRY_AGAIN, "Vault is sealed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(json_freep) json_t *answer = NULL;
		struct diag diag = { .code = 0 };
		int r = service_read(rows[i].status, str_of(rows[i].body), "it", &diag, &answer);

		if (r != rows[i].error || diag.code != rows[i].code || !strstr(diag.text, rows[i].text))
			fail_msg("row %zu: %d %d \"%s\"", i, r, diag.code, diag.text);
		assert_true((r == 0) == (answer != NULL));
	}
}

static void r_and_s_become_der(void **state)
{
	static const struct {
		unsigned char first_r, first_s;
		size_t len;
	} rows[] = { { 0x7f, 0x7f, 70 }, { 0x80, 0x7f, 71 }, { 0x80, 0xff, 72 }, { 0x00, 0x01, 69 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_done) struct buf der = BUF_MAX(128);
		unsigned char raw[64];

		memset(raw, 0x11, sizeof(raw));
		raw[0] = rows[i].first_r;
		raw[32] = rows[i].first_s;
		assert_int_equal(signature_of_raw((struct str) { (char *)raw, 64 }, &der), 0);
		assert_int_equal(der.len, rows[i].len);
		assert_int_equal((unsigned char)der.data[1], der.len - 2);
		assert_int_equal(signature_of_raw((struct str) { (char *)raw, 63 }, &der), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_key_ids_are_ones),
		cmocka_unit_test(a_key_id_that_is_none_is_not_opened),
		cmocka_unit_test_setup_teardown(a_local_key_is_made_once, world_up, world_down),
		cmocka_unit_test_setup_teardown(a_file_may_be_encrypted, world_up, world_down),
		cmocka_unit_test_setup_teardown(signing_anew_forgets_old_proofs, world_up, world_down),
		cmocka_unit_test_setup_teardown(nothing_is_signed_after_cancel, world_up, world_down),
		cmocka_unit_test_setup_teardown(a_plugin_signs, world_up, world_down),
		cmocka_unit_test_setup_teardown(plugins_that_do_not_behave, world_up, world_down),
		cmocka_unit_test_setup_teardown(a_plugin_that_others_can_change_is_not_run, world_up,
						world_down),
		cmocka_unit_test_setup_teardown(a_plugin_that_hangs_is_ended_with_its_children, world_up,
						world_down),
		cmocka_unit_test_setup_teardown(cancel_ends_a_plugin, world_up, world_down),
		cmocka_unit_test_setup_teardown(cancel_ends_a_plugin_that_lingers, world_up, world_down),
		cmocka_unit_test_setup_teardown(signed_later_is_signed_all_the_same, world_up, world_down),
		cmocka_unit_test_setup_teardown(a_stop_does_not_wait_for_a_signer_that_hangs, world_up,
						world_down),
		cmocka_unit_test(what_a_token_wants_signed),
		cmocka_unit_test(what_is_no_token),
		cmocka_unit_test(what_a_refusal_means),
		cmocka_unit_test(r_and_s_become_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
