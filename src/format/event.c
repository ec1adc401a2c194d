/* SPDX-License-Identifier: Apache-2.0 */

/* The names behind the numbers of an event. A number without a name is the caller's finding, never a guess. */

#include "format/event.h"

#include <errno.h>

#include "base/cleanup.h"

#define KIND_NAME(ENUM, name, number) [WIRE_KIND_##ENUM] = #name,
static const char *const kind_names[] = { WIRE_KINDS(KIND_NAME) };

#define SOURCE_NAME(ENUM, name, kind, number) [WIRE_SOURCE_##ENUM] = name,
static const char *const source_names[] = { WIRE_SOURCES(SOURCE_NAME) };

/* include/net/tcp_states.h: the numbers are kernel ABI for tracing (BPF_TCP_*). BOUND_INACTIVE came with 6.8. */
static const char *const tcp_state_names[] = {
	[1] = "ESTABLISHED",	 [2] = "SYN_SENT",  [3] = "SYN_RECV", [4] = "FIN_WAIT1",
	[5] = "FIN_WAIT2",	 [6] = "TIME_WAIT", [7] = "CLOSE",    [8] = "CLOSE_WAIT",
	[9] = "LAST_ACK",	 [10] = "LISTEN",   [11] = "CLOSING", [12] = "NEW_SYN_RECV",
	[13] = "BOUND_INACTIVE",
};

/* include/linux/net.h: enum sock_type. */
static const char *const socket_type_names[] = {
	[1] = "stream",	   [2] = "dgram", [3] = "raw",	   [4] = "rdm",
	[5] = "seqpacket", [6] = "dccp",  [10] = "packet",
};

const char *event_kind_name(enum wire_kind kind)
{
	return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : NULL;
}

const char *event_source_name(enum wire_source source)
{
	return (size_t)source < ARRAY_LEN(source_names) ? source_names[source] : NULL;
}

int event_kind_find(struct str name, enum wire_kind *ret_kind)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kind_names); i++) {
		if (kind_names[i] && str_equal(name, str_of(kind_names[i]))) {
			*ret_kind = (enum wire_kind)i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *event_tcp_state_name(uint8_t state)
{
	return state < ARRAY_LEN(tcp_state_names) ? tcp_state_names[state] : NULL;
}

bool event_family_is_ip(uint16_t family)
{
	return family == EVENT_AF_INET || family == EVENT_AF_INET6;
}

const char *event_socket_type_name(uint16_t type)
{
	return type < ARRAY_LEN(socket_type_names) ? socket_type_names[type] : NULL;
}
