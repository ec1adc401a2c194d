// SPDX-License-Identifier: Apache-2.0
/*
 * Readiness. The pipe is written once and closed, so that a collector that dies without a word is seen as the end of
 * the pipe. The service manager's protocol is one datagram: no library is needed for it.
 */

#include "daemon/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "daemon/control.h"
#include "daemon/parts.h"

static void send_line(int fd, json_t *object)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONTROL_ANSWER_MAX);

	if (report_dump(object, &text) >= 0 && buf_append(&text, "\n", 1) >= 0)
		(void)file_write_all(fd, text.data, text.len, NULL);
	close(fd);
}

void ready_started(int fd, struct collector *collector)
{
	if (fd >= 0)
		send_line(fd, collector_started(collector));
}

void ready_failed(int fd, const char *why, enum exit_status code)
{
	if (fd >= 0)
		send_line(fd, json_pack("{s:b, s:s, s:i}", "ok", false, "error", why, "code", (int)code));
}

void ready_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	_cleanup_(closep) int fd = -1;

	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* abstract: its name is not NUL-terminated */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}
