#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Seals with anchors: a chain that cosign sealed (tests/golden/cosign-chain), trust roots, logs that are asked, bundles for
# machines without a network. Needs no server, no root and no kernel half.

setup_file() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export ROOT
	make -s -C "$ROOT" ${STELLA_BUILD:+"O=$STELLA_BUILD"} static >"$BATS_FILE_TMPDIR/static" 2>&1 || true
}

setup() {
	STELLA=$(realpath "${STELLA_BUILD:-build}")/stella
	GOLDEN=$ROOT/tests/golden/cosign-chain
	NAME=https://kubernetes.io/namespaces/ns/serviceaccounts/sa
	ISSUER=$(cat "$GOLDEN/issuer")
	WORK=$(mktemp -d)
	cp -r "$GOLDEN/evidence" "$WORK/evidence"
	TRUST=(--trust "$GOLDEN/trust" --certificate-identity "$NAME" --certificate-oidc-issuer "$ISSUER")
	export STELLA_TRUST_ROOTS=$WORK/no-such-trust
	unset STELLA_OFFLINE STELLA_ONLINE
}

teardown() {
	rm -rf "$WORK"
}

# stella VERB ARGUMENTS...: facts in $WORK/out, talk in $WORK/err.
stella() {
	status=0
	"$STELLA" signals "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
}

verify() {
	stella verify-chain "$WORK/evidence" "$@"
}

# only_talk STATUS WORDS: nothing on stdout, one line on stderr with these words.
only_talk() {
	[ "$status" -eq "$1" ]
	[ ! -s "$WORK/out" ]
	[ "$(wc -l <"$WORK/err")" -eq 1 ]
	grep -qF -- "$2" "$WORK/err"
}

@test "what cosign sealed is sound, each seal logged, and the report says what that is worth" {
	verify "${TRUST[@]}" --require-log
	[ "$status" -eq 0 ]
	jq -e '.sound and .findings == [] and .log.chunks == 3 and .log.proofs_verified == 3 and .log.online == null and
		(.log.anchors | length) == 2 and .log.anchors[1].consistency == {"proved": 1, "unproved": 0} and
		.log.anchors[0].promises == 1 and (.log.timestamps | length) == 1 and .log.timestamps[0].count == 2 and
		(.signers | map(.chunks)) == [2, 1] and .signers[1].issuer == $issuer and .signers[1].identity == $name and
		(.log.rewriting | length) == 4 and
		(.log.rewriting | all(test("^rewriting before chunk [24] with .* would need ")))' \
		--arg issuer "$ISSUER" --arg name "$NAME" "$WORK/out"
	verify "${TRUST[@]}" --output table
	[ "$status" -eq 0 ]
	grep -q "^  signer     certificate for $NAME" "$WORK/out"
	grep -q '^What changing the past would need:' "$WORK/out"
}

@test "it makes no connection" {
	unshare -rn true 2>/dev/null || skip "no network namespaces here"
	status=0
	unshare -rn "$STELLA" signals verify-chain "$WORK/evidence" "${TRUST[@]}" --require-log --quiet || status=$?
	[ "$status" -eq 0 ]
}

@test "who is not exactly who was named is not trusted" {
	local key=(--trust "$GOLDEN/trust")

	verify "${key[@]}"
	[ "$status" -eq 2 ]
	jq -e '(.findings | length) == 1 and .findings[0].code == "untrusted_signer" and .findings[0].chunk == 3 and
		(.findings[0].sentence | contains($name))' --arg name "$NAME" "$WORK/out"
	verify "${key[@]}" --certificate-identity "$NAME/" --certificate-oidc-issuer "$ISSUER"
	[ "$status" -eq 2 ]
	jq -e '.findings[0].sentence | contains("identity that is not trusted")' "$WORK/out"
	verify "${key[@]}" --certificate-identity "$NAME" --certificate-oidc-issuer "$ISSUER/"
	[ "$status" -eq 2 ]
	jq -e '.findings[0].sentence | contains("another issuer")' "$WORK/out"
	verify "${key[@]}" --certificate-identity other --certificate-oidc-issuer "$ISSUER" \
		--certificate-identity "$NAME" --certificate-oidc-issuer "$ISSUER"
	[ "$status" -eq 0 ]
	verify "${key[@]}" --certificate-identity "$NAME"
	only_talk 2 "needs --certificate-oidc-issuer"
	verify "${key[@]}" --certificate-oidc-issuer "$ISSUER"
	only_talk 2 "needs --certificate-identity"
	verify "${key[@]}" --certificate-identity a --certificate-oidc-issuer b --certificate-oidc-issuer c
	only_talk 2 "1 names and 2 issuers"
}

@test "without the logs there is no proof, and a certificate has no time" {
	verify --key "$GOLDEN/trust/key.pem" --require-log
	[ "$status" -eq 2 ]
	jq -e '[.findings[] | select(.code == "log_proof_missing") | .chunk] == [1, 2, 3] and .log.unknown_logs == 2' \
		"$WORK/out"
	jq -e '.log.rewriting == []' "$WORK/out"
	rm "$WORK"/evidence/chunk-000003.*
	verify --key "$GOLDEN/trust/key.pem"
	[ "$status" -eq 0 ]
	jq -e '.log.rewriting == ["rewriting any chunk up to 2 would need the signing key and nothing else"]' "$WORK/out"
	verify --key "$GOLDEN/trust/key.pem" --output table
	grep -q 'no entry of a log that you trust was proved' "$WORK/out"
	grep -q 'what 2 entries of logs that you do not trust say' "$WORK/out"
}

@test "a directory of trust is read whole, or refused" {
	mkdir "$WORK/trust"
	cp "$GOLDEN"/trust/* "$WORK/trust"
	echo 'log.example+00000000+AAAA' >"$WORK/trust/x.vkey"
	verify --trust "$WORK/trust"
	only_talk 2 "x.vkey"
	echo '# nobody' >"$WORK/trust/x.vkey"
	verify --trust "$WORK/trust"
	only_talk 2 "no verifier key"
	rm "$WORK/trust/x.vkey"
	echo '{}' >"$WORK/trust/trusted_root.json"
	verify --trust "$WORK/trust"
	only_talk 2 "trusted_root.json"
	verify --trusted-root "$WORK/none"
	only_talk 4 "none"
	verify "${TRUST[@]}" --log "$WORK"
	only_talk 2 "no log's directory"
}

# online ANSWER...: a stella-online that gives these answers, one a question, and keeps the questions.
online() {
	printf '#!/bin/bash\nset -- %s\n' "$(printf '%q ' "$@")" >"$WORK/online"
	cat >>"$WORK/online" <<-'SCRIPT'
		[ "$1" = exit ] && exit "$2"
		while read -r line; do printf '%s\n' "$line" >&2; printf '%s\n' "$1"; shift; done
	SCRIPT
	chmod +x "$WORK/online"
	export STELLA_ONLINE=$WORK/online
}

@test "--rekor asks for each entry, and says what it could not find out" {
	local there='{"state":"present","detail":"it is there","size":"99"}'

	online "$there" "$there" "$there"
	verify "${TRUST[@]}" --rekor --log-url rekor2.test=https://10.0.0.1:3000
	[ "$status" -eq 0 ]
	jq -e '.log.online == {"absent": 0, "not_asked": 0, "present": 3, "unknown": 0}' "$WORK/out"
	[ "$(jq -s 'map(.kind) | join(" ")' "$WORK/err")" = '"v1 v2 v2"' ]
	jq -se '.[0].url == "http://127.0.0.1:3002" and .[1].url == "https://10.0.0.1:3000" and .[1].origin == "rekor2.test" and
		(all(.leaf | test("^[0-9a-f]{64}$"))) and (all(.index | test("^[0-9]+$")))' "$WORK/err"

	online "$there" '{"state":"absent","detail":"404"}' "$there"
	verify "${TRUST[@]}" --rekor
	[ "$status" -eq 2 ]
	jq -e '(.findings | length) == 1 and .findings[0].code == "log_proof_invalid" and .findings[0].chunk == 2 and
		(.findings[0].sentence | contains("asked now: 404"))' "$WORK/out"

	online "$there" '{"state":"unknown","detail":"no route"}' "$there"
	verify "${TRUST[@]}" --rekor --quiet
	[ "$status" -eq 10 ]
	grep -q 'could not be looked up' "$WORK/err"
}

@test "--rekor without network, without a program, with one that fails or talks nonsense" {
	STELLA_OFFLINE=1 verify "${TRUST[@]}" --rekor
	only_talk 5 STELLA_OFFLINE
	STELLA_OFFLINE=1 verify "${TRUST[@]}"
	[ "$status" -eq 0 ]
	online exit 5
	verify "${TRUST[@]}" --rekor
	only_talk 5 "ended with status 5"
	online exit 3
	verify "${TRUST[@]}" --rekor
	only_talk 1 "ended with status 3"
	online '{"state":"maybe"}'
	verify "${TRUST[@]}" --rekor
	[ "$status" -eq 1 ]
	[ ! -s "$WORK/out" ]
	grep -q 'what is no answer' "$WORK/err"
	STELLA_ONLINE=$WORK/none verify "${TRUST[@]}" --rekor
	[ "$status" -eq 1 ]
	verify "${TRUST[@]}" --rekor --log-url nonsense
	only_talk 2 NAME=URL
}

@test "trusted-root makes what verify-chain takes" {
	openssl genpkey -algorithm ED25519 2>/dev/null | openssl pkey -pubout -out "$WORK/log.pem"
	openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkey -pubout -out "$WORK/v1.pem" 2>/dev/null
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out "$WORK/ca.pem" \
		-subj /CN=ca -days 9 2>/dev/null
	stella trusted-root --log "key=$WORK/log.pem,origin=log.example,from=2026-01-01T00:00:00Z,until=2027-01-01T00:00:00Z" \
		--log "key=$WORK/v1.pem,url=https://rekor.example" --ca "$WORK/ca.pem" \
		--ca "chain=$WORK/ca.pem,url=https://ca.example,from=2026-01-01T00:00:00Z" --ct-log "$WORK/v1.pem"
	[ "$status" -eq 0 ]
	jq -e '.mediaType == "application/vnd.dev.sigstore.trustedroot+json;version=0.1" and
		.tlogs[0].baseUrl == "https://log.example" and .tlogs[0].publicKey.validFor.start == "2026-01-01T00:00:00Z" and
		.tlogs[0].publicKey.validFor.end == "2027-01-01T00:00:00Z" and (.certificateAuthorities | length) == 2 and
		(.ctlogs | length) == 1' "$WORK/out"
	cp "$WORK/out" "$WORK/root.json"
	verify --key "$GOLDEN/trust/key.pem" --trusted-root "$WORK/root.json"
	[ "$status" -eq 2 ]
	jq -e '[.findings[].code] == ["untrusted_signer", "untrusted_signer"] and .log.unknown_logs == 2' "$WORK/out"
	stella trusted-root --log "$GOLDEN/trust/trusted_root.json" --output "$WORK/new.json"
	only_talk 2 trusted_root.json
	[ ! -e "$WORK/new.json" ]
}

@test "trusted-root refuses what it cannot write truly" {
	openssl genpkey -algorithm ED25519 2>/dev/null | openssl pkey -pubout -out "$WORK/log.pem"
	stella trusted-root
	only_talk 2 "whom to trust"
	stella trusted-root --log "$WORK/log.pem"
	only_talk 2 "url= or origin="
	stella trusted-root --log "key=$WORK/log.pem,origin=log.example,url=https://10.0.0.1"
	only_talk 2 "is not the origin"
	stella trusted-root --log "key=$WORK/log.pem,origin=log.example,from=2026-02-30T00:00:00Z"
	only_talk 2 "must be a time in UTC"
	stella trusted-root --log "key=$WORK/log.pem,origin=log.example,from=2026-02-03T00:00:00Z,until=2026-02-02T00:00:00Z"
	only_talk 2 "ends before it begins"
	stella trusted-root --log "key=$WORK/log.pem,origin=a,origin=b"
	only_talk 2 "given twice"
	stella trusted-root --log "key=$WORK/log.pem,colour=red"
	only_talk 2 "is not known"
	stella trusted-root --log "key=$WORK/none,origin=log.example"
	only_talk 4 none
	stella trusted-root --ca "$WORK/log.pem"
	only_talk 2 log.pem
}

needs_static() {
	[ -x "$(dirname "$STELLA")/stella-static" ] || skip "no static libraries here: $(tail -n 1 "$BATS_FILE_TMPDIR/static")"
}

@test "a bundle verifies itself, with nothing of this machine" {
	needs_static
	stella bundle "$WORK/evidence" --to "$WORK/out dir" "${TRUST[@]}" --require-log
	[ "$status" -eq 0 ]
	[ "$(jq -r .sha256sums "$WORK/out")" = "$(sha256sum <"$WORK/out dir/SHA256SUMS" | cut -d' ' -f1)" ]
	[ "$(jq '.chunks, .records' "$WORK/out" | xargs)" = "3 12" ]
	cd "$WORK/out dir"
	sha256sum --quiet -c SHA256SUMS
	[ "$(find . -type f | wc -l)" -eq "$(($(wc -l <SHA256SUMS) + 1))" ]
	rm -rf "$WORK/evidence"
	command=$(sed -n 's/^    \(\.\/stella .*\)/\1/p' README)
	[[ $command == *--expect-head* ]]
	env -i sh -c "$command --quiet"
	rm evidence/chunk-000003.*
	status=0
	env -i sh -c "$command --quiet" || status=$?
	[ "$status" -eq 2 ]
}

@test "a bundle is whole or is not" {
	needs_static
	mkdir "$WORK/there"
	stella bundle "$WORK/evidence" --to "$WORK/there" "${TRUST[@]}"
	only_talk 2 "is there already"
	stella bundle "$WORK/evidence" --to "$WORK/none/new" "${TRUST[@]}"
	[ "$status" -eq 1 ] && [ ! -s "$WORK/out" ]
	stella bundle "$WORK/evidence" "${TRUST[@]}"
	only_talk 2 "--to OUT is missing"
	stella bundle "$WORK/evidence" --to "$WORK/new" --trust "$GOLDEN/trust"
	only_talk 2 untrusted_signer
	stella bundle "$WORK/evidence" --to "$WORK/new" "${TRUST[@]}" --verifier "$STELLA"
	only_talk 2 "without shared libraries"
	stella bundle "$WORK/evidence" --to "$WORK/new" "${TRUST[@]}" --trusted-root "$GOLDEN/trust/trusted_root.json"
	only_talk 2 "one trusted root"
	mkdir "$WORK/empty"
	stella bundle "$WORK/empty" --to "$WORK/new" "${TRUST[@]}"
	only_talk 2 "no chain in it"
	[ "$(find "$WORK" -maxdepth 1 -name '*new*' -o -maxdepth 1 -name '*partial*' | wc -l)" -eq 0 ]
}

@test "a bundle leaves out what is no evidence" {
	needs_static
	: >"$WORK/evidence/chunk-000004.ndjson.open"
	stella bundle "$WORK/evidence" --to "$WORK/new" "${TRUST[@]}" --output table
	[ "$status" -eq 0 ]
	[ "$(find "$WORK/new/evidence" -type f | wc -l)" -eq 6 ]
	[ -x "$WORK/new/stella" ]
	[ "$(stat -c %a "$WORK/new")" = 755 ]
}
