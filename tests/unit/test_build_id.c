/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build ids out of files that somebody else made: notes that lie, and files that are not what was mapped. And how they
 * come into the records, with the arguments of programs that ran before us.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe/annotate.h"
#include "wire/records.h"

#define NATIVE_ORDER (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB)
#define ID "0123456789abcdefghij"

static char folder[] = "/tmp/stella-build-id-XXXXXX";

/* The smallest file with a build id. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Nhdr note;
	char name[4];
	char id[ELF_BUILD_ID_MAX + 4];
};

static struct image image_whole(void)
{
	struct image image = {
		.header = { .e_ident = ELFMAG,
			    .e_phoff = offsetof(struct image, segment),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 1 },
		.segment = { .p_type = PT_NOTE, .p_offset = offsetof(struct image, note), .p_align = 4 },
		.note = { .n_namesz = 4, .n_descsz = ELF_BUILD_ID_MAX, .n_type = NT_GNU_BUILD_ID },
		.name = ELF_NOTE_GNU,
		.id = ID,
	};

	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_ident[EI_DATA] = NATIVE_ORDER;
	image.header.e_ident[EI_VERSION] = EV_CURRENT;
	image.segment.p_filesz = sizeof(image) - offsetof(struct image, note);
	return image;
}

static int memory_file(const void *data, size_t len)
{
	int fd = memfd_create("build-id", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

/* -ENOEXEC, or how long the id is. */
static int id_length(const void *data, size_t len)
{
	_cleanup_(closep) int fd = memory_file(data, len);
	struct elf_build_id id = { .len = 99 };
	int r = elf_build_id(fd, &id);

	if (r < 0) {
		assert_int_equal(id.len, 99);
		return r;
	}
	assert_true(id.len <= ELF_BUILD_ID_MAX);
	if (id.len > 0)
		assert_memory_equal(id.bytes, ID, id.len);
	return id.len;
}

#define CHANGED(member, value, want)                                          \
	do {                                                                  \
		struct image image_ = image_whole();                          \
		image_.member = (value);                                      \
		assert_int_equal(id_length(&image_, sizeof(image_)), (want)); \
	} while (0)

static void what_is_no_elf_file_is_refused(void **state)
{
	struct image image = image_whole();

	(void)state;
	assert_int_equal(id_length(&image, sizeof(image)), ELF_BUILD_ID_MAX);
	assert_int_equal(id_length("", 0), -ENOEXEC);
	assert_int_equal(id_length("#!/bin/sh\nexit 0\n", 17), -ENOEXEC);
	assert_int_equal(id_length(&image, sizeof(image.header) - 1), -ENOEXEC);
	CHANGED(header.e_ident[0], 'E', -ENOEXEC);
	CHANGED(header.e_ident[EI_DATA], 3 - NATIVE_ORDER, -ENOEXEC);
	CHANGED(header.e_ident[EI_CLASS], ELFCLASS32, -ENOEXEC); /* then its entries have another size */
	CHANGED(header.e_phentsize, sizeof(Elf64_Phdr) + 1, -ENOEXEC);
	CHANGED(header.e_phnum, 257, -ENOEXEC);
}

static void what_lies_has_no_build_id(void **state)
{
	struct image image = image_whole();

	(void)state;
	for (size_t cut = sizeof(image.header); cut < sizeof(image); cut++)
		assert_int_equal(id_length(&image, cut), 0);
	CHANGED(header.e_phnum, 0, 0);
	CHANGED(header.e_phoff, 1ull << 40, 0);
	CHANGED(header.e_phoff, UINT64_MAX, 0);
	CHANGED(segment.p_type, PT_LOAD, 0);
	CHANGED(segment.p_offset, UINT64_MAX, 0);
	CHANGED(segment.p_filesz, UINT64_MAX, 0);
	CHANGED(segment.p_filesz, 65537, 0);
	CHANGED(segment.p_filesz, sizeof(Elf64_Nhdr), 0);
	CHANGED(note.n_namesz, 5, 0);
	CHANGED(note.n_namesz, UINT32_MAX, 0);
	CHANGED(note.n_descsz, 0, 0);
	CHANGED(note.n_descsz, ELF_BUILD_ID_MAX + 1, 0);
	CHANGED(note.n_descsz, UINT32_MAX, 0);
	CHANGED(note.n_type, NT_GNU_ABI_TAG, 0);
	CHANGED(name[3], 'x', 0);
	/* Shorter ones are no lie. */
	CHANGED(note.n_descsz, 1, 1);
	CHANGED(segment.p_align, 8, ELF_BUILD_ID_MAX);
	CHANGED(segment.p_align, 0, ELF_BUILD_ID_MAX);
}

/* ---- files that are mapped ---- */

struct mapped {
	char path[128];
	int fd;
	void *at;
	struct mapped_file file;
};

static struct mapped map_file(const char *name)
{
	struct image image = image_whole();
	struct mapped mapped = { .fd = -1 };
	struct stat info;

	snprintf(mapped.path, sizeof(mapped.path), "%s/%s", folder, name);
	mapped.fd = open(mapped.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	assert_true(mapped.fd >= 0);
	assert_int_equal(write(mapped.fd, &image, sizeof(image)), sizeof(image));
	mapped.at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, mapped.fd, 0);
	assert_ptr_not_equal(mapped.at, MAP_FAILED);
	assert_int_equal(fstat(mapped.fd, &info), 0);
	mapped.file = (struct mapped_file) {
		.identity = { info.st_ino, (uint64_t)info.st_ctim.tv_sec, (uint32_t)info.st_ctim.tv_nsec,
			      major(info.st_dev), minor(info.st_dev) },
		.pid = (uint32_t)getpid(),
		.path = str_of(mapped.path),
	};
	return mapped;
}

static void unmap_file(struct mapped *mapped)
{
	munmap(mapped->at, 4096);
	close(mapped->fd);
	unlink(mapped->path);
}

/* `file.path` is the caller's, as a structure may have moved. */
static bool finds(struct build_ids *ids, struct mapped_file file, const char *path)
{
	struct elf_build_id id = { .len = 0 };

	file.path = path ? str_of(path) : (struct str) { 0 };
	if (!build_ids_find(ids, &file, &id))
		return false;
	assert_int_equal(id.len, ELF_BUILD_ID_MAX);
	assert_memory_equal(id.bytes, ID, ELF_BUILD_ID_MAX);
	return true;
}

static void by_name_only_the_mapped_file_itself(void **state)
{
	_cleanup_(build_ids_freep) struct build_ids *ids = NULL;
	struct mapped mapped = map_file("library");
	struct mapped_file other = mapped.file;
	char link[160], absent[160];

	(void)state;
	assert_int_equal(build_ids_new(&ids), 0);
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(absent, sizeof(absent), "%s/absent", folder);
	assert_int_equal(symlink(mapped.path, link), 0);
	assert_false(finds(ids, mapped.file, NULL));
	assert_false(finds(ids, mapped.file, absent));
	assert_false(finds(ids, mapped.file, link));
	other.identity.inode++;
	assert_false(finds(ids, other, mapped.path));
	other = mapped.file;
	other.identity.changed_ns ^= 1;
	assert_false(finds(ids, other, mapped.path));
	assert_int_equal(build_ids_totals(ids)->unknown, 5);
	assert_true(finds(ids, mapped.file, mapped.path));
	assert_int_equal(build_ids_totals(ids)->kept, 0);
	assert_true(finds(ids, mapped.file, NULL)); /* it is known now */
	assert_int_equal(build_ids_totals(ids)->kept, 1);
	assert_int_equal(build_ids_totals(ids)->asked, 7);
	unlink(link);
	unmap_file(&mapped);
}

/* Opening it would wait for a writer for ever. */
static void a_fifo_in_its_place_holds_nobody_up(void **state)
{
	_cleanup_(build_ids_freep) struct build_ids *ids = NULL;
	struct mapped_file file = { .pid = (uint32_t)getpid() };
	struct stat info;
	char path[160];

	(void)state;
	assert_int_equal(build_ids_new(&ids), 0);
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(stat(path, &info), 0);
	file.identity = (struct file_identity) { info.st_ino, (uint64_t)info.st_ctim.tv_sec,
						 (uint32_t)info.st_ctim.tv_nsec, major(info.st_dev),
						 minor(info.st_dev) };
	assert_false(finds(ids, file, path));
	unlink(path);
}

static void by_its_mapping_whatever_became_of_its_name(void **state)
{
	_cleanup_(build_ids_freep) struct build_ids *ids = NULL;
	struct mapped mapped = map_file("library");
	struct mapped_file other;

	(void)state;
	if (geteuid() != 0) {
		print_message("# skip: /proc/PID/map_files needs root\n");
		unmap_file(&mapped);
		skip();
	}
	assert_int_equal(build_ids_new(&ids), 0);
	mapped.file.start = (uintptr_t)mapped.at;
	mapped.file.end = mapped.file.start + 4096;
	assert_int_equal(unlink(mapped.path), 0);
	/* Unlinking changed the file's time: the answer is right, and not kept. */
	assert_true(finds(ids, mapped.file, NULL));
	assert_true(finds(ids, mapped.file, NULL));
	assert_int_equal(build_ids_totals(ids)->kept, 0);
	other = mapped.file;
	other.identity.inode++; /* another file lies there now */
	assert_false(finds(ids, other, NULL));
	unmap_file(&mapped);
	assert_false(finds(ids, mapped.file, NULL));
}

/* Of more files than the table holds, the latest are known. */
static void the_table_has_an_end(void **state)
{
	_cleanup_(build_ids_freep) struct build_ids *ids = NULL;
	struct mapped mapped = map_file("library");
	struct mapped_file file = mapped.file;
	uint64_t kept;

	(void)state;
	assert_int_equal(build_ids_new(&ids), 0);
	for (size_t i = 0; i < 2 * BUILD_IDS_MAX; i++) {
		struct timespec times[2] = { { .tv_sec = (time_t)i }, { .tv_sec = (time_t)i } };
		struct stat info;

		assert_int_equal(futimens(mapped.fd, times), 0); /* a new ctime: to the table another file */
		assert_int_equal(fstat(mapped.fd, &info), 0);
		file.identity.changed_s = (uint64_t)info.st_ctim.tv_sec;
		file.identity.changed_ns = (uint32_t)info.st_ctim.tv_nsec;
		assert_true(finds(ids, file, mapped.path));
	}
	kept = build_ids_totals(ids)->kept; /* times may be coarser than our steps */
	assert_true(finds(ids, file, NULL));
	assert_int_equal(build_ids_totals(ids)->kept, kept + 1);
	assert_true(build_ids_totals(ids)->asked - build_ids_totals(ids)->kept <=
		    BUILD_IDS_MAX + build_ids_totals(ids)->dropped);
	unmap_file(&mapped);
}

/* ---- records ---- */

struct loaded {
	struct wire_library_load fixed;
	char tail[WIRE_PATH_MAX];
};

/* "/tmp/a" -> "a\0tmp\0" */
static uint16_t components_of(const char *path, char *out)
{
	size_t made = 0;

	for (size_t end = strlen(path), at = end; at-- > 0;) {
		if (path[at] != '/')
			continue;
		memcpy(out + made, path + at + 1, end - at - 1);
		made += end - at - 1;
		out[made++] = '\0';
		end = at;
	}
	return (uint16_t)made;
}

static struct loaded load_of(const struct mapped *mapped)
{
	const struct file_identity *identity = &mapped->file.identity;
	struct loaded loaded = {
		.fixed = { .head = { .kind = WIRE_KIND_LIBRARY_LOAD, .pid = (uint32_t)getpid() },
			   .inode = identity->inode,
			   .changed_s = identity->changed_s,
			   .changed_ns = identity->changed_ns,
			   .dev = identity->dev_major << 20 | identity->dev_minor },
	};

	loaded.fixed.path_len = components_of(mapped->path, loaded.tail);
	loaded.fixed.head.size = (uint32_t)sizeof(loaded.fixed) + loaded.fixed.path_len;
	return loaded;
}

/* Is the record handed on as it came? */
static bool is_left(struct annotator *annotator, const void *data, size_t len)
{
	const void *out;
	size_t out_len;

	annotate(annotator, data, len, &out, &out_len);
	return out == data && out_len == len;
}

static void a_library_gets_its_build_id(void **state)
{
	_cleanup_(annotator_freep) struct annotator *annotator = NULL;
	struct mapped mapped = map_file("library");
	struct loaded loaded = load_of(&mapped), wrong = loaded, nowhere = loaded;
	size_t len = loaded.fixed.head.size, out_len;
	struct loaded out = { .fixed.inode = 0 };
	const void *data;

	(void)state;
	assert_int_equal(annotator_new(&annotator), 0);
	nowhere.fixed.head.flags = WIRE_FLAG_PATH_CUT;
	assert_true(is_left(annotator, &nowhere, len));
	wrong.fixed.path_len++;
	assert_true(is_left(annotator, &wrong, len));
	wrong.fixed.path_len = WIRE_PATH_MAX + 1;
	assert_true(is_left(annotator, &wrong, sizeof(wrong.fixed) + WIRE_PATH_MAX + 1));
	wrong = loaded;
	wrong.tail[loaded.fixed.path_len - 1] = 'x'; /* no NUL at its end */
	assert_true(is_left(annotator, &wrong, len));
	for (size_t cut = 0; cut < len; cut++)
		assert_true(is_left(annotator, &loaded, cut));
	annotate(annotator, &loaded, len, &data, &out_len);
	assert_int_equal(out_len, len);
	memcpy(&out, data, len);
	assert_int_equal(out.fixed.build_id_len, ELF_BUILD_ID_MAX);
	assert_memory_equal(out.fixed.build_id, ID, ELF_BUILD_ID_MAX);
	assert_memory_equal(out.tail, loaded.tail, loaded.fixed.path_len);
	assert_int_equal(out.fixed.inode, loaded.fixed.inode);
	unmap_file(&mapped);
}

static void a_program_of_before_gets_its_arguments(void **state)
{
	_cleanup_(annotator_freep) struct annotator *annotator = NULL;
	struct wire_process_exec exec = { .head = { .kind = WIRE_KIND_PROCESS_EXEC,
						    .flags = WIRE_FLAG_AT_START | WIRE_FLAG_NO_ARGV,
						    .size = sizeof(exec),
						    .pid = (uint32_t)getpid() } },
				 later = exec, gone = exec, full = exec, out;
	char arguments[4096];
	const void *data;
	size_t len;
	ssize_t n;
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	(void)state;
	n = read(fd, arguments, sizeof(arguments));
	close(fd);
	assert_true(n > 0 && (size_t)n < sizeof(arguments));
	assert_int_equal(annotator_new(&annotator), 0);
	later.head.flags = WIRE_FLAG_NO_ARGV;
	assert_true(is_left(annotator, &later, sizeof(later)));
	gone.head.pid = INT_MAX; /* more than the kernel gives */
	assert_true(is_left(annotator, &gone, sizeof(gone)));
	full.argv_len = 1;
	assert_true(is_left(annotator, &full, sizeof(full)));
	assert_true(is_left(annotator, &exec, sizeof(exec) - 1));
	annotate(annotator, &exec, sizeof(exec), &data, &len);
	assert_int_equal(len, sizeof(exec) + (size_t)n);
	memcpy(&out, data, sizeof(out));
	assert_int_equal(out.head.size, len);
	assert_int_equal(out.argv_len, n);
	assert_int_equal(out.argv_bytes, n);
	assert_int_equal(out.head.flags, WIRE_FLAG_AT_START);
	assert_memory_equal((const char *)data + sizeof(out), arguments, (size_t)n);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_elf_file_is_refused),
		cmocka_unit_test(what_lies_has_no_build_id),
		cmocka_unit_test(by_name_only_the_mapped_file_itself),
		cmocka_unit_test(a_fifo_in_its_place_holds_nobody_up),
		cmocka_unit_test(by_its_mapping_whatever_became_of_its_name),
		cmocka_unit_test(the_table_has_an_end),
		cmocka_unit_test(a_library_gets_its_build_id),
		cmocka_unit_test(a_program_of_before_gets_its_arguments),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
