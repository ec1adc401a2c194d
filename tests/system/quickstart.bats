#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The first command of the README, as a stranger runs it: on the live kernel, one screen, nothing left behind.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	dir="$BATS_TEST_TMPDIR/a place"
}

teardown() {
	# Whatever a failing test left running was started with a configuration in our own folder.
	for pid in /proc/[0-9]*; do
		if tr '\0' '\n' 2>/dev/null <"$pid/cmdline" | grep -qF "$BATS_TEST_TMPDIR/"; then
			kill "${pid#/proc/}" 2>/dev/null || true
		fi
	done
}

collectors() {
	local pid

	for pid in /proc/[0-9]*; do
		[[ $(readlink "$pid/exe") != */stella-signalsd ]] || tr '\0' ' ' <"$pid/cmdline"
	done | grep -F "$BATS_TEST_TMPDIR" || true
}

@test "one screen that says what was seen, what it proves and what not, and where it lies" {
	tools/quickstart "$dir" >"$BATS_TEST_TMPDIR/screen" 2>"$BATS_TEST_TMPDIR/talk" || {
		cat "$BATS_TEST_TMPDIR/talk"
		return 1
	}
	cat "$BATS_TEST_TMPDIR/screen"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/screen")" -le 26 ]
	grep -qE '^  sound +yes ' "$BATS_TEST_TMPDIR/screen"
	for type in file_open process_exec process_exit library_load net_connect tcp_state; do
		grep -qE "[ ,][1-9][0-9]* $type\\b" "$BATS_TEST_TMPDIR/screen"
	done
	grep -qE '^    exit +sort \(pid [0-9]+\): exit status 0$' "$BATS_TEST_TMPDIR/screen"
	grep -qE '^    load +perl \(pid [0-9]+\): /' "$BATS_TEST_TMPDIR/screen"
	grep -qE '^    connect +perl \(pid [0-9]+\): 127\.0\.0\.1 port [0-9]+$' "$BATS_TEST_TMPDIR/screen"
	grep -qE '^    open +cat \(pid [0-9]+\): read /.*/files/first$' "$BATS_TEST_TMPDIR/screen"
	grep -qE '^    exec +sort \(pid [0-9]+\): \["sort","-r","/.*/files/both"\]$' "$BATS_TEST_TMPDIR/screen"
	grep -qE '^    tcp +.*127\.0\.0\.1:[0-9]+, SYN_SENT to ESTABLISHED$' "$BATS_TEST_TMPDIR/screen"
	grep -q 'It does not prove' "$BATS_TEST_TMPDIR/screen"
	[ -z "$(collectors)" ]
}

@test "a screen is 100 columns wide at most, in the default place" {
	# What depends on the checkout's own path is not ours to keep short, plain or quoted for the shell.
	PLAIN=$PWD/ QUOTED=$(printf '%q' "$PWD")/
	export PLAIN QUOTED
	tools/quickstart >"$BATS_TEST_TMPDIR/screen" 2>"$BATS_TEST_TMPDIR/talk"
	run awk 'length($0) > 100 && !index($0, ENVIRON["PLAIN"]) && !index($0, ENVIRON["QUOTED"])' "$BATS_TEST_TMPDIR/screen"
	echo "$output"
	[ -z "$output" ]
}

@test "twice in a row, into the same place" {
	tools/quickstart "$dir" >/dev/null 2>"$BATS_TEST_TMPDIR/talk"
	first=$(sha256sum "$dir"/evidence/chunk-000001.ndjson)
	[ "$(grep -c 'replacing the evidence and the key' "$BATS_TEST_TMPDIR/talk")" -eq 0 ]
	tools/quickstart "$dir" >/dev/null 2>"$BATS_TEST_TMPDIR/talk"
	grep -q 'replacing the evidence and the key' "$BATS_TEST_TMPDIR/talk"
	[ "$first" != "$(sha256sum "$dir"/evidence/chunk-000001.ndjson)" ]
}

@test "the command it shows for verifying works as shown" {
	tools/quickstart "$dir" >"$BATS_TEST_TMPDIR/screen" 2>/dev/null
	command=$(grep -A2 -E '^  verify ' "$BATS_TEST_TMPDIR/screen" | sed 's/^  verify *//')
	run bash -c "cd / && $command"
	echo "$output"
	[ "$status" -eq 0 ]
	printf 'x' | dd of="$dir/evidence/chunk-000001.ndjson" bs=1 seek=40 conv=notrunc status=none
	run bash -c "$command"
	[ "$status" -eq 2 ]
}

@test "a failure in the middle leaves no collector behind" {
	# The workload's perl fails, after the collector was started.
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nexit 7\n' >"$BATS_TEST_TMPDIR/bin/perl"
	chmod +x "$BATS_TEST_TMPDIR/bin/perl"
	PATH="$BATS_TEST_TMPDIR/bin:$PATH" run tools/quickstart "$dir"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"loopback connection of the workload failed"* ]]
	[ -e "$dir/evidence/chunk-000001.ndjson" ]
	[ -z "$(collectors)" ]
}

@test "without root: one line, exit 3" {
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	run setpriv --reuid 65534 --regid 65534 --clear-groups bash "$PWD/tools/quickstart"
	[[ $output != *"Permission denied"* ]] || skip "nobody cannot read this checkout"
	[ "$status" -eq 3 ]
	[ "${#lines[@]}" -eq 1 ]
}
