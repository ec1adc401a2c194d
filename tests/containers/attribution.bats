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

# churned ENGINE COUNT: as many short lives, and what the evidence says of them.
churned() {
	"$CONTAINERS_DIR/churn" "$1" "$2" 4 one two >"$ENGINES/truth"
	collector_stop
	verify
	jq -e '.sound' "$WORK/verify.json"
	[ "$(lost_records)" = 0 ]
	"$CONTAINERS_DIR/whose" "$ENGINES/truth" "$EVIDENCE"
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
	churned podman "${N:-20}"
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
