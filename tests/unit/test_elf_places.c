/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From places in this very program to its functions, and whether these keep a frame pointer, against what the compiler was
 * told; by the table for unwinding, without it, in files that are cut, and in ones that lie.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolve/elf.h"
#include "resolve/elf_frame.h"
#include "resolve/elf_places.h"

#define NOT_INLINE __attribute__((noinline))

static const void *volatile returns_to; /* of the last call of where() */

int keeps_a_frame(int number);
int keeps_no_frame(int number);

NOT_INLINE static int where(int number)
{
	returns_to = __builtin_return_address(0);
	__asm__ volatile("" : "+r"(number));
	return number;
}

NOT_INLINE __attribute__((optimize("no-omit-frame-pointer"))) int keeps_a_frame(int number)
{
	int got = where(number);

	__asm__ volatile("" : "+r"(got));
	return got + 1;
}

/* Its frame pointer's register holds a number, as any other. */
NOT_INLINE __attribute__((optimize("omit-frame-pointer"))) int keeps_no_frame(int number)
{
	int got = where(number);

	__asm__ volatile("" : "+r"(got));
	return got + 1;
}

static uint64_t offset_of(const void *address)
{
	unsigned long start, end, offset;
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t found = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    (uintptr_t)address >= start && (uintptr_t)address < end)
			found = (uintptr_t)address - start + offset;
	}
	fclose(maps);
	return found;
}

static uint64_t place_in(int (*function)(int number))
{
	assert_int_equal(function(1), 2);
	return offset_of((const void *)returns_to);
}

/* A copy of this program that can be written to. */
static int own_copy(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("copy", MFD_CLOEXEC);
	char room[65536];
	ssize_t n;

	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, room, sizeof(room))) > 0)
		assert_int_equal(write(to, room, (size_t)n), n);
	close(from);
	return to;
}

static void a_place_is_in_its_function(void **state)
{
	struct elf_places *places = NULL;
	uint64_t place = place_in(keeps_a_frame), start = 0;
	int fd = own_copy();

	(void)state;
	assert_int_equal(elf_places_open(fd, NULL, SIZE_MAX, &places), 0);
	assert_string_equal(elf_places_find(places, place - 1, &start), "keeps_a_frame");
	assert_int_equal(start, offset_of((const void *)(uintptr_t)keeps_a_frame));
	assert_string_equal(elf_places_find(places, start, &start), "keeps_a_frame");
	assert_null(elf_places_find(places, 0, &start));
	assert_null(elf_places_find(places, UINT64_MAX, &start));
	assert_true(elf_places_bytes(places) > 1000);
	place = elf_places_bytes(places);
	elf_places_close(places);
	assert_int_equal(elf_places_open(fd, NULL, place - 1, &places), -E2BIG);
	assert_int_equal(elf_places_open(fd, NULL, place, &places), 0);
	elf_places_close(places);
	close(fd);
}

/* Every function that the file names, by its own first byte, its last, and the one behind. */
static void each_function_holds_what_is_its_own(void **state)
{
	struct elf_functions *functions = NULL;
	struct elf_places *places = NULL;
	const struct elf_function *all;
	int fd = own_copy();
	uint64_t start;
	size_t count, sized = 0;

	(void)state;
	assert_int_equal(elf_functions_open(fd, NULL, &functions), 0);
	assert_int_equal(elf_places_open(fd, NULL, SIZE_MAX, &places), 0);
	count = elf_functions_all(functions, &all);
	for (size_t i = 0; i < count; i++) {
		if (all[i].size == 0)
			continue;
		sized++;
		assert_non_null(elf_places_find(places, all[i].offset, &start));
		assert_int_equal(start, all[i].offset);
		assert_non_null(elf_places_find(places, all[i].offset + all[i].size - 1, &start));
		(void)elf_places_find(places, all[i].offset + all[i].size, &start);
	}
	assert_true(sized > 5);
	elf_functions_close(functions);
	elf_places_close(places);
	close(fd);
}

static void who_keeps_a_frame_pointer_is_known(void **state)
{
	uint64_t with = place_in(keeps_a_frame), without = place_in(keeps_no_frame);
	int fd = own_copy();

	(void)state;
	assert_true(elf_keeps_frame(fd, with, ELF_START_UNKNOWN));
#if defined(__x86_64__)
	assert_false(elf_keeps_frame(fd, without, ELF_START_UNKNOWN));
	/* Before its first instruction it does not keep one yet. */
	assert_false(
		elf_keeps_frame(fd, offset_of((const void *)(uintptr_t)keeps_a_frame) + 1, ELF_START_UNKNOWN));
#else
	(void)without;
#endif
	assert_false(elf_keeps_frame(fd, 0, ELF_START_UNKNOWN));
	assert_false(elf_keeps_frame(fd, 1, ELF_START_UNKNOWN));
	assert_false(elf_keeps_frame(fd, UINT64_MAX, ELF_START_UNKNOWN));
	close(fd);
}

/* Changes the table of segments: the one for unwinding is no more. */
static void forget_unwinding(int fd)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		assert_int_equal(pread(fd, &segment, sizeof(segment), at), sizeof(segment));
		if (segment.p_type != PT_GNU_EH_FRAME)
			continue;
		segment.p_type = PT_NULL;
		assert_int_equal(pwrite(fd, &segment, sizeof(segment), at), sizeof(segment));
	}
}

static void without_a_table_the_first_instructions_tell(void **state)
{
	uint64_t with = place_in(keeps_a_frame), without = place_in(keeps_no_frame);
	int fd = own_copy();

	(void)state;
	forget_unwinding(fd);
	assert_false(elf_keeps_frame(fd, with, ELF_START_UNKNOWN));
	assert_true(elf_keeps_frame(fd, with, offset_of((const void *)(uintptr_t)keeps_a_frame)));
#if defined(__x86_64__)
	assert_false(elf_keeps_frame(fd, without, offset_of((const void *)(uintptr_t)keeps_no_frame)));
#else
	(void)without;
#endif
	assert_false(elf_keeps_frame(fd, with, with));
	close(fd);
}

/* Cut anywhere, and with any byte of the tables turned around: an answer, whichever. */
static void files_that_lie_get_an_answer(void **state)
{
	uint64_t with = place_in(keeps_a_frame);
	int fd = own_copy();
	struct stat status;
	unsigned char byte;
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	off_t at;

	(void)state;
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		at = (off_t)(header.e_phoff + i * sizeof(segment));
		assert_int_equal(pread(fd, &segment, sizeof(segment), at), sizeof(segment));
		if (segment.p_type == PT_GNU_EH_FRAME)
			break;
	}
	assert_int_equal(segment.p_type, PT_GNU_EH_FRAME);
	for (off_t i = 0; i < 4000; i++) {
		at = i < 1000 ? i : (off_t)segment.p_offset + i - 1000;
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0xff;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		(void)elf_keeps_frame(fd, with, ELF_START_UNKNOWN);
		byte ^= 0xff;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_true(elf_keeps_frame(fd, with, ELF_START_UNKNOWN));
	assert_int_equal(fstat(fd, &status), 0);
	for (off_t size = status.st_size; size > 0; size = size * 7 / 8) {
		assert_int_equal(ftruncate(fd, size), 0);
		(void)elf_keeps_frame(fd, with, ELF_START_UNKNOWN);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_is_in_its_function),
		cmocka_unit_test(each_function_holds_what_is_its_own),
		cmocka_unit_test(who_keeps_a_frame_pointer_is_known),
		cmocka_unit_test(without_a_table_the_first_instructions_tell),
		cmocka_unit_test(files_that_lie_get_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
