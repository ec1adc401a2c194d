/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order of things at a start: look at everything, refuse or go on, only then change. What is refused: a chain
 * with a hole, a last seal that is damaged or bears our key's name without its signature, a chunk under its final
 * name without a seal, an open chunk that does not hold what its draft says or that holds what no collector wrote.
 * A seal by another key or by a certificate is continued (keys are changed); whether it is trusted is verify-chain's
 * question.
 *
 * Only the last chunk's content is compared with its seal here; the rest is verify-chain's too. Files that are none
 * of ours are left alone.
 */

#include "collect/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "collect/draft.h"
#include "collect/leftover.h"
#include "collect/signed.h"
#include "format/bundle.h"
#include "format/canon.h"

#define BIT(file) (1u << (file))
#define ZSTD_GROWTH_MAX (1u << 20) /* what does not compress becomes 3 bytes longer every 128 KiB */

/* Which names there are, for the last seal's sequence and each one above. */
struct tail {
	uint64_t first; /* the last seal, or 0 */
	uint64_t seals;
	uint64_t end; /* behind the greatest number of any name */
	uint8_t *files; /* BIT(enum chunk_file), [sequence - first] */
};

static void tail_done(struct tail *tail)
{
	free(tail->files);
}

static int visit_extent(void *user, const char *name)
{
	struct tail *tail = user;
	uint64_t sequence = 0;
	enum chunk_file file = chunk_name_parse(name, &sequence);

	if (file == CHUNK_FOREIGN)
		return 0;
	if (sequence >= tail->end)
		tail->end = sequence + 1;
	if (file == CHUNK_SEAL) {
		tail->seals++;
		if (sequence > tail->first)
			tail->first = sequence;
	}
	return 0;
}

static int visit_tail(void *user, const char *name)
{
	struct tail *tail = user;
	uint64_t sequence = 0;
	enum chunk_file file = chunk_name_parse(name, &sequence);

	if (file != CHUNK_FOREIGN && sequence >= tail->first && sequence < tail->end)
		tail->files[sequence - tail->first] |= (uint8_t)BIT(file);
	return 0;
}

static uint64_t first_hole(int dir, uint64_t end)
{
	char name[CHUNK_NAME_MAX];
	uint64_t sequence;

	for (sequence = 1; sequence < end; sequence++) {
		if (chunk_name(CHUNK_SEAL, sequence, name) < 0 ||
		    faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			break;
	}
	return sequence;
}

static int tail_read(int dir, const char *name, struct diag *diag, struct tail *tail)
{
	int r;

	r = directory_visit(dir, visit_extent, tail);
	if (r == 0) {
		if (tail->end <= tail->first)
			tail->end = tail->first + 1;
		tail->files = calloc(tail->end - tail->first, 1);
		r = tail->files ? directory_visit(dir, visit_tail, tail) : -ENOMEM;
	}
	if (r < 0)
		return diag_error(diag, r, "cannot list %s: %s", name, strerror(-r));
	if (tail->seals != tail->first)
		return diag_error(diag, -EBADMSG,
				  "%s: seal %" PRIu64 " is there and %" PRIu64
				  " is missing; a chain is not continued over "
				  "a hole: put the missing files back, or start in an empty directory",
				  name, tail->first, first_hole(dir, tail->first));
	return 0;
}

/* Above the last seal there may be open chunks and drafts without a gap, and nothing that looks sealed. */
static int tail_check(const struct tail *tail, const char *name, struct diag *diag, uint64_t *ret_end)
{
	uint64_t sequence, hole = 0, end = tail->first + 1;

	for (sequence = tail->first + 1; sequence < tail->end; sequence++) {
		unsigned int files = tail->files[sequence - tail->first];

		if (files & (BIT(CHUNK_PLAIN) | BIT(CHUNK_ZSTD)))
			return diag_error(diag, -EBADMSG,
					  "%s: chunk %" PRIu64
					  " lies there without its seal; it is no evidence: put the "
					  "seal back, or move the chunk out of the directory",
					  name, sequence);
		if (!(files & (BIT(CHUNK_OPEN) | BIT(CHUNK_DRAFT)))) {
			hole = hole ? hole : sequence;
			continue;
		}
		if (hole)
			return diag_error(diag, -EBADMSG,
					  "%s: open chunk %" PRIu64 " is there and %" PRIu64
					  " is missing; a chain is not "
					  "continued over a hole: put the missing files back, or move it out",
					  name, sequence, hole);
		end = sequence + 1;
	}
	*ret_end = end;
	return 0;
}

/* ---- the last seal ---- */

static int seal_check_signature(const struct bundle *bundle, const struct public_key *key, const char *seal,
				struct diag *diag)
{
	int r = signed_check(bundle, key);

	if (r == SIGNED_FALSELY)
		return diag_error(diag, -EBADMSG,
				  "%s names our key and its signature is not ours: it was altered; keep the "
				  "directory for "
				  "examination and start in another one",
				  seal);
	return r < 0 ? r : 0;
}

static int seal_open(const struct bundle *bundle, uint64_t sequence, const char *seal, struct diag *diag,
		     struct statement *ret_statement)
{
	_cleanup_(statement_done) struct statement statement = { 0 };
	struct canon_member members[1];
	struct diag why = { .code = 0 };
	size_t count, offset;
	uint64_t named = 0;
	enum chunk_file file;
	int r;

	if (!str_equal(buf_str(&bundle->payload_type), STR(STATEMENT_PAYLOAD_TYPE)) ||
	    canon_scan_object(buf_str(&bundle->payload), members, 1, &count, &offset) != CANON_OK)
		return diag_error(diag, -EBADMSG, "%s holds no canonical statement", seal);
	r = statement_parse(buf_str(&bundle->payload), &why, &statement);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return diag_error(diag, -EBADMSG, "%s: %s", seal, why.text);
	file = chunk_name_parse(statement.chunk_name, &named);
	if (statement.sequence != sequence || named != sequence ||
	    (file != CHUNK_PLAIN && file != CHUNK_ZSTD) || strlen(statement.chain_id) != 32)
		return diag_error(diag, -EBADMSG, "%s holds the statement of another chunk (%s)", seal,
				  statement.chunk_name);
	*ret_statement = statement;
	statement = (struct statement) { 0 };
	return 0;
}

static int seal_read(int dir, uint64_t sequence, const struct public_key *key, struct diag *diag,
		     struct digest *ret_head, struct statement *ret_statement)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag why = { .code = 0 };
	char seal[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_SEAL, sequence, seal);
	if (r == 0)
		r = file_read_nofollow_at(dir, seal, &text, diag);
	if (r < 0)
		return r == -EINVAL || r == -E2BIG || r == -ELOOP ? -EBADMSG : r;
	r = bundle_parse(buf_str(&text), &why, &bundle);
	if (r < 0)
		return diag_error(diag, r, "%s, the last seal, is damaged: %s", seal, why.text);
	r = seal_check_signature(&bundle, key, seal, diag);
	if (r == 0)
		r = digest_of(bundle.payload.data, bundle.payload.len, ret_head);
	if (r < 0)
		return r;
	return seal_open(&bundle, sequence, seal, diag, ret_statement);
}

/*
 * 1: this file is what the digest says; 0: it is not, or there is none; else a negative errno. Nothing is read when
 * its size is out of the question, and never more than `most`: terabytes of hole cost nothing to make.
 */
static int file_is(int dir, const char *name, uint64_t least, uint64_t most, const struct digest *digest)
{
	_cleanup_(closep) int fd = file_open_nofollow_at(dir, name, NULL);
	struct digest found;
	struct stat st;
	uint64_t bytes;
	int r;

	if (fd == -ENOENT || fd == -EINVAL || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < least || (uint64_t)st.st_size > most)
		return 0;
	r = publish_digest_fd(fd, most, &found, &bytes);
	if (r < 0)
		return r == -EFBIG ? 0 : r;
	return memcmp(&found, digest, sizeof(found)) == 0;
}

static int sealed_file_is(int dir, const char *name, const struct statement *statement)
{
	bool zstd = strcmp(statement->encoding, "zstd") == 0;

	return file_is(dir, name, zstd ? 0 : statement->bytes, statement->bytes + (zstd ? ZSTD_GROWTH_MAX : 0),
		       &statement->chunk_digest);
}

/* Where the chunk of the last seal lies: *ret_from is empty when it has its name already. */
static int sealed_chunk_find(int dir, const struct statement *statement, struct diag *diag,
			     char ret_from[CHUNK_NAME_MAX])
{
	bool zstd = strcmp(statement->encoding, "zstd") == 0;
	int r;

	ret_from[0] = '\0';
	r = sealed_file_is(dir, statement->chunk_name, statement);
	if (r > 0)
		return 0;
	if (r == 0 && faccessat(dir, statement->chunk_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		r = zstd ? publish_compressed_name(statement->sequence, ret_from)
			 : chunk_name(CHUNK_OPEN, statement->sequence, ret_from);
		if (r == 0)
			r = sealed_file_is(dir, ret_from, statement);
		if (r > 0)
			return 0;
	}
	if (r < 0)
		return diag_error(diag, r, "cannot read %s: %s", statement->chunk_name, strerror(-r));
	return diag_error(
		diag, -EBADMSG,
		"%s is missing or is not what its seal says; keep the directory for examination and start in "
		"another one",
		statement->chunk_name);
}

/* Does what was left undone behind the last seal. The plain text goes only when it is the one that was sealed. */
static int sealed_finish(int dir, const struct statement *statement, const char *from, struct diag *diag,
			 struct recovery *recovery)
{
	char open[CHUNK_NAME_MAX], draft[CHUNK_NAME_MAX];
	bool left = from[0] != '\0';
	int r = 0;

	if (left)
		r = publish_rename(dir, from, statement->chunk_name, diag);
	if (r == 0)
		r = chunk_name(CHUNK_DRAFT, statement->sequence, draft);
	if (r == 0)
		r = chunk_name(CHUNK_OPEN, statement->sequence, open);
	if (r < 0)
		return r;
	if (faccessat(dir, draft, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		left = true;
		r = publish_remove(dir, draft, diag);
	}
	if (r == 0 && file_is(dir, open, statement->bytes, statement->bytes, &statement->plain_digest) > 0) {
		left = true;
		r = publish_remove(dir, open, diag);
	}
	if (r == 0 && left)
		recovery->report.finished++;
	return r;
}

/* ---- all together ---- */

static int remember_last(struct recovery *recovery, const struct statement *statement)
{
	recovery->last_sequence = statement->sequence;
	recovery->last_closed = statement->closed;
	recovery->last_final = statement->final;
	return statement_set(&recovery->last_boot_id, statement->boot_id);
}

/* KNOWN-NAME.tmp-SOMETHING: what an atomic publication leaves when it is killed. */
static int visit_temporary(void *user, const char *name)
{
	const int *dir = user;
	const char *mark = strstr(name, ".tmp-");
	char known[CHUNK_NAME_MAX];
	uint64_t sequence;
	struct stat st;

	if (!mark || (size_t)(mark - name) >= sizeof(known))
		return 0;
	memcpy(known, name, (size_t)(mark - name));
	known[mark - name] = '\0';
	if (chunk_name_parse(known, &sequence) == CHUNK_FOREIGN)
		return 0;
	if (fstatat(*dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return unlinkat(*dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int leftovers_look(int dir, const struct chain_options *options, uint64_t end, struct recovery *recovery,
			  struct diag *diag, struct leftover **ret_leftovers)
{
	struct leftover **last = ret_leftovers;
	uint64_t sequence;
	int r;

	for (sequence = recovery->sealed_sequence + 1; sequence < end; sequence++) {
		r = leftover_look(dir, sequence, options, recovery, sequence + 1 == end, diag, last);
		if (r < 0)
			return r;
		if ((*last)->empty)
			break;
		r = remember_last(recovery, &(*last)->statement);
		if (r < 0)
			return r;
		last = &(*last)->next;
	}
	return 0;
}

static int leftovers_take(int dir, struct leftover *leftovers, const struct key *key, struct diag *diag,
			  struct recovery *recovery)
{
	struct publish_job **last = &recovery->jobs;
	int r;

	for (; leftovers; leftovers = leftovers->next) {
		if (leftovers->statement.recovered && !leftovers->empty) {
			recovery->report.recovered_chunks++;
			recovery->report.recovered_records += leftovers->statement.records;
			recovery->report.torn_bytes += leftovers->torn_bytes;
		}
		r = leftover_take(dir, leftovers, key, diag, last);
		if (r < 0)
			return r;
		if (*last)
			last = &(*last)->next;
	}
	return 0;
}

int recovery_name_chain(struct recovery *recovery, struct diag *diag)
{
	uint8_t random[sizeof(recovery->chain_id) / 2];

	if (recovery->chain_id[0] != '\0')
		return 0;
	if (random_bytes(random, sizeof(random)) < 0)
		return diag_error(diag, -EIO, "no randomness for a chain's id");
	text_hex(random, sizeof(random), recovery->chain_id);
	return 0;
}

void recovery_done(struct recovery *recovery)
{
	while (recovery->jobs) {
		struct publish_job *job = recovery->jobs;

		recovery->jobs = job->next;
		publish_job_free(job);
	}
	free(recovery->last_boot_id);
	*recovery = (struct recovery) { 0 };
}

static int check_memory(int dir, const struct head_memory *memory, const struct recovery *recovery,
			struct diag *diag)
{
	struct head found = { .sequence = recovery->sealed_sequence, .digest = recovery->sealed_head };

	memcpy(found.chain_id, recovery->chain_id, sizeof(found.chain_id));
	return memory ? head_check(memory, dir, &found, diag) : 0;
}

int recover_directory(int dir, const char *name, const struct chain_options *options,
		      const struct head_memory *memory, struct diag *diag, struct recovery *ret_recovery)
{
	_cleanup_(recovery_done) struct recovery recovery = { 0 };
	_cleanup_(statement_done) struct statement sealed = { 0 };
	_cleanup_(leftover_freep) struct leftover *leftovers = NULL;
	_cleanup_(tail_done) struct tail tail = { 0 };
	char from[CHUNK_NAME_MAX] = "";
	uint64_t end = 0;
	int r;

	r = tail_read(dir, name, diag, &tail);
	if (r == 0)
		r = tail_check(&tail, name, diag, &end);
	if (r < 0)
		return r;
	recovery.sealed_sequence = tail.first;
	if (tail.first > 0) {
		r = seal_read(dir, tail.first, signer_public(options->signer), diag, &recovery.sealed_head,
			      &sealed);
		if (r == 0)
			r = sealed_chunk_find(dir, &sealed, diag, from);
		if (r == 0)
			r = remember_last(&recovery, &sealed);
		if (r < 0)
			return r;
		memcpy(recovery.chain_id, sealed.chain_id, sizeof(recovery.chain_id));
	}
	r = check_memory(dir, memory, &recovery, diag);
	if (r == 0)
		r = leftovers_look(dir, options, end, &recovery, diag, &leftovers);
	if (r == 0)
		r = recovery_name_chain(&recovery, diag);
	if (r < 0)
		return r;

	/* From here on the directory is changed. */
	if (tail.first > 0)
		r = sealed_finish(dir, &sealed, from, diag, &recovery);
	if (r == 0)
		r = directory_visit(dir, visit_temporary, &dir);
	if (r == 0)
		r = leftovers_take(dir, leftovers, options->draft_key, diag, &recovery);
	if (r < 0)
		return diag_error(diag, r, "cannot finish in %s what was left there: %s", name, strerror(-r));
	*ret_recovery = recovery;
	recovery = (struct recovery) { 0 };
	return 0;
}
