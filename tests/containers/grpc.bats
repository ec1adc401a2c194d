#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Our drivers for containerd's own services and for CRI, against a real containerd: what they say of containers is what
# was made, and an engine that hangs or is gone does not hold them up.

bats_require_minimum_version 1.5.0
load engines

setup() {
	engines_dir
	make -s -C "$STELLA_ROOT" build/tests/containers/driver_ask build/tests/containers/ask_engines
}

teardown() {
	unwatch
	engines_down
}

# driver WORD...: of the containerd that is up.
driver() {
	local kind=$1

	shift
	"$STELLA_ROOT/build/tests/containers/driver_ask" "$kind" "$CONTAINERD_ADDRESS" "$@"
}

# watch DRIVER: in the background; ids come to $ENGINES/watched. Ends with unwatch: its status is WATCHED.
watch() {
	mkfifo "$ENGINES/hold"
	driver "$1" watch >"$ENGINES/watched" 2>"$ENGINES/watch.err" <"$ENGINES/hold" 3>&- &
	WATCHER=$!
	exec 7>"$ENGINES/hold"
}

unwatch() {
	[ -n "${WATCHER:-}" ] || return 0
	exec 7>&-
	WATCHED=0
	wait "$WATCHER" || WATCHED=$?
	WATCHER=
}

# Is the watcher subscribed? It hears of a container that is made for that.
watcher_hears() {
	local id

	id=$(new_id)
	ctr containers create --snapshotter "$CONTAINERD_SNAPSHOTTER" docker.io/library/one:latest "$id" true >/dev/null
	ctr containers rm "$id"
	grep -q "$id" "$ENGINES/watched"
}

# said WORDS FILE: that very line.
said() {
	grep -qxF "$1" "$2" || { echo "no line '$1' in:"; cat "$2"; return 1; }
}

@test "containerd: asked, listed and watched; other ids and other namespaces told apart" {
	containerd_up
	digest=$(containerd_image one)
	ctr namespaces create other
	containerd_image one other
	driver containerd list >"$ENGINES/none"
	[ ! -s "$ENGINES/none" ]
	watch containerd
	wait_for "$WATCHER" watcher_hears
	a=$(new_id) b=$(new_id)
	CTR_OPTIONS="--label app=web --label secret=yes --label nerdctl/name=front" ctr_start one "$a" sleep 1000
	CONTAINERD_NAMESPACE=other ctr_start one "$b" sleep 1000
	ctr_start one no-hex sleep 1000

	driver containerd ask "$a" app absent >"$ENGINES/a"
	said "id $a" "$ENGINES/a"
	said "runtime containerd" "$ENGINES/a"
	said "image_digest $digest" "$ENGINES/a"
	said "image_reference docker.io/library/one:latest" "$ENGINES/a"
	said "name front" "$ENGINES/a"
	said "label app=web" "$ENGINES/a"
	[ "$(grep -c ^label "$ENGINES/a")" = 1 ]
	driver containerd ask "$b" | grep -qx "image_digest $digest"
	run -4 driver containerd ask "$(new_id)"

	[ "$(driver containerd list | sort)" = "$(printf '%s\n' "$a" "$b" | sort)" ]
	for id in "$a" "$b"; do
		wait_for "$WATCHER" grep -q "$id" "$ENGINES/watched"
	done
	unwatch
	[ "$WATCHED" = 0 ]
	run ! grep -vxE '[0-9a-f]{64}' "$ENGINES/watched"
	# An id that two namespaces have is nobody's.
	CONTAINERD_NAMESPACE=other ctr containers create --snapshotter "$CONTAINERD_SNAPSHOTTER" \
		docker.io/library/one:latest "$a" true >/dev/null
	run -1 driver containerd ask "$a"
	[[ $output == *"two namespaces"* ]]
}

@test "containerd: a name that was moved to another image tells no digest of what ran before" {
	containerd_up
	digest=$(containerd_image one)
	a=$(new_id) b=$(new_id)
	ctr_start one "$a" sleep 1000
	driver containerd ask "$a" | grep -qx "image_digest $digest"
	containerd_image two
	ctr images tag --force docker.io/library/two:latest docker.io/library/one:latest
	driver containerd ask "$a" >"$ENGINES/a"
	said "image_reference docker.io/library/one:latest" "$ENGINES/a"
	run ! grep digest "$ENGINES/a"
	ctr_start one "$b" sleep 1000
	driver containerd ask "$b" | grep -qx "image_digest $(cat "$ENGINES/images/two.manifest")"
	ctr images rm docker.io/library/one:latest
	driver containerd ask "$b" >"$ENGINES/b"
	said "id $b" "$ENGINES/b"
	run ! grep digest "$ENGINES/b"
}

@test "CRI: pod, name and image of its containers, and of the sandbox its pod" {
	cri_up
	cri_image one
	uid=0d5a8cf2-77c4-4ae6-9e4e-3f1c26f2d0aa
	ids=$(cri_run web shop $uid one /kubepods/burstable/pod$uid app=front -- /bin/sleep 1000)
	pod=${ids% *} container=${ids#* }

	driver cri ask "$container" app >"$ENGINES/container"
	said "id $container" "$ENGINES/container"
	said "runtime containerd" "$ENGINES/container"
	said "config_digest $(cat "$ENGINES/images/one.config")" "$ENGINES/container"
	said "image_reference docker.io/library/one:latest" "$ENGINES/container"
	said "pod web" "$ENGINES/container"
	said "pod_namespace shop" "$ENGINES/container"
	said "pod_uid $uid" "$ENGINES/container"
	said "label app=front" "$ENGINES/container"
	driver cri ask "$pod" >"$ENGINES/pod"
	said "id $pod" "$ENGINES/pod"
	said "pod web" "$ENGINES/pod"
	run ! grep digest "$ENGINES/pod"
	[ "$(driver cri list | sort)" = "$(printf '%s\n' "$pod" "$container" | sort)" ]
	run -4 driver cri ask "$(new_id)"

	# containerd itself knows the same container, and its image by the repository's digest.
	driver containerd ask "$container" >"$ENGINES/same"
	said "runtime containerd" "$ENGINES/same"
	run ! grep config_digest "$ENGINES/same"

	# With a name that has a digest, as a pulled image has, the repository's digest is known.
	manifest=$(cat "$ENGINES/images/one.manifest")
	ctr -n k8s.io images tag docker.io/library/one:latest "docker.io/library/one@$manifest"
	repository_known() {
		driver cri ask "$container" | grep -qx "image_digest $manifest"
	}
	wait_for '' repository_known

	# 1.6 has no stream of events; later ones have.
	watch cri
	sleep 0.3
	unwatch
	[ "$WATCHED" = 0 ] || [ "$WATCHED" = 4 ]
	# Nothing that we ask makes it complain.
	run ! grep -E 'level=error.*(ContainerStatus|PodSandboxStatus|ListContainers|ListPodSandbox|ImageStatus)' "$ENGINES/containerd/log"
}

@test "an engine that is stopped answers late, one that is gone not at all: both are said in time" {
	containerd_up
	containerd_image one
	a=$(new_id)
	ctr_start one "$a" sleep 1000
	kill -STOP "$(daemon_pid containerd)"
	start=$SECONDS
	for kind in containerd cri; do
		run -1 driver $kind ask "$a"
		[[ $output == *"no answer in time"* ]]
	done
	((SECONDS - start <= 6))
	kill -CONT "$(daemon_pid containerd)"
	driver containerd ask "$a" | grep -qx "id $a"
	watch containerd
	wait_for "$WATCHER" watcher_hears
	engine_stop containerd
	unwatch
	[ "$WATCHED" = 1 ]
	run -1 driver containerd ask "$a"
	[[ $output == *refused* || $output == *"No such file"* ]]
}

@test "through the daemon's own threads: containers from before, and those that come" {
	containerd_up
	digest=$(containerd_image one)
	a=$(new_id) b=$(new_id)
	ctr_start one "$a" sleep 1000
	"$STELLA_ROOT/build/tests/containers/ask_engines" containerd "$CONTAINERD_ADDRESS" 2 15000 >"$ENGINES/facts" 3>&- &
	asker=$!
	wait_for "$asker" grep -q "^containerd $a digest=$digest " "$ENGINES/facts"
	ctr_start one "$b" sleep 1000
	wait "$asker"
	grep -q "^containerd $b digest=$digest " "$ENGINES/facts"
}
