// SPDX-License-Identifier: Apache-2.0
/*
 * Where the functions of a file lie, by all the tables that may name them. Nothing is mapped: the file may be cut short
 * by its owner while it is read, which a mapping would answer with SIGBUS. An elf_functions owns copies of the names,
 * so that it outlives every file it was made from.
 */

#include "resolve/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"
#include "resolve/elf_symbols.h"

#define NAMES_MAX (32u << 20) /* bytes of names of one file */
#define DEBUGDATA_MAX (32u << 20) /* unpacked */
#define SEGMENTS_MAX 64 /* executable ones */

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#else
#error "what is this machine's number in an ELF file?"
#endif

struct segment {
	uint64_t address, offset, size;
};

struct elf_functions {
	struct elf_function *all;
	size_t count;
	char *names; /* owned, NUL-ended each */
	struct segment segments[SEGMENTS_MAX];
	size_t n_segments;
};

/* A function while they are gathered: names move while their buffer grows. */
struct gathered {
	size_t name;
	uint64_t offset, size;
};

struct gathering {
	struct segment segments[SEGMENTS_MAX];
	size_t n_segments;
	struct buf names;
	struct buf functions; /* struct gathered */
};

static void elf_endp(Elf **elf)
{
	elf_end(*elf);
}

/*
 * libelf makes room for all sections when it opens a file. 65,535 are bearable; the extended numbering beyond is for
 * object files, and a way to ask for gigabytes.
 */
static int header_check(const void *bytes, size_t len)
{
	const unsigned char *ident = bytes;
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;

	if (len < sizeof(narrow) || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (ident[EI_CLASS] == ELFCLASS32) {
		memcpy(&narrow, bytes, sizeof(narrow));
		return (narrow.e_shnum == 0 && narrow.e_shoff != 0) || narrow.e_phnum == PN_XNUM ? -ENOEXEC : 0;
	}
	if (ident[EI_CLASS] != ELFCLASS64 || len < sizeof(wide))
		return -ENOEXEC;
	memcpy(&wide, bytes, sizeof(wide));
	return (wide.e_shnum == 0 && wide.e_shoff != 0) || wide.e_phnum == PN_XNUM ? -ENOEXEC : 0;
}

int elf_header_check_bytes(struct str bytes)
{
	return header_check(bytes.data, bytes.len);
}

int elf_header_check(int fd)
{
	unsigned char bytes[sizeof(Elf64_Ehdr)];
	struct stat status;
	ssize_t n;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > ELF_FILE_MAX)
		return -ENOEXEC;
	n = pread(fd, bytes, sizeof(bytes), 0);
	return n < 0 ? -errno : header_check(bytes, (size_t)n);
}

/* NULL: not an ELF file that we read. */
static Elf *file_open(int fd)
{
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE || elf_header_check(fd) < 0)
		return NULL;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		return elf;
	elf_end(elf);
	return NULL;
}

static int segments_read(Elf *elf, struct gathering *gathering)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count) < 0)
		return -ENOEXEC;
	for (size_t i = 0; i < count && gathering->n_segments < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf, (int)i, &header))
			return -ENOEXEC;
		if (header.p_type == PT_LOAD && header.p_flags & PF_X)
			gathering->segments[gathering->n_segments++] =
				(struct segment) { header.p_vaddr, header.p_offset, header.p_filesz };
	}
	return 0;
}

static bool segment_offset(const struct gathering *gathering, uint64_t address, uint64_t *ret_offset)
{
	for (size_t i = 0; i < gathering->n_segments; i++) {
		const struct segment *segment = &gathering->segments[i];

		if (address >= segment->address && address - segment->address < segment->size)
			return !__builtin_add_overflow(address - segment->address, segment->offset, ret_offset);
	}
	return false;
}

static int gather(void *user, struct str name, uint64_t address, uint64_t size)
{
	struct gathering *gathering = user;
	struct gathered function = { .name = gathering->names.len, .size = size };
	int r;

	if (!segment_offset(gathering, address, &function.offset))
		return 0;
	r = buf_append_str(&gathering->names, name);
	if (r >= 0)
		r = buf_append(&gathering->names, "", 1);
	return r < 0 ? r : buf_append(&gathering->functions, &function, sizeof(function));
}

/* .gnu_debugdata holds an ELF file whose addresses are the outer one's. One that is broken names nothing. */
static int gather_debugdata(Elf *elf, struct gathering *gathering, bool *ret_found)
{
	_cleanup_(buf_done) struct buf image = BUF_MAX(DEBUGDATA_MAX);
	_cleanup_(elf_endp) Elf *inner = NULL;
	int r = elf_debugdata(elf, &image);

	if (r == -ENOMEM)
		return r;
	if (r < 0 || elf_header_check_bytes(buf_str(&image)) < 0)
		return 0;
	inner = elf_memory(image.data, image.len);
	if (!inner || elf_kind(inner) != ELF_K_ELF)
		return 0;
	r = elf_symbols_visit(inner, SHT_SYMTAB, gather, gathering, ret_found);
	return r == -ENOEXEC ? 0 : r;
}

/* The debug file that bears the same build id. */
static int debug_file_open(int fd, const char *directory)
{
	struct elf_build_id id, its_id;
	char path[4096], hex[2 * ELF_BUILD_ID_MAX + 1];
	int debug, n;

	if (elf_build_id(fd, &id) < 0 || id.len < 2)
		return -ENOENT;
	text_hex(id.bytes, id.len, hex);
	n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", directory, hex, hex + 2);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	debug = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (debug < 0)
		return -errno;
	if (elf_build_id(debug, &its_id) == 0 && its_id.len == id.len &&
	    memcmp(its_id.bytes, id.bytes, id.len) == 0)
		return debug;
	close(debug);
	return -ENOENT;
}

static int gather_debug_file(int fd, const char *directory, struct gathering *gathering)
{
	_cleanup_(closep) int debug = debug_file_open(fd, directory);
	_cleanup_(elf_endp) Elf *elf = debug < 0 ? NULL : file_open(debug);
	int r = elf ? elf_symbols_visit(elf, SHT_SYMTAB, gather, gathering, NULL) : 0;

	return r == -ENOEXEC ? 0 : r;
}

static int gather_all(int fd, const char *debug_directory, struct gathering *gathering)
{
	_cleanup_(elf_endp) Elf *elf = file_open(fd);
	bool found = false;
	int r;

	if (!elf)
		return -ENOEXEC;
	r = segments_read(elf, gathering);
	if (r == 0)
		r = elf_symbols_visit(elf, SHT_DYNSYM, gather, gathering, NULL);
	if (r == 0)
		r = elf_symbols_visit(elf, SHT_SYMTAB, gather, gathering, &found);
	if (r == 0 && !found)
		r = gather_debugdata(elf, gathering, &found);
	if (r == 0 && !found && debug_directory)
		r = gather_debug_file(fd, debug_directory, gathering);
	return r;
}

static int function_compare(const void *left, const void *right)
{
	const struct elf_function *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static int functions_sort(struct gathering *gathering, struct elf_functions *functions)
{
	const struct gathered *gathered = (const void *)gathering->functions.data;
	size_t count = gathering->functions.len / sizeof(*gathered), kept = 0;

	memcpy(functions->segments, gathering->segments, sizeof(functions->segments));
	functions->n_segments = gathering->n_segments;
	functions->names = TAKE(gathering->names.data);
	functions->all = calloc(count > 0 ? count : 1, sizeof(*functions->all));
	if (!functions->all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		functions->all[i] = (struct elf_function) { functions->names + gathered[i].name,
							    gathered[i].offset, gathered[i].size };
	if (count > 0)
		qsort(functions->all, count, sizeof(*functions->all), function_compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || function_compare(&functions->all[kept - 1], &functions->all[i]) != 0)
			functions->all[kept++] = functions->all[i];
	}
	functions->count = kept;
	return 0;
}

int elf_functions_open(int fd, const char *debug_directory, struct elf_functions **ret_functions)
{
	_cleanup_(elf_functions_closep) struct elf_functions *functions = calloc(1, sizeof(*functions));
	struct gathering gathering = { .names = BUF_MAX(NAMES_MAX),
				       .functions = BUF_MAX(ELF_FUNCTIONS_MAX * sizeof(struct gathered)) };
	int r = functions ? gather_all(fd, debug_directory, &gathering) : -ENOMEM;

	if (r >= 0)
		r = functions_sort(&gathering, functions);
	buf_done(&gathering.names);
	buf_done(&gathering.functions);
	if (r < 0)
		return r;
	*ret_functions = TAKE(functions);
	return 0;
}

void elf_functions_close(struct elf_functions *functions)
{
	if (!functions)
		return;
	free(functions->all);
	free(functions->names);
	free(functions);
}

size_t elf_functions_all(const struct elf_functions *functions, const struct elf_function **ret_all)
{
	*ret_all = functions->all;
	return functions->count;
}

const struct elf_function *elf_functions_find(const struct elf_functions *functions, struct str name)
{
	size_t low = 0, high = functions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *its = functions->all[middle].name;
		int order = strncmp(its, name.data, name.len);

		if (order < 0)
			low = middle + 1;
		else
			high = middle; /* equal, or longer: the first of them is wanted */
	}
	if (low < functions->count && str_equal(str_of(functions->all[low].name), name))
		return &functions->all[low];
	return NULL;
}

bool elf_functions_cover(const struct elf_functions *functions, uint64_t offset)
{
	for (size_t i = 0; i < functions->n_segments; i++) {
		const struct segment *segment = &functions->segments[i];

		if (offset >= segment->offset && offset - segment->offset < segment->size)
			return true;
	}
	return false;
}

static int is_one_of(void *user, struct str name, uint64_t address, uint64_t size)
{
	(void)address;
	(void)size;
	for (const char *const *at = user; *at; at++) {
		if (str_equal(name, str_of(*at)))
			return 1;
	}
	return 0;
}

bool elf_defines(int fd, const char *const *names)
{
	_cleanup_(elf_endp) Elf *elf = file_open(fd);
	GElf_Ehdr header;

	if (!elf || !gelf_getehdr(elf, &header) || header.e_machine != NATIVE_MACHINE ||
	    gelf_getclass(elf) != ELFCLASS64)
		return false;
	return elf_symbols_visit(elf, SHT_DYNSYM, is_one_of, (void *)names, NULL) > 0 ||
	       elf_symbols_visit(elf, SHT_SYMTAB, is_one_of, (void *)names, NULL) > 0;
}
