/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The tables everything else expands from: what can be recorded, by which hook, and what can be lost.
 * Enums, names, decoder, schema, status output and the probe reference come from here; a row added here and
 * nowhere else does not compile or does not pass the tests.
 *
 * Numbers are part of the raw capture format: append, never renumber.
 */

/* kind(ENUM, record type name, wire number) */
/* clang-format off */
#define WIRE_KINDS(kind)                  \
	kind(FILE_OPEN, file_open, 1)         \
	kind(PROCESS_EXEC, process_exec, 2)   \
	kind(TCP_STATE, tcp_state, 3)         \
	kind(PROCESS_EXIT, process_exit, 4)   \
	kind(LIBRARY_LOAD, library_load, 5)   \
	kind(NET_CONNECT, net_connect, 6)     \
	kind(SSL_OP, ssl_op, 7)               \
	kind(FUNCTION_CALL, function_call, 8) \
	kind(CGROUP, cgroup, 9)
/* clang-format on */

/* source(ENUM, `src` in the record, kind, wire number) */
/* clang-format off */
#define WIRE_SOURCES(source)                                                        \
	source(SYS_EXIT_OPEN, "sys_exit_open", FILE_OPEN, 1)                            \
	source(SYS_EXIT_OPENAT, "sys_exit_openat", FILE_OPEN, 2)                        \
	source(SYS_EXIT_OPENAT2, "sys_exit_openat2", FILE_OPEN, 3)                      \
	source(SYS_EXIT_CREAT, "sys_exit_creat", FILE_OPEN, 4)                          \
	source(SYS_EXIT_OPEN_BY_HANDLE_AT, "sys_exit_open_by_handle_at", FILE_OPEN, 5)  \
	source(SCHED_PROCESS_EXEC, "sched_process_exec", PROCESS_EXEC, 6)               \
	source(INET_SOCK_SET_STATE, "inet_sock_set_state", TCP_STATE, 7)                \
	source(SCHED_PROCESS_EXIT, "sched_process_exit", PROCESS_EXIT, 8)               \
	source(DO_FILP_OPEN, "do_filp_open", FILE_OPEN, 9)                              \
	source(DO_FILE_OPEN_ROOT, "do_file_open_root", FILE_OPEN, 10)                   \
	source(PERF_EVENT_MMAP, "perf_event_mmap", LIBRARY_LOAD, 11)                    \
	source(SYS_EXIT_MMAP, "sys_exit_mmap", LIBRARY_LOAD, 12)                        \
	source(SYS_EXIT_MPROTECT, "sys_exit_mprotect", LIBRARY_LOAD, 13)                \
	source(SCHED_PROCESS_EXEC_MAP, "sched_process_exec", LIBRARY_LOAD, 14)          \
	source(ITER_TASK, "iter_task", PROCESS_EXEC, 15)                                \
	source(ITER_TASK_VMA, "iter_task_vma", LIBRARY_LOAD, 16)                        \
	source(ITER_TASK_FILE, "iter_task_file", TCP_STATE, 17)                         \
	source(SYS_EXIT_CONNECT, "sys_exit_connect", NET_CONNECT, 18)                   \
	source(SYS_EXIT_ACCEPT, "sys_exit_accept", NET_CONNECT, 19)                     \
	source(SYS_EXIT_ACCEPT4, "sys_exit_accept4", NET_CONNECT, 20)                   \
	source(UPROBE_CONNECT, "uprobe:connect", NET_CONNECT, 21)                       \
	source(UPROBE_ACCEPT, "uprobe:accept", NET_CONNECT, 22)                         \
	source(UPROBE_ACCEPT4, "uprobe:accept4", NET_CONNECT, 23)                       \
	source(UPROBE_SSL_READ, "uprobe:SSL_read", SSL_OP, 24)                          \
	source(UPROBE_SSL_WRITE, "uprobe:SSL_write", SSL_OP, 25)                        \
	source(UPROBE_SSL_READ_EX, "uprobe:SSL_read_ex", SSL_OP, 26)                    \
	source(UPROBE_SSL_WRITE_EX, "uprobe:SSL_write_ex", SSL_OP, 27)                  \
	source(UPROBE_FUNCTION_ENTRY, "uprobe:function_entry", FUNCTION_CALL, 28)       \
	source(SYS_CONNECT, "__sys_connect", NET_CONNECT, 29)                           \
	source(SYS_ACCEPT4, "__sys_accept4", NET_CONNECT, 30)                           \
	source(CGROUP_MKDIR, "cgroup_mkdir", CGROUP, 31)                                \
	source(CGROUP_RMDIR, "cgroup_rmdir", CGROUP, 32)                                \
	source(CGROUP_ATTACH_TASK, "cgroup_attach_task", CGROUP, 33)                    \
	source(CGROUP_WALK, "cgroup_walk", CGROUP, 34)
/* clang-format on */

/*
 * What can be lost. loss(ENUM, cause, kinds, layer, effect, cure)
 *   kinds   kernel causes are counted by kind of record: those it can strike (LOSS_OPEN | ...); a collector's
 *           cause does not know the kind: LOSS_ANY
 *   layer   kernel: counted by the kernel half, per CPU; collector: counted in user space
 *   effect  record: a whole record is missing; member: the record is there, an optional member of it is not
 *   cure    what an operator can do about it
 */
#define LOSS_OPEN 1
#define LOSS_EXEC 2
#define LOSS_TCP 4
#define LOSS_EXIT 8
#define LOSS_LIBRARY 16
#define LOSS_CONNECT 32
#define LOSS_SSL 64
#define LOSS_FUNCTION 128
#define LOSS_CGROUP 256
#define LOSS_ANY 511

/* clang-format off */
#define WIRE_KERNEL_LOSSES(loss)                                                                 \
	loss(RING_FULL, ring_full, LOSS_ANY, kernel, record,                                         \
	     "raise ring_buffer_mb, or give the collector more CPU")                                 \
	loss(FILE_GONE, file_gone, LOSS_OPEN | LOSS_CONNECT, kernel, record,                         \
	     "another thread closed the descriptor before the call returned")                        \
	loss(PATH_CUT, path_cut, LOSS_OPEN | LOSS_EXEC | LOSS_LIBRARY | LOSS_CGROUP, kernel, member, \
	     "the path has more components or bytes than are kept; its end and its length are there") \
	loss(NAME_UNREADABLE, name_unreadable, LOSS_OPEN | LOSS_EXEC, kernel, member,                \
	     "the caller's memory was not resident")                                                 \
	loss(FLAGS_UNREADABLE, flags_unreadable, LOSS_OPEN, kernel, record,                          \
	     "the caller's struct open_how was not resident")                                        \
	loss(ARGV_UNREADABLE, argv_unreadable, LOSS_EXEC, kernel, member,                            \
	     "the argument block was not resident")                                                  \
	loss(ARGV_CUT, argv_cut, LOSS_EXEC, kernel, member,                                          \
	     "the arguments exceed the recorded size; argv_bytes has the true one")                  \
	loss(OWNER_UNKNOWN, owner_unknown, LOSS_TCP, kernel, record,                                 \
	     "the socket's owner was never seen in process context")                                 \
	loss(OWNER_MAP_FULL, owner_map_full, LOSS_TCP, kernel, member,                               \
	     "too many sockets at once; later records of the socket are lost as owner_unknown")      \
	loss(MISSED, missed, LOSS_ANY, kernel, record,                                               \
	     "the kernel skipped the program: it was already running on that processor")             \
	loss(SCRATCH, scratch, LOSS_OPEN | LOSS_EXEC | LOSS_LIBRARY | LOSS_CONNECT | LOSS_CGROUP,    \
	     kernel, record,                                                                         \
	     "no scratch memory; please report")                                                     \
	loss(IO_URING, io_uring, LOSS_OPEN | LOSS_CONNECT, kernel, record,                           \
	     "asked for through io_uring, which this hook cannot follow; the outcome is unknown")    \
	loss(MAPPING_GONE, mapping_gone, LOSS_LIBRARY, kernel, record,                               \
	     "the mapping could not be looked up when the call returned")                            \
	loss(CALL_LOST, call_lost, LOSS_CONNECT | LOSS_SSL, kernel, record,                          \
	     "too many calls at once between entry and return of a traced function")                 \
	loss(ADDRESS_UNREADABLE, address_unreadable, LOSS_CONNECT, kernel, record,                   \
	     "the caller's socket address was not resident")                                         \
	loss(PROBE_OFF, probe_off, LOSS_FUNCTION, kernel, record,                                    \
	     "a container began while functions that had answered in all others were off")           \
	loss(WALK_CUT, walk_cut, LOSS_CGROUP, kernel, record,                                        \
	     "cgroups of the start that could not be walked: too many, too deep, or out of sight")       \
	loss(CALLERS_CUT, callers_cut, LOSS_FUNCTION, kernel, member,                                \
	     "the process was changing its mappings just then, or its stack was not resident")

#define WIRE_COLLECTOR_LOSSES(loss)                                                              \
	loss(MALFORMED, malformed, LOSS_ANY, collector, record,                                      \
	     "kernel half and user half disagree; please report")                                    \
	loss(DISK_FULL, disk_full, LOSS_ANY, collector, record,                                      \
	     "make room in the evidence directory")                                                  \
	loss(WRITE_FAILED, write_failed, LOSS_ANY, collector, record,                                \
	     "see the log for the disk's error")                                                     \
	loss(TORN_TAIL, torn_tail, LOSS_ANY, collector, record,                                      \
	     "the collector was killed while writing; at most one line")                             \
	loss(HOLE, hole, LOSS_ANY, collector, record,                                                \
	     "records vanished between kernel and collector; please report")                         \
	loss(CGROUP_UNKNOWN, cgroup_unknown, LOSS_ANY, collector, member,                            \
	     "nobody told of the record's cgroup: its own record was lost or had no room, or cgroup is not among probes")
/* clang-format on */
