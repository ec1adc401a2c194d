// SPDX-License-Identifier: Apache-2.0
/* The configuration: what is read, and above all what is refused, where and why. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/config.h"

static int parse(struct str text, struct diag *diag, struct config **ret_config)
{
	*diag = (struct diag) { .text = "" };
	return config_parse(text, "F", diag, ret_config);
}

/* ---- good ---- */

static const char seed[] = "signals:\n"
			   "  enabled: true\n"
			   "  output_directory: /evidence\n"
			   "  rotation:\n"
			   "    max_size_mb: 100\n"
			   "    max_age_hours: 0.25\n"
			   "  signing: {enabled: true, key_id: local, submit_to_rekor: false}\n"
			   "  filters: {target_containers: [], path_allowlist: [\"/usr/**\", '/opt/*'], "
			   "path_denylist: [\"/proc/**\"]}\n"
			   "  compression: zstd\n";

static void test_seed_form(void **state)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct diag diag;

	(void)state;
	assert_int_equal(parse(str_of(seed), &diag, &config), 0);
	assert_true(config->enabled);
	assert_string_equal(config->output_directory, "/evidence");
	assert_int_equal(config->max_age_millihours, 250);
	assert_int_equal(config_max_age_ns(config), 900ull * 1000000000ull);
	assert_int_equal(config->path_allowlist.count, 2);
	assert_string_equal(config->path_allowlist.items[0], "/usr/**");
	assert_string_equal(config->path_allowlist.items[1], "/opt/*");
	assert_int_equal(config->path_denylist.count, 1);
	assert_int_equal(config->compression, CONFIG_COMPRESSION_ZSTD);
	assert_string_equal(config->key_id, "local");
	/* what the file does not say is the default */
	assert_int_equal(config->ring_buffer_mb, 8);
	assert_string_equal(config->state_directory, "/var/lib/stella");
}

static void test_nothing_is_the_defaults(void **state)
{
	static const char *const texts[] = { "signals: {}\n", "---\nsignals:\n  enabled: true\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_(config_freep) struct config *config = NULL, *initial = NULL;
		struct digest a, b;
		struct diag diag;

		assert_int_equal(parse(str_of(texts[i]), &diag, &config), 0);
		assert_int_equal(config_new(&initial), 0);
		assert_int_equal(config_digest(config, &a), 0);
		assert_int_equal(config_digest(initial, &b), 0);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void test_canonical(void **state)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_TEXT_MAX);
	struct diag diag;

	(void)state;
	assert_int_equal(parse(str_of(seed), &diag, &config), 0);
	assert_int_equal(config_canonical(config, &text), 0);
	assert_string_equal(
		buf_cstr(&text),
		"{\"signals.btf.full\":\"\",\"signals.btf.ignore_kernel\":false,\"signals.btf.split_"
		"directory\":\"\","
		"\"signals.compression\":\"zstd\",\"signals.containers.engines\":[],"
		"\"signals.containers.hold_ms\":50,\"signals.containers.labels\":[],"
		"\"signals.control_socket\":\"/run/stella/signals.sock\","
		"\"signals.dedup\":\"process\","
		"\"signals.drain_interval_ms\":5,\"signals.enabled\":true,"
		"\"signals.filters.cgroups\":[],\"signals.filters.comm_allowlist\":[],"
		"\"signals.filters.comm_denylist\":[],\"signals.filters.host\":true,"
		"\"signals.filters.path_allowlist\":[\"/usr/**\",\"/opt/*\"],"
		"\"signals.filters.path_denylist\":[\"/proc/**\"],\"signals.filters.pid_namespaces\":[],"
		"\"signals.filters.target_containers\":[],"
		"\"signals.functions.debug_directory\":\"/usr/lib/debug\",\"signals.functions.map\":\"\","
		"\"signals.functions.mode\":\"one_shot\",\"signals.output_directory\":\"/evidence\","
		"\"signals.probes\":[\"file_open\",\"process_exec\",\"process_exit\",\"library_load\",\"tcp_"
		"state\","
		"\"net_connect\",\"function_call\",\"cgroup\"],\"signals.ring_buffer_mb\":8,"
		"\"signals.rotation.max_age_hours\":0.25,\"signals.rotation.max_size_mb\":100,"
		"\"signals.signing.enabled\":true,\"signals.signing.fulcio_url\":\"\","
		"\"signals.signing.identity_token_file\":\"\",\"signals.signing.key_id\":\"local\","
		"\"signals.signing.local_log\":true,\"signals.signing.local_log_origin\":\"\","
		"\"signals.signing.next_key_id\":\"\",\"signals.signing.passphrase_file\":\"\","
		"\"signals.signing.pin_file\":\"\",\"signals.signing.pkcs11_module\":\"\","
		"\"signals.signing.proxy\":\"\",\"signals.signing.rekor_urls\":[],"
		"\"signals.signing.submit_to_rekor\":false,\"signals.signing.timeout_s\":30,"
		"\"signals.signing.timestamp_urls\":[],\"signals.signing.tls_ca_file\":\"\","
		"\"signals.signing.tls_certificate_file\":\"\",\"signals.signing.tls_key_file\":\"\","
		"\"signals.signing.trusted_root\":\"\",\"signals.signing.vault_token_file\":\"\","
		"\"signals.signing.witness_keys\":[],\"signals.signing.witness_urls\":[],"
		"\"signals.state_directory\":\"/var/lib/stella\","
		"\"signals.transport\":\"auto\"}");
}

/* Every key, one at a time, must show in the digest: what is in force is what is signed. */
static void test_digest_sees_every_key(void **state)
{
	static const char *const texts[] = {
		"signals: {enabled: false}",
		"signals: {output_directory: /x}",
		"signals: {rotation: {max_size_mb: 99}}",
		"signals: {rotation: {max_age_hours: 1.001}}",
		"signals: {signing: {key_id: 'file:/k'}}",
		"signals: {signing: {next_key_id: 'file:/k'}}",
		"signals: {signing: {passphrase_file: /x}}",
		"signals: {signing: {pin_file: /x}}",
		"signals: {signing: {pkcs11_module: /x}}",
		"signals: {signing: {vault_token_file: /x}}",
		"signals: {signing: {fulcio_url: 'https://x'}}",
		"signals: {signing: {identity_token_file: /x}}",
		"signals: {signing: {local_log: false}}",
		"signals: {signing: {local_log_origin: x}}",
		"signals: {signing: {rekor_urls: ['v1:https://x']}}",
		"signals: {signing: {rekor_urls: ['v2:https://x']}}",
		"signals: {signing: {rekor_urls: ['v2:https://x'], submit_to_rekor: true, trusted_root: /r}}",
		"signals: {signing: {timestamp_urls: ['http://x/ts'], trusted_root: /r}}",
		"signals: {signing: {trusted_root: /r}}",
		"signals: {signing: {tls_ca_file: /x}}",
		"signals: {signing: {tls_certificate_file: /x, tls_key_file: /y}}",
		"signals: {signing: {proxy: 'http://x:3128'}}",
		"signals: {signing: {timeout_s: 29}}",
		"signals: {filters: {path_allowlist: [/x]}}",
		"signals: {filters: {path_denylist: [/x]}}",
		"signals: {ring_buffer_mb: 16}",
		"signals: {drain_interval_ms: 2}",
		"signals: {compression: zstd}",
		"signals: {control_socket: /x}",
		"signals: {state_directory: /x}",
		"signals: {probes: [file_open]}",
		"signals: {probes: [net_connect, libc]}",
		"signals: {dedup: off}",
		"signals: {dedup: container}",
		"signals: {transport: ring_buffer}",
		"signals: {transport: perf_buffer}",
		"signals: {btf: {full: /x}}",
		"signals: {btf: {split_directory: /x}}",
		"signals: {btf: {ignore_kernel: true}}",
		"signals: {functions: {map: /x}}",
		"signals: {functions: {mode: every}}",
		"signals: {functions: {debug_directory: \"\"}}",
		"signals: {}",
	};
	struct digest digests[ARRAY_LEN(texts)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_(config_freep) struct config *config = NULL;
		struct diag diag;

		assert_int_equal(parse(str_of(texts[i]), &diag, &config), 0);
		assert_int_equal(config_digest(config, &digests[i]), 0);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(&digests[i], &digests[j], sizeof(digests[i]));
	}
}

static void test_edges_of_ranges(void **state)
{
	static const char *const texts[] = {
		"signals: {rotation: {max_size_mb: 1, max_age_hours: 0.001}}",
		"signals: {rotation: {max_size_mb: 10240, max_age_hours: 8760}}",
		"signals: {rotation: {max_age_hours: 8760.000}}",
		"signals: {ring_buffer_mb: 1, drain_interval_ms: 2}",
		"signals: {ring_buffer_mb: 512, drain_interval_ms: 10}",
		"signals: {output_directory: \"/with space/\\u00e9\"}",
		"%YAML 1.1\n---\nsignals: {}\n...\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_(config_freep) struct config *config = NULL;
		struct diag diag;

		if (parse(str_of(texts[i]), &diag, &config) < 0)
			fail_msg("%s: %s", texts[i], diag.text);
	}
}

/* What the file lists is the list; what it does not, is the default. */
static void test_lists_with_defaults(void **state)
{
	_cleanup_(config_freep) struct config *initial = NULL, *chosen = NULL;
	struct diag diag;

	(void)state;
	assert_int_equal(parse(STR("signals: {}"), &diag, &initial), 0);
	assert_int_equal(initial->probes.count, 8);
	assert_string_equal(initial->probes.items[0], "file_open");
	assert_string_equal(initial->probes.items[6], "function_call");
	assert_string_equal(initial->probes.items[7], "cgroup");
	assert_string_equal(initial->btf_full, "");
	assert_int_equal(parse(STR("signals: {probes: [ssl_op]}"), &diag, &chosen), 0);
	assert_int_equal(chosen->probes.count, 1);
	assert_string_equal(chosen->probes.items[0], "ssl_op");
}

/* ---- bad ---- */

struct bad {
	const char *text;
	const char *where; /* exact beginning: F:LINE:COLUMN: */
	const char *why; /* part of the sentence */
};

static const struct bad bads[] = {
	/* unknown */
	{ "signal: {}", "F:1:1: ", "did you mean 'signals'?" },
	{ "signals:\n  enabld: true", "F:2:3: ", "unknown key 'enabld'; did you mean 'enabled'?" },
	{ "signals:\n  rotation:\n    max_size: 3", "F:3:5: ", "did you mean 'max_size_mb'?" },
	{ "signals:\n  max_size_mb: 3", "F:2:3: ", "it belongs at signals.rotation.max_size_mb" },
	{ "enabled: true", "F:1:1: ", "it belongs at signals.enabled" },
	{ "signals: {xyzzy: 1}", "F:1:11: ", "unknown key 'xyzzy'; `stella-signalsd --help-config`" },
	{ "signals.enabled: true", "F:1:1: ", "unknown key 'signals.enabled'" },
	{ "signals: {signing.enabled: true}", "F:1:11: ", "unknown key 'signing.enabled'" },
	{ "signals: {\"enabled\\0x\": true}", "F:1:11: ", "unknown key" },
	{ "signals: {Enabled: true}", "F:1:11: ", "did you mean 'enabled'?" },
	{ "signals: {<<: {enabled: true}}", "F:1:11: ", "unknown key '<<'" },
	{ "signals: {[a, b]: true}", "F:1:11: ", "a key is wanted" },
	/* not in this version: told apart from unknown */
	{ "signals: {metrics: {listen: x}}", "F:1:11: ", "signals.metrics is not in this version" },
	{ "signals: {signing: {rekor_url: x}}", "F:1:21: ", "did you mean 'rekor_urls'?" },
	/* twice */
	{ "signals:\n  enabled: true\n  enabled: true", "F:3:3: ", "signals.enabled stands there twice" },
	{ "signals: {}\nsignals: {}", "F:2:1: ", "signals stands there twice" },
	{ "signals: {rotation: {}, rotation: {}}", "F:1:25: ", "signals.rotation stands there twice" },
	/* another type */
	{ "- a", "F:1:1: ", "a mapping with the key 'signals'" },
	{ "true", "F:1:1: ", "a mapping with the key 'signals'" },
	{ "signals: true", "F:1:10: ", "signals: a mapping of keys is wanted" },
	{ "signals:", "F:1:9: ", "signals: a mapping of keys is wanted" },
	{ "signals: {rotation: 5}", "F:1:21: ", "signals.rotation: a mapping of keys is wanted" },
	{ "signals: {enabled: yes}", "F:1:20: ", "'yes': true or false is wanted" },
	{ "signals: {enabled: True}", "F:1:20: ", "true or false is wanted" },
	{ "signals: {enabled: \"true\"}", "F:1:20: ", "a text stands there; true or false is wanted" },
	{ "signals: {enabled: [true]}", "F:1:20: ", "true or false is wanted" },
	{ "signals: {enabled: }", "F:1:20: ", "nothing stands there; true or false is wanted" },
	{ "signals: {enabled: ~}", "F:1:20: ", "nothing stands there" },
	{ "signals: {ring_buffer_mb: '8'}", "F:1:27: ", "a text stands there; a whole number is wanted" },
	{ "signals: {ring_buffer_mb: {}}", "F:1:27: ", "a whole number is wanted" },
	{ "signals: {output_directory: [/x]}", "F:1:29: ", "a text is wanted" },
	{ "signals: {output_directory: null}", "F:1:29: ", "nothing stands there" },
	{ "signals: {filters: {comm_denylist: [sixteen letters.]}}", "F:1:", "1 to 15 bytes" },
	{ "signals: {filters: {pid_namespaces: [0]}}", "F:1:", "number, or the path" },
	{ "signals: {filters: {cgroups: [relative]}}", "F:1:", "absolute path" },
	{ "signals: {filters: {path_denylist: /proc}}", "F:1:36: ", "a list is wanted" },
	{ "signals: {filters: {path_denylist: {a: b}}}", "F:1:36: ", "a list is wanted" },
	{ "signals: {filters: {path_denylist: [[/a]]}}", "F:1:37: ", "a text is wanted" },
	{ "signals: {filters: {path_denylist: [/a, ~]}}", "F:1:41: ", "nothing stands there" },
	{ "signals: {filters: {path_denylist: [/a, {b: c}]}}", "F:1:41: ", "a text is wanted" },
	/* out of range, or almost a number */
	{ "signals: {ring_buffer_mb: 0}", "F:1:27: ", "'0': a whole number from 1 to 512 is wanted" },
	{ "signals: {ring_buffer_mb: 1024}", "F:1:27: ", "from 1 to 512" },
	{ "signals: {ring_buffer_mb: 12}", "F:1:27: ", "a power of two is wanted" },
	{ "signals: {ring_buffer_mb: 8MB}", "F:1:27: ", "'8MB': a whole number" },
	{ "signals: {ring_buffer_mb: -8}", "F:1:27: ", "'-8': a whole number" },
	{ "signals: {ring_buffer_mb: 010}", "F:1:27: ", "'010': a whole number" },
	{ "signals: {ring_buffer_mb: 0x8}", "F:1:27: ", "'0x8': a whole number" },
	{ "signals: {ring_buffer_mb: 8.0}", "F:1:27: ", "'8.0': a whole number" },
	{ "signals: {ring_buffer_mb: 18446744073709551624}", "F:1:27: ", "from 1 to 512" },
	{ "signals: {drain_interval_ms: 1}", "F:1:30: ", "from 2 to 10" },
	{ "signals: {drain_interval_ms: 11}", "F:1:30: ", "from 2 to 10" },
	{ "signals: {rotation: {max_size_mb: 10241}}", "F:1:35: ", "from 1 to 10240" },
	{ "signals: {rotation: {max_age_hours: 0}}", "F:1:37: ", "from 0.001 to 8760" },
	{ "signals: {rotation: {max_age_hours: 0.0001}}", "F:1:37: ", "at most three decimals" },
	{ "signals: {rotation: {max_age_hours: 8760.001}}", "F:1:37: ", "from 0.001 to 8760" },
	{ "signals: {rotation: {max_age_hours: 1.}}", "F:1:37: ", "a number" },
	{ "signals: {rotation: {max_age_hours: .5}}", "F:1:37: ", "a number" },
	{ "signals: {rotation: {max_age_hours: 1e3}}", "F:1:37: ", "a number" },
	{ "signals: {rotation: {max_age_hours: 1.5.5}}", "F:1:37: ", "a number" },
	{ "signals: {rotation: {max_age_hours: .inf}}", "F:1:37: ", "a number" },
	{ "signals: {compression: gzip}", "F:1:24: ", "one of none|zstd is wanted" },
	{ "signals:\n  probes: {}\n", "F:2:11: ", "signals.probes: a list is wanted" },
	{ "signals: {probes: []}",
	  "F:1:20: ", "signals.probes: the list is empty; name at least one, or leave" },
	{ "signals: {probes: [file_open, file_opens]}",
	  "F:1:31: ", "a record type or 'libc' is wanted; the types are file_open " },
	{ "signals: {probes: [file_open, libc, file_open]}", "F:1:37: ", "'file_open' stands there twice" },
	{ "signals: {dedup: on}", "F:1:18: ", "one of off|process|container is wanted" },
	{ "signals: {btf: x}", "F:1:16: ", "signals.btf: a mapping of keys is wanted" },
	{ "signals: {btf: {full: x}}", "F:1:23: ", "an absolute path is wanted" },
	{ "signals: {compression: none|zstd}", "F:1:24: ", "one of none|zstd" },
	/* what this version does not do */
	{ "signals: {signing: {enabled: false}}", "F:1:30: ", "an unsigned chain proves nothing" },
	/* keys, logs and what they need of each other */
	{ "signals: {signing: {key_id: 'file:k.pem'}}", "F:1:29: ", "absolute path" },
	{ "signals: {signing: {key_id: ''}}", "F:1:29: ", "'local'" },
	{ "signals: {signing: {next_key_id: fulcio}}", "F:1:34: ", "no key that could be announced" },
	{ "signals: {signing: {rekor_urls: ['https://h']}}",
	  "F:1:34: ", "'v1:https://HOST' or 'v2:https://HOST'" },
	{ "signals: {signing: {rekor_urls: ['v3:https://h']}}", "F:1:34: ", "'v1:https://HOST'" },
	{ "signals: {signing: {rekor_urls: ['v1:ftp://h']}}", "F:1:34: ", "a URL of the form https://HOST" },
	{ "signals: {signing: {rekor_urls: ['v1:https://']}}", "F:1:34: ", "a URL of the form https://HOST" },
	{ "signals: {signing: {rekor_urls: ['v1:https://u:p@h']}}", "F:1:34: ", "a URL without user" },
	{ "signals: {signing: {rekor_urls: ['v1:https://h', 'v1:https://h']}}",
	  "F:1:50: ", "stands there twice" },
	{ "signals: {signing: {timestamp_urls: [h]}}", "F:1:38: ", "a URL of the form https://HOST" },
	{ "signals: {signing: {trusted_root: r.json}}", "F:1:35: ", "an absolute path is wanted" },
	{ "signals: {signing: {local_log_origin: 'https://h'}}", "F:1:39: ", "a bare host name" },
	{ "signals: {signing: {local_log_origin: 'h.'}}", "F:1:39: ", "a bare host name" },
	{ "signals: {signing: {witness_keys: [x]}}", "F:1:36: ", "a witness's verifier key" },
	{ "signals: {signing: {timeout_s: 0}}", "F:1:32: ", "1 to 600" },
	{ "signals: {signing: {submit_to_rekor: true}}", "F:1:1: ", "rekor_urls names no log" },
	{ "signals: {signing: {submit_to_rekor: true, rekor_urls: ['v2:https://h']}}",
	  "F:1:1: ", "cannot be proved without trusted_root; `stella signals trusted-root`" },
	{ "signals: {signing: {timestamp_urls: ['https://h']}}", "F:1:1: ", "without trusted_root" },
	{ "signals: {signing: {witness_urls: ['https://h']}}", "F:1:1: ", "witness_keys must hold their keys" },
	{ "signals: {signing: {tls_key_file: /k}}", "F:1:1: ", "belong together" },
	{ "signals: {signing: {key_id: fulcio}}", "F:1:1: ", "fulcio_url is not set" },
	{ "signals: {signing: {key_id: fulcio, fulcio_url: 'https://f'}}", "F:1:1: ", "needs a proven time" },
	{ "signals: {signing: {key_id: fulcio, fulcio_url: 'https://f', trusted_root: /r, submit_to_rekor: "
	  "true, "
	  "rekor_urls: ['v2:https://h']}}",
	  "F:1:1: ", "needs a proven time" },
	{ "signals: {filters: {target_containers: [\"nginx:1.25\"]}}", "F:1:41: ", "image:" },
	{ "signals: {filters: {host: maybe}}", "F:1:27: ", "true or false" },
	{ "signals: {containers: {engines: [\"docker:run\"]}}", "F:1:34: ", "an absolute path" },
	{ "signals: {containers: {engines: [\"rkt:/run/rkt\"]}}", "F:1:34: ", "is wanted, or none alone" },
	{ "signals: {containers: {hold_ms: 1001}}", "F:1:33: ", "0 to 1000" },
	{ "signals: {containers: {labels: [\"\"]}}", "F:1:33: ", "a label's key" },
	/* paths and globs */
	{ "signals: {output_directory: evidence}", "F:1:29: ", "an absolute path is wanted" },
	{ "signals: {output_directory: ''}", "F:1:29: ", "an absolute path is wanted" },
	{ "signals: {output_directory: \"/a\\0b\"}", "F:1:29: ", "control characters are not allowed" },
	{ "signals: {output_directory: \"/a\\nb\"}", "F:1:29: ", "control characters are not allowed" },
	{ "signals:\n  state_directory: |\n    /a\n", "F:2:20: ", "control characters are not allowed" },
	{ "signals: {control_socket: run/x}", "F:1:27: ", "an absolute path is wanted" },
	{ "signals: {filters: {path_denylist: [/a,\n  '/b[']}}",
	  "F:2:3: ", "signals.filters.path_denylist: '/b['" },
	{ "signals:\n  filters:\n    path_allowlist:\n      - /usr/**\n      - \"/b\\\\\"\n",
	  "F:5:9: ", "'/b\\'" },
	{ "signals: {filters: {path_allowlist: ['']}}", "F:1:38: ", "signals.filters.path_allowlist: ''" },
	{ "signals: {filters: {path_allowlist: [/a, etc/passwd]}}",
	  "F:1:42: ", "'etc/passwd': paths are absolute, this matches none" },
	{ "signals:\n  filters:\n    path_denylist:\n    - ./proc/**\n", "F:4:7: ", "paths are absolute" },
	{ "signals: {filters: {path_denylist: ['\\proc']}}", "F:1:37: ", "paths are absolute" },
	/* a file that was cut short must not become the defaults */
	{ "", "F:1:1: ", "the file is empty; write `signals: {}` for the defaults" },
	{ " \n\n", "F:1:1: ", "the file is empty" },
	{ "# only a comment\n  # and another\n", "F:1:1: ", "the file is empty" },
	{ "---\n", "F:2:1: ", "a mapping with the key 'signals' is wanted" },
	/* what hides meaning */
	{ "signals: &a {}", "F:1:10: ", "anchors are not allowed" },
	{ "signals: {output_directory: &a /x, state_directory: *a}", "F:1:29: ", "anchors are not allowed" },
	{ "signals: *a", "F:1:10: ", "aliases are not allowed" },
	{ "signals: {enabled: !!bool true}", "F:1:20: ", "tags are not allowed" },
	{ "signals: !x {}", "F:1:10: ", "tags are not allowed" },
	{ "signals: {filters: {path_denylist: !!seq [/a]}}", "F:1:36: ", "tags are not allowed" },
	{ "signals: {}\n---\nsignals: {}", "F:2:1: ", "only one document is allowed" },
	/* no YAML */
	{ "signals: {", "F:2:1: ", "did not find expected node" },
	{ "signals:\n\tenabled: true", "F:2:1: ", "tabs do not indent" },
	{ "signals: {enabled: true]", "F:1:24: ", "" },
	{ "signals: \"open", "F:1:15: ", "" },
	{ "%TAG ! tag:x,2000:\n--- !y {}", "F:2:5: ", "tags are not allowed" },
	{ "[[[[[[[[[[[[[[[[[[[[[[", "F:1:1: ", "a mapping with the key 'signals'" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		_cleanup_(config_freep) struct config *config = NULL;
		struct diag diag;

		if (parse(str_of(bads[i].text), &diag, &config) >= 0)
			fail_msg("accepted: %s", bads[i].text);
		if (strncmp(diag.text, bads[i].where, strlen(bads[i].where)) != 0 ||
		    !strstr(diag.text, bads[i].why))
			fail_msg("%s\n  says   %s\n  wanted %s...%s", bads[i].text, diag.text, bads[i].where,
				 bads[i].why);
		assert_int_equal(diag.code, EXIT_UNSOUND);
		assert_null(config);
	}
}

static void test_bytes_that_are_no_text(void **state)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct diag diag;

	(void)state;
	assert_int_equal(parse((struct str) { "signals: {\xff: 1}", 15 }, &diag, &config), -EINVAL);
	assert_int_equal(parse((struct str) { "signals\0: {}", 12 }, &diag, &config), -EINVAL);
	assert_int_equal(parse((struct str) { "\xff\xfes\0i\0", 6 }, &diag, &config), -EINVAL); /* UTF-16 */
	assert_null(config);
}

/* A thousand of anything: the list's limit, and the socket's. */
static void test_limits(void **state)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(2u << 20);
	struct diag diag;

	(void)state;
	buf_printf(&text, "signals:\n  filters:\n    path_denylist:\n");
	for (int i = 0; i < 257; i++)
		buf_printf(&text, "    - /d%d\n", i);
	assert_int_equal(parse(buf_str(&text), &diag, &config), -EINVAL);
	assert_non_null(strstr(diag.text, "F:260:7: "));
	assert_non_null(strstr(diag.text, "the list is too long"));

	buf_clear(&text);
	buf_printf(&text, "signals: {control_socket: /%0107d}", 0);
	assert_int_equal(parse(buf_str(&text), &diag, &config), -EINVAL);
	assert_non_null(strstr(diag.text, "at most 107 bytes"));

	buf_clear(&text);
	buf_printf(&text, "#%0*d\n", (int)CONFIG_FILE_MAX, 0);
	assert_int_equal(parse(buf_str(&text), &diag, &config), -E2BIG);
	assert_int_equal(diag.code, EXIT_UNSOUND);
}

/* ---- files ---- */

static void test_load(void **state)
{
	_cleanup_(config_freep) struct config *config = NULL, *none = NULL;
	char path[] = "/tmp/test-config-XXXXXX";
	struct diag diag = { .text = "" };
	char where[64];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "signals:\n  enabled: 7\n", 22), 22);
	snprintf(where, sizeof(where), "%s:2:12: ", path);
	assert_int_equal(config_load(path, &diag, &config), -EINVAL);
	assert_int_equal(strncmp(diag.text, where, strlen(where)), 0);
	assert_int_equal(pwrite(fd, "true ", 5, 20), 5);
	diag = (struct diag) { .text = "" };
	assert_int_equal(config_load(path, &diag, &config), 0);
	assert_string_equal(config->file, path);
	close(fd);
	unlink(path);
	diag = (struct diag) { .text = "" };
	assert_int_equal(config_load(path, &diag, &none), -ENOENT);
	assert_int_equal(diag.code, EXIT_NOT_FOUND);
	assert_int_equal(strncmp(diag.text, "there is no configuration /tmp/", 31), 0);
	diag = (struct diag) { .text = "" };
	assert_int_equal(config_load("/", &diag, &none), -EINVAL);
	assert_int_equal(diag.code, EXIT_UNSOUND);
	assert_int_equal(config_load(NULL, &diag, &none), 0);
	assert_null(none->file);
}

static void test_find(void **state)
{
	_cleanup_(freep) char *option = NULL, *environment = NULL, *relative = NULL, *here = getcwd(NULL, 0);
	struct diag diag = { .text = "" };

	(void)state;
	setenv("STELLA_CONFIG", "/env.yaml", 1);
	assert_int_equal(config_find("/option.yaml", &diag, &option), 0);
	assert_string_equal(option, "/option.yaml");
	assert_int_equal(config_find(NULL, &diag, &environment), 0);
	assert_string_equal(environment, "/env.yaml");
	assert_int_equal(config_find("some.yaml", &diag, &relative), 0);
	assert_int_equal(relative[0], '/');
	assert_int_equal(strncmp(relative, here, strlen(here)), 0);
	unsetenv("STELLA_CONFIG");
}

static void test_reload_may_change(void **state)
{
	static const struct {
		const char *text, *fixed;
	} rows[] = {
		{ "signals: {rotation: {max_size_mb: 5, max_age_hours: 2}}", NULL },
		{ "signals: {filters: {path_allowlist: [/a], path_denylist: [/b]}}", NULL },
		{ "signals: {output_directory: /elsewhere}", "signals.output_directory" },
		{ "signals: {ring_buffer_mb: 16}", "signals.ring_buffer_mb" },
		{ "signals: {signing: {key_id: 'file:/k'}}", "signals.signing.key_id" },
		{ "signals: {compression: zstd}", "signals.compression" },
		{ "signals: {control_socket: /s}", "signals.control_socket" },
	};
	_cleanup_(config_freep) struct config *running = NULL;

	(void)state;
	assert_int_equal(config_new(&running), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(config_freep) struct config *wanted = NULL;
		const char *fixed;
		struct diag diag;

		assert_int_equal(parse(str_of(rows[i].text), &diag, &wanted), 0);
		fixed = config_fixed_difference(running, wanted);
		if (rows[i].fixed)
			assert_string_equal(fixed, rows[i].fixed);
		else
			assert_null(fixed);
	}
}

/* ---- printers ---- */

static void same_as_committed(const struct buf *text, const char *path)
{
	_cleanup_(buf_done) struct buf committed = BUF_MAX(CONFIG_TEXT_MAX);
	struct diag diag = { .text = "" };

	if (file_read_at(AT_FDCWD, path, &committed, &diag) < 0)
		fail_msg("%s", diag.text);
	if (!str_equal(buf_str(text), buf_str(&committed)))
		fail_msg("%s is not what stella-signalsd prints; write it anew", path);
}

static void test_example_is_the_defaults(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_TEXT_MAX);
	_cleanup_(config_freep) struct config *config = NULL, *initial = NULL;
	struct digest a, b;
	struct diag diag;

	(void)state;
	assert_int_equal(config_example(&text), 0);
	if (parse(buf_str(&text), &diag, &config) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(config_new(&initial), 0);
	assert_int_equal(config_digest(config, &a), 0);
	assert_int_equal(config_digest(initial, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	same_as_committed(&text, "packaging/stellaops.yaml");
}

static void test_manual_is_committed(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_TEXT_MAX);

	(void)state;
	assert_int_equal(config_manual(&text), 0);
	same_as_committed(&text, "man/stellaops.yaml.5");
}

static void test_help_names_every_key(void **state)
{
	static const char *const keys[] = { "signals.enabled ",
					    "signals.rotation.max_size_mb ",
					    "signals.filters.path_denylist ",
					    "signals.compression ",
					    "signals.metrics:",
					    "none or zstd",
					    "1 to 512 MiB" };
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_TEXT_MAX);

	(void)state;
	assert_int_equal(config_help(&text), 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_non_null(strstr(buf_cstr(&text), keys[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed_form),
		cmocka_unit_test(test_nothing_is_the_defaults),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_digest_sees_every_key),
		cmocka_unit_test(test_lists_with_defaults),
		cmocka_unit_test(test_edges_of_ranges),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_reload_may_change),
		cmocka_unit_test(test_example_is_the_defaults),
		cmocka_unit_test(test_manual_is_committed),
		cmocka_unit_test(test_help_names_every_key),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
