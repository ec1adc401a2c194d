/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chunks that are older than the window. Promises: nothing in them is a sighting, and nothing that was missed in them is a hole in the
 * window; but what ran or was mapped when the window began is said to be known only where they told all of it.
 */

#include "merge/coverage.h"

#include "verify/report.h"

/* Was something missed in this chunk that may still run, or be mapped, when the window begins? */
static bool misses_state(const struct statement *statement)
{
	const unsigned int lasting = OF_EXEC | OF_LIBRARY;
	uint64_t begin = report_coverage_begin(statement);
	unsigned int watched = 0;

	if (statement->recovered || statement->replay_of || !statement->losses_known ||
	    statement->n_comm_allowlist + statement->n_comm_denylist + statement->n_cgroups +
			    statement->n_pid_namespaces + statement->n_target_containers >
		    0)
		return true;
	for (size_t i = 0; i < statement->n_losses; i++) {
		const struct statement_loss *loss = &statement->losses[i];

		if (loss->count > 0 && strcmp(loss->effect, "record") == 0 &&
		    coverage_kinds_of(loss->kind) & lasting)
			return true;
	}
	for (size_t i = 0; i < statement->n_incidents; i++) {
		if (report_same_text(statement->incidents[i].what, "probe_silent"))
			return true;
	}
	for (size_t i = 0; i < statement->n_probes; i++) {
		const struct statement_probe *probe = &statement->probes[i];

		watched |= coverage_kinds_of(probe->kind);
		if (coverage_kinds_of(probe->kind) & lasting &&
		    (probe->from_boot_ns > begin || probe->to_boot_ns < statement->closed.boot_ns))
			return true;
	}
	return (watched & lasting) != lasting;
}

/*
 * A chunk that is older than the window: what began in it may go on. A collector that starts tells all that runs and is
 * mapped, so nothing that was missed before counts any more; unless it could not.
 */
int coverage_take_before(struct coverage *coverage, const struct statement *statement)
{
	bool starts = statement->sequence == 1 || statement->gap == GAP_RESTART || statement->gap == GAP_CRASH;
	int r = coverage_path_filters(coverage, statement);

	if (starts)
		coverage->before_unknown = false;
	else if (statement->sequence != coverage->last_sequence + 1)
		coverage->before_unknown = true;
	coverage->before_unknown = coverage->before_unknown || misses_state(statement);
	for (size_t i = 0; i < statement->n_probes; i++) {
		const struct statement_probe *probe = &statement->probes[i];

		for (size_t k = 0; k < probe->n_blind_spots && r == 0; k++) {
			const char *spot = probe->blind_spots[k];

			if (report_same_text(spot, "running_before_start") ||
			    report_same_text(spot, "mapped_before_start"))
				r = coverage_take_blind(coverage, probe, spot);
		}
	}
	return r;
}
