// SPDX-License-Identifier: Apache-2.0
/*
 * The name under which programs ask the loader for a library, from the file's dynamic section as its program headers
 * tell where that lies: libz.so.1 of a file that is called libz.so.1.2.13. Believes no size: a dynamic section beyond
 * DYNAMIC_MAX, or a name beyond ELF_SONAME_MAX, is as good as none. Owns nothing.
 */

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

#include "resolve/elf.h"

#define SEGMENTS_MAX 256 /* a linker makes a dozen */
#define DYNAMIC_MAX 65536 /* bytes; a linker makes some hundreds */

static void elf_endp(Elf **elf)
{
	if (*elf)
		elf_end(*elf);
}

/* Where the file holds what is at `address` in memory. */
static bool offset_of(Elf *elf, size_t n_segments, uint64_t address, uint64_t *ret_offset)
{
	GElf_Phdr segment;

	for (size_t i = 0; i < n_segments; i++) {
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD &&
		    address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
			*ret_offset = segment.p_offset + (address - segment.p_vaddr);
			return true;
		}
	}
	return false;
}

/* Where the dynamic section says that the name stands, as an address. */
static bool soname_address(Elf_Data *dynamic, size_t count, uint64_t *ret_address)
{
	uint64_t strings = 0, name = 0;
	GElf_Dyn entry;

	for (size_t i = 0; i < count && gelf_getdyn(dynamic, (int)i, &entry) && entry.d_tag != DT_NULL; i++) {
		if (entry.d_tag == DT_STRTAB)
			strings = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_SONAME)
			name = entry.d_un.d_val;
	}
	*ret_address = strings + name;
	return strings > 0 && name > 0;
}

static bool soname_offset(Elf *elf, uint64_t *ret_offset)
{
	Elf_Data *dynamic;
	GElf_Phdr segment;
	uint64_t address;
	size_t count;

	if (elf_getphdrnum(elf, &count) < 0 || count > SEGMENTS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_DYNAMIC ||
		    segment.p_filesz > DYNAMIC_MAX || segment.p_offset > INT64_MAX)
			continue;
		dynamic = elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_DYN);
		return dynamic &&
		       soname_address(dynamic, segment.p_filesz / gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT),
				      &address) &&
		       offset_of(elf, count, address, ret_offset);
	}
	return false;
}

bool elf_soname(int fd, char ret_name[ELF_SONAME_MAX + 1])
{
	_cleanup_(elf_endp) Elf *elf = NULL;
	uint64_t offset;
	ssize_t len;

	ret_name[0] = '\0';
	if (elf_header_check(fd) < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return false;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || !soname_offset(elf, &offset) || offset > INT64_MAX)
		return false;
	len = pread(fd, ret_name, ELF_SONAME_MAX + 1, (off_t)offset);
	if (len > 1 && memchr(ret_name, '\0', (size_t)len) && ret_name[0] != '\0')
		return true;
	ret_name[0] = '\0';
	return false;
}
