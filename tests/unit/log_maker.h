/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes seals and a small log of our own that has them, with checkpoints and witnesses, so that a test can lie in any
 * place before it is signed. For cmocka programs: a failure to make it fails the test at once.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "format/bundle.h"
#include "sigstore/entry.h"
#include "sigstore/merkle.h"

#define MAKER_ORIGIN "log.example"
#define MAKER_TYPE "application/vnd.in-toto+json"
#define MAKER_WITNESS "witness.example"

struct log_maker {
	struct key *key, *witness, *signer;
	struct public_key *signer_public;
};

static inline struct public_key *maker_public(const struct key *key)
{
	struct public_key *public = NULL;

	assert_int_equal(key_public(key, NULL, &public), 0);
	return public;
}

static inline void log_maker_init(struct log_maker *maker, bool ed25519_signer)
{
	*maker = (struct log_maker) { 0 };
	assert_int_equal(key_generate_ed25519(NULL, &maker->key), 0);
	assert_int_equal(key_generate_ed25519(NULL, &maker->witness), 0);
	assert_int_equal(ed25519_signer ? key_generate_ed25519(NULL, &maker->signer)
					: key_generate(NULL, &maker->signer),
			 0);
	maker->signer_public = maker_public(maker->signer);
}

static inline void log_maker_done(struct log_maker *maker)
{
	key_free(maker->key);
	key_free(maker->witness);
	key_free(maker->signer);
	public_key_free(maker->signer_public);
}

static inline struct str maker_spki(const struct log_maker *maker)
{
	return public_key_spki(maker->signer_public);
}

/* A seal over this payload by the maker's key. */
static inline void maker_seal(const struct log_maker *maker, const char *payload, struct bundle *bundle)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(65536);

	*bundle = BUNDLE_EMPTY;
	assert_int_equal(buf_append_str(&bundle->payload, str_of(payload)), 0);
	assert_int_equal(buf_append_str(&bundle->payload_type, STR(MAKER_TYPE)), 0);
	bundle->key_id = *public_key_id(maker->signer_public);
	assert_int_equal(dsse_pae(&pae, STR(MAKER_TYPE), str_of(payload)), 0);
	assert_int_equal(key_sign(maker->signer, pae.data, pae.len, &bundle->signature, NULL), 0);
}

/* Adds a cosignature of the witness at this time to a signed note. */
static inline void maker_cosign(const struct log_maker *maker, struct buf *note, uint64_t time)
{
	const char *gap = memmem(note->data, note->len, "\n\n", 2);
	_cleanup_(buf_done) struct buf text = BUF_MAX(65536), bytes = BUF_MAX(256);
	_cleanup_(note_key_done) struct note_key name = { 0 };
	struct public_key *public = maker_public(maker->witness);

	assert_int_equal(note_key_make(MAKER_WITNESS, NOTE_COSIGNATURE, &public, &name), 0);
	assert_int_equal(buf_printf(&text, "cosignature/v1\ntime %llu\n", (unsigned long long)time), 0);
	assert_int_equal(buf_append(&text, note->data, (size_t)(gap + 1 - note->data)), 0);
	assert_int_equal(buf_append(&bytes, name.id, 4), 0);
	for (int i = 56; i >= 0; i -= 8)
		assert_int_equal(buf_append(&bytes, &(char) { (char)(time >> i) }, 1), 0);
	assert_int_equal(key_sign(maker->witness, text.data, text.len, &bytes, NULL), 0);
	assert_int_equal(buf_printf(note, "\xE2\x80\x94 %s ", name.name), 0);
	assert_int_equal(text_base64_append(note, bytes.data, bytes.len), 0);
	assert_int_equal(buf_append_str(note, STR("\n")), 0);
}

/*
 * The entry of a log of three leaves, of which the seal is the second: hashes are those of its neighbours. `verifier` as
 * entry_body has it; `witnessed` 0: by none.
 */
static inline void maker_entry(const struct log_maker *maker, const struct bundle *bundle, struct str verifier,
			       uint64_t witnessed, struct bundle_entry *entry)
{
	_cleanup_(public_key_freep) struct public_key *public = maker_public(maker->key);
	struct digest leaf;

	bundle_entry_init(entry);
	assert_int_equal(entry_body(&entry->body, ENTRY_HASHEDREKORD_V2, bundle, verifier, NULL), 0);
	assert_int_equal(trusted_root_log_id(public, MAKER_ORIGIN, &entry->log_id), 0);
	assert_int_equal(buf_append_str(&entry->kind, STR("hashedrekord")), 0);
	assert_int_equal(buf_append_str(&entry->version, STR("0.0.2")), 0);
	entry->has_proof = true;
	entry->log_index = entry->proof_index = 1;
	entry->tree_size = 3;
	entry->n_hashes = 2;
	assert_int_equal(merkle_leaf(STR("first"), &entry->hashes[0]), 0);
	assert_int_equal(merkle_leaf(STR("third"), &entry->hashes[1]), 0);
	assert_int_equal(merkle_leaf(buf_str(&entry->body), &leaf), 0);
	assert_int_equal(merkle_root(&leaf, 1, 3, entry->hashes, 2, &entry->root), 0);
	assert_int_equal(checkpoint_write(&entry->checkpoint, MAKER_ORIGIN, 3, &entry->root, maker->key, NULL),
			 0);
	if (witnessed != 0)
		maker_cosign(maker, &entry->checkpoint, witnessed);
}

/* The log and the witness become trusted. */
static inline void maker_trust(const struct log_maker *maker, struct trusted_root *root)
{
	_cleanup_(note_key_done) struct note_key log = { 0 }, witness = { 0 };
	struct public_key *log_public = maker_public(maker->key),
			  *witness_public = maker_public(maker->witness);
	_cleanup_(buf_done) struct buf vkey = BUF_MAX(1024);

	assert_int_equal(note_key_make(MAKER_ORIGIN, NOTE_ED25519, &log_public, &log), 0);
	assert_int_equal(note_key_make(MAKER_WITNESS, NOTE_COSIGNATURE, &witness_public, &witness), 0);
	assert_int_equal(note_key_write(&log, &vkey), 0);
	assert_int_equal(trusted_root_add_vkey(root, buf_str(&vkey), NULL), 0);
	buf_clear(&vkey);
	assert_int_equal(note_key_write(&witness, &vkey), 0);
	assert_int_equal(trusted_root_add_vkey(root, buf_str(&vkey), NULL), 0);
}
