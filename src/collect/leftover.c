/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a kill, a power cut or an intruder can have left of an open chunk, told apart:
 *   file = closed draft           closed in order, only the seal is missing: recovered, with its true window
 *   file > draft                  killed between two checkpoints: recovered, the window ends with the last record
 *   file < draft                  a power cut took what was never synced: recovered, the difference is a loss
 *   whole lines that differ from what the draft knew, lines behind a closed draft, a link, another chain's draft:
 *                                 not our work, refused
 *   no draft that our key signed  recovered, with what the records alone can prove
 * Coverage is never stretched beyond the last checkpoint. Owns descriptor and statement until leftover_take.
 */

#include "collect/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "collect/draft.h"
#include "collect/ledger.h"
#include "collect/reopen.h"

#define NS_PER_S 1000000000u

void leftover_free(struct leftover *leftover)
{
	while (leftover) {
		struct leftover *next = leftover->next;

		statement_done(&leftover->statement);
		closep(&leftover->fd);
		free(leftover);
		leftover = next;
	}
}

/* A hard link would let the torn tail be cut off somebody else's file. -ENOENT when there is none. */
static int open_chunk(int dir, const char *name, struct diag *diag)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ENOENT
				       : diag_error(diag, -errno, "cannot open %s: %s", name, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0 && errno != ELOOP)
			return diag_error(diag, -errno, "cannot open %s: %s", name, strerror(errno));
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1)
			return TAKE_FD(fd);
	}
	return diag_error(diag, -EBADMSG,
			  "%s is a link or no regular file; no collector wrote it: move it out of the "
			  "evidence directory and start again",
			  name);
}

/* One more of a loss of the collector's, in the draft's rows. */
static int loss_add(struct statement *statement, const char *cause, uint64_t count, uint64_t boot_ns)
{
	struct statement_loss *row = NULL;
	size_t i;

	if (count == 0 || !statement->losses_known)
		return 0;
	for (i = 0; i < statement->n_losses && !row; i++) {
		if (strcmp(statement->losses[i].cause, cause) == 0 &&
		    strcmp(statement->losses[i].layer, "collector") == 0)
			row = &statement->losses[i];
	}
	if (!row) {
		row = reallocarray(statement->losses, statement->n_losses + 1, sizeof(*row));
		if (!row)
			return -ENOMEM;
		statement->losses = row;
		row += statement->n_losses++;
		*row = (struct statement_loss) { 0 };
		if (statement_set(&row->layer, "collector") < 0 || statement_set(&row->cause, cause) < 0 ||
		    statement_set(&row->effect, "record") < 0)
			return -ENOMEM;
	}
	if (row->count == 0)
		row->first_boot_ns = boot_ns;
	row->count += count;
	row->last_boot_ns = boot_ns;
	return 0;
}

static void count_content(struct statement *statement, const struct reopened *found)
{
	statement->bytes = found->bytes;
	statement->records = found->records;
	statement->plain_digest = found->digest;
	draft_mark(statement, true);
	memcpy(statement->events, found->events, sizeof(statement->events));
}

static int judge_with_draft(struct leftover *leftover, const char *name, const struct reopened *found,
			    struct diag *diag)
{
	struct statement *statement = &leftover->statement;
	bool closed = draft_is_closed(statement);
	uint64_t known = statement->records, torn = found->torn_bytes > 0;
	int r;

	if ((found->bytes >= statement->bytes && !found->mark_seen) ||
	    (closed && found->bytes > statement->bytes))
		return diag_error(
			diag, -EBADMSG,
			"%s does not hold what its draft says was written: it was altered and will not be "
			"signed; move both out of the evidence directory and start again",
			name);
	/*
	 * An older draft of this chunk bears our signature too: whoever can write the directory could put it back and
	 * cut the file to it, or add lines behind it. The seal must not say that all was there from the first moment.
	 */
	statement->recovered = true;
	statement->final = false;
	leftover->exact = closed && found->bytes == statement->bytes;
	if (leftover->exact)
		return 0;
	count_content(statement, found);
	if (found->records > 0 && found->last_boot_ns > statement->closed.boot_ns) {
		statement->closed.wall_ns += found->last_boot_ns - statement->closed.boot_ns;
		statement->closed.boot_ns = found->last_boot_ns;
	}
	r = loss_add(statement, "torn_tail", torn, statement->closed.boot_ns);
	if (r == 0 && known > found->records + torn)
		r = loss_add(statement, "write_failed", known - found->records - torn,
			     statement->closed.boot_ns);
	return r < 0 ? diag_error(diag, r, "%s: out of memory", name) : 0;
}

static void forget_host(struct statement *statement)
{
	char **fields[] = { &statement->host_id,
			    &statement->boot_id,
			    &statement->kernel_release,
			    &statement->arch,
			    &statement->btf_source_kind,
			    &statement->btf_source_path,
			    &statement->btf_selection_reason };
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		statement_set(fields[i], NULL);
}

/*
 * Times of records are since some boot. When the file was last written after this one, that boot is this one;
 * otherwise the last record is taken to be as old as the file, and of the host nothing is certain.
 */
static void date_by_records(struct statement *statement, const struct reopened *found, const struct stat *st)
{
	struct moment now = clock_now();
	uint64_t written = (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec;
	uint64_t booted = now.wall_ns - now.boot_ns;
	bool this_boot = written >= booted && found->last_boot_ns <= now.boot_ns;
	uint64_t zero = this_boot ? booted : written > found->last_boot_ns ? written - found->last_boot_ns : 0;

	if (!this_boot)
		forget_host(statement);
	statement->opened = (struct moment) { found->first_boot_ns, zero + found->first_boot_ns };
	statement->closed = (struct moment) { found->last_boot_ns, zero + found->last_boot_ns };
}

static int gap_before(struct statement *statement, const struct recovery *recovery)
{
	const char *before = recovery->last_boot_id;

	if (recovery->last_sequence == 0)
		return 0;
	statement->gap = GAP_CRASH;
	statement->gap_from = recovery->last_closed;
	statement->gap_to = statement->opened;
	if (before && (!statement->boot_id || strcmp(before, statement->boot_id) != 0))
		return statement_set(&statement->gap_from_boot_id, before);
	return 0;
}

static int judge_without_draft(struct leftover *leftover, const struct chain_options *options,
			       const struct recovery *recovery, const struct reopened *found)
{
	struct statement *statement = &leftover->statement;
	struct stat st;
	int r;

	if (fstat(leftover->fd, &st) < 0)
		return -errno;
	r = options->identify(options->user, statement);
	if (r == 0)
		r = statement_set(&statement->chain_id, recovery->chain_id);
	if (r < 0)
		return r;
	statement->recovered = true;
	count_content(statement, found);
	date_by_records(statement, found, &st);
	return gap_before(statement, recovery);
}

static int judge_chain(const struct leftover *leftover, bool has_draft, const char *name,
		       struct recovery *recovery, struct diag *diag)
{
	if (recovery->chain_id[0] != '\0') {
		if (has_draft && strcmp(leftover->statement.chain_id, recovery->chain_id) != 0)
			return diag_error(
				diag, -EBADMSG,
				"%s is of chain %s and the directory of chain %s; move it out of the evidence "
				"directory and start again",
				name, leftover->statement.chain_id, recovery->chain_id);
		return 0;
	}
	if (has_draft && strlen(leftover->statement.chain_id) == 32) {
		memcpy(recovery->chain_id, leftover->statement.chain_id, sizeof(recovery->chain_id));
		return 0;
	}
	return recovery_name_chain(recovery, diag);
}

static int judge(struct leftover *leftover, const char *name, bool has_draft, bool last,
		 const struct chain_options *options, struct recovery *recovery, struct diag *diag)
{
	struct reopened found = { 0 };
	const struct digest *known = &leftover->statement.plain_digest;
	int r;

	if (leftover->fd >= 0) {
		r = reopen_scan(leftover->fd, name, leftover->statement.bytes, known, diag, &found);
	} else {
		r = digest_of("", 0, &found.digest);
		found.mark_seen = memcmp(&found.digest, known, sizeof(*known)) == 0;
	}
	if (r < 0)
		return diag_error(diag, r, "cannot read %s: %s", name, strerror(-r));
	leftover->torn_bytes = found.torn_bytes;
	leftover->empty = !has_draft && found.records == 0;
	if (leftover->empty)
		return last ? 0
			    : diag_error(diag, -EBADMSG,
					 "%s is empty and has no draft, and chunks follow it; a chain is not "
					 "continued "
					 "over a hole: put the missing files back, or move the open ones out",
					 name);
	r = judge_chain(leftover, has_draft, name, recovery, diag);
	if (r < 0)
		return r;
	if (has_draft)
		return judge_with_draft(leftover, name, &found, diag);
	r = judge_without_draft(leftover, options, recovery, &found);
	return r < 0 ? diag_error(diag, r, "cannot recover %s: %s", name, strerror(-r)) : 0;
}

int leftover_look(int dir, uint64_t sequence, const struct chain_options *options, struct recovery *recovery,
		  bool last, struct diag *diag, struct leftover **ret_leftover)
{
	_cleanup_(leftover_freep) struct leftover *leftover = calloc(1, sizeof(*leftover));
	char name[CHUNK_NAME_MAX];
	int r, drafted;

	if (!leftover)
		return diag_error(diag, -ENOMEM, "cannot recover: out of memory");
	leftover->fd = -1;
	r = chunk_name(CHUNK_OPEN, sequence, name);
	if (r < 0)
		return r;
	r = open_chunk(dir, name, diag);
	if (r < 0 && r != -ENOENT)
		return r;
	leftover->fd = r < 0 ? -1 : r;
	drafted = draft_read(dir, sequence, options->draft_key, &leftover->statement);
	if (drafted == -ENOMEM)
		return diag_error(diag, -ENOMEM, "cannot recover %s: out of memory", name);
	leftover->statement.sequence = sequence;
	r = judge(leftover, name, drafted == 0, last, options, recovery, diag);
	if (r < 0)
		return r;
	*ret_leftover = TAKE(leftover);
	return 0;
}

static int leftover_remove(int dir, uint64_t sequence, struct diag *diag)
{
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_OPEN, sequence, name);
	if (r == 0)
		r = publish_remove(dir, name, diag);
	if (r == 0)
		r = chunk_name(CHUNK_DRAFT, sequence, name);
	return r < 0 ? r : publish_remove(dir, name, diag);
}

/* What was found goes into a closed draft before the tail is cut: a second kill must not make us forget it. */
static int leftover_settle(int dir, struct leftover *leftover, const struct key *key, struct diag *diag)
{
	struct diag unsaid = { .code = 0 };
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_PLAIN, leftover->statement.sequence, name);
	if (r == 0)
		r = statement_set(&leftover->statement.chunk_name, name);
	if (r == 0)
		r = statement_set(&leftover->statement.encoding, "identity");
	if (r == 0 && !leftover->exact)
		r = draft_write(dir, &leftover->statement, key, &unsaid);
	/* On a full disk there is no draft to be had; the seal, which waits for room, will say the same. */
	return r < 0 && r != -ENOSPC && r != -EDQUOT ? diag_error(diag, r, "%s", unsaid.text) : 0;
}

int leftover_take(int dir, struct leftover *leftover, const struct key *key, struct diag *diag,
		  struct publish_job **ret_job)
{
	char name[CHUNK_NAME_MAX];
	int r;

	if (leftover->empty)
		return leftover_remove(dir, leftover->statement.sequence, diag);
	r = leftover_settle(dir, leftover, key, diag);
	if (r == 0)
		r = chunk_name(CHUNK_OPEN, leftover->statement.sequence, name);
	if (r < 0)
		return r;
	if (leftover->fd < 0)
		leftover->fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (leftover->fd < 0 ||
	    (leftover->torn_bytes > 0 && ftruncate(leftover->fd, (off_t)leftover->statement.bytes) < 0))
		return diag_error(diag, -errno, "cannot recover %s: %s", name, strerror(errno));
	r = publish_job_new(&leftover->fd, ret_job);
	if (r < 0)
		return diag_error(diag, r, "cannot recover %s: out of memory", name);
	(*ret_job)->statement = leftover->statement;
	leftover->statement = (struct statement) { 0 };
	return 0;
}
