#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Where the collector's log goes, and that each line of it says when.

load helpers

TIME='^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z stella-signalsd: '

setup() {
	need_bpf
	unset JOURNAL_STREAM NOTIFY_SOCKET
	collector_config
}

teardown() {
	collector_end
}

# in_foreground [ARGUMENT...]: runs it until it is stopped by the control socket; its stderr in $WORK/err.
in_foreground() {
	"$STELLA_BUILD/stella-signalsd" --foreground --config "$WORK/stellaops.yaml" "$@" 2>"$WORK/err" 3>&- &
	PID=$!
	until "$STELLA" signals health --socket "$SOCKET" >/dev/null 2>&1; do kill -0 $PID; done
	collector_stop
	wait $PID
}

# Both the first and the last line, and no line without a time.
timed() {
	grep -qE "${TIME}coverage is open\$" "$1"
	grep -qE "${TIME}stopped, everything is sealed\$" "$1"
	run grep -vE "$TIME" "$1"
	[ -z "$output" ]
}

@test "in the background, --log FILE: appended, each line with its time, whatever the environment says" {
	export JOURNAL_STREAM=8:1
	for _ in 1 2; do
		collector_start --log "$WORK/the log"
		collector_stop
	done
	timed "$WORK/the log"
	[ "$(grep -c "coverage is open" "$WORK/the log")" = 2 ]
}

@test "in the foreground, --log FILE is honoured, and standard error stays empty" {
	in_foreground --log "$WORK/the log"
	timed "$WORK/the log"
	[ ! -s "$WORK/err" ]
}

@test "in the foreground without it: standard error, with the time" {
	in_foreground
	timed "$WORK/err"
}

@test "under a service manager no time is added: the journal has its own" {
	JOURNAL_STREAM=8:1 in_foreground
	[ "$(cat "$WORK/err")" = "<6>stella-signalsd: coverage is open
<6>stella-signalsd: stopped, everything is sealed" ]
	NOTIFY_SOCKET=$WORK/nobody in_foreground
	[ "$(head -n 1 "$WORK/err")" = "stella-signalsd: coverage is open" ]
}

@test "a log that cannot be written stops the start, and whoever started it hears why" {
	run "$STELLA" signals start --config "$WORK/stellaops.yaml" --socket "$SOCKET" --log "$WORK/no/such/log"
	[ "$status" -eq 1 ]
	[[ $output == *"$WORK/no/such/log: No such file or directory"* ]]
	run "$STELLA" signals health --socket "$SOCKET"
	[ "$status" -eq 4 ]
}

@test "--replay has no log: --log is refused, not ignored" {
	run "$STELLA_BUILD/stella-signalsd" --replay x --target y --log z
	[ "$status" -eq 2 ]
	[[ $output == *"--replay and --log exclude one another"* ]]
}
