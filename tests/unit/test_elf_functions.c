/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where functions lie: this very program's, those of the C library against the loader's own answer, a stripped copy
 * with .gnu_debugdata and with a debug file, and files that are cut or lie.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "resolve/elf.h"

static char folder[] = "/tmp/stella-elf-XXXXXX";

__attribute__((noinline)) static int named_locally(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value;
}

/* The file offset of an address in this process, by its own maps; 0 = not mapped from a file. */
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

static struct elf_functions *open_functions(const char *path, const char *debug)
{
	struct elf_functions *functions = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(elf_functions_open(fd, debug, &functions), 0);
	close(fd);
	return functions;
}

static void own_functions_are_where_they_run(void **state)
{
	struct elf_functions *functions = open_functions("/proc/self/exe", NULL);
	const struct elf_function *found = elf_functions_find(functions, STR("named_locally"));

	(void)state;
	assert_int_equal(named_locally(3), 3);
	assert_non_null(found);
	assert_int_equal(found->offset, offset_of((const void *)named_locally));
	assert_true(elf_functions_cover(functions, found->offset));
	assert_false(elf_functions_cover(functions, 0));
	assert_null(elf_functions_find(functions, STR("named_local")));
	assert_null(elf_functions_find(functions, STR("named_locally_")));
	assert_null(elf_functions_find(functions, STR("fopen"))); /* undefined here */
	elf_functions_close(functions);
}

static void the_loader_agrees(void **state)
{
	static const char *const names[] = { "fopen", "getpwnam", "qsort", "pthread_create", "posix_spawn" };
	struct elf_functions *functions;
	Dl_info info;
	void *libc;

	(void)state;
	/* By a function that no sanitizer puts itself in front of. */
	assert_true(dladdr((const void *)gnu_get_libc_version, &info));
	libc = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	assert_non_null(libc);
	functions = open_functions(info.dli_fname, NULL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct elf_function *found = elf_functions_find(functions, str_of(names[i]));

		assert_non_null(found);
		assert_int_equal(found->offset, offset_of(dlsym(libc, names[i])));
	}
#if defined(__x86_64__)
	assert_null(elf_functions_find(functions, STR("memcpy"))); /* a resolver */
#endif
	elf_functions_close(functions);
	dlclose(libc);
}

static void run(const char *command)
{
	char line[2048];

	snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1", folder, command);
	if (system(line) != 0)
		fail_msg("failed: %s", command);
}

static void a_stripped_file_is_named_by_what_belongs_to_it(void **state)
{
	char path[128], debug[128];
	struct elf_functions *functions;

	(void)state;
	run("printf 'static __attribute__((noinline)) int inner(int x) { __asm__ volatile(\"\"); return x; }\\n"
	    "int main(int c, char **v) { (void)v; return inner(c); }\\n' >a.c && gcc -O1 -Wl,--build-id -o "
	    "whole a.c &&"
	    "objcopy --only-keep-debug whole whole.debug && strip -o bare whole &&"
	    "xz -k whole.debug && objcopy --add-section .gnu_debugdata=whole.debug.xz bare mini &&"
	    "id=$(readelf -n whole | sed -n 's/.*Build ID: //p') && d=.build-id/$(echo $id | cut -c1-2) &&"
	    "mkdir -p $d && cp whole.debug $d/$(echo $id | cut -c3-).debug");
	snprintf(debug, sizeof(debug), "%s", folder);
	snprintf(path, sizeof(path), "%s/bare", folder);
	functions = open_functions(path, NULL);
	assert_null(elf_functions_find(functions, STR("inner")));
	elf_functions_close(functions);
	functions = open_functions(path, debug);
	assert_non_null(elf_functions_find(functions, STR("inner")));
	elf_functions_close(functions);
	snprintf(path, sizeof(path), "%s/mini", folder);
	functions = open_functions(path, NULL);
	assert_non_null(elf_functions_find(functions, STR("inner")));
	elf_functions_close(functions);
}

static void a_library_says_its_soname(void **state)
{
	char name[ELF_SONAME_MAX + 1], path[128];
	int fd;

	(void)state;
	run("echo 'int f(void) { return 1; }' | gcc -shared -fPIC -xc - -Wl,-soname,libf.so.1 -o libf.so.1.2.3 "
	    "&&"
	    "echo 'int f(void) { return 1; }' | gcc -shared -fPIC -xc - -o libnameless.so");
	snprintf(path, sizeof(path), "%s/libf.so.1.2.3", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(elf_soname(fd, name));
	assert_string_equal(name, "libf.so.1");
	close(fd);
	snprintf(path, sizeof(path), "%s/libnameless.so", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_false(elf_soname(fd, name));
	assert_string_equal(name, "");
	close(fd);
}

static int memory_file(const void *data, size_t len)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static void what_lies_is_no_file_of_ours(void **state)
{
	static const char *const names[] = { "main", NULL };
	struct elf_functions *functions = NULL;
	ElfW(Ehdr) header = { .e_ident = ELFMAG };
	int fd = memory_file("#!/bin/sh\n", 10);

	(void)state;
	assert_int_equal(elf_functions_open(fd, NULL, &functions), -ENOEXEC);
	assert_false(elf_defines(fd, names));
	close(fd);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_ident[EI_VERSION] = EV_CURRENT;
	header.e_shoff = sizeof(header); /* sections, numbered beyond 65,535: gigabytes for libelf */
	header.e_shentsize = sizeof(ElfW(Shdr));
	fd = memory_file(&header, sizeof(header));
	assert_int_equal(elf_header_check(fd), -ENOEXEC);
	assert_int_equal(elf_functions_open(fd, NULL, &functions), -ENOEXEC);
	close(fd);
	assert_null(functions);
}

static void every_cut_is_survived(void **state)
{
	static char image[1 << 20];
	int whole = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(whole, image, sizeof(image));

	(void)state;
	assert_true(len > 4096);
	close(whole);
	for (ssize_t cut = 0; cut < len; cut += len / 64) {
		struct elf_functions *functions = NULL;
		char name[ELF_SONAME_MAX + 1];
		int fd = memory_file(image, (size_t)cut);

		(void)elf_soname(fd, name);
		if (elf_functions_open(fd, NULL, &functions) == 0)
			elf_functions_close(functions);
		close(fd);
	}
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	return system(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_functions_are_where_they_run),
		cmocka_unit_test(the_loader_agrees),
		cmocka_unit_test(a_stripped_file_is_named_by_what_belongs_to_it),
		cmocka_unit_test(a_library_says_its_soname),
		cmocka_unit_test(what_lies_is_no_file_of_ours),
		cmocka_unit_test(every_cut_is_survived),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
