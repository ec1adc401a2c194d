/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal's statement: its golden text, there and back byte for byte for any values, and what is refused.
 * STELLA_GOLDEN=write rewrites the golden file.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/canon.h"
#include "format/statement.h"

#define GOLDEN "tests/golden/statement-v1.json"
#define BEFORE_CONTAINERS "tests/fuzz/corpus/statement/before-containers"

static void set(char **field, const char *text)
{
	assert_int_equal(statement_set(field, text), 0);
}

static void set_list(char ***list, size_t *count, const char *first, const char *second)
{
	*list = calloc(2, sizeof(**list));
	assert_non_null(*list);
	*count = 2;
	set(&(*list)[0], first);
	set(&(*list)[1], second);
}

static void add_coverage(struct statement *s)
{
	set_list(&s->comm_denylist, &s->n_comm_denylist, "cron", "backup \"1\"");
	set_list(&s->cgroups, &s->n_cgroups, "/system.slice/**", "4711");
	set_list(&s->pid_namespaces, &s->n_pid_namespaces, "4026531836", "4026532000");
	set(&s->dedup_scope, "process");
	for (unsigned int i = 1; i < WIRE_KIND_END; i++)
		s->folded[i] = i * 100;
	set(&s->transport, "ring_buffer");
	s->targets = calloc(2, sizeof(*s->targets));
	s->n_targets = 2;
	s->targets[0] = (struct statement_target) {
		.dev_major = 254, .inode = 99, .from_boot_ns = 10, .to_boot_ns = 70, .attached = 4
	};
	s->targets[1] = (struct statement_target) { .dev_minor = UINT32_MAX, .missing_count = 900 };
	set(&s->targets[0].kind, "ssl_op");
	set(&s->targets[0].library, "/usr/lib/libssl.so.3");
	set(&s->targets[0].build_id, "00ff");
	set(&s->targets[1].kind, "function_call");
	set(&s->targets[1].library, "/usr/lib/libz.so.1");
	set(&s->targets[1].purl, "pkg:deb/debian/zlib1g@1.2");
	set_list(&s->targets[1].missing, &s->targets[1].n_missing, "inflate_fast", "no\x01pe");
	s->incidents_known = true;
	s->incidents = calloc(2, sizeof(*s->incidents));
	s->n_incidents = 2;
	s->incidents[0].boot_ns = 12;
	set(&s->incidents[0].what, "clock_step");
	set(&s->incidents[0].detail, "the wall clock went back by 3 s");
	s->incidents[1].boot_ns = 13;
	set(&s->incidents[1].what, "probe_silent");
	set(&s->incidents[1].detail, "sys_exit saw nothing of the collector's own open");
}

#define DIGEST_TEXT "sha256:0011223344556677889900112233445566778899001122334455667788990011"

static void add_containers(struct statement *s)
{
	set(&s->cgroup_hierarchy, "unified");
	set_list(&s->target_containers, &s->n_target_containers, "web", "db-*");
	s->host_known = true;
	s->containers_more = 5;
	s->containers = calloc(2, sizeof(*s->containers));
	s->container_coverage = calloc(2, sizeof(*s->container_coverage));
	assert_true(s->containers && s->container_coverage);
	s->n_containers = s->n_container_coverage = 2;
	s->containers[0].cgroup_id = 4711;
	set(&s->containers[0].id, "docker://0123");
	s->containers[0].conflict = true;
	s->containers[1] =
		(struct statement_container) { .cgroup_id = 4712, .generation = 9, .image_is_config = true };
	set(&s->containers[1].id, "containerd://4567");
	set(&s->containers[1].image, "docker.io/library/nginx:1.25");
	set(&s->containers[1].image_digest, DIGEST_TEXT);
	set(&s->containers[1].outer, "docker://0123");
	set(&s->containers[1].pod, "web-1");
	set(&s->containers[1].pod_namespace, "shop");
	set(&s->containers[1].pod_uid, "u-1");
	set_list(&s->containers[1].names, &s->containers[1].n_names, "web", "caf\xc3\xa9");
	s->containers[1].labels = calloc(2, sizeof(*s->containers[1].labels));
	s->containers[1].n_labels = 2;
	set(&s->containers[1].labels[0].key,
	    "app.kubernetes.io/a-key-that-is-longer-than-any-member-of-ours-is");
	set(&s->containers[1].labels[0].value, "shop \"1\"");
	set(&s->containers[1].labels[1].key, "team");
	set(&s->containers[1].labels[1].value, "");
	s->containers[1].labels_more = 3;
	s->container_coverage[0] = (struct statement_container_coverage) {
		.cgroup_id = 4711, .from_boot_ns = 1000, .to_boot_ns = 2000, .records = 7
	};
	set(&s->container_coverage[0].id, "docker://0123");
	set_list(&s->container_coverage[0].incomplete, &s->container_coverage[0].n_incomplete, "at_start",
		 "losses");
	s->container_coverage[1] = (struct statement_container_coverage) {
		.cgroup_id = 4712, .generation = 9, .from_boot_ns = 1500, .to_boot_ns = 2000, .complete = true
	};
	set(&s->container_coverage[1].id, "containerd://4567");
}

static struct statement sample(void)
{
	struct statement s = { .sequence = 2,
			       .has_previous = true,
			       .final = true,
			       .bytes = 4096,
			       .records = 12,
			       .filtered = 3,
			       .losses_known = true,
			       .gap = GAP_CRASH,
			       .recovered = true };

	for (unsigned int i = 1; i < WIRE_KIND_END; i++)
		s.events[i] = i * 3;
	memset(s.chunk_digest.bytes, 0xaa, DIGEST_LEN);
	memset(s.previous.bytes, 0xbb, DIGEST_LEN);
	memset(s.config_digest.bytes, 0xcc, DIGEST_LEN);
	memset(s.btf_source_digest.bytes, 0xdd, DIGEST_LEN);
	memset(s.plain_digest.bytes, 0xee, DIGEST_LEN);
	set(&s.chunk_name, "chunk-000002.ndjson.zst");
	set(&s.chain_id, "00112233445566778899aabbccddeeff");
	set(&s.collector_name, "stella-signalsd");
	set(&s.collector_version, "0.1.0");
	set(&s.replay_of, "ff");
	set(&s.host_id, "h\"1\"");
	set(&s.boot_id, "11111111-2222-3333-4444-555555555555");
	set(&s.kernel_release, "6.18.0");
	set(&s.arch, "x86_64");
	set(&s.btf_source_kind, "kernel");
	set(&s.btf_source_path, "/sys/kernel/btf/vmlinux");
	set(&s.btf_selection_reason, "kernel_btf_present");
	set(&s.encoding, "zstd");
	set(&s.gap_from_boot_id, "00000000-2222-3333-4444-555555555555");
	s.opened = (struct moment) { 1000, 1700000000123456789 };
	s.closed = (struct moment) { STATEMENT_NUMBER_MAX, 1700000001000000000 };
	s.gap_from = (struct moment) { 5, 1699999999000000001 };
	s.gap_to = (struct moment) { 999, 1700000000123456788 };
	set_list(&s.path_allowlist, &s.n_path_allowlist, "/usr/**", "/caf\xc3\xa9/\x01");
	set_list(&s.path_denylist, &s.n_path_denylist, "/proc/**", "");
	s.probes = calloc(2, sizeof(*s.probes));
	s.n_probes = 2;
	set(&s.probes[0].kind, "file_open");
	set(&s.probes[0].hook, "sys_exit");
	set_list(&s.probes[0].blind_spots, &s.probes[0].n_blind_spots, "io_uring",
		 "mmap_of_inherited_descriptors");
	s.probes[0].to_boot_ns = 77;
	set(&s.probes[1].kind, "process_exec");
	set(&s.probes[1].hook, "sched_process_exec");
	s.losses = calloc(2, sizeof(*s.losses));
	s.n_losses = 2;
	s.losses[0] = (struct statement_loss) { .count = 5, .first_boot_ns = 1, .last_boot_ns = 2 };
	set(&s.losses[0].kind, "file_open");
	for (int i = 0; i < 2; i++) {
		set(&s.losses[i].cause, i ? "torn_tail" : "ring_full");
		set(&s.losses[i].layer, i ? "collector" : "kernel");
		set(&s.losses[i].effect, i ? "record" : "member");
	}
	s.losses[0].cgroups = calloc(1, sizeof(*s.losses[0].cgroups));
	s.losses[0].n_cgroups = 1;
	s.losses[0].cgroups[0] = (struct statement_loss_cgroup) { 4711, 3, 1, 2 };
	add_coverage(&s);
	add_containers(&s);
	assert_int_equal(statement_set_next_key(&s, STR("not a key, but bytes")), 0);
	return s;
}

static void text_is_the_golden_one(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(STATEMENT_MAX), golden = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = sample();
	const char *mode = getenv("STELLA_GOLDEN");
	struct canon_member members[8];
	struct diag diag = { 0 };
	size_t count, offset;

	(void)state;
	assert_int_equal(statement_write(&out, &s), 0);
	assert_int_equal(canon_scan_object(buf_str(&out), members, 8, &count, &offset), CANON_OK);
	assert_int_equal(count, 4);
	assert_int_equal(buf_append(&out, "\n", 1), 0);
	if (mode && strcmp(mode, "write") == 0)
		assert_int_equal(file_publish_at(AT_FDCWD, GOLDEN, 0644, out.data, out.len, false, &diag), 0);
	assert_int_equal(file_read_at(AT_FDCWD, GOLDEN, &golden, &diag), 0);
	if (!str_equal(buf_str(&out), buf_str(&golden)))
		fail_msg("the text is not that of %s; it is:\n%s", GOLDEN, buf_cstr(&out));
}

/* ---- any values, there and back ---- */

static uint64_t random_state = 88172645463325252u;

static uint64_t any(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 1) % bound;
}

static uint64_t any_number(void)
{
	return any(4) == 0 ? (uint64_t)STATEMENT_NUMBER_MAX - any(3) : any(UINT64_C(1) << any(63));
}

static void any_text(char **field, bool may_be_unknown)
{
	static const char *const pieces[] = { "a",    "\"",   "\\",	  "\n",
					      "\x1f", "\x7f", "\xc3\xa9", "\xf0\x9f\x98\x80",
					      "/" };
	char text[64] = "";

	if (may_be_unknown && any(3) == 0) {
		set(field, NULL);
		return;
	}
	for (uint64_t i = !may_be_unknown + any(8); i > 0; i--)
		strcat(text, pieces[any(ARRAY_LEN(pieces))]);
	set(field, text);
}

static struct moment any_moment(void)
{
	return (struct moment) { any_number(), any(UINT64_C(1) << any(63)) };
}

static void any_digest(struct digest *digest)
{
	for (size_t i = 0; i < DIGEST_LEN; i++)
		digest->bytes[i] = (uint8_t)any(256);
}

static void vary_next_key(struct statement *s)
{
	char bytes[STATEMENT_NEXT_KEY_MAX];
	size_t len = any(3) == 0 ? 0 : any(sizeof(bytes) + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)any(256);
	assert_int_equal(statement_set_next_key(s, (struct str) { bytes, len }), 0);
}

static void vary_containers(struct statement *s)
{
	struct statement_container *container = &s->containers[1];
	struct statement_container_coverage *row = &s->container_coverage[0];

	for (size_t i = 0; i < 2; i++) {
		s->containers[i].generation = any_number();
		s->containers[i].labels_more = any(2) * any_number();
	}
	s->containers[0].conflict = any(2);
	set(&container->image_digest, any(2) ? DIGEST_TEXT : NULL);
	container->image_is_config = container->image_digest && any(2);
	any_text(&container->image, true);
	any_text(&container->outer, true);
	any_text(&container->names[1], false);
	any_text(&container->labels[1].value, false);
	any_text(&container->pod, false);
	any_text(&container->pod_uid, true);
	s->containers_more = any(2) * any_number();
	any_text(&s->cgroup_hierarchy, true);
	any_text(&s->target_containers[0], false);
	s->host_known = any(2);
	s->host = s->host_known && any(2);
	row->records = any_number();
	row->to_boot_ns = any_number();
	any_text(&row->incomplete[0], false);
}

static void vary(struct statement *s)
{
	struct digest *const digests[] = { &s->chunk_digest, &s->previous, &s->config_digest,
					   &s->btf_source_digest, &s->plain_digest };
	static const char *const btf_kinds[] = { NULL, "kernel", "external-vmlinux", "split-btf" };

	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		any_digest(digests[i]);
	s->sequence = 1 + any(STATEMENT_SEQUENCE_MAX);
	s->has_previous = any(2);
	s->final = any(2);
	s->recovered = any(2);
	s->bytes = any_number();
	s->records = any_number();
	s->filtered = any_number();
	for (unsigned int i = 1; i < WIRE_KIND_END; i++)
		s->events[i] = any_number();
	any_text(&s->collector_name, false);
	any_text(&s->replay_of, true);
	any_text(&s->host_id, true);
	any_text(&s->boot_id, true);
	any_text(&s->kernel_release, true);
	any_text(&s->arch, true);
	set(&s->btf_source_kind, btf_kinds[any(4)]);
	any_text(&s->btf_source_path, true);
	any_text(&s->btf_selection_reason, true);
	any_text(&s->gap_from_boot_id, true);
	s->opened = any_moment();
	s->closed = any_moment();
	s->gap = (enum statement_gap_kind)any(4);
	s->gap_from = any_moment();
	s->gap_to = any_moment();
	s->losses_known = any(4) > 0;
	for (size_t i = 0; i < s->n_losses; i++) {
		s->losses[i].count = any(2) ? any_number() : 0;
		s->losses[i].first_boot_ns = any_number();
		any_text(&s->losses[i].kind, true);
		any_text(&s->losses[i].cause, false);
	}
	vary_containers(s);
	vary_next_key(s);
	s->targets_more = any(2) * any_number();
	for (size_t i = 0; i < s->n_targets; i++) {
		s->targets[i].dev_major = (uint32_t)any(UINT64_C(1) << 32);
		s->targets[i].inode = any_number();
		s->targets[i].attached = any_number();
		s->targets[i].missing_count = 2 + any(1000);
		any_text(&s->targets[i].library, false);
		any_text(&s->targets[i].purl, true);
	}
	set(&s->dedup_scope, any(2) ? "off" : NULL);
	for (unsigned int i = 1; i < WIRE_KIND_END; i++)
		s->folded[i] = s->dedup_scope ? any_number() : 0;
	set(&s->transport, any(2) ? "perf_buffer" : NULL);
	any_text(&s->incidents[0].what, false);
	s->incidents[1].boot_ns = any_number();
	any_text(&s->comm_denylist[0], false);
	any_text(&s->path_denylist[1], false);
	any_text(&s->probes[1].hook, false);
}

static void any_statement_comes_back(void **state)
{
	_cleanup_(statement_done) struct statement s = sample();

	(void)state;
	for (int round = 0; round < 3000; round++) {
		_cleanup_(buf_done) struct buf once = BUF_MAX(STATEMENT_MAX), again = BUF_MAX(STATEMENT_MAX);
		_cleanup_(statement_done) struct statement back = { 0 };
		struct canon_member members[8];
		struct diag diag = { 0 };
		size_t count, offset;

		vary(&s);
		assert_int_equal(statement_write(&once, &s), 0);
		assert_int_equal(canon_scan_object(buf_str(&once), members, 8, &count, &offset), CANON_OK);
		if (statement_parse(buf_str(&once), &diag, &back) < 0)
			fail_msg("%s: %s", diag.text, buf_cstr(&once));
		assert_int_equal(statement_write(&again, &back), 0);
		if (!str_equal(buf_str(&once), buf_str(&again)))
			fail_msg("%s\nbecame\n%s", buf_cstr(&once), buf_cstr(&again));
	}
}

/* ---- refused ---- */

static const struct {
	const char *from, *to, *line; /* what is replaced by what, and a part of the line that says so */
} forged[] = {
	{ "in-toto.io/Statement/v1", "in-toto.io/Statement/v2", "_type" },
	{ "runtime-evidence/v1", "runtime-evidence/v2", "predicateType" },
	{ "\"final\":true", "\"final\":1", "chain.final" },
	{ "\"final\":true", "\"final\":true,\"final\":true", "duplicate" },
	{ "\"final\":true,", "", "chain.final" },
	{ "00112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF", "chain.id" },
	{ "00112233445566778899aabbccddeeff", "", "chain.id" },
	{ "\"previous\":\"bb", "\"previous\":\"b", "chain.previous" },
	{ "\"previous\":\"bb", "\"former\":\"bb", "chain.previous" },
	{ "\"sequence\":2", "\"sequence\":0", "chain.sequence" },
	{ "\"sequence\":2", "\"sequence\":1000000", "chain.sequence" },
	{ "\"sequence\":2", "\"sequence\":-1", "chain.sequence" },
	{ "\"sequence\":2", "\"sequence\":2.0", "chain.sequence" },
	{ "\"sequence\":2", "\"sequence\":\"2\"", "chain.sequence" },
	{ "sha256:cc", "sha512:cc", "collector.config_digest" },
	{ "sha256:cc", "cc", "collector.config_digest" },
	{ "\"name\":\"stella-signalsd\"", "\"name\":\"\"", "collector.name" },
	{ "\"name\":\"stella-signalsd\"", "\"name\":null", "collector.name" },
	{ "\"cgroup_id\":4711", "\"cgroup_id\":9223372036854775808", "too big" },
	{ "\"id\":\"docker://0123\"", "\"id\":7", "containers[].id" },
	{ "\"conflict\":true", "\"conflict\":false", "containers[].conflict" },
	{ "\"generation\":9", "\"generation\":-9", "containers[].generation" },
	{ "\"generation\":9,", "", "containers[].generation" },
	{ "\"id\":\"containerd://4567\"", "\"id\":\"\"", "containers[].id" },
	{ "\"image\":\"", "\"image\":1,\"x\":\"", "containers[].image" },
	{ "sha256:0011", "sha512:0011", "containers[].image_digest" },
	{ "sha256:0011", "sha256:001", "containers[].image_digest" },
	{ "\"image_digest\":\"" DIGEST_TEXT "\",", "", "containers[].image_digest_kind" },
	{ "\"image_digest_kind\":\"config\"", "\"image_digest_kind\":\"guess\"",
	  "containers[].image_digest_kind" },
	{ "\"image_digest_kind\":\"config\",", "", "containers[].image_digest_kind" },
	{ "\"generation\":9", "\"conflict\":true,\"generation\":9", "containers[].image_digest" },
	{ "\"labels\":{", "\"labels\":{},\"x\":{", "containers[].labels" },
	{ "\"labels\":{", "\"labels\":[],\"x\":{", "containers[].labels" },
	{ "\"labels\":{", "\"labels\":{\"\":\"\",", "containers[].labels" },
	{ "\"labels\":{", "\"labels\":{\"caf\xc3\xa9\":\"\",", "containers[].labels" },
	{ "\"labels\":{", "\"labels\":{\"a\\\"\":\"\",", "containers[].labels" },
	{ "\"labels\":{", "\"labels\":{\"a\":null,", "containers[].labels" },
	{ "\"labels_more\":3", "\"labels_more\":0", "containers[].labels_more" },
	{ "\"names\":[\"web\"", "\"names\":[1", "containers[].names" },
	{ "\"names\":[", "\"names\":[],\"x\":[", "containers[].names" },
	{ "\"outer\":\"docker://0123\"", "\"outer\":{}", "containers[].outer" },
	{ "\"pod\":{\"name\":\"web-1\",", "\"pod\":{", "containers[].pod.name" },
	{ "\"namespace\":\"shop\"", "\"namespace\":null", "containers[].pod.namespace" },
	{ "\"pod\":{", "\"pod\":\"\",\"x\":{", "containers[].pod" },
	{ "\"cgroup_hierarchy\":\"unified\"", "\"cgroup_hierarchy\":1", "coverage.cgroup_hierarchy" },
	{ "\"cgroup_hierarchy\":\"unified\"", "\"cgroup_hierarchy\":null", "coverage.cgroup_hierarchy" },
	{ "\"containers_more\":5", "\"containers_more\":0", "coverage.containers_more" },
	{ "\"host\":false", "\"host\":0", "filters.host" },
	{ "\"target_containers\":[", "\"target_containers\":[null,", "filters.target_containers" },
	{ "\"complete\":false,", "", "coverage.containers[].complete" },
	{ "\"complete\":false", "\"complete\":true", "coverage.containers[].incomplete" },
	{ "\"complete\":true", "\"complete\":false", "coverage.containers[].incomplete" },
	{ "\"incomplete\":[\"at_start\",\"losses\"]", "\"incomplete\":[]", "coverage.containers[].incomplete" },
	{ "\"incomplete\":[\"at_start\"", "\"incomplete\":[1", "coverage.containers[].incomplete" },
	{ "\"records\":7", "\"records\":\"7\"", "coverage.containers[].records" },
	{ "\"from_boot_ns\":1500", "\"from_boot_ns\":1.5", "coverage.containers[].from_boot_ns" },
	{ "\"to_boot_ns\":2000", "\"to_boot_ns\":null", "coverage.containers[].to_boot_ns" },
	{ "\"encoding\":\"zstd\"", "\"encoding\":\"gzip\"", "content.encoding" },
	{ "\"recovered\":true", "\"recovered\":false", "content.recovered" },
	{ "\"records\":12", "\"records\":null", "content.records" },
	{ "\"filtered\":3,", "", "coverage.filtered" },
	{ "[\"/proc/**\"", "[1", "filters.path_denylist" },
	{ "\"path_allowlist\":[", "\"path_allowlist\":[[],", "filters.path_allowlist" },
	{ "\"hook\":\"sys_exit\"", "\"hook\":\"\"", "probes[].hook" },
	{ "\"to_boot_ns\":77", "\"to_boot_ns\":true", "probes[].to_boot_ns" },
	{ "\"tcp_state\":9", "\"tcp_states\":9", "events.tcp_state" },
	{ "\"kind\":\"crash\"", "\"kind\":\"boredom\"", "gap.kind" },
	{ "\"kind\":\"crash\"", "\"kind\":\"none\"", "gap.kind" },
	{ "\"source_kind\":\"kernel\"", "\"source_kind\":\"guess\"", "btf.source_kind" },
	{ "\"losses\":[", "\"losses\":[null,", "losses[].cause" },
	{ "\"losses\":[", "\"loss\":[", "losses" },
	{ "\"count\":5", "\"count\":0", "losses[].count" },
	{ "\"count\":0", "\"count\":5", "losses[].first_boot_ns" },
	{ "\"next_key\":{", "\"next_key\":null,\"x\":{", "next_key must be an object" },
	{ "\"next_key\":{\"id\":\"", "\"next_key\":{\"id\":\"0", "next_key.id" },
	{ "\"next_key\":{\"id\"", "\"next_key\":{\"ID\"", "next_key.id" },
	{ "\"spki\":\"b", "\"spki\":\"c", "next_key.id is not the SHA-256 of spki" },
	{ "\"spki\":\"", "\"spki\":\"=", "next_key.spki" },
	{ "\"spki\":\"", "\"spki\":\"\",\"x\":\"", "next_key.spki" },
	{ "\"spki\":\"", "\"spki\":1,\"x\":\"", "next_key.spki" },
	{ "\"effect\":\"member\"", "\"effect\":\"none\"", "losses[].effect" },
	{ "\"count\":3", "\"count\":0", "losses[].cgroups[].count" },
	{ "\"cgroups\":[{", "\"cgroups\":[1,{", "losses[].cgroups[].cgroup_id" },
	{ "\"cause\":\"torn_tail\"", "\"cause\":\"torn_tail\",\"cgroups\":[]", "losses[].cgroups" },
	{ "\"scope\":\"process\"", "\"scope\":\"thread\"", "dedup.scope" },
	{ "\"scope\":\"process\"", "\"scopes\":\"process\"", "dedup.scope" },
	{ "\"file_open\":100", "\"file_open\":-1", "dedup.folded.file_open" },
	{ "\"comm_denylist\":[", "\"comm_denylist\":[1,", "filters.comm_denylist" },
	{ "\"pid_namespaces\":[\"4026531836\",\"4026532000\"]", "\"pid_namespaces\":{}",
	  "filters.pid_namespaces" },
	{ "\"ring_buffer\"", "\"pigeon\"", "coverage.transport" },
	{ "\"what\":\"clock_step\"", "\"what\":\"\"", "incidents[].what" },
	{ "\"incidents\":[", "\"incidents\":[{},", "incidents[].boot_ns" },
	{ "\"incidents\":[", "\"incidents\":null,\"x\":[", "coverage.incidents" },
	{ "\"254:0\"", "\"254\"", "targets[].dev" },
	{ "\"254:0\"", "\"254:00\"", "targets[].dev" },
	{ "\"0:4294967295\"", "\"0:4294967296\"", "targets[].dev" },
	{ "\"transport\":\"ring_buffer\"", "\"targets_more\":0,\"transport\":\"ring_buffer\"", "targets_more" },
	{ "\"missing_count\":900", "\"missing_count\":1", "targets[].missing_count" },
	{ "\"missing\":[\"inflate_fast\"", "\"missing\":[7", "targets[].missing" },
	{ "\"attached\":4,", "", "targets[].attached" },
	{ "\"opened\":{", "\"opened\":{\"x\":", "expected near" },
	{ "2023-11-14T22:13:20.123456789Z", "2023-11-14T22:13:20Z", "opened.time" },
	{ "2023-11-14T22:13:20.123456789Z", "2023-02-30T22:13:20.123456789Z", "opened.time" },
	{ "chunk-000002.ndjson.zst", "../000002.ndjson.zst", "subject[0].name" },
	{ "chunk-000002.ndjson.zst", "chunk-000002.sigstore.json", "subject[0].name" },
	{ "\"subject\":[", "\"subject\":[1,", "subject" },
	{ "\"sha256\":\"aa", "\"sha1\":\"aa", "subject[0].digest.sha256" },
	{ "h\\\"1\\\"", "\\u0000", "\\u0000" },
};

static void replace(struct buf *out, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at)
		fail_msg("%s is not in the sample", from);
	assert_int_equal(buf_append(out, text, (size_t)(at - text)), 0);
	assert_int_equal(buf_append_str(out, str_of(to)), 0);
	assert_int_equal(buf_append_str(out, str_of(at + strlen(from))), 0);
}

static void forged_statements_are_refused(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = sample();

	(void)state;
	assert_int_equal(statement_write(&text, &s), 0);
	for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
		_cleanup_(buf_done) struct buf bad = BUF_MAX(STATEMENT_MAX);
		struct statement out = { .sequence = 4711 };
		struct diag diag = { 0 };

		replace(&bad, buf_cstr(&text), forged[i].from, forged[i].to);
		if (statement_parse(buf_str(&bad), &diag, &out) != -EBADMSG)
			fail_msg("taken: %s", buf_cstr(&bad));
		if (!strstr(diag.text, forged[i].line))
			fail_msg("\"%s\" does not say \"%s\"", diag.text, forged[i].line);
		assert_int_equal(out.sequence, 4711);
	}
}

/* A later minor version may add members anywhere; they are ignored. */
static void unknown_members_are_ignored(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX), more = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = sample(), back = { 0 };
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(statement_write(&text, &s), 0);
	replace(&more, buf_cstr(&text), "\"final\":true", "\"a\":{\"b\":[]},\"final\":true");
	assert_int_equal(statement_parse(buf_str(&more), &diag, &back), 0);
	assert_int_equal(back.sequence, 2);
}

static void cut_out(struct buf *text, const char *from, const char *until)
{
	char *at = strstr(buf_cstr(text), from), *end = at ? strstr(at + 1, until) : NULL;

	if (!end)
		fail_msg("%s ... %s is not in the sample", from, until);
	text->len = text->len - (size_t)(end - at);
	memmove(at, end, strlen(end) + 1);
}

/* Seals of the first version know neither the later kinds nor the later members; each is unknown, or none. */
static void seals_of_older_collectors_are_read(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = sample(), back = { 0 };
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(statement_write(&text, &s), 0);
	cut_out(&text, "\"dedup\"", "\"filtered\"");
	cut_out(&text, "\"cgroups\":[\"", "\"path_allowlist\"");
	cut_out(&text, ",\"pid_namespaces\"", "},\"incidents\"");
	cut_out(&text, "\"cgroup_hierarchy\"", "\"containers\":[");
	cut_out(&text, ",\"containers_more\"", ",\"filtered\"");
	cut_out(&text, "\"incidents\"", "\"probes\"");
	cut_out(&text, ",\"targets\"", "},\"events\"");
	cut_out(&text, "\"function_call\":24", "\"process_exec\":6");
	cut_out(&text, ",\"process_exit\"", ",\"tcp_state\"");
	cut_out(&text, "\"cgroups\":[{", "\"count\":5");
	cut_out(&text, "\"next_key\"", "\"window\"");
	if (statement_parse(buf_str(&text), &diag, &back) < 0)
		fail_msg("%s: %s", diag.text, buf_cstr(&text));
	assert_null(back.dedup_scope);
	assert_null(back.transport);
	assert_false(back.incidents_known);
	assert_null(back.cgroup_hierarchy);
	assert_false(back.host_known);
	assert_int_equal(back.n_target_containers + back.containers_more, 0);
	assert_int_equal(back.n_targets + back.n_cgroups + back.n_comm_denylist + back.n_pid_namespaces, 0);
	assert_int_equal(back.events[WIRE_KIND_TCP_STATE], 9);
	assert_int_equal(back.events[WIRE_KIND_PROCESS_EXIT], 0);
	assert_int_equal(back.losses[0].n_cgroups, 0);
	assert_null(back.next_key);
}

/* The numbers by kind go: a later collector knows more kinds, and writes each. */
static void cut_counts(struct buf *text)
{
	cut_out(text, "\"folded\":{", "}");
	cut_out(text, "\"events\":{", "}");
}

/* What knows nothing of containers comes back as it was: no member appears that was not there. */
static void older_text_stays_as_it_was(void **state)
{
	_cleanup_(buf_done) struct buf before = BUF_MAX(STATEMENT_MAX), after = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = { 0 };
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(file_read_at(AT_FDCWD, BEFORE_CONTAINERS, &before, &diag), 0);
	if (statement_parse(buf_str(&before), &diag, &s) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(s.n_containers, 1);
	assert_int_equal(s.n_container_coverage, 0);
	assert_null(s.cgroup_hierarchy);
	assert_false(s.host_known);
	assert_int_equal(statement_write(&after, &s), 0);
	cut_counts(&before);
	cut_counts(&after);
	assert_string_equal(buf_cstr(&after), buf_cstr(&before));
}

static void every_cut_text_is_refused(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = sample();

	(void)state;
	assert_int_equal(statement_write(&text, &s), 0);
	for (size_t len = 0; len < text.len; len++) {
		struct statement out = { 0 };

		assert_int_equal(statement_parse((struct str) { text.data, len }, NULL, &out), -EBADMSG);
	}
	assert_int_equal(buf_append(&text, "x", 1), 0);
	assert_int_equal(statement_parse(buf_str(&text), NULL, &s), -EBADMSG);
}

static void writer_refuses_containers(struct buf *out, struct statement *s)
{
	struct statement_container *container = &s->containers[1];
	struct statement_label swapped = container->labels[0];

	container->conflict = true;
	assert_int_equal(statement_write(out, s), -EILSEQ);
	container->conflict = false;
	container->image_digest[7] = 'F';
	assert_int_equal(statement_write(out, s), -EILSEQ);
	container->image_digest[7] = '0';
	container->labels[0] = container->labels[1];
	container->labels[1] = swapped;
	assert_int_equal(statement_write(out, s), -EILSEQ);
	container->labels[1] = container->labels[0];
	assert_int_equal(statement_write(out, s), -EILSEQ);
	container->labels[0] = swapped;
	container->labels[0].key[0] = '"';
	assert_int_equal(statement_write(out, s), -EILSEQ);
	container->labels[0].key[0] = 'a';
	s->container_coverage[0].complete = true;
	assert_int_equal(statement_write(out, s), -ERANGE);
	s->container_coverage[0].complete = false;
	s->container_coverage[1].complete = false;
	assert_int_equal(statement_write(out, s), -ERANGE);
	s->container_coverage[1].complete = true;
	container->n_labels = STATEMENT_LABELS_MAX + 1;
	assert_int_equal(statement_write(out, s), -E2BIG);
	container->n_labels = 2;
	container->n_names = STATEMENT_NAMES_MAX + 1;
	assert_int_equal(statement_write(out, s), -E2BIG);
	container->n_names = 2;
}

static void writer_refuses_what_no_reader_takes(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = sample();
	_cleanup_(freep) char *long_text = calloc(1, STATEMENT_STRING_MAX + 2);

	(void)state;
	assert_int_equal(buf_append(&out, "before", 6), 0);
	s.records = (uint64_t)STATEMENT_NUMBER_MAX + 1;
	assert_int_equal(statement_write(&out, &s), -ERANGE);
	s.records = 1;
	s.sequence = 0;
	assert_int_equal(statement_write(&out, &s), -ERANGE);
	s.sequence = STATEMENT_SEQUENCE_MAX + 1;
	assert_int_equal(statement_write(&out, &s), -ERANGE);
	s.sequence = 1;
	set(&s.host_id, "\xff");
	assert_int_equal(statement_write(&out, &s), -EILSEQ);
	memset(long_text, 'a', STATEMENT_STRING_MAX + 1);
	set(&s.host_id, long_text);
	assert_int_equal(statement_write(&out, &s), -E2BIG);
	set(&s.host_id, NULL);
	s.targets[1].missing_count = 1;
	assert_int_equal(statement_write(&out, &s), -ERANGE);
	s.targets[1].missing_count = 2;
	s.losses[0].cgroups[0].count = 0;
	assert_int_equal(statement_write(&out, &s), -ERANGE);
	s.losses[0].cgroups[0].count = 1;
	writer_refuses_containers(&out, &s);
	memset(long_text, 'a', STATEMENT_NEXT_KEY_MAX + 1);
	assert_int_equal(statement_set_next_key(&s, (struct str) { long_text, STATEMENT_NEXT_KEY_MAX + 1 }),
			 -E2BIG);
	assert_int_equal(out.len, 6);
	assert_int_equal(statement_write(&out, &s), 0);
}

/* ---- names of chunk files ---- */

static void chunk_names_are_exact(void **state)
{
	static const char *const foreign[] = { "",
					       "chunk-",
					       "chunk-1.ndjson",
					       "chunk-000000.ndjson",
					       "chunk-0000001.ndjson",
					       "chunk-000001.ndjso",
					       "chunk-000001.ndjson.",
					       "chunk-000001.ndjson.zst.open",
					       "Chunk-000001.ndjson",
					       "chunk-00000a.ndjson",
					       "chunk-+00001.ndjson",
					       " chunk-000001.ndjson",
					       "chunk-000001",
					       ".chunk-000001.ndjson",
					       "chunk-000001.json" };
	char name[CHUNK_NAME_MAX];
	uint64_t sequence = 0;

	(void)state;
	for (int file = CHUNK_PLAIN; file < CHUNK_FOREIGN; file++) {
		for (uint64_t n = 1; n <= STATEMENT_SEQUENCE_MAX; n = n * 10 + 9) {
			assert_int_equal(chunk_name((enum chunk_file)file, n, name), 0);
			assert_int_equal(chunk_name_parse(name, &sequence), file);
			assert_int_equal(sequence, n);
		}
		assert_int_equal(chunk_name((enum chunk_file)file, 0, name), -ERANGE);
		assert_int_equal(chunk_name((enum chunk_file)file, STATEMENT_SEQUENCE_MAX + 1, name), -ERANGE);
	}
	assert_int_equal(chunk_name(CHUNK_FOREIGN, 1, name), -EINVAL);
	assert_int_equal(chunk_name(CHUNK_PLAIN, 7, name), 0);
	assert_string_equal(name, "chunk-000007.ndjson");
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		assert_int_equal(chunk_name_parse(foreign[i], &sequence), CHUNK_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_the_golden_one),
		cmocka_unit_test(any_statement_comes_back),
		cmocka_unit_test(forged_statements_are_refused),
		cmocka_unit_test(unknown_members_are_ignored),
		cmocka_unit_test(seals_of_older_collectors_are_read),
		cmocka_unit_test(older_text_stays_as_it_was),
		cmocka_unit_test(every_cut_text_is_refused),
		cmocka_unit_test(writer_refuses_what_no_reader_takes),
		cmocka_unit_test(chunk_names_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
