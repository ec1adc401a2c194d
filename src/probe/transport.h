/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The way from the kernel half to us: one ring buffer, or a perf buffer a processor where there is no ring. */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct transport;

typedef void (*transport_take_fn)(void *taker, const void *data, size_t len);

/* `map` is the ring's or the perf event array's descriptor. `bytes`: of the ring, or of all perf buffers together. */
int transport_open(bool perf, int map, size_t bytes, struct transport **ret_transport);
void transport_close(struct transport *transport);
DEFINE_FREEP(transport, transport_close)

int transport_fd(const struct transport *transport);
/* As source_drain. Perf buffers are emptied processor by processor, each as a whole. */
int transport_drain(struct transport *transport, size_t max_records, transport_take_fn take, void *taker);
/* Bytes in use now (0 for perf buffers, which do not say), and the size. */
void transport_use(const struct transport *transport, size_t *ret_used, size_t *ret_size);
