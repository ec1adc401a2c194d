/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole seals, judged: those of real servers are authentic; one thing wrong has its own kind and no other; and what a
 * certificate is worth depends on the times that are proved.
 */

#include "golden_seals.h"
#include "issuer.h"
#include "log_maker.h"
#include "sigstore/judge.h"

#define NOW ISSUER_NOW
#define BIT(kind) (1u << (kind))

static const struct judge_identity everybody[] = {
	{ STR(GOLDEN_SPIFFE), STR(GOLDEN_SPIFFE_ISSUER) },
	{ STR(GOLDEN_K8S), STR(GOLDEN_K8S_ISSUER) },
};

/* One court: everything that is judged, ready to be changed. */
struct scene {
	struct bundle bundle;
	struct trusted_root root;
	struct public_key *key;
	struct judge_request request;
	unsigned int kinds; /* that were wrong */
	struct judgement judgement;
	char sentence[DIAG_MAX]; /* the last */
};

static void remember(void *user, enum judge_kind kind, const char *sentence)
{
	struct scene *scene = user;

	assert_true(sentence[0] != '\0');
	snprintf(scene->sentence, sizeof(scene->sentence), "%s", sentence);
	scene->kinds |= BIT(kind);
}

static void scene_open(struct scene *scene, const char *seal)
{
	*scene = (struct scene) { .key = golden_key() };
	golden_seal(seal, &scene->bundle);
	golden_root(&scene->root);
	scene->request = (struct judge_request) { &scene->bundle, &scene->root, scene->key, everybody, 2 };
}

static void scene_judge(struct scene *scene)
{
	judgement_done(&scene->judgement);
	scene->kinds = 0;
	assert_int_equal(judge(&scene->request, remember, scene, &scene->judgement), 0);
}

static void scene_done(struct scene *scene)
{
	judgement_done(&scene->judgement);
	bundle_done(&scene->bundle);
	trusted_root_done(&scene->root);
	public_key_free(scene->key);
}

/* ---- what real servers made ---- */

static void real_seals_are_authentic(void **state)
{
	static const struct {
		const char *name, *san, *issuer;
		enum judge_prover by;
	} rows[] = {
		{ "key-v1.json", "", "", JUDGE_BY_PROMISE },
		{ "key-v1-spaced.json", "", "", JUDGE_BY_PROMISE },
		{ "cosign-key-v1.json", "", "", JUDGE_BY_PROMISE },
		{ "cosign-key-v2-tsa.json", "", "", JUDGE_BY_TIMESTAMP },
		{ "cosign-spiffe-v1.json", GOLDEN_SPIFFE, GOLDEN_SPIFFE_ISSUER, JUDGE_BY_PROMISE },
		{ "cosign-k8s-v2-tsa.json", GOLDEN_K8S, GOLDEN_K8S_ISSUER, JUDGE_BY_TIMESTAMP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(scene_done) struct scene scene;
		struct judgement *judgement = &scene.judgement;

		scene_open(&scene, rows[i].name);
		scene_judge(&scene);
		if (!judgement->authentic || judgement->n_wrong > 0)
			fail_msg("%s: %s", rows[i].name, scene.sentence);
		assert_true(judgement->signature_ok);
		assert_true(str_equal(buf_str(&judgement->san), str_of(rows[i].san)));
		assert_true(str_equal(buf_str(&judgement->issuer), str_of(rows[i].issuer)));
		assert_int_equal(judgement->n_times, 1);
		assert_int_equal(judgement->times[0].by, rows[i].by);
		assert_int_equal(strncmp(judgement->times[0].name, "http://127.0.0.1:300", 20), 0);
		assert_int_equal(judgement->n_entries, 1);
		assert_true(judgement->entries[0].known && judgement->entries[0].proved);
		assert_true(judgement->entries[0].facts.included);
		assert_int_equal(judgement->n_unknown_logs + judgement->n_unknown_timestamps, 0);
	}
}

/* ---- one change each ---- */

#define KEY_V1 "key-v1.json"
#define KEY_V2 "cosign-key-v2-tsa.json"
#define SPIFFE "cosign-spiffe-v1.json"
#define K8S "cosign-k8s-v2-tsa.json"

#define CHANGE(name) static void name(struct scene *scene)

CHANGE(signature)
{
	scene->bundle.signature.data[10] ^= 1;
}
CHANGE(payload)
{
	scene->bundle.payload.data[10] ^= 1;
}
CHANGE(payload_type)
{
	scene->bundle.payload_type.data[0] ^= 1;
}
CHANGE(hint)
{
	scene->bundle.key_id.bytes[0] ^= 1;
}
CHANGE(no_key)
{
	scene->request.key = NULL;
}
CHANGE(other_key)
{
	struct key *key = NULL;

	public_key_free(scene->key);
	assert_int_equal(key_generate(NULL, &key), 0);
	assert_int_equal(key_public(key, NULL, &scene->key), 0);
	scene->request.key = scene->key;
	scene->bundle.key_id = *public_key_id(scene->key);
	key_free(key);
}
CHANGE(nobody_trusted)
{
	scene->request.n_identities = 0;
}
CHANGE(another_identity)
{
	static const struct judge_identity other = { STR("spiffe://example.org/node/10"),
						     STR(GOLDEN_SPIFFE_ISSUER) };

	scene->request.identities = &other;
	scene->request.n_identities = 1;
}
CHANGE(another_issuer)
{
	static const struct judge_identity other = { STR(GOLDEN_SPIFFE), STR(GOLDEN_SPIFFE_ISSUER "/") };

	scene->request.identities = &other;
	scene->request.n_identities = 1;
}
CHANGE(certificate_byte)
{
	scene->bundle.certificate.data[scene->bundle.certificate.len - 10] ^= 1;
}
CHANGE(certificate_cut)
{
	scene->bundle.certificate.len--;
}
CHANGE(other_certificate)
{
	struct bundle other;

	golden_seal(scene->bundle.entries[0].promise.len > 0 ? K8S : SPIFFE, &other);
	buf_clear(&scene->bundle.certificate);
	assert_int_equal(buf_append_str(&scene->bundle.certificate, buf_str(&other.certificate)), 0);
	bundle_done(&other);
}
CHANGE(no_authorities)
{
	while (scene->root.n_authorities > 0) {
		struct authority *last = &scene->root.authorities[--scene->root.n_authorities];

		free(last->url);
		certificate_chain_done(&last->chain);
	}
}
CHANGE(authority_later)
{
	scene->root.authorities[0].validity.from = 4000000000;
}
CHANGE(authority_before)
{
	scene->root.authorities[0].validity.until = 1700000000;
}
CHANGE(ct_required)
{
	assert_int_equal(trusted_root_add_ct_log(&scene->root, scene->key, NULL, VALIDITY_ALWAYS, NULL), 0);
}
CHANGE(entry_body_byte)
{
	scene->bundle.entries[0].body.data[3] ^= 1;
}
CHANGE(promise)
{
	scene->bundle.entries[0].promise.data[9] ^= 1;
}
CHANGE(promise_time)
{
	scene->bundle.entries[0].integrated_time++;
}
CHANGE(proof_hash)
{
	scene->bundle.entries[0].hashes[0].bytes[0] ^= 1;
}
CHANGE(checkpoint)
{
	scene->bundle.entries[0].checkpoint.data[0] ^= 1;
}
CHANGE(log_unknown)
{
	scene->bundle.entries[0].log_id.bytes[0] ^= 1;
}
CHANGE(no_root)
{
	scene->request.root = NULL;
}
CHANGE(timestamp_byte)
{
	scene->bundle.timestamps[0].data[100] ^= 1;
}
CHANGE(timestamp_last)
{
	scene->bundle.timestamps[0].data[scene->bundle.timestamps[0].len - 1] ^= 1;
}
CHANGE(timestamp_longer)
{
	assert_int_equal(buf_append_str(&scene->bundle.timestamps[0], STR("x")), 0);
}
CHANGE(timestamp_of_another)
{
	struct bundle other;

	golden_seal(scene->bundle.identity == BUNDLE_CERTIFICATE ? KEY_V2 : K8S, &other);
	buf_clear(&scene->bundle.timestamps[0]);
	assert_int_equal(buf_append_str(&scene->bundle.timestamps[0], buf_str(&other.timestamps[0])), 0);
	bundle_done(&other);
}
CHANGE(timestamper_before)
{
	scene->root.timestampers[0].validity.until = 1700000000;
}
CHANGE(no_timestamps)
{
	while (scene->bundle.n_timestamps > 0)
		buf_done(&scene->bundle.timestamps[--scene->bundle.n_timestamps]);
}

static const struct {
	const char *what, *seal;
	void (*make)(struct scene *scene);
	unsigned int kinds; /* all that is wrong then */
	bool authentic;
} changes[] = {
	/* Entries and timestamps are over the signature, too: they say so. */
	{ "signature", KEY_V1, signature, BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY), false },
	{ "signature", KEY_V2, signature, BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY) | BIT(JUDGE_TIMESTAMP),
	  false },
	{ "payload", KEY_V1, payload, BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY), false },
	{ "payload", KEY_V2, payload, BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY), false },
	{ "payload type", KEY_V1, payload_type, BIT(JUDGE_SIGNATURE), false },
	{ "hint", KEY_V1, hint, BIT(JUDGE_SIGNATURE), false },
	{ "no key", KEY_V1, no_key, 0, false },
	{ "other key", KEY_V1, other_key, BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY), false },
	{ "entry's body", KEY_V1, entry_body_byte, BIT(JUDGE_ENTRY), true },
	{ "promise", KEY_V1, promise, BIT(JUDGE_PROMISE), true },
	{ "promise's time", KEY_V1, promise_time, BIT(JUDGE_PROMISE), true },
	{ "proof's hash", KEY_V1, proof_hash, BIT(JUDGE_INCLUSION), true },
	{ "checkpoint", KEY_V1, checkpoint, BIT(JUDGE_CHECKPOINT), true },
	{ "log unknown", KEY_V1, log_unknown, 0, true },
	{ "no root", KEY_V2, no_root, 0, true },
	{ "timestamp", KEY_V2, timestamp_byte, BIT(JUDGE_TIMESTAMP), true },
	{ "timestamp's last", KEY_V2, timestamp_last, BIT(JUDGE_TIMESTAMP), true },
	{ "timestamp longer", KEY_V2, timestamp_longer, BIT(JUDGE_TIMESTAMP), true },
	{ "timestamp of another", KEY_V2, timestamp_of_another, BIT(JUDGE_TIMESTAMP), true },
	{ "timestamper before", KEY_V2, timestamper_before, BIT(JUDGE_TIMESTAMP), true },
	{ "no timestamps", KEY_V2, no_timestamps, 0, true },

	{ "signature", SPIFFE, signature, BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY) | BIT(JUDGE_TIME), false },
	{ "payload type", SPIFFE, payload_type, BIT(JUDGE_SIGNATURE), false },
	{ "nobody trusted", SPIFFE, nobody_trusted, BIT(JUDGE_IDENTITY), false },
	{ "identity", SPIFFE, another_identity, BIT(JUDGE_IDENTITY), false },
	{ "issuer", SPIFFE, another_issuer, BIT(JUDGE_ISSUER), false },
	{ "certificate cut", SPIFFE, certificate_cut, BIT(JUDGE_CERTIFICATE), false },
	{ "certificate", SPIFFE, certificate_byte, BIT(JUDGE_ENTRY) | BIT(JUDGE_TIME), false },
	/* With a timestamp the time is still proved; the certificate is not. */
	{ "certificate", K8S, certificate_byte, BIT(JUDGE_ENTRY) | BIT(JUDGE_CERTIFICATE), false },
	{ "other certificate", SPIFFE, other_certificate,
	  BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY) | BIT(JUDGE_TIME), false },
	{ "other certificate", K8S, other_certificate, BIT(JUDGE_SIGNATURE) | BIT(JUDGE_ENTRY), false },
	{ "no authorities", SPIFFE, no_authorities, BIT(JUDGE_CERTIFICATE), false },
	{ "authority later", SPIFFE, authority_later, BIT(JUDGE_CERTIFICATE), false },
	{ "authority before", K8S, authority_before, BIT(JUDGE_CERTIFICATE), false },
	{ "no promise of a CT log", SPIFFE, ct_required, BIT(JUDGE_SCT), false },
	{ "promise", SPIFFE, promise, BIT(JUDGE_PROMISE) | BIT(JUDGE_TIME), false },
	{ "log unknown", SPIFFE, log_unknown, BIT(JUDGE_TIME), false },
	{ "no root", SPIFFE, no_root, BIT(JUDGE_TIME), false },
	/* A log of Rekor's second version proves no time. */
	{ "no timestamps", K8S, no_timestamps, BIT(JUDGE_TIME), false },
	{ "timestamp", K8S, timestamp_byte, BIT(JUDGE_TIMESTAMP) | BIT(JUDGE_TIME), false },
	{ "proof's hash", K8S, proof_hash, BIT(JUDGE_INCLUSION), true },
	{ "checkpoint", K8S, checkpoint, BIT(JUDGE_CHECKPOINT), true },
};

static void each_change_is_wrong_in_its_own_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		_cleanup_(scene_done) struct scene scene;

		scene_open(&scene, changes[i].seal);
		changes[i].make(&scene);
		scene_judge(&scene);
		if (scene.kinds != changes[i].kinds || scene.judgement.authentic != changes[i].authentic)
			fail_msg("%s of %s: kinds %#x, authentic %d: %s", changes[i].what, changes[i].seal,
				 scene.kinds, scene.judgement.authentic, scene.sentence);
		assert_true((scene.kinds != 0) == (scene.judgement.n_wrong > 0));
		if (!scene.judgement.signature_ok)
			assert_false(scene.judgement.entries[0].proved);
	}
}

static void what_is_not_known_is_counted(void **state)
{
	_cleanup_(scene_done) struct scene scene;

	(void)state;
	scene_open(&scene, KEY_V2);
	no_root(&scene);
	scene_judge(&scene);
	assert_int_equal(scene.judgement.n_unknown_logs, 1);
	assert_int_equal(scene.judgement.n_unknown_timestamps, 1);
	assert_int_equal(scene.judgement.n_times, 0);
	/* Nobody to tell. */
	judgement_done(&scene.judgement);
	signature(&scene);
	assert_int_equal(judge(&scene.request, NULL, NULL, &scene.judgement), 0);
	assert_int_equal(scene.judgement.n_wrong, 1);
}

/* ---- a certificate at times that we choose ---- */

struct own {
	struct holder root, leaf;
	struct log_maker maker;
	struct bundle bundle;
	struct trusted_root trusted;
};

static void sign_by_leaf(struct own *own)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(65536);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[256];
	size_t len = sizeof(signature);

	assert_int_equal(dsse_pae(&pae, buf_str(&own->bundle.payload_type), buf_str(&own->bundle.payload)), 0);
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, own->leaf.key, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, (unsigned char *)pae.data, pae.len), 1);
	assert_int_equal(buf_append(&own->bundle.signature, signature, len), 0);
	EVP_MD_CTX_free(ctx);
}

/* A seal by a certificate of ten minutes, in a log whose checkpoint a witness saw at `witnessed`. */
static void own_open(struct own *own, int64_t witnessed)
{
	_cleanup_(certificate_chain_done) struct certificate_chain chain = { 0 };
	_cleanup_(certificate_freep) struct certificate *leaf = NULL;
	_cleanup_(bundle_entry_done) struct bundle_entry entry;

	*own = (struct own) { .bundle = BUNDLE_EMPTY };
	log_maker_init(&own->maker, false);
	maker_trust(&own->maker, &own->trusted);
	ISSUER_MAKE(&own->root, "root", NULL, NOW - ISSUER_DAY, NOW + ISSUER_DAY, CA_EXTENSIONS);
	ISSUER_MAKE(&own->leaf, "leaf", &own->root, NOW, NOW + 600, LEAF_EXTENSIONS);
	issuer_chain_add(&chain, own->root.x509);
	assert_int_equal(trusted_root_add_authority(&own->trusted, &chain, NULL, VALIDITY_ALWAYS, NULL), 0);
	leaf = issuer_certificate(own->leaf.x509);
	own->bundle.identity = BUNDLE_CERTIFICATE;
	assert_int_equal(buf_append_str(&own->bundle.certificate, certificate_der(leaf)), 0);
	assert_int_equal(buf_append_str(&own->bundle.payload, STR("{}")), 0);
	assert_int_equal(buf_append_str(&own->bundle.payload_type, STR(MAKER_TYPE)), 0);
	sign_by_leaf(own);
	maker_entry(&own->maker, &own->bundle, certificate_der(leaf), (uint64_t)witnessed, &entry);
	assert_int_equal(bundle_add_entry(&own->bundle, &entry), 0);
}

static void own_done(struct own *own)
{
	holder_done(&own->root);
	holder_done(&own->leaf);
	log_maker_done(&own->maker);
	bundle_done(&own->bundle);
	trusted_root_done(&own->trusted);
}

static void a_certificate_counts_at_a_proven_time(void **state)
{
	static const struct judge_identity identity = { STR("spiffe://example.org/node/1"),
							STR("https://issuer.example") };
	static const struct {
		int64_t witnessed;
		unsigned int kinds;
	} rows[] = {
		{ NOW, 0 },
		{ NOW + 599, 0 },
		{ NOW - 1, BIT(JUDGE_TIME) },
		{ NOW + 600, BIT(JUDGE_TIME) },
		{ NOW + 3600, BIT(JUDGE_TIME) },
		{ 0, BIT(JUDGE_TIME) }, /* by nobody */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(own_done) struct own own;
		struct scene scene = { 0 };

		own_open(&own, rows[i].witnessed);
		scene.request = (struct judge_request) { &own.bundle, &own.trusted, NULL, &identity, 1 };
		scene_judge(&scene);
		if (scene.kinds != rows[i].kinds)
			fail_msg("row %zu: %#x %s", i, scene.kinds, scene.sentence);
		assert_int_equal(scene.judgement.authentic, rows[i].kinds == 0);
		assert_true(scene.judgement.signature_ok && scene.judgement.entries[0].proved);
		assert_int_equal(scene.judgement.n_times, rows[i].witnessed != 0);
		if (rows[i].witnessed != 0)
			assert_int_equal(scene.judgement.times[0].by, JUDGE_BY_WITNESS);
		/* A later time beside a good one takes nothing away. */
		if (rows[i].witnessed == NOW + 3600) {
			maker_cosign(&own.maker, &own.bundle.entries[0].checkpoint, NOW + 1);
			scene_judge(&scene);
			assert_true(scene.judgement.authentic && scene.kinds == 0);
		}
		judgement_done(&scene.judgement);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_seals_are_authentic),
		cmocka_unit_test(each_change_is_wrong_in_its_own_way),
		cmocka_unit_test(what_is_not_known_is_counted),
		cmocka_unit_test(a_certificate_counts_at_a_proven_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
