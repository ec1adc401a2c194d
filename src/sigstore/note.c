/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints as signed notes. Promises: what is parsed has one origin, one size, one root and well-formed signature
 * lines; a signature counts only under the name and the key id that its key has. Refuses control characters,
 * loose base64, numbers with leading zeros, empty lines in the text. Signatures of unknown keys are let be, as C2SP
 * wants it: anybody may add one. A checkpoint owns its list of signatures; all else are views.
 */

#include "sigstore/note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sigstore/merkle.h"

#define DASH "\xE2\x80\x94 " /* U+2014 and a space begin a signature line */
#define ED25519_LEN 32
#define COSIGNATURE_TIME_LEN 8

static const unsigned char ed25519_header[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
						0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

/* ---- names and keys ---- */

/* White space beyond ASCII, as Unicode lists it; what the note format forbids in names. */
static bool is_wide_space(const unsigned char *at, size_t len)
{
	static const char *const spaces[] = { "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
					      "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80" };

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		if (strlen(spaces[i]) == len && memcmp(at, spaces[i], len) == 0)
			return true;
	/* U+2000 to U+200A */
	return len == 3 && at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0x80 && at[2] <= 0x8a;
}

static bool is_name(struct str name)
{
	const unsigned char *at = (const unsigned char *)name.data;
	size_t step;

	if (name.len == 0 || name.len > NOTE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i += step) {
		step = text_utf8_sequence(at + i, name.len - i);
		if (step == 0 || is_wide_space(at + i, step))
			return false;
		if (at[i] <= ' ' || at[i] == 0x7f || at[i] == '+')
			return false;
	}
	return true;
}

void note_key_done(struct note_key *key)
{
	free(key->name);
	public_key_free(key->key);
	*key = (struct note_key) { 0 };
}

static bool is_ed25519(const struct public_key *key)
{
	return strcmp(public_key_type(key), "ed25519") == 0;
}

static struct str raw_ed25519(const struct public_key *key)
{
	struct str spki = public_key_spki(key);

	return (struct str) { spki.data + spki.len - ED25519_LEN, ED25519_LEN };
}

static int key_id(struct str name, enum note_algorithm algorithm, const struct public_key *key,
		  uint8_t ret_id[4])
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(NOTE_NAME_MAX + 2 + ED25519_LEN);
	const uint8_t separator[] = { '\n', (uint8_t)algorithm };
	struct digest digest = *public_key_id(key);
	int r;

	if (algorithm == NOTE_ED25519 || algorithm == NOTE_COSIGNATURE) {
		r = buf_append_str(&text, name);
		if (r == 0)
			r = buf_append(&text, separator, sizeof(separator));
		if (r == 0)
			r = buf_append_str(&text, raw_ed25519(key));
		if (r == 0)
			r = digest_of(text.data, text.len, &digest);
		if (r < 0)
			return r;
	}
	memcpy(ret_id, digest.bytes, 4);
	return 0;
}

int note_key_make(const char *name, enum note_algorithm algorithm, struct public_key **key,
		  struct note_key *ret_key)
{
	struct note_key made = { .algorithm = algorithm };
	bool wants_ed25519 = algorithm == NOTE_ED25519 || algorithm == NOTE_COSIGNATURE;
	int r;

	if (!is_name(str_of(name)))
		return -EINVAL;
	if (algorithm != NOTE_REKOR && wants_ed25519 != is_ed25519(*key))
		return -EINVAL;
	r = key_id(str_of(name), algorithm, *key, made.id);
	if (r < 0)
		return r;
	made.name = strdup(name);
	if (!made.name)
		return -ENOMEM;
	made.key = TAKE(*key);
	*ret_key = made;
	return 0;
}

/* Splits at the next plus; names hold none. */
static bool cut(struct str *rest, char at, struct str *ret_part)
{
	const char *end = memchr(rest->data, at, rest->len);

	if (!end)
		return false;
	*ret_part = (struct str) { rest->data, (size_t)(end - rest->data) };
	rest->len -= ret_part->len + 1;
	rest->data = end + 1;
	return true;
}

static int bad_vkey(struct diag *diag, struct str vkey, const char *why)
{
	return diag_error(diag, -EINVAL, "cannot use verifier key \"%.*s\": %s",
			  (int)(vkey.len < 300 ? vkey.len : 300), vkey.data, why);
}

/* The algorithm byte and the key; SPKI DER is made of it. */
static int parse_vkey_key(struct str vkey, struct str base64, struct diag *diag,
			  enum note_algorithm *ret_algorithm, struct public_key **ret_key)
{
	_cleanup_(buf_done) struct buf bytes = BUF_MAX(1 + ED25519_LEN);
	unsigned char spki[sizeof(ed25519_header) + ED25519_LEN];
	int r = text_unbase64_append(&bytes, base64);

	if (r == -ENOMEM)
		return r;
	if (r == -EINVAL)
		return bad_vkey(diag, vkey, "its key is no padded standard base64");
	if (r < 0 || bytes.len != 1 + ED25519_LEN)
		return bad_vkey(diag, vkey, "its key is not as long as an Ed25519 key");
	*ret_algorithm = (enum note_algorithm)bytes.data[0];
	if (*ret_algorithm != NOTE_ED25519 && *ret_algorithm != NOTE_COSIGNATURE)
		return bad_vkey(diag, vkey, "its algorithm is neither 1 (Ed25519) nor 4 (cosignature)");
	memcpy(spki, ed25519_header, sizeof(ed25519_header));
	memcpy(spki + sizeof(ed25519_header), bytes.data + 1, ED25519_LEN);
	return public_key_parse_spki((struct str) { (const char *)spki, sizeof(spki) }, "of the verifier key",
				     diag, ret_key);
}

int note_key_parse(struct str vkey, struct diag *diag, struct note_key *ret_key)
{
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	_cleanup_(freep) char *name_text = NULL;
	struct note_key made = { 0 };
	struct str rest = vkey, name, hex;
	enum note_algorithm algorithm = NOTE_ED25519;
	uint8_t id[4];
	int r;

	if (vkey.len > NOTE_NAME_MAX + 128 || !cut(&rest, '+', &name) || !cut(&rest, '+', &hex))
		return bad_vkey(diag, vkey, "it is not of the form NAME+ID+KEY");
	if (!is_name(name))
		return bad_vkey(diag, vkey, "its name is empty, too long, or holds white space");
	if (text_unhex(hex, id, sizeof(id)) < 0)
		return bad_vkey(diag, vkey, "its id is not 8 lower-case hex digits");
	r = parse_vkey_key(vkey, rest, diag, &algorithm, &key);
	if (r < 0)
		return r;
	name_text = str_copy(name);
	if (!name_text)
		return -ENOMEM;
	r = note_key_make(name_text, algorithm, &key, &made);
	if (r < 0)
		return r;
	if (memcmp(made.id, id, sizeof(id)) != 0) {
		r = bad_vkey(diag, vkey, "its id is not that of its name and key");
		note_key_done(&made);
		return r;
	}
	*ret_key = made;
	return 0;
}

int note_key_write(const struct note_key *key, struct buf *out)
{
	uint8_t bytes[1 + ED25519_LEN] = { (uint8_t)key->algorithm };
	size_t before = out->len;
	char hex[9];
	int r;

	if (key->algorithm != NOTE_ED25519 && key->algorithm != NOTE_COSIGNATURE)
		return -EINVAL;
	memcpy(bytes + 1, raw_ed25519(key->key).data, ED25519_LEN);
	text_hex(key->id, sizeof(key->id), hex);
	r = buf_printf(out, "%s+%s+", key->name, hex);
	if (r == 0)
		r = text_base64_append(out, bytes, sizeof(bytes));
	if (r < 0)
		out->len = before;
	return r;
}

/* ---- reading ---- */

static int bad(struct diag *diag, const char *why)
{
	return diag_error(diag, -EBADMSG, "bad checkpoint: %s", why);
}

/* "DASH NAME BASE64(key id || signature)", without its line feed. *ret_known: short enough for a kind known here. */
static int parse_signature(struct str line, struct diag *diag, struct note_signature *ret_signature,
			   bool *ret_known)
{
	_cleanup_(buf_done) struct buf bytes = BUF_MAX(NOTE_MAX);
	struct note_signature made = { 0 };
	int r;

	if (line.len < strlen(DASH) || memcmp(line.data, DASH, strlen(DASH)) != 0)
		return bad(diag, "a signature line does not begin with a dash and a space");
	line.data += strlen(DASH);
	line.len -= strlen(DASH);
	if (!cut(&line, ' ', &made.name) || !is_name(made.name))
		return bad(diag, "a signature line has no name");
	r = text_unbase64_append(&bytes, line);
	if (r == -EINVAL)
		return bad(diag, "a signature is no padded standard base64");
	if (r < 0)
		return r;
	if (bytes.len <= sizeof(made.key_id))
		return bad(diag, "a signature is too short to be one");
	memcpy(made.key_id, bytes.data, sizeof(made.key_id));
	made.len = bytes.len - sizeof(made.key_id);
	*ret_known = made.len <= sizeof(made.bytes);
	if (*ret_known)
		memcpy(made.bytes, bytes.data + sizeof(made.key_id), made.len);
	*ret_signature = made;
	return 0;
}

static int parse_signatures(struct str rest, struct diag *diag, struct checkpoint *checkpoint)
{
	struct str line;
	bool known = false;
	int r;

	if (rest.len == 0)
		return bad(diag, "it has no signature");
	checkpoint->signatures = calloc(NOTE_SIGNATURES_MAX, sizeof(*checkpoint->signatures));
	if (!checkpoint->signatures)
		return -ENOMEM;
	for (size_t lines = 0; rest.len > 0; lines++) {
		if (!cut(&rest, '\n', &line))
			return bad(diag, "its last line does not end");
		if (lines == NOTE_SIGNATURES_MAX)
			return bad(diag, "it has too many signatures");
		r = parse_signature(line, diag, &checkpoint->signatures[checkpoint->n_signatures], &known);
		if (r < 0)
			return r;
		checkpoint->n_signatures += known;
	}
	return 0;
}

static int parse_text(struct str rest, struct diag *diag, struct checkpoint *checkpoint)
{
	_cleanup_(buf_done) struct buf root = BUF_MAX(DIGEST_LEN);
	struct str size, base64;
	int r;

	if (!cut(&rest, '\n', &checkpoint->origin) || checkpoint->origin.len == 0)
		return bad(diag, "it names no origin");
	if (!cut(&rest, '\n', &size) || text_parse_u64(size, 0, MERKLE_SIZE_MAX, &checkpoint->size) < 0)
		return bad(diag, "its second line is no tree size");
	if (!cut(&rest, '\n', &base64))
		return bad(diag, "it has no root");
	r = text_unbase64_append(&root, base64);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || root.len != DIGEST_LEN)
		return bad(diag, "its third line is no SHA-256 in base64");
	memcpy(checkpoint->root.bytes, root.data, DIGEST_LEN);
	return 0;
}

static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' && text.data[i] != '\n')
			return false;
	return text_is_utf8(text);
}

int checkpoint_parse(struct str note, struct diag *diag, struct checkpoint *ret_checkpoint)
{
	struct checkpoint made = { 0 };
	const char *gap;
	int r;

	if (note.len > NOTE_MAX)
		return bad(diag, "it is too long");
	if (!is_plain(note))
		return bad(diag, "it holds control characters, or is not UTF-8");
	gap = note.len > 0 ? memmem(note.data, note.len, "\n\n", 2) : NULL;
	if (!gap)
		return bad(diag, "no empty line parts its text from its signatures");
	made.text = (struct str) { note.data, (size_t)(gap + 1 - note.data) };
	r = parse_text(made.text, diag, &made);
	if (r == 0)
		r = parse_signatures((struct str) { gap + 2, note.len - made.text.len - 1 }, diag, &made);
	if (r < 0) {
		checkpoint_done(&made);
		return r;
	}
	*ret_checkpoint = made;
	return 0;
}

void checkpoint_done(struct checkpoint *checkpoint)
{
	free(checkpoint->signatures);
	*checkpoint = (struct checkpoint) { 0 };
}

/* ---- signatures ---- */

static bool is_named(const struct note_signature *signature, const struct note_key *key)
{
	return str_equal(signature->name, str_of(key->name)) && memcmp(signature->key_id, key->id, 4) == 0;
}

/* The text that a witness signs says when it saw the checkpoint. */
static bool is_cosigned(struct str text, const struct note_signature *signature, const struct public_key *key,
			uint64_t *ret_time)
{
	_cleanup_(buf_done) struct buf signed_text = BUF_MAX(NOTE_MAX + 64);
	struct str bytes = { (const char *)signature->bytes + COSIGNATURE_TIME_LEN, 0 };
	uint64_t time = 0;

	if (signature->len <= COSIGNATURE_TIME_LEN)
		return false;
	bytes.len = signature->len - COSIGNATURE_TIME_LEN;
	for (size_t i = 0; i < COSIGNATURE_TIME_LEN; i++)
		time = time << 8 | signature->bytes[i];
	if (time > INT64_MAX ||
	    buf_printf(&signed_text, "cosignature/v1\ntime %llu\n", (unsigned long long)time) < 0 ||
	    buf_append_str(&signed_text, text) < 0 || !public_key_verify(key, buf_str(&signed_text), bytes))
		return false;
	*ret_time = time;
	return true;
}

bool checkpoint_signed_by(const struct checkpoint *checkpoint, const struct note_key *key, uint64_t *ret_time)
{
	uint64_t first = UINT64_MAX;
	bool found = false;

	for (size_t i = 0; i < checkpoint->n_signatures; i++) {
		const struct note_signature *signature = &checkpoint->signatures[i];
		struct str bytes = { (const char *)signature->bytes, signature->len };
		uint64_t time = 0;
		bool ok;

		if (!is_named(signature, key))
			continue;
		ok = key->algorithm == NOTE_COSIGNATURE
			     ? is_cosigned(checkpoint->text, signature, key->key, &time)
			     : public_key_verify(key->key, checkpoint->text, bytes);
		found |= ok;
		if (ok && time < first)
			first = time;
	}
	if (found && ret_time && key->algorithm == NOTE_COSIGNATURE)
		*ret_time = first;
	return found;
}

bool checkpoint_names(const struct checkpoint *checkpoint, const struct note_key *key)
{
	for (size_t i = 0; i < checkpoint->n_signatures; i++)
		if (is_named(&checkpoint->signatures[i], key))
			return true;
	return false;
}

/* ---- writing ---- */

static int write_signature(struct buf *out, struct str text, const struct key *key, const struct note_key *name,
			   struct diag *diag)
{
	_cleanup_(buf_done) struct buf signature = BUF_MAX(4 + KEY_SIGNATURE_MAX);
	int r = buf_append(&signature, name->id, sizeof(name->id));

	if (r == 0)
		r = key_sign(key, text.data, text.len, &signature, diag);
	if (r == 0)
		r = buf_printf(out, "\n" DASH "%s ", name->name);
	if (r == 0)
		r = text_base64_append(out, signature.data, signature.len);
	return r < 0 ? r : buf_append_str(out, STR("\n"));
}

static int write_text(struct buf *text, const char *origin, uint64_t size, const struct digest *root)
{
	int r = buf_printf(text, "%s\n%llu\n", origin, (unsigned long long)size);

	if (r == 0)
		r = text_base64_append(text, root->bytes, DIGEST_LEN);
	return r < 0 ? r : buf_append_str(text, STR("\n"));
}

int checkpoint_write(struct buf *out, const char *origin, uint64_t size, const struct digest *root,
		     const struct key *key, struct diag *diag)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(NOTE_MAX);
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	_cleanup_(note_key_done) struct note_key name = { 0 };
	size_t before = out->len;
	int r;

	r = key_public(key, diag, &public);
	if (r < 0)
		return r;
	r = note_key_make(origin, NOTE_ED25519, &public, &name);
	if (r == -EINVAL)
		return diag_error(
			diag, r,
			"cannot sign a checkpoint of \"%s\": the key must be Ed25519 and the origin a name "
			"without white space and plus",
			origin);
	if (r == 0)
		r = write_text(&text, origin, size, root);
	if (r == 0)
		r = buf_append_str(out, buf_str(&text));
	if (r == 0)
		r = write_signature(out, buf_str(&text), key, &name, diag);
	if (r < 0)
		out->len = before;
	return r;
}
