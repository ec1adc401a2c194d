/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Signed notes and checkpoints as C2SP describes them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint,
 * c2sp.org/tlog-cosignature): the text, an empty line, signature lines "\xE2\x80\x94 NAME BASE64(key id || signature)".
 */

#include <stdbool.h>

#include "base/diag.h"
#include "crypto/key.h"

#define NOTE_MAX 65536
#define NOTE_SIGNATURES_MAX 64
#define NOTE_NAME_MAX 255 /* bytes; no white space, no plus */

enum note_algorithm {
	NOTE_ED25519 = 1,
	NOTE_ECDSA = 2, /* key id: the first 4 bytes of SHA-256(SPKI) */
	NOTE_COSIGNATURE = 4, /* Ed25519 over a text with the time before it */
	NOTE_REKOR = 0x100, /* Rekor v1: as ECDSA whatever the key's kind */
};

/* A key that signs notes under a name. */
struct note_key {
	char *name;
	enum note_algorithm algorithm;
	uint8_t id[4];
	struct public_key *key;
};

void note_key_done(struct note_key *key);
/* `key` is taken on success. -EINVAL: no name for a note, or a key of another kind than the algorithm's; -ENOMEM. */
int note_key_make(const char *name, enum note_algorithm algorithm, struct public_key **key,
		  struct note_key *ret_key);
/* "NAME+HEX8+BASE64(algorithm || key)": verifier keys as C2SP writes them; Ed25519 and cosignature keys. -EINVAL. */
int note_key_parse(struct str vkey, struct diag *diag, struct note_key *ret_key);
int note_key_write(const struct note_key *key, struct buf *out);

/* Longer ones are of kinds that are not known here, and left out of the list. */
struct note_signature {
	struct str name; /* a view of the note's text */
	uint8_t key_id[4];
	uint8_t bytes[512];
	size_t len;
};

struct checkpoint {
	struct str text; /* what is signed, with its last LF; views of what was parsed, as all here */
	struct str origin;
	uint64_t size;
	struct digest root;
	struct note_signature *signatures; /* owned */
	size_t n_signatures;
};

/* Strict; -EBADMSG with a line. `note` must outlive the result. */
int checkpoint_parse(struct str note, struct diag *diag, struct checkpoint *ret_checkpoint);
void checkpoint_done(struct checkpoint *checkpoint);

/*
 * Did this key sign it? A cosignature's time (seconds since 1970; the earliest, if it has more than one) goes to
 * *ret_time, which may be NULL.
 */
bool checkpoint_signed_by(const struct checkpoint *checkpoint, const struct note_key *key, uint64_t *ret_time);
/* Does a signature claim to be this key's, good or not? */
bool checkpoint_names(const struct checkpoint *checkpoint, const struct note_key *key);

/* Appends a checkpoint signed with an Ed25519 key. */
int checkpoint_write(struct buf *out, const char *origin, uint64_t size, const struct digest *root,
		     const struct key *key, struct diag *diag);
