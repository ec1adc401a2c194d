// SPDX-License-Identifier: Apache-2.0
/*
 * Sockets are opened first (O_PATH), looked at, and connected to through the descriptor; and the listener is who the
 * kernel says (SO_PEERCRED), not who the file's owner is alone. Owns only descriptors that it closes.
 */

#include "resolve/engine_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/text.h"

#define USERS "/run/user/"

/* ".../run/user/UID/REST": the length of the part before REST; 0 = no such path. */
static size_t user_part(const char *path, uid_t *ret_uid)
{
	const char *at = strstr(path, USERS), *digits, *end;
	uint64_t uid;

	if (!at)
		return 0;
	digits = at + strlen(USERS);
	end = strchrnul(digits, '/');
	/* What lies there and is no user's folder is nobody's: an id that no process has. */
	if (text_parse_u64((struct str) { digits, (size_t)(end - digits) }, 0, UINT32_MAX - 1, &uid) < 0)
		uid = UINT32_MAX;
	*ret_uid = (uid_t)uid;
	return *end == '/' && end[1] != '\0' ? (size_t)(end - path) : 0;
}

static int open_user(const char *path, size_t part)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	_cleanup_(closep) int directory = -1;
	char base[ENGINE_PATH_MAX];
	int fd;

	snprintf(base, sizeof(base), "%.*s", (int)part, path);
	directory = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (directory < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, directory, path + part + 1, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

static int socket_open(const char *path, struct diag *diag, struct engine_socket_file *ret_file)
{
	_cleanup_(closep) int fd = -1;
	struct engine_socket_file file = { .fd = -1 };
	struct stat info;
	size_t part;

	if (strlen(path) >= ENGINE_PATH_MAX)
		return diag_error(diag, -ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	part = user_part(path, &file.uid);
	fd = part > 0 ? open_user(path, part) : open(path, O_PATH | O_CLOEXEC);
	if (part > 0 && fd < 0)
		return diag_error(diag, fd, "%s: %s", path, strerror(-fd));
	if (fd < 0 || fstat(fd, &info) < 0)
		return diag_error(diag, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(info.st_mode))
		return diag_error(diag, -ENOTSOCK, "%s: %s", path, strerror(ENOTSOCK));
	file.of_user = part > 0;
	if (!file.of_user)
		file.uid = info.st_uid;
	file.identity = (struct engine_socket_identity) { info.st_dev, info.st_ino,
							  (uint64_t)info.st_ctim.tv_sec * 1000000000 +
								  (uint64_t)info.st_ctim.tv_nsec };
	file.fd = TAKE_FD(fd);
	*ret_file = file;
	return 0;
}

/* As container_facts says it. */
static uid_t owner_of(const struct engine_socket_file *file)
{
	return file->uid == geteuid() && !file->of_user ? 0 : file->uid;
}

int engine_socket_look(const char *path, struct diag *diag, struct engine_socket_identity *ret_identity,
		       uid_t *ret_owner)
{
	struct engine_socket_file file;
	int r = socket_open(path, diag, &file);

	if (r < 0)
		return r;
	close(file.fd);
	if (ret_identity)
		*ret_identity = file.identity;
	if (ret_owner)
		*ret_owner = owner_of(&file);
	return 0;
}

int engine_socket_hold(const char *path, uid_t owner, struct diag *diag, struct engine_socket_file *ret_file)
{
	struct engine_socket_file file;
	int r = socket_open(path, diag, &file);

	if (r < 0)
		return r;
	if (owner_of(&file) != owner) {
		close(file.fd);
		return diag_error(diag, -ESTALE, "%s: it is another user's now", path);
	}
	*ret_file = file;
	return 0;
}

int engine_socket_check(const struct engine_socket_file *file, int fd, const char *path, struct diag *diag)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || len != sizeof(peer))
		return diag_error(diag, -errno, "%s: %s", path, strerror(errno));
	if (peer.uid == file->uid || (peer.uid == 0 && !file->of_user))
		return 0;
	return diag_error(diag, -EPERM,
			  "%s: user %u listens there, and the socket is user %u's: nothing is asked", path,
			  peer.uid, file->uid);
}

static int connect_held(const struct engine_socket_file *file, const char *path, struct diag *diag)
{
	/* A Unix socket is connected at once, or its backlog is full (EAGAIN): then nobody takes connections. */
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	if (fd < 0)
		return diag_error(diag, -errno, "%s: %s", path, strerror(errno));
	snprintf(address.sun_path, sizeof(address.sun_path), ENGINE_SOCKET_HELD, file->fd);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return diag_error(diag, -errno, "%s: %s", path,
				  errno == EAGAIN ? "nobody takes connections" : strerror(errno));
	r = engine_socket_check(file, fd, path, diag);
	return r < 0 ? r : TAKE_FD(fd);
}

int engine_socket_connect(const char *path, uid_t owner, struct diag *diag)
{
	struct engine_socket_file file;
	int r = engine_socket_hold(path, owner, diag, &file);

	if (r < 0)
		return r;
	r = connect_held(&file, path, diag);
	close(file.fd);
	return r;
}

/* ---- well-known places ---- */

struct place_row {
	enum engine_kind kind;
	const char *path;
};

/* The first name wins where one socket has two. */
static const struct place_row system_rows[] = {
	{ ENGINE_DOCKER, "/run/docker.sock" },
	{ ENGINE_DOCKER, "/var/run/docker.sock" },
	{ ENGINE_PODMAN, "/run/podman/podman.sock" },
	{ ENGINE_CONTAINERD, "/run/containerd/containerd.sock" },
	{ ENGINE_CRI, "/run/containerd/containerd.sock" },
	{ ENGINE_CONTAINERD, "/run/k3s/containerd/containerd.sock" },
	{ ENGINE_CRI, "/run/k3s/containerd/containerd.sock" },
	{ ENGINE_CRI, "/run/crio/crio.sock" },
	{ ENGINE_CRI, "/run/cri-dockerd.sock" },
};

/* Below /run/user/UID. */
static const struct place_row user_rows[] = {
	{ ENGINE_PODMAN, "podman/podman.sock" },
	{ ENGINE_DOCKER, "docker.sock" },
};

struct places {
	struct engine_place *list;
	struct engine_socket_identity identities[ENGINE_SOCKETS_MAX];
	size_t n, max, n_users, left_out;
	const char *root;
};

/* Docker and Podman are spoken to in one language; asking the same engine twice tells nothing new. */
static bool speak_alike(enum engine_kind a, enum engine_kind b)
{
	return a == b || (a <= ENGINE_PODMAN && b <= ENGINE_PODMAN);
}

static bool is_told(const struct places *places, enum engine_kind kind,
		    const struct engine_socket_identity *identity)
{
	for (size_t i = 0; i < places->n; i++) {
		if (speak_alike(places->list[i].kind, kind) &&
		    places->identities[i].device == identity->device &&
		    places->identities[i].inode == identity->inode)
			return true;
	}
	return false;
}

static void place_try(struct places *places, enum engine_kind kind, const char *path, bool of_user)
{
	struct engine_socket_identity identity;

	if (engine_socket_look(path, NULL, &identity, NULL) < 0 || is_told(places, kind, &identity))
		return;
	if (places->n == places->max || (of_user && places->n_users == ENGINE_USER_SOCKETS_MAX)) {
		places->left_out++;
		return;
	}
	places->n_users += of_user;
	places->identities[places->n] = identity;
	places->list[places->n].kind = kind;
	places->list[places->n].of_user = of_user;
	snprintf(places->list[places->n].path, ENGINE_PATH_MAX, "%s", path);
	places->n++;
}

static int user_try(void *user, const char *name)
{
	struct places *places = user;
	char path[ENGINE_PATH_MAX];

	if (name[strspn(name, "0123456789")] != '\0')
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(user_rows); i++) {
		int len =
			snprintf(path, sizeof(path), "%s" USERS "%s/%s", places->root, name, user_rows[i].path);

		if (len > 0 && (size_t)len < sizeof(path))
			place_try(places, user_rows[i].kind, path, true);
	}
	return 0;
}

size_t engine_places_find(const char *root, struct engine_place *ret_places, size_t max, size_t *ret_left_out)
{
	struct places places = { .list = ret_places, .max = max, .root = root };
	_cleanup_(closep) int users = -1;
	char path[ENGINE_PATH_MAX];

	if (places.max > ENGINE_SOCKETS_MAX)
		places.max = ENGINE_SOCKETS_MAX;
	for (size_t i = 0; i < ARRAY_LEN(system_rows); i++) {
		int len = snprintf(path, sizeof(path), "%s%s", root, system_rows[i].path);

		if (len > 0 && (size_t)len < sizeof(path))
			place_try(&places, system_rows[i].kind, path, false);
	}
	if (snprintf(path, sizeof(path), "%s" USERS, root) < (int)sizeof(path))
		users = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (users >= 0)
		(void)directory_visit(users, user_try, &places);
	*ret_left_out = places.left_out;
	return places.n;
}
