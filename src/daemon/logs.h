/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where seals go besides the evidence directory, as signals.signing says: the outbox, what it is trusted with, and the
 * local log's public key in the host's trust directory.
 */

#include <jansson.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "daemon/config.h"
#include "signer/signer.h"
#include "transparency/outbox.h"

#define LOGS_STOP_WAIT_MS 5000 /* for logs that do not answer, at the end */
#define LOGS_LATE_MS 3600000 /* a seal that waits for longer is told by health */

struct logs;

/*
 * Exit 2 when the configuration asks for what could never be proved. A local log that cannot be opened does not stop the
 * collector: it is told by status and health, and the other logs get the seals. *ret_logs may be without any log.
 */
int logs_open(const struct config *config, struct signer *signer, struct diag *diag, struct logs **ret_logs);
/* Ends at once; NULL is fine. */
void logs_close(struct logs *logs);
DEFINE_FREEP(logs, logs_close)

/* All seals up to this one are published. */
void logs_sealed(struct logs *logs, uint64_t sequence);
/* Once a second: what the log file has to hear. */
void logs_tell(struct logs *logs);
/* At the end: gives all sinks LOGS_STOP_WAIT_MS, and the local log what it takes. */
void logs_finish(struct logs *logs);

/* `log` of status. */
json_t *logs_report(struct logs *logs);
/* Calls `add` with each reason why health is degraded. */
void logs_reasons(struct logs *logs, void (*add)(void *user, const char *text), void *user);
