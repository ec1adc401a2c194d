/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From sealed to anchored: each seal goes to each log and timestamp authority that is configured, what they answer is
 * verified, and the proof is put into the seal's file by an atomic replacement. Threads of its own; collection never waits.
 *
 * What is left to do is told by the seals themselves: a sink's cursor (STATE/outbox/DIRECTORY-ID/SINK.json) says that all
 * seals up to a number have what it gives; it may be behind, never ahead. So a kill at any moment loses nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/http.h"
#include "sigstore/trusted_root.h"
#include "signer/signer.h"

#define OUTBOX_SINKS_MAX 16

/* OUTBOX_WITNESS is made of `witnesses`, not configured among the sinks. */
enum outbox_kind { OUTBOX_REKOR_V1, OUTBOX_REKOR_V2, OUTBOX_LOCAL, OUTBOX_TIMESTAMP, OUTBOX_WITNESS };

/* "rekor_v1", "rekor_v2", "local", "timestamp", "witness" */
const char *outbox_kind_name(enum outbox_kind kind);

struct outbox_sink {
	enum outbox_kind kind;
	const char *url; /* NULL with OUTBOX_LOCAL */
};

/* All borrowed until outbox_stop. */
struct outbox_settings {
	const char *directory; /* the evidence's */
	const char *state; /* STATE/outbox; made when missing */
	struct outbox_sink sinks[OUTBOX_SINKS_MAX];
	size_t n_sinks;
	struct http_settings http;
	const struct trusted_root
		*root; /* what answers are verified with; the local log's key is added by us */
	const struct public_key *public; /* the signing key's; NULL with certificates */
	const char *trust; /* a directory with *.pem and *.pub of earlier signing keys; NULL = none */
	const char *local_log; /* directory of the local log; NULL = none */
	const char *local_log_key; /* path of its key, made when missing */
	const char *local_log_origin;
	const char *const
		*witnesses; /* URLs (add-checkpoint) for the local log's checkpoints; their keys are in root */
	size_t n_witnesses;
	struct signer *signer; /* to sign again what a certificate ran out for; NULL = never */
};

struct outbox;
struct local_log;

int outbox_new(const struct outbox_settings *settings, struct diag *diag, struct outbox **ret_outbox);

/* All seals up to this one are published. Wakes the threads. */
void outbox_sealed(struct outbox *outbox, uint64_t sequence);

/* For status; of one sink. */
struct outbox_sink_state {
	enum outbox_kind kind;
	const char *url;
	uint64_t done; /* all seals up to this one */
	uint64_t waiting;
	uint64_t oldest_wait_ms; /* how long the oldest has waited, since it was sealed or since we started */
	uint64_t submitted, failures; /* since the start */
	uint64_t refused; /* answers that did not prove what they said */
	uint64_t retry_in_ms; /* 0 = at work or idle */
	bool split_view; /* the log contradicted itself: see SINK.split beside the cursor */
	char error[DIAG_MAX]; /* of the last try; "" = it succeeded */
};
size_t outbox_state(struct outbox *outbox, struct outbox_sink_state states[OUTBOX_SINKS_MAX]);

/* Our own log, NULL = none; lives with the outbox. */
struct local_log *outbox_local_log(struct outbox *outbox);

/*
 * Waits until nothing waits, trying at once what waits for its retry; -EAGAIN after wait_ms, or as soon as what is left failed
 * again. */
int outbox_wait(struct outbox *outbox, uint32_t wait_ms);

/*
 * Cancels requests (and the signer, which signs nothing after that), ends the threads and frees; what is left is for the
 * next start. NULL is fine.
 */
void outbox_stop(struct outbox *outbox);
