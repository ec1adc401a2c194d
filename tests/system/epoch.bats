#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Equal events are folded, and each chunk stands alone all the same: what went on while it was open is in it.

load helpers

setup() {
	need_bpf
	WORK=$BATS_TEST_TMPDIR/a\ collector
}

teardown() {
	collector_end
}

seal_of() {
	jq -r .dsseEnvelope.payload "${1%.ndjson}.sigstore.json" | base64 -d | jq -c .predicate
}

# Opens one file all the time for SECONDS, while a chunk is closed each second.
work_through() {
	"$DOER" stamped "${1}000" "$WORK/stellaops.yaml" >"$WORK/stamps" &
	PID=$!
	daemon=$(collector_pid)
	for _ in $(seq "$1"); do
		sleep 1
		kill -USR1 "$daemon"
	done
	wait $PID
	collector_stop
	verify
	[ "$(jq -c '[.sound, .findings_total]' "$WORK/verify.json")" = "[true,0]" ]
	FROM=$(head -1 "$WORK/stamps")
	TO=$(tail -1 "$WORK/stamps")
}

# A chunk that was open while the file was opened all the time has a record of it, from its very beginning on.
each_stands_alone() {
	local chunk opened closed first count=0

	for chunk in "$EVIDENCE"/chunk-*.ndjson; do
		opened=$(seal_of "$chunk" | jq .window.opened.boot_ns)
		closed=$(seal_of "$chunk" | jq .window.closed.boot_ns)
		[ "$opened" -gt "$FROM" ] && [ "$closed" -lt "$TO" ] || continue
		first=$(jq -s "[.[] | select(.pid == $PID and .event.path == \"$WORK/stellaops.yaml\") | .ts_ns] | min // 0" \
			"$chunk")
		echo "# ${chunk##*/}: $(((closed - opened) / 1000000)) ms, first record after $(((first - opened) / 1000)) us" >&3
		[ "$first" -gt 0 ]
		[ $((first - opened)) -lt 500000000 ]
		count=$((count + 1))
	done
	[ "$count" -ge 3 ]
}

@test "one process, one file, many chunks: a record in each" {
	collector_config
	collector_start
	work_through 6
	each_stands_alone
	# Folded: a handful a chunk, not one an open.
	[ "$(records | grep "\"pid\":$PID," | grep -c 'stellaops.yaml","type":"file_open"')" -lt 100 ]
	[ "$(wc -l <"$WORK/stamps")" -gt 10000 ]
}

@test "the same folded by container" {
	collector_config "dedup: container"
	collector_start
	work_through 6
	each_stands_alone
}

@test "nothing folded: no open twice and none missing where chunks meet" {
	collector_config "dedup: off"
	collector_start --record-raw "$WORK/raw"
	work_through 3
	echo "# truth $(wc -l <"$WORK/stamps"), found $(records | grep "\"pid\":$PID," | grep -c stellaops.yaml.,.type.:.file_open), lost $(lost_records)" >&3
	[ "$(lost_records file_open)" = 0 ]
	[ "$(records | grep "\"pid\":$PID," | grep -c 'stellaops.yaml","type":"file_open"')" = "$(wc -l <"$WORK/stamps")" ]
	"$STELLA" signals replay "$WORK/raw" --target "$WORK/copy" --config "$WORK/stellaops.yaml" --quiet
	for chunk in "$EVIDENCE"/chunk-*.ndjson; do
		cmp "$chunk" "$WORK/copy/${chunk##*/}"
	done
}
