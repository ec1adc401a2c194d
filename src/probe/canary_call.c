// SPDX-License-Identifier: Apache-2.0
/*
 * Canaries of the probes on functions: the same programs hang on two functions of our own that do nothing, under a
 * cookie that no target has, and are called once a second. What the file refuses (a file system without probes) is not
 * asked. Owns the links.
 */

#include <link.h>
#include <string.h>

#include "probe/parts.h"

#define MOVED 1

/* What the compiler must not see through: called by pointers, kept apart by what they do. */
__attribute__((noinline)) static int own_function(uint64_t *calls)
{
	return (int)++*calls;
}

/* Answers as SSL_read_ex does, and by its result as SSL_read does. */
__attribute__((noinline)) static int own_read(const void *ssl, const void *room, size_t size,
					      uint64_t *ret_moved)
{
	*ret_moved = MOVED;
	return ssl == room && size == 0;
}

static int (*volatile const call_function)(uint64_t *calls) = own_function;
static int (*volatile const call_read)(const void *ssl, const void *room, size_t size,
				       uint64_t *ret_moved) = own_read;

struct place {
	uintptr_t address;
	uint64_t offset; /* in the file; 0 = not found */
};

/* The program itself comes first, and that is where we are. */
static int in_program(struct dl_phdr_info *info, size_t size, void *user)
{
	struct place *place = user;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + part->p_vaddr;

		if (part->p_type == PT_LOAD && place->address >= begin &&
		    place->address - begin < part->p_filesz)
			place->offset = place->address - begin + part->p_offset;
	}
	return 1;
}

static struct attach_point point_of(uintptr_t address, uint64_t cookie)
{
	struct place place = { .address = address };

	(void)dl_iterate_phdr(in_program, &place);
	return (struct attach_point) { place.offset, cookie };
}

static void attach(struct source *source, struct target *links, const char *program, bool at_return,
		   struct attach_point point)
{
	uint64_t refused = source->targets.counts.refused;

	links->fd = source->canary.program;
	if (point.offset > 0)
		(void)attach_points(source, links, program, at_return, &point, 1);
	source->targets.counts.refused = refused; /* which tells of what was asked for */
}

/* Of those points that a kernel without multi-uprobes refuses there is an empty row. */
static bool all_hang(const struct target *links, size_t count)
{
	for (size_t i = 0; i < links->n_links; i++) {
		if (!links->links[i])
			return false;
	}
	return links->n_links == count;
}

void canary_calls_begin(struct source *source)
{
	struct canaries *canary = &source->canary;
	const uint64_t moves = (uint64_t)WIRE_CANARY_TARGET << TARGET_COOKIE_SHIFT;

	if (source->options.kinds & 1u << WIRE_KIND_FUNCTION_CALL)
		attach(source, &canary->function, "on_function", false,
		       point_of((uintptr_t)own_function, WIRE_CANARY_TARGET));
	if (!(source->options.kinds & 1u << WIRE_KIND_SSL_OP))
		return;
	attach(source, &canary->ssl, "on_ssl_return", true,
	       point_of((uintptr_t)own_read, moves | WIRE_SOURCE_UPROBE_SSL_READ));
	attach(source, &canary->ssl, "on_ssl_enter", false,
	       point_of((uintptr_t)own_read, moves | WIRE_SOURCE_UPROBE_SSL_READ_EX));
	attach(source, &canary->ssl, "on_ssl_ex_return", true,
	       point_of((uintptr_t)own_read, moves | WIRE_SOURCE_UPROBE_SSL_READ_EX));
}

void canary_calls_end(struct source *source)
{
	links_free(source->canary.function.links, source->canary.function.n_links);
	links_free(source->canary.ssl.links, source->canary.ssl.n_links);
	source->canary.function = source->canary.ssl = (struct target) { .fd = -1 };
}

unsigned int canary_call_function(struct source *source)
{
	uint64_t calls = 0;

	return all_hang(&source->canary.function, 1) && call_function(&calls) == 1;
}

/* Both ways to learn the number: by the result, and by the place that the entry was told. */
unsigned int canary_call_ssl(struct source *source)
{
	uint64_t moved = 0;

	return all_hang(&source->canary.ssl, 3) && call_read(NULL, NULL, 0, &moved) == 1 ? 2 : 0;
}
