/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An open chunk that a killed collector left, read back: what of it is whole, and whether it is what its draft says.
 * Reads only; the caller cuts the torn tail.
 */

#include "base/diag.h"
#include "format/statement.h"

struct reopened {
	uint64_t bytes; /* whole lines */
	uint64_t torn_bytes; /* behind the last LF */
	uint64_t records;
	uint64_t events[WIRE_KIND_END];
	uint64_t first_boot_ns, last_boot_ns; /* least and greatest ts_ns; meaningless without records */
	struct digest digest; /* of the whole lines */
	bool mark_seen; /* a line ended at mark_bytes, and there the digest was mark_digest */
};

/*
 * -EBADMSG with a line: a whole line that is no record of ours, or a line longer than any record. mark_bytes and
 * mark_digest: how far the draft knew the file.
 */
int reopen_scan(int fd, const char *name, uint64_t mark_bytes, const struct digest *mark_digest,
		struct diag *diag, struct reopened *ret_reopened);
