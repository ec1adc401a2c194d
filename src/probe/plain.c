// SPDX-License-Identifier: Apache-2.0
/*
 * Kernels that do not carry their own types. The programs are fitted to a file of types instead, come from the second
 * build of the object, and hang on their tracepoints as untyped ones: the kernel cannot check types that it does not
 * have. What needs them there (trampolines, iterators, storage in sockets) is not used. Owns nothing.
 */

#include <errno.h>
#include <string.h>

#include "probe/parts.h"
#include "signals_plain.skel.h"

#define TYPED_SECTION "tp_btf/"

/* The name of the tracepoint that a program hangs on; NULL: on none. */
static const char *tracepoint_of(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	return strncmp(section, TYPED_SECTION, strlen(TYPED_SECTION)) == 0 ? section + strlen(TYPED_SECTION)
									   : NULL;
}

struct signals_bpf *plain_open(const char *types_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = types_path);
	struct signals_bpf *programs = calloc(1, sizeof(*programs));
	size_t size;
	int r;

	if (!programs || signals_bpf__create_skeleton(programs) != 0) {
		signals_bpf__destroy(programs);
		errno = ENOMEM;
		return NULL;
	}
	/* The same programs, maps and settings by name and by place: both are built from one source. */
	programs->skeleton->data = (void *)signals_plain__elf_bytes(&size);
	programs->skeleton->data_sz = size;
	r = bpf_object__open_skeleton(programs->skeleton, &options);
	if (r < 0) {
		signals_bpf__destroy(programs);
		errno = -r;
		return NULL;
	}
	return programs;
}

int plain_untype(struct signals_bpf *programs)
{
	struct bpf_program *program;
	int r = 0;

	bpf_object__for_each_program (program, programs->obj) {
		if (r >= 0 && bpf_program__autoload(program) && tracepoint_of(program))
			r = bpf_program__set_type(program, BPF_PROG_TYPE_RAW_TRACEPOINT);
		if (r >= 0 && bpf_program__type(program) == BPF_PROG_TYPE_RAW_TRACEPOINT)
			r = bpf_program__set_expected_attach_type(program, 0);
	}
	return r;
}

struct bpf_link *plain_attach(const struct source_hook *hook)
{
	const char *name = hook->attach_to ? hook->attach_to : tracepoint_of(hook->program);

	return bpf_program__attach_raw_tracepoint(hook->program, name);
}
