// SPDX-License-Identifier: Apache-2.0
/*
 * The control socket's server. Promises: a client can neither block the loop, nor hold a place longer than the
 * deadline, nor make us keep more than one request of CONTROL_REQUEST_MAX bytes. Who it is, the kernel says
 * (SO_PEERCRED), not the file's mode alone. Owns the clients' sockets and buffers.
 */

#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/file.h"

struct client {
	int fd; /* -1 = free place */
	uint64_t since_ms;
	bool waits; /* served, its answer comes later */
	bool answering;
	char request[CONTROL_REQUEST_MAX];
	size_t request_len;
	struct buf answer;
	size_t sent;
};

struct control {
	int epoll, listener;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct control_handler handler;
	struct client clients[CONTROL_CLIENTS_MAX];
};

static void client_drop(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd); /* which takes it out of the epoll set */
	buf_done(&client->answer);
	*client = (struct client) { .fd = -1 };
}

void control_leave(struct control *control)
{
	if (control->listener < 0)
		return;
	unlink(control->path);
	close(TAKE_FD(control->listener));
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		client_drop(&control->clients[i]);
	control_leave(control);
	closep(&control->epoll);
	free(control);
}

int control_fd(const struct control *control)
{
	return control->epoll;
}

/* ---- listening ---- */

static bool somebody_answers(const struct sockaddr_un *address)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return true; /* not known: take nothing away */
	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno != ECONNREFUSED;
}

static int remove_stale(const struct sockaddr_un *address, struct diag *diag)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : diag_error(diag, -errno, "%s: %s", address->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return diag_error(diag, -EEXIST, "%s: is no socket; control_socket needs another name",
				  address->sun_path);
	if (somebody_answers(address))
		return diag_exit(diag, EXIT_TRY_AGAIN, -EBUSY,
				 "%s: another collector answers there; stop it first (`stella signals stop`)",
				 address->sun_path);
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return diag_error(diag, -errno, "%s: %s", address->sun_path, strerror(errno));
	return 0;
}

static int make_directory_of(const char *path, struct diag *diag)
{
	char directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	return directory_make(directory, 0755, diag);
}

/* Bound under a mask, not chmod'ed later: there is no moment in which others could connect. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return r;
}

static int control_listen(struct control *control, struct diag *diag)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	if (fd < 0)
		return diag_error(diag, -errno, "control socket: %s", strerror(errno));
	memcpy(address.sun_path, control->path, sizeof(address.sun_path));
	r = make_directory_of(control->path, diag);
	if (r >= 0)
		r = remove_stale(&address, diag);
	if (r < 0)
		return r;
	r = bind_private(fd, &address);
	if (r < 0)
		return diag_error(diag, r, "%s: %s", control->path, strerror(-r));
	control->listener = TAKE_FD(fd);
	if (listen(control->listener, CONTROL_CLIENTS_MAX) < 0 ||
	    epoll_ctl(control->epoll, EPOLL_CTL_ADD, control->listener, &event) < 0)
		return diag_error(diag, -errno, "%s: %s", control->path, strerror(errno));
	return 0;
}

int control_open(const char *path, const struct control_handler *handler, struct diag *diag,
		 struct control **ret_control)
{
	_cleanup_(control_closep) struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->listener = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	control->handler = *handler;
	control->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (control->epoll < 0)
		return diag_error(diag, -errno, "control socket: %s", strerror(errno));
	if (snprintf(control->path, sizeof(control->path), "%s", path) >= (int)sizeof(control->path))
		return diag_exit(diag, EXIT_UNSOUND, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes",
				 path, sizeof(control->path) - 1);
	r = control_listen(control, diag);
	if (r < 0)
		return r;
	*ret_control = TAKE(control);
	return 0;
}

/* ---- one client ---- */

static void client_answer(struct client *client, struct str answer)
{
	client->answer = BUF_MAX(CONTROL_ANSWER_MAX + 1);
	client->waits = false;
	client->answering = true;
	if (buf_append_str(&client->answer, answer) < 0 || buf_append(&client->answer, "\n", 1) < 0)
		client_drop(client);
}

static void client_refuse(struct client *client, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"error\":\"%s\",\"ok\":false}", why);
	client_answer(client, str_of(text));
}

/* The verb of exactly {"verb":"..."}; NULL. The caller frees *ret_request. */
static const char *request_verb(struct str line, json_t **ret_request)
{
	const char *verb = NULL;
	json_t *request = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, NULL);

	if (request && json_object_size(request) == 1)
		verb = json_string_value(json_object_get(request, "verb"));
	*ret_request = request;
	return verb;
}

static void client_serve(struct control *control, struct client *client, size_t line_len)
{
	_cleanup_(buf_done) struct buf answer = BUF_MAX(CONTROL_ANSWER_MAX);
	json_t *request = NULL;
	const char *verb = request_verb((struct str) { client->request, line_len }, &request);

	if (!verb) {
		client_refuse(client, "a request is {\\\"verb\\\":\\\"NAME\\\"} and a line end");
	} else {
		switch (control->handler.serve(control->handler.user, verb, &answer)) {
		case CONTROL_ANSWERED:
			client_answer(client, buf_str(&answer));
			break;
		case CONTROL_WAITS:
			client->waits = true;
			break;
		case CONTROL_UNKNOWN:
			client_refuse(client, "unknown verb");
			break;
		}
	}
	json_decref(request);
}

static void client_send(struct client *client)
{
	while (client->fd >= 0 && client->sent < client->answer.len) {
		ssize_t n = send(client->fd, client->answer.data + client->sent,
				 client->answer.len - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		client->sent += (size_t)n;
	}
	client_drop(client);
}

/* What came: a whole line is served; more than a request can be, or an end before the line's, is dropped. */
static void client_receive(struct control *control, struct client *client)
{
	for (;;) {
		size_t room = sizeof(client->request) - client->request_len;
		ssize_t n = recv(client->fd, client->request + client->request_len, room, MSG_DONTWAIT);
		const char *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			client_drop(client);
			return;
		}
		client->request_len += (size_t)n;
		end = memchr(client->request, '\n', client->request_len);
		if (end) {
			client_serve(control, client, (size_t)(end - client->request));
			return;
		}
		if (client->request_len == sizeof(client->request)) {
			client_refuse(client, "the request is too long");
			return;
		}
	}
}

static void client_dispatch(struct control *control, struct client *client, uint32_t events)
{
	struct epoll_event next = { .data.ptr = client };

	if (client->fd < 0)
		return; /* dropped while this event was on its way */
	if (client->waits && events & (EPOLLHUP | EPOLLERR)) {
		client_drop(client); /* it went away; what it asked for happens all the same */
		return;
	}
	if (!client->waits && !client->answering)
		client_receive(control, client);
	if (client->fd >= 0 && client->answering)
		client_send(client);
	if (client->fd < 0)
		return;
	/* While it waits its bytes stay unread; only its end wakes us. */
	next.events = client->answering ? EPOLLOUT : client->waits ? 0 : EPOLLIN;
	if (epoll_ctl(control->epoll, EPOLL_CTL_MOD, client->fd, &next) < 0)
		client_drop(client);
}

/* ---- all clients ---- */

static bool peer_may_ask(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || len != sizeof(peer))
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static struct client *free_place(struct control *control)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0)
			return client;
		if (!client->waits && (!oldest || client->since_ms < oldest->since_ms))
			oldest = client;
	}
	if (oldest)
		client_drop(oldest);
	return oldest;
}

static void accept_client(struct control *control, int fd, uint64_t now_ms)
{
	struct client *client = peer_may_ask(fd) ? free_place(control) : NULL;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	if (!client || epoll_ctl(control->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		close(fd);
		return;
	}
	*client = (struct client) { .fd = fd, .since_ms = now_ms };
}

/* At most one round of places a call, so that a storm of connections cannot keep the loop here. */
static void accept_clients(struct control *control, uint64_t now_ms)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		accept_client(control, fd, now_ms);
	}
}

static void drop_late(struct control *control, uint64_t now_ms)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0 && !client->waits && now_ms - client->since_ms > CONTROL_DEADLINE_MS)
			client_drop(client);
	}
}

void control_dispatch(struct control *control, uint64_t now_ms)
{
	struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
	int count = epoll_wait(control->epoll, events, ARRAY_LEN(events), 0);
	bool listener = false;

	/* Clients first: accepting may reuse the place that a later event of this batch still names. */
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			client_dispatch(control, events[i].data.ptr, events[i].events);
		else
			listener = true;
	}
	drop_late(control, now_ms);
	if (listener)
		accept_clients(control, now_ms);
}

void control_answer_waiting(struct control *control, struct str answer)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || !client->waits)
			continue;
		client_answer(client, answer);
		if (client->fd >= 0)
			client_send(client); /* a fresh socket takes an answer of this size at once */
		client_drop(client);
	}
}
