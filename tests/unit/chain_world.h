/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the chain's tests stand on: a directory of their own, a key, a describer, real record lines, and a walk over
 * the sealed chain that shares nothing with src/collect. Include once, in a test program.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include "base/file.h"
#include "collect/chain.h"
#include "collect/draft.h"
#include "collect/ledger.h"
#include "collect/steps.h"
#include "format/bundle.h"
#include "format/canon.h"
#include "format/record.h"

#define WAIT_MS 20000
#define SECOND 1000000000ull

struct world {
	char path[64];
	int dir;
	struct key *key;
	struct signer *signer;
	struct ledger ledger;
	struct chain_options options;
	const char *boot_id;
	struct moment now;
};

static int world_identify(void *user, struct statement *s)
{
	const struct world *world = user;
	int r = 0;

	r |= statement_set(&s->collector_name, "stella-signalsd");
	r |= statement_set(&s->collector_version, "0.1.0");
	r |= statement_set(&s->host_id, "the-host");
	r |= statement_set(&s->boot_id, world->boot_id);
	return r;
}

static int world_describe(void *user, const struct moment *closed, struct statement *s)
{
	struct world *world = user;

	s->probes = calloc(1, sizeof(*s->probes));
	if (!s->probes)
		return -ENOMEM;
	s->n_probes = 1;
	if (statement_set(&s->probes[0].kind, "file_open") < 0 ||
	    statement_set(&s->probes[0].hook, "sys_exit") < 0)
		return -ENOMEM;
	s->probes[0].from_boot_ns = s->opened.boot_ns;
	s->probes[0].to_boot_ns = closed->boot_ns;
	s->container_coverage = calloc(1, sizeof(*s->container_coverage));
	if (!s->container_coverage || statement_set(&s->container_coverage[0].id, "docker://00") < 0)
		return -ENOMEM;
	s->n_container_coverage = 1;
	s->container_coverage[0].from_boot_ns = s->opened.boot_ns;
	s->container_coverage[0].to_boot_ns = closed->boot_ns;
	s->container_coverage[0].records = 3;
	s->container_coverage[0].complete = true;
	return ledger_rows(&world->ledger, false, s->opened.boot_ns, s);
}

static inline struct moment world_later(struct world *world, uint64_t ns)
{
	world->now.boot_ns += ns;
	world->now.wall_ns += ns;
	return world->now;
}

static int world_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	strcpy(world->path, "/tmp/stella-chain-XXXXXX");
	assert_non_null(mkdtemp(world->path));
	world->dir = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(world->dir >= 0);
	assert_int_equal(key_generate(NULL, &world->key), 0);
	assert_int_equal(signer_of_key(world->key, NULL, &world->signer), 0);
	world->boot_id = "11111111-1111-4111-8111-111111111111";
	/* Well in the past, so that injected time never runs ahead of the machine's. */
	world->now = clock_now();
	world->now.boot_ns -= world->now.boot_ns / 2;
	world->now.wall_ns -= world->now.boot_ns;
	world->options = (struct chain_options) {
		.signer = world->signer, .identify = world_identify, .describe = world_describe, .user = world
	};
	*state = world;
	return 0;
}

static int world_down(void **state)
{
	struct world *world = *state;
	DIR *entries = opendir(world->path);
	const struct dirent *entry;

	chain_step_hook = NULL;
	while (entries && (entry = readdir(entries)))
		unlinkat(world->dir, entry->d_name, 0);
	closedir(entries);
	close(world->dir);
	rmdir(world->path);
	signer_free(world->signer);
	key_free(world->key);
	free(world);
	return 0;
}

static inline bool world_has(const struct world *world, const char *name)
{
	return faccessat(world->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void world_put(const struct world *world, const char *name, int flags, const char *text,
			     size_t len)
{
	_cleanup_(closep) int fd = openat(world->dir, name, O_WRONLY | O_CREAT | flags, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
}

static inline void world_get(const struct world *world, const char *name, struct buf *out)
{
	assert_int_equal(file_read_nofollow_at(world->dir, name, out, NULL), 0);
}

/* Appends `count` records as lines to `out`. */
static inline void world_lines(struct world *world, unsigned int count, struct buf *out)
{
	struct event event = { .kind = WIRE_KIND_FILE_OPEN,
			       .source = WIRE_SOURCE_SYS_EXIT_OPENAT,
			       .pid = 7,
			       .tid = 7,
			       .comm = STR("cat"),
			       .open = { .path = STR("/etc/passwd"), .inode = 5 } };

	for (unsigned int i = 0; i < count; i++) {
		event.boot_ns = world_later(world, 1000).boot_ns;
		assert_int_equal(record_append(out, &event), 0);
	}
}

static inline int world_append(struct world *world, struct chain *chain, unsigned int count)
{
	_cleanup_(buf_done) struct buf lines = BUF_MAX(64 << 20);
	uint64_t events[WIRE_KIND_END] = { [WIRE_KIND_FILE_OPEN] = count };

	world_lines(world, count, &lines);
	return chain_append(chain, buf_str(&lines), events);
}

static inline struct chain *world_open(struct world *world, struct chain_recovery *ret_recovery)
{
	struct chain_recovery unused;
	struct diag diag = { .code = 0 };
	struct chain *chain = NULL;

	if (chain_open(world->path, &world->options, &diag, ret_recovery ? ret_recovery : &unused, &chain) < 0)
		fail_msg("chain_open: %s", diag.text);
	return chain;
}

static inline struct chain *world_begin(struct world *world, struct chain_recovery *ret_recovery)
{
	struct chain *chain = world_open(world, ret_recovery);
	struct diag diag = { .code = 0 };

	if (chain_begin(chain, world_later(world, SECOND), &diag) < 0)
		fail_msg("chain_begin: %s", diag.text);
	return chain;
}

static inline void world_close(struct world *world, struct chain *chain)
{
	struct diag diag = { .code = 0 };

	if (chain_close(chain, world_later(world, SECOND), WAIT_MS, &diag) < 0)
		fail_msg("chain_close: %s", diag.text);
}

static inline void world_rotate(struct world *world, struct chain *chain)
{
	struct diag diag = { .code = 0 };

	if (chain_rotate(chain, world_later(world, SECOND), &diag) < 0)
		fail_msg("chain_rotate: %s", diag.text);
}

/* chain_open must refuse, with this word in its line, and change nothing that `untouched` names. */
static inline void world_refused(struct world *world, int error, const char *word)
{
	struct chain_recovery recovery;
	struct diag diag = { .code = 0 };
	struct chain *chain = NULL;

	assert_int_equal(chain_open(world->path, &world->options, &diag, &recovery, &chain), error);
	if (!strstr(diag.text, word))
		fail_msg("'%s' does not say '%s'", diag.text, word);
	assert_null(chain);
}

/* ---- the walk ---- */

#define SEALS_MAX 4096

struct sealed {
	size_t count;
	uint64_t records;
	struct statement statements[SEALS_MAX]; /* [sequence] */
};

static inline void sealed_done(struct sealed **held)
{
	for (size_t i = 1; *held && i <= (*held)->count; i++)
		statement_done(&(*held)->statements[i]);
	free(*held);
}

static inline void content_check(const struct world *world, const struct statement *s)
{
	_cleanup_(buf_done) struct buf file = BUF_MAX(64 << 20);
	_cleanup_(buf_done) struct buf plain = BUF_MAX(64 << 20);
	struct digest digest;
	uint64_t lines = 0;

	world_get(world, s->chunk_name, &file);
	assert_int_equal(digest_of(file.data, file.len, &digest), 0);
	assert_memory_equal(&digest, &s->chunk_digest, sizeof(digest));
	assert_int_equal(buf_reserve(&plain, s->bytes + 1), 0);
	if (strcmp(s->encoding, "zstd") == 0) {
		size_t got = ZSTD_decompress(plain.data, s->bytes + 1, file.data, file.len);

		assert_false(ZSTD_isError(got));
		plain.len = got;
	} else {
		assert_int_equal(buf_append(&plain, file.data, file.len), 0);
	}
	assert_int_equal(plain.len, s->bytes);
	assert_int_equal(digest_of(plain.data, plain.len, &digest), 0);
	assert_memory_equal(&digest, &s->plain_digest, sizeof(digest));
	for (size_t i = 0; i < plain.len; i++)
		lines += plain.data[i] == '\n';
	assert_int_equal(lines, s->records);
	assert_int_equal(s->events[WIRE_KIND_FILE_OPEN], s->records);
}

/* Every seal from 1 on: signature, canonical text, links, content, windows. */
static inline struct sealed *world_walk(const struct world *world)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	struct sealed *sealed = calloc(1, sizeof(*sealed));
	struct digest previous = { { 0 } };
	char name[CHUNK_NAME_MAX];

	assert_non_null(sealed);
	assert_int_equal(key_public(world->key, NULL, &public), 0);
	for (uint64_t n = 1; chunk_name(CHUNK_SEAL, n, name) == 0 && world_has(world, name); n++) {
		_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
		_cleanup_(buf_done) struct buf pae = BUF_MAX(BUNDLE_FILE_MAX);
		_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
		struct statement *s = &sealed->statements[n];
		size_t count, offset;

		assert_true(n < SEALS_MAX);
		world_get(world, name, &text);
		assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), 0);
		assert_int_equal(dsse_pae(&pae, buf_str(&bundle.payload_type), buf_str(&bundle.payload)), 0);
		assert_true(public_key_verify(public, buf_str(&pae), buf_str(&bundle.signature)));
		assert_int_equal(canon_scan_object(buf_str(&bundle.payload), NULL, 0, &count, &offset),
				 CANON_OK);
		assert_int_equal(statement_parse(buf_str(&bundle.payload), NULL, s), 0);
		sealed->count = n;
		assert_int_equal(s->sequence, n);
		assert_int_equal(s->has_previous, n > 1);
		assert_memory_equal(&s->previous, &previous, sizeof(previous));
		assert_int_equal(digest_of(bundle.payload.data, bundle.payload.len, &previous), 0);
		assert_true(s->closed.boot_ns >= s->opened.boot_ns);
		if (n > 1) {
			assert_string_equal(s->chain_id, s[-1].chain_id);
			assert_true(s->opened.boot_ns >= s[-1].closed.boot_ns);
		}
		content_check(world, s);
		sealed->records += s->records;
	}
	return sealed;
}

/* Nothing but sealed chunks: no draft, no open file, no temporary. */
static inline void world_is_tidy(const struct world *world)
{
	DIR *entries = opendir(world->path);
	const struct dirent *entry;
	uint64_t sequence;

	assert_non_null(entries);
	while ((entry = readdir(entries))) {
		enum chunk_file file = chunk_name_parse(entry->d_name, &sequence);

		if (entry->d_name[0] != '.' && file != CHUNK_PLAIN && file != CHUNK_ZSTD && file != CHUNK_SEAL)
			fail_msg("%s is left", entry->d_name);
	}
	closedir(entries);
}

static inline const struct statement_loss *loss_of(const struct statement *s, const char *cause)
{
	for (size_t i = 0; i < s->n_losses; i++) {
		if (strcmp(s->losses[i].cause, cause) == 0)
			return &s->losses[i];
	}
	fail_msg("no row for %s", cause);
	return NULL;
}
