#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The command's frame: help, unknown words, exit codes, where facts and talk go, and what it says when no collector runs.
# Needs no root and no kernel half.

setup() {
	STELLA=${STELLA_BUILD:-build}/stella
	DAEMON=${STELLA_BUILD:-build}/stella-signalsd
	WORK=$(mktemp -d)
	export STELLA_SOCKET=$WORK/sock
	unset STELLA_CONFIG NOTIFY_SOCKET
}

teardown() {
	rm -rf "$WORK"
}

# only_stderr COMMAND...: nothing on stdout, exactly one line on stderr; the line is left in $line, the status in $status.
only_stderr() {
	status=0
	"$@" >"$WORK/out" 2>"$WORK/err" || status=$?
	[ ! -s "$WORK/out" ]
	[ "$(wc -l <"$WORK/err")" -eq 1 ]
	line=$(cat "$WORK/err")
}

VERBS="start stop status stats health inspect verify-chain bundle replay keygen trusted-root"

@test "--version and --help go to stdout with exit 0" {
	[ "$("$STELLA" --version)" = "stella 0.1.0" ]
	for words in --help "signals --help" "signals -h"; do
		# shellcheck disable=SC2086
		run "$STELLA" $words
		[ "$status" -eq 0 ]
		for verb in $VERBS; do [[ $output == *"$verb"* ]]; done
	done
}

@test "every verb has --help, with exit 0 and its usage first" {
	for verb in $VERBS; do
		run "$STELLA" signals "$verb" --help
		[ "$status" -eq 0 ]
		[[ ${lines[0]} == "Usage: stella signals $verb"* ]]
		[[ $output == *"--help"* ]]
	done
}

@test "help fits 100 columns" {
	for verb in $VERBS; do
		"$STELLA" signals "$verb" --help >"$WORK/help"
		run awk 'length($0) > 100' "$WORK/help"
		[ -z "$output" ]
	done
}

@test "no verb, no word: exit 2 and one line" {
	only_stderr "$STELLA"
	[ "$status" -eq 2 ]
	only_stderr "$STELLA" signals
	[ "$status" -eq 2 ]
}

@test "an unknown verb: exit 2 and the nearest one" {
	only_stderr "$STELLA" signals strat
	[ "$status" -eq 2 ]
	[[ $line == *"did you mean 'start'?"* ]]
	only_stderr "$STELLA" signals verify
	[[ $line == *"did you mean 'verify-chain'?"* ]]
	only_stderr "$STELLA" signals qqqqqq
	[ "$status" -eq 2 ]
	[[ $line != *"did you mean"* ]]
	only_stderr "$STELLA" status
	[[ $line == *"did you mean 'stella signals status'?"* ]]
}

@test "an unknown option: exit 2 and the nearest one, in every verb" {
	for verb in $VERBS; do
		only_stderr "$STELLA" signals "$verb" --no-such-thing
		[ "$status" -eq 2 ]
	done
	only_stderr "$STELLA" signals status --verbos
	[[ $line == *"did you mean --verbose?"* ]]
	only_stderr "$STELLA" signals inspect -n2
	[ "$status" -eq 2 ]
	[[ $line == *": -n 2; "* ]]
}

@test "almost right is wrong: exit 2" {
	for words in "status extra" "status --verbose=1" "status --output xml" "stats --interval 99" "stats --interval 1s" \
		"stats --watch --watch" "start --target" "start --target=" "replay" "replay x" "replay x y --target z"; do
		# shellcheck disable=SC2086
		only_stderr "$STELLA" signals $words
		[ "$status" -eq 2 ]
	done
}

@test "not running: exit 4 and one line, in every verb that asks" {
	for verb in status stats health stop "stats --watch"; do
		# shellcheck disable=SC2086
		only_stderr "$STELLA" signals $verb
		[ "$status" -eq 4 ]
		[[ $line == *"no collector is running"* ]]
	done
	only_stderr "$STELLA" signals status --socket "$WORK/no/such/sock"
	[ "$status" -eq 4 ]
}

@test "a socket nobody listens on is not running; a socket path too long is invalid" {
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$STELLA_SOCKET"
	only_stderr "$STELLA" signals health
	[ "$status" -eq 4 ]
	only_stderr "$STELLA" signals health --socket "/$(printf 'x%.0s' {1..200})"
	[ "$status" -eq 2 ]
}

# answer TEXT COMMAND...: a collector that is not ours answers TEXT to one request.
answer() {
	python3 - "$STELLA_SOCKET" "$1" <<-'PYTHON' &
		import os, socket, sys
		server = socket.socket(socket.AF_UNIX)
		server.bind(sys.argv[1] + ".new")
		server.listen(1)
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		client, _ = server.accept()
		client.recv(1024)
		client.sendall(sys.argv[2].encode())
		client.close()
	PYTHON
	until [ -S "$STELLA_SOCKET" ]; do :; done
	shift
	only_stderr "$@"
	wait
	rm -f "$STELLA_SOCKET"
}

@test "what answers and is no collector of ours is not believed" {
	for text in "" "hello" "[]" "{}" '{"ok":1}' '{"ok":true,"ok":true}' '{"ok":true} x' '{"ok":false}'; do
		answer "$text" "$STELLA" signals status
		[ "$status" -eq 1 ]
	done
	answer '{"ok":false,"error":"a\u001b[31mb"}' "$STELLA" signals status
	[ "$status" -eq 1 ]
	[[ $line == *"the collector says: a?[31mb"* ]]
}

@test "a full stdout is not success" {
	[ -e /dev/full ] || skip "no /dev/full"
	run bash -c '"$0" signals --help >/dev/full' "$STELLA"
	[ "$status" -eq 1 ]
	[[ $output == *"not complete"* ]]
}

@test "a closed stdout is not success; a reader that goes away ends it quietly" {
	run bash -c '"$0" signals --help >&-' "$STELLA"
	[ "$status" -eq 1 ]
	run bash -c 'set -o pipefail; { sleep 0.2; "$0" signals --help; } | true' "$STELLA"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "no escape sequences in what is no terminal" {
	run "$STELLA" signals --help
	[[ $output != *$'\033'* ]]
}

@test "the daemon's words: help, version, unknown option" {
	run "$DAEMON" --help
	[ "$status" -eq 0 ]
	[[ $output == *"--example-config"* ]]
	[ "$("$DAEMON" --version)" = "stella-signalsd 0.1.0" ]
	only_stderr "$DAEMON" --confg x
	[ "$status" -eq 2 ]
	[[ $line == *"did you mean --config?"* ]]
	for words in "--config" "--config=" "--help=1" "extra" "--ready-fd 2" "--ready-fd x" "--replay x" \
		"--replay x --target y --record-raw z"; do
		# shellcheck disable=SC2086
		only_stderr "$DAEMON" $words
		[ "$status" -eq 2 ]
	done
}

@test "the example file and the manual page are what is committed" {
	"$DAEMON" --example-config | cmp - "${STELLA_ROOT:-.}/packaging/stellaops.yaml"
	"$DAEMON" --man-config | cmp - "${STELLA_ROOT:-.}/man/stellaops.yaml.5"
	run "$DAEMON" --help-config
	[[ $output == *"signals.ring_buffer_mb"* ]]
}

@test "start without the capability: exit 3 and one line that names it" {
	command -v setpriv >/dev/null || skip "no setpriv"
	[ "$(id -u)" -eq 0 ] || skip "needs root to give capabilities away"
	only_stderr setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --clear-groups \
		"$STELLA" signals start --target "$WORK/evidence"
	[ "$status" -eq 3 ]
	[[ $line == *CAP_BPF* ]]
	[ ! -e "$WORK/evidence" ]
}

@test "start with a bad configuration: exit 2, file, line and column, nothing left behind" {
	[ "$(id -u)" -eq 0 ] || skip "the capability is asked for first"
	printf 'signals:\n  output_directory: %s/evidence\n  ring_buffer_mb: 3\n' "$WORK" >"$WORK/bad.yaml"
	only_stderr "$STELLA" signals start --config "$WORK/bad.yaml"
	[ "$status" -eq 2 ]
	[[ $line == *"$WORK/bad.yaml:3:19: "* ]]
	printf 'signals: {enabled: false}\n' >"$WORK/bad.yaml"
	only_stderr env STELLA_CONFIG="$WORK/bad.yaml" "$STELLA" signals start
	[ "$status" -eq 2 ]
	[[ $line == *"signals.enabled is false"* ]]
	only_stderr "$STELLA" signals start --config "$WORK/missing.yaml"
	[ "$status" -eq 4 ]
	[[ $line == *"there is no configuration $WORK/missing.yaml; "* ]]
	only_stderr "$STELLA" signals start --config "$WORK"
	[ "$status" -eq 2 ]
	only_stderr "$STELLA" signals start --target "$WORK/evidence" --log "$WORK/no/such/log"
	[ "$status" -eq 1 ]
	[[ $line == *"cannot open the log $WORK/no/such/log: "* ]]
	[ ! -e "$WORK/evidence" ]
}

@test "a missing or readable-by-all key: one line, nothing left behind" {
	[ "$(id -u)" -eq 0 ] || skip "the capability is asked for first"
	printf 'signals:\n  output_directory: %s/evidence\n  signing: {key_id: "file:%s/key.pem"}\n' "$WORK" "$WORK" \
		>"$WORK/config.yaml"
	only_stderr "$STELLA" signals start --config "$WORK/config.yaml"
	[ "$status" -ne 0 ]
	[[ $line == *"$WORK/key.pem"* ]]
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/key.pem" 2>/dev/null
	chmod 644 "$WORK/key.pem"
	only_stderr "$STELLA" signals start --config "$WORK/config.yaml"
	[ "$status" -eq 3 ]
	[ ! -e "$WORK/evidence" ]
}

@test "replay of what is no capture: one line, not zero" {
	head -c 4096 /dev/urandom >"$WORK/raw"
	printf 'signals: {state_directory: %s/state}\n' "$WORK" >"$WORK/config.yaml"
	only_stderr "$STELLA" signals replay "$WORK/raw" --target "$WORK/evidence" --config "$WORK/config.yaml"
	[ "$status" -ne 0 ]
	only_stderr "$STELLA" signals replay "$WORK/none" --target "$WORK/evidence" --config "$WORK/config.yaml"
	[ "$status" -ne 0 ]
}
