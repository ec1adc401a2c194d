// SPDX-License-Identifier: Apache-2.0
/*
 * Looking: the names that the kernel's own type information holds. Trying: whether a program may hang on a function,
 * which hypervisors and hardened kernels refuse although every name is there. Owns nothing.
 */

#include "probe/features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

#define NAME_MAX_LEN 64

bool features_know(struct str types, const char *name)
{
	char whole[NAME_MAX_LEN + 2] = "";
	size_t len = strlen(name);

	if (len > NAME_MAX_LEN || types.len == 0)
		return false;
	memcpy(whole + 1, name, len); /* a string of its own in the string section: NUL on both sides */
	return memmem(types.data, types.len, whole, len + 2) != NULL;
}

/* The prototype behind a function, or behind the type of a tracepoint's handler; negative: there is none. */
static int prototype_of(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);

	if (id < 0)
		id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	while (id > 0 && !btf_is_func_proto(btf__type_by_id(btf, (uint32_t)id)))
		id = (int)btf__type_by_id(btf, (uint32_t)id)->type;
	return id > 0 ? id : -ENOENT;
}

int features_arguments(struct str types, const char *name)
{
	struct btf *btf = btf__new(types.data, (uint32_t)types.len);
	int id = btf ? prototype_of(btf, name) : -ENOENT;
	int count = id < 0 ? id : btf_vlen(btf__type_by_id(btf, (uint32_t)id));

	btf__free(btf);
	return count;
}

int features_enum(struct str types, const char *type, const char *name)
{
	struct btf *btf = btf__new(types.data, (uint32_t)types.len);
	int id = btf ? btf__find_by_name_kind(btf, type, BTF_KIND_ENUM) : -ENOENT, value = -ENOENT;
	const struct btf_type *found = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (uint16_t i = 0; found && i < btf_vlen(found); i++) {
		if (strcmp(btf__name_by_offset(btf, btf_enum(found)[i].name_off), name) == 0)
			value = btf_enum(found)[i].val;
	}
	btf__free(btf);
	return value;
}

/* The smallest program there is, hung on a function that every kernel has, and taken off again. */
static bool trampolines_work(void)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT);
	_cleanup_(closep) int loaded = -1;
	_cleanup_(closep) int link = -1;
	int id = libbpf_find_vmlinux_btf_id("vfs_open", BPF_TRACE_FEXIT);

	if (id < 0)
		return false;
	options.attach_btf_id = (__u32)id;
	loaded = bpf_prog_load(BPF_PROG_TYPE_TRACING, "stella_try", "GPL", program, ARRAY_LEN(program),
			       &options);
	if (loaded < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, loaded);
	return link >= 0;
}

/* What does not need types in the kernel itself. */
#define WITHOUT_TYPES (FEATURE_RING_BUFFER | FEATURE_LOOP | FEATURE_UPROBE_MULTI)

unsigned int features_find(struct str types, bool of_kernel)
{
	static const struct {
		const char *name;
		unsigned int feature;
	} named[] = {
		{ "BPF_MAP_TYPE_RINGBUF", FEATURE_RING_BUFFER },
		{ "bpf_sk_storage_tracing_allowed", FEATURE_SOCK_STORAGE },
		{ "bpf_iter__task_vma", FEATURE_ITER_VMA },
		{ "BPF_FUNC_get_attach_cookie", FEATURE_ATTACH_COOKIE },
		{ "BPF_FUNC_loop", FEATURE_LOOP },
		{ "BPF_FUNC_find_vma", FEATURE_FIND_VMA },
		{ "BPF_FUNC_copy_from_user_task", FEATURE_COPY_TASK },
		{ "bpf_rdonly_cast", FEATURE_DIRECT_READS },
		{ "BPF_TRACE_UPROBE_MULTI", FEATURE_UPROBE_MULTI },
	};
	unsigned int found = 0;

	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		found |= features_know(types, named[i].name) ? named[i].feature : 0;
	if (!of_kernel)
		return found & WITHOUT_TYPES;
	found |= FEATURE_KERNEL_BTF;
	if (trampolines_work())
		found |= FEATURE_TRAMPOLINE;
	return found;
}

#define FEATURE_NAME(ENUM, name, since) #name,
static const char *const names[] = { FEATURES(FEATURE_NAME) };

const char *feature_name(unsigned int number)
{
	return number < ARRAY_LEN(names) ? names[number] : NULL;
}
