// SPDX-License-Identifier: Apache-2.0
/*
 * Ring bytes -> struct event. Every length is checked against what is there before it is used; a record that is
 * not exactly what the kernel half writes is malformed as a whole. Nothing is allocated and nothing is kept:
 * the event's views point into the record and the caller's scratch.
 */

#include "probe/decode.h"

#include "base/cleanup.h"
#include "probe/components.h"
#include "probe/decode_parts.h"

/* The kernel's own word, not the flags: openat2's lie in the caller's memory, where they can be changed. */
static enum event_access access_of(uint32_t granted)
{
	if (!(granted & WIRE_GRANTED_WRITE))
		return ACCESS_READ;
	return granted & WIRE_GRANTED_READ ? ACCESS_READ_WRITE : ACCESS_WRITE;
}

/* Where there is overlayfs: at most one of both. */
static enum event_layer layer_of(const struct wire_head *head)
{
	if (head->flags & WIRE_FLAG_LAYER_UPPER)
		return LAYER_UPPER;
	return head->flags & WIRE_FLAG_LAYER_LOWER ? LAYER_LOWER : LAYER_UNKNOWN;
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
	if (tail.left != 0 || !components_path(components, scratch->path, &open->path))
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
	open->layer = layer_of(&fixed.head);
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
			if (!components_path(cwd, scratch->filename, &cwd_path))
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
	exec->layer = layer_of(&fixed.head);
	if (!components_path(components, scratch->path, &path) ||
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

/* 0 and 255 are both known: a status is there unless a signal ended it, and never both. */
static bool decode_exit(const void *data, size_t len, struct event *event)
{
	struct wire_process_exit fixed;

	if (len != sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	if (fixed.exit_status > 255 || fixed.signal > 127 || (fixed.signal > 0 && fixed.exit_status > 0))
		return false;
	event->exit.ppid = fixed.ppid;
	event->exit.started_boot_ns = fixed.started_boot_ns;
	event->exit.exit_status = fixed.exit_status;
	event->exit.signal = fixed.signal;
	return true;
}

/* A view into the record, not into the copy of its fixed part; no bytes is unknown. */
static bool decode_library(const void *data, size_t len, struct decode_scratch *scratch, struct event *event)
{
	struct event_library *library = &event->library;
	struct wire_library_load fixed;
	struct str components;
	struct tail tail;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	tail = (struct tail) { (const char *)data + sizeof(fixed), len - sizeof(fixed) };
	if (fixed.path_len > WIRE_PATH_MAX || fixed.build_id_len > WIRE_BUILD_ID_MAX)
		return false;
	if (!tail_take(&tail, fixed.path_len, &components) || tail.left != 0 ||
	    !components_path(components, scratch->path, &library->path))
		return false;
	library->inode = fixed.inode;
	dev_split(fixed.dev, &library->dev_major, &library->dev_minor);
	library->build_id = build_id_of(data, offsetof(struct wire_library_load, build_id), fixed.build_id_len);
	library->path_truncated = fixed.head.flags & WIRE_FLAG_PATH_CUT;
	library->path_bytes = library->path_truncated ? fixed.path_bytes : 0;
	library->unreachable = fixed.head.flags & WIRE_FLAG_UNREACHABLE;
	library->deleted = fixed.head.flags & WIRE_FLAG_DELETED;
	library->layer = layer_of(&fixed.head);
	return true;
}

/*
 * A Unix socket's name as bind took it: a path ends at its first NUL, whatever the caller's length said
 * (net/unix/af_unix.c: unix_mkname_bsd); an abstract one begins with NUL, for which "@" stands as it does in
 * /proc/net/unix, and may hold more of them. No name is unknown.
 */
static void socket_name(struct str name, char *out, struct event_connect *connect)
{
	connect->abstract = name.len > 0 && name.data[0] == '\0';
	connect->path = (struct str) { 0 };
	if (connect->abstract) {
		memcpy(out, name.data, name.len);
		out[0] = '@';
		connect->path = (struct str) { out, name.len };
	} else if (name.len > 0) {
		connect->path = (struct str) { name.data, strnlen(name.data, name.len) };
	}
}

static bool decode_connect(const void *data, size_t len, struct decode_scratch *scratch, struct event *event)
{
	struct event_connect *connect = &event->connect;
	struct wire_net_connect fixed;
	struct str name;
	struct tail tail;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	tail = (struct tail) { (const char *)data + sizeof(fixed), len - sizeof(fixed) };
	if ((fixed.op != WIRE_CONNECT && fixed.op != WIRE_ACCEPT) || fixed.result > 0 ||
	    fixed.result < -EVENT_ERRNO_MAX || fixed.path_len > WIRE_SOCKET_PATH_MAX ||
	    (fixed.path_len > 0 && fixed.family != EVENT_AF_UNIX) ||
	    (fixed.port > 0 && !event_family_is_ip(fixed.family)) ||
	    (fixed.type != 0 && !event_socket_type_name(fixed.type)))
		return false;
	if (!tail_take(&tail, fixed.path_len, &name) || tail.left != 0)
		return false;
	connect->accept = fixed.op == WIRE_ACCEPT;
	connect->family = fixed.family;
	memcpy(connect->addr, fixed.addr, sizeof(connect->addr));
	connect->port = fixed.port;
	connect->socket_type = fixed.type;
	connect->result = fixed.result;
	socket_name(name, scratch->path, connect);
	return true;
}

static bool decode_ssl(const void *data, size_t len, struct event *event)
{
	struct event_ssl *ssl = &event->ssl;
	struct wire_ssl_op fixed;
	struct tail tail;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	tail = (struct tail) { (const char *)data + sizeof(fixed), len - sizeof(fixed) };
	if ((fixed.op != WIRE_READ && fixed.op != WIRE_WRITE) || fixed.target != 0 || fixed.library_len == 0 ||
	    fixed.library_len > WIRE_PATH_MAX)
		return false;
	ssl->write = fixed.op == WIRE_WRITE;
	ssl->bytes = fixed.bytes;
	return tail_take(&tail, fixed.library_len, &ssl->library) && tail.left == 0;
}

static bool decode_cgroup(const void *data, size_t len, struct event *event)
{
	struct event_cgroup *cgroup = &event->cgroup;
	struct wire_cgroup fixed;
	struct tail tail;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	tail = (struct tail) { (const char *)data + sizeof(fixed), len - sizeof(fixed) };
	if (fixed.op < WIRE_CGROUP_CREATE || fixed.op > WIRE_CGROUP_ATTACH || fixed.path_len > WIRE_PATH_MAX ||
	    (fixed.head.source == WIRE_SOURCE_CGROUP_WALK) != event->at_start)
		return false;
	if (!tail_take(&tail, fixed.path_len, &cgroup->path) || tail.left != 0 || cgroup->path.len == 0 ||
	    cgroup->path.data[0] != '/')
		return false;
	cgroup->op = (enum event_cgroup_op)fixed.op;
	cgroup->parent_id = fixed.parent_id;
	cgroup->path_truncated = fixed.head.flags & WIRE_FLAG_PATH_CUT;
	return true;
}

#define SOURCE_KIND(ENUM, name, kind, number) [number] = WIRE_KIND_##kind,
static const uint8_t kind_of_source[WIRE_SOURCE_END] = { WIRE_SOURCES(SOURCE_KIND) };
#undef SOURCE_KIND

/* The kinds that a snapshot finds. */
#define KINDS_AT_START                                                                             \
	(1u << WIRE_KIND_PROCESS_EXEC | 1u << WIRE_KIND_LIBRARY_LOAD | 1u << WIRE_KIND_TCP_STATE | \
	 1u << WIRE_KIND_CGROUP)

/* The kinds that are of a file, which may lie in a layer. */
#define KINDS_WITH_LAYER \
	(1u << WIRE_KIND_FILE_OPEN | 1u << WIRE_KIND_PROCESS_EXEC | 1u << WIRE_KIND_LIBRARY_LOAD)
#define LAYERS (WIRE_FLAG_LAYER_LOWER | WIRE_FLAG_LAYER_UPPER)

static bool flags_fit(const struct wire_head *head)
{
	if (head->flags & WIRE_FLAG_AT_START && !(KINDS_AT_START >> head->kind & 1))
		return false;
	return !(head->flags & LAYERS) ||
	       ((head->flags & LAYERS) != LAYERS && KINDS_WITH_LAYER >> head->kind & 1);
}

/* What every kind has. False: it cannot be a record of ours, whatever follows. */
static bool decode_head(const void *data, size_t len, struct event *event)
{
	struct wire_head head;

	if (len < sizeof(head))
		return false;
	memcpy(&head, data, sizeof(head));
	if (head.size != len || head.pid == 0 || head.tid == 0 || head.source >= WIRE_SOURCE_END ||
	    kind_of_source[head.source] != head.kind || (head.count > 1 && head.last_boot_ns < head.boot_ns) ||
	    !flags_fit(&head))
		return false;
	event->kind = head.kind;
	event->source = head.source;
	event->boot_ns = head.boot_ns;
	event->pid = head.pid;
	event->tid = head.tid;
	event->ns_pid = head.ns_pid;
	event->cgroup_id = head.cgroup_id;
	event->comm = (struct str) { (const char *)data + offsetof(struct wire_head, comm),
				     strnlen(head.comm, WIRE_COMM) };
	event->at_start = head.flags & WIRE_FLAG_AT_START;
	event->count = head.count;
	event->last_boot_ns = head.last_boot_ns;
	event->epoch = head.epoch;
	event->container_id = (struct str) { 0 };
	event->image_digest = (struct str) { 0 };
	event->nested_container_id = (struct str) { 0 };
	return true;
}

static bool decode_kind(const void *data, size_t len, struct decode_scratch *scratch, struct event *event)
{
	switch (event->kind) {
	case WIRE_KIND_FILE_OPEN:
		return decode_open(data, len, scratch, event);
	case WIRE_KIND_PROCESS_EXEC:
		return decode_exec(data, len, scratch, event);
	case WIRE_KIND_TCP_STATE:
		return decode_tcp(data, len, event);
	case WIRE_KIND_PROCESS_EXIT:
		return decode_exit(data, len, event);
	case WIRE_KIND_LIBRARY_LOAD:
		return decode_library(data, len, scratch, event);
	case WIRE_KIND_NET_CONNECT:
		return decode_connect(data, len, scratch, event);
	case WIRE_KIND_SSL_OP:
		return decode_ssl(data, len, event);
	case WIRE_KIND_FUNCTION_CALL:
		return decode_function(data, len, event);
	case WIRE_KIND_CGROUP:
		return decode_cgroup(data, len, event);
	case WIRE_KIND_END:
		break;
	}
	return false;
}

enum decode_result decode_record(const void *data, size_t len, struct decode_scratch *scratch,
				 struct event *ret_event)
{
	if (!decode_head(data, len, ret_event) || !decode_kind(data, len, scratch, ret_event))
		return DECODE_MALFORMED;
	return DECODE_OK;
}
