// SPDX-License-Identifier: Apache-2.0
/* The border as the kernel half was built against it (its BTF) and as this compiler sees it: the same layout. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/btf.h>

#include "base/cleanup.h"
#include "format/event.h"
#include "probe/folds.h"
#include "signals.skel.h"

struct layout {
	const char *type;
	const char *member;
	size_t offset;
	size_t size;
};

#define MEMBER(type_, member_)                                                                          \
	{                                                                                               \
#type_, #member_, offsetof(struct type_, member_), sizeof(((struct type_ *)0)->member_) \
	}

static const struct layout layouts[] = {
	MEMBER(wire_head, kind),
	MEMBER(wire_head, source),
	MEMBER(wire_head, flags),
	MEMBER(wire_head, size),
	MEMBER(wire_head, boot_ns),
	MEMBER(wire_head, cgroup_id),
	MEMBER(wire_head, pid),
	MEMBER(wire_head, tid),
	MEMBER(wire_head, comm),
	MEMBER(wire_head, ns_pid),
	MEMBER(wire_file_open, head),
	MEMBER(wire_file_open, inode),
	MEMBER(wire_file_open, dev),
	MEMBER(wire_file_open, flags),
	MEMBER(wire_file_open, mode),
	MEMBER(wire_file_open, path_len),
	MEMBER(wire_file_open, requested_len),
	MEMBER(wire_file_open, path_bytes),
	MEMBER(wire_file_open, granted),
	MEMBER(wire_process_exec, head),
	MEMBER(wire_process_exec, inode),
	MEMBER(wire_process_exec, dev),
	MEMBER(wire_process_exec, ppid),
	MEMBER(wire_process_exec, argv_bytes),
	MEMBER(wire_process_exec, argv_len),
	MEMBER(wire_process_exec, path_len),
	MEMBER(wire_process_exec, filename_len),
	MEMBER(wire_process_exec, cwd_len),
	MEMBER(wire_process_exec, script),
	MEMBER(wire_process_exec, path_bytes),
	MEMBER(wire_tcp_state, head),
	MEMBER(wire_tcp_state, saddr),
	MEMBER(wire_tcp_state, daddr),
	MEMBER(wire_tcp_state, sport),
	MEMBER(wire_tcp_state, dport),
	MEMBER(wire_tcp_state, family),
	MEMBER(wire_tcp_state, old_state),
	MEMBER(wire_tcp_state, new_state),
	MEMBER(wire_net_connect, addr),
	MEMBER(wire_net_connect, result),
	MEMBER(wire_net_connect, port),
	MEMBER(wire_net_connect, family),
	MEMBER(wire_net_connect, type),
	MEMBER(wire_net_connect, path_len),
	MEMBER(wire_net_connect, op),
	MEMBER(wire_loss_count, count),
	MEMBER(wire_loss_count, first_boot_ns),
	MEMBER(wire_loss_count, last_boot_ns),
	MEMBER(wire_cpu_counters, losses),
	MEMBER(wire_cpu_counters, records),
	MEMBER(wire_head, sequence),
	MEMBER(wire_head, cpu),
	MEMBER(wire_head, epoch),
	MEMBER(wire_head, count),
	MEMBER(wire_head, last_boot_ns),
	MEMBER(wire_process_exit, head),
	MEMBER(wire_process_exit, started_boot_ns),
	MEMBER(wire_process_exit, ppid),
	MEMBER(wire_process_exit, exit_status),
	MEMBER(wire_process_exit, signal),
	MEMBER(wire_library_load, head),
	MEMBER(wire_library_load, inode),
	MEMBER(wire_library_load, changed_s),
	MEMBER(wire_library_load, changed_ns),
	MEMBER(wire_library_load, dev),
	MEMBER(wire_library_load, address),
	MEMBER(wire_library_load, address_end),
	MEMBER(wire_library_load, path_len),
	MEMBER(wire_library_load, path_bytes),
	MEMBER(wire_library_load, build_id_len),
	MEMBER(wire_library_load, build_id),
	MEMBER(wire_net_connect, head),
	MEMBER(wire_ssl_op, head),
	MEMBER(wire_ssl_op, bytes),
	MEMBER(wire_ssl_op, target),
	MEMBER(wire_ssl_op, library_len),
	MEMBER(wire_ssl_op, op),
	MEMBER(wire_function_call, head),
	MEMBER(wire_function_call, offset),
	MEMBER(wire_function_call, target),
	MEMBER(wire_function_call, symbol_len),
	MEMBER(wire_function_call, library_len),
	MEMBER(wire_function_call, purl_len),
	MEMBER(wire_function_call, build_id_len),
	MEMBER(wire_function_call, build_id),
	MEMBER(wire_function_call, callers),
	MEMBER(wire_caller, inode),
	MEMBER(wire_caller, offset),
	MEMBER(wire_caller, address),
	MEMBER(wire_caller, address_end),
	MEMBER(wire_caller, changed_s),
	MEMBER(wire_caller, changed_ns),
	MEMBER(wire_caller, dev),
	MEMBER(wire_cgroup, head),
	MEMBER(wire_cgroup, parent_id),
	MEMBER(wire_cgroup, path_len),
	MEMBER(wire_cgroup, op),
	MEMBER(wire_loss_key, cgroup_id),
	MEMBER(wire_loss_key, kind),
	MEMBER(wire_loss_key, cause),
	MEMBER(wire_cpu_counters, folded),
	MEMBER(wire_cpu_counters, filtered),
	MEMBER(fold_key, started),
	MEMBER(fold_key, inode),
	MEMBER(fold_key, tgid),
	MEMBER(fold_key, exec_id),
	MEMBER(fold_key, dev),
	MEMBER(fold_key, generation),
	MEMBER(fold_key, epoch),
	MEMBER(fold_key, kind),
	MEMBER(fold_key, access),
	MEMBER(fold_key, name),
	MEMBER(tls_fold, record),
	MEMBER(tls_fold, next),
};

static const struct btf *kernel_half(void)
{
	static struct bpf_object *object;
	size_t size;
	const void *bytes = signals_bpf__elf_bytes(&size);

	if (!object)
		object = bpf_object__open_mem(bytes, size, NULL);
	assert_non_null(object);
	return bpf_object__btf(object);
}

static void check(const struct btf *btf, const struct layout *want)
{
	int id = btf__find_by_name_kind(btf, want->type, BTF_KIND_STRUCT);
	const struct btf_type *type = btf__type_by_id(btf, (__u32)id);
	const struct btf_member *members;

	if (id < 0)
		fail_msg("the kernel half does not know struct %s", want->type);
	members = btf_members(type);
	for (__u16 i = 0; i < btf_vlen(type); i++) {
		if (strcmp(btf__name_by_offset(btf, members[i].name_off), want->member) != 0)
			continue;
		assert_int_equal(btf_member_bit_offset(type, i), want->offset * 8);
		assert_int_equal(btf__resolve_size(btf, members[i].type), want->size);
		return;
	}
	fail_msg("struct %s has no member %s in the kernel half", want->type, want->member);
}

static void test_layouts_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
		check(kernel_half(), &layouts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
