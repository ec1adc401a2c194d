// SPDX-License-Identifier: Apache-2.0
/*
 * The table for unwinding, as far as one question needs it: which rule finds a function's frame at one place. Reads by
 * position what it needs, a few hundred bytes; believes no length and no address, follows no pointer but to the one entry
 * and its header. Only what compilers write is understood: addresses of four bytes, relative to where they stand. Owns
 * nothing.
 */

#include "resolve/elf_frame.h"

#include <elf.h>
#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "resolve/elf_unwind.h"

#define SEGMENTS_MAX 64
#define CODE_MAX 65536 /* bytes of a function that are looked at */
#define NATIVE_ORDER (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB)

/* DW_EH_PE_*: how the addresses in .eh_frame_hdr are written, by every linker. */
#define POINTER_FROM_HERE 0x1b /* pcrel, sdata4 */
#define COUNT_PLAIN 0x03 /* udata4 */
#define TABLE_FROM_HEADER 0x3b /* datarel, sdata4 */

struct segments {
	Elf64_Phdr all[SEGMENTS_MAX];
	size_t count;
};

static bool read_all(int fd, void *data, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, data, len, (off_t)offset) == (ssize_t)len;
}

static bool segments_read(int fd, struct segments *ret)
{
	Elf64_Ehdr header;

	if (!read_all(fd, &header, sizeof(header), 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != NATIVE_ORDER ||
	    header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > SEGMENTS_MAX)
		return false;
	ret->count = header.e_phnum;
	return read_all(fd, ret->all, ret->count * sizeof(ret->all[0]), header.e_phoff);
}

/* Of what is loaded: the address of an offset, or the other way round. */
static bool address_of(const struct segments *segments, uint64_t offset, uint64_t *ret_address)
{
	for (size_t i = 0; i < segments->count; i++) {
		const Elf64_Phdr *one = &segments->all[i];

		if (one->p_type == PT_LOAD && one->p_flags & PF_X && offset >= one->p_offset &&
		    offset - one->p_offset < one->p_filesz)
			return !__builtin_add_overflow(offset - one->p_offset, one->p_vaddr, ret_address);
	}
	return false;
}

static bool offset_of(const struct segments *segments, uint64_t address, uint64_t *ret_offset)
{
	for (size_t i = 0; i < segments->count; i++) {
		const Elf64_Phdr *one = &segments->all[i];

		if (one->p_type == PT_LOAD && address >= one->p_vaddr && address - one->p_vaddr < one->p_filesz)
			return !__builtin_add_overflow(address - one->p_vaddr, one->p_offset, ret_offset);
	}
	return false;
}

struct row {
	int32_t function, entry; /* both from the header's address on */
};

/* The last row whose function begins at `address` or before. */
static bool row_find(int fd, const Elf64_Phdr *header, uint64_t address, struct row *ret_row)
{
	unsigned char head[4];
	uint32_t count, low = 0, high;
	struct row row;

	if (header->p_filesz < 12 || !read_all(fd, head, sizeof(head), header->p_offset) || head[0] != 1 ||
	    head[1] != POINTER_FROM_HERE || head[2] != COUNT_PLAIN || head[3] != TABLE_FROM_HEADER ||
	    !read_all(fd, &count, sizeof(count), header->p_offset + 8) ||
	    count > (header->p_filesz - 12) / sizeof(row))
		return false;
	for (high = count; low < high;) {
		uint32_t middle = low + (high - low) / 2;

		if (!read_all(fd, &row, sizeof(row), header->p_offset + 12 + middle * sizeof(row)))
			return false;
		if (header->p_vaddr + (uint64_t)row.function <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 &&
	       read_all(fd, ret_row, sizeof(*ret_row), header->p_offset + 12 + (low - 1) * sizeof(row));
}

/* The entry of .eh_frame for the function around `address`. */
static bool entry_find(int fd, const struct segments *segments, uint64_t address,
		       struct unwind_entry *ret_entry)
{
	for (size_t i = 0; i < segments->count; i++) {
		const Elf64_Phdr *header = &segments->all[i];
		uint64_t entry, offset;
		struct row row;

		if (header->p_type != PT_GNU_EH_FRAME || !row_find(fd, header, address, &row))
			continue;
		entry = header->p_vaddr + (uint64_t)row.entry;
		return offset_of(segments, entry, &offset) && unwind_entry_read(fd, offset, entry, ret_entry) &&
		       address >= ret_entry->start && address - ret_entry->start < ret_entry->size;
	}
	return false;
}

#if defined(__x86_64__)

/* push %rbp; mov %rsp, %rbp */
static bool code_keeps_frame(const unsigned char *code, size_t len)
{
	static const unsigned char begin[] = { 0x55, 0x48, 0x89, 0xe5 }, other[] = { 0x55, 0x48, 0x8b, 0xec };

	return memmem(code, len, begin, sizeof(begin)) || memmem(code, len, other, sizeof(other));
}

#define UNWIND_TELLS true

#else

/* stp x29, x30, [sp, ...], in one of its two forms; then add x29, sp, ... */
static bool code_keeps_frame(const unsigned char *code, size_t len)
{
	bool saved = false;
	uint32_t one;

	for (size_t at = 0; at + sizeof(one) <= len; at += sizeof(one)) {
		memcpy(&one, code + at, sizeof(one));
		saved |= (one & 0xffc07fff) == 0xa9007bfd || (one & 0xffc07fff) == 0xa9807bfd;
		if (saved && (one & 0xffc003ff) == 0x910003fd)
			return true;
	}
	return false;
}

#define UNWIND_TELLS false

#endif

static bool function_keeps_frame(int fd, uint64_t start, uint64_t offset)
{
	_cleanup_(freep) unsigned char *code = NULL;
	size_t len;

	if (start == ELF_START_UNKNOWN || start >= offset || offset - start > CODE_MAX)
		return false;
	len = (size_t)(offset - start);
	code = malloc(len);
	return code && read_all(fd, code, len, start) && code_keeps_frame(code, len);
}

bool elf_keeps_frame(int fd, uint64_t offset, uint64_t start)
{
	struct segments segments;
	struct unwind_entry entry;
	uint64_t address;

	if (offset == 0 || !segments_read(fd, &segments) || !address_of(&segments, offset - 1, &address))
		return false;
	if (!entry_find(fd, &segments, address, &entry))
		return function_keeps_frame(fd, start, offset);
	if (UNWIND_TELLS)
		return unwind_by_frame_pointer(&entry, address);
	return offset_of(&segments, entry.start, &start) && function_keeps_frame(fd, start, offset);
}
