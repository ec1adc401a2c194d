/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A server on a loopback port that says, to each connection, exactly the bytes it was given, and keeps what it was asked.
 * It closes after its answer unless it is told to hold on. One connection at a time.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
	int listener, port;
	char url[64];
	pthread_t thread;
	const char *answer; /* "" = none */
	size_t zeros; /* bytes behind the answer, as long as the client takes them */
	bool hold; /* leaves the connection open behind the answer, until the server stops or the client closes */
	atomic_bool *on_asked; /* becomes true when a request is here */
	atomic_uint asked;
	char request[65536];
};

static void server_read(struct server *server, int fd)
{
	size_t have = 0, want = 0;

	while (have < sizeof(server->request) - 1) {
		ssize_t got = recv(fd, server->request + have, sizeof(server->request) - 1 - have, 0);
		const char *end, *length;

		if (got <= 0)
			break;
		have += (size_t)got;
		server->request[have] = 0;
		end = strstr(server->request, "\r\n\r\n");
		length = strstr(server->request, "Content-Length: ");
		if (!end)
			continue;
		want = (size_t)(end + 4 - server->request) +
		       (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
		if (have >= want)
			break;
	}
	server->request[have] = 0;
}

static void server_serve(struct server *server, int fd)
{
	static const char zeros[65536];
	char byte;

	server_read(server, fd);
	atomic_fetch_add(&server->asked, 1);
	if (server->on_asked)
		atomic_store(server->on_asked, true);
	send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
	for (size_t sent = 0; sent < server->zeros; sent += sizeof(zeros))
		if (send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL) <= 0)
			break;
	while (server->hold && recv(fd, &byte, 1, 0) > 0)
		continue;
	close(fd);
}

static void *server_run(void *user)
{
	struct server *server = user;

	for (;;) {
		int fd = accept(server->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		server_serve(server, fd);
	}
}

static void server_start(struct server *server, const char *answer)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	memset(server, 0, sizeof(*server));
	server->answer = answer;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(server->listener >= 0);
	assert(bind(server->listener, (struct sockaddr *)&address, len) == 0 &&
	       listen(server->listener, 16) == 0);
	assert(getsockname(server->listener, (struct sockaddr *)&address, &len) == 0);
	server->port = ntohs(address.sin_port);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/log", server->port);
	assert(pthread_create(&server->thread, NULL, server_run, server) == 0);
}

/* The client has closed its connection by then, or is about to: http_free. */
static void server_stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}
