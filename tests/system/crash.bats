#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 during capture: the next start recovers, the chain is sound, the gap is in it, no sealed record is lost.

load helpers

setup() {
	need_bpf
	collector_config "dedup: off" "rotation: {max_age_hours: 0.001}"
	mkdir -p "$WORK"
}

teardown() {
	kill "${LOAD:-}" 2>/dev/null || true
	collector_end
}

# Dead, reaped or not: whoever adopted it may take its time.
# Not before its last thread is gone: the first one may be a zombie while another still holds the socket.
until_dead() {
	while [ -e "/proc/$1" ] && ! { grep -q '^State:.[ZX]' "/proc/$1/status" && grep -qx 'Threads:.1' "/proc/$1/status"; } \
		2>/dev/null; do sleep 0.01; done
}

sealed_lines() {
	local seal
	for seal in "$EVIDENCE"/chunk-*.sigstore.json; do
		[ -e "$seal" ] && [ -e "${seal%.sigstore.json}.ndjson" ] && cat "${seal%.sigstore.json}.ndjson"
	done
	true
}

@test "killed at 50 random moments under load: recovered, sound, gaps told, nothing sealed lost" {
	RANDOM=20261122
	(while :; do "$DOER" opens 100 /etc/passwd >/dev/null; sleep 0.01; done) &
	LOAD=$!
	: >"$WORK/sealed"
	for round in $(seq 50); do
		collector_start
		pid=$(jq .pid "$WORK/start.json")
		sleep "0.$(printf '%03d' $((RANDOM % 300)))"
		# A rotation now and then, so that kills fall into sealing too.
		[ $((round % 3)) = 0 ] && kill -USR1 "$pid" && sleep "0.00$((RANDOM % 10))"
		kill -KILL "$pid"
		until_dead "$pid"
		# What was sealed before this round is still there, to the byte, in front.
		sealed_lines >"$WORK/sealed.now"
		cmp -n "$(stat -c %s "$WORK/sealed")" "$WORK/sealed" "$WORK/sealed.now"
		mv "$WORK/sealed.now" "$WORK/sealed"
	done
	kill $LOAD
	collector_start
	collector_stop
	verify
	sealed_lines | cmp -n "$(stat -c %s "$WORK/sealed")" - "$WORK/sealed"
	[ "$(jq .sound "$WORK/verify.json")" = true ]
	[ "$(jq .complete "$WORK/verify.json")" = false ]
	[ "$(jq '[.gaps[] | select(.kind == "crash")] | length' "$WORK/verify.json")" = 50 ]
}

@test "a restart on purpose continues the chain and says so" {
	collector_start
	collector_stop
	head=$(jq -r .head.sha256 "$WORK/stop.json")
	collector_start
	collector_stop
	verify --expect-head "$head"
	[ "$(jq -c '[.sound, .gaps[0].kind]' "$WORK/verify.json")" = '[true,"restart"]' ]
}

@test "a tail that was cut off is noticed by the next start" {
	collector_start
	[ "$("$STELLA" signals status --socket "$SOCKET" --output json | jq -r .chain.head_memory)" = ok ]
	collector_stop
	collector_start
	collector_stop
	mkdir "$WORK/aside"
	last=$(jq .head.sequence "$WORK/stop.json")
	mv "$EVIDENCE/chunk-$(printf %06d "$last")".* "$WORK/aside/"
	run "$STELLA" signals start --config "$WORK/stellaops.yaml" --socket "$SOCKET"
	[ "$status" = 2 ]
	[[ "$output" == *"chunk $last of chain"*"$WORK/state/heads/"* ]]
	[ "$(printf '%s\n' "$output" | wc -l)" = 1 ]
	mv "$WORK/aside/"* "$EVIDENCE/"
	collector_start
	collector_stop
	verify
	# Gone on purpose: the memory is removed, and a new chain begins.
	rm -r "$EVIDENCE"
	run "$STELLA" signals start --config "$WORK/stellaops.yaml" --socket "$SOCKET"
	[ "$status" = 2 ]
	rm "$WORK"/state/heads/*.json
	collector_start
	collector_stop
	verify
}

@test "a second collector on the directory is refused, the first goes on" {
	collector_start
	sed "s|s.sock|t.sock|" "$WORK/stellaops.yaml" >"$WORK/second.yaml"
	run "$STELLA" signals start --config "$WORK/second.yaml" --socket "$WORK/t.sock"
	[ "$status" = 10 ]
	[[ "$output" == *"$EVIDENCE"* ]]
	[ "$(printf '%s\n' "$output" | wc -l)" = 1 ]
	"$STELLA" signals health --socket "$SOCKET"
	collector_stop
	verify
}

@test "stopped and let go again, full chunks on the way: sound all the same, and nothing lost is unsaid" {
	collector_config "dedup: off" "rotation: {max_size_mb: 1}"
	collector_start
	pid=$(jq .pid "$WORK/start.json")
	kill -STOP "$pid"
	"$DOER" opens 30000 /etc/hostname >/dev/null
	sleep 2
	kill -CONT "$pid"
	"$DOER" opens 30000 /etc/hostname >/dev/null
	collector_stop
	verify
	[ "$(jq -c '[.sound, .findings_total]' "$WORK/verify.json")" = "[true,0]" ]
	[ $(($(records | grep -c '"path":"/etc/hostname"') + $(lost_records file_open))) -ge 60000 ]
}

@test "stopped under load: what returned before the window closed is in it" {
	collector_start
	"$DOER" stamped 1500 /etc/hostname >"$WORK/stamps" &
	LOAD=$!
	sleep 0.5
	collector_stop
	wait $LOAD
	verify
	to=$(jq '[.window.to.boot_ns] | max' "$WORK/verify.json")
	truth=$(awk -v to="$to" '$1 < to' "$WORK/stamps" | wc -l)
	found=$(records | grep "\"pid\":$LOAD," | grep -c '"path":"/etc/hostname"')
	lost=$(lost_records file_open)
	echo "# returned before the end of the window: $truth, found $found, lost $lost" >&3
	[ "$truth" -gt 1000 ]
	[ $((found + lost)) -ge "$truth" ]
}
