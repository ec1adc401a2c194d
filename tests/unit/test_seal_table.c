/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Everything that can be wrong with a seal, one thing at a time: each is refused with the finding that the contract names
 * for it and a sentence of its own. Every wrong seal is made anew and signed anew by those whose mistake or lie it would
 * be, so that nothing else is wrong with it. The right ones, of which all are variants, verify.
 */

#include "tests/unit/seal_world.h"

#include "stella/verify.h"
#include "verify/verifier.h"

#define CHAIN "0123456789abcdef0123456789abcdef"

/* What a seal is made of; rows change it. */
struct plan {
	/* the statement */
	maker_lie lie;
	const char *payload_from, *payload_to; /* replaced in the text before it is signed */
	const char *payload_type;
	/* who signs */
	bool by_certificate, sign_with_other, name_other_key, certificate_of_other, self_signed;
	struct certificate_wish leaf;
	/* what anchors it */
	bool v1, v2, timestamp;
	int64_t v1_time, token_time;
	bool token_of_stranger, token_of_impostor, v1_entry_of_other, v2_verifier_other;
	bool promise_by_other, v1_checkpoint_by_other, v2_checkpoint_by_other;
	const char *v1_origin, *v2_origin;
	uint64_t checkpoint_size; /* 0 = the tree's */
	bool checkpoint_of_other_root;
	bool cosigned, cosigned_by_other;
	void (*tree)(struct bundle_entry *entry); /* after the tree was made, before anything is signed */
	/* the file */
	void (*bent)(struct bundle *bundle); /* after all was made */
	const char *from, *until,
		*to; /* replaced in the file: `from`, and all up to the end of `until` if it is there */
	const char *behind; /* appended to the file */
	/* whom the verifier trusts */
	struct root_wish root;
	bool no_root, no_key, no_identity, require_log, ct_log_of_other_kind;
	const char *san, *issuer;
};

struct row {
	const char *name;
	const char *kind; /* of what is wrong: rows of different kinds have different sentences */
	void (*change)(struct plan *plan);
	enum stella_finding_code code;
	const char *says; /* a part of the sentence */
	unsigned int others; /* findings beside it, that follow from it */
};

static struct world world;

/* ---- making a seal ---- */

static struct plan plan_base(void)
{
	return (struct plan) {
		.payload_type = STATEMENT_PAYLOAD_TYPE,
		.leaf = { .san = "URI:" WORLD_SAN,
			  .issuer_claim = WORLD_ISSUER,
			  .usage = "critical,digitalSignature",
			  .extended = "codeSigning",
			  .from = WORLD_TIME - 60,
			  .until = WORLD_TIME + 600 },
		.v1_time = WORLD_TIME,
		.token_time = WORLD_TIME,
		.v1_origin = WORLD_V1_ORIGIN,
		.v2_origin = WORLD_ORIGIN,
		.root = ROOT_ALL,
		.san = WORLD_SAN,
		.issuer = WORLD_ISSUER,
	};
}

static void replace(struct buf *text, const char *from, const char *until, const char *to)
{
	struct buf out = BUF_MAX(text->max);
	char *at = buf_cstr(text) ? strstr(text->data, from) : NULL;

	if (!at)
		fail_msg("%s is not in %s", from, buf_cstr(text));
	assert_int_equal(buf_append(&out, text->data, (size_t)(at - text->data)), 0);
	assert_int_equal(buf_append(&out, to, strlen(to)), 0);
	at += strlen(from);
	if (until)
		at = strstr(at, until) + strlen(until);
	assert_int_equal(buf_append(&out, at, (size_t)(text->data + text->len - at)), 0);
	buf_done(text);
	*text = out;
}

static void sign(const struct plan *plan, const struct statement *statement, struct bundle *bundle)
{
	const struct key *key = plan->sign_with_other ? world.other : world.signer;
	struct buf pae = BUF_MAX(BUNDLE_FILE_MAX);
	struct public_key *public;

	assert_int_equal(statement_write(&bundle->payload, statement), 0);
	if (plan->payload_from)
		replace(&bundle->payload, plan->payload_from, NULL, plan->payload_to);
	world_put(&bundle->payload_type, plan->payload_type);
	assert_int_equal(dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload)), 0);
	assert_int_equal(key_sign(key, pae.data, pae.len, &bundle->signature, NULL), 0);
	public = world_public(plan->name_other_key ? world.other : world.signer);
	bundle->key_id = *public_key_id(public);
	public_key_free(public);
	buf_done(&pae);
	if (!plan->by_certificate)
		return;
	bundle->identity = BUNDLE_CERTIFICATE;
	world_leaf(plan->certificate_of_other ? world.other : world.signer, &plan->leaf,
		   plan->self_signed ? &world.ca_other : &world.ca, &bundle->certificate);
}

static void verifier_of(const struct plan *plan, const struct bundle *bundle, bool other, struct buf *out)
{
	struct public_key *public = world_public(other ? world.other : world.signer);

	if (plan->by_certificate && !other)
		assert_int_equal(buf_append(out, bundle->certificate.data, bundle->certificate.len), 0);
	else
		assert_int_equal(buf_append_str(out, public_key_spki(public)), 0);
	public_key_free(public);
}

static uint64_t checkpoint_size(const struct plan *plan, const struct bundle_entry *entry)
{
	return plan->checkpoint_size ? plan->checkpoint_size : entry->tree_size;
}

static struct digest checkpoint_root(const struct plan *plan, const struct bundle_entry *entry)
{
	struct digest root = entry->root;

	root.bytes[0] ^= plan->checkpoint_of_other_root;
	return root;
}

static void add_v1(const struct plan *plan, struct bundle *bundle)
{
	struct public_key *public = world_public(world.v1);
	struct buf verifier = BUF_MAX(CERTIFICATE_MAX);
	struct bundle other = BUNDLE_EMPTY;
	struct bundle_entry entry;
	struct digest root;

	bundle_entry_init(&entry);
	verifier_of(plan, bundle, false, &verifier);
	world_put(&other.payload, "{}");
	world_put(&other.payload_type, plan->payload_type);
	world_put(&other.signature, "another");
	other.identity = bundle->identity;
	assert_int_equal(entry_body(&entry.body, ENTRY_DSSE_V1, plan->v1_entry_of_other ? &other : bundle,
				    buf_str(&verifier), NULL),
			 0);
	world_put(&entry.kind, "dsse");
	world_put(&entry.version, "0.0.1");
	entry.log_id = *public_key_id(public);
	world_tree(&entry);
	if (plan->tree)
		plan->tree(&entry);
	entry.log_index = 41; /* of the whole log, of which this tree is a part */
	entry.has_integrated_time = true;
	entry.integrated_time = (uint64_t)plan->v1_time;
	world_promise(&entry, plan->promise_by_other ? world.v1_other : world.v1, &entry.promise);
	root = checkpoint_root(plan, &entry);
	world_checkpoint_v1(&entry.checkpoint, plan->v1_origin, WORLD_V1_NAME, checkpoint_size(plan, &entry),
			    &root, plan->v1_checkpoint_by_other ? world.v1_other : world.v1);
	assert_int_equal(bundle_add_entry(bundle, &entry), 0);
	bundle_entry_done(&entry);
	bundle_done(&other);
	buf_done(&verifier);
	public_key_free(public);
}

/* As C2SP's tlog-cosignature has it: over a text with the time before the checkpoint's. */
static void cosign(struct buf *note, size_t text_len, const struct key *key)
{
	struct public_key *public = world_public(world.witness), *copy = NULL;
	struct buf text = BUF_MAX(65536), signature = BUF_MAX(1024), line = BUF_MAX(4096);
	struct note_key named = { 0 };
	uint64_t time = (uint64_t)WORLD_TIME;
	uint8_t stamp[8];

	assert_int_equal(public_key_copy(public, &copy), 0);
	assert_int_equal(note_key_make(WORLD_WITNESS, NOTE_COSIGNATURE, &copy, &named), 0);
	assert_int_equal(buf_printf(&text, "cosignature/v1\ntime %" PRIu64 "\n", time), 0);
	assert_int_equal(buf_append(&text, note->data, text_len), 0);
	for (int i = 0; i < 8; i++)
		stamp[i] = (uint8_t)(time >> (56 - 8 * i));
	assert_int_equal(buf_append(&signature, named.id, 4), 0);
	assert_int_equal(buf_append(&signature, stamp, 8), 0);
	assert_int_equal(key_sign(key, text.data, text.len, &signature, NULL), 0);
	assert_int_equal(text_base64_append(&line, signature.data, signature.len), 0);
	assert_int_equal(buf_printf(note, "\xe2\x80\x94 " WORLD_WITNESS " %.*s\n", (int)line.len, line.data),
			 0);
	note_key_done(&named);
	public_key_free(public);
	buf_done(&text);
	buf_done(&signature);
	buf_done(&line);
}

static void add_v2(const struct plan *plan, struct bundle *bundle)
{
	struct public_key *public = world_public(world.v2);
	struct buf verifier = BUF_MAX(CERTIFICATE_MAX);
	struct bundle_entry entry;
	struct digest root;
	char *end;

	bundle_entry_init(&entry);
	verifier_of(plan, bundle, plan->v2_verifier_other, &verifier);
	assert_int_equal(entry_body(&entry.body, ENTRY_HASHEDREKORD_V2, bundle, buf_str(&verifier), NULL), 0);
	world_put(&entry.kind, "hashedrekord");
	world_put(&entry.version, "0.0.2");
	assert_int_equal(trusted_root_log_id(public, WORLD_ORIGIN, &entry.log_id), 0);
	world_tree(&entry);
	if (plan->tree)
		plan->tree(&entry);
	root = checkpoint_root(plan, &entry);
	assert_int_equal(checkpoint_write(&entry.checkpoint, plan->v2_origin, checkpoint_size(plan, &entry),
					  &root, plan->v2_checkpoint_by_other ? world.v2_other : world.v2,
					  NULL),
			 0);
	end = memmem(entry.checkpoint.data, entry.checkpoint.len, "\n\n", 2);
	if (plan->cosigned)
		cosign(&entry.checkpoint, (size_t)(end + 1 - entry.checkpoint.data),
		       plan->cosigned_by_other ? world.v2_other : world.witness);
	assert_int_equal(bundle_add_entry(bundle, &entry), 0);
	bundle_entry_done(&entry);
	buf_done(&verifier);
	public_key_free(public);
}

static void add_token(const struct plan *plan, struct bundle *bundle)
{
	struct buf token = BUF_MAX(BUNDLE_TIMESTAMP_MAX);

	world_token(plan->token_of_stranger   ? &world.tsa_other
		    : plan->token_of_impostor ? &world.false_tsa
					      : &world.tsa,
		    plan->token_of_stranger   ? &world.ca_other
		    : plan->token_of_impostor ? &world.false_root
					      : &world.tsa_root,
		    buf_str(&bundle->signature), plan->token_time, &token);
	assert_int_equal(bundle_add_timestamp(bundle, buf_str(&token)), 0);
	buf_done(&token);
}

static void make_seal(const struct plan *plan, struct maker *maker)
{
	struct buf lines = BUF_MAX(1u << 20), text = BUF_MAX(2 * BUNDLE_FILE_MAX);
	struct bundle bundle = BUNDLE_EMPTY;
	struct statement statement;

	for (uint64_t i = 0; i < 3; i++)
		maker_record(&lines, i, maker->boot_ns + i);
	statement = maker_statement(maker, buf_str(&lines), 3);
	maker_file(maker, &statement, buf_str(&lines));
	if (plan->lie)
		plan->lie(&statement);
	sign(plan, &statement, &bundle);
	if (plan->v1)
		add_v1(plan, &bundle);
	if (plan->v2)
		add_v2(plan, &bundle);
	if (plan->timestamp)
		add_token(plan, &bundle);
	if (plan->bent)
		plan->bent(&bundle);
	assert_int_equal(bundle_write(&text, &bundle), 0);
	if (plan->from)
		replace(&text, plan->from, plan->until, plan->to);
	if (plan->behind)
		assert_int_equal(buf_append(&text, plan->behind, strlen(plan->behind)), 0);
	maker_put(maker, "chunk-000001.sigstore.json", buf_str(&text));
	statement_done(&statement);
	bundle_done(&bundle);
	buf_done(&lines);
	buf_done(&text);
}

/* ---- verifying it ---- */

static void write_file(const char *path, struct str text)
{
	assert_int_equal(file_publish_at(AT_FDCWD, path, 0644, text.data, text.len, false, NULL), 0);
}

static void trust_root(const struct plan *plan, struct stella_verifier *verifier, const char *base)
{
	struct buf text = BUF_MAX(1u << 20), vkey = BUF_MAX(4096);
	struct public_key *witness = world_public(world.witness);
	struct note_key key = { 0 };
	char path[96];

	world_root(&world, &plan->root, &text);
	if (plan->ct_log_of_other_kind)
		replace(&text, "PKIX_ECDSA_P256_SHA_256", NULL, "PKIX_ECDSA_P384_SHA_384");
	snprintf(path, sizeof(path), "%s.root", base);
	write_file(path, buf_str(&text));
	assert_int_equal(stella_verifier_trusted_root(verifier, path), 0);
	unlink(path);
	assert_int_equal(note_key_make(WORLD_WITNESS, NOTE_COSIGNATURE, &witness, &key), 0);
	assert_int_equal(note_key_write(&key, &vkey), 0);
	assert_int_equal(trusted_root_add_vkey(&verifier->trust.root, buf_str(&vkey), NULL), 0);
	note_key_done(&key);
	buf_done(&text);
	buf_done(&vkey);
}

static struct stella_report *verify(const struct plan *plan, const struct maker *maker)
{
	struct stella_verifier *verifier = NULL;
	struct stella_report *report = NULL;
	struct buf pem = BUF_MAX(65536);
	struct public_key *public = world_public(world.signer);
	char path[96];

	assert_int_equal(stella_verifier_new(&verifier), 0);
	verifier->publish_wait_ms = 0;
	assert_int_equal(public_key_pem(public, &pem, NULL), 0);
	snprintf(path, sizeof(path), "%s.signer", maker->path);
	write_file(path, buf_str(&pem));
	if (!plan->no_key && !plan->by_certificate)
		assert_int_equal(stella_verifier_trust_key(verifier, path), 0);
	unlink(path);
	if (!plan->no_root)
		trust_root(plan, verifier, maker->path);
	if (!plan->no_identity)
		assert_int_equal(stella_verifier_identity(verifier, plan->san, plan->issuer), 0);
	stella_verifier_require_log(verifier, plan->require_log);
	assert_int_equal(stella_verify_directory(verifier, maker->path, &report), 0);
	stella_verifier_free(verifier);
	public_key_free(public);
	buf_done(&pem);
	return report;
}

static struct stella_report *verdict(const struct plan *plan)
{
	struct maker maker = maker_new(CHAIN);
	struct stella_report *report;

	make_seal(plan, &maker);
	report = verify(plan, &maker);
	maker_remove(&maker);
	return report;
}

#include "tests/unit/seal_rows.h"

/* ---- the tests ---- */

static void the_right_ones_verify(void **state)
{
	static void (*const right[])(struct plan *) = {
		with_nothing,	with_v1,	  with_v2,  with_token, with_everything,    certificate_v1,
		certificate_v2, certificate_both, cosigned, in_time_v2, token_of_a_stranger
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		struct plan plan = plan_base();
		struct stella_report *report;

		right[i](&plan);
		report = verdict(&plan);
		if (!stella_report_sound(report))
			fail_msg("right seal %zu: %s", i, stella_report_json(report));
		stella_report_free(report);
	}
}

static void a_token_counts_once(void **state)
{
	struct plan plan = plan_base();
	struct stella_report *report;

	(void)state;
	with_token_again(&plan);
	report = verdict(&plan);
	assert_true(stella_report_sound(report));
	assert_non_null(strstr(stella_report_json(report), "\"timestamps\":[{\"count\":1,"));
	stella_report_free(report);
}

/* The finding of this row; copies its sentence out. */
static bool found(const struct stella_report *report, const struct row *row, char sentence[1024])
{
	for (size_t i = 0; i < stella_report_n_findings(report); i++) {
		const struct stella_finding *finding = stella_report_finding(report, i);

		if (finding->code == row->code && strstr(finding->sentence, row->says)) {
			snprintf(sentence, 1024, "%s", finding->sentence);
			return true;
		}
	}
	return false;
}

static bool refused(const struct row *row, char sentence[1024])
{
	struct plan plan = plan_base();
	struct stella_report *report;
	bool as_wanted;

	row->change(&plan);
	report = verdict(&plan);
	as_wanted = !stella_report_sound(report) && found(report, row, sentence) &&
		    stella_report_findings_total(report) == 1 + row->others;
	if (!as_wanted) {
		print_message("%s: wanted %s \"%s\" and %u more; found:\n", row->name,
			      stella_finding_name(row->code), row->says, row->others);
		for (size_t i = 0; i < stella_report_n_findings(report); i++)
			print_message("  %s: %s\n", stella_finding_name(stella_report_finding(report, i)->code),
				      stella_report_finding(report, i)->sentence);
	}
	stella_report_free(report);
	return as_wanted;
}

static void each_wrong_one_is_refused(void **state)
{
	static char sentences[ARRAY_LEN(rows)][1024];
	size_t failures = 0;

	(void)state;
	assert_true(ARRAY_LEN(rows) >= 60);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		failures += !refused(&rows[i], sentences[i]);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(rows[i].kind, rows[k].kind) == 0 || strcmp(sentences[i], sentences[k]) != 0)
				continue;
			print_message("%s and %s are told by one sentence: %s\n", rows[i].name, rows[k].name,
				      sentences[i]);
			failures++;
		}
	}
	assert_int_equal(failures, 0);
}

static int make_world(void **state)
{
	(void)state;
	world = world_new();
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_done(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_ones_verify),
		cmocka_unit_test(a_token_counts_once),
		cmocka_unit_test(each_wrong_one_is_refused),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
