#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Ways round the probes: each is a record, a counted loss, or a blind spot that the seal names.

load helpers

EVADER=$STELLA_BUILD/tests/system/evader

setup() {
	need_bpf
	collector_config
	FILE=$BATS_TEST_TMPDIR/loaded
	head -c 8192 /dev/zero >"$FILE"
}

teardown() {
	collector_end
	[ -z "${STRANGER:-}" ] || kill -9 "$STRANGER" 2>/dev/null || true
}

# evade VERB ARGUMENT, under a pid we know, then the chain is read.
evade() {
	collector_start
	"$EVADER" "$@" >"$WORK/done" &
	PID=$!
	local status=0
	wait $PID || status=$?
	[ $status != 77 ] || skip "this machine cannot: evader $1"
	[ $status = 0 ]
	collector_stop
	verify
}

loaded() {
	the_record ".event.type == \"library_load\" and .pid == $PID and .event.path == \"$FILE\""
}

@test "an mprotect that fails half way has made the first half executable" {
	evade protect-partly "$FILE"
	[ "$(loaded | jq -r .src)" = sys_exit_mprotect ] || [ "$(loaded | jq -r .src)" = perf_event_mmap ]
	[ "$(lost_records library_load)" = 0 ]
}

@test "the old mmap, whose arguments the new mapping lies over" {
	evade map-over-arguments "$FILE"
	loaded
}

@test "a connection by fast open: no net_connect, which the seal names, but tcp_state has it" {
	evade send-at-once hello
	[ -z "$(records_of ".event.type == \"net_connect\" and .pid == $PID and .event.port == $(cat "$WORK/done")")" ]
	[ -n "$(records_of ".event.new_state == \"SYN_SENT\" and .pid == $PID and .event.dport == $(cat "$WORK/done")")" ]
	jq -e '.blind_spots[] | select(.kind == "net_connect" and .blind_spot == "connected_by_other_calls")' "$WORK/verify.json"
}

@test "a socket of a process whose first thread has gone is found at the start" {
	"$EVADER" listen-without-leader 20 >"$WORK/port" 3>&- &
	STRANGER=$!
	until [ -s "$WORK/port" ]; do sleep 0.02; done
	collector_start
	collector_stop
	verify
	[ "$(the_record ".src == \"iter_task_file\" and .event.sport == $(cat "$WORK/port")" | jq -c '[.pid, .event.new_state]')" = \
		"[$STRANGER,\"LISTEN\"]" ]
}

@test "a library on an overlay, as in containers: the path, device and inode that the process knows" {
	mkdir "$WORK/layers" "$WORK/merged"
	printf 'int answer(void) { return 42; }\n' | gcc -shared -fPIC -Wl,--build-id -x c - -o "$FILE"
	collector_start
	# shellcheck disable=SC2016 # the inner shell expands
	unshare -m sh -ec 'mount -t tmpfs none "$1/layers"
		mkdir "$1/layers/low" "$1/layers/up" "$1/layers/work"
		cp "$2" "$1/layers/low/deep.so"
		cd "$1/layers"
		mount -t overlay none -o lowerdir=low,upperdir=up,workdir=work "$1/merged" || exit 77
		stat -c %i "$1/merged/deep.so" >"$1/inode"
		awk -v point="$1/merged" "index(\$0, \" - overlay \") { print \$3 }" /proc/self/mountinfo | tail -1 >"$1/device"
		exec "$3" map "$1/merged/deep.so" "$1/merged/deep.so"' - "$WORK" "$FILE" "$DOER" >"$WORK/done" 2>"$WORK/why" &
	PID=$!
	status=0
	wait $PID || status=$?
	[ $status != 77 ] || skip "no overlayfs here: $(cat "$WORK/why")"
	[ $status = 0 ]
	collector_stop
	verify
	[ "$(the_record ".event.type == \"library_load\" and .pid == $PID and (.event.path | endswith(\"deep.so\"))" |
		jq -c '[.event.path, .event.inode, .event.dev, .event.unreachable, .event.build_id]')" = \
		"[\"$WORK/merged/deep.so\",$(cat "$WORK/inode"),\"$(cat "$WORK/device")\",null,\"$(readelf -n "$FILE" | awk '/Build ID/ { print $3 }')\"]" ]
}

@test "a library that is written anew and mapped again is another: its build id too" {
	printf 'int answer(void) { return 42; }\n' | gcc -shared -fPIC -Wl,--build-id -x c - -o "$FILE"
	printf 'int answer(void) { return 43; }\n' | gcc -shared -fPIC -Wl,--build-id -x c - -o "$FILE.new"
	ids=$(readelf -n "$FILE" "$FILE.new" | awk '/Build ID/ { print $3 }' | sort)
	collector_start
	python3 -c 'import mmap, sys, time
kept = []
for new in (None, sys.argv[1] + ".new"):
    with open(sys.argv[1], "r+b") as library:
        if new:
            library.write(open(new, "rb").read())
            library.flush()
        kept.append(mmap.mmap(library.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC))
    time.sleep(0.3)' "$FILE"
	collector_stop
	verify
	[ "$(records_of ".event.type == \"library_load\" and .event.path == \"$FILE\"" | jq -r .event.build_id | sort)" = "$ids" ]
}

# stalled [LIBRARY]: a server stops to answer; the collector answers all the same, and later tells what was mapped.
stalled() {
	collector_start
	mkdir "$WORK/place"
	unshare -Urm "$STELLA_BUILD/tests/system/stall" "$WORK/place" 4 "$@" 3>&- &
	STRANGER=$!
	sleep 1
	timeout 2 "$STELLA" signals status --socket "$SOCKET" --output json >"$WORK/answered"
	status=0
	wait $STRANGER || status=$?
	[ $status != 77 ] || skip "no FUSE in a user namespace here"
	[ $status = 0 ]
	collector_stop
	verify
}

@test "a file server that never answers, below an overlay of its own: the collector goes on" {
	stalled
	[ "$(the_record '.event.type == "library_load" and (.event.path | endswith("/layers/lib.so"))' | jq .event.build_id)" = null ]
}

@test "a process that keeps its memory locked: the collector goes on, and reads the build id by name" {
	printf 'int answer(void) { return 42; }\n' | gcc -shared -fPIC -Wl,--build-id -x c - -o "$FILE"
	stalled "$FILE"
	[ "$(the_record ".event.type == \"library_load\" and .event.path == \"$FILE\"" | jq -r .event.build_id)" = \
		"$(readelf -n "$FILE" | awk '/Build ID/ { print $3 }')" ]
}
