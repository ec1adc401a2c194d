// SPDX-License-Identifier: Apache-2.0
/* Any file as a raw capture: the reader ends with a verdict, and what it hands out lies within its limits. */

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/file.h"
#include "collect/raw.h"
#include "format/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(raw_reader_freep) struct raw_reader *reader = NULL;
	_cleanup_(closep) int fd = memfd_create("raw", MFD_CLOEXEC);
	struct raw_entry entry;
	size_t entries = 0;
	char path[64];
	int r;

	assert(fd >= 0 && file_write_all(fd, data, size, NULL) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (raw_reader_open(path, NULL, &reader) < 0)
		return 0;
	while ((r = raw_reader_next(reader, NULL, &entry)) == 1) {
		assert(entry.body.len <= STATEMENT_MAX);
		assert(++entries <= size / 8); /* each takes at least its head */
	}
	assert(r == 0 || r == -ENODATA || r == -EBADMSG);
	return 0;
}
