#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What the program that does them counts, against the records found: all of them, or the exact deficit signed
# as lost. The numbers come from the program, not from us.

load helpers

setup() {
	need_bpf
	collector_config "dedup: off"
	collector_start
	cp "$DOER" "$WORK/doer"
}

teardown() {
	collector_end
}

run_doer() {
	"$WORK/doer" "$@" >"$WORK/done" &
	PID=$!
	wait $PID
	collector_stop
	verify
	TRUTH=$(awk '{print $1}' "$WORK/done")
}

opens_of_target() {
	records | grep "\"path\":\"$WORK/target\"" | grep -c "\"pid\":$PID,"
}

# balance KIND FOUND: truth = found + lost, to the one. Other programs' losses count in `lost` too, so with
# losses the sum may exceed the truth by what others lost, never fall short of it.
balance() {
	local lost
	lost=$(lost_records "$1")
	echo "# $1: truth $TRUTH, found $2, lost $lost" >&3
	[ "$2" -le "$TRUTH" ]
	if [ "$lost" = 0 ]; then [ "$2" = "$TRUTH" ]; else [ $(($2 + lost)) -ge "$TRUTH" ]; fi
}

@test "300,000 opens" {
	echo x >"$WORK/target"
	run_doer opens 300000 "$WORK/target"
	[ "$TRUTH" = 300000 ]
	balance file_open "$(opens_of_target)"
}

@test "2,000 execs" {
	run_doer execs 2000 /bin/true
	[ "$TRUTH" = 2000 ]
	balance process_exec "$(records | grep -c '"argv":\["/bin/true","counted"\]')"
}

@test "5,000 connections" {
	run_doer connects 5000 4
	[ "$TRUTH" = 5000 ]
	PORT=$(awk '{print $2}' "$WORK/done")
	balance tcp_state "$(records | grep "\"dport\":$PORT," | grep -c '"new_state":"ESTABLISHED"')"
}

@test "a ring that is too small, a collector that stands still: the deficit is signed" {
	collector_stop
	collector_config "dedup: off" "ring_buffer_mb: 1"
	rm -rf "$EVIDENCE" "$WORK/state/heads"
	collector_start
	echo x >"$WORK/target"
	daemon=$(collector_pid)
	kill -STOP "$daemon"
	"$WORK/doer" opens 100000 "$WORK/target" >"$WORK/done" &
	PID=$!
	wait $PID
	kill -CONT "$daemon"
	collector_stop
	verify
	TRUTH=$(cat "$WORK/done")
	found=$(opens_of_target)
	lost=$(lost_records file_open)
	echo "# truth $TRUTH, found $found, lost $lost" >&3
	[ "$lost" -gt 0 ]
	[ $((found + lost)) -ge "$TRUTH" ]
	[ "$(jq .complete "$WORK/verify.json")" = false ]
	run "$STELLA" signals verify-chain "$EVIDENCE" --trust "$WORK/state/trust" --require-complete --quiet
	[ "$status" = 2 ]
}
