// SPDX-License-Identifier: Apache-2.0
/* The file's build id from its notes. Owns nothing. */

#include "resolve/elf.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

static bool note_take(Elf_Data *data, struct elf_build_id *ret_id)
{
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while ((at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp((const char *)data->d_buf + name, "GNU", 4) != 0)
			continue;
		if (note.n_descsz == 0 || note.n_descsz > ELF_BUILD_ID_MAX)
			return false;
		ret_id->len = (uint8_t)note.n_descsz;
		memcpy(ret_id->bytes, (const char *)data->d_buf + desc, note.n_descsz);
		return true;
	}
	return false;
}

int elf_build_id(int fd, struct elf_build_id *ret_id)
{
	struct elf_build_id id = { .len = 0 };
	size_t count = 0;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOSYS;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &count) < 0) {
		elf_end(elf);
		return -ENOEXEC;
	}
	for (size_t i = 0; i < count && id.len == 0; i++) {
		GElf_Phdr header;
		Elf_Data *data;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_NOTE ||
		    header.p_filesz > 1u << 20)
			continue;
		data = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz,
					    header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (data)
			(void)note_take(data, &id);
	}
	elf_end(elf);
	*ret_id = id;
	return 0;
}
