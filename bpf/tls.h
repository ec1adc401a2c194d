/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * ssl_op: how many bytes a TLS library's functions moved for whom, and which way. What was moved is never looked at:
 * only results and the one number that the _ex functions leave behind are read. Calls that moved nothing (an error, or
 * try again) make no record.
 *
 * SSL_read and SSL_write say it by their result, so they are met when they return, and only then: a probe at the entry
 * would double the price. The _ex ones leave the number where their fourth argument points, which is kept from entry
 * to return.
 *
 * Folded by (scope, library, function): the first makes a record at once, later ones are added up here, with a record
 * of the sums at the 16th, 256th, ... and, from the user half, at the chunk's end. Each such record holds all so far.
 * A full table folds nothing: every operation is then a record of its own, and none is lost.
 */

#include "canary.h"
#include "fold.h"
#include "scope.h"
#include "user.h"

#define TLS_CALLS_MAX 16384 /* threads between entry and return of an _ex function */
#define TLS_FOLDS_MAX 8192 /* set before load */

/* In a probe's cookie: the target's number, and in the low byte the record's source. */
#define TLS_COOKIE_TARGET_SHIFT 8

struct tls_call {
	__u64 thread;
	__u64 source;
};

/* The oldest is forgotten when it is full, as threads die in calls; whose call was forgotten is counted at return. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_CALLS_MAX);
	__type(key, struct tls_call);
	__type(value, __u64); /* where the function leaves the number of bytes */
} tls_calls SEC(".maps");

struct tls_fold {
	struct wire_ssl_op record; /* of the first, with the sums */
	__u64 next; /* the count at which a record is written again */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TLS_FOLDS_MAX);
	__type(key, struct fold_key);
	__type(value, struct tls_fold);
} tls_folds SEC(".maps");

/* True: it is counted with others, and `fresh` needs no record. Else `fresh` is the record to be made. */
static __always_inline bool tls_folded(struct tls_fold *fresh)
{
	struct wire_head *head = &fresh->record.head;
	struct fold_key key = { .inode = fresh->record.target,
				.epoch = head->epoch,
				.kind = WIRE_KIND_SSL_OP,
				.access = head->source };
	struct wire_cpu_counters *mine;
	struct tls_fold *fold;

	fold_scope_of(&key, current_task());
	fold = bpf_map_lookup_elem(&tls_folds, &key);
	if (!fold) {
		head->count = 1;
		fresh->next = FOLD_AGAIN;
		if (bpf_map_update_elem(&tls_folds, &key, fresh, BPF_NOEXIST) == 0)
			return false;
		fold = bpf_map_lookup_elem(&tls_folds, &key); /* another thread was first */
		if (!fold)
			return false; /* the table is full */
	}
	__sync_fetch_and_add(&fold->record.bytes, fresh->record.bytes);
	__sync_fetch_and_add(&fold->record.head.count, 1);
	fold->record.head.last_boot_ns = head->boot_ns;
	if (fold->record.head.count >= fold->next) {
		fold->next *= FOLD_AGAIN;
		__builtin_memcpy(&fresh->record, &fold->record, sizeof(fresh->record));
		return false;
	}
	mine = counters_mine();
	if (mine)
		mine->folded[WIRE_KIND_SSL_OP - 1]++;
	return true;
}

static __always_inline void tls_moved(void *ctx, __u64 cookie, __u64 bytes)
{
	struct tls_fold fresh = {};
	__u8 source = (__u8)cookie;

	if (canary_call(WIRE_KIND_SSL_OP, cookie >> TLS_COOKIE_TARGET_SHIFT) || !scope_wants(WIRE_KIND_SSL_OP))
		return;
	head_of_current(&fresh.record.head, WIRE_KIND_SSL_OP, source);
	fresh.record.head.size = sizeof(fresh.record);
	fresh.record.bytes = bytes;
	fresh.record.target = cookie >> TLS_COOKIE_TARGET_SHIFT;
	fresh.record.op = source == WIRE_SOURCE_UPROBE_SSL_READ || source == WIRE_SOURCE_UPROBE_SSL_READ_EX
				  ? WIRE_READ
				  : WIRE_WRITE;
	if (cfg_fold_scope == FOLD_OFF || !tls_folded(&fresh))
		emit(ctx, WIRE_KIND_SSL_OP, &fresh.record, sizeof(fresh.record));
}

/* SSL_read_ex, SSL_write_ex: where will the number be? */
SEC("?uprobe")
int on_ssl_enter(struct pt_regs *ctx)
{
	struct tls_call call = { .thread = bpf_get_current_pid_tgid(),
				 .source = (__u8)bpf_get_attach_cookie(ctx) };
	__u64 moved = user_argument_4(ctx);

	if (bpf_map_update_elem(&tls_calls, &call, &moved, BPF_ANY) < 0)
		loss_count(WIRE_KIND_SSL_OP, WIRE_LOSS_CALL_LOST);
	return 0;
}

/* SSL_read, SSL_write: the result is the number, when it is positive. */
SEC("?uprobe")
int on_ssl_return(struct pt_regs *ctx)
{
	int moved = (int)user_result(ctx);

	if (moved > 0)
		tls_moved(ctx, bpf_get_attach_cookie(ctx), moved);
	return 0;
}

/* SSL_read_ex, SSL_write_ex: 1 is success. */
SEC("?uprobe")
int on_ssl_ex_return(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), bytes = 0, *moved, place;
	struct tls_call call = { .thread = bpf_get_current_pid_tgid(), .source = (__u8)cookie };

	moved = bpf_map_lookup_elem(&tls_calls, &call);
	place = moved ? *moved : 0;
	if (moved)
		bpf_map_delete_elem(&tls_calls, &call);
	if ((int)user_result(ctx) <= 0)
		return 0;
	if (!moved || bpf_probe_read_user(&bytes, sizeof(bytes), (void *)place) < 0) {
		loss_count(WIRE_KIND_SSL_OP, WIRE_LOSS_CALL_LOST);
		return 0;
	}
	if (bytes > 0)
		tls_moved(ctx, cookie, bytes);
	return 0;
}
