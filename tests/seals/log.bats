#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Seals of the real collector in real logs, verified by stock cosign: online, and where there is no network at all.

load ../system/helpers
load servers

setup_file() {
	servers_start "$BATS_FILE_TMPDIR/servers" || true
}

teardown_file() {
	servers_stop
}

setup() {
	need_bpf
	need_servers
}

teardown() {
	collector_end
	fronts_end
}

# collect [YAML LINES of signing: ...]: two chunks, sealed and logged by the time the collector has stopped.
collect() {
	servers_root "$BATS_TEST_TMPDIR/servers.json"
	collector_config "signing:" "  trusted_root: $BATS_TEST_TMPDIR/servers.json" "  local_log_origin: collector.test" \
		"${@/#/  }"
	collector_start
	cat /etc/hostname >/dev/null
	kill -USR1 "$(collector_pid)"
	wait_for test -e "$EVIDENCE/chunk-000001.ndjson"
	cat /etc/passwd >/dev/null
	wait_for all_done
	collector_stop
	openssl pkey -in "$WORK/state/keys/local.pem" -pubout -out "$BATS_TEST_TMPDIR/key.pub"
	if [ -e "$WORK/state/keys/log.pem" ]; then
		openssl pkey -in "$WORK/state/keys/log.pem" -pubout -out "$BATS_TEST_TMPDIR/log.pub"
	fi
}

all_done() {
	"$STELLA" signals status --socket "$SOCKET" --output json |
		jq -e '.log.sinks | length > 0 and all(.done >= 1 and .waiting == 0)'
}

# local_root FILE: what stock tools must know of our own log.
local_root() {
	cosign trusted-root create --out "$1" --rekor \
		"url=https://collector.test,public-key=$BATS_TEST_TMPDIR/log.pub,start-time=2024-01-01T00:00:00Z,origin=collector.test"
}

# cosign_verifies ROOT [OPTION...]: each seal, with and without a network.
cosign_verifies() {
	local root=$1 seal net

	shift
	for seal in "$EVIDENCE"/chunk-*.sigstore.json; do
		for net in '' 'unshare -n'; do
			$net cosign verify-blob-attestation --bundle "$seal" --key "$BATS_TEST_TMPDIR/key.pub" --trusted-root "$root" \
				--type https://stella.ops/predicates/runtime-evidence/v1 "$@" "${seal%.sigstore.json}.ndjson"
		done
	done
}

# entries N: each seal has so many entries.
entries() {
	local seal

	for seal in "$EVIDENCE"/chunk-*.sigstore.json; do
		[ "$(jq '.verificationMaterial.tlogEntries | length' "$seal")" = "$1" ]
	done
}

@test "local key, local log: the default, and stock cosign verifies it" {
	collect
	entries 1
	local_root "$BATS_TEST_TMPDIR/root.json"
	cosign_verifies "$BATS_TEST_TMPDIR/root.json"
	verify
	# The same entry is nothing to who does not know the log.
	run cosign_verifies "$BATS_TEST_TMPDIR/servers.json"
	[ "$status" -ne 0 ]
}

@test "the local log is a C2SP tile log, and its key is in the trust directory" {
	collect
	vkey=$(cat "$WORK"/state/trust/log-*.vkey)
	[[ $vkey == collector.test+*+* ]]
	id=$(jq -r '.verificationMaterial.tlogEntries[0].logId.keyId' "$EVIDENCE/chunk-000001.sigstore.json" | base64 -d | xxd -p -c 64)
	[ -e "$WORK/state/trust/log-${id:0:16}.vkey" ]
	command -v tlfsck >/dev/null || skip "tlfsck is not there"
	echo "$vkey" >"$BATS_TEST_TMPDIR/vkey"
	tlfsck "$WORK/state/log" "$BATS_TEST_TMPDIR/vkey"
}

@test "local key, Rekor v1" {
	collect "local_log: false" "submit_to_rekor: true" "rekor_urls: [\"v1:$STELLA_TEST_REKOR1_URL\"]"
	entries 1
	cosign_verifies "$BATS_TEST_TMPDIR/servers.json"
}

@test "local key, Rekor v2 and a timestamp" {
	collect "local_log: false" "submit_to_rekor: true" "rekor_urls: [\"v2:$STELLA_TEST_REKOR2_URL\"]" \
		"timestamp_urls: [\"$STELLA_TEST_TSA_URL\"]"
	entries 1
	cosign_verifies "$BATS_TEST_TMPDIR/servers.json" --use-signed-timestamps
}

@test "all logs at once: each of them is enough" {
	collect "submit_to_rekor: true" \
		"rekor_urls: [\"v1:$STELLA_TEST_REKOR1_URL\", \"v2:$STELLA_TEST_REKOR2_URL\"]" \
		"timestamp_urls: [\"$STELLA_TEST_TSA_URL\"]"
	entries 3
	cosign_verifies "$BATS_TEST_TMPDIR/servers.json" --use-signed-timestamps
	local_root "$BATS_TEST_TMPDIR/root.json"
	cosign_verifies "$BATS_TEST_TMPDIR/root.json"
}

@test "logs that are away at the stop get the seals at the next start" {
	front rekor "$STELLA_TEST_REKOR1_URL"
	servers_root "$BATS_TEST_TMPDIR/servers.json"
	front_mode rekor down
	collector_config "signing:" "  trusted_root: $BATS_TEST_TMPDIR/servers.json" "  submit_to_rekor: true" \
		"  rekor_urls: [\"v1:$FRONT_URL\"]"
	collector_start
	collector_stop
	[ "$(jq '.verificationMaterial.tlogEntries | length' "$EVIDENCE/chunk-000001.sigstore.json")" = 1 ]
	front_mode rekor pass
	collector_start
	wait_for all_done
	collector_stop
	entries 2
}

@test "status and health tell of a log that does not answer" {
	front rekor "$STELLA_TEST_REKOR1_URL"
	servers_root "$BATS_TEST_TMPDIR/servers.json"
	front_mode rekor other
	collector_config "signing:" "  trusted_root: $BATS_TEST_TMPDIR/servers.json" "  submit_to_rekor: true" \
		"  rekor_urls: [\"v1:$FRONT_URL\"]"
	collector_start
	kill -USR1 "$(collector_pid)"
	wait_for all_done
	kill -USR1 "$(collector_pid)"
	refused() {
		"$STELLA" signals status --socket "$SOCKET" --output json |
			jq -e '.log.sinks[] | select(.kind == "rekor_v1") | .refused > 0 and .waiting > 0 and (.error | length > 0)'
	}
	wait_for refused
	"$STELLA" signals status --socket "$SOCKET" --output table | grep "rekor_v1 $FRONT_URL: .* answers\? refused"
	run "$STELLA" signals health --socket "$SOCKET" --output table
	[ "$status" -eq 1 ]
	[[ $output == *"an answer was refused"* ]]
	front_mode rekor pass
	wait_for all_done
	"$STELLA" signals health --socket "$SOCKET" --output table
}

@test "a local log that was tampered with stops nobody, and is told" {
	collect
	printf x | dd of="$(ls "$WORK"/state/log/tile/0/000.p/* | tail -n 1)" bs=1 conv=notrunc status=none
	collector_start
	run "$STELLA" signals health --socket "$SOCKET" --output table
	[ "$status" -eq 1 ]
	[[ $output == *"local log"* ]]
	collector_stop
	verify
}
