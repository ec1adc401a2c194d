// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes from the ring: the decoder says malformed or gives an event that the record writer turns into a line
 * which the verifier's own scanner and the record schema accept.
 */

#include <assert.h>

#include "format/canon.h"
#include "format/record.h"
#include "format/record_check.h"
#include "probe/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decode_scratch scratch;
	static struct buf line = BUF_MAX(RECORD_LINE_MAX);
	struct canon_member members[RECORD_MEMBERS_MAX];
	enum wire_kind kind;
	uint64_t ts_ns;
	const char *why;
	struct event event;
	size_t count, offset;

	if (decode_record(data, size, &scratch, &event) != DECODE_OK)
		return 0;
	buf_clear(&line);
	if (record_append(&line, &event) < 0)
		return 0;
	assert(line.data[line.len - 1] == '\n');
	assert(canon_scan_object((struct str) { line.data, line.len - 1 }, members, RECORD_MEMBERS_MAX, &count,
				 &offset) == CANON_OK);
	assert(record_check(members, count, &kind, &ts_ns, &why) == RECORD_OK);
	assert(kind == event.kind && ts_ns == event.boot_ns);
	return 0;
}
