/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keygen: makes a signing key and prints who it is. Promises: the private key is 0600 from its first byte on and
 * never overwrites anything; both files are there, or neither.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "crypto/key.h"
#include "format/canon.h"

#define KEY_DIRECTORY_DEFAULT "/var/lib/stella/keys"
#define KEY_DEFAULT KEY_DIRECTORY_DEFAULT "/local.pem"

struct identity {
	const char *key_file;
	const char *wanted; /* "ecdsa-p256" or "ed25519" */
	const char *passphrase_file; /* NULL: not encrypted */
	char public_file[4096];
	char key_id[DIGEST_TEXT_LEN + 1];
	struct buf hint; /* as it stands in the seals: base64 of the same digest */
	const char *type;
};

static int public_save(const struct public_key *public, const char *path, struct diag *diag)
{
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX);
	int r = public_key_pem(public, &pem, diag);

	if (r < 0)
		return r;
	r = file_publish_new_at(AT_FDCWD, path, 0644, pem.data, pem.len, true, diag);
	if (r < 0 && r != -EEXIST)
		unlink(path); /* it may be there, but not for certain */
	return r;
}

static int identity_make(struct identity *identity, struct diag *diag)
{
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	int len = snprintf(identity->public_file, sizeof(identity->public_file), "%s.pub", identity->key_file);
	int r;

	if (len < 0 || (size_t)len >= sizeof(identity->public_file))
		return diag_exit(diag, EXIT_UNSOUND, -ENAMETOOLONG, "the key's file name is too long");
	if (access(identity->public_file, F_OK) == 0)
		return diag_exit(
			diag, EXIT_UNSOUND, -EEXIST,
			"%s: there is such a file already; keys are never overwritten, move it away or name "
			"another with --key",
			identity->public_file);
	r = strcmp(identity->wanted, "ed25519") == 0 ? key_generate_ed25519(diag, &key)
						     : key_generate(diag, &key);
	r = r < 0 ? r : key_public(key, diag, &public);
	r = r < 0 ? r : key_save_encrypted(key, identity->key_file, identity->passphrase_file, diag);
	if (r < 0)
		return r;
	r = public_save(public, identity->public_file, diag);
	if (r < 0) {
		unlink(identity->key_file);
		return r;
	}
	digest_hex(public_key_id(public), identity->key_id);
	identity->type = public_key_type(public);
	return text_base64_append(&identity->hint, public_key_id(public)->bytes, DIGEST_LEN);
}

static int print_json(const struct identity *identity)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(65536);
	struct canon w = CANON_INTO(&out);
	int r;

	canon_object(&w);
	canon_key_string(&w, "hint", buf_str(&identity->hint));
	canon_key_cstr(&w, "key_file", identity->key_file);
	canon_key_cstr(&w, "key_id", identity->key_id);
	canon_key_cstr(&w, "public_key_file", identity->public_file);
	canon_key_cstr(&w, "type", identity->type);
	canon_object_end(&w);
	r = canon_done(&w);
	if (r < 0) {
		talk("the key was made; its file name is no UTF-8 text and cannot be shown as JSON");
		return EXIT_FAILED;
	}
	printf("%.*s\n", (int)out.len, out.data);
	return EXIT_DONE;
}

static int print_table(const struct identity *identity)
{
	static const struct table_column columns[] = { { "", false }, { "", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), false);
	_cleanup_(buf_done) struct buf command = BUF_MAX(65536);
	const char *const rows[][2] = {
		{ "private key", identity->key_file },
		{ "public key", identity->public_file },
		{ "key id", identity->key_id },
		{ "type", identity->type },
	};

	if (!table)
		return EXIT_FAILED;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		table_cell(table, "%s", rows[i][0]);
		table_cell(table, "%s", rows[i][1]);
	}
	table_cell(table, "in seals");
	table_cell(table, "%.*s", (int)identity->hint.len, identity->hint.data);
	if (table_print(table, stdout) < 0)
		return EXIT_FAILED;
	buf_printf(&command, "stella signals verify-chain DIR --key");
	command_word(&command, identity->public_file);
	talk("give the public key to those who verify: %s", buf_cstr(&command) ? buf_cstr(&command) : "");
	return EXIT_DONE;
}

/* Arguments that contradict one another; 0 when they do not. */
static int check_wishes(const struct identity *identity, bool encrypt, struct diag *diag)
{
	if (strcmp(identity->wanted, "ecdsa-p256") != 0 && strcmp(identity->wanted, "ed25519") != 0)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--type %s: ecdsa-p256 or ed25519 is wanted",
				 identity->wanted);
	if (encrypt && !identity->passphrase_file)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "--encrypt: --passphrase-file names the file with the passphrase, one line of "
				 "mode 0600");
	if (!encrypt && identity->passphrase_file)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--passphrase-file belongs to --encrypt");
	return 0;
}

int verb_keygen(int argc, char **argv)
{
	struct identity identity = { .key_file = KEY_DEFAULT, .wanted = "ecdsa-p256", .hint = BUF_MAX(128) };
	bool encrypt = false;
	struct output output = OUTPUT_DEFAULT;
	const struct option_row rows[] = {
		OPTION_IS_TEXT("key", 'k', "FILE",
			       "the private key's file (default: " KEY_DEFAULT "); FILE.pub beside it",
			       &identity.key_file),
		OPTION_IS_TEXT("type", 't', "TYPE", "ecdsa-p256 (default) or ed25519, which Rekor v2 refuses",
			       &identity.wanted),
		OPTION_IS_FLAG("encrypt", 'e', "encrypt the private key (PKCS#8)", &encrypt),
		OPTION_IS_TEXT("passphrase-file", 'p', "FILE", "its passphrase: one line, mode 0600",
			       &identity.passphrase_file),
		OPTIONS_FACTS(&output),
	};
	const struct option_spec spec = {
		.usage = "stella signals keygen [OPTION...]",
		.summary = "Makes a key to sign evidence with, and prints its identity.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details =
			"Exit status: 0 done, 1 failed, 2 such a file is there already or bad arguments, 3 not "
			"permitted.",
	};
	struct diag diag = { 0 };
	char **arguments;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	r = check_wishes(&identity, encrypt, &diag);
	if (r == 0 && strcmp(identity.key_file, KEY_DEFAULT) == 0)
		r = directory_make(KEY_DIRECTORY_DEFAULT, 0700, &diag);
	r = r < 0 ? r : identity_make(&identity, &diag);
	if (r == -EEXIST && diag.code == 0)
		diag.code = EXIT_UNSOUND;
	if (r < 0)
		return talk_error(&diag, r);
	if (output.quiet)
		return EXIT_DONE;
	return output_format_now(&output) == OUTPUT_TABLE ? print_table(&identity) : print_json(&identity);
}
