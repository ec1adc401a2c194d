#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The outbox against real logs, through kill -9, and through a log that is away, busy, ill, or lies.

load servers

MANY=$STELLA_BUILD/tests/seals/many

setup_file() {
	servers_start "$BATS_FILE_TMPDIR/servers" || true
}

teardown_file() {
	servers_stop
}

setup() {
	need_servers
	EVIDENCE=$BATS_TEST_TMPDIR/evidence STATE=$BATS_TEST_TMPDIR/state
}

teardown() {
	fronts_end
	[ -z "${RUNNING:-}" ] || kill -9 "$RUNNING" 2>/dev/null || true
}

make_chunks() {
	"$MANY" make "$EVIDENCE" "$STATE" "$1"
	openssl pkey -in "$STATE/key.pem" -pubout -out "$BATS_TEST_TMPDIR/key.pub"
	servers_root "$BATS_TEST_TMPDIR/root.json"
}

# run_outbox WAIT_MS [OPTION...]: what each sink says at the end is in $BATS_TEST_TMPDIR/states.
run_outbox() {
	local wait=$1

	shift
	"$MANY" run "$EVIDENCE" "$STATE" --root "$BATS_TEST_TMPDIR/root.json" --wait-ms "$wait" "$@" \
		>"$BATS_TEST_TMPDIR/states" 2>"$BATS_TEST_TMPDIR/err"
}

state() {
	jq -es "$1" "$BATS_TEST_TMPDIR/states"
}

# entries_of LOG_ORIGIN: "INDEX LEAF" of each seal's entry in that log, a line each.
entries_of() {
	jq -r --arg origin "$1" '.verificationMaterial.tlogEntries[]? |
		select(.inclusionProof.checkpoint.envelope | startswith($origin)) | "\(.logIndex // "0") \(.canonicalizedBody)"' \
		"$EVIDENCE"/chunk-*.sigstore.json
}

# seals_unchanged: what was signed is what it was when it was copied; nothing but proofs came.
seals_copy() {
	mkdir "$BATS_TEST_TMPDIR/before"
	cp "$EVIDENCE"/*.sigstore.json "$BATS_TEST_TMPDIR/before"
}

seals_unchanged() {
	local seal

	for seal in "$BATS_TEST_TMPDIR"/before/*; do
		diff <(jq -S .dsseEnvelope "$seal") <(jq -S .dsseEnvelope "$EVIDENCE/$(basename "$seal")")
	done
}

no_entries() {
	run grep -l tlogEntries "$EVIDENCE"/*.sigstore.json
	[ "$status" -eq 1 ]
}

v1_size() {
	curl -sf "$STELLA_TEST_REKOR1_URL/api/v1/log" | jq .treeSize
}

v2_size() {
	curl -sf "$STELLA_TEST_REKOR2_URL/api/v2/checkpoint" | sed -n 2p
}

@test "1,000 chunks and a kill -9 every few seconds: each is logged exactly once in each log" {
	make_chunks 1000
	seals_copy
	before1=$(v1_size) before2=$(v2_size)
	options=(--rekor "v1:$STELLA_TEST_REKOR1_URL" --rekor "v2:$STELLA_TEST_REKOR2_URL" --tsa "$STELLA_TEST_TSA_URL"
		--local many.test)
	kills=0 finished=
	while [ -z "$finished" ]; do
		"$MANY" run "$EVIDENCE" "$STATE" --root "$BATS_TEST_TMPDIR/root.json" "${options[@]}" \
			>"$BATS_TEST_TMPDIR/states" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		RUNNING=$!
		# Between two and six seconds; whoever is at work on a seal then has to find out what it did.
		read -rt "$((RANDOM % 4 + 2)).$((RANDOM % 90 + 10))" <> <(:) || true
		if kill -9 "$RUNNING" 2>/dev/null; then
			wait "$RUNNING" 2>/dev/null || true
			kills=$((kills + 1))
		else
			wait "$RUNNING"
			finished=yes
		fi
		RUNNING=
		[ "$kills" -lt 500 ]
	done
	echo "# $kills kills" >&3
	[ "$kills" -ge 5 ]
	state 'length == 4 and all(.waiting == 0 and .done == 1000 and .error == "")'
	for log in "rekor1.test" "$STELLA_TEST_REKOR2_ORIGIN" many.test; do
		[ "$(entries_of "$log" | sort -u | wc -l)" = 1000 ]
		[ "$(entries_of "$log" | cut -d' ' -f1 | sort -u | wc -l)" = 1000 ]
	done
	[ "$(grep -l rfc3161Timestamps "$EVIDENCE"/*.sigstore.json | wc -l)" = 1000 ]
	# No log has more than it was to have; the local one begins with a leaf of its own.
	count=$STELLA_ROOT/tests/seals/count-entries
	[ "$("$count" v1 "$STELLA_TEST_REKOR1_URL" "$before1" "$(v1_size)" "$BATS_TEST_TMPDIR/key.pub")" = "1000 1000" ]
	[ "$("$count" v2 "$STELLA_TEST_REKOR2_URL" "$before2" "$(v2_size)" "$BATS_TEST_TMPDIR/key.pub")" = "1000 1000" ]
	[ "$(sed -n 2p "$STATE/log/checkpoint")" = 1001 ]
	seals_unchanged
	"$STELLA_BUILD/stella" signals verify-chain "$EVIDENCE" --key "$BATS_TEST_TMPDIR/key.pub" --output json |
		jq -e '.sound and .chunks == 1000'
	if command -v rekor-cli >/dev/null; then
		rekor-cli --rekor_server "$STELLA_TEST_REKOR1_URL" loginfo --store_tree_state=false --format json |
			jq -e ".ActiveTreeSize >= 1000"
	fi
	for seal in "$EVIDENCE"/chunk-000001.sigstore.json "$EVIDENCE"/chunk-0005*0.sigstore.json "$EVIDENCE"/chunk-001000.sigstore.json; do
		cosign verify-blob-attestation --bundle "$seal" --key "$BATS_TEST_TMPDIR/key.pub" --use-signed-timestamps \
			--trusted-root "$BATS_TEST_TMPDIR/root.json" --type https://stella.ops/predicates/runtime-evidence/v1 \
			"${seal%.sigstore.json}.ndjson"
	done
}

# fails_for MODE ERROR-REGEX REFUSED [v1|v2]: nothing is stored, the state says why, and afterwards all is well.
fails_for() {
	local version=${4:-v1} real=$STELLA_TEST_REKOR1_URL

	[ "$version" = v1 ] || real=$STELLA_TEST_REKOR2_URL
	make_chunks 3
	seals_copy
	front log "$real"
	front_mode log "$1"
	run run_outbox 2500 --rekor "$version:$FRONT_URL"
	[ "$status" -eq 1 ]
	cat "$BATS_TEST_TMPDIR/states"
	state "length == 1 and all(.waiting == 3 and .done == 0 and .failures > 0 and (.error | test(\"$2\")) and (.refused > 0) == $3)"
	no_entries
	seals_unchanged
	front_mode log pass
	run_outbox 60000 --rekor "$version:$FRONT_URL"
	state 'all(.waiting == 0 and .done == 3)'
	seals_unchanged
	for seal in "$EVIDENCE"/chunk-*.sigstore.json; do
		cosign verify-blob-attestation --bundle "$seal" --key "$BATS_TEST_TMPDIR/key.pub" \
			--trusted-root "$BATS_TEST_TMPDIR/root.json" --type https://stella.ops/predicates/runtime-evidence/v1 \
			"${seal%.sigstore.json}.ndjson"
	done
}

@test "a log that is down" {
	fails_for down "closed without an answer" false
}

@test "a log that answers 500" {
	fails_for 500 "HTTP status 500" false
}

@test "a log that answers 409 and not where" {
	fails_for 409 "does not say where" true
}

@test "half a body" {
	fails_for half "cut off" false
}

@test "a gigabyte" {
	fails_for huge "larger than" false
}

@test "Rekor v2 that is down" {
	fails_for down "closed without an answer" false v2
}

@test "Rekor v2 that answers 409 and not where" {
	fails_for 409 "does not say where" true v2
}

@test "half a body of Rekor v2" {
	fails_for half "cut off" false v2
}

@test "a gigabyte of Rekor v2" {
	fails_for huge "larger than" false v2
}

# The first seal is logged; the others get the answer to it.
lies_with_another() {
	make_chunks 1
	front log "$2"
	run_outbox 60000 --rekor "$1:$FRONT_URL"
	"$MANY" make "$EVIDENCE.2" "$STATE" 3
	EVIDENCE=$EVIDENCE.2
	seals_copy
	front_mode log other
	run run_outbox 2500 --rekor "$1:$FRONT_URL"
	[ "$status" -eq 1 ]
	state 'all(.waiting == 3 and .refused > 0 and (.error | test("proves nothing")))'
	no_entries
	front_mode log pass
	run_outbox 60000 --rekor "$1:$FRONT_URL"
	state 'all(.waiting == 0 and .done == 3)'
	seals_unchanged
}

@test "the proof of another seal" {
	lies_with_another v1 "$STELLA_TEST_REKOR1_URL"
}

@test "the proof of another seal, of Rekor v2" {
	lies_with_another v2 "$STELLA_TEST_REKOR2_URL"
}

@test "429: as long as Retry-After says, the log is not asked again" {
	make_chunks 3
	front log "$STELLA_TEST_REKOR1_URL"
	front_mode log "429 3600"
	run run_outbox 4000 --rekor "v1:$FRONT_URL"
	[ "$status" -eq 1 ]
	state 'all(.waiting == 3 and .refused == 0 and (.error | test("HTTP status 429: slow down")))'
	no_entries
	# Those that were on their way when it was said, and what outbox_wait tries once more at the end.
	[ "$(front_asked log '^429 POST')" -le 6 ]
	front_mode log pass
	run_outbox 60000 --rekor "v1:$FRONT_URL"
	state 'all(.waiting == 0)'
}

@test "an older checkpoint: a split view, and both checkpoints are kept" {
	make_chunks 8
	front log "$STELLA_TEST_REKOR1_URL"
	run_outbox 60000 --rekor "v1:$FRONT_URL"
	state 'all(.done == 8)'
	# As if we had been killed before the third proof was stored, and the log had gone back since.
	seal=$EVIDENCE/chunk-000003.sigstore.json cursor=$(echo "$STATE"/outbox/*/rekor_v1-*.json)
	jq -cS 'del(.verificationMaterial.tlogEntries)' "$seal" >"$seal.new"
	mv "$seal.new" "$seal"
	statement=$(jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-000002.sigstore.json" | base64 -d | sha256sum | cut -d' ' -f1)
	jq -cS --arg statement "$statement" '.done = 2 | .statement = $statement' "$cursor" >"$cursor.new"
	mv "$cursor.new" "$cursor"
	front_mode log older
	run run_outbox 2500 --rekor "v1:$FRONT_URL"
	[ "$status" -eq 1 ]
	state 'all(.waiting == 1 and .done == 2 and .refused > 0 and .split_view and (.error | test("^split view: .* older")))'
	run grep -q tlogEntries "$seal"
	[ "$status" -eq 1 ]
	[ "$(grep -c '^rekor1.test - ' "${cursor%.json}.split")" = 2 ]
	front_mode log pass
	run_outbox 60000 --rekor "v1:$FRONT_URL"
	state 'all(.done == 8 and (.split_view | not))'
}

@test "a timestamp authority that lies" {
	make_chunks 3
	front tsa "$STELLA_TEST_TSA_URL"
	run_outbox 60000 --tsa "$FRONT_URL"
	"$MANY" make "$EVIDENCE.2" "$STATE" 2
	EVIDENCE=$EVIDENCE.2
	for mode in other half huge 500; do
		front_mode tsa "$mode"
		run run_outbox 1500 --tsa "$FRONT_URL"
		[ "$status" -eq 1 ]
		state 'all(.waiting == 2 and .failures > 0)'
		run grep -l rfc3161Timestamps "$EVIDENCE"/*.sigstore.json
		[ "$status" -eq 1 ]
	done
	front_mode tsa pass
	run_outbox 60000 --tsa "$FRONT_URL"
	[ "$(grep -l rfc3161Timestamps "$EVIDENCE"/*.sigstore.json | wc -l)" = 2 ]
}

@test "STELLA_OFFLINE: no connection, and nothing is lost" {
	make_chunks 2
	front log "$STELLA_TEST_REKOR1_URL"
	STELLA_OFFLINE=1 run run_outbox 500 --rekor "v1:$FRONT_URL" --local many.test
	[ "$status" -eq 1 ]
	state '.[0].waiting == 2 and (.[0].error | test("STELLA_OFFLINE")) and .[1].done == 2'
	[ "$(front_asked log POST)" = 0 ]
}
