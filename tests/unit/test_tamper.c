/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tamper suite: what somebody without the signing key (or with another one, or with the key's other chains) can do
 * to a directory of evidence. Each act must be refused, and for its own reason.
 */

#include "tests/unit/chain_maker.h"
#include "base/text.h"
#include "stella/verify.h"
#include "verify/verifier.h"

#define CHAIN_A "0123456789abcdef0123456789abcdef"
#define CHAIN_B "fedcba9876543210fedcba9876543210"
#define CODE(ENUM) (1u << STELLA_FINDING_##ENUM)

#define CHUNK_1 "chunk-000001.ndjson"
#define CHUNK_2 "chunk-000002.ndjson"
#define CHUNK_3 "chunk-000003.ndjson"
#define CHUNK_4 "chunk-000004.ndjson"
#define SEAL_1 "chunk-000001.sigstore.json"
#define SEAL_2 "chunk-000002.sigstore.json"
#define SEAL_3 "chunk-000003.sigstore.json"
#define SEAL_4 "chunk-000004.sigstore.json"

/* Which codes are found, and none if the chain is sound. */
static unsigned int codes_of(const struct maker *maker)
{
	struct stella_verifier *verifier = NULL;
	struct stella_report *report = NULL;
	unsigned int codes = 0;

	assert_int_equal(stella_verifier_new(&verifier), 0);
	verifier->publish_wait_ms = 20;
	assert_int_equal(stella_verifier_trust_key(verifier, maker->key_path), 0);
	assert_int_equal(stella_verify_directory(verifier, maker->path, &report), 0);
	for (size_t i = 0; i < stella_report_n_findings(report); i++)
		codes |= 1u << stella_report_finding(report, i)->code;
	assert_int_equal(stella_report_sound(report), codes == 0);
	assert_false(codes != 0 && stella_report_complete(report));
	stella_report_free(report);
	stella_verifier_free(verifier);
	return codes;
}

static void print_codes(const char *what, unsigned int codes)
{
	print_message("%s:", what);
	for (int code = 0; code < STELLA_FINDING_END; code++) {
		if (codes & (1u << code))
			print_message(" %s", stella_finding_name((enum stella_finding_code)code));
	}
	print_message("\n");
}

static struct maker three_chunks(bool zstd)
{
	struct maker maker = maker_new(CHAIN_A);

	maker.zstd = zstd;
	for (int i = 0; i < 3; i++)
		maker_chunk(&maker, 4, NULL);
	return maker;
}

/* ---- every byte, one at a time ---- */

static void write_byte(int fd, size_t at, unsigned char byte)
{
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

/* Flips in two ways: one bit (a different one each byte), and the bit that changes a letter's case. */
static void flip_file(const struct maker *maker, const char *name, unsigned int expected, unsigned int allowed)
{
	struct buf text = maker_get(maker, name);
	int fd = openat(maker->dir, name, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(text.len > 100);
	for (size_t at = 0; at < text.len; at++) {
		unsigned char was = (unsigned char)text.data[at];
		const unsigned char masks[] = { (unsigned char)(1u << at % 8), 0x20 };

		for (size_t i = 0; i < sizeof(masks); i++) {
			unsigned int codes;

			write_byte(fd, at, was ^ masks[i]);
			codes = codes_of(maker);
			if (!(codes & expected) || (codes & ~(expected | allowed))) {
				print_message("%s, byte %zu, 0x%02x for 0x%02x\n", name, at, was ^ masks[i],
					      was);
				print_codes("found", codes);
			}
			assert_true(codes & expected);
			assert_false(codes & ~(expected | allowed));
		}
		write_byte(fd, at, was);
	}
	close(fd);
	buf_done(&text);
}

static void flip_chain(bool zstd)
{
	static const char *const plain[] = { CHUNK_1, CHUNK_2, CHUNK_3 };
	static const char *const packed[] = { CHUNK_1 ".zst", CHUNK_2 ".zst", CHUNK_3 ".zst" };
	static const char *const seals[] = { SEAL_1, SEAL_2, SEAL_3 };
	struct maker maker = maker_new(CHAIN_A);

	maker.zstd = zstd;
	for (int i = 0; i < 3; i++)
		maker_chunk(&maker, i == 1 ? 3 : 1, NULL);
	assert_int_equal(codes_of(&maker), 0);
	for (int i = 0; i < 3; i++) {
		/* A line's own faults may be told beside; the digest must always be. */
		if (!zstd)
			flip_file(&maker, plain[i], CODE(CONTENT_MISMATCH),
				  CODE(MALFORMED) | CODE(NOT_CANONICAL) | CODE(SCHEMA_VIOLATION) |
					  CODE(COUNT_MISMATCH) | CODE(CLOCK_REGRESSION));
		else
			flip_file(&maker, packed[i], CODE(CONTENT_MISMATCH) | CODE(MALFORMED),
				  CODE(NOT_CANONICAL) | CODE(SCHEMA_VIOLATION) | CODE(COUNT_MISMATCH) |
					  CODE(CLOCK_REGRESSION));
		/*
		 * Of a seal: the envelope is broken, or names another key, or the signature is not of these bytes. What
		 * the altered statement then also says (another predecessor, name, digest) follows from it.
		 */
		flip_file(&maker, seals[i], CODE(MALFORMED) | CODE(UNTRUSTED_SIGNER) | CODE(BAD_SIGNATURE),
			  CODE(NOT_CANONICAL) | CODE(SCHEMA_VIOLATION) | CODE(BROKEN_LINK) |
				  CODE(CONTENT_MISMATCH) | CODE(COUNT_MISMATCH) | CODE(CLOCK_REGRESSION) |
				  CODE(DUPLICATE_SEQUENCE) | CODE(MISSING_CHUNK) | CODE(UNSIGNED_CHUNK));
	}
	assert_int_equal(codes_of(&maker), 0);
	maker_remove(&maker);
}

static void test_every_byte(void **state)
{
	(void)state;
	flip_chain(false);
}

static void test_every_byte_compressed(void **state)
{
	(void)state;
	flip_chain(true);
}

/* ---- acts on files and lines ---- */

static void swap_files(const struct maker *maker, const char *a, const char *b)
{
	assert_int_equal(renameat(maker->dir, a, maker->dir, "swap"), 0);
	assert_int_equal(renameat(maker->dir, b, maker->dir, a), 0);
	assert_int_equal(renameat(maker->dir, "swap", maker->dir, b), 0);
}

static void move_file(const struct maker *maker, const char *from, const char *to)
{
	assert_int_equal(renameat(maker->dir, from, maker->dir, to), 0);
}

static void copy_file(const struct maker *from, const char *name, const struct maker *to, const char *as)
{
	struct buf text = maker_get(from, name);

	maker_put(to, as, buf_str(&text));
	buf_done(&text);
}

static void remove_file(const struct maker *maker, const char *name)
{
	assert_int_equal(unlinkat(maker->dir, name, 0), 0);
}

/* The start of line `index` (0-based); of the line after the last: the end. */
static size_t line_at(const struct buf *text, int index)
{
	size_t at = 0;

	while (index-- > 0)
		at += (size_t)((const char *)memchr(text->data + at, '\n', text->len - at) -
			       (text->data + at)) +
		      1;
	return at;
}

/* Writes the chunk's lines again in this order; a digit is a line, anything else ends the list. */
static void reorder_lines(const struct maker *maker, const char *name, const char *order)
{
	struct buf text = maker_get(maker, name), out = BUF_MAX(1u << 20);

	for (; *order >= '0' && *order <= '3'; order++) {
		size_t from = line_at(&text, *order - '0'), to = line_at(&text, *order - '0' + 1);

		assert_int_equal(buf_append(&out, text.data + from, to - from), 0);
	}
	maker_put(maker, name, buf_str(&out));
	buf_done(&text);
	buf_done(&out);
}

static void lines_swapped(struct maker *m)
{
	reorder_lines(m, CHUNK_2, "0213");
}

static void line_removed(struct maker *m)
{
	reorder_lines(m, CHUNK_2, "013");
}

static void last_line_removed(struct maker *m)
{
	reorder_lines(m, CHUNK_3, "012");
}

static void line_duplicated(struct maker *m)
{
	reorder_lines(m, CHUNK_2, "01123");
}

static void line_edited(struct maker *m)
{
	struct buf text = maker_get(m, CHUNK_2);
	char *at = strstr((char *)buf_cstr(&text), "\"pid\":4711");

	assert_non_null(at);
	memcpy(at, "\"pid\":4712", 10);
	maker_put(m, CHUNK_2, buf_str(&text));
	buf_done(&text);
}

static void chunk_emptied(struct maker *m)
{
	maker_put(m, CHUNK_2, STR(""));
}

static void chunk_truncated(struct maker *m)
{
	struct buf text = maker_get(m, CHUNK_2);

	maker_put(m, CHUNK_2, (struct str) { text.data, text.len - 7 });
	buf_done(&text);
}

static void append_to(struct maker *m, const char *name, struct str more)
{
	struct buf text = maker_get(m, name);

	assert_int_equal(buf_append_str(&text, more), 0);
	maker_put(m, name, buf_str(&text));
	buf_done(&text);
}

static void chunk_appended(struct maker *m)
{
	append_to(m, CHUNK_3, STR("{}\n"));
}

static void seal_truncated(struct maker *m)
{
	struct buf text = maker_get(m, SEAL_2);

	maker_put(m, SEAL_2, (struct str) { text.data, text.len / 2 });
	buf_done(&text);
}

static void seal_appended(struct maker *m)
{
	append_to(m, SEAL_2, STR("{}\n"));
}

static void seal_emptied(struct maker *m)
{
	maker_put(m, SEAL_3, STR(""));
}

static void seal_huge(struct maker *m)
{
	int fd = openat(m->dir, SEAL_2, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)BUNDLE_FILE_MAX + 1), 0);
	close(fd);
}

static void chunks_swapped(struct maker *m)
{
	swap_files(m, CHUNK_1, CHUNK_2);
}

static void seals_swapped(struct maker *m)
{
	swap_files(m, SEAL_2, SEAL_3);
}

static void both_swapped(struct maker *m)
{
	swap_files(m, SEAL_2, SEAL_3);
	swap_files(m, CHUNK_2, CHUNK_3);
}

static void chunk_removed(struct maker *m)
{
	remove_file(m, CHUNK_2);
}

static void seal_removed(struct maker *m)
{
	remove_file(m, SEAL_2);
}

static void last_seal_removed(struct maker *m)
{
	remove_file(m, SEAL_3);
}

static void both_removed(struct maker *m)
{
	remove_file(m, SEAL_2);
	remove_file(m, CHUNK_2);
}

static void first_removed(struct maker *m)
{
	remove_file(m, SEAL_1);
	remove_file(m, CHUNK_1);
}

static void gap_closed_by_renaming(struct maker *m)
{
	both_removed(m);
	move_file(m, SEAL_3, SEAL_2);
	move_file(m, CHUNK_3, CHUNK_2);
}

static void renamed_beyond(struct maker *m)
{
	move_file(m, SEAL_3, SEAL_4);
	move_file(m, CHUNK_3, CHUNK_4);
}

static void renamed_to_last_number(struct maker *m)
{
	move_file(m, SEAL_3, "chunk-999999.sigstore.json");
	move_file(m, CHUNK_3, "chunk-999999.ndjson");
}

static void copied_as_next(struct maker *m)
{
	copy_file(m, SEAL_2, m, SEAL_4);
	copy_file(m, CHUNK_2, m, CHUNK_4);
}

static void renamed_compressed(struct maker *m)
{
	move_file(m, CHUNK_2, CHUNK_2 ".zst");
}

static void compressed_beside(struct maker *m)
{
	copy_file(m, CHUNK_2, m, CHUNK_2 ".zst");
}

static void foreign_beside(struct maker *m)
{
	maker_put(m, "README", STR("hello"));
}

static void nearly_ours(struct maker *m)
{
	copy_file(m, CHUNK_2, m, "chunk-2.ndjson");
}

static void link_for_chunk(struct maker *m)
{
	copy_file(m, CHUNK_2, m, "../stella-maker-copy");
	remove_file(m, CHUNK_2);
	assert_int_equal(symlinkat("../stella-maker-copy", m->dir, CHUNK_2), 0);
}

static void fifo_for_chunk(struct maker *m)
{
	remove_file(m, CHUNK_2);
	assert_int_equal(mkfifoat(m->dir, CHUNK_2, 0600), 0);
}

static void directory_for_seal(struct maker *m)
{
	remove_file(m, SEAL_2);
	assert_int_equal(mkdirat(m->dir, SEAL_2, 0700), 0);
}

static void open_file_inside(struct maker *m)
{
	maker_put(m, CHUNK_2 ".open", STR("{}\n"));
}

static void open_file_at_head(struct maker *m)
{
	maker_put(m, CHUNK_3 ".open", STR("{}\n"));
}

static void temporary_inside(struct maker *m)
{
	maker_put(m, CHUNK_2 ".tmp-00ff", STR("{}\n"));
}

static void unsigned_appended(struct maker *m)
{
	copy_file(m, CHUNK_3, m, CHUNK_4);
}

/* ---- acts with keys and other chains ---- */

/* Seal 2 signed again by another key, whose id it names or pretends not to. */
static void resign(struct maker *m, bool honest_hint)
{
	struct buf text = maker_get(m, SEAL_2), pae = BUF_MAX(1u << 20), signature = BUF_MAX(512),
		   out = BUF_MAX(1u << 20);
	struct bundle bundle = BUNDLE_EMPTY;
	struct maker other = maker_new(CHAIN_A);

	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), 0);
	assert_int_equal(dsse_pae(&pae, buf_str(&bundle.payload_type), buf_str(&bundle.payload)), 0);
	assert_int_equal(key_sign(other.key, pae.data, pae.len, &signature, NULL), 0);
	assert_int_equal(bundle_write_signed(&out, buf_str(&bundle.payload_type), buf_str(&bundle.payload),
					     buf_str(&signature), honest_hint ? &other.key_id : &m->key_id),
			 0);
	maker_put(m, SEAL_2, buf_str(&out));
	bundle_done(&bundle);
	buf_done(&text);
	buf_done(&pae);
	buf_done(&signature);
	buf_done(&out);
	maker_remove(&other);
}

static void resigned_openly(struct maker *m)
{
	resign(m, true);
}

static void resigned_secretly(struct maker *m)
{
	resign(m, false);
}

/* The right key's signature, over another statement. */
static void signature_of_another(struct maker *m)
{
	struct buf two = maker_get(m, SEAL_2), three = maker_get(m, SEAL_3), out = BUF_MAX(1u << 20);
	struct bundle a = BUNDLE_EMPTY, b = BUNDLE_EMPTY;

	assert_int_equal(bundle_parse(buf_str(&two), NULL, &a), 0);
	assert_int_equal(bundle_parse(buf_str(&three), NULL, &b), 0);
	assert_int_equal(bundle_write_signed(&out, buf_str(&a.payload_type), buf_str(&a.payload),
					     buf_str(&b.signature), &m->key_id),
			 0);
	maker_put(m, SEAL_2, buf_str(&out));
	bundle_done(&a);
	bundle_done(&b);
	buf_done(&two);
	buf_done(&three);
	buf_done(&out);
}

/* The right key's honest signature over the statement, but not in the form that DSSE binds to its type. */
static void signature_without_pae(struct maker *m)
{
	struct buf text = maker_get(m, SEAL_2), signature = BUF_MAX(512), out = BUF_MAX(1u << 20);
	struct bundle bundle = BUNDLE_EMPTY;

	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), 0);
	assert_int_equal(key_sign(m->key, bundle.payload.data, bundle.payload.len, &signature, NULL), 0);
	assert_int_equal(bundle_write_signed(&out, buf_str(&bundle.payload_type), buf_str(&bundle.payload),
					     buf_str(&signature), &m->key_id),
			 0);
	maker_put(m, SEAL_2, buf_str(&out));
	bundle_done(&bundle);
	buf_done(&text);
	buf_done(&signature);
	buf_done(&out);
}

/* The right key signed something for another purpose, or in another form. */
static void signed_payload(struct maker *m, struct str type, struct str payload)
{
	struct buf pae = BUF_MAX(1u << 20), signature = BUF_MAX(512), out = BUF_MAX(1u << 20);

	assert_int_equal(dsse_pae(&pae, type, payload), 0);
	assert_int_equal(key_sign(m->key, pae.data, pae.len, &signature, NULL), 0);
	assert_int_equal(bundle_write_signed(&out, type, payload, buf_str(&signature), &m->key_id), 0);
	maker_put(m, SEAL_3, buf_str(&out));
	buf_done(&pae);
	buf_done(&signature);
	buf_done(&out);
}

static void signed_for_other_purpose(struct maker *m)
{
	signed_payload(m, STR("text/plain"), STR("{}"));
}

static void signed_no_statement(struct maker *m)
{
	signed_payload(m, STR(STATEMENT_PAYLOAD_TYPE), STR("{\"_type\":\"something else\"}"));
}

static void signed_not_canonical(struct maker *m)
{
	signed_payload(m, STR(STATEMENT_PAYLOAD_TYPE), STR("{ \"a\":1}"));
}

static void signed_not_json(struct maker *m)
{
	signed_payload(m, STR(STATEMENT_PAYLOAD_TYPE), STR("statement"));
}

static struct maker sibling_of(struct maker *m)
{
	struct maker sibling = maker_sibling(m, CHAIN_B);

	sibling.key = m->key;
	for (int i = 0; i < 3; i++)
		maker_chunk(&sibling, 4, NULL);
	sibling.key = NULL;
	return sibling;
}

static void seal_of_other_chain(struct maker *m)
{
	struct maker sibling = sibling_of(m);

	copy_file(&sibling, SEAL_2, m, SEAL_2);
	maker_remove(&sibling);
}

static void chunk_of_other_chain(struct maker *m)
{
	struct maker sibling = sibling_of(m);

	copy_file(&sibling, SEAL_3, m, SEAL_3);
	copy_file(&sibling, CHUNK_3, m, CHUNK_3);
	maker_remove(&sibling);
}

static void begun_by_other_chain(struct maker *m)
{
	struct maker sibling = sibling_of(m);

	copy_file(&sibling, SEAL_1, m, SEAL_1);
	copy_file(&sibling, CHUNK_1, m, CHUNK_1);
	maker_remove(&sibling);
}

static void test_acts(void **state)
{
	static const struct {
		const char *name;
		void (*act)(struct maker *maker);
		unsigned int codes; /* exactly these */
	} cases[] = {
		{ "lines swapped", lines_swapped, CODE(CONTENT_MISMATCH) },
		{ "line removed", line_removed, CODE(CONTENT_MISMATCH) | CODE(COUNT_MISMATCH) },
		{ "last line removed", last_line_removed, CODE(CONTENT_MISMATCH) | CODE(COUNT_MISMATCH) },
		{ "line duplicated", line_duplicated, CODE(CONTENT_MISMATCH) },
		{ "line edited", line_edited, CODE(CONTENT_MISMATCH) },
		{ "chunk emptied", chunk_emptied, CODE(CONTENT_MISMATCH) | CODE(COUNT_MISMATCH) },
		{ "chunk truncated", chunk_truncated, CODE(CONTENT_MISMATCH) | CODE(MALFORMED) },
		{ "chunk appended to", chunk_appended, CODE(CONTENT_MISMATCH) },
		{ "seal truncated", seal_truncated, CODE(MALFORMED) },
		{ "seal appended to", seal_appended, CODE(MALFORMED) },
		{ "seal emptied", seal_emptied, CODE(MALFORMED) },
		{ "seal too large", seal_huge, CODE(MALFORMED) },
		{ "chunks swapped", chunks_swapped, CODE(CONTENT_MISMATCH) | CODE(CLOCK_REGRESSION) },
		{ "seals swapped", seals_swapped, CODE(BROKEN_LINK) },
		{ "seals and chunks swapped", both_swapped, CODE(BROKEN_LINK) },
		{ "chunk removed", chunk_removed, CODE(MISSING_CHUNK) },
		{ "seal removed", seal_removed, CODE(UNSIGNED_CHUNK) },
		{ "last seal removed", last_seal_removed, CODE(UNSIGNED_CHUNK) },
		{ "chunk and seal removed", both_removed, CODE(MISSING_CHUNK) },
		{ "first chunk and seal removed", first_removed, CODE(MISSING_CHUNK) },
		{ "removed and the gap closed", gap_closed_by_renaming, CODE(BROKEN_LINK) },
		{ "renamed beyond the end", renamed_beyond, CODE(MISSING_CHUNK) | CODE(BROKEN_LINK) },
		{ "renamed to the last number", renamed_to_last_number,
		  CODE(MISSING_CHUNK) | CODE(BROKEN_LINK) },
		{ "copied as the next", copied_as_next, CODE(DUPLICATE_SEQUENCE) },
		{ "renamed as compressed", renamed_compressed, CODE(MISSING_CHUNK) | CODE(UNSIGNED_CHUNK) },
		{ "compressed copy beside", compressed_beside, CODE(DUPLICATE_SEQUENCE) },
		{ "foreign file", foreign_beside, CODE(FOREIGN_FILE) },
		{ "nearly our name", nearly_ours, CODE(FOREIGN_FILE) },
		{ "symbolic link for a chunk", link_for_chunk, CODE(FOREIGN_FILE) | CODE(MISSING_CHUNK) },
		{ "fifo for a chunk", fifo_for_chunk, CODE(FOREIGN_FILE) | CODE(MISSING_CHUNK) },
		{ "directory for a seal", directory_for_seal, CODE(FOREIGN_FILE) | CODE(UNSIGNED_CHUNK) },
		{ "open file inside the chain", open_file_inside, CODE(FOREIGN_FILE) },
		{ "open file beside the head", open_file_at_head, CODE(FOREIGN_FILE) },
		{ "temporary file inside the chain", temporary_inside, CODE(FOREIGN_FILE) },
		{ "unsigned chunk appended", unsigned_appended, CODE(UNSIGNED_CHUNK) },
		{ "signed again by another key", resigned_openly, CODE(UNTRUSTED_SIGNER) },
		{ "signed again under our key's name", resigned_secretly, CODE(BAD_SIGNATURE) },
		{ "signature of another statement", signature_of_another, CODE(BAD_SIGNATURE) },
		{ "signature without its purpose", signature_without_pae, CODE(BAD_SIGNATURE) },
		{ "signed for another purpose", signed_for_other_purpose, CODE(SCHEMA_VIOLATION) },
		{ "signed, but no statement of ours", signed_no_statement, CODE(SCHEMA_VIOLATION) },
		{ "signed, but not canonical", signed_not_canonical, CODE(NOT_CANONICAL) },
		{ "signed, but no JSON", signed_not_json, CODE(MALFORMED) },
		{ "seal of another chain, same key", seal_of_other_chain, CODE(BROKEN_LINK) },
		{ "seal and chunk of another chain", chunk_of_other_chain, CODE(BROKEN_LINK) },
		{ "begun by another chain", begun_by_other_chain, CODE(BROKEN_LINK) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct maker maker = three_chunks(false);
		unsigned int codes;

		assert_int_equal(codes_of(&maker), 0);
		cases[i].act(&maker);
		codes = codes_of(&maker);
		print_codes(cases[i].name, codes);
		assert_int_equal(codes, cases[i].codes);
		maker_remove(&maker);
	}
	unlink("/tmp/stella-maker-copy");
}

/* ---- what a running or killed collector leaves above the head is no tampering ---- */

static void test_under_way(void **state)
{
	struct maker maker = three_chunks(false);

	(void)state;
	maker_put(&maker, CHUNK_4 ".open", STR("{\"half"));
	maker_put(&maker, "chunk-000004.json.open", STR("{"));
	maker_put(&maker, "chunk-000003.json.open", STR("{"));
	maker_put(&maker, SEAL_4 ".tmp-0123456789abcdef", STR(""));
	maker_put(&maker, SEAL_2 ".tmp-0123456789abcdef", STR("")); /* a log's proof is on its way into it */
	maker_put(&maker, "chunk-000005.ndjson.open", STR(""));
	assert_int_equal(codes_of(&maker), 0);
	/* The seal is published, the chunk's rename never came. */
	move_file(&maker, CHUNK_3, CHUNK_3 ".open");
	assert_int_equal(codes_of(&maker), CODE(MISSING_CHUNK));
	move_file(&maker, CHUNK_3 ".open", CHUNK_3);
	assert_int_equal(codes_of(&maker), 0);
	maker_remove(&maker);
}

/* ---- bombs ---- */

static void test_zstd_bomb(void **state)
{
	const size_t size = 300u << 20;
	struct maker maker = three_chunks(true);
	struct buf packed = BUF_MAX(1u << 20);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	char *zeros = calloc(1, 1u << 20);
	ZSTD_outBuffer out = { NULL, 1u << 20, 0 };

	(void)state;
	assert_non_null(zeros);
	assert_int_equal(buf_reserve(&packed, 1u << 20), 0);
	out.dst = packed.data;
	for (size_t done = 0; done < size; done += 1u << 20) {
		ZSTD_inBuffer in = { zeros, 1u << 20, 0 };

		assert_false(ZSTD_isError(ZSTD_compressStream2(
			zstd, &out, &in, done + (1u << 20) == size ? ZSTD_e_end : ZSTD_e_continue)));
		assert_int_equal(in.pos, in.size);
	}
	maker_put(&maker, CHUNK_2 ".zst", (struct str) { packed.data, out.pos });
	assert_int_equal(codes_of(&maker) & (CODE(CONTENT_MISMATCH)), CODE(CONTENT_MISMATCH));

	/* A window that would cost 128 MiB is refused before a byte comes out. */
	ZSTD_CCtx_reset(zstd, ZSTD_reset_session_only);
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 27)));
	out.pos = 0;
	assert_int_equal(
		ZSTD_compressStream2(zstd, &out, &(ZSTD_inBuffer) { zeros, 1u << 20, 0 }, ZSTD_e_flush), 0);
	maker_put(&maker, CHUNK_2 ".zst", (struct str) { packed.data, out.pos });
	assert_int_equal(codes_of(&maker), CODE(MALFORMED));
	ZSTD_freeCCtx(zstd);
	buf_done(&packed);
	free(zeros);
	maker_remove(&maker);
}

/* Names and texts from the evidence cannot drive the terminal of who reads the report. */
static void test_hostile_names(void **state)
{
	struct maker maker = three_chunks(false);
	struct stella_verifier *verifier = NULL;
	struct stella_report *report = NULL;

	(void)state;
	maker_put(&maker,
		  "\033[2J\xe2\x80\xae\xff"
		  "evil\xc2\x9b",
		  STR(""));
	assert_int_equal(stella_verifier_new(&verifier), 0);
	assert_int_equal(stella_verifier_trust_key(verifier, maker.key_path), 0);
	assert_int_equal(stella_verify_directory(verifier, maker.path, &report), 0);
	assert_int_equal(stella_report_n_findings(report), 1);
	assert_string_equal(stella_report_finding(report, 0)->file, "?[2J??evil?");
	assert_true(text_is_utf8(str_of(stella_report_json(report))));
	assert_null(strpbrk(stella_report_json(report), "\033\x9b"));
	stella_report_free(report);
	stella_verifier_free(verifier);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acts),	   cmocka_unit_test(test_under_way),
		cmocka_unit_test(test_zstd_bomb),  cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_every_byte_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
