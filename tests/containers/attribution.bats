#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Whose event it was, with real engines: short lives, images of which the digest is known, and what the seal says.

bats_require_minimum_version 1.5.0
load engines
load ../system/helpers

setup() {
	need_bpf
	engines_dir
}

teardown() {
	[ -z "${LIAR:-}" ] || kill "$LIAR" 2>/dev/null || true
	collector_end
	engines_down
}

# watch ENGINE:/SOCKET [LINES]: a collector that asks this engine.
watch() {
	local engine=$1

	shift
	collector_config 'dedup: off' 'ring_buffer_mb: 32' "containers: {engines: [\"$engine\"], labels: [tier]}" "$@"
	collector_start
}

seal() {
	jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-$1.sigstore.json" | base64 -d | jq .predicate
}

# churned ENGINE COUNT [may-be-unknown]: as many short lives, and what the evidence says of them.
churned() {
	"$CONTAINERS_DIR/churn" "$1" "$2" 4 one two >"$ENGINES/truth"
	collector_stop
	verify
	jq -e '.sound' "$WORK/verify.json"
	[ "$(lost_records)" = 0 ]
	"$CONTAINERS_DIR/whose" "$ENGINES/truth" "$EVIDENCE" ${3:+"$3"}
}

@test "docker: 200 containers that live for a moment" {
	docker_up
	docker_image one
	docker_image two
	watch "docker:$DOCKER_SOCKET"
	churned docker "${N:-200}"
}

@test "podman: containers that live for a moment" {
	podman_up
	podman_image one
	podman_image two
	watch "podman:$PODMAN_SOCKET"
	churned podman "${N:-20}" may-be-unknown
}

@test "containerd: containers that live for a moment" {
	containerd_up
	containerd_image one
	containerd_image two
	watch "containerd:$CONTAINERD_ADDRESS"
	churned ctr "${N:-20}"
}

@test "nobody is asked: 200 containers under a tenth of a second each, and every event is its own's" {
	need_engine runc jq
	image_tar one >/dev/null && image_tar two >/dev/null
	watch none
	churned runc "${N:-200}"
}

@test "a raw capture with late answers in it is replayed to the byte" {
	docker_up
	docker_image one
	docker_image two
	collector_config 'dedup: off' "containers: {engines: [\"docker:$DOCKER_SOCKET\"]}"
	collector_start --record-raw "$WORK/raw"
	"$CONTAINERS_DIR/churn" docker 12 4 one two >"$ENGINES/truth"
	kill -USR1 "$(collector_pid)"
	"$CONTAINERS_DIR/churn" docker 4 2 two >>"$ENGINES/truth"
	collector_stop
	verify
	"$STELLA" signals replay "$WORK/raw" --target "$WORK/again" --config "$WORK/stellaops.yaml"
	for chunk in "$EVIDENCE"/chunk-*.ndjson; do
		cmp "$chunk" "$WORK/again/$(basename "$chunk")"
	done
	[ "$(find "$EVIDENCE" -name 'chunk-*.ndjson' | wc -l)" = 2 ]
	"$STELLA" signals verify-chain "$WORK/again" --trust "$WORK/state/trust" --output json | jq -e .sound
	jq -r .dsseEnvelope.payload "$WORK/again/chunk-000001.sigstore.json" | base64 -d | jq -c .predicate.containers >"$WORK/a"
	seal 000001 | jq -c .containers | cmp - "$WORK/a"
}

@test "several that wait at once for an engine that hangs are replayed to the byte" {
	local id

	need_engine runc python3
	image_tar one >/dev/null
	"$CONTAINERS_DIR/fake-engine" "$ENGINES/hangs" hang "$(new_id)" "sha256:$(new_id)" 3>&- &
	LIAR=$!
	wait_for "$LIAR" test -S "$ENGINES/hangs"
	collector_config 'dedup: off' "containers: {engines: [\"docker:$ENGINES/hangs\"]}"
	collector_start --record-raw "$WORK/raw"
	for _ in 1 2 3 4; do
		id=$(new_id)
		runc_at "/docker/$id" "$id" one sh -c 'for i in 1 2 3 4 5 6 7 8; do cat /etc/passwd; done' >/dev/null 3>&- &
		RUNS="${RUNS:-} $!"
	done
	wait $RUNS
	collector_stop
	verify
	"$STELLA" signals replay "$WORK/raw" --target "$WORK/again" --config "$WORK/stellaops.yaml"
	cmp "$EVIDENCE/chunk-000001.ndjson" "$WORK/again/chunk-000001.ndjson"
}

@test "docker: what the seal, inspect and status say of a container" {
	docker_up
	config=$(docker_image one)
	watch "docker:$DOCKER_SOCKET"
	id=$(docker_run --detach --name web --label tier=front --label secret=x one sleep 60)
	until "$STELLA" signals status --socket "$SOCKET" --output json |
		jq -e --arg id "docker://$id" '.containers[] | select(.id == $id) | .name == "web" and .image == "one"'; do
		sleep 0.05
	done
	"$STELLA" signals status --socket "$SOCKET" --output json |
		jq -e '.engines | length == 1 and .[0].connected and .[0].engine == "docker" and .[0].answered > 0'
	"$STELLA" signals status --socket "$SOCKET" --output table --verbose | grep -q "web"
	docker exec web cat /proc/self/status >"$WORK/status"
	docker rm --force web >/dev/null
	collector_stop
	verify
	seal 000001 | jq -e --arg id "docker://$id" --arg config "$config" '.containers[] | select(.id == $id) |
		.names == ["web"] and .image == "one" and .labels == {tier: "front"} and .generation > 0 and
		(.image_digest == $config and .image_digest_kind == "config")'
	seal 000001 | jq -e --arg id "docker://$id" '.coverage.containers[] | select(.id == $id) |
		.complete and .records > 0 and .from_boot_ns < .to_boot_ns'
	# docker exec: the same container, and the process's own pid within it.
	records_of '.event.type == "process_exec" and (.event.argv // [])[1] == "/proc/self/status"' >"$WORK/exec"
	jq -e --arg id "docker://$id" '.container_id == $id' "$WORK/exec"
	[ "$(jq .ns_pid "$WORK/exec")" = "$(awk '/^Pid:/ { print $2 }' "$WORK/status")" ]
	for what in "${id:0:12}" web name:web "image:one" "$config"; do
		"$STELLA" signals inspect "$what" --evidence "$EVIDENCE" --output ndjson >"$WORK/found"
		grep -q "docker://$id" "$WORK/found" || { echo "inspect $what finds nothing"; return 1; }
		run grep -v "docker://$id" "$WORK/found"
		[ -z "$output" ]
	done
}

@test "what ran before the collector is known, and known not to be complete" {
	docker_up
	docker_image one
	id=$(docker_run --detach one sh -c 'while :; do cat /etc/hostname; done')
	watch "docker:$DOCKER_SOCKET"
	docker exec "$id" true
	docker rm --force "$id" >/dev/null
	collector_stop
	verify
	seal 000001 | jq -e --arg id "docker://$id" '.coverage.containers[] | select(.id == $id) |
		(.complete | not) and .incomplete == ["at_start"] and .generation == 0'
	seal 000001 | jq -e --arg id "docker://$id" '.containers[] | select(.id == $id) | .image_digest'
	records_of ".container_id == \"docker://$id\" and .event.type == \"process_exec\" and .event.at_start" | grep -q .
}

@test "docker on overlay2: the image's program is of a lower layer, one written at run time of the upper one" {
	DOCKER_STORAGE=overlay2 docker_up
	docker_image one
	watch "docker:$DOCKER_SOCKET"
	id=$(docker_run --detach one sh -c 'cp /bin/busybox /tmp/made && /bin/cat /etc/passwd && /tmp/made cat /etc/passwd')
	docker wait "$id" >/dev/null
	docker rm --force "$id" >/dev/null
	collector_stop
	verify
	records_of ".container_id == \"docker://$id\" and .event.type == \"process_exec\"" >"$WORK/execs"
	[ "$(jq -r '.event | select(.argv[-1] == "/etc/passwd") | .filename + " " + .layer' "$WORK/execs")" = \
		$'/bin/busybox lower\n/tmp/made upper' ]
}

@test "an incoming connection belongs to the container that listens" {
	docker_up
	docker_image one
	watch "docker:$DOCKER_SOCKET"
	id=$(docker run --detach --network=host one sh -c 'while :; do echo hello | nc -l -p 47113 127.0.0.1; done')
	until [ "$(bash -c 'exec 3<>/dev/tcp/127.0.0.1/47113 && cat <&3' 2>/dev/null)" = hello ]; do sleep 0.05; done
	docker rm --force "$id" >/dev/null
	collector_stop
	verify
	records_of '.event.type == "tcp_state" and .event.sport == 47113 and .event.new_state == "ESTABLISHED"' >"$WORK/tcp"
	[ -s "$WORK/tcp" ]
	jq -e -s --arg id "docker://$id" 'all(.[]; .container_id == $id)' "$WORK/tcp"
}
