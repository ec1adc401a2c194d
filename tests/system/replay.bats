#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A raw capture gives the live chain's bytes again; a broken one gives what is certain, and says what it does not.

load helpers

setup() {
	need_bpf
	collector_config "dedup: off"
	RAW=$WORK/capture.raw
	COPY="$WORK/the copy"
	collector_start --record-raw "$RAW"
}

teardown() {
	collector_end
}

# One chunk: N opens that can be told from all others, then a cut. The cut is over when the next chunk is open.
a_chunk() {
	local before

	before=$(open_sequence)
	"$DOER" opens "$1" "$WORK/stellaops.yaml" >"$WORK/done"
	kill -USR1 "$(collector_pid)"
	until [ "$(open_sequence)" -gt "$before" ]; do :; done
}

open_sequence() {
	"$STELLA" signals status --socket "$SOCKET" --output json | jq .open_chunk.sequence
}

# With the live configuration; facts in replay.json, the line in why, the status returned.
replay() {
	"$STELLA" signals replay "$RAW" --target "$COPY" --config "$WORK/stellaops.yaml" --output json \
		>"$WORK/replay.json" 2>"$WORK/why"
}

same_chunks() {
	local chunk count=0

	for chunk in "$COPY"/chunk-*.ndjson; do
		cmp "$chunk" "$EVIDENCE/${chunk##*/}"
		count=$((count + 1))
	done
	[ "$count" = "$1" ]
}

nothing_half() {
	[ -z "$(find "$COPY" -name '*.open' -o -name '*.tmp-*')" ]
}

@test "the same chunks, byte for byte, sound, and said to be a replay" {
	a_chunk 2000
	a_chunk 10
	"$DOER" opens 300 "$WORK/stellaops.yaml" >"$WORK/done"
	collector_stop
	replay
	same_chunks 3
	nothing_half
	[ "$(jq .records "$WORK/replay.json")" -ge 2310 ]
	[ "$(jq -c '[.ok, .left_out, .malformed]' "$WORK/replay.json")" = '[true,0,0]' ]
	EVIDENCE=$COPY verify
	[ "$(jq .sound "$WORK/verify.json")" = true ]
	for seal in "$COPY"/chunk-*.sigstore.json; do
		[ "$(jq -r .dsseEnvelope.payload "$seal" | base64 -d | jq -r .predicate.collector.replay_of)" = \
			"$(sha256sum <"$RAW" | cut -d' ' -f1)" ]
	done
}

@test "a killed collector's capture: its closed chunks and nothing behind them, exit 2" {
	a_chunk 500
	a_chunk 20
	"$DOER" opens 700 "$WORK/stellaops.yaml" >"$WORK/done"
	size=$(stat -c %s "$RAW")
	until [ "$(stat -c %s "$RAW")" -gt "$size" ]; do sleep 0.05; done
	kill -KILL "$(collector_pid)"
	status=0
	replay || status=$?
	cat "$WORK/why"
	[ "$status" = 2 ]
	same_chunks 2
	nothing_half
	left=$(jq .left_out "$WORK/replay.json")
	[ "$left" -gt 0 ]
	[ "$(jq .ok "$WORK/replay.json")" = false ]
	[ "$(wc -l <"$WORK/why")" = 1 ]
	grep -qF "the capture is not complete; $left records behind its last closed chunk are left out" "$WORK/why"
	[ "$(jq .records "$WORK/replay.json")" = "$(cat "$COPY"/chunk-*.ndjson | wc -l)" ]
	EVIDENCE=$COPY verify
	[ "$(jq .sound "$WORK/verify.json")" = true ]
}

@test "a capture cut anywhere in its last entry, or before its first cut, leaves no half chunk" {
	a_chunk 50
	collector_stop
	whole=$(stat -c %s "$RAW")
	for cut in 1 8 9 100; do
		truncate -s $((whole - cut)) "$RAW"
		rm -rf "$COPY"
		status=0
		replay || status=$?
		[ "$status" = 2 ]
		nothing_half
	done
	truncate -s 200 "$RAW"
	rm -rf "$COPY"
	status=0
	replay || status=$?
	[ "$status" = 2 ]
	[ -z "$(ls -A "$COPY")" ]
}

@test "a damaged capture: exit 2, one line, no half chunk" {
	a_chunk 50
	collector_stop
	# The type of the entry behind the beginning (16 bytes of header, 8 + 16 of the beginning).
	printf '\377' | dd of="$RAW" bs=1 seek=40 conv=notrunc status=none
	status=0
	replay || status=$?
	[ "$status" = 2 ]
	grep -q "damaged at byte 40" "$WORK/why"
	[ "$(wc -l <"$WORK/why")" = 1 ]
	[ -z "$(ls -A "$COPY")" ]
}

@test "a target in which anything lies is refused and left as it is" {
	a_chunk 5
	collector_stop
	for name in chunk-000001.ndjson chunk-000001.ndjson.open chunk-000001.json.open .hidden "a file"; do
		rm -rf "$COPY"
		mkdir "$COPY"
		echo mine >"$COPY/$name"
		status=0
		replay || status=$?
		[ "$status" = 2 ]
		[ "$(cat "$WORK/why")" = "stella-signalsd: $COPY is not empty; a replay needs a new directory" ]
		[ "$(ls -A "$COPY")" = "$name" ]
		[ "$(cat "$COPY/$name")" = mine ]
	done
	rm -rf "$COPY"
	echo file >"$COPY"
	status=0
	replay || status=$?
	[ "$status" = 2 ]
	rm "$COPY"
	mkdir "$COPY"
	replay
	same_chunks 2
}
