/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An engine that speaks Docker's API, well or badly, on a Unix socket of the test's. Its threads end with fake_stop, which
 * takes the socket's file away too, as an engine does that ends.
 */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FAKE_CONNECTIONS 512
#define FAKE_IMAGE "sha256:daa323f8ae08c968ccf68f27ebeb288c919f55144ce22fa87f61ea0cdc4c334f"

enum fake_way {
	FAKE_RIGHT,
	FAKE_KNOWS_NOTHING,
	FAKE_OTHER_ID,
	FAKE_GARBAGE,
	FAKE_NOT_HTTP,
	FAKE_ENDLESS, /* a body */
	FAKE_ENDLESS_HEADERS,
	FAKE_LABELS, /* 100 MB of them */
	FAKE_HALF, /* a body, then silence */
	FAKE_SILENT, /* takes the question, and that is all */
	FAKE_CAPITALS, /* a digest in */
	FAKE_SHORT, /* a digest too */
	FAKE_CLOSES, /* in the middle */
	FAKE_ERROR,
	FAKE_REDIRECTS,
};

struct fake {
	char path[108];
	int listener;
	atomic_int way; /* enum fake_way: of the answers about containers */
	const char *runtime; /* "Podman Engine" or "Engine" */
	const char *digest; /* of the repository; NULL = none */
	char listed[80]; /* an id of its list; "" = it is empty */
	atomic_int asked; /* about containers */
	atomic_int watchers; /* how many hear of events now */
	pthread_t threads[FAKE_CONNECTIONS + 1];
	int connections[FAKE_CONNECTIONS];
	size_t n_connections;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char event[512]; /* to be told to all who watch */
	unsigned int n_events;
	bool over;
};

static bool fake_send(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		text += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool fake_say(int fd, int status, const char *body)
{
	char head[256];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status,
		 strlen(body));
	return fake_send(fd, head, strlen(head)) && fake_send(fd, body, strlen(body));
}

static bool fake_container(int fd, const char *id, const char *image, size_t label_bytes)
{
	static const char row[] = "\"label\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",";
	char text[1024];

	snprintf(text, sizeof(text),
		 "[{\"Id\":\"%s\",\"ImageID\":\"%s\",\"Names\":[\"/web\"],\"Image\":\"nginx:1\","
		 "\"Labels\":{\"tier\":\"front\"}}]",
		 id, image);
	if (label_bytes == 0)
		return fake_say(fd, 200, text);
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n\r\n[{\"Id\":\"%s\",\"Labels\":{", id);
	if (!fake_send(fd, text, strlen(text)))
		return false;
	for (size_t sent = 0; sent < label_bytes; sent += sizeof(row) - 1) {
		if (!fake_send(fd, row, sizeof(row) - 1))
			return false;
	}
	return false;
}

static bool fake_endless(int fd, const char *head, const char *piece)
{
	if (!fake_send(fd, head, strlen(head)))
		return false;
	while (fake_send(fd, piece, strlen(piece)))
		;
	return false;
}

/* Until the test ends, or the other side goes. */
static bool fake_waits(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
	return false;
}

static bool fake_about(struct fake *fake, int fd, const char *id)
{
	static const char other[] = "0000000000000000000000000000000000000000000000000000000000000000";

	atomic_fetch_add(&fake->asked, 1);
	switch ((enum fake_way)atomic_load(&fake->way)) {
	case FAKE_RIGHT:
		return fake_container(fd, id, FAKE_IMAGE, 0);
	case FAKE_KNOWS_NOTHING:
		return fake_say(fd, 200, "[]\n");
	case FAKE_OTHER_ID:
		return fake_container(fd, other, FAKE_IMAGE, 0);
	case FAKE_GARBAGE:
		return fake_say(fd, 200, "\xff\xfe{{{{ no");
	case FAKE_NOT_HTTP:
		fake_send(fd, "SSH-2.0-x\r\n", 11);
		return false;
	case FAKE_ENDLESS:
		return fake_endless(fd, "HTTP/1.1 200 OK\r\n\r\n{\"Id\":\"",
				    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	case FAKE_ENDLESS_HEADERS:
		return fake_endless(fd, "HTTP/1.1 200 OK\r\n", "x-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	case FAKE_LABELS:
		return fake_container(fd, id, FAKE_IMAGE, 100u << 20);
	case FAKE_HALF:
		fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Id\":\"", 48);
		return fake_waits(fd);
	case FAKE_SILENT:
		return fake_waits(fd);
	case FAKE_CAPITALS:
		return fake_container(
			fd, id, "sha256:DAA323F8AE08C968CCF68F27EBEB288C919F55144CE22FA87F61EA0CDC4C334F", 0);
	case FAKE_SHORT:
		return fake_container(fd, id, "sha256:daa323", 0);
	case FAKE_CLOSES:
		fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Id\":\"", 48);
		return false;
	case FAKE_ERROR:
		return fake_say(fd, 500, "{\"message\":\"no\"}");
	case FAKE_REDIRECTS:
		fake_send(fd, "HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
			  68);
		return true;
	}
	return false;
}

static bool fake_events(struct fake *fake, int fd)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	char chunk[600];
	unsigned int seen;
	bool going = fake_send(fd, head, sizeof(head) - 1);

	pthread_mutex_lock(&fake->lock);
	seen = fake->n_events;
	atomic_fetch_add(&fake->watchers, 1);
	while (going && !fake->over) {
		if (seen == fake->n_events) {
			pthread_cond_wait(&fake->changed, &fake->lock);
			continue;
		}
		seen = fake->n_events;
		snprintf(chunk, sizeof(chunk), "%zx\r\n%s\r\n", strlen(fake->event), fake->event);
		going = fake_send(fd, chunk, strlen(chunk));
	}
	atomic_fetch_sub(&fake->watchers, 1);
	pthread_mutex_unlock(&fake->lock);
	return false;
}

/* False: the connection ends. */
static bool fake_answer(struct fake *fake, int fd, const char *path)
{
	char text[512], id[65] = "";

	if (strcmp(path, "/version") == 0) {
		snprintf(text, sizeof(text), "{\"Version\":\"1\",\"Components\":[{\"Name\":\"%s\"}]}",
			 fake->runtime);
		return fake_say(fd, 200, text);
	}
	if (strcmp(path, "/containers/json") == 0) {
		snprintf(text, sizeof(text), fake->listed[0] ? "[{\"Id\":\"%s\"}]" : "[%s]", fake->listed);
		return fake_say(fd, 200, text);
	}
	if (strncmp(path, "/events?", 8) == 0)
		return fake_events(fake, fd);
	if (strcmp(path, "/images/" FAKE_IMAGE "/json") == 0) {
		snprintf(text, sizeof(text), "{\"Id\":\"" FAKE_IMAGE "\",\"RepoDigests\":[%s%s%s]}",
			 fake->digest ? "\"nginx@" : "", fake->digest ? fake->digest : "",
			 fake->digest ? "\"" : "");
		return fake_say(fd, 200, text);
	}
	if (sscanf(path, "/containers/json?all=1&filters=%%7B%%22id%%22%%3A%%5B%%22%64[0-9a-f]%%22%%5D%%7D",
		   id) == 1)
		return fake_about(fake, fd, id);
	return fake_say(fd, 404, "{}");
}

struct fake_connection {
	struct fake *fake;
	int fd;
};

static void *fake_serve(void *user)
{
	struct fake_connection connection = *(struct fake_connection *)user;
	char request[2048], path[512];
	size_t len = 0;
	bool going = true;

	free(user);
	while (going) {
		ssize_t n = recv(connection.fd, request + len, sizeof(request) - 1 - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
		request[len] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		len = 0;
		going = sscanf(request, "GET %511s", path) == 1 &&
			fake_answer(connection.fake, connection.fd, path);
	}
	shutdown(connection.fd, SHUT_RDWR); /* closed by fake_stop */
	return NULL;
}

static void *fake_accept(void *user)
{
	struct fake *fake = user;

	for (;;) {
		int fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC);
		struct fake_connection *connection;

		if (fd < 0)
			return NULL;
		pthread_mutex_lock(&fake->lock);
		if (fake->over || fake->n_connections == FAKE_CONNECTIONS) {
			close(fd);
		} else {
			connection = malloc(sizeof(*connection));
			*connection = (struct fake_connection) { fake, fd };
			fake->connections[fake->n_connections] = fd;
			pthread_create(&fake->threads[fake->n_connections++], NULL, fake_serve, connection);
		}
		pthread_mutex_unlock(&fake->lock);
	}
}

/* Listens as `uid`: this thread's alone, which glibc's seteuid is not. */
static struct fake *fake_start(const char *path, uid_t uid)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	snprintf(fake->path, sizeof(fake->path), "%s", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fake->runtime = "Engine";
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	syscall(SYS_setresuid, -1, uid, -1);
	r = bind(fake->listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fake->listener, 64) == 0;
	syscall(SYS_setresuid, -1, getuid(), -1);
	if (!r) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		abort();
	}
	pthread_create(&fake->threads[FAKE_CONNECTIONS], NULL, fake_accept, fake);
	return fake;
}

static void fake_event(struct fake *fake, const char *event)
{
	pthread_mutex_lock(&fake->lock);
	snprintf(fake->event, sizeof(fake->event), "%s", event);
	fake->n_events++;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
}

static void fake_stop(struct fake *fake)
{
	if (!fake)
		return;
	unlink(fake->path);
	pthread_mutex_lock(&fake->lock);
	fake->over = true;
	pthread_cond_broadcast(&fake->changed);
	for (size_t i = 0; i < fake->n_connections; i++)
		shutdown(fake->connections[i], SHUT_RDWR);
	pthread_mutex_unlock(&fake->lock);
	shutdown(fake->listener, SHUT_RDWR);
	pthread_join(fake->threads[FAKE_CONNECTIONS], NULL);
	for (size_t i = 0; i < fake->n_connections; i++) {
		pthread_join(fake->threads[i], NULL);
		close(fake->connections[i]);
	}
	close(fake->listener);
	pthread_cond_destroy(&fake->changed);
	pthread_mutex_destroy(&fake->lock);
	free(fake);
}
