// SPDX-License-Identifier: Apache-2.0
/*
 * The table of options. Adding a row (and its field) is all it takes for a new option; parser, help, example and
 * manual follow. Refuses with a sentence what a later version brings, so that nobody believes a key is in force that
 * is not. Owns nothing.
 */

#include "daemon/config_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"
#include "collect/filter.h"
#include "format/event.h"
#include "resolve/selector.h"

static const char *check_absolute(const char *text)
{
	return text[0] == '/' && strlen(text) < 4096 ? NULL : "an absolute path is wanted";
}

static const char *check_socket(const char *text)
{
	if (text[0] != '/')
		return "an absolute path is wanted";
	return strlen(text) < sizeof(((struct sockaddr_un *)NULL)->sun_path)
		       ? NULL
		       : "a socket's path has at most 107 bytes";
}

static const char *check_signing(const char *text)
{
	return strcmp(text, "true") == 0 ? NULL : "an unsigned chain proves nothing; only true is possible";
}

static const char *check_rekor(const char *text)
{
	return strcmp(text, "false") == 0
		       ? NULL
		       : "the transparency log comes with a later version; only false is possible";
}

static const char *check_key_id(const char *text)
{
	if (strcmp(text, "local") == 0)
		return NULL;
	if (strncmp(text, "file:", 5) == 0)
		return text[5] == '/' ? NULL : "behind file: an absolute path is wanted";
	return "'local' or 'file:/PATH' is wanted; other keys come with a later version";
}

static const char *check_power_of_two(const char *text)
{
	uint64_t value = strtoull(text, NULL, 10); /* a whole number in range: looked at before */

	return value & (value - 1) ? "a power of two is wanted" : NULL;
}

static const char *check_glob(const char *text)
{
	const char *reason = NULL;

	if (glob_check(str_of(text), &reason) < 0)
		return reason;
	/* An escaped slash is one too. */
	return strchr("/*?[", text[0]) || (text[0] == '\\' && text[1] == '/')
		       ? NULL
		       : "paths are absolute, this matches none; begin it with / or **/";
}

static const char *check_path_or_none(const char *text)
{
	return *text ? check_absolute(text) : NULL;
}

#define TYPE_WORD(name_, word_, number_) " " #word_

static const char *check_probe(const char *text)
{
	enum wire_kind kind;

	return event_kind_find(str_of(text), &kind) == 0 || strcmp(text, CONFIG_PROBE_LIBC) == 0
		       ? NULL
		       : "a record type or 'libc' is wanted; the types are" WIRE_KINDS(TYPE_WORD);
}

static const char *check_namespace(const char *text)
{
	uint64_t number;

	return text_parse_u64(str_of(text), 1, UINT32_MAX, &number) == 0 ||
			       (text[0] == '/' && strlen(text) < 4096)
		       ? NULL
		       : "a namespace's number, or the path of one (/proc/PID/ns/pid), is wanted";
}

static const char *check_command(const char *text)
{
	return *text && strlen(text) < WIRE_COMM ? NULL : "a command has 1 to 15 bytes";
}

static const char *check_selector(const char *text)
{
	const char *reason = NULL;
	struct selector selector;

	return selector_parse(str_of(text), &reason, &selector) < 0 ? reason : NULL;
}

static const char *check_engine(const char *text)
{
	struct engine_socket socket;

	return strcmp(text, CONFIG_ENGINES_NONE) == 0 ? NULL : config_engine(text, &socket);
}

static const char *check_label(const char *text)
{
	return *text && strlen(text) <= ENGINE_LABEL_MAX ? NULL : "a label's key has 1 to 1024 bytes";
}

#define FIELD(member) .offset = offsetof(struct config, member)

const struct config_row config_rows[] = {
	{ .name = "signals", .type = CONFIG_GROUP, .help = "Everything of Stella Signals." },
	{ .name = "signals.enabled",
	  .type = CONFIG_BOOL,
	  FIELD(enabled),
	  .initial = "true",
	  .help = "False: the collector refuses to start." },
	{ .name = "signals.output_directory",
	  .type = CONFIG_TEXT,
	  FIELD(output_directory),
	  .initial = "/var/lib/stella/evidence",
	  .check = check_absolute,
	  .help = "Where the chain of evidence is written. Made when missing, mode 0750. One collector a "
		  "directory." },
	{ .name = "signals.rotation",
	  .type = CONFIG_GROUP,
	  .help = "When a chunk is closed and sealed: at the size or the age, whichever comes first." },
	{ .name = "signals.rotation.max_size_mb",
	  .type = CONFIG_U64,
	  FIELD(max_size_mb),
	  .min = 1,
	  .max = 10240,
	  .initial = "100",
	  .unit = "MiB",
	  .reload = true,
	  .help = "Size of a chunk's plain text." },
	{ .name = "signals.rotation.max_age_hours",
	  .type = CONFIG_DECIMAL,
	  FIELD(max_age_millihours),
	  .min = 1,
	  .max = 8760000,
	  .initial = "1",
	  .unit = "hours",
	  .reload = true,
	  .help = "Age of a chunk. Up to three decimals: 0.25 is a quarter of an hour." },
	{ .name = "signals.signing", .type = CONFIG_GROUP, .help = "How chunks are sealed." },
	{ .name = "signals.signing.enabled",
	  .type = CONFIG_BOOL,
	  FIELD(signing_enabled),
	  .initial = "true",
	  .check = check_signing,
	  .help = "Only true is possible: an unsigned chain proves nothing." },
	{ .name = "signals.signing.key_id",
	  .type = CONFIG_TEXT,
	  FIELD(key_id),
	  .initial = "local",
	  .check = check_key_id,
	  .help = "'local': a key made at the first start, in keys/ of the state directory, its public half in "
		  "trust/. "
		  "'file:/PATH': a private key in PEM (PKCS#8, ECDSA P-256) that only its owner can read." },
	{ .name = "signals.signing.submit_to_rekor",
	  .type = CONFIG_BOOL,
	  FIELD(submit_to_rekor),
	  .initial = "false",
	  .check = check_rekor,
	  .help = "Send each seal to a transparency log. Only false is possible in this version." },
	{ .name = "signals.filters",
	  .type = CONFIG_GROUP,
	  .help = "What is recorded. Left out records are counted in the seal." },
	{ .name = "signals.filters.target_containers",
	  .type = CONFIG_LIST,
	  FIELD(target_containers),
	  .initial = "[]",
	  .check = check_selector,
	  .reload = true,
	  .help = "Containers to record; empty: all. Each is an id or its beginning (4 hex digits at least, or "
		  "docker://ID), a name (name:NAME where it could be an id), image:REFERENCE, "
		  "image:sha256:DIGEST, label:KEY=VALUE or pod:NAMESPACE/NAME. What runs in no container stays "
		  "recorded unless host is false. Applied in the kernel, to the container's cgroup and all "
		  "below; until "
		  "it is "
		  "known whether a new container is meant, it is recorded." },
	{ .name = "signals.filters.host",
	  .type = CONFIG_BOOL,
	  FIELD(host),
	  .initial = "true",
	  .reload = true,
	  .help = "With target_containers: is what runs in no container recorded too? False: only what runs in "
		  "them." },
	{ .name = "signals.filters.path_allowlist",
	  .type = CONFIG_LIST,
	  FIELD(path_allowlist),
	  .initial = "[]",
	  .check = check_glob,
	  .reload = true,
	  .help = "Globs of the paths whose opens are recorded; empty: all. '*' stays inside one component, "
		  "'**' crosses them." },
	{ .name = "signals.filters.path_denylist",
	  .type = CONFIG_LIST,
	  FIELD(path_denylist),
	  .initial = "[]",
	  .check = check_glob,
	  .reload = true,
	  .help = "Globs of the paths whose opens are not recorded. Wins over the allowlist." },
	{ .name = "signals.filters.cgroups",
	  .type = CONFIG_LIST,
	  FIELD(cgroups),
	  .initial = "[]",
	  .check = check_absolute,
	  .reload = true,
	  .help = "Directories of cgroups whose processes, and those of all cgroups below, are recorded; "
		  "empty: "
		  "all. Of the hierarchy in which containers are. Applied in the kernel." },
	{ .name = "signals.filters.pid_namespaces",
	  .type = CONFIG_LIST,
	  FIELD(pid_namespaces),
	  .initial = "[]",
	  .check = check_namespace,
	  .reload = true,
	  .help = "Pid namespaces whose processes, and those of all namespaces within, are recorded, as "
		  "numbers or as paths like /proc/PID/ns/pid; empty: all. Applied in the kernel." },
	{ .name = "signals.filters.comm_allowlist",
	  .type = CONFIG_LIST,
	  FIELD(comm_allowlist),
	  .initial = "[]",
	  .check = check_command,
	  .reload = true,
	  .help = "Commands (task names, at most 15 bytes) that are recorded; empty: all. A process chooses "
		  "its own. Applied in the kernel." },
	{ .name = "signals.filters.comm_denylist",
	  .type = CONFIG_LIST,
	  FIELD(comm_denylist),
	  .initial = "[]",
	  .check = check_command,
	  .reload = true,
	  .help = "Commands that are not recorded. Wins over the allowlist. Applied in the kernel." },
	{ .name = "signals.ring_buffer_mb",
	  .type = CONFIG_U64,
	  FIELD(ring_buffer_mb),
	  .min = 1,
	  .max = 512,
	  .initial = "8",
	  .unit = "MiB",
	  .check = check_power_of_two,
	  .help = "Ring between kernel and collector, a power of two. Raise it when status shows ring_full "
		  "losses." },
	{ .name = "signals.drain_interval_ms",
	  .type = CONFIG_U64,
	  FIELD(drain_interval_ms),
	  .min = 2,
	  .max = 10,
	  .initial = "5",
	  .unit = "ms",
	  .help = "How often the ring is emptied. Shorter: fewer losses in bursts, more CPU." },
	{ .name = "signals.compression",
	  .type = CONFIG_WORD,
	  FIELD(compression),
	  .words = "none|zstd",
	  .initial = "none",
	  .help = "How sealed chunks lie on disk." },
	{ .name = "signals.control_socket",
	  .type = CONFIG_TEXT,
	  FIELD(control_socket),
	  .initial = "/run/stella/signals.sock",
	  .check = check_socket,
	  .help = "Unix socket for status, stats, health and stop. Mode 0600; only root and the collector's "
		  "user may ask. The command asks the default; another one it is told by --socket or "
		  "STELLA_SOCKET." },
	{ .name = "signals.state_directory",
	  .type = CONFIG_TEXT,
	  FIELD(state_directory),
	  .initial = "/var/lib/stella",
	  .check = check_absolute,
	  .help = "Holds keys/ (the local signing key), trust/ (public keys of this host) and heads/ (how far "
		  "chains had come)." },
	{ .name = "signals.probes",
	  .type = CONFIG_LIST,
	  FIELD(probes),
	  .min = 1,
	  .unique = true,
	  .initial = "[file_open, process_exec, process_exit, library_load, tcp_state, net_connect, "
		     "function_call, cgroup]",
	  .check = check_probe,
	  .help = "Which types of records are made; the others' probes are not even loaded. ssl_op is not "
		  "among the defaults because a probe in a library costs its callers ten times a probe in "
		  "the kernel; 'libc', at the same price, lets net_connect tell by its src which calls came "
		  "through the C library's connect, accept and accept4, and brings net_connect itself. "
		  "function_call needs functions.map." },
	{ .name = "signals.dedup",
	  .type = CONFIG_WORD,
	  FIELD(dedup),
	  .words = "off|process|container",
	  .initial = "process",
	  .help = "Folds equal records in the kernel: the first of a process (or container) and file in a "
		  "chunk "
		  "is a record, and again the 16th, 256th, 4096th ..., with a count of how many so far when "
		  "it was written; the totals per type are in the seal. 'off' records every single event." },
	{ .name = "signals.transport",
	  .type = CONFIG_WORD,
	  FIELD(transport),
	  .words = "auto|ring_buffer|perf_buffer",
	  .initial = "auto",
	  .help = "The way from the kernel to the collector. 'auto' takes the perf buffer only on kernels "
		  "without a ring buffer; it costs more and loses more." },
	{ .name = "signals.btf",
	  .type = CONFIG_GROUP,
	  .help = "Type information for kernels that have none of their own in /sys/kernel/btf." },
	{ .name = "signals.btf.full",
	  .type = CONFIG_TEXT,
	  FIELD(btf_full),
	  .initial = "\"\"",
	  .check = check_path_or_none,
	  .help = "A file with the types of this kernel, asked second; it must be there even when it is not "
		  "needed." },
	{ .name = "signals.btf.split_directory",
	  .type = CONFIG_TEXT,
	  FIELD(btf_split_directory),
	  .initial = "\"\"",
	  .check = check_path_or_none,
	  .help = "A directory with the types of many kernels, as RELEASE/ARCH.btf or RELEASE-ARCH.btf; asked "
		  "last." },
	{ .name = "signals.btf.ignore_kernel",
	  .type = CONFIG_BOOL,
	  FIELD(btf_ignore_kernel),
	  .initial = "false",
	  .help = "As if the kernel had no types of its own: to try the others on a kernel that has." },
	{ .name = "signals.functions", .type = CONFIG_GROUP, .help = "Functions whose calls are recorded." },
	{ .name = "signals.functions.map",
	  .type = CONFIG_TEXT,
	  FIELD(functions_map),
	  .initial = "\"\"",
	  .check = check_path_or_none,
	  .help = "The function map, a JSON file: packages, libraries, symbols. Without it no function is "
		  "watched." },
	{ .name = "signals.functions.mode",
	  .type = CONFIG_WORD,
	  FIELD(functions_mode),
	  .words = "one_shot|every",
	  .initial = "one_shot",
	  .help = "one_shot: a function that was seen called is let alone until the next chunk. every: each "
		  "call is seen, and paid for." },
	{ .name = "signals.functions.debug_directory",
	  .type = CONFIG_TEXT,
	  FIELD(functions_debug_directory),
	  .initial = "/usr/lib/debug",
	  .check = check_path_or_none,
	  .help = "Where symbols of stripped files are looked for, by build-id." },
	{ .name = "signals.metrics",
	  .type = CONFIG_LATER,
	  .help = "The metrics page comes with a later version." },
	{ .name = "signals.containers",
	  .type = CONFIG_GROUP,
	  .help = "What is asked of container engines: images, names, pods and labels of containers. Which "
		  "container an event is of, the kernel tells." },
	{ .name = "signals.containers.engines",
	  .type = CONFIG_LIST,
	  FIELD(engines),
	  .initial = "[]",
	  .unique = true,
	  .check = check_engine,
	  .help = "Their sockets, as docker:/PATH, podman:/PATH, containerd:/PATH or cri:/PATH; empty: those "
		  "that "
		  "are found in the usual places; [none]: nobody is asked." },
	{ .name = "signals.containers.labels",
	  .type = CONFIG_LIST,
	  FIELD(labels),
	  .initial = "[]",
	  .unique = true,
	  .check = check_label,
	  .help = "Keys of the labels that go into the seal. Labels can hold secrets, so none do by default." },
	{ .name = "signals.containers.hold_ms",
	  .type = CONFIG_U64,
	  FIELD(hold_ms),
	  .min = 0,
	  .max = 1000,
	  .initial = "50",
	  .unit = "ms",
	  .help = "How long the first records of a new container wait for an engine to name its image, so that "
		  "they carry the digest themselves. What comes later is in the seal." },
	{ .name = "signals.signing.rekor_url",
	  .type = CONFIG_LATER,
	  .help = "The transparency log comes with a later version." },
	{ .name = "signals.signing.fulcio_url",
	  .type = CONFIG_LATER,
	  .help = "Signing without a key of one's own comes with a later version." },
};

const size_t config_n_rows = ARRAY_LEN(config_rows);
_Static_assert(ARRAY_LEN(config_rows) <= CONFIG_ROWS_MAX, "the parser's bit set is full");
