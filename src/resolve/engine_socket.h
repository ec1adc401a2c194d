/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An engine's socket: where it may lie, whose it is, and a connection to it that goes to nobody else. Below
 * /run/user/UID, where a user may put what he likes, no link is followed and no other file system entered (a FUSE
 * server of his could hold us up); elsewhere the path is as trustworthy as who configured it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "resolve/engines.h"

/* What tells a socket file from one that took its place. */
struct engine_socket_identity {
	uint64_t device, inode, changed_ns;
};

/* *ret_owner as in container_facts. Either may be NULL. -ENOENT, -ENOTSOCK, ... */
int engine_socket_look(const char *path, struct diag *diag, struct engine_socket_identity *ret_identity,
		       uid_t *ret_owner);

/* A socket's file, held: what was looked at is what is connected to, by the name of ENGINE_SOCKET_HELD and `fd`. */
#define ENGINE_SOCKET_HELD "/proc/self/fd/%d"
struct engine_socket_file {
	int fd; /* O_PATH; the holder's, -1 = none */
	bool of_user; /* it lies below /run/user/UID */
	uid_t uid; /* whose it is */
	struct engine_socket_identity identity;
};

/* -ESTALE when the socket is not (any more) `owner`'s. */
int engine_socket_hold(const char *path, uid_t owner, struct diag *diag, struct engine_socket_file *ret_file);
/*
 * Does he listen at the other end of `fd` who may? -EPERM: neither root nor the file's owner, or, below /run/user/UID, not
 * UID.
 */
int engine_socket_check(const struct engine_socket_file *file, int fd, const char *path, struct diag *diag);

/* All of it: a connected descriptor that does not block, or why there is none. */
int engine_socket_connect(const char *path, uid_t owner, struct diag *diag);

/*
 * Those of the well-known places below `root` that exist, root's before users', at most `max` and
 * ENGINE_USER_SOCKETS_MAX of users; *ret_left_out counts the rest. One socket under two names is told once a kind.
 */
struct engine_place {
	enum engine_kind kind;
	bool of_user;
	char path[ENGINE_PATH_MAX];
};
size_t engine_places_find(const char *root, struct engine_place *ret_places, size_t max, size_t *ret_left_out);
