/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who and where we are, read once: what each seal says of collector and host. */

#include <sys/utsname.h>

#include "format/statement.h"

#define COLLECTOR_NAME "stella-signalsd"

struct identity {
	char host_id[DIGEST_TEXT_LEN + 1]; /* "" = unknown */
	char boot_id[37]; /* "" = unknown */
	struct utsname system;
};

void identity_read(struct identity *ret_identity);
/* Collector (but the configuration's digest) and host (but btf). -ENOMEM. */
int identity_write(const struct identity *identity, struct statement *statement);
/* The host's id from the machine-id's text: SHA-256 of "stella-host-id:" and it; the raw one is not published. */
int identity_host_id(struct str machine_id, char out[DIGEST_TEXT_LEN + 1]);
