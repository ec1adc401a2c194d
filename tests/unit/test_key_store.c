/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in a token (SoftHSM) and in a TPM (swtpm), live: made with their own tools in a folder of the test's, used and
 * verified by us. Where the programs are not installed, the test says so and is skipped.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/key_store.h"
#include "signer/parts.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define KEY_URI "pkcs11:token=stella;object=seal"

static char place[64];
static bool has_token, has_tpm;
static pid_t swtpm = -1;

static bool run(const char *command)
{
	return system(command) == 0;
}

static void pin_write(const char *name, const char *text, mode_t mode)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	assert_int_equal(file_publish_at(AT_FDCWD, path, mode, text, strlen(text), false, NULL), 0);
}

static const char *in_place(const char *name)
{
	static char paths[4][160];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", place, name);
	return path;
}

static void token_up(void)
{
	char text[256];

	/* pkcs11-provider loads modules with RTLD_DEEPBIND, which AddressSanitizer ends the program for. */
#ifdef __SANITIZE_ADDRESS__
	return;
#endif
	if (access(MODULE, R_OK) < 0 || !run("command -v softhsm2-util pkcs11-tool >/dev/null"))
		return;
	snprintf(text, sizeof(text),
		 "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", place);
	pin_write("softhsm2.conf", text, 0644);
	setenv("SOFTHSM2_CONF", in_place("softhsm2.conf"), 1);
	assert_int_equal(mkdir(in_place("tokens"), 0700), 0);
	has_token =
		run("softhsm2-util --init-token --free --label stella --so-pin 12345678 --pin 987654 "
		    ">/dev/null") &&
		run("pkcs11-tool --module " MODULE " --token-label stella --login --pin 987654 --keypairgen "
		    "--key-type EC:prime256v1 --label seal --id 01 >/dev/null 2>&1") &&
		run("pkcs11-tool --module " MODULE " --token-label stella --login --pin 987654 --keypairgen "
		    "--key-type EC:prime256v1 --label twin --id 02 >/dev/null 2>&1") &&
		run("pkcs11-tool --module " MODULE " --token-label stella --login --pin 987654 --keypairgen "
		    "--key-type EC:prime256v1 --label twin --id 03 >/dev/null 2>&1") &&
		run("pkcs11-tool --module " MODULE " --token-label stella --login --pin 987654 --keypairgen "
		    "--key-type EC:secp384r1 --label wide --id 04 >/dev/null 2>&1") &&
		run("pkcs11-tool --module " MODULE " --token-label stella --login --pin 987654 --keypairgen "
		    "--key-type EC:edwards25519 --label edwards --id 05 >/dev/null 2>&1");
	assert_true(has_token);
}

static void tpm_up(void)
{
	char text[1024], socket[160];

	if (!run("command -v swtpm tpm2_createprimary >/dev/null") ||
	    !run("openssl list -providers -provider tpm2 >/dev/null 2>&1 || "
		 "test -e /usr/lib/*/ossl-modules/tpm2.so"))
		return;
	snprintf(socket, sizeof(socket), "swtpm:path=%s/tpm", place);
	setenv("TPM2OPENSSL_TCTI", socket, 1);
	setenv("TPM2TOOLS_TCTI", socket, 1);
	setenv("TSS2_LOG", "all+NONE", 1);
	swtpm = fork();
	assert_true(swtpm >= 0);
	if (swtpm == 0) {
		snprintf(text, sizeof(text),
			 "exec swtpm socket --tpm2 --tpmstate dir=%s --server type=unixio,path=%s/tpm "
			 "--ctrl type=unixio,path=%s/tpm.ctrl --flags not-need-init,startup-clear >/dev/null "
			 "2>&1",
			 place, place, place);
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && access(in_place("tpm.ctrl"), F_OK) < 0; i++)
		usleep(20000);
	snprintf(text, sizeof(text),
		 "cd %s && exec >/dev/null 2>&1 && tpm2_createprimary -C o -g sha256 -G ecc256 -c p.ctx && "
		 "tpm2_create -C p.ctx -G ecc256:ecdsa-sha256 -u k.pub -r k.priv -p abc && tpm2_flushcontext "
		 "-t && "
		 "tpm2_load -C p.ctx -u k.pub -r k.priv -c k.ctx && tpm2_evictcontrol -C o -c k.ctx 0x81000001 "
		 "&& "
		 "tpm2_flushcontext -t && "
		 "openssl genpkey -provider tpm2 -provider default -propquery '?provider=tpm2' -algorithm EC "
		 "-pkeyopt group:P-256 -out key.pem && tpm2_flushcontext -t",
		 place);
	has_tpm = run(text);
	assert_true(has_tpm);
}

static int world_up(void **state)
{
	(void)state;
	strcpy(place, "/tmp/stella-store-XXXXXX");
	assert_non_null(mkdtemp(place));
	pin_write("pin", "987654\n", 0600);
	pin_write("wrong-pin", "111111\n", 0600);
	pin_write("open-pin", "987654\n", 0644);
	pin_write("two-lines", "987654\n987654\n", 0600);
	pin_write("auth", "abc", 0600);
	token_up();
	tpm_up();
	return 0;
}

static int world_down(void **state)
{
	char command[128];

	(void)state;
	if (swtpm > 0) {
		kill(swtpm, SIGTERM);
		waitpid(swtpm, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", place);
	return run(command) ? 0 : -1;
}

#define NEEDS(what)                                                                           \
	do {                                                                                  \
		if (!(what)) {                                                                \
			printf("# skip: needs " #what                                         \
			       ", which is not here or cannot be run with the sanitizers\n"); \
			skip();                                                               \
		}                                                                             \
	} while (0)

static void signs_and_verifies(const struct key *key, const char *type)
{
	static const char data[] = "DSSEv1 something to sign";
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX);
	struct diag diag = { .code = 0 };

	assert_int_equal(key_public(key, &diag, &public), 0);
	assert_string_equal(public_key_type(public), type);
	if (key_sign(key, data, sizeof(data), &signature, &diag) != 0)
		fail_msg("%s", diag.text);
	assert_true(public_key_verify(public, (struct str) { data, sizeof(data) }, buf_str(&signature)));
	assert_false(public_key_verify(public, (struct str) { data, sizeof(data) - 1 }, buf_str(&signature)));
}

static void a_token_signs(void **state)
{
	_cleanup_(key_freep) struct key *key = NULL, *again = NULL;
	struct diag diag = { .code = 0 };

	(void)state;
	NEEDS(has_token);
	if (key_open_pkcs11(KEY_URI, MODULE, in_place("pin"), &diag, &key) != 0)
		fail_msg("%s", diag.text);
	signs_and_verifies(key, "ecdsa-p256");
	/* Another context with the same module, while the first one is in use; and the first after it is gone. */
	assert_int_equal(key_open_pkcs11(KEY_URI, MODULE, in_place("pin"), &diag, &again), 0);
	signs_and_verifies(again, "ecdsa-p256");
	key_free(TAKE(again));
	signs_and_verifies(key, "ecdsa-p256");
}

static void a_token_signs_with_ed25519(void **state)
{
	_cleanup_(key_freep) struct key *key = NULL;
	struct diag diag = { .code = 0 };

	(void)state;
	NEEDS(has_token);
	if (key_open_pkcs11("pkcs11:token=stella;object=edwards", MODULE, in_place("pin"), &diag, &key) != 0)
		fail_msg("%s", diag.text);
	signs_and_verifies(key, "ed25519");
}

static void what_a_token_refuses(void **state)
{
	const struct {
		const char *uri, *module, *pin;
		int error;
		const char *text;
	} rows[] = {
		{ "pkcs11:token=stella;object=none", MODULE, "pin", -EACCES, "no such key" },
		{ "pkcs11:token=other;object=seal", MODULE, "pin", -ENOENT, "cannot find" },
		{ KEY_URI, MODULE, "wrong-pin", -EACCES, "PIN" },
		{ KEY_URI, MODULE, NULL, -EACCES, "no pin_file" },
		{ KEY_URI, MODULE, "open-pin", -EPERM, "mode 0644" },
		{ KEY_URI, MODULE, "two-lines", -EINVAL, "more than one line" },
		{ KEY_URI, MODULE, "no-pin", -ENOENT, "not there" },
		{ "pkcs11:token=stella;object=twin", MODULE, "pin", -EINVAL, "several keys" },
		{ "pkcs11:token=stella;object=wide", MODULE, "pin", -EINVAL, "neither an ECDSA P-256" },
		{ KEY_URI, "/no/such/module.so", "pin", -ENOENT, "/no/such/module.so" },
		{ KEY_URI, "relative.so", "pin", -EINVAL, "absolute path" },
		{ KEY_URI, "/tmp/a.so\npkcs11-module-token-pin = 1", "pin", -EINVAL, "absolute path" },
	};

	(void)state;
	NEEDS(has_token);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(key_freep) struct key *key = NULL;
		struct diag diag = { .code = 0 };
		int r = key_open_pkcs11(rows[i].uri, rows[i].module, rows[i].pin ? in_place(rows[i].pin) : NULL,
					&diag, &key);

		if (r != rows[i].error || !strstr(diag.text, rows[i].text))
			fail_msg("row %zu: %d, \"%s\"", i, r, diag.text);
		assert_null(strstr(diag.text, "987654"));
		assert_null(strstr(diag.text, "111111"));
	}
}

/* A token counts wrong PINs: a refused one is offered once, until its file is another. */
static void a_refused_pin_is_not_tried_again(void **state)
{
	const struct signer_settings settings = { .key_id = KEY_URI,
						  .pkcs11_module = MODULE,
						  .pin_file = in_place("changing-pin") };
	_cleanup_(signer_freep) struct signer *signer = NULL;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag diag = { .code = 0 };

	(void)state;
	NEEDS(has_token);
	pin_write("changing-pin", "111111\n", 0600);
	assert_int_equal(buf_append_str(&bundle.payload_type, STR("text/plain")), 0);
	assert_int_equal(buf_append_str(&bundle.payload, STR("x")), 0);
	assert_int_equal(signer_begin(&settings, NULL, &signer), 0);
	assert_int_equal(signer->driver->open(signer, &diag), -EACCES);
	assert_null(strstr(diag.text, "not tried again"));
	for (int i = 0; i < 3; i++) {
		diag = (struct diag) { .code = 0 };
		assert_int_equal(signer_sign(signer, &bundle, &diag), -EACCES);
		assert_non_null(strstr(diag.text, "not tried again"));
	}
	pin_write("changing-pin", "987654\n", 0600);
	assert_int_equal(signer_sign(signer, &bundle, &diag), 0);
	assert_true(bundle.signature.len > 0);
}

static void what_is_no_name(void **state)
{
	static const char *const bad[] = { "pkcs11:token=a;object=b;pin-value=1",
					   "pkcs11:object=b?pin-value=1",
					   "pkcs11:object=b?PIN-VALUE=1",
					   "pkcs11:object=b?pin-source=file:/x",
					   "pkcs11:object=b?module-path=/x",
					   "pkcs11:token=a",
					   "pkcs11:",
					   "pkcs11:object=a b",
					   "file:/x" };
	static const char *const bad_tpm[] = { "",	     "0x8100001", "0x81000001 ",
					       "0x80000001", "81000001",  "key.pem" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(key_check_pkcs11(bad[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad_tpm); i++)
		assert_non_null(key_check_tpm2(bad_tpm[i]));
	assert_null(key_check_pkcs11("pkcs11:token=a%20b;object=seal"));
	assert_null(key_check_pkcs11("pkcs11:id=%01"));
	assert_null(key_check_tpm2("0x81000001"));
	assert_null(key_check_tpm2("/etc/key.pem"));
}

static void a_tpm_signs(void **state)
{
	static const struct {
		const char *name, *pin;
	} keys[] = { { "0x81000001", "auth" }, { NULL, NULL } };

	(void)state;
	NEEDS(has_tpm);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		_cleanup_(key_freep) struct key *key = NULL;
		struct diag diag = { .code = 0 };
		const char *name = keys[i].name ? keys[i].name : in_place("key.pem");

		if (key_open_tpm2(name, keys[i].pin ? in_place(keys[i].pin) : NULL, &diag, &key) != 0)
			fail_msg("%s: %s", name, diag.text);
		signs_and_verifies(key, "ecdsa-p256");
		signs_and_verifies(key, "ecdsa-p256");
	}
}

static void what_a_tpm_refuses(void **state)
{
	struct diag diag = { .code = 0 };
	struct key *key = NULL;

	(void)state;
	NEEDS(has_tpm);
	assert_int_equal(key_open_tpm2("0x81000077", in_place("auth"), &diag, &key), -ENOENT);
	diag = (struct diag) { .code = 0 };
	assert_int_equal(key_open_tpm2(in_place("none.pem"), NULL, &diag, &key), -ENOENT);
	assert_null(key);
}

/* The authorisation of a TPM key is looked at when it signs, so it is made to sign when it is opened. */
static void a_wrong_authorisation_is_found_at_once(void **state)
{
	struct diag diag = { .code = 0 };
	struct key *key = NULL;

	(void)state;
	NEEDS(has_tpm);
	assert_int_equal(key_open_tpm2("0x81000001", in_place("wrong-pin"), &diag, &key), -EACCES);
	assert_int_equal(diag.code, EXIT_NOT_PERMITTED);
	assert_non_null(strstr(diag.text, "PIN"));
	assert_null(strstr(diag.text, "111111"));
	assert_null(key);
}

/* This TPM locks itself after three wrong values: ten tries of ours are one of its. */
static void a_tpm_is_not_locked_by_trying_again(void **state)
{
	const struct signer_settings settings = { .key_id = "tpm2:0x81000001",
						  .pin_file = in_place("changing-pin") };
	_cleanup_(signer_freep) struct signer *signer = NULL;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag diag = { .code = 0 };

	(void)state;
	NEEDS(has_tpm);
	pin_write("changing-pin", "abc\n", 0600);
	assert_int_equal(buf_append_str(&bundle.payload_type, STR("text/plain")), 0);
	assert_int_equal(buf_append_str(&bundle.payload, STR("x")), 0);
	assert_int_equal(signer_open(&settings, NULL, &signer), 0);
	pin_write("changing-pin", "abcd\n", 0600);
	key_free(TAKE(signer->key)); /* as after a failure: opened again with what the file says now */
	for (int i = 0; i < 10; i++)
		assert_int_equal(signer_sign(signer, &bundle, NULL), -EACCES);
	pin_write("changing-pin", "abc\n", 0600);
	if (signer_sign(signer, &bundle, &diag) < 0)
		fail_msg("%s", diag.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_name),
		cmocka_unit_test(a_token_signs),
		cmocka_unit_test(a_token_signs_with_ed25519),
		cmocka_unit_test(what_a_token_refuses),
		cmocka_unit_test(a_refused_pin_is_not_tried_again),
		cmocka_unit_test(a_tpm_signs),
		cmocka_unit_test(what_a_tpm_refuses),
		cmocka_unit_test(a_wrong_authorisation_is_found_at_once),
		cmocka_unit_test(a_tpm_is_not_locked_by_trying_again),
	};

	return cmocka_run_group_tests(tests, world_up, world_down);
}
