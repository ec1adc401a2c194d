#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# verify-chain, inspect and keygen as they are typed. tests/golden/chain is a chain made once (its key is gone): what
# was sound evidence when it was made must be sound in every later version. Needs no root and no kernel half.

setup() {
	STELLA=${STELLA_BUILD:-build}/stella
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	KEY=$ROOT/tests/golden/chain.pub
	WORK=$(mktemp -d)
	EVIDENCE="$WORK/evidence with space"
	cp -r "$ROOT/tests/golden/chain" "$EVIDENCE"
	export STELLA_TRUST_ROOTS=$WORK/no-such-trust STELLA_SOCKET=$WORK/sock
}

teardown() {
	rm -rf "$WORK"
}

verify() {
	status=0
	"$STELLA" signals verify-chain "$EVIDENCE" "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
}

inspect() {
	status=0
	"$STELLA" signals inspect --evidence "$EVIDENCE" --output ndjson "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
}

@test "the golden chain is sound, not complete, and says why" {
	verify --key "$KEY"
	[ "$status" -eq 0 ]
	[ ! -s "$WORK/err" ]
	jq -e '.sound and (.complete | not) and .chunks == 3 and .records == 12 and .findings == [] and
		.reasons == ["chunk 1: no probe is said to have watched anything",
			"chunk 2: 17 records of file_open lost in the kernel: ring_full",
			"chunk 3: no probe is said to have watched anything"] and
		.head.sequence == 3 and (.signers | length) == 1' "$WORK/out"
	verify --key "$KEY" --require-complete
	[ "$status" -eq 2 ]
	jq -e '(.sound | not) and .findings == []' "$WORK/out"
}

@test "the page says the verdict first and keeps the head" {
	verify --key "$KEY" --output table
	[ "$status" -eq 0 ]
	[[ $(head -n 1 "$WORK/out") == SOUND* ]]
	head=$(sed -n 's/^  --expect-head //p' "$WORK/out")
	verify --key "$KEY" --expect-head "$head"
	[ "$status" -eq 0 ]
	rm "$EVIDENCE"/chunk-000003.*
	verify --key "$KEY"
	[ "$status" -eq 0 ]
	verify --key "$KEY" --expect-head "$head" --output table
	[ "$status" -eq 2 ]
	[[ $(head -n 1 "$WORK/out") == "NOT SOUND"* ]]
	grep -q tail_cut "$WORK/out"
}

@test "the page folds one finding of many chunks, tells an open chunk, and does not misstate blind spots" {
	: >"$EVIDENCE/chunk-000004.ndjson.open"
	verify --output table
	[ "$status" -eq 2 ]
	[ "$(grep -c untrusted_signer "$WORK/out")" -eq 1 ]
	grep -qE '^  untrusted_signer +1 to 3 +3 times ' "$WORK/out"
	grep -q 'content that nobody you trust vouches for' "$WORK/out"
	verify
	[ "$(jq '.findings | length' "$WORK/out")" -eq 3 ]
	verify --key "$KEY" --output table
	[ "$status" -eq 0 ]
	grep -q 'an unsealed chunk lies here (4)' "$WORK/out"
	grep -q 'leaves no record, or one that is wrong' "$WORK/out"
	[ "$(grep -c 'nobody you trust' "$WORK/out")" -eq 0 ]
	verify --key "$KEY"
	jq -e '.unsealed == 4 and .sound and .blind_spots_total == 1 and .losses_total == 1' "$WORK/out"
}

@test "without a key nothing is trusted, and it says how to give one" {
	verify
	[ "$status" -eq 2 ]
	jq -e '[.findings[].code] | unique == ["untrusted_signer"]' "$WORK/out"
	grep -q -- --key "$WORK/err"
	mkdir "$WORK/trust"
	verify --trust "$WORK/trust"
	[ "$status" -eq 2 ]
	grep -q "not among those that you gave (.*) in $WORK/trust" "$WORK/err"
	cp "$KEY" "$WORK/trust/"
	verify --trust "$WORK/trust"
	[ ! -s "$WORK/err" ]
	[ "$status" -eq 0 ]
	STELLA_TRUST_ROOTS=$WORK/trust verify
	[ "$status" -eq 0 ]
	# A key that somebody put beside the evidence is no trust; it is a foreign file.
	cp "$KEY" "$EVIDENCE/"
	verify
	[ "$status" -eq 2 ]
	jq -e 'any(.findings[]; .code == "foreign_file") and any(.findings[]; .code == "untrusted_signer")' "$WORK/out"
}

@test "one changed letter is found, also when only seals are checked, and quietly" {
	sed -i '2s/maker/mAker/' "$EVIDENCE/chunk-000001.ndjson"
	verify --key "$KEY"
	[ "$status" -eq 2 ]
	jq -e '.findings | length == 1 and .[0].code == "content_mismatch" and .[0].chunk == 1' "$WORK/out"
	verify --key "$KEY" --seals-only --quiet
	[ "$status" -eq 2 ]
	[ ! -s "$WORK/out" ]
}

@test "what is no evidence, no key, no option" {
	EVIDENCE=$WORK/nowhere verify --key "$KEY"
	[ "$status" -eq 4 ]
	mkdir "$WORK/empty"
	EVIDENCE=$WORK/empty verify --key "$KEY"
	[ "$status" -eq 4 ]
	EVIDENCE=$KEY verify --key "$KEY"
	[ "$status" -eq 2 ]
	grep -q 'is a file: verify-chain takes the directory' "$WORK/err"
	verify --key /etc/passwd
	[ "$status" -eq 2 ]
	verify --key "$WORK/nokey"
	[ "$status" -eq 4 ]
	for option in --certificate-identity=x --certificate-oidc-issuer=x --log-url=x --expect-head=abc; do
		verify --key "$KEY" "$option"
		[ "$status" -eq 2 ]
		[ ! -s "$WORK/out" ]
		[ "$(wc -l <"$WORK/err")" -eq 1 ]
	done
}

@test "a verdict that did not reach stdout is not a success" {
	[ -e /dev/full ] || skip "no /dev/full here"
	status=0
	"$STELLA" signals verify-chain "$EVIDENCE" --key "$KEY" >/dev/full 2>"$WORK/err" || status=$?
	[ "$status" -eq 1 ]
}

@test "inspect selects, and tells sealed from unsealed" {
	inspect
	[ "$status" -eq 0 ]
	[ "$(wc -l <"$WORK/out")" -eq 12 ]
	jq -e .sealed "$WORK/out" >/dev/null
	jq -es '[.[].chunk] == [1,1,1,1,2,2,2,2,3,3,3,3]' "$WORK/out"
	inspect --limit 5
	jq -es '[.[] | [.chunk, .line]] == [[2,4],[3,1],[3,2],[3,3],[3,4]]' "$WORK/out"
	inspect --type tcp_state chunk:2
	jq -es 'length == 1 and .[0].record.event.type == "tcp_state"' "$WORK/out"
	inspect /usr/lib/x86_64-linux-gnu/libnumber-000003.so
	[ "$(wc -l <"$WORK/out")" -eq 3 ]
	inspect pid:1
	[ "$status" -eq 0 ]
	[ ! -s "$WORK/out" ]
	head -n 2 "$EVIDENCE/chunk-000001.ndjson" >"$EVIDENCE/chunk-000004.ndjson.open"
	printf '{"half' >>"$EVIDENCE/chunk-000004.ndjson.open"
	inspect 4
	jq -es 'length == 2 and all(.[]; .sealed | not)' "$WORK/out"
	"$STELLA" signals inspect "$EVIDENCE/chunk-000001.ndjson" --output json | jq -e 'length == 4'
}

@test "inspect refuses what it does not understand, and says when there is nothing" {
	for words in "chunk:x" "usr/lib" "pod:" "sha256:xyz" "--type nothing" "--since now" "--limit 0"; do
		# shellcheck disable=SC2086
		inspect $words
		[ "$status" -eq 2 ]
		[ "$(wc -l <"$WORK/err")" -eq 1 ]
	done
	inspect chunk:9
	[ "$status" -eq 4 ]
	# A bare number that is neither names both readings; with a prefix it is one of them.
	inspect 99999
	[ "$status" -eq 4 ]
	[ ! -s "$WORK/out" ]
	grep -q 'chunk:99999.*pid:99999' "$WORK/err"
	inspect pid:99999
	[ "$status" -eq 0 ]
	# So does a word that may be a container's name.
	inspect zzz
	[ "$status" -eq 4 ]
	grep -q 'container named zzz' "$WORK/err"
	[ "$(wc -l <"$WORK/err")" -eq 1 ]
	inspect name:zzz
	[ "$status" -eq 0 ]
	"$STELLA" signals inspect --evidence "$EVIDENCE" --output table name:zzz >"$WORK/out" 2>"$WORK/err"
	[ ! -s "$WORK/out" ]
	grep -qx "stella: $EVIDENCE: there is no such record" "$WORK/err"
	inspect ""
	[ "$status" -eq 2 ]
	inspect pod:shop/zzz
	[ "$status" -eq 0 ]
	inspect 2
	[ "$(wc -l <"$WORK/out")" -eq 4 ]
	inspect --type library_loaded
	[ "$status" -eq 2 ]
	grep -q 'file_open, process_exec, tcp_state, .*library_load' "$WORK/err"
	inspect --type library_load
	[ "$status" -eq 0 ]
	[ ! -s "$WORK/out" ]
	inspect --since 2026-09-21
	[ "$(wc -l <"$WORK/out")" -eq 12 ]
	inspect --since 2026-09-22
	[ "$status" -eq 0 ]
	[ ! -s "$WORK/out" ]
	run "$STELLA" signals inspect
	[ "$status" -eq 4 ]
}

@test "the command that inspect prints can be pasted" {
	mv "$EVIDENCE" "$WORK/it's \$HOME"
	EVIDENCE="$WORK/it's \$HOME"
	"$STELLA" signals inspect --evidence "$EVIDENCE" --output table >"$WORK/out" 2>"$WORK/err"
	command=$(sed -n 's/.*this does that: //p' "$WORK/err")
	run bash -c "${command/#stella/$(printf '%q' "$STELLA")} --key '$KEY' --output json"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "inspect shows what a chunk that is cut off still holds, and does not call it done" {
	command -v zstd >/dev/null || skip "no zstd"
	for _ in {1..2000}; do cat "$EVIDENCE/chunk-000001.ndjson"; done >"$WORK/many"
	rm "$EVIDENCE"/chunk-000003.*
	zstd -q -c "$WORK/many" >"$WORK/many.zst"
	head -c $(($(stat -c %s "$WORK/many.zst") - 10)) "$WORK/many.zst" >"$EVIDENCE/chunk-000003.ndjson.zst"
	inspect
	[ "$status" -eq 2 ]
	[ -s "$WORK/out" ]
	grep -q 'cut off' "$WORK/err"
}

@test "keygen makes a key once, and its public half is a key to verify with" {
	"$STELLA" signals keygen --key "$WORK/k.pem" >"$WORK/out"
	jq -e '.type == "ecdsa-p256" and (.key_id | test("^[0-9a-f]{64}$"))' "$WORK/out"
	[ "$(stat -c %a "$WORK/k.pem")" = 600 ]
	id=$(openssl pkey -pubin -in "$WORK/k.pem.pub" -outform DER | sha256sum | cut -d ' ' -f 1)
	[ "$(jq -r .key_id "$WORK/out")" = "$id" ]
	before=$(cat "$WORK/k.pem")
	verify --key "$WORK/k.pem.pub"
	[ "$status" -eq 2 ]
	jq -e '[.findings[].code] | unique == ["untrusted_signer"]' "$WORK/out"
	for gone in "$WORK/none" "$WORK/k.pem.pub"; do
		rm -f "$gone"
		run "$STELLA" signals keygen --key "$WORK/k.pem"
		[ "$status" -eq 2 ]
		[ "$(cat "$WORK/k.pem")" = "$before" ]
	done
	[ ! -e "$WORK/k.pem.pub" ]
}

@test "keygen encrypts with the passphrase of a file that nobody else can read, and makes either kind of key" {
	printf 'a good one\n' >"$WORK/phrase"
	chmod 644 "$WORK/phrase"
	run "$STELLA" signals keygen --key "$WORK/e.pem" --encrypt --passphrase-file "$WORK/phrase"
	[ "$status" -eq 3 ]
	[[ "$output" == *"mode 0644"* ]]
	[ ! -e "$WORK/e.pem" ]
	chmod 600 "$WORK/phrase"
	"$STELLA" signals keygen --key "$WORK/e.pem" --encrypt --passphrase-file "$WORK/phrase" --type ed25519 >"$WORK/out"
	jq -e '.type == "ed25519"' "$WORK/out"
	head -1 "$WORK/e.pem" | grep -q 'BEGIN ENCRYPTED PRIVATE KEY'
	openssl pkey -in "$WORK/e.pem" -passin "file:$WORK/phrase" -pubout | cmp - "$WORK/e.pem.pub"
	for bad in "--type rsa" "--encrypt" "--passphrase-file $WORK/phrase"; do
		# shellcheck disable=SC2086 # an option and its value
		run "$STELLA" signals keygen --key "$WORK/n.pem" $bad
		[ "$status" -eq 2 ]
		[ ! -e "$WORK/n.pem" ]
	done
}
