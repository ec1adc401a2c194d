#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Docker and Podman asked by the daemon's own threads: what they say of containers is what was made, by question, by list
# and by event; an engine that is stopped, ended or started again is heard when it speaks.

bats_require_minimum_version 1.5.0
load engines

ASK=$STELLA_BUILD/tests/containers/ask_engines

setup() {
	engines_dir
	make -s -C "$STELLA_ROOT" "$ASK"
}

teardown() {
	[ -z "${ASKER:-}" ] || kill "$ASKER" 2>/dev/null || true
	[ -z "${REGISTRY:-}" ] || kill "$REGISTRY" 2>/dev/null || true
	engines_down
}

# asks KIND SOCKET FACTS [WORD...]: in the background, until so many facts have come; they stand in $ENGINES/facts.
asks() {
	"$ASK" "$1" "$2" "$3" 20000 "${@:4}" >"$ENGINES/facts" 2>"$ENGINES/states" 3>&- &
	ASKER=$!
	wait_for "$ASKER" grep -qx ready "$ENGINES/facts"
}

asked() {
	wait "$ASKER" || { echo "facts:"; cat "$ENGINES/facts" "$ENGINES/states"; return 1; }
	ASKER=
}

# watching KIND...: the engine tells of new containers; it hears of one that is made for that.
hears() {
	local id

	id=$("$@" --detach one true)
	grep -q "$id" "$ENGINES/facts"
}

# registry_up NAME: serves image NAME; its address: REGISTRY_AT.
registry_up() {
	local port=$ENGINES/port

	image_tar "$1" >/dev/null
	"$CONTAINERS_DIR/registry" "$ENGINES/images" "$port" 2>"$ENGINES/registry.log" 3>&- &
	REGISTRY=$!
	wait_for "$REGISTRY" test -s "$port"
	REGISTRY_AT=127.0.0.1:$(cat "$port")
}

# told LINE-BEGINNING: one fact begins so.
told() {
	grep -q "^$1" "$ENGINES/facts" || { echo "no fact '$1' in:"; cat "$ENGINES/facts"; return 1; }
}

@test "docker: asked, listed and told of, with the image's own digest and with the repository's" {
	docker_up
	config=$(docker_image one)
	a=$(docker_run --detach --name front --label tier=web --label secret=yes --label io.kubernetes.pod.name=p \
		--label io.kubernetes.pod.namespace=ns --label io.kubernetes.pod.uid=u-1 one sleep 1000)
	asks docker "$DOCKER_SOCKET" 1 -l tier -l absent "$a"
	asked
	told "docker $a digest=$config (config) reference=one name=front pod=ns/p/u-1 tier=web socket=0 owner=0$"

	registry_up two
	docker pull --quiet "$REGISTRY_AT/two:1"
	# What was there is listed, and what comes is told.
	asks docker "$DOCKER_SOCKET" 1000
	wait_for "$ASKER" grep -q "^docker $a " "$ENGINES/facts"
	wait_for "$ASKER" hears docker_run --rm
	b=$(docker_run --detach "$REGISTRY_AT/two:1" sleep 1000)
	wait_for "$ASKER" grep -q "$b" "$ENGINES/facts"
	told "docker $b digest=$(cat "$ENGINES/images/two.manifest") reference=$REGISTRY_AT/two:1 "
	kill "$ASKER"
	# Its name is taken from the image: its own digest is what remains.
	docker rmi --force "$REGISTRY_AT/two:1" >/dev/null
	asks docker "$DOCKER_SOCKET" 1 "$b"
	asked
	told "docker $b digest=$(cat "$ENGINES/images/two.config") (config) reference=- "
}

@test "podman: asked, listed and told of, by the repository's digest; a plain directory has none" {
	podman_up
	podman_image one
	a=$(podman_run --detach --name front --label tier=web one sleep 1000)
	b=$(podman_run --detach --name plain --rootfs "$ENGINES/images/one" /bin/sleep 1000)
	asks podman "$PODMAN_SOCKET" 2 -l tier "$a" "$b"
	asked
	told "podman $a digest=$(cat "$ENGINES/images/one.manifest") reference=[^ ]*one:latest name=front pod=-/-/- tier=web "
	told "podman $b digest=- reference=- name=plain "

	registry_up two
	pod pull --quiet --tls-verify=false --signature-policy "$ENGINES/podman/policy.json" "$REGISTRY_AT/two:1"
	asks podman "$PODMAN_SOCKET" 1000
	wait_for "$ASKER" grep -q "^podman $a " "$ENGINES/facts"
	wait_for "$ASKER" hears podman_run
	c=$(podman_run --detach "$REGISTRY_AT/two:1" sleep 1000)
	wait_for "$ASKER" grep -q "$c" "$ENGINES/facts"
	told "podman $c digest=$(cat "$ENGINES/images/two.manifest") reference=$REGISTRY_AT/two:1 "
}

@test "the well-known places: docker and podman found by themselves, each container told once" {
	docker_up
	docker_image one
	podman_up
	podman_image one
	mkdir -p "$ENGINES/root/run/podman"
	ln -s "$DOCKER_SOCKET" "$ENGINES/root/run/docker.sock"
	ln -s "$PODMAN_SOCKET" "$ENGINES/root/run/podman/podman.sock"
	a=$(docker_run --detach one sleep 1000)
	b=$(podman_run --detach one sleep 1000)
	asks any "$ENGINES/root" 2 "$a" "$b"
	asked
	told "docker $a digest=$(cat "$ENGINES/images/one.config") (config) "
	told "podman $b digest=$(cat "$ENGINES/images/one.manifest") "
}

@test "an engine stopped (SIGSTOP), ended and started again: the answer comes when it can" {
	docker_up
	docker_image one
	a=$(docker_run --detach one sleep 1000)
	kill -STOP "$(daemon_pid docker)"
	asks docker "$DOCKER_SOCKET" 1 "$a"
	sleep 2.5
	run ! grep "$a" "$ENGINES/facts"
	kill -CONT "$(daemon_pid docker)"
	asked
	told "docker $a "
	asks docker "$DOCKER_SOCKET" 2
	wait_for "$ASKER" grep -q "^docker $a " "$ENGINES/facts"
	engine_stop docker
	docker_up
	b=$(docker_run --detach one sleep 1000)
	wait_for "$ASKER" grep -q "^docker $b " "$ENGINES/facts"
}

@test "churn: of short containers told of by docker as they come, the answers hold, and most of them come" {
	docker_up
	docker_image one
	asks docker "$DOCKER_SOCKET" 1000
	wait_for "$ASKER" hears docker_run --rm
	"$CONTAINERS_DIR/churn" docker 40 4 one >"$ENGINES/truth" 2>/dev/null
	sleep 0.5
	kill "$ASKER"
	known=0
	while read -r id config; do
		grep -q "^docker $id " "$ENGINES/facts" || continue
		told "docker $id digest=$config (config) "
		known=$((known + 1))
	done < <(jq -r '.container + " " + .config' "$ENGINES/truth")
	echo "# docker: $known of 40 short containers known by their events alone" >&3
	((known >= 20))
}
