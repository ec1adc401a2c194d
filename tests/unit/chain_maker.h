/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes small chains of evidence with the rooms format and crypto only, so that what is verified does not depend on
 * the collector's writer; and lets a test lie in any member before it is signed. For cmocka programs: a failure to
 * make the chain fails the test at once.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zstd.h>
#include <cmocka.h>

#include "base/file.h"
#include "crypto/key.h"
#include "format/bundle.h"
#include "format/record.h"
#include "format/statement.h"

#define MAKER_SECOND UINT64_C(1000000000)
#define MAKER_WALL UINT64_C(1790000000000000000)

struct maker {
	char path[64]; /* the evidence directory */
	char key_path[80]; /* the public key, outside of it */
	int dir;
	struct key *key;
	struct digest key_id;
	uint64_t sequence; /* of the last chunk made */
	struct digest previous;
	uint64_t boot_ns;
	bool zstd;
	const char *chain_id;
};

static inline struct maker maker_new(const char *chain_id)
{
	struct maker maker = { .boot_ns = 100 * MAKER_SECOND, .chain_id = chain_id };
	struct public_key *public = NULL;
	struct buf pem = BUF_MAX(KEY_FILE_MAX);

	strcpy(maker.path, "/tmp/stella-maker-XXXXXX");
	assert_non_null(mkdtemp(maker.path));
	maker.dir = open(maker.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(maker.dir >= 0);
	assert_int_equal(key_generate(NULL, &maker.key), 0);
	assert_int_equal(key_public(maker.key, NULL, &public), 0);
	maker.key_id = *public_key_id(public);
	assert_int_equal(public_key_pem(public, &pem, NULL), 0);
	snprintf(maker.key_path, sizeof(maker.key_path), "%s.pub", maker.path);
	assert_int_equal(file_publish_at(AT_FDCWD, maker.key_path, 0644, pem.data, pem.len, false, NULL), 0);
	buf_done(&pem);
	public_key_free(public);
	return maker;
}

static inline void maker_remove(struct maker *maker)
{
	char command[128];

	close(maker->dir);
	key_free(maker->key);
	unlink(maker->key_path);
	snprintf(command, sizeof(command), "rm -rf '%s'", maker->path);
	assert_int_equal(system(command), 0);
}

/* Another chain with the same key. */
static inline struct maker maker_sibling(const struct maker *maker, const char *chain_id)
{
	struct maker sibling = maker_new(chain_id);

	key_free(sibling.key);
	sibling.key = NULL;
	sibling.key_id = maker->key_id;
	return sibling;
}

static inline void maker_put(const struct maker *maker, const char *name, struct str text)
{
	assert_int_equal(file_publish_at(maker->dir, name, 0640, text.data, text.len, false, NULL), 0);
}

static inline struct buf maker_get(const struct maker *maker, const char *name)
{
	struct buf text = BUF_MAX(64u << 20);

	assert_int_equal(file_read_at(maker->dir, name, &text, NULL), 0);
	return text;
}

/* Record number `index` of a chunk: the kinds take turns. */
static inline void maker_record(struct buf *lines, uint64_t index, uint64_t boot_ns)
{
	static const struct str argv[] = { { "ls", 2 }, { "-l", 2 } };
	char path[64];
	struct event event = {
		.boot_ns = boot_ns,
		.pid = 4711,
		.tid = 4711,
		.cgroup_id = 77,
		.comm = STR("maker"),
	};

	snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/libnumber-%06" PRIu64 ".so", index);
	switch (index % 3) {
	case 0:
		event.kind = WIRE_KIND_FILE_OPEN;
		event.source = WIRE_SOURCE_SYS_EXIT_OPENAT;
		event.open = (struct event_file_open) { .path = str_of(path),
							.inode = 12 + index,
							.dev_major = 8,
							.dev_minor = 1,
							.access = ACCESS_READ };
		break;
	case 1:
		event.kind = WIRE_KIND_PROCESS_EXEC;
		event.source = WIRE_SOURCE_SCHED_PROCESS_EXEC;
		event.exec = (struct event_exec) { .filename = str_of(path),
						   .argv = argv,
						   .argc = 2,
						   .argv_known = true,
						   .argv_bytes = 6,
						   .ppid = 1,
						   .inode = 9,
						   .dev_major = 8 };
		break;
	default:
		event.kind = WIRE_KIND_TCP_STATE;
		event.source = WIRE_SOURCE_INET_SOCK_SET_STATE;
		event.tcp = (struct event_tcp) { .saddr = { 127, 0, 0, 1 },
						 .daddr = { 127, 0, 0, 1 },
						 .sport = 40000,
						 .dport = 80,
						 .family = 4,
						 .old_state = 2,
						 .new_state = 1 };
		break;
	}
	assert_int_equal(record_append(lines, &event), 0);
}

/* A statement that is true of these lines at the chain's next place. The window is ten seconds. */
static inline struct statement maker_statement(const struct maker *maker, struct str lines, uint64_t records)
{
	struct statement s = { .sequence = maker->sequence + 1, .records = records, .bytes = lines.len };
	char name[CHUNK_NAME_MAX];

	assert_int_equal(chunk_name(maker->zstd ? CHUNK_ZSTD : CHUNK_PLAIN, s.sequence, name), 0);
	assert_int_equal(statement_set(&s.chunk_name, name), 0);
	assert_int_equal(statement_set(&s.chain_id, maker->chain_id), 0);
	assert_int_equal(statement_set(&s.collector_name, "maker"), 0);
	assert_int_equal(statement_set(&s.collector_version, "0"), 0);
	assert_int_equal(statement_set(&s.boot_id, "6a3e1d5c-0000-4000-8000-000000000001"), 0);
	assert_int_equal(statement_set(&s.encoding, maker->zstd ? "zstd" : "identity"), 0);
	assert_int_equal(digest_of(lines.data, lines.len, &s.plain_digest), 0);
	for (uint64_t i = 0; i < records; i++)
		s.events[i % 3 == 0   ? WIRE_KIND_FILE_OPEN
			 : i % 3 == 1 ? WIRE_KIND_PROCESS_EXEC
				      : WIRE_KIND_TCP_STATE]++;
	s.has_previous = maker->sequence > 0;
	s.previous = maker->previous;
	s.opened = (struct moment) { maker->boot_ns, MAKER_WALL + maker->boot_ns };
	s.closed =
		(struct moment) { s.opened.boot_ns + 10 * MAKER_SECOND, s.opened.wall_ns + 10 * MAKER_SECOND };
	s.losses_known = true;
	s.probes = calloc(1, sizeof(*s.probes));
	assert_non_null(s.probes);
	s.n_probes = 1;
	s.probes[0].from_boot_ns = s.opened.boot_ns;
	s.probes[0].to_boot_ns = s.closed.boot_ns;
	assert_int_equal(statement_set(&s.probes[0].kind, "file_open"), 0);
	assert_int_equal(statement_set(&s.probes[0].hook, "sys_exit"), 0);
	return s;
}

/* Signs the statement and puts the seal at `sequence`'s name. */
static inline void maker_seal(struct maker *maker, uint64_t sequence, const struct statement *statement,
			      const struct key *key, const struct digest *key_id)
{
	struct buf text = BUF_MAX(STATEMENT_MAX), pae = BUF_MAX(STATEMENT_MAX * 2), signature = BUF_MAX(512);
	struct buf bundle = BUF_MAX(BUNDLE_FILE_MAX);
	char name[CHUNK_NAME_MAX];

	assert_int_equal(statement_write(&text, statement), 0);
	assert_int_equal(digest_of(text.data, text.len, &maker->previous), 0);
	assert_int_equal(dsse_pae(&pae, STR(STATEMENT_PAYLOAD_TYPE), buf_str(&text)), 0);
	assert_int_equal(key_sign(key, pae.data, pae.len, &signature, NULL), 0);
	assert_int_equal(bundle_write_signed(&bundle, STR(STATEMENT_PAYLOAD_TYPE), buf_str(&text),
					     buf_str(&signature), key_id),
			 0);
	assert_int_equal(chunk_name(CHUNK_SEAL, sequence, name), 0);
	maker_put(maker, name, buf_str(&bundle));
	buf_done(&text);
	buf_done(&pae);
	buf_done(&signature);
	buf_done(&bundle);
}

/* Writes the chunk file and fills the subject's digest in. */
static inline void maker_file(const struct maker *maker, struct statement *statement, struct str lines)
{
	struct buf packed = BUF_MAX(64u << 20);
	struct str stored = lines;

	if (maker->zstd) {
		assert_int_equal(buf_reserve(&packed, ZSTD_compressBound(lines.len)), 0);
		packed.len = ZSTD_compress(packed.data, packed.capacity, lines.data, lines.len, 3);
		assert_false(ZSTD_isError(packed.len));
		stored = buf_str(&packed);
	}
	assert_int_equal(digest_of(stored.data, stored.len, &statement->chunk_digest), 0);
	maker_put(maker, statement->chunk_name, stored);
	buf_done(&packed);
}

typedef void (*maker_lie)(struct statement *statement);

/* The next chunk, of these lines; `lie` (may be NULL) changes the statement before it is signed. */
static inline void maker_chunk_of(struct maker *maker, struct str lines, uint64_t records, maker_lie lie,
				  const struct key *key)
{
	struct statement statement = maker_statement(maker, lines, records);

	maker_file(maker, &statement, lines);
	if (lie)
		lie(&statement);
	maker_seal(maker, maker->sequence + 1, &statement, key, &maker->key_id);
	maker->sequence++;
	maker->boot_ns = statement.closed.boot_ns;
	statement_done(&statement);
}

static inline void maker_chunk(struct maker *maker, uint64_t records, maker_lie lie)
{
	struct buf lines = BUF_MAX(512u << 20);

	for (uint64_t i = 0; i < records; i++)
		maker_record(&lines, i, maker->boot_ns + i);
	maker_chunk_of(maker, buf_str(&lines), records, lie, maker->key);
	buf_done(&lines);
}
