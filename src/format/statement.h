/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a seal says: the in-toto Statement v1 with our predicate
 * https://stella.ops/predicates/runtime-evidence/v1, canonical by RFC 8785. The contract's section 3 names
 * the members; docs/evidence-schema.md says what each means.
 *
 * A struct statement owns its strings and arrays; statement_done frees them. Unknown is a NULL string or a
 * false `known`, and is left out of the text (or null where the contract's member must stand).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "format/event.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define STATEMENT_PREDICATE_TYPE "https://stella.ops/predicates/runtime-evidence/v1"
#define STATEMENT_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define STATEMENT_MAX (4u << 20) /* bytes of text */
#define STATEMENT_SEQUENCE_MAX 999999 /* six digits in the file name */
#define STATEMENT_NUMBER_MAX INT64_MAX /* any integer: what every JSON reader with 64-bit integers can hold */
#define STATEMENT_STRING_MAX 4096 /* bytes of one string */
#define STATEMENT_LIST_MAX 1024 /* probes, blind spots of one, filters of a list, losses */
#define STATEMENT_CONTAINERS_MAX 16384 /* rows of each of the two tables */
#define STATEMENT_CONTAINERS_ROOM (3u << 18) /* bytes of both tables' text, see statement_containers_fit */
#define STATEMENT_NAMES_MAX 16 /* of one container */
#define STATEMENT_LABELS_MAX 32 /* of one container */
#define STATEMENT_LABEL_KEY_MAX 1024 /* bytes of printable ASCII, neither quote nor backslash */
#define STATEMENT_WORDS_MAX 16 /* why a container's coverage is not complete */
#define STATEMENT_TARGETS_MAX 4096
#define STATEMENT_MISSING_MAX 256 /* symbols named of one target; missing_count has the true number */
#define STATEMENT_NEXT_KEY_MAX 1024 /* bytes of SPKI DER */
#define STATEMENT_CGROUPS_MAX 256 /* of one loss; the rest is in its total only */

enum statement_gap_kind { GAP_NONE, GAP_RESTART, GAP_CRASH, GAP_SUSPEND };
/* By kind, as they stand in the text; NULL-ended. */
extern const char *const statement_gap_names[];

/* One probe of the coverage: a kind of record, the hook that brings it, and when it was watching. */
struct statement_probe {
	char *kind; /* record type */
	char *hook; /* `src` family: "sys_exit", "sched_process_exec", ... */
	uint64_t from_boot_ns;
	uint64_t to_boot_ns;
	char **blind_spots; /* what this hook cannot see, sorted: "io_uring", ... */
	size_t n_blind_spots;
};

/* A file whose functions are probed: one library of a kind, in all processes that map it. */
struct statement_target {
	char *kind; /* record type: "ssl_op", "function_call", ... */
	char *library; /* path by which it was found */
	uint32_t dev_major, dev_minor;
	uint64_t inode;
	char *build_id; /* hex; NULL = it has none, or none that could be read */
	char *purl; /* NULL = the map names none */
	uint64_t from_boot_ns, to_boot_ns;
	uint64_t attached; /* functions of it that are probed */
	char **missing; /* functions asked for that could not be found or probed: not measured; at most MISSING_MAX */
	size_t n_missing;
	uint64_t missing_count; /* all of them, n_missing at least */
};

/* Something that happened to the machine or to a probe, by which the evidence must be read. */
struct statement_incident {
	char *what; /* "clock_step", "cpu_online", "cpu_offline", "suspend", "probe_silent" */
	uint64_t boot_ns;
	char *detail; /* one sentence for people */
};

/* The part of a loss that is known to be one cgroup's. */
struct statement_loss_cgroup {
	uint64_t cgroup_id, count; /* above 0 */
	uint64_t first_boot_ns, last_boot_ns;
};

struct statement_loss {
	char *kind; /* record type; NULL when the layer does not know it */
	char *layer; /* "kernel", "collector" */
	char *cause;
	char *effect; /* "record" or "member" */
	uint64_t count;
	uint64_t first_boot_ns, last_boot_ns; /* written when count > 0 */
	struct statement_loss_cgroup
		*cgroups; /* as far as the cgroup is known, bounded; written when count > 0 */
	size_t n_cgroups;
};

struct statement_label {
	char *key, *value;
};

/* What engines said of one container; NULL, none = unknown. Without a runtime there is no row, only coverage. */
struct statement_container {
	char *id; /* docker://... */
	uint64_t cgroup_id, generation; /* generation: boot_ns of its making, 0 = it was there at the start */
	char *image_digest; /* "sha256:" and hex */
	bool image_is_config; /* that of the image's configuration: no registry knows it. With a digest only */
	char *image; /* the reference by which it was asked for */
	char **names;
	size_t n_names;
	char *pod, *pod_namespace, *pod_uid; /* the two only with a pod */
	struct statement_label *labels; /* sorted by key */
	size_t n_labels;
	uint64_t labels_more; /* that found no room; left out of the text when 0 */
	char *outer; /* id of the container around it */
	bool conflict; /* engines disagreed about the image: then there is no digest */
};

/*
 * When one container was covered, within the window. One that still lives when the window closes has its end there,
 * and a row in the next chunk; one that ended has its end before.
 */
struct statement_container_coverage {
	char *id; /* as a record has it, or the bare digits while the runtime is not known */
	uint64_t cgroup_id, generation;
	uint64_t from_boot_ns, to_boot_ns;
	uint64_t records; /* of it, in this chunk */
	bool complete;
	char **incomplete; /* words, sorted: "at_start", "io_uring", "losses", ...; some unless complete, then none */
	size_t n_incomplete;
};

struct statement {
	/* subject: one */
	char *chunk_name; /* chunk-000001.ndjson or .ndjson.zst */
	struct digest chunk_digest; /* of the file as it lies there */

	/* chain */
	char *chain_id; /* 32 hex digits, chosen at sequence 1 */
	uint64_t sequence; /* 1.. */
	bool has_previous;
	struct digest previous; /* SHA-256 of the previous statement's bytes */
	bool final; /* the collector stopped on purpose after this chunk */

	/* collector */
	char *collector_name, *collector_version;
	struct digest config_digest; /* SHA-256 of the canonical effective configuration */
	char *replay_of; /* sha256 hex of a raw capture, when this is a replay and no live capture; NULL */

	/* host */
	char *host_id, *boot_id, *kernel_release, *arch;
	char *btf_source_kind, *btf_source_path, *btf_selection_reason;
	struct digest btf_source_digest;

	struct moment opened, closed; /* window */

	/* content */
	char *encoding; /* "identity" or "zstd" */
	uint64_t bytes; /* of the plain text */
	struct digest plain_digest;
	uint64_t records;
	bool recovered; /* sealed by a later start from what a killed one left */
	uint64_t events[WIRE_KIND_END]; /* by kind; [0] unused; all kinds are written, zero as zero */

	/* coverage */
	struct statement_probe *probes;
	size_t n_probes;
	char **path_allowlist, **path_denylist; /* filters in force, in configured order */
	size_t n_path_allowlist, n_path_denylist;
	char **comm_allowlist,
		**comm_denylist; /* the kernel's: left out of the text when empty, as the next two */
	size_t n_comm_allowlist, n_comm_denylist;
	char **cgroups, **pid_namespaces;
	size_t n_cgroups, n_pid_namespaces;
	char **target_containers; /* left out of the text when empty */
	size_t n_target_containers;
	bool host_known, host; /* are records kept that are of no container? Said with target_containers only */
	uint64_t filtered; /* records seen and left out because a filter said so, in kernel and collector */
	char *dedup_scope; /* "process", "container" or "off"; NULL = not said (older collectors) */
	uint64_t folded
		[WIRE_KIND_END]; /* by kind: events without a record of their own; with dedup_scope only */
	char *transport; /* "ring_buffer" or "perf_buffer"; NULL = not said */
	struct statement_target *targets; /* left out of the text when there are none */
	size_t n_targets;
	uint64_t targets_more; /* that found no room among them; left out of the text when 0 */
	bool incidents_known; /* false: nobody looked (older collectors) */
	struct statement_incident *incidents; /* in order of time */
	size_t n_incidents;
	char *cgroup_hierarchy; /* whose ids cgroup_id are: "unified", or a v1 controller's; NULL = not said */
	struct statement_container_coverage *container_coverage;
	size_t n_container_coverage;
	uint64_t containers_more; /* containers that lack a row here or below; left out of the text when 0 */

	struct statement_container *containers;
	size_t n_containers;

	bool losses_known; /* false after a crash whose counters are gone: `losses` is null */
	struct statement_loss *losses;
	size_t n_losses;

	/* the key that will sign later seals: announced by who signs this one; see statement_set_next_key */
	uint8_t *next_key; /* SPKI DER; NULL = none is announced, and the member is left out */
	size_t next_key_len;

	enum statement_gap_kind gap;
	struct moment gap_from, gap_to; /* when gap != GAP_NONE */
	char *gap_from_boot_id; /* when it is another boot than host.boot_id; NULL = the same */
};

void statement_done(struct statement *statement);

/* Frees the rows: losses are unknown again. */
void statement_forget_losses(struct statement *statement);

/* Frees the rows: nothing happened, as far as this statement goes. */
void statement_forget_incidents(struct statement *statement);

/* Frees the rows of both tables of containers, and how many more there were. */
void statement_forget_containers(struct statement *statement);

/*
 * Makes both tables of containers such that they can be written and leave room for the rest of a seal, whatever engines
 * said: text that is no UTF-8 or too long is unknown; labels are sorted, and those beyond the limits, with a key that
 * is none, or without room are left out and counted in labels_more; names beyond the limit are left out. Both tables
 * take STATEMENT_CONTAINERS_ROOM bytes together, the coverage at most half of it, labels what the rows leave: rows
 * come in their order, so the caller puts first what matters most; containers of which one finds no room are added to
 * containers_more. -ENOMEM. Every statement with containers goes through it before it is written, drafts too.
 */
int statement_containers_fit(struct statement *statement);

/* Deep copy of strings: sets *field to a copy; -ENOMEM. The old value is freed. */
int statement_set(char **field, const char *text);

/* Announces the key with this SPKI (DER), copied; nothing for an empty one. -E2BIG, -ENOMEM. */
int statement_set_next_key(struct statement *statement, struct str spki);

/*
 * Appends the canonical text. -EILSEQ when a string is not UTF-8; -E2BIG (also beyond a limit above), -ERANGE for
 * a number beyond STATEMENT_NUMBER_MAX, -ENOMEM. On error `out` is unchanged: nothing is written that
 * statement_parse would refuse. A required string that is NULL is a programming error.
 */
int statement_write(struct buf *out, const struct statement *statement);

/*
 * Reads exactly what statement_write writes (optional members of minor versions to come are ignored; missing,
 * mistyped or out-of-range ones are -EBADMSG with a line). The caller has checked that the text is canonical.
 * On failure *ret_statement is untouched.
 */
int statement_parse(struct str text, struct diag *diag, struct statement *ret_statement);

/* "chunk-000007.ndjson" and friends; -ERANGE beyond STATEMENT_SEQUENCE_MAX. */
#define CHUNK_NAME_MAX 64
enum chunk_file { CHUNK_PLAIN, CHUNK_ZSTD, CHUNK_SEAL, CHUNK_OPEN, CHUNK_DRAFT, CHUNK_FOREIGN };
int chunk_name(enum chunk_file file, uint64_t sequence, char out[CHUNK_NAME_MAX]);
/* What a directory entry is; *ret_sequence for all but CHUNK_FOREIGN. Names must match to the letter. */
enum chunk_file chunk_name_parse(const char *name, uint64_t *ret_sequence);
