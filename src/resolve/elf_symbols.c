// SPDX-License-Identifier: Apache-2.0
/*
 * Walks symbol tables that may lie: every index is looked up by libelf, which checks it, and every table has a size
 * that is looked at before it is read. Owns nothing.
 */

#include "resolve/elf_symbols.h"

#include <errno.h>
#include <gelf.h>
#include <lzma.h>
#include <string.h>

#include "base/cleanup.h"
#include "resolve/elf.h"

#define TABLE_MAX (16u << 20) /* bytes: 700,000 symbols */
#define DEBUGDATA_MEMORY_MAX (32u << 20) /* of the unpacker; xz -6 needs 9 MiB */
#define VERSION_HIDDEN 0x8000 /* elf.h: not the default version */
#define NAME_LEN_MAX 1024

struct table {
	Elf_Data *symbols;
	Elf_Data *versions; /* NULL = none */
	Elf_Data *names;
	size_t count;
};

/* The section's bytes when they are of a size that is believed. */
static Elf_Data *section_data(Elf *elf, Elf_Scn *section)
{
	GElf_Shdr header;

	(void)elf;
	if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS ||
	    header.sh_size > TABLE_MAX || header.sh_flags & SHF_COMPRESSED)
		return NULL;
	return elf_getdata(section, NULL);
}

/* The table of versions that belongs to a symbol table, by its link. */
static Elf_Data *versions_of(Elf *elf, size_t index)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_GNU_versym &&
		    header.sh_link == index)
			return section_data(elf, section);
	}
	return NULL;
}

static bool table_open(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct table *ret_table)
{
	struct table table = { .symbols = section_data(elf, section) };

	if (!table.symbols || header->sh_entsize == 0)
		return false;
	table.names = section_data(elf, elf_getscn(elf, header->sh_link));
	if (!table.names || !table.names->d_buf)
		return false;
	table.versions = versions_of(elf, elf_ndxscn(section));
	table.count = table.symbols->d_size / gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	*ret_table = table;
	return true;
}

/* The name, without the suffix of a default version. False: no name, or a version that is not the default. */
static bool symbol_name(const struct table *table, const GElf_Sym *symbol, struct str *ret_name)
{
	const char *start = (const char *)table->names->d_buf + symbol->st_name, *end, *at;
	size_t room;

	if (symbol->st_name >= table->names->d_size)
		return false;
	room = table->names->d_size - symbol->st_name;
	end = memchr(start, '\0', room < NAME_LEN_MAX + 1 ? room : NAME_LEN_MAX + 1);
	if (!end || end == start)
		return false;
	at = memchr(start, '@', (size_t)(end - start));
	if (at == start || (at && at[1] != '@'))
		return false;
	*ret_name = (struct str) { start, (size_t)((at ? at : end) - start) };
	return true;
}

static int table_visit(const struct table *table, elf_symbol_fn visit, void *user)
{
	GElf_Versym version;
	GElf_Sym symbol;
	struct str name;
	int r = 0;

	for (size_t i = 1; r == 0 && i < table->count && i <= INT32_MAX; i++) {
		if (!gelf_getsym(table->symbols, (int)i, &symbol))
			return -ENOEXEC;
		if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_value == 0)
			continue;
		if (table->versions && gelf_getversym(table->versions, (int)i, &version) &&
		    version & VERSION_HIDDEN)
			continue;
		if (symbol_name(table, &symbol, &name))
			r = visit(user, name, symbol.st_value, symbol.st_size);
	}
	return r;
}

int elf_symbols_visit(Elf *elf, uint32_t type, elf_symbol_fn visit, void *user, bool *ret_found)
{
	Elf_Scn *section = NULL;
	struct table table;
	GElf_Shdr header;
	bool found = false;
	int r = 0;

	while (r == 0 && (section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != type ||
		    !table_open(elf, section, &header, &table))
			continue;
		found = true;
		r = table_visit(&table, visit, user);
	}
	if (ret_found)
		*ret_found = found;
	return r;
}

static Elf_Data *debugdata_packed(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *name =
			gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

		if (name && strcmp(name, ".gnu_debugdata") == 0)
			return section_data(elf, section);
	}
	return NULL;
}

static int unpack(lzma_stream *stream, struct buf *out)
{
	lzma_ret result = LZMA_OK;
	int r;

	while (result == LZMA_OK) {
		if (out->capacity - out->len < 4096) {
			r = buf_reserve(out, out->len < 65536 ? 65536 : out->len);
			if (r == -E2BIG)
				r = buf_reserve(out, 4096);
			if (r < 0)
				return r;
		}
		stream->next_out = (uint8_t *)out->data + out->len;
		stream->avail_out = out->capacity - out->len;
		result = lzma_code(stream, LZMA_FINISH);
		out->len = out->capacity - stream->avail_out;
	}
	return result == LZMA_STREAM_END ? 0 : result == LZMA_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

int elf_debugdata(Elf *elf, struct buf *out)
{
	const Elf_Data *packed = debugdata_packed(elf);
	lzma_stream stream = LZMA_STREAM_INIT;
	int r;

	if (!packed || !packed->d_buf)
		return -ENOENT;
	if (lzma_stream_decoder(&stream, DEBUGDATA_MEMORY_MAX, 0) != LZMA_OK)
		return -ENOMEM;
	stream.next_in = packed->d_buf;
	stream.avail_in = packed->d_size;
	r = unpack(&stream, out);
	lzma_end(&stream);
	return r;
}
