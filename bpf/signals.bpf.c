// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel half: one object, one file a subject. What each promises stands at its top. */

#include "exec.h"
#include "open.h"
#include "tcp.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
