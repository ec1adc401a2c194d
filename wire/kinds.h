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
#define WIRE_KINDS(kind)             \
	kind(FILE_OPEN, file_open, 1)    \
	kind(PROCESS_EXEC, process_exec, 2) \
	kind(TCP_STATE, tcp_state, 3)
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
	source(INET_SOCK_SET_STATE, "inet_sock_set_state", TCP_STATE, 7)
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
#define LOSS_ANY 7

/* clang-format off */
#define WIRE_KERNEL_LOSSES(loss)                                                                 \
	loss(RING_FULL, ring_full, LOSS_ANY, kernel, record,                                         \
	     "raise ring_buffer_mb, or give the collector more CPU")                                 \
	loss(FILE_GONE, file_gone, LOSS_OPEN, kernel, record,                                        \
	     "another thread closed the descriptor before the call returned")                        \
	loss(PATH_CUT, path_cut, LOSS_OPEN | LOSS_EXEC, kernel, member,                              \
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
	loss(SCRATCH, scratch, LOSS_OPEN | LOSS_EXEC, kernel, record,                                \
	     "no scratch memory; please report")

#define WIRE_COLLECTOR_LOSSES(loss)                                                              \
	loss(MALFORMED, malformed, LOSS_ANY, collector, record,                                      \
	     "kernel half and user half disagree; please report")                                    \
	loss(DISK_FULL, disk_full, LOSS_ANY, collector, record,                                      \
	     "make room in the evidence directory")                                                  \
	loss(WRITE_FAILED, write_failed, LOSS_ANY, collector, record,                                \
	     "see the log for the disk's error")                                                     \
	loss(TORN_TAIL, torn_tail, LOSS_ANY, collector, record,                                      \
	     "the collector was killed while writing; at most one line")
/* clang-format on */
