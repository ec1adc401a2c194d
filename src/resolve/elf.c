// SPDX-License-Identifier: Apache-2.0
/*
 * The file's build id from its notes, as its program headers tell where they lie. Reads a few KiB by position and
 * believes no size in them: a sparse file of many TiB with tables to match costs as little as any other. Refuses what
 * is no ELF file of this machine's byte order. Owns nothing.
 */

#include "resolve/elf.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS_MAX 256 /* a linker makes a dozen */
#define NOTES_MAX 65536 /* bytes of one segment */
#define NATIVE_ORDER (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB)

/* Where one kind of thing lies in the file. */
struct extent {
	uint64_t offset, bytes;
};

struct segments {
	uint64_t offset;
	unsigned int count;
	bool wide; /* 64 bit */
};

static bool read_all(int fd, void *data, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, data, len, (off_t)offset) == (ssize_t)len;
}

static int segments_find(int fd, struct segments *ret_segments)
{
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;

	if (!read_all(fd, ident, sizeof(ident), 0) || memcmp(ident, ELFMAG, SELFMAG) != 0 ||
	    ident[EI_DATA] != NATIVE_ORDER)
		return -ENOEXEC;
	if (ident[EI_CLASS] == ELFCLASS64) {
		if (!read_all(fd, &wide, sizeof(wide), 0) || wide.e_phentsize != sizeof(Elf64_Phdr))
			return -ENOEXEC;
		*ret_segments = (struct segments) { wide.e_phoff, wide.e_phnum, true };
	} else {
		if (!read_all(fd, &narrow, sizeof(narrow), 0) || narrow.e_phentsize != sizeof(Elf32_Phdr))
			return -ENOEXEC;
		*ret_segments = (struct segments) { narrow.e_phoff, narrow.e_phnum, false };
	}
	return ret_segments->count > SEGMENTS_MAX ? -ENOEXEC : 0;
}

/* True: segment `i` holds notes, and there they are. */
static bool segment_notes(int fd, const struct segments *segments, unsigned int i, struct extent *ret_notes,
			  size_t *ret_align)
{
	Elf64_Phdr wide;
	Elf32_Phdr narrow;

	if (segments->wide) {
		if (!read_all(fd, &wide, sizeof(wide), segments->offset + i * sizeof(wide)))
			return false;
		*ret_notes = (struct extent) { wide.p_offset, wide.p_filesz };
		*ret_align = wide.p_align == 8 ? 8 : 4;
		return wide.p_type == PT_NOTE;
	}
	if (!read_all(fd, &narrow, sizeof(narrow), segments->offset + i * sizeof(narrow)))
		return false;
	*ret_notes = (struct extent) { narrow.p_offset, narrow.p_filesz };
	*ret_align = 4;
	return narrow.p_type == PT_NOTE;
}

static size_t align_up(size_t value, size_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* The first GNU build id among the notes. */
static bool notes_take(const char *notes, size_t len, size_t align, struct elf_build_id *ret_id)
{
	size_t at = 0;
	Elf64_Nhdr note; /* the same in both widths */

	while (len - at >= sizeof(note)) {
		size_t name, description;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		if (note.n_namesz > len || note.n_descsz > len)
			return false;
		description = align_up(name + note.n_namesz, align);
		if (description > len || note.n_descsz > len - description)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    memcmp(notes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 && note.n_descsz > 0 &&
		    note.n_descsz <= ELF_BUILD_ID_MAX) {
			ret_id->len = (uint8_t)note.n_descsz;
			memcpy(ret_id->bytes, notes + description, note.n_descsz);
			return true;
		}
		at = align_up(description + note.n_descsz, align);
		if (at > len)
			return false;
	}
	return false;
}

int elf_build_id(int fd, struct elf_build_id *ret_id)
{
	_cleanup_(freep) char *notes = NULL;
	struct elf_build_id id = { .len = 0 };
	struct segments segments;
	struct extent extent;
	size_t align;
	int r = segments_find(fd, &segments);

	if (r < 0)
		return r;
	notes = malloc(NOTES_MAX);
	if (!notes)
		return -ENOMEM;
	for (unsigned int i = 0; i < segments.count && id.len == 0; i++) {
		if (!segment_notes(fd, &segments, i, &extent, &align) || extent.bytes > NOTES_MAX ||
		    !read_all(fd, notes, extent.bytes, extent.offset))
			continue;
		(void)notes_take(notes, extent.bytes, align, &id);
	}
	*ret_id = id;
	return 0;
}
