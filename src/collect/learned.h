/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the collector learned of containers beside the kernel's records, one thing at a time: the pipeline acts on it, and
 * the raw capture keeps it at its place among the records, so that a replay knows each thing exactly when we did. As
 * text one JSON object: {"expect":[RUNTIME, ...]}, {"facts":{...}}, {"unanswered":ID}, {"owner":UID,"settled":ID},
 * {"released":true}.
 */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "resolve/containers.h"

#define LEARNED_TEXT_MAX \
	(256u << 10) /* ENGINE_LABELS_MAX labels of ENGINE_LABEL_MAX bytes, escaped, and the rest */

enum learned_what {
	LEARNED_EXPECT, /* engines of these runtimes may answer from now on */
	LEARNED_FACTS, /* an engine's word on a container */
	LEARNED_UNANSWERED, /* a container is not waited for any longer */
	LEARNED_SETTLED, /* everybody who may know of a container of facts.owner has spoken */
	LEARNED_RELEASED, /* held records whose container is not waited for were let go here, among the others */
};

struct learned {
	enum learned_what what;
	unsigned int runtimes; /* a mask of 1 << container_runtime */
	char id[ENGINE_ID_LEN + 1];
	struct container_facts facts; /* owned */
};

void learned_done(struct learned *learned);
int learned_write(const struct learned *learned, struct buf *out);
/* -EBADMSG with a line when it is not what learned_write writes. On failure *ret_learned is untouched. */
int learned_parse(struct str text, struct diag *diag, struct learned *ret_learned);
