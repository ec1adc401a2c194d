// SPDX-License-Identifier: Apache-2.0
/*
 * net_connect on the live kernel, by each way that it has: every connect and accept of ours is one record with the
 * right peer and result, and what names nobody is none. Needs root; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/source.h"

#define RING_BYTES (8u << 20)
#define MESSAGES_MAX 64

struct message {
	struct wire_net_connect fixed;
	char path[WIRE_SOCKET_PATH_MAX];
};

/* What this process's connections left, in order. */
static struct message messages[MESSAGES_MAX];
static size_t n_messages, n_looked_at;
static struct source *source;

static void take(void *taker, const void *data, size_t len)
{
	struct message *message = &messages[n_messages];

	(void)taker;
	if (((const struct wire_head *)data)->kind != WIRE_KIND_NET_CONNECT ||
	    ((const struct wire_head *)data)->pid != (uint32_t)getpid())
		return;
	assert_true(n_messages < MESSAGES_MAX && len >= sizeof(message->fixed));
	memcpy(&message->fixed, data, sizeof(message->fixed));
	assert_int_equal(message->fixed.head.size, len);
	assert_int_equal(len - sizeof(message->fixed), message->fixed.path_len);
	memcpy(message->path, (const char *)data + sizeof(message->fixed), message->fixed.path_len);
	n_messages++;
}

/* The next record; NULL when there is none. */
static const struct message *next(void)
{
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
	return n_looked_at < n_messages ? &messages[n_looked_at++] : NULL;
}

static const struct message *assert_next(uint8_t op, uint16_t family, int result, int type)
{
	const struct message *message = next();

	assert_non_null(message);
	assert_int_equal(message->fixed.op, op);
	assert_int_equal(message->fixed.family, family);
	assert_int_equal(message->fixed.result, result);
	assert_int_equal(message->fixed.type, type);
	assert_int_equal(message->fixed.head.tid, gettid());
	return message;
}

static void assert_name(const struct message *message, const char *name, size_t len)
{
	assert_int_equal(message->fixed.path_len, len);
	assert_memory_equal(message->path, name, len);
}

static void ip_connects(int family, const void *host, size_t host_len)
{
	struct sockaddr_storage any = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *in = (void *)&any;
	struct sockaddr_in6 *in6 = (void *)&any;
	socklen_t len = family == AF_INET ? sizeof(*in) : sizeof(*in6), peer_len;
	_cleanup_(closep) int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int refused = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int datagrams = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int accepted = -1;
	struct sockaddr_storage own;
	const struct message *message;
	uint16_t port;

	if (listener < 0 && errno == EAFNOSUPPORT) {
		print_message("# no such addresses here: family %d\n", family);
		return;
	}
	memcpy(family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr, host, host_len);
	assert_int_equal(bind(listener, (struct sockaddr *)&any, len), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&any, &len), 0);
	port = ntohs(family == AF_INET ? in->sin_port : in6->sin6_port);
	assert_int_equal(connect(refused, (struct sockaddr *)&any, len), -1);
	message = assert_next(WIRE_CONNECT, (uint16_t)family, -ECONNREFUSED, SOCK_STREAM);
	assert_int_equal(message->fixed.port, port);

	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&any, len), 0);
	message = assert_next(WIRE_CONNECT, (uint16_t)family, 0, SOCK_STREAM);
	assert_int_equal(message->fixed.port, port);
	assert_memory_equal(message->fixed.addr, host, host_len);

	peer_len = sizeof(own);
	assert_int_equal(getsockname(client, (struct sockaddr *)&own, &peer_len), 0);
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	message = assert_next(WIRE_ACCEPT, (uint16_t)family, 0, SOCK_STREAM);
	assert_memory_equal(message->fixed.addr, host, host_len);
	assert_int_equal(message->fixed.port, ntohs(((struct sockaddr_in *)&own)->sin_port));

	assert_int_equal(connect(datagrams, (struct sockaddr *)&any, len), 0);
	message = assert_next(WIRE_CONNECT, (uint16_t)family, 0, SOCK_DGRAM);
	assert_int_equal(message->fixed.port, port);
}

static void unix_connects(int type, const char *name, size_t name_len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_len);
	_cleanup_(closep) int listener = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int client = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int refused = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int accepted = -1;

	memcpy(address.sun_path, name, name_len);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(connect(refused, (struct sockaddr *)&address, len), -1);
	assert_name(assert_next(WIRE_CONNECT, AF_UNIX, -ECONNREFUSED, type), name, name_len);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	assert_name(assert_next(WIRE_CONNECT, AF_UNIX, 0, type), name, name_len);
	/* The client has no name of its own: the connection's is the one that it asked for. */
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	assert_name(assert_next(WIRE_ACCEPT, AF_UNIX, 0, type), name, name_len);
}

/* A client that is bound has a name, and the accepted connection says it. */
static void unix_peer_has_a_name(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0of the listener" };
	struct sockaddr_un own = { .sun_family = AF_UNIX, .sun_path = "\0of the client" };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 16,
		  own_len = offsetof(struct sockaddr_un, sun_path) + 14;
	_cleanup_(closep) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int accepted = -1;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(bind(client, (struct sockaddr *)&own, own_len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	assert_name(assert_next(WIRE_CONNECT, AF_UNIX, 0, SOCK_STREAM), address.sun_path, 16);
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	assert_name(assert_next(WIRE_ACCEPT, AF_UNIX, 0, SOCK_STREAM), own.sun_path, 14);
}

/* Asked, and not at once answered; another family; no socket at all. */
static void odd_connects(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(9),
				       .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_storage other = { .ss_family = AF_VSOCK };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	_cleanup_(closep) int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	/* This process's own is a canary: counted, and no record. */
	assert_int_equal(connect(datagrams, &none, sizeof(none)), 0);
	assert_int_equal(connect(datagrams, (struct sockaddr *)&other, sizeof(other)), -1);
	assert_next(WIRE_CONNECT, AF_VSOCK, -EAFNOSUPPORT, SOCK_DGRAM);
	assert_int_equal(connect(file, (struct sockaddr *)&address, sizeof(address)), -1);
	assert_next(WIRE_CONNECT, AF_INET, -ENOTSOCK, 0);
	assert_int_equal(connect(-1, (struct sockaddr *)&address, sizeof(address)), -1);
	assert_int_equal(assert_next(WIRE_CONNECT, AF_INET, -EBADF, 0)->fixed.port, 9);
}

/* What names nobody is no record, and the kernel refused it: no loss either. */
static void no_connects(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	_cleanup_(closep) int socket4 = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	void *nowhere = (void *)16;
	struct wire_cpu_counters counters;

	assert_int_equal(connect(socket4, nowhere, sizeof(address)), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(connect(socket4, (struct sockaddr *)&address, 1), -1);
	assert_int_equal(connect(socket4, (struct sockaddr *)&address, 20), -1);
	assert_int_equal(connect(socket4, (struct sockaddr *)&address, 4096), -1);
	assert_int_equal(connect(socket4, (struct sockaddr *)&address, (socklen_t)-1), -1);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
	assert_int_equal(errno, EAGAIN);
	assert_null(next());
	assert_int_equal(source_counters(source, &counters), 0);
	assert_int_equal(counters.losses[WIRE_KIND_NET_CONNECT - 1][WIRE_LOSS_ADDRESS_UNREADABLE].count, 0);
	assert_int_equal(counters.losses[WIRE_KIND_NET_CONNECT - 1][WIRE_LOSS_FILE_GONE].count, 0);
}

static void act_all(void)
{
	static const uint8_t loopback4[4] = { 127, 0, 0, 1 }, loopback6[16] = { [15] = 1 };
	char path[64];

	n_messages = n_looked_at = 0;
	ip_connects(AF_INET, loopback4, sizeof(loopback4));
	ip_connects(AF_INET6, loopback6, sizeof(loopback6));
	snprintf(path, sizeof(path), "/tmp/test_connect.%d", getpid());
	unix_connects(SOCK_STREAM, path, strlen(path) + 1);
	unlink(path);
	unix_connects(SOCK_SEQPACKET, "\0abstract\0name", 14);
	unix_peer_has_a_name();
	odd_connects();
	no_connects();
}

static void each_way_sees_the_same(void **state)
{
	(void)state;
	if (geteuid() != 0 || access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		print_message("# skip: needs root and a kernel with BTF\n");
		skip();
	}
	for (unsigned int mix = 0; mix < 8; mix++) {
		struct source_options options = { .ring_bytes = RING_BYTES,
						  .kinds = 1u << WIRE_KIND_NET_CONNECT,
						  .without = (mix & 1 ? FEATURE_DIRECT_READS : 0) |
							     (mix & 2 ? FEATURE_LOOP : 0) |
							     (mix & 4 ? FEATURE_TRAMPOLINE : 0) };
		const struct source_probe *probes;
		struct diag diag = { .text = "" };

		if (source_open(&options, &diag, &source) < 0)
			fail_msg("mix %u: %s", mix, diag.text);
		assert_int_equal(source_probes(source, &probes) > 0, 1);
		print_message("# mix %u: %s\n", mix, probes[0].hook);
		act_all();
		source_close(TAKE(source));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_sees_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
