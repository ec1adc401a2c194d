// SPDX-License-Identifier: Apache-2.0
/*
 * C libraries, by the name of their file and what they define: glibc (libc.so.6, libc-2.31.so), its old libpthread,
 * and musl (ld-musl-x86_64.so.1, libc.musl-x86_64.so.1, libc.so). The entries of their functions that connect and
 * accept mark the calling thread (bpf/libc.h). Owns nothing.
 */

#include <errno.h>
#include <string.h>

#include "probe/parts.h"

static const struct libc_function {
	const char *symbol, *program;
} functions[] = {
	{ "connect", "on_libc_connect" },
	{ "accept", "on_libc_accept" },
	{ "accept4", "on_libc_accept4" },
};

static const char *const symbols[] = { "connect", "accept", "accept4", NULL };

bool libc_is_named(const char *path)
{
	static const char *const beginnings[] = { "libc.so",	"libc-",	 "ld-musl-",
						  "libc.musl-", "libpthread.so", "libpthread-" };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

bool libc_is(int fd, const char *path)
{
	return libc_is_named(path) && elf_defines(fd, symbols);
}

int libc_choose(struct source *source)
{
	struct signals_bpf *programs = source->programs;
	struct bpf_program *const all[] = { programs->progs.on_libc_connect, programs->progs.on_libc_accept,
					    programs->progs.on_libc_accept4 };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		bpf_program__set_autoload(all[i], source->options.libc);
	programs->rodata->cfg_libc = source->options.libc;
	return bpf_map__set_autocreate(programs->maps.libc_marks, source->options.libc);
}

int libc_attach(struct source *source, struct target *target, const struct elf_functions *of)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(functions); i++) {
		const struct elf_function *found = elf_functions_find(of, str_of(functions[i].symbol));
		struct attach_point point = { .offset = found ? found->offset : 0 };

		if (!found || !attach_may(target->fd, point.offset)) {
			target_missing(target, str_of(functions[i].symbol));
			continue;
		}
		r = attach_points(source, target, functions[i].program, false, &point, 1);
		target->attached += r >= 0;
	}
	return r;
}
