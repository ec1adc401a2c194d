// SPDX-License-Identifier: Apache-2.0
/* The table of hooks, and which of its rows a kernel gets. Owns nothing. */

#include "probe/hooks.h"

#include <string.h>

#include "base/cleanup.h"
#include "probe/features.h"

static const char *const blind_none[] = { NULL };
static const char *const blind_open_exit[] = {
	"caller_memory_at_exit",	 "descriptor_replaced_before_exit",
	"descriptors_not_from_open",	 "kernel_internal_opens",
	"other_path_when_folded",	 "renamed_during_open",
	"skipped_or_rewritten_syscalls", NULL
};
static const char *const blind_open_late[] = { "descriptors_not_from_open", "kernel_files_without_names",
					       "other_path_when_folded", "renamed_during_open", NULL };
static const char *const blind_connect[] = { "caller_memory_at_exit", "connected_by_other_calls", NULL };
static const char *const blind_connect_exit[] = { "caller_memory_at_exit", "connected_by_other_calls",
						  "descriptor_replaced_before_exit",
						  "skipped_or_rewritten_syscalls", NULL };
static const char *const blind_tcp[] = { "accepted_by_another_process", "sockets_elsewhere_at_start",
					 "syn_recv_birth", NULL };
static const char *const blind_tcp_start[] = { "accepted_by_another_process", "connected_before_start",
					       "syn_recv_birth", NULL };

/* A kernel without types of its own has no iterators. */
static const char *const blind_exec_start[] = { "running_before_start", NULL };
static const char *const blind_exit[] = { "kernel_threads", NULL };

static const char *const blind_mapping[] = { "anonymous_executable_memory", "mappings_inherited_by_fork",
					     "other_path_when_folded", NULL };
/* By the exit of the system calls. */
static const char *const blind_mapping_exit[] = {
	"anonymous_executable_memory",	 "caller_memory_at_exit",
	"mapped_by_other_calls",	 "mapping_replaced_before_exit",
	"mappings_inherited_by_fork",	 "other_path_when_folded",
	"skipped_or_rewritten_syscalls", NULL
};
/* The mapping cannot be looked up, only the descriptor that mmap was given. */
static const char *const blind_mapping_fd[] = {
	"anonymous_executable_memory",	"caller_memory_at_exit",	 "mapped_by_other_calls",
	"mapping_replaced_before_exit", "mappings_inherited_by_fork",	 "other_path_when_folded",
	"protected_executable_later",	"skipped_or_rewritten_syscalls", NULL
};
static const char *const blind_mapping_fd_start[] = {
	"anonymous_executable_memory",	 "caller_memory_at_exit",
	"mapped_before_start",		 "mapped_by_other_calls",
	"mapping_replaced_before_exit",	 "mappings_inherited_by_fork",
	"other_path_when_folded",	 "protected_executable_later",
	"skipped_or_rewritten_syscalls", NULL
};
static const char *const blind_mapping_exec[] = { "mappings_inherited_by_fork", "other_path_when_folded",
						  NULL };
static const char *const blind_mapping_exec_program[] = { "elf_interpreter", "mappings_inherited_by_fork",
							  "other_path_when_folded", NULL };

static const char *const blind_ssl[] = { "altered_in_memory",		"calls_before_attach",
					 "files_gone_before_attach",	"mapped_shared_or_writable",
					 "other_tls_libraries",		"returns_nested_too_deep",
					 "tls_without_these_functions", NULL };
static const char *const blind_function[] = { "altered_in_memory",	  "calls_before_attach",
					      "callers_not_on_the_stack", "collector_itself",
					      "files_gone_before_attach", "first_callers_only",
					      "inlined_functions",	  "mapped_shared_or_writable",
					      "moved_between_cgroups",	  NULL };
/* One by one. */
static const char *const blind_function_each[] = { "altered_in_memory",
						   "calls_before_attach",
						   "callers_not_on_the_stack",
						   "collector_itself",
						   "files_gone_before_attach",
						   "first_callers_only",
						   "functions_beyond_limit",
						   "inlined_functions",
						   "mapped_shared_or_writable",
						   "moved_between_cgroups",
						   NULL };
/* And without looking mappings up. */
static const char *const blind_function_alone[] = { "altered_in_memory",	"calls_before_attach",
						    "callers_unknown",		"collector_itself",
						    "files_gone_before_attach", "functions_beyond_limit",
						    "inlined_functions",	"mapped_shared_or_writable",
						    "moved_between_cgroups",	NULL };

static const char *const blind_cgroup[] = { "other_hierarchies", NULL };
static const char *const blind_cgroup_attach[] = { "cloned_into_cgroup", "moved_by_the_kernel",
						   "other_hierarchies", NULL };

/* Functions by the names they had and have. */
static const char *const filp_open[] = { "do_filp_open", "do_file_open", NULL };
static const char *const file_open_root[] = { "do_file_open_root", NULL };
static const char *const connect_functions[] = { "__sys_connect", NULL };
static const char *const accept_functions[] = { "__sys_accept4", NULL };

static const char *const uring_submit[] = { TRACEPOINT "io_uring_submit_req", TRACEPOINT "io_uring_submit_sqe",
					    NULL };

#define COOKIE FEATURE_ATTACH_COOKIE
#define LATE (FEATURE_TRAMPOLINE | FEATURE_LOOP)

const struct hook hooks[] = {
	{ "on_filp_open", WIRE_KIND_FILE_OPEN, "do_filp_open", LATE, 0, filp_open, blind_open_late },
	{ "on_filp_open_bounded", WIRE_KIND_FILE_OPEN, "do_filp_open", FEATURE_TRAMPOLINE, FEATURE_LOOP,
	  filp_open, blind_open_late },
	{ "on_file_open_root", WIRE_KIND_FILE_OPEN, "do_file_open_root", LATE, 0, file_open_root,
	  blind_open_late },
	{ "on_file_open_root_bounded", WIRE_KIND_FILE_OPEN, "do_file_open_root", FEATURE_TRAMPOLINE,
	  FEATURE_LOOP, file_open_root, blind_open_late },
	{ "on_sys_exit", WIRE_KIND_FILE_OPEN, "sys_exit", FEATURE_LOOP, FEATURE_TRAMPOLINE, NULL,
	  blind_open_exit },
	{ "on_sys_exit", WIRE_KIND_LIBRARY_LOAD, "sys_exit", FEATURE_LOOP | FEATURE_FIND_VMA,
	  FEATURE_TRAMPOLINE, NULL, blind_mapping_exit },
	{ "on_sys_exit", WIRE_KIND_LIBRARY_LOAD, "sys_exit", FEATURE_LOOP | FEATURE_ITER_VMA,
	  FEATURE_TRAMPOLINE | FEATURE_FIND_VMA, NULL, blind_mapping_fd },
	{ "on_sys_exit", WIRE_KIND_LIBRARY_LOAD, "sys_exit", FEATURE_LOOP,
	  FEATURE_TRAMPOLINE | FEATURE_FIND_VMA | FEATURE_ITER_VMA, NULL, blind_mapping_fd_start },
	{ "on_sys_exit_bounded", WIRE_KIND_FILE_OPEN, "sys_exit", 0, LATE, NULL, blind_open_exit },
	{ "on_sys_exit_bounded", WIRE_KIND_LIBRARY_LOAD, "sys_exit", FEATURE_ITER_VMA, FEATURE_LOOP, NULL,
	  blind_mapping_fd },
	{ "on_sys_exit_bounded", WIRE_KIND_LIBRARY_LOAD, "sys_exit", 0, FEATURE_LOOP | FEATURE_ITER_VMA, NULL,
	  blind_mapping_fd_start },
	{ "on_sys_exit", WIRE_KIND_NET_CONNECT, "sys_exit", FEATURE_LOOP, FEATURE_TRAMPOLINE, NULL,
	  blind_connect_exit },
	{ "on_sys_exit_bounded", WIRE_KIND_NET_CONNECT, "sys_exit", 0, LATE, NULL, blind_connect_exit },
	{ "on_uring_submit", WIRE_KIND_FILE_OPEN, "io_uring_submit", 0, FEATURE_TRAMPOLINE, uring_submit,
	  blind_none },
	{ "on_uring_submit", WIRE_KIND_NET_CONNECT, "io_uring_submit", 0, 0, uring_submit, blind_none },
	{ "on_connect", WIRE_KIND_NET_CONNECT, "__sys_connect", FEATURE_TRAMPOLINE, 0, connect_functions,
	  blind_connect },
	{ "on_accept", WIRE_KIND_NET_CONNECT, "__sys_accept4", FEATURE_TRAMPOLINE, 0, accept_functions,
	  blind_connect },
	{ "on_exec", WIRE_KIND_PROCESS_EXEC, "sched_process_exec", FEATURE_LOOP | FEATURE_KERNEL_BTF, 0, NULL,
	  blind_none },
	{ "on_exec", WIRE_KIND_PROCESS_EXEC, "sched_process_exec", FEATURE_LOOP, FEATURE_KERNEL_BTF, NULL,
	  blind_exec_start },
	{ "on_exec", WIRE_KIND_LIBRARY_LOAD, "sched_process_exec", FEATURE_LOOP | FEATURE_FIND_VMA,
	  FEATURE_TRAMPOLINE, NULL, blind_mapping_exec },
	{ "on_exec", WIRE_KIND_LIBRARY_LOAD, "sched_process_exec", FEATURE_LOOP,
	  FEATURE_TRAMPOLINE | FEATURE_FIND_VMA, NULL, blind_mapping_exec_program },
	{ "on_exec_bounded", WIRE_KIND_PROCESS_EXEC, "sched_process_exec", FEATURE_KERNEL_BTF, FEATURE_LOOP,
	  NULL, blind_none },
	{ "on_exec_bounded", WIRE_KIND_PROCESS_EXEC, "sched_process_exec", 0, FEATURE_LOOP | FEATURE_KERNEL_BTF,
	  NULL, blind_exec_start },
	{ "on_exec_bounded", WIRE_KIND_LIBRARY_LOAD, "sched_process_exec", 0, FEATURE_LOOP, NULL,
	  blind_mapping_exec_program },
	/* Since 5.16 the function may be hung on; bpf_loop came right after. */
	{ "on_mapping", WIRE_KIND_LIBRARY_LOAD, "perf_event_mmap", FEATURE_TRAMPOLINE | FEATURE_LOOP, 0, NULL,
	  blind_mapping },
	{ "on_exit", WIRE_KIND_PROCESS_EXIT, "sched_process_exit", 0, 0, NULL, blind_exit },
	{ "on_tcp_state", WIRE_KIND_TCP_STATE, "inet_sock_set_state", FEATURE_KERNEL_BTF, 0, NULL, blind_tcp },
	{ "on_tcp_state", WIRE_KIND_TCP_STATE, "inet_sock_set_state", 0, FEATURE_KERNEL_BTF, NULL,
	  blind_tcp_start },
	{ "on_ssl_return", WIRE_KIND_SSL_OP, "uprobe_multi", COOKIE | FEATURE_UPROBE_MULTI, 0, NULL,
	  blind_ssl },
	{ "on_ssl_return", WIRE_KIND_SSL_OP, "uprobe", COOKIE, FEATURE_UPROBE_MULTI, NULL, blind_ssl },
	{ "on_function", WIRE_KIND_FUNCTION_CALL, "uprobe_multi", COOKIE | FEATURE_UPROBE_MULTI, 0, NULL,
	  blind_function },
	{ "on_function", WIRE_KIND_FUNCTION_CALL, "uprobe", COOKIE | FEATURE_FIND_VMA, FEATURE_UPROBE_MULTI,
	  NULL, blind_function_each },
	{ "on_function", WIRE_KIND_FUNCTION_CALL, "uprobe", COOKIE, FEATURE_UPROBE_MULTI | FEATURE_FIND_VMA,
	  NULL, blind_function_alone },
	{ "on_cgroup_mkdir", WIRE_KIND_CGROUP, "cgroup_mkdir", 0, 0, NULL, blind_cgroup },
	{ "on_cgroup_rmdir", WIRE_KIND_CGROUP, "cgroup_rmdir", 0, 0, NULL, blind_cgroup },
	{ "on_cgroup_attach", WIRE_KIND_CGROUP, "cgroup_attach_task", 0, 0, NULL, blind_cgroup_attach },
};

const size_t n_hooks = ARRAY_LEN(hooks);

bool hook_fits(const struct hook *hook, unsigned int features, unsigned int kinds)
{
	return (kinds & 1u << hook->kind) && (features & hook->needs) == hook->needs &&
	       !(features & hook->without);
}

bool hook_is_by_target(const struct hook *hook)
{
	return strncmp(hook->name, "uprobe", strlen("uprobe")) == 0;
}
