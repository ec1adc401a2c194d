// SPDX-License-Identifier: Apache-2.0
/*
 * Where a program keeps what it was built from, found by libelf, which checks each table; sizes are looked at before they
 * are believed. Go programs whose section table was taken away are found by the magic in their data. Owns nothing.
 */

#include "packages/binary.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"

#define GO_MAGIC "\xff Go buildinf:"
#define GO_HEADER 32
#define GO_SEARCHED 65536 /* as Go's own reader did */
#define GO_WRAPPED 16 /* bytes on each side of the modules */
#define FLAG_BIG_ENDIAN 1
#define FLAG_INLINE 2
#define NAMES_MAX (4u << 20) /* bytes of section names */
#define PACKED_MAX (8u << 20)

struct binary {
	int fd;
	uint64_t size;
	Elf *elf;
};

static void elf_done(Elf **elf)
{
	elf_end(*elf);
}

void binary_info_done(struct binary_info *info)
{
	buf_done(&info->go_version);
	buf_done(&info->go_modules);
	buf_done(&info->rust);
}

static int read_at(const struct binary *binary, uint64_t offset, void *data, size_t len)
{
	size_t done = 0;

	if (offset > binary->size || len > binary->size - offset)
		return -EBADMSG;
	while (done < len) {
		ssize_t n = pread(binary->fd, (char *)data + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		done += (size_t)n;
	}
	return 0;
}

static int append_at(const struct binary *binary, uint64_t offset, uint64_t len, struct buf *out)
{
	int r = len > out->max - out->len ? -EBADMSG : buf_reserve(out, (size_t)len);

	if (r < 0 || len == 0)
		return r;
	r = read_at(binary, offset, out->data + out->len, (size_t)len);
	if (r >= 0)
		out->len += (size_t)len;
	return r;
}

/* libelf makes room for every section at once: no extended numbering, which is for object files. */
static bool header_is_sound(const struct binary *binary)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	unsigned char *ident = wide.e_ident;

	memset(&wide, 0, sizeof(wide));
	if (read_at(binary, 0, &wide, sizeof(narrow)) < 0 || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return false;
	if (ident[EI_CLASS] == ELFCLASS32) {
		memcpy(&narrow, &wide, sizeof(narrow));
		return (narrow.e_shnum != 0 || narrow.e_shoff == 0) && narrow.e_phnum != PN_XNUM;
	}
	if (ident[EI_CLASS] != ELFCLASS64 || read_at(binary, 0, &wide, sizeof(wide)) < 0)
		return false;
	return (wide.e_shnum != 0 || wide.e_shoff == 0) && wide.e_phnum != PN_XNUM;
}

/* Sections by name; false: there is none, or no names that are believed. */
static bool section_find(const struct binary *binary, const char *name, GElf_Shdr *ret_header)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(binary->elf, &names) < 0 ||
	    !gelf_getshdr(elf_getscn(binary->elf, names), &header) || header.sh_size > NAMES_MAX)
		return false;
	while ((section = elf_nextscn(binary->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
			continue;
		found = elf_strptr(binary->elf, names, header.sh_name);
		if (found && strcmp(found, name) == 0) {
			*ret_header = header;
			return true;
		}
	}
	return false;
}

static bool address_offset(const struct binary *binary, uint64_t address, uint64_t *ret_offset)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(binary->elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(binary->elf, (int)i, &header))
			return false;
		if (header.p_type == PT_LOAD && address >= header.p_vaddr &&
		    address - header.p_vaddr < header.p_filesz)
			return !__builtin_add_overflow(address - header.p_vaddr, header.p_offset, ret_offset);
	}
	return false;
}

/* In a program without sections the information stands at the begin of what can be written. */
static bool go_search(const struct binary *binary, uint64_t *ret_offset)
{
	_cleanup_(freep) char *data = malloc(GO_SEARCHED);
	GElf_Phdr header;
	size_t count;

	if (!data || elf_getphdrnum(binary->elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t len = GO_SEARCHED;

		if (!gelf_getphdr(binary->elf, (int)i, &header))
			return false;
		if (header.p_type != PT_LOAD || !(header.p_flags & PF_W))
			continue;
		if (header.p_filesz < len)
			len = (size_t)header.p_filesz;
		if (read_at(binary, header.p_offset, data, len) < 0)
			return false;
		for (size_t at = 0; at + GO_HEADER <= len; at += 16) {
			if (memcmp(data + at, GO_MAGIC, sizeof(GO_MAGIC) - 1) == 0) {
				*ret_offset = header.p_offset + at;
				return true;
			}
		}
		return false;
	}
	return false;
}

/* A length in the encoding of Go's binary.Uvarint, and as many bytes. */
static int go_inline(const struct binary *binary, uint64_t *offset, struct buf *out)
{
	uint64_t len = 0;

	for (unsigned int shift = 0; shift < 35; shift += 7) {
		unsigned char byte;
		int r = read_at(binary, (*offset)++, &byte, 1);

		if (r < 0)
			return r;
		len |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		r = append_at(binary, *offset, len, out);
		*offset += len;
		return r;
	}
	return -EBADMSG;
}

static uint64_t go_number(const unsigned char *data, size_t size, bool big)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | data[big ? i : size - 1 - i];
	return value;
}

/* Until Go 1.17: the address of a string's header, which is an address and a length. 0 = no string. */
static int go_pointed(const struct binary *binary, const unsigned char *pointer, size_t size, bool big,
		      struct buf *out)
{
	uint64_t address = go_number(pointer, size, big), offset;
	unsigned char header[16];
	int r;

	if (address == 0)
		return 0;
	if (!address_offset(binary, address, &offset))
		return -EBADMSG;
	r = read_at(binary, offset, header, 2 * size);
	if (r < 0 || go_number(header + size, size, big) == 0)
		return r;
	if (!address_offset(binary, go_number(header, size, big), &offset))
		return -EBADMSG;
	return append_at(binary, offset, go_number(header + size, size, big), out);
}

/* The modules stand between two marks of 16 bytes. */
static void go_unwrap(struct buf *modules)
{
	if (modules->len > 2 * GO_WRAPPED && modules->data[modules->len - GO_WRAPPED - 1] == '\n') {
		modules->len -= 2 * GO_WRAPPED;
		memmove(modules->data, modules->data + GO_WRAPPED, modules->len);
	} else {
		buf_clear(modules);
	}
}

static int go_read(const struct binary *binary, struct binary_info *info)
{
	unsigned char header[GO_HEADER];
	GElf_Shdr section;
	uint64_t offset = 0;
	size_t size;
	int r;

	if (section_find(binary, ".go.buildinfo", &section))
		offset = section.sh_offset;
	else if (!go_search(binary, &offset))
		return 0;
	r = read_at(binary, offset, header, sizeof(header));
	if (r < 0 || memcmp(header, GO_MAGIC, sizeof(GO_MAGIC) - 1) != 0)
		return r < 0 ? r : -EBADMSG;
	if (header[15] & FLAG_INLINE) {
		offset += GO_HEADER;
		r = go_inline(binary, &offset, &info->go_version);
		if (r >= 0)
			r = go_inline(binary, &offset, &info->go_modules);
	} else {
		size = header[14];
		if (size != 4 && size != 8)
			return -EBADMSG;
		r = go_pointed(binary, header + 16, size, header[15] & FLAG_BIG_ENDIAN, &info->go_version);
		if (r >= 0)
			r = go_pointed(binary, header + 16 + size, size, header[15] & FLAG_BIG_ENDIAN,
				       &info->go_modules);
	}
	if (r >= 0)
		go_unwrap(&info->go_modules);
	return r;
}

static int unpack(struct str packed, struct buf *out)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.len };
	char block[16384];
	int r = 0, got = Z_OK;

	if (inflateInit(&stream) != Z_OK)
		return -ENOMEM;
	while (r >= 0 && got == Z_OK) {
		stream.next_out = (Bytef *)block;
		stream.avail_out = sizeof(block);
		got = inflate(&stream, Z_NO_FLUSH);
		if (got == Z_OK || got == Z_STREAM_END)
			r = buf_append(out, block, sizeof(block) - stream.avail_out);
	}
	inflateEnd(&stream);
	if (r < 0)
		return r == -E2BIG ? -EBADMSG : r;
	return got == Z_STREAM_END ? 0 : -EBADMSG;
}

static int rust_read(const struct binary *binary, struct binary_info *info)
{
	_cleanup_(buf_done) struct buf packed = BUF_MAX(PACKED_MAX);
	GElf_Shdr section;
	int r;

	if (!section_find(binary, ".dep-v0", &section))
		return 0;
	r = append_at(binary, section.sh_offset, section.sh_size, &packed);
	return r < 0 ? r : unpack(buf_str(&packed), &info->rust);
}

int binary_read(int fd, struct binary_info *ret_info, const char **ret_why)
{
	_cleanup_(binary_info_done) struct binary_info info = BINARY_INFO_EMPTY;
	_cleanup_(elf_done) Elf *elf = NULL;
	struct binary binary = { .fd = fd };
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > BINARY_FILE_MAX)
		return -ENOEXEC;
	binary.size = (uint64_t)status.st_size;
	if (!header_is_sound(&binary) || elf_version(EV_CURRENT) == EV_NONE)
		return -ENOEXEC;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return -ENOEXEC;
	binary.elf = elf;
	*ret_why = "its build information of Go is bent";
	r = go_read(&binary, &info);
	if (r < 0)
		return r;
	*ret_why = "its list of Rust crates is bent";
	r = rust_read(&binary, &info);
	if (r < 0)
		return r;
	*ret_info = info;
	info = BINARY_INFO_EMPTY;
	return 0;
}
