#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What the program that does them counts, against the records found: all of them, or the exact deficit signed
# as lost. The numbers come from the program, not from us. Beside it two workers of stress-ng, where it is installed,
# want the same processors and memory.

load helpers

setup() {
	need_bpf
	collector_config "dedup: off"
	collector_start
	cp "$DOER" "$WORK/doer"
	STRESS=
	if command -v stress-ng >/dev/null; then
		stress-ng --quiet --cpu 1 --vm 1 --vm-bytes 32M --timeout 120 3>&- &
		STRESS=$!
	fi
}

teardown() {
	[ -z "${STRESS:-}" ] || kill "$STRESS" 2>/dev/null || true
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

@test "20,000 execs" {
	cp "$STELLA_BUILD/tests/system/nothing" "$WORK/nothing"
	run_doer execs 20000 "$WORK/nothing"
	[ "$TRUTH" = 20000 ]
	balance process_exec "$(records | grep -c "\"argv\":\[\"$WORK/nothing\",\"counted\"\]")"
}

@test "20,000 connections" {
	run_doer connects 20000 4
	[ "$TRUTH" = 20000 ]
	PORT=$(awk '{print $2}' "$WORK/done")
	balance tcp_state "$(records | grep "\"dport\":$PORT," | grep -c '"new_state":"ESTABLISHED"')"
}
