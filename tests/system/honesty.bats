#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What goes wrong on purpose, and what the seal then says of it: how many records are missing, of which kind and
# cgroup, from when to when, and since when a probe saw nothing any more.

load helpers

setup() {
	need_bpf
}

teardown() {
	[ -z "${STOPPED:-}" ] || kill -CONT "$STOPPED"
	collector_end
	[ -z "${CGROUP:-}" ] || rmdir "$CGROUP" || true
}

boot_ns() {
	python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_BOOTTIME))'
}

predicates() {
	jq -r .dsseEnvelope.payload "$EVIDENCE"/chunk-*.sigstore.json | while read -r payload; do
		base64 -d <<<"$payload" | jq -c .predicate
	done
}

# losses_of KIND: the signed losses of its records, one a line.
losses_of() {
	predicates | jq -c --arg kind "$1" '.losses[] | select(.kind == $kind and .effect == "record" and .count > 0)'
}

require_complete() {
	"$STELLA" signals verify-chain "$EVIDENCE" --trust "$WORK/state/trust" --require-complete --output table
}

@test "nothing went wrong, over two chunks and a restart: only the restart is told" {
	collector_config
	collector_start
	kill -USR1 "$(collector_pid)"
	until [ -e "$EVIDENCE/chunk-000001.sigstore.json" ]; do sleep 0.05; done
	collector_stop
	verify
	[ "$(jq -c '[.complete, .reasons]' "$WORK/verify.json")" = '[true,[]]' ]
	run require_complete
	[ "$status" = 0 ]
	collector_start
	collector_stop
	verify
	[ "$(jq -c '[.complete, (.reasons | length)]' "$WORK/verify.json")" = '[false,1]' ]
}

@test "a ring of 1 MiB and a collector that stands still for 3 s: found and lost are the truth, with their times" {
	collector_config "ring_buffer_mb: 1" "dedup: off"
	collector_start
	echo x >"$WORK/target"
	STOPPED=$(collector_pid)
	from=$(boot_ns)
	kill -STOP "$STOPPED"
	"$DOER" opens 30000 "$WORK/target" >"$WORK/done" &
	PID=$!
	wait $PID
	sleep 3
	kill -CONT "$STOPPED"
	STOPPED=
	collector_pid >"$WORK/answered"
	to=$(boot_ns)
	collector_stop
	verify
	truth=$(cat "$WORK/done")
	found=$(records | grep "\"path\":\"$WORK/target\"" | grep -c "\"pid\":$PID,")
	lost=$(losses_of file_open | jq -s 'map(.count) | add // 0')
	echo "# truth $truth, found $found, lost $lost (others' opens included)" >&3
	[ "$lost" -gt 0 ]
	[ "$found" -le "$truth" ]
	[ $((found + lost)) -ge "$truth" ]
	losses_of file_open | jq -se --argjson from "$from" --argjson to "$to" \
		'all(.cause == "ring_full" and .first_boot_ns >= $from and .last_boot_ns <= $to and .first_boot_ns <= .last_boot_ns)'
	[ "$(jq .sound "$WORK/verify.json")" = true ]
	[ "$(jq .complete "$WORK/verify.json")" = false ]
	run require_complete
	[ "$status" = 2 ]
	[[ "$output" == *ring_full* ]]
}

@test "what was lost is told per cgroup, to the one" {
	collector_config "ring_buffer_mb: 1" "dedup: off"
	collector_start
	hierarchy=$("$STELLA" signals status --socket "$SOCKET" --output json | jq -r .cgroup_hierarchy)
	CGROUP=$(awk -v h="$hierarchy" '(h == "unified" && $3 == "cgroup2") || ($3 == "cgroup" && "," $4 "," ~ "," h ",") { print $2; exit }' \
		/proc/mounts)/stella-honesty-$$
	mkdir "$CGROUP" 2>/dev/null || { CGROUP=; skip "no cgroup of the hierarchy '$hierarchy' can be made here"; }
	echo x >"$WORK/target"
	STOPPED=$(collector_pid)
	kill -STOP "$STOPPED"
	bash -c 'echo $$ >"$1/cgroup.procs" && exec "$2" opens 30000 "$3"' _ "$CGROUP" "$DOER" "$WORK/target" >"$WORK/done"
	kill -CONT "$STOPPED"
	STOPPED=
	id=$(stat -c %i "$CGROUP")
	collector_stop
	verify
	found=$(records | grep "\"cgroup_id\":$id," | grep -c "\"path\":\"$WORK/target\"")
	others=$(records_of ".cgroup_id == $id and .event.type == \"file_open\" and .event.path != \"$WORK/target\"" | grep -c '^' || true)
	lost=$(losses_of file_open | jq -s --argjson id "$id" '[.[].cgroups[]? | select(.cgroup_id == $id) | .count] | add // 0')
	echo "# truth $(cat "$WORK/done"), found $found, lost $lost, other files $others" >&3
	[ "$lost" -gt 0 ]
	# The program's own start opened a few files more: bash, doer and their libraries, found or lost.
	[ $((found + lost)) -ge "$(cat "$WORK/done")" ]
	[ $((found + others + lost)) -le $(($(cat "$WORK/done") + 100)) ]
}

# The descriptor of the collector's link to a program whose name begins so: link_of PROGRAM.
link_of() {
	local file

	for file in /proc/"$STOLEN_FROM"/fdinfo/*; do
		grep -qs '^link_type:' "$file" || continue
		if bpftool -j prog show id "$(awk '/^prog_id:/ { print $2 }' "$file")" | jq -e --arg name "$1" \
			'.name | startswith($name)' >/dev/null; then
			basename "$file"
			return 0
		fi
	done
	return 1
}

# Health as the running collector tells it, asked until it is not "healthy" or five seconds are over.
degraded() {
	for _ in $(seq 50); do
		run "$STELLA" signals health --socket "$SOCKET"
		[ "$status" = 0 ] || return 0
		sleep 0.1
	done
	return 1
}

@test "a probe that is taken away: degraded within seconds, coverage ends there, and complete it is not" {
	command -v bpftool >/dev/null || skip "bpftool is not installed"
	collector_config
	collector_start
	STOLEN_FROM=$(collector_pid)
	run "$STELLA" signals health --socket "$SOCKET"
	[ "$status" = 0 ]
	before=$(boot_ns)
	run "$STELLA_BUILD/tests/system/takeaway" "$STOLEN_FROM" "$(link_of on_exec)"
	gone=$(boot_ns)
	[ "$status" != 77 ] || skip "registers of this machine are not known to the test"
	[ "$status" = 0 ]
	degraded
	[ "$status" = 1 ]
	[[ "$output" == *process_exec* || "$output" == *sched_process_exec* ]]
	after=$(boot_ns)
	sleep 1
	collector_stop
	verify
	# Never claimed for longer than it was so; a second is how often the collector looks.
	predicates | jq -se --argjson before "$before" --argjson gone "$gone" '
		[.[].coverage.probes[] | select(.kind == "process_exec")] |
		length > 0 and all(.to_boot_ns <= $gone) and all(.to_boot_ns >= $before - 3000000000)'
	predicates | jq -se --argjson after "$after" '
		[.[].coverage.probes[] | select(.kind == "file_open")] | length > 0 and all(.to_boot_ns > $after)'
	[ "$(jq .complete "$WORK/verify.json")" = false ]
	run require_complete
	[ "$status" = 2 ]
	[[ "$output" == *process_exec* ]]
}
