/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stellaops.yaml: one table of options (config_rows.c) from which the parser, --help-config, the example file and the
 * manual page come. What is not in the table is refused, with file, line and column.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "net/http.h"
#include "resolve/engines.h"

#define CONFIG_FILE_DEFAULT "/etc/stella/stellaops.yaml"
#define CONFIG_FILE_MAX (1u << 20)
#define CONFIG_TEXT_MAX (1u << 20) /* of what the printers write */

struct config_list {
	char **items;
	size_t count;
};

#define CONFIG_PROBE_LIBC "libc" /* in signals.probes: a word that is no type of record */

#define CONFIG_ENGINES_NONE "none"

enum config_transport { CONFIG_TRANSPORT_AUTO, CONFIG_TRANSPORT_RING, CONFIG_TRANSPORT_PERF };
enum config_functions_mode { CONFIG_FUNCTIONS_ONE_SHOT, CONFIG_FUNCTIONS_EVERY };
enum config_compression { CONFIG_COMPRESSION_NONE, CONFIG_COMPRESSION_ZSTD };

struct config {
	bool enabled;
	char *output_directory;
	uint64_t max_size_mb; /* MiB of plain text in a chunk */
	uint64_t max_age_millihours; /* 0.001 h = 3.6 s */
	bool signing_enabled;
	char *key_id, *next_key_id; /* as signer.h has them; next: "" = none, as in all below */
	char *passphrase_file, *pin_file, *pkcs11_module, *vault_token_file;
	char *fulcio_url, *identity_token_file;
	bool local_log;
	char *local_log_origin;
	bool submit_to_rekor;
	struct config_list rekor_urls; /* "v1:URL", "v2:URL"; in force only with submit_to_rekor */
	struct config_list timestamp_urls, witness_urls, witness_keys;
	char *trusted_root;
	char *tls_ca_file, *tls_certificate_file, *tls_key_file, *proxy;
	uint64_t timeout_s;
	struct config_list path_allowlist, path_denylist, target_containers;
	struct config_list cgroups, pid_namespaces, comm_allowlist, comm_denylist;
	uint64_t ring_buffer_mb, drain_interval_ms;
	uint64_t compression; /* enum config_compression */
	char *control_socket, *state_directory;
	struct config_list probes; /* types of records, and CONFIG_PROBE_* */
	uint64_t dedup; /* enum source_fold */
	uint64_t transport; /* enum config_transport */
	char *btf_full, *btf_split_directory; /* "" = none */
	bool btf_ignore_kernel;
	bool host; /* with target_containers: what is of none too */
	struct config_list engines; /* "KIND:/PATH", or CONFIG_ENGINES_NONE alone; empty = as they are found */
	struct config_list labels;
	uint64_t hold_ms;
	char *functions_map, *functions_debug_directory; /* "" = none */
	uint64_t functions_mode; /* enum config_functions_mode */

	char *file; /* where it came from, absolute; NULL: the defaults */
};

/* The defaults. -ENOMEM. */
int config_new(struct config **ret_config);
void config_free(struct config *config);
DEFINE_FREEP(config, config_free)

/* Which file: `option` (--config), $STELLA_CONFIG, the default when it exists; *ret_path NULL: there is none. */
int config_find(const char *option, struct diag *diag, char **ret_path);
/* Defaults, overlaid with the file at `path` (NULL: none). Errors: "FILE:LINE:COLUMN: ...", exit 2. */
int config_load(const char *path, struct diag *diag, struct config **ret_config);
/* The same for a text; `name` stands in errors. For tests and fuzzing too. */
int config_parse(struct str text, const char *name, struct diag *diag, struct config **ret_config);

/* Canonical JSON of the effective configuration: one flat object, dotted names sorted. */
int config_canonical(const struct config *config, struct buf *out);
int config_digest(const struct config *config, struct digest *ret_digest);

/* The first key that differs and cannot change while running (needs a restart); NULL: the reload may happen. */
const char *config_fixed_difference(const struct config *running, const struct config *wanted);

uint64_t config_max_age_ns(const struct config *config);
/* "docker:/PATH" as a socket, whose path points into `text`; or what is wrong with it. */
const char *config_engine(const char *text, struct engine_socket *ret_socket);

/* How servers are reached; strings are the configuration's. */
struct http_settings config_http(const struct config *config);
/* What is good for itself and contradicts what else is set: a sentence, or NULL. */
const char *config_contradiction(const struct config *config);

/* The printers. */
int config_help(struct buf *out);
int config_example(struct buf *out);
int config_manual(struct buf *out);
