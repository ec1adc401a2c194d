// SPDX-License-Identifier: Apache-2.0
/*
 * Ring bytes -> struct event. Every length is checked against what is there before it is used; a record that is
 * not exactly what the kernel half writes is malformed as a whole. Nothing is allocated and nothing is kept:
 * the event's views point into the record and the caller's scratch.
 */

#include "probe/decode.h"

#include "base/cleanup.h"

/* The tail of a record, taken from its front piece by piece. */
struct tail {
	const char *data;
	size_t left;
};

static bool tail_take(struct tail *tail, size_t len, struct str *ret_piece)
{
	if (len > tail->left)
		return false;
	*ret_piece = (struct str) { tail->data, len };
	tail->data += len;
	tail->left -= len;
	return true;
}

/*
 * "passwd\0etc\0" -> "/etc/passwd". False: an empty component or a missing NUL. A slash in a component is let
 * through: a memfd's name is the caller's and may hold any. `out` has room for components.len + 1.
 */
static bool path_turn(struct str components, char *out, struct str *ret_path)
{
	const char *end = components.data + components.len;
	size_t len = 0;

	if (components.len == 0) {
		out[0] = '/';
		*ret_path = (struct str) { out, 1 };
		return true;
	}
	if (end[-1] != '\0')
		return false;
	while (end > components.data) {
		const char *nul = end - 1;
		const char *before = memrchr(components.data, '\0', (size_t)(nul - components.data));
		const char *start = before ? before + 1 : components.data;
		size_t part = (size_t)(nul - start);

		if (part == 0)
			return false;
		out[len++] = '/';
		memcpy(out + len, start, part);
		len += part;
		end = start;
	}
	*ret_path = (struct str) { out, len };
	return true;
}

static void dev_split(uint32_t dev, uint32_t *ret_major, uint32_t *ret_minor)
{
	*ret_major = dev >> 20; /* linux/kdev_t.h: MINORBITS */
	*ret_minor = dev & ((1u << 20) - 1);
}

/* The kernel's own word, not the flags: openat2's lie in the caller's memory, where they can be changed. */
static enum event_access access_of(uint32_t granted)
{
	if (!(granted & WIRE_GRANTED_WRITE))
		return ACCESS_READ;
	return granted & WIRE_GRANTED_READ ? ACCESS_READ_WRITE : ACCESS_WRITE;
}

static bool decode_open(const void *data, size_t len, struct decode_scratch *scratch, struct event *event)
{
	struct event_file_open *open = &event->open;
	struct wire_file_open fixed;
	struct str components, requested;
	struct tail tail;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	tail = (struct tail) { (const char *)data + sizeof(fixed), len - sizeof(fixed) };
	if (fixed.path_len > WIRE_PATH_MAX || fixed.requested_len >= WIRE_PATH_MAX)
		return false;
	if (!tail_take(&tail, fixed.path_len, &components) ||
	    !tail_take(&tail, fixed.requested_len, &requested))
		return false;
	if (tail.left != 0 || !path_turn(components, scratch->path, &open->path))
		return false;
	open->requested = (struct str) { 0 };
	if (!(fixed.head.flags & WIRE_FLAG_NO_NAME) && requested.len > 0 && !str_equal(requested, open->path))
		open->requested = requested;
	open->inode = fixed.inode;
	dev_split(fixed.dev, &open->dev_major, &open->dev_minor);
	open->flags = fixed.flags;
	open->mode = fixed.mode;
	open->access = access_of(fixed.granted);
	open->path_only = fixed.granted & WIRE_GRANTED_PATH;
	open->path_truncated = fixed.head.flags & WIRE_FLAG_PATH_CUT;
	open->path_bytes = open->path_truncated ? fixed.path_bytes : 0;
	open->unreachable = fixed.head.flags & WIRE_FLAG_UNREACHABLE;
	open->deleted = fixed.head.flags & WIRE_FLAG_DELETED;
	return true;
}

static void decode_argv(struct str block, uint32_t true_bytes, struct decode_scratch *scratch,
			struct event_exec *exec)
{
	const char *at = block.data, *end = block.data + block.len;

	exec->argc = 0;
	while (at < end) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));
		const char *stop = nul ? nul : end;

		scratch->argv[exec->argc++] = (struct str) { at, (size_t)(stop - at) };
		at = nul ? nul + 1 : end;
	}
	exec->argv = scratch->argv;
	exec->argv_truncated = block.len < true_bytes;
}

/* A relative name joined to the directory it is relative to; leading "./" dropped, links left as they are. */
static struct str name_make_absolute(struct str cwd, struct str name, char *out)
{
	size_t len = cwd.len == 1 ? 0 : cwd.len; /* "/" */

	while (name.len >= 2 && name.data[0] == '.' && name.data[1] == '/') {
		name.data += 2;
		name.len -= 2;
		while (name.len > 0 && name.data[0] == '/') {
			name.data++;
			name.len--;
		}
	}
	memmove(out, cwd.data, len);
	out[len++] = '/';
	memcpy(out + len, name.data, name.len);
	return (struct str) { out, len + name.len };
}

/* filename, requested and interpreter, from the loaded file's path, the name asked for and where it was asked. */
static bool decode_names(const struct wire_process_exec *fixed, struct str path, struct str name,
			 struct str cwd, struct decode_scratch *scratch, struct event_exec *exec)
{
	struct str cwd_path;

	exec->interpreter = (struct str) { 0 };
	exec->requested = (struct str) { 0 };
	exec->filename = path;
	if (fixed->head.flags & WIRE_FLAG_NO_NAME || name.len == 0)
		return true;
	if (fixed->script) {
		exec->interpreter = path;
		exec->filename = name;
		if (name.data[0] != '/') {
			if (!path_turn(cwd, scratch->filename, &cwd_path))
				return false;
			exec->filename = name_make_absolute(cwd_path, name, scratch->filename);
			exec->path_truncated |= fixed->head.flags & WIRE_FLAG_CWD_CUT;
			exec->unreachable |= fixed->head.flags & WIRE_FLAG_CWD_UNREACHABLE;
		}
	}
	if (!str_equal(name, exec->filename))
		exec->requested = name;
	return true;
}

static bool decode_exec(const void *data, size_t len, struct decode_scratch *scratch, struct event *event)
{
	struct event_exec *exec = &event->exec;
	struct wire_process_exec fixed;
	struct str components, name, cwd, argv, path;
	struct tail tail;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	tail = (struct tail) { (const char *)data + sizeof(fixed), len - sizeof(fixed) };
	if (fixed.path_len > WIRE_PATH_MAX || fixed.filename_len >= WIRE_PATH_MAX ||
	    fixed.cwd_len > WIRE_PATH_MAX || fixed.argv_len > WIRE_ARGV_MAX ||
	    fixed.argv_len > fixed.argv_bytes || fixed.script > 1)
		return false;
	if (!tail_take(&tail, fixed.path_len, &components) || !tail_take(&tail, fixed.filename_len, &name) ||
	    !tail_take(&tail, fixed.cwd_len, &cwd) || !tail_take(&tail, fixed.argv_len, &argv) ||
	    tail.left != 0)
		return false;
	exec->path_truncated = fixed.head.flags & WIRE_FLAG_PATH_CUT;
	exec->path_bytes = exec->path_truncated && !fixed.script ? fixed.path_bytes : 0;
	exec->unreachable = fixed.head.flags & WIRE_FLAG_UNREACHABLE;
	exec->deleted = fixed.head.flags & WIRE_FLAG_DELETED;
	if (!path_turn(components, scratch->path, &path) ||
	    !decode_names(&fixed, path, name, cwd, scratch, exec))
		return false;
	exec->argv_known = !(fixed.head.flags & WIRE_FLAG_NO_ARGV);
	exec->argv_bytes = fixed.argv_bytes;
	decode_argv(argv, fixed.argv_bytes, scratch, exec);
	exec->ppid = fixed.ppid;
	exec->inode = fixed.inode;
	dev_split(fixed.dev, &exec->dev_major, &exec->dev_minor);
	return true;
}

static bool decode_tcp(const void *data, size_t len, struct event *event)
{
	struct event_tcp *tcp = &event->tcp;
	struct wire_tcp_state fixed;

	if (len != sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	if ((fixed.family != 4 && fixed.family != 6) || !event_tcp_state_name(fixed.old_state) ||
	    !event_tcp_state_name(fixed.new_state))
		return false;
	memcpy(tcp->saddr, fixed.saddr, sizeof(tcp->saddr));
	memcpy(tcp->daddr, fixed.daddr, sizeof(tcp->daddr));
	tcp->sport = fixed.sport;
	tcp->dport = fixed.dport;
	tcp->family = fixed.family;
	tcp->old_state = fixed.old_state;
	tcp->new_state = fixed.new_state;
	return true;
}

#define SOURCE_KIND(ENUM, name, kind, number) [number] = WIRE_KIND_##kind,
static const uint8_t kind_of_source[WIRE_SOURCE_END] = { WIRE_SOURCES(SOURCE_KIND) };
#undef SOURCE_KIND

enum decode_result decode_record(const void *data, size_t len, struct decode_scratch *scratch,
				 struct event *ret_event)
{
	struct wire_head head;
	bool good = false;

	if (len < sizeof(head))
		return DECODE_MALFORMED;
	memcpy(&head, data, sizeof(head));
	if (head.size != len || head.pid == 0 || head.source >= WIRE_SOURCE_END ||
	    kind_of_source[head.source] != head.kind)
		return DECODE_MALFORMED;
	ret_event->kind = head.kind;
	ret_event->source = head.source;
	ret_event->boot_ns = head.boot_ns;
	ret_event->pid = head.pid;
	ret_event->tid = head.tid;
	ret_event->cgroup_id = head.cgroup_id;
	ret_event->comm = (struct str) { (const char *)data + offsetof(struct wire_head, comm),
					 strnlen(head.comm, WIRE_COMM) };
	ret_event->at_start = head.flags & WIRE_FLAG_AT_START;
	ret_event->count = head.count;
	ret_event->last_boot_ns = head.last_boot_ns;
	ret_event->epoch = head.epoch;
	ret_event->container_id = (struct str) { 0 };
	ret_event->image_digest = (struct str) { 0 };
	switch (ret_event->kind) {
	case WIRE_KIND_FILE_OPEN:
		good = decode_open(data, len, scratch, ret_event);
		break;
	case WIRE_KIND_PROCESS_EXEC:
		good = decode_exec(data, len, scratch, ret_event);
		break;
	case WIRE_KIND_TCP_STATE:
		good = decode_tcp(data, len, ret_event);
		break;
	case WIRE_KIND_PROCESS_EXIT:
	case WIRE_KIND_LIBRARY_LOAD:
	case WIRE_KIND_NET_CONNECT:
	case WIRE_KIND_SSL_OP:
	case WIRE_KIND_FUNCTION_CALL:
	case WIRE_KIND_END:
		break;
	}
	return good ? DECODE_OK : DECODE_MALFORMED;
}
