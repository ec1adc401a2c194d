// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as an ELF file, after the place that is asked about: does the code there keep a frame pointer, and which
 * function is it? An answer, whichever.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "resolve/elf_frame.h"
#include "resolve/elf_places.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_places *places = NULL;
	uint16_t offset;
	uint64_t start;
	int fd = memfd_create("elf", MFD_CLOEXEC);

	if (fd < 0 || size < sizeof(offset)) {
		close(fd);
		return 0;
	}
	memcpy(&offset, data, sizeof(offset));
	data += sizeof(offset);
	size -= sizeof(offset);
	if (write(fd, data, size) == (ssize_t)size) {
		(void)elf_keeps_frame(fd, offset, ELF_START_UNKNOWN);
		(void)elf_keeps_frame(fd, offset, 0);
		if (elf_places_open(fd, NULL, 1u << 20, &places) == 0) {
			assert(elf_places_bytes(places) <= 1u << 20);
			for (uint64_t at = offset; at < offset + 64u; at++)
				assert(!elf_places_find(places, at, &start) || start <= at);
			elf_places_close(places);
		}
	}
	close(fd);
	return 0;
}
