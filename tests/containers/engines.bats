#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The ground that the other tests of this folder stand on: each engine starts here, its containers are where
# engines.bash says, and nothing is left of it; churn tells the truth, and fake-engine lies as it says.

bats_require_minimum_version 1.5.0
load engines

setup() {
	engines_dir
}

teardown() {
	engines_down
}

# Says what the container's own /proc/self/cgroup (stdin) holds, a line for each different path: seen ENGINE.
seen() {
	awk -F: -v engine="$1" '{ name = $2 == "" ? "cgroup2" : $2; sub(/^name=/, "", name)
		which[$3] = which[$3] (which[$3] == "" ? "" : ",") name }
		END { for (path in which) printf "# %s: %s in %s\n", engine, path, which[path] }' | tee /dev/fd/3 | sort
}

# The hierarchies that a container must be in: those mounted here that are not cgroup2.
v1_hierarchies() {
	awk -F: '$2 != ""' /proc/self/cgroup | wc -l
}

# in_all_v1 PATH FILE: a container was at the path in every v1 hierarchy. On cgroup2 alone: in that.
in_all() {
	local wanted

	wanted=$(v1_hierarchies)
	[ "$wanted" != 0 ] || wanted=1
	[ "$(grep -c ":$1\$" "$2")" -ge "$wanted" ] || { echo "not $wanted times $1 in:"; cat "$2"; return 1; }
}

down_and_gone() {
	engines_down
	run engines_left
	[ "$status" = 0 ] || { echo "left: $output"; return 1; }
}

@test "docker: image id is the config's digest, containers are /docker/ID, nothing is left" {
	docker_up
	[ "$(docker_image one)" = "$(cat "$ENGINES/images/one.config")" ]
	for i in 1 2 3; do
		docker_run --cgroupns=host --cidfile "$ENGINES/id$i" one cat /proc/self/cgroup >"$ENGINES/cgroup$i"
		in_all "/docker/$(cat "$ENGINES/id$i")" "$ENGINES/cgroup$i"
	done
	seen docker <"$ENGINES/cgroup1"
	[ "$(docker inspect --format '{{.Image}} {{.State.ExitCode}}' "$(cat "$ENGINES/id1")")" = \
		"$(cat "$ENGINES/images/one.config") 0" ]
	down_and_gone
}

@test "docker: a pulled image has a repository digest, which is the manifest's" {
	docker_up
	ref=$(docker_pulled one)
	docker image inspect "$ref" | jq -e --arg manifest "$(cat "$ENGINES/images/one.manifest")" \
		--arg config "$(cat "$ENGINES/images/one.config")" \
		'.[0] | .Id == $config and (.RepoDigests | length == 1 and (.[0] | endswith("/one@" + $manifest)))'
	docker_run --rm "$ref" true
	down_and_gone
}

@test "docker on overlay2: the same image, in layers" {
	DOCKER_STORAGE=overlay2 docker_up
	docker_image one
	docker_run --rm one cat /proc/self/mountinfo | grep -E ' / / .* overlay '
	down_and_gone
}

@test "podman: image id is the config's digest, containers are /libpod_parent/libpod-ID, its API answers" {
	podman_up
	[ "$(podman_image one)" = "$(cat "$ENGINES/images/one.config")" ]
	[[ $(pod image inspect --format '{{.RepoDigests}}' one) == *"one@$(cat "$ENGINES/images/one.manifest")]" ]]
	for i in 1 2 3; do
		podman_run --cgroupns=host --cidfile "$ENGINES/id$i" one cat /proc/self/cgroup >"$ENGINES/cgroup$i"
		in_all "/libpod_parent/libpod-$(cat "$ENGINES/id$i")" "$ENGINES/cgroup$i"
	done
	seen podman <"$ENGINES/cgroup1"
	curl -sS --unix-socket "$PODMAN_SOCKET" "http://podman/containers/$(cat "$ENGINES/id1")/json" |
		jq -e '.State.ExitCode == 0'
	down_and_gone
}

@test "containerd: target is the manifest's digest, ctr's containers are /NAMESPACE/ID" {
	containerd_up
	[ "$(containerd_image one)" = "$(ctr images list | awk '$1 == "docker.io/library/one:latest" { print $3 }')" ]
	for i in 1 2 3; do
		id=$(new_id)
		ctr_run one "$id" cat /proc/self/cgroup >"$ENGINES/cgroup$i"
		in_all "/default/$id" "$ENGINES/cgroup$i"
	done
	seen ctr <"$ENGINES/cgroup1"
	down_and_gone
}

@test "CRI: a pod's containers are CGROUP-PARENT/ID" {
	cri_up
	[ "$(cri_image one)" = "$(cat "$ENGINES/images/one.config")" ]
	uid=0d5a8cf2-77c4-4ae6-9e4e-3f1c26f2d0aa
	parent=/kubepods/burstable/pod$uid
	ids=$(cri_run web shop $uid one $parent app=front -- /bin/cat /proc/self/cgroup)
	pod=${ids% *}
	for i in 1 2; do
		ids+=" $(cri add "$pod" web shop $uid docker.io/library/one:latest $parent "$ENGINES/containerd/logs" -- /bin/true |
			cut -d' ' -f2)"
	done
	for id in ${ids#* }; do
		cri wait "$id"
	done
	cri_logs >"$ENGINES/cgroup1"
	first=${ids#* }
	in_all "$parent/${first%% *}" "$ENGINES/cgroup1"
	seen CRI <"$ENGINES/cgroup1"
	[ -n "$(cgroup_dirs "$pod")" ]
	cri status "${first%% *}" | jq -e --arg id "$(cat "$ENGINES/images/one.config")" '.state == "exited" and .image_ref == $id'
	down_and_gone
	[ -z "$(find /sys/fs/cgroup -type d -name "pod$uid")" ]
}

@test "runc alone: a container by any cgroup name, as the systemd driver's" {
	for i in 1 2 3; do
		id=$(new_id)
		path=/system.slice/stella-test-$i.slice/docker-$id.scope
		runc_at "$path" "c$i" one cat /proc/self/cgroup >"$ENGINES/cgroup$i"
		in_all "$path" "$ENGINES/cgroup$i"
	done
	seen runc <"$ENGINES/cgroup1"
	run runc_at "relative" c4 one true
	[ "$status" = 1 ]
	down_and_gone
	[ -z "$(find /sys/fs/cgroup -type d -name 'stella-test-*')" ]
}

@test "with only cgroup2 in sight: docker, podman and ctr put containers there and nowhere else" {
	world_up v2
	docker_up
	podman_up
	containerd_up
	docker_image one
	podman_image one
	containerd_image one
	id=$(new_id)
	docker_run --rm --cgroupns=host one cat /proc/self/cgroup >"$ENGINES/docker.cgroup"
	podman_run --rm --cgroupns=host one cat /proc/self/cgroup >"$ENGINES/podman.cgroup"
	ctr_run one "$id" cat /proc/self/cgroup >"$ENGINES/ctr.cgroup"
	for engine in docker podman ctr; do
		seen "$engine, cgroup2 only" <"$ENGINES/$engine.cgroup"
	done
	grep -E '^0::/docker/[0-9a-f]{64}$' "$ENGINES/docker.cgroup"
	grep -E '^0::/libpod_parent/libpod-[0-9a-f]{64}$' "$ENGINES/podman.cgroup"
	grep -E "^0::/default/$id\$" "$ENGINES/ctr.cgroup"
	[ -z "$(grep -hv '^0::' "$ENGINES"/*.cgroup | grep -E '[0-9a-f]{64}')" ]
	# Without a word about namespaces it has one of its own, and sees itself at the root.
	[ "$(docker_run --rm one cat /proc/self/cgroup | grep '^0::')" = 0::/ ]
	down_and_gone
	[ -z "$(find /sys/fs/cgroup -name 'stella-world-*')" ]
	run ! grep '^0::/init' /proc/self/cgroup # where podman would have moved all of us
}

@test "with only v1 in sight: docker makes no cgroup in cgroup2" {
	world_up v1
	docker_up
	docker_image one
	docker_run --rm one cat /proc/self/cgroup >"$ENGINES/cgroup1"
	seen "docker, v1 only" <"$ENGINES/cgroup1"
	grep -E '^[1-9].*:/docker/[0-9a-f]{64}$' "$ENGINES/cgroup1"
	run ! grep '^0::/docker' "$ENGINES/cgroup1"
	down_and_gone
}

@test "a test that ends in the middle: running, paused and half made containers go with their engines" {
	docker_up
	podman_up
	containerd_up
	docker_image one
	podman_image one
	containerd_image one
	paused=$(docker_run --detach one sleep 1000)
	docker pause "$paused"
	podman_run --detach one sleep 1000
	ctr_start one "$(new_id)" sleep 1000
	# The shims go on without their engines.
	kill -KILL "$(daemon_pid docker)"
	kill -STOP "$(daemon_pid containerd)"
	run engines_left
	[ "$status" = 1 ]
	down_and_gone
}

@test "an engine stopped and started again finds its containers" {
	docker_up
	docker_image one
	id=$(docker_run --detach --stop-signal KILL one sleep 1000)
	engine_stop docker
	run ! docker version
	docker_up
	[ "$(docker inspect --format '{{.State.Running}}' "$id")" = false ]
	down_and_gone
}

# churns ENGINE: a few containers of two images, and a truth that the engine does not contradict.
churns() {
	"$CONTAINERS_DIR/churn" "$1" 6 2 one two >"$ENGINES/truth" 2>"$ENGINES/churn" || { cat "$ENGINES/churn"; return 1; }
	jq -se 'length == 6 and (map(.container) | unique | length == 6) and (map(.opens[], .execs[]) | unique | length == 12)
		and (map(.config) | unique | length == 2) and all(.container | test("^[0-9a-f]{64}$")) and all(.from_ns < .to_ns)' \
		"$ENGINES/truth"
	sed 's/^/# /' "$ENGINES/churn" >&3
}

@test "churn: short containers by docker's API, podman's and ctr, and who they were" {
	docker_up
	docker_image one
	docker_image two
	churns docker
	[ -z "$(docker ps --all --quiet)" ]
	podman_up
	podman_image one
	podman_image two
	churns podman
	[ -z "$(pod ps --all --quiet)" ]
	containerd_up
	containerd_image one
	containerd_image two
	churns ctr
	[ -z "$(ctr containers list --quiet)" ]
	churns runc
	down_and_gone
}

# ask PATH: what the fake engine says within a second; curl's exit status.
ask() {
	curl --silent --show-error --max-time 1 --unix-socket "$FAKE/s" "http://fake$1"
}

# fake MODE: one that lies that way.
fake() {
	rm -f "$FAKE/s" "$FAKE/log"
	"$CONTAINERS_DIR/fake-engine" "$FAKE/s" "$1" "$ID" "$DIGEST" "$FAKE/log" 2>"$FAKE/err" 3>&- &
	LIAR=$!
	wait_for "$LIAR" test -S "$FAKE/s"
}

@test "fake-engine: each lie is the lie it is called" {
	FAKE=$BATS_TEST_TMPDIR
	ID=$(new_id)
	DIGEST=sha256:$(new_id)

	fake honest
	ask "/v1.40/containers/$ID/json" | jq -e --arg id "$ID" --arg digest "$DIGEST" '.Id == $id and .Image == $digest'
	ask "/v4.0.0/libpod/images/json" | jq -e --arg digest "$DIGEST" '.[0].RepoDigests == ["docker.io/library/fake@" + $digest]'
	run ask /events
	[ "$status" = 28 ]
	[[ $output == *"\"id\": \"$ID\""* ]]
	[ "$(grep -c '^GET /' "$FAKE/log")" = 3 ]
	kill $LIAR

	fake noise
	run ask /containers/json
	[ "$status" != 0 ]
	kill $LIAR

	fake garbage
	ask /containers/json >"$FAKE/body"
	run ! jq . "$FAKE/body"
	kill $LIAR

	fake nonsense
	ask /containers/json | jq -e '.[0].Id | type == "array"'
	kill $LIAR

	fake endless:/containers
	ask /version | jq -e .ApiVersion
	[ "$(ask /containers/json | head -c 20000000 | wc -c)" = 20000000 ]
	kill $LIAR

	for mode in hang slow; do
		fake $mode
		run ask "/containers/$ID/json"
		[ "$status" = 28 ]
		kill $LIAR
	done

	fake wrong-digest-form
	for i in 1 2 3 4 5 6 7 8; do
		ask "/containers/$ID/json" | jq -e '(.Image | type != "string") or (.Image | test("^sha256:[0-9a-f]{64}\\z") | not)'
	done
	kill $LIAR

	fake wrong-id
	ask "/containers/$ID/json" | jq -e --arg id "$ID" '.Id != $id and (.Image | test("^sha256:[0-9a-f]{64}$"))'
	kill $LIAR

	fake huge-labels
	[ "$(curl -s --unix-socket "$FAKE/s" "http://fake/containers/$ID/json" | head -c 90000000 | wc -c)" = 90000000 ]
	kill $LIAR

	fake closes
	run ask "/containers/$ID/json"
	[ "$status" = 18 ]
	kill $LIAR

	fake refuses
	[ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$FAKE/s" "http://fake/containers/json")" = 500 ]
	kill $LIAR

	run "$CONTAINERS_DIR/fake-engine" "$FAKE/s" nosuch "$ID" "$DIGEST"
	[ "$status" = 1 ]
}
