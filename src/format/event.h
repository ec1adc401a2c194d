/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One event, as values: what a decoder hands to the filter, the resolvers and the record writer. Every str is
 * a view into the decoder's input or scratch and lives until the next decode. An empty view (data == NULL)
 * means unknown; a view of length 0 with data means known and empty.
 */

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/records.h"

enum event_access { ACCESS_READ, ACCESS_WRITE, ACCESS_READ_WRITE };

/* Of overlayfs; unknown also of a file on another file system. */
enum event_layer { LAYER_UNKNOWN, LAYER_LOWER, LAYER_UPPER };

struct event_file_open {
	struct str path; /* absolute, in the process's own root */
	struct str requested; /* as the caller named it; unknown when it is the same as path */
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	uint32_t flags;
	uint32_t mode;
	enum event_access access; /* as the kernel granted it */
	enum event_layer layer;
	bool path_only; /* O_PATH: neither read nor written through this descriptor */
	bool path_truncated; /* the beginning is missing; `path` is "/" + what is known of the end */
	uint32_t path_bytes; /* with path_truncated: its true length, 0 = unknown */
	bool unreachable; /* not below the process's root: pipe, memfd, outside a chroot */
	bool deleted; /* the name was unlinked when it was recorded */
};

#define EVENT_ARGV_MAX WIRE_ARGV_MAX /* arguments; an empty one is still a byte of the block, so never more */

struct event_exec {
	struct str filename; /* absolute; for a script the script */
	struct str requested; /* the name given to execve; unknown when it is the same as filename */
	struct str interpreter; /* of a script: the file the kernel loaded; else unknown */
	const struct str *argv;
	size_t argc;
	bool argv_known;
	bool argv_truncated;
	uint32_t argv_bytes; /* true length of the argument block, NULs included */
	uint32_t ppid;
	uint64_t inode; /* of the file the kernel loaded */
	uint32_t dev_major, dev_minor;
	enum event_layer layer; /* the same file's */
	bool path_truncated;
	uint32_t path_bytes; /* as above */
	bool unreachable;
	bool deleted;
};

struct event_tcp {
	uint8_t saddr[16], daddr[16]; /* network order; IPv4 in the first four */
	uint16_t sport; /* 0 = the socket has none yet: a client's is chosen after SYN_SENT */
	uint16_t dport; /* 0 = no peer */
	uint8_t family; /* 4 or 6 */
	uint8_t old_state, new_state; /* kernel numbers, 1..13 */
};

struct event_exit {
	uint32_t ppid; /* whoever is its parent now */
	uint64_t started_boot_ns; /* 0 = unknown */
	uint16_t exit_status; /* 0..255; not when a signal ended it */
	uint8_t signal; /* 0 = none */
};

struct event_library {
	struct str path;
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	enum event_layer layer; /* of what is mapped */
	struct str build_id; /* bytes; unknown when the file has none or could not be read */
	bool path_truncated;
	uint32_t path_bytes;
	bool unreachable;
	bool deleted;
};

/* The kernel's numbers, the same on every architecture (include/linux/socket.h). */
#define EVENT_AF_UNIX 1
#define EVENT_AF_INET 2
#define EVENT_AF_INET6 10
#define EVENT_ERRNO_MAX 4095 /* include/linux/err.h: MAX_ERRNO */

struct event_connect {
	bool accept; /* else connect */
	uint16_t family; /* EVENT_AF_*, or another: an IP family has addr and port, a Unix socket a path */
	uint8_t addr[16]; /* network order; IPv4 in the first four */
	uint16_t port;
	/* Of a Unix socket: absolute or relative as the caller named it, "@name" when abstract; unknown when unnamed. */
	struct str path;
	bool abstract; /* `path` is no file's: "@" stands for the NUL that it begins with */
	uint16_t socket_type; /* SOCK_*, 0 = unknown */
	int32_t result; /* 0, or a negative errno */
};

struct event_ssl {
	bool write; /* else read */
	uint64_t bytes; /* of all that `count` stands for */
	struct str library; /* path of the file whose function was called */
};

#define EVENT_CALLERS WIRE_CALLERS

/* A place in a file to which a call returns. */
struct event_caller {
	uint64_t inode, offset; /* offset: in the file, of the first byte behind the call */
	uint32_t dev_major, dev_minor;
	struct str library; /* path of the file; unknown */
	struct str symbol; /* the function around it; unknown */
	struct str build_id; /* bytes; unknown, or the file has none */
};

struct event_function {
	struct str symbol;
	struct str library; /* path of the file */
	struct str purl; /* unknown when the map names none */
	struct str build_id; /* bytes; unknown when the file has none */
	uint64_t offset;
	struct event_caller callers[EVENT_CALLERS]; /* the innermost first */
	size_t n_callers; /* known; what is above them is not */
};

enum event_cgroup_op {
	EVENT_CGROUP_CREATE = WIRE_CGROUP_CREATE,
	EVENT_CGROUP_REMOVE = WIRE_CGROUP_REMOVE,
	EVENT_CGROUP_ATTACH = WIRE_CGROUP_ATTACH,
};

/* Which cgroup stands beside it: event.cgroup_id. */
struct event_cgroup {
	enum event_cgroup_op op;
	struct str path; /* as in the hierarchy: absolute, "/" is its root */
	bool path_truncated; /* its end is missing */
	uint64_t parent_id; /* 0 = unknown, or it is the root; in no record */
};

struct event {
	enum wire_kind kind;
	enum wire_source source;
	uint64_t boot_ns;
	uint32_t pid, tid;
	uint32_t ns_pid; /* the process's own pid in its pid namespace; 0 = that is the host's, or unknown */
	uint64_t cgroup_id; /* 0 = unknown */
	struct str comm;
	bool at_start; /* found by the snapshot: it was so when coverage opened */
	uint64_t count; /* equal events that were folded into it; 0 and 1: none but itself */
	uint64_t last_boot_ns; /* of the latest of them, when count > 1 */
	uint16_t epoch; /* the folding's: changes with each chunk */
	struct str container_id; /* unknown, or docker://... */
	struct str nested_container_id; /* the one within, by its own word; unknown = none */
	struct str image_digest; /* unknown, or sha256:... */
	union {
		struct event_file_open open;
		struct event_exec exec;
		struct event_tcp tcp;
		struct event_exit exit;
		struct event_library library;
		struct event_connect connect;
		struct event_ssl ssl;
		struct event_function function;
		struct event_cgroup cgroup;
	};
};

/* "file_open" ...; NULL for a number that is none. */
const char *event_kind_name(enum wire_kind kind);
const char *event_source_name(enum wire_source source);
/* Finds a kind by its record type name; -ENOENT. */
int event_kind_find(struct str name, enum wire_kind *ret_kind);
/* "ESTABLISHED" ... ; NULL for a number that is none (1..13 are known). */
const char *event_tcp_state_name(uint8_t state);
/* AF_INET or AF_INET6. */
bool event_family_is_ip(uint16_t family);
/* "stream" ...; NULL for a number that is no SOCK_*. */
const char *event_socket_type_name(uint16_t type);
/* "ECONNREFUSED" ... by the kernel's number (1..EVENT_ERRNO_MAX); NULL for one that has no name. */
const char *event_errno_name(uint32_t number);
