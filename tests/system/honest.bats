#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What happened to a probe or to the machine is said: in health, in the log, in the seal.

load helpers

setup() {
	need_bpf
	WORK=$BATS_TEST_TMPDIR/a\ collector
}

teardown() {
	[ -z "${CPU:-}" ] || echo 1 >"$CPU" || true
	collector_end
}

predicate() {
	jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-$1.sigstore.json" | base64 -d | jq -c .predicate
}

status() {
	"$STELLA" signals status --socket "$SOCKET" --output json
}

# Waits, without a clock of its own, until the condition holds in status; the collector looks once a second.
status_says() {
	for _ in $(seq 200); do
		[ "$(status | jq "$1")" = true ] && return 0
		read -rt 0.05 <> <(:) || true
	done
	status | jq "{reasons, probes, incidents}" >&2
	return 1
}

@test "a probe that is killed: health, status, the seal until when it covered" {
	collector_config
	collector_start
	daemon=$(collector_pid)
	for info in "/proc/$daemon/fdinfo"/*; do
		grep -q link_type: "$info" 2>/dev/null || continue
		"$STELLA_BUILD/tests/system/closer" "$daemon" "${info##*/}" || {
			[ $? = 77 ] && skip "closer knows only x86-64"
			return 1
		}
		break
	done
	status_says '[.probes[] | select(.alive | not)] | length > 0'
	[ "$(status | jq '[.incidents[] | select(.what == "probe_silent")] | length > 0')" = true ]
	run "$STELLA" signals health --socket "$SOCKET"
	[ "$status" = 1 ]
	[[ "$output" = *"does not answer"* ]]
	collector_stop
	verify
	[ "$(jq .sound "$WORK/verify.json")" = true ]
	[ "$(predicate 000001 | jq '.window.closed.boot_ns as $until | [.coverage.probes[] | select(.to_boot_ns < $until)] | length > 0')" = true ]
	[ "$(predicate 000001 | jq -r '.coverage.incidents[0].what')" = probe_silent ]
	run "$STELLA" signals verify-chain "$EVIDENCE" --trust "$WORK/state/trust" --require-complete --quiet
	[ "$status" = 2 ]
}

@test "probes answer, canaries leave no trace, exec's too" {
	collector_config "dedup: off"
	collector_start
	daemon=$(collector_pid)
	status_says '.since.boot_ns + 1500000000 < (.probes | map(.covers_to_boot_ns) | min)'
	[ "$(status | jq '[.probes[] | select(.alive | not)] | length')" = 0 ]
	collector_stop
	verify
	[ -z "$(records_of ".event.argv[1]? == \"--canary\" and .event.ppid == $daemon")" ]
	[ -z "$(records_of ".event.type == \"process_exit\" and .event.ppid == $daemon")" ]
	# What it opens to look into others' files is a record as anybody's is: O_PATH and O_CLOEXEC, or by way of /proc.
	[ -z "$(records_of ".pid == $daemon and ((.event.type == \"file_open\" and .event.path == \"/\" and (.event.requested | not) and .event.flags != 2621440) or (.event.type == \"net_connect\" and .event.family != \"unix\") or .event.type == \"tcp_state\" or (.event.type == \"library_load\" and (.event.at_start | not)))")" ]
	[ "$(predicate 000001 | jq -c '[.coverage.filtered, .coverage.incidents]')" = '[0,[]]' ]
}

@test "a processor goes and comes: both are incidents" {
	CPU=/sys/devices/system/cpu/cpu1/online
	[ -w "$CPU" ] && [ "$(cat "$CPU")" = 1 ] || { CPU=; skip "no second processor that can be taken off"; }
	collector_config
	collector_start
	echo 0 >"$CPU" || { CPU=; skip "this machine keeps its processors"; }
	status_says '[.incidents[] | select(.what == "cpu_offline")] | length == 1'
	echo 1 >"$CPU"
	status_says '[.incidents[] | select(.what == "cpu_online")] | length == 1'
	CPU=
	"$DOER" opens 1000 "$WORK/stellaops.yaml" >/dev/null
	collector_stop
	verify
	[ "$(jq .sound "$WORK/verify.json")" = true ]
	[ "$(predicate 000001 | jq -c '[.coverage.incidents[].what]')" = '["cpu_offline","cpu_online"]' ]
}

@test "folding, transport and who lost: the seal says each" {
	collector_config "ring_buffer_mb: 1" "dedup: off"
	collector_start
	daemon=$(collector_pid)
	kill -STOP "$daemon"
	"$DOER" opens 30000 "$WORK/stellaops.yaml" >/dev/null
	kill -CONT "$daemon"
	collector_stop
	verify
	[ "$(predicate 000001 | jq -c '[.coverage.dedup.scope, .coverage.transport]')" = '["off","ring_buffer"]' ]
	predicate 000001 | jq -e '[.losses[] | select(.cause == "ring_full" and .kind == "file_open")][0]
		| .count > 0 and (.cgroups | length > 0) and ([.cgroups[].count] | add) <= .count'
	[ "$(predicate 000001 | jq '[.losses[] | select(.cause == "hole")][0].count')" = 0 ]
}

@test "the perf buffer, by a setting: records come, sound; what did not fit is counted" {
	collector_config "transport: perf_buffer" "ring_buffer_mb: 1" "dedup: off"
	collector_start
	"$DOER" opens 200 "$WORK/stellaops.yaml" >/dev/null &
	PID=$!
	wait $PID
	daemon=$(collector_pid)
	kill -STOP "$daemon"
	"$DOER" opens 30000 "$WORK/stellaops.yaml" >/dev/null
	kill -CONT "$daemon"
	collector_stop
	verify
	[ "$(jq -c '[.sound, .findings_total]' "$WORK/verify.json")" = "[true,0]" ]
	[ "$(predicate 000001 | jq -r .coverage.transport)" = perf_buffer ]
	[ "$(records_of ".pid == $PID and .event.path == \"$WORK/stellaops.yaml\"" | wc -l)" = 200 ]
	[ "$(lost_records file_open)" -gt 0 ]
}
