// SPDX-License-Identifier: Apache-2.0
/*
 * What was there before the probes were. Walks of the kernel over all tasks, whose records come out of the iterator
 * and not through the ring: a big machine has more of them than a ring can hold. What the kernel lacks the iterator
 * for is a blind spot in the table of hooks. Owns the buffer that it reads into.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "probe/annotate.h"
#include "probe/parts.h"

#define WALK_BYTES (256u << 10)

struct walk {
	const char *program;
	enum wire_kind kind;
	unsigned int needs, without; /* as in hooks.h */
	const char *failure;
};

#define FAIL_PROGRAMS "cannot walk the running programs"
#define FAIL_MAPPINGS "cannot walk the mapped files"

static const struct walk walks[] = {
	{ "on_task", WIRE_KIND_PROCESS_EXEC, FEATURE_LOOP, 0, FAIL_PROGRAMS },
	{ "on_task_bounded", WIRE_KIND_PROCESS_EXEC, 0, FEATURE_LOOP, FAIL_PROGRAMS },
	{ "on_task_vma", WIRE_KIND_LIBRARY_LOAD, FEATURE_LOOP | FEATURE_ITER_VMA, 0, FAIL_MAPPINGS },
	{ "on_task_vma_bounded", WIRE_KIND_LIBRARY_LOAD, FEATURE_ITER_VMA, FEATURE_LOOP, FAIL_MAPPINGS },
	{ "on_open_socket", WIRE_KIND_TCP_STATE, 0, 0, "cannot walk the open sockets" },
};

/* Iterators name the kernel's types: without those there are none. */
static bool walk_fits(const struct source *source, const struct walk *walk)
{
	unsigned int needs = walk->needs | FEATURE_KERNEL_BTF;

	return source->options.kinds & 1u << walk->kind && (source->features & needs) == needs &&
	       !(source->features & walk->without);
}

static struct bpf_program *program_of(const struct source *source, const struct walk *walk)
{
	return bpf_object__find_program_by_name(source->programs->obj, walk->program);
}

void snapshot_choose(struct source *source)
{
	for (size_t i = 0; i < ARRAY_LEN(walks); i++)
		bpf_program__set_autoload(program_of(source, &walks[i]), walk_fits(source, &walks[i]));
}

bool snapshot_brings(const struct source *source, enum wire_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(walks); i++) {
		if (walks[i].kind == kind && walk_fits(source, &walks[i]))
			return true;
	}
	return false;
}

/* Hands on the whole records in `buf`; returns how many bytes they were. A record that cannot be ends it: 0 follows. */
static size_t records_take(struct source *source, const char *data, size_t len)
{
	const void *record;
	struct wire_head head;
	size_t at = 0, size;

	while (len - at >= sizeof(head)) {
		memcpy(&head, data + at, sizeof(head));
		if (head.size < sizeof(head) || head.size > len - at)
			break;
		targets_see(source, data + at, head.size);
		annotate(source->annotator, data + at, head.size, &record, &size);
		source->take(source->taker, record, size);
		at += head.size;
	}
	return at;
}

static int walk_read(struct source *source, int iterator, char *buffer)
{
	size_t held = 0, taken;
	ssize_t n;

	for (;;) {
		n = read(iterator, buffer + held, WALK_BYTES - held);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return held == 0 ? 0 : -EBADMSG;
		held += (size_t)n;
		taken = records_take(source, buffer, held);
		held -= taken;
		memmove(buffer, buffer + taken, held);
		if (held == WALK_BYTES)
			return -EBADMSG; /* no record is that long */
	}
}

static int walk_run(struct source *source, const struct walk *walk, char *buffer, struct diag *diag)
{
	struct bpf_link *link = bpf_program__attach_iter(program_of(source, walk), NULL);
	_cleanup_(closep) int iterator = -1;
	int r;

	if (!link)
		return source_failed(diag, -errno, walk->failure);
	iterator = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link); /* the iterator holds the program */
	r = iterator < 0 ? iterator : walk_read(source, iterator, buffer);
	return r < 0 ? source_failed(diag, r, walk->failure) : 0;
}

int source_snapshot(struct source *source, source_take_fn take, void *taker, struct diag *diag)
{
	_cleanup_(freep) char *buffer = malloc(WALK_BYTES);
	int r = 0;

	if (!buffer)
		return -ENOMEM;
	source->take = take;
	source->taker = taker;
	r = cgroup_walk(source);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(walks); i++) {
		if (walk_fits(source, &walks[i]))
			r = walk_run(source, &walks[i], buffer, diag);
	}
	return r;
}
