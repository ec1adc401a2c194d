/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What was lost, by kind and cause, since the collector started; and what of it belongs to the current chunk.
 * Counters only grow. The kernel's part is replaced as a whole at each reading; the collector's own is added to.
 */

#include "collect/losers.h"
#include "format/statement.h"

#define LEDGER_ENUM_LOSS(ENUM, cause, kinds, layer, effect, cure) LEDGER_##ENUM,
enum ledger_cause { WIRE_COLLECTOR_LOSSES(LEDGER_ENUM_LOSS) LEDGER_COLLECTOR_END };
#undef LEDGER_ENUM_LOSS

struct ledger {
	struct wire_cpu_counters kernel; /* totals since attach */
	struct wire_cpu_counters kernel_before; /* the same when the current chunk opened */
	struct wire_loss_count own[LEDGER_COLLECTOR_END];
	struct wire_loss_count own_before[LEDGER_COLLECTOR_END];
	struct losers losers; /* the kernel's part by cgroup */
};

void ledger_done(struct ledger *ledger);

void ledger_kernel(struct ledger *ledger, const struct wire_cpu_counters *totals);
void ledger_add(struct ledger *ledger, enum ledger_cause cause, uint64_t count, uint64_t boot_ns);
/* The current chunk ends here: what comes later belongs to the next. */
void ledger_cut(struct ledger *ledger);

/*
 * Fills statement->losses: one row for each kind and kernel cause and for each cause of the collector, zero as
 * zero, sorted as the tables are. `since_start` false: only what belongs to the current chunk (its first and
 * last times are then no earlier than opened_boot_ns). Sets losses_known.
 */
int ledger_rows(const struct ledger *ledger, bool since_start, uint64_t opened_boot_ns,
		struct statement *statement);

/* Events of one kind that were folded into others, and events that the kernel's filters left out. */
uint64_t ledger_folded(const struct ledger *ledger, bool since_start, enum wire_kind kind);
uint64_t ledger_filtered(const struct ledger *ledger, bool since_start);

/* Records (not members) lost since the start. */
uint64_t ledger_records_lost(const struct ledger *ledger);
/* "raise ring_buffer_mb, ..." for a cause; NULL when there is no such cause. */
const char *ledger_cure(const char *cause);
