#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A full disk, a read-only directory, a missing key: one clear line each, and nothing sealed is harmed.

load helpers

setup() {
	need_bpf
}

teardown() {
	collector_end
	mountpoint -q "${SMALL:-/nonexistent}" && umount -l "$SMALL"
	true
}

one_line() {
	[ "$(printf '%s\n' "$output" | wc -l)" = 1 ] || { echo "more than one line: $output"; return 1; }
}

@test "a full disk: counting goes on, the loss is signed, and it recovers by itself" {
	SMALL=$BATS_TEST_TMPDIR/small
	mkdir "$SMALL"
	mount -t tmpfs -o size=2m tmpfs "$SMALL" || skip "mounting is not permitted"
	EVIDENCE=$SMALL/evidence
	collector_config "dedup: off"
	collector_start
	"$DOER" opens 30000 /etc/passwd >/dev/null
	until "$STELLA" signals status --socket "$SOCKET" --output json |
		jq -e '[.losses[] | select(.cause == "disk_full") | .count] | add > 0' >/dev/null; do sleep 0.05; done
	run "$STELLA" signals health --socket "$SOCKET" --output table
	[ "$status" = 1 ]
	one_line
	mount -o remount,size=64m "$SMALL"
	"$DOER" opens 10 /etc/hostname >/dev/null
	collector_stop
	verify
	[ "$(jq .sound "$WORK/verify.json")" = true ]
	[ "$(jq .complete "$WORK/verify.json")" = false ]
	[ "$(jq '[.losses[] | select(.cause == "disk_full") | .count] | add > 0' "$WORK/verify.json")" = true ]
	[ "$(records | grep -c '"path":"/etc/hostname"')" -ge 10 ]
}

@test "full to the last byte at stop: one line, and the next start seals what is there" {
	SMALL=$BATS_TEST_TMPDIR/small
	mkdir "$SMALL"
	mount -t tmpfs -o size=1m tmpfs "$SMALL" || skip "mounting is not permitted"
	EVIDENCE=$SMALL/evidence
	collector_config "dedup: off"
	collector_start
	"$DOER" opens 20000 /etc/passwd >/dev/null
	until "$STELLA" signals status --socket "$SOCKET" --output json |
		jq -e '[.losses[] | select(.cause == "disk_full") | .count] | add > 0' >/dev/null; do sleep 0.05; done
	head -c 2000000 /dev/zero >"$SMALL/filler" 2>/dev/null || true
	run "$STELLA" signals stop --socket "$SOCKET"
	[ "$status" != 0 ]
	one_line
	rm -f "$SMALL/filler"
	mount -o remount,size=64m "$SMALL"
	collector_start
	collector_stop
	verify
	[ "$(jq .sound "$WORK/verify.json")" = true ]
}

@test "a read-only directory: one line that names it" {
	SMALL=$BATS_TEST_TMPDIR/small
	mkdir "$SMALL"
	mount -t tmpfs -o size=8m tmpfs "$SMALL" || skip "mounting is not permitted"
	EVIDENCE=$SMALL/evidence
	collector_config "dedup: off"
	collector_start
	collector_stop
	sum=$(records | sha256sum)
	mount -o remount,ro "$SMALL"
	run "$STELLA" signals start --config "$WORK/stellaops.yaml" --socket "$SOCKET"
	[ "$status" != 0 ]
	one_line
	[[ "$output" == *"$EVIDENCE"* ]]
	[ "$(records | sha256sum)" = "$sum" ]
	verify
}

@test "a missing key: one line that says how to make one, and no evidence directory" {
	collector_config "signing: {key_id: \"file:$BATS_TEST_TMPDIR/no.pem\"}"
	run "$STELLA" signals start --config "$WORK/stellaops.yaml" --socket "$SOCKET"
	[ "$status" != 0 ]
	one_line
	[[ "$output" == *"no.pem"* && "$output" == *keygen* ]]
	[ ! -e "$EVIDENCE" ]
}
