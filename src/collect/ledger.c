/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The bookkeeping of what was lost. Everything expands from the tables in wire/kinds.h: a cause added there has
 * its row in every seal, its cure in status and its place in the sums without a line here.
 *
 * Promises that a row is never left out (zero is written as zero) and that a chunk's rows never claim what
 * happened before the chunk was opened. When a cause had struck before, the first time within the chunk is not
 * known from totals; the chunk's opening then stands as the earliest it can be. Owns the losses by cgroup.
 */

#include "collect/ledger.h"

#include <stdlib.h>

struct cause {
	const char *name, *layer, *effect, *cure;
	unsigned int kinds; /* LOSS_*: bit N is kind N + 1 */
};

_Static_assert(LOSS_OPEN == 1 << (WIRE_KIND_FILE_OPEN - 1) && LOSS_EXEC == 1 << (WIRE_KIND_PROCESS_EXEC - 1) &&
		       LOSS_TCP == 1 << (WIRE_KIND_TCP_STATE - 1) &&
		       LOSS_EXIT == 1 << (WIRE_KIND_PROCESS_EXIT - 1) &&
		       LOSS_LIBRARY == 1 << (WIRE_KIND_LIBRARY_LOAD - 1) &&
		       LOSS_CONNECT == 1 << (WIRE_KIND_NET_CONNECT - 1) &&
		       LOSS_SSL == 1 << (WIRE_KIND_SSL_OP - 1) &&
		       LOSS_FUNCTION == 1 << (WIRE_KIND_FUNCTION_CALL - 1) &&
		       LOSS_CGROUP == 1 << (WIRE_KIND_CGROUP - 1) && LOSS_ANY == (1 << (WIRE_KIND_END - 1)) - 1,
	       "a bit a kind");

#define CAUSE_ROW(ENUM, cause, kinds, layer, effect, cure) { #cause, #layer, #effect, cure, kinds },
static const struct cause kernel_causes[] = { WIRE_KERNEL_LOSSES(CAUSE_ROW) };
static const struct cause own_causes[] = { WIRE_COLLECTOR_LOSSES(CAUSE_ROW) };

_Static_assert(sizeof(kernel_causes) / sizeof(kernel_causes[0]) == WIRE_LOSS_KERNEL_END,
	       "one row a kernel cause");
_Static_assert(sizeof(own_causes) / sizeof(own_causes[0]) == LEDGER_COLLECTOR_END, "one row an own cause");

#define LEDGER_ROWS ((WIRE_KIND_END - 1) * WIRE_LOSS_KERNEL_END + LEDGER_COLLECTOR_END)

void ledger_done(struct ledger *ledger)
{
	losers_done(&ledger->losers);
}

void ledger_kernel(struct ledger *ledger, const struct wire_cpu_counters *totals)
{
	ledger->kernel = *totals;
}

void ledger_add(struct ledger *ledger, enum ledger_cause cause, uint64_t count, uint64_t boot_ns)
{
	struct wire_loss_count *own = &ledger->own[cause];

	if (count == 0)
		return;
	if (own->count == 0)
		own->first_boot_ns = boot_ns;
	own->count += count;
	own->last_boot_ns = boot_ns;
}

void ledger_cut(struct ledger *ledger)
{
	ledger->kernel_before = ledger->kernel;
	memcpy(ledger->own_before, ledger->own, sizeof(ledger->own_before));
	losers_cut(&ledger->losers);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What of `total` belongs to the chunk that was opened at opened_boot_ns, when `before` was the total. */
static struct wire_loss_count since(const struct wire_loss_count *total, const struct wire_loss_count *before,
				    uint64_t opened_boot_ns)
{
	struct wire_loss_count part = { 0 };

	if (total->count <= before->count)
		return part;
	part.count = total->count - before->count;
	part.first_boot_ns = later(before->count == 0 ? total->first_boot_ns : 0, opened_boot_ns);
	part.last_boot_ns = later(total->last_boot_ns, part.first_boot_ns);
	return part;
}

static int row_fill(struct statement_loss *row, const char *kind, const struct cause *cause,
		    const struct wire_loss_count *count)
{
	int r;

	if (kind) {
		r = statement_set(&row->kind, kind);
		if (r < 0)
			return r;
	}
	r = statement_set(&row->layer, cause->layer);
	if (r < 0)
		return r;
	r = statement_set(&row->cause, cause->name);
	if (r < 0)
		return r;
	r = statement_set(&row->effect, cause->effect);
	if (r < 0)
		return r;
	row->count = count->count;
	row->first_boot_ns = count->first_boot_ns;
	row->last_boot_ns = count->last_boot_ns;
	return 0;
}

/* Appends a row; there is room for LEDGER_ROWS. */
static int row_add(struct statement *statement, const char *kind, const struct cause *cause,
		   const struct wire_loss_count *count)
{
	return row_fill(&statement->losses[statement->n_losses++], kind, cause, count);
}

int ledger_rows(const struct ledger *ledger, bool since_start, uint64_t opened_boot_ns,
		struct statement *statement)
{
	static const struct ledger none;
	const struct ledger *before = since_start ? &none : ledger;
	uint64_t opened = since_start ? 0 : opened_boot_ns;
	int r = 0;

	statement_forget_losses(statement);
	statement->losses = calloc(LEDGER_ROWS, sizeof(*statement->losses));
	if (!statement->losses)
		return -ENOMEM;
	for (size_t kind = 0; kind < WIRE_KIND_END - 1; kind++) {
		for (size_t i = 0; r >= 0 && i < WIRE_LOSS_KERNEL_END; i++) {
			struct wire_loss_count part = since(&ledger->kernel.losses[kind][i],
							    &before->kernel_before.losses[kind][i], opened);

			if (!(kernel_causes[i].kinds & 1u << kind) && part.count == 0)
				continue;
			r = row_add(statement, event_kind_name((enum wire_kind)(kind + 1)), &kernel_causes[i],
				    &part);
			if (r >= 0)
				r = losers_rows(&ledger->losers, (uint32_t)kind + 1, (uint32_t)i, since_start,
						opened_boot_ns, &statement->losses[statement->n_losses - 1]);
		}
	}
	for (size_t i = 0; r >= 0 && i < LEDGER_COLLECTOR_END; i++) {
		struct wire_loss_count part = since(&ledger->own[i], &before->own_before[i], opened);

		r = row_add(statement, NULL, &own_causes[i], &part);
	}
	if (r < 0) {
		statement_forget_losses(statement);
		return r;
	}
	statement->losses_known = true;
	return 0;
}

static uint64_t grown(uint64_t total, uint64_t before)
{
	return total > before ? total - before : 0;
}

uint64_t ledger_folded(const struct ledger *ledger, bool since_start, enum wire_kind kind)
{
	return grown(ledger->kernel.folded[kind - 1], since_start ? 0 : ledger->kernel_before.folded[kind - 1]);
}

uint64_t ledger_filtered(const struct ledger *ledger, bool since_start)
{
	uint64_t sum = 0;

	for (size_t kind = 0; kind < WIRE_KIND_END - 1; kind++)
		sum += grown(ledger->kernel.filtered[kind],
			     since_start ? 0 : ledger->kernel_before.filtered[kind]);
	return sum;
}

static bool loses_record(const struct cause *cause)
{
	return strcmp(cause->effect, "record") == 0;
}

uint64_t ledger_records_lost(const struct ledger *ledger)
{
	uint64_t sum = 0;
	size_t kind, i;

	for (i = 0; i < WIRE_LOSS_KERNEL_END; i++) {
		for (kind = 0; loses_record(&kernel_causes[i]) && kind < WIRE_KIND_END - 1; kind++)
			sum += ledger->kernel.losses[kind][i].count;
	}
	for (i = 0; i < LEDGER_COLLECTOR_END; i++) {
		if (loses_record(&own_causes[i]))
			sum += ledger->own[i].count;
	}
	return sum;
}

const char *ledger_cure(const char *cause)
{
	size_t i;

	for (i = 0; i < WIRE_LOSS_KERNEL_END; i++) {
		if (strcmp(kernel_causes[i].name, cause) == 0)
			return kernel_causes[i].cure;
	}
	for (i = 0; i < LEDGER_COLLECTOR_END; i++) {
		if (strcmp(own_causes[i].name, cause) == 0)
			return own_causes[i].cure;
	}
	return NULL;
}
