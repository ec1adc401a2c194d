// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an ELF file: refused, or a build id, and functions in order, each in an executable segment. */

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "resolve/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "main", NULL };
	struct elf_functions *functions = NULL;
	char soname[ELF_SONAME_MAX + 1];
	const struct elf_function *all;
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct elf_build_id id;
	size_t count;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		close(fd);
		return 0;
	}
	assert(elf_build_id(fd, &id) < 0 || id.len <= ELF_BUILD_ID_MAX);
	(void)elf_defines(fd, names);
	assert(elf_soname(fd, soname) == (soname[0] != '\0'));
	if (elf_functions_open(fd, NULL, &functions) == 0) {
		count = elf_functions_all(functions, &all);
		for (size_t i = 0; i < count; i++) {
			assert(elf_functions_cover(functions, all[i].offset));
			assert(i == 0 || strcmp(all[i - 1].name, all[i].name) <= 0);
			assert(elf_functions_find(functions, str_of(all[i].name)));
		}
		elf_functions_close(functions);
	}
	close(fd);
	return 0;
}
