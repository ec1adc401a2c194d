// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel half: one object, one file a subject. What each promises stands at its top. */

#include "cgroup.h"
#include "exec.h"
#include "exit.h"
#include "function.h"
#include "open_late.h"
#include "snapshot.h"
#include "sys_exit.h"
#include "tcp.h"
#include "tls.h"
#include "uring.h"

/* Lives only on the stack, so its layout would not be in this object's types; tests/unit/test_wire.c compares them. */
const struct wire_tcp_state *border_tcp_state;
const struct wire_net_connect *border_net_connect;
const struct wire_process_exit *border_process_exit;
const struct wire_function_call *border_function_call;

char LICENSE[] SEC("license") = "Dual BSD/GPL";
