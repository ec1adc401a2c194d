#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A real image, with real traffic, under the collector: do the verdicts agree, package by package, with what strace saw and what
# dpkg, importlib.metadata, Node's require.cache and Java's log of classes say of it? truth/agree.py tells what is compared.
#
# The image is made once, in build/merge-truth; for that Debian's archive and the npm registry are needed.

bats_require_minimum_version 1.5.0

load helpers
load ../containers/engines

setup_file() {
	export IMAGE=$STELLA_BUILD/merge-truth WHY_NOT='' RUN=$BATS_FILE_TMPDIR

	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	[ -r /sys/kernel/btf/vmlinux ] || WHY_NOT="this kernel has no BTF at /sys/kernel/btf/vmlinux"
	[ "$(id -u)" = 0 ] || WHY_NOT="needs root to load BPF programs"
	command -v strace >/dev/null || WHY_NOT="strace is not installed (tools/deps merge)"
	[ -z "$WHY_NOT" ] || return 0
	image_make || return
	[ -z "$WHY_NOT" ] || return 0

	collector_config 'ring_buffer_mb: 64'
	export WORK EVIDENCE SOCKET
	collector_start
	in_root "$IMAGE/root" "$RUN" >"$RUN/start.log" 2>&1 || { cat "$RUN/start.log" >&2; return 1; }
	collector_stop
	merge --root "$IMAGE/root" --output json
}

# What cannot be had is skipped; a script that breaks is a failure.
image_make() {
	local status=0

	"$BATS_TEST_DIRNAME/truth/image" "$IMAGE" >"$RUN/image.log" 2>&1 || status=$?
	[ "$status" -ne 3 ] || WHY_NOT=$(tail -n 1 "$RUN/image.log")
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || cat "$RUN/image.log" >&2
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
}

teardown_file() {
	collector_end
	if [ -n "${TRUTH_KEEP:-}" ]; then
		cp -r "$BATS_FILE_TMPDIR/." "$TRUTH_KEEP/"
	fi
}

setup() {
	[ -z "$WHY_NOT" ] || skip "$WHY_NOT"
}

# in_root ROOT RUN: the image's own program in it, traced from its first instruction; what it writes goes nowhere.
# RUN/strace, and what the interpreters tell in RUN/told.
in_root() {
	mkdir -p "$2/told"
	chmod 1777 "$2/told"
	# shellcheck disable=SC2016,SC2046 # expanded in there; several words
	timeout 200 unshare --mount --net --pid --fork --kill-child bash -ec '
		ip link set lo up
		mount --bind "$1" "$1"
		mount -o remount,bind,ro "$1"
		mount -t proc proc "$1/proc"
		for dir in tmp run var/log var/lib/nginx; do mount -t tmpfs tmpfs "$1/$dir"; done
		mkdir "$1/var/log/nginx"
		mount --bind "$2/told" "$1/told"
		exec strace -o "$2/strace" "${@:3}" chroot "$1" /srv/start /told' in_root "$1" "$2" $(strace_options) </dev/null 3>&-
}

strace_options() {
	PYTHONDONTWRITEBYTECODE=1 python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import traced; print(*traced.OPTIONS)' \
		"$BATS_TEST_DIRNAME/../truth"
}

# in_container IMAGE-ID RUN: the same in a container of docker's, traced from the execution of the same program on.
in_container() {
	local id pid tracer

	mkdir -p "$2/told"
	chmod 1777 "$2/told"
	mkfifo "$2/told/go"
	id=$(docker create --network=none --volume "$2/told:/told" "$1" /bin/sh -c 'read -r go </told/go; exec /srv/start /told')
	docker start "$id" >/dev/null
	pid=$(docker inspect --format '{{.State.Pid}}' "$id")
	# shellcheck disable=SC2046 # several words
	strace -o "$2/strace" $(strace_options) -p "$pid" 2>"$2/strace.log" 3>&- &
	tracer=$!
	wait_for "$tracer" grep -q "^TracerPid:.*[1-9]" "/proc/$pid/status"
	echo go >"$2/told/go"
	[ "$(timeout 200 docker wait "$id")" = 0 ] || { docker logs "$id"; return 1; }
	wait "$tracer"
}

# agrees [TYPE]: the verdicts of its packages, and the truth.
agrees() {
	PYTHONDONTWRITEBYTECODE=1 "$BATS_TEST_DIRNAME/truth/agree.py" "$IMAGE/root" "$RUN/told" "$RUN/strace" "$WORK/out" "$@"
}

has_part() {
	local why

	why=$(sed -n "s/^$1 //p" "$IMAGE/missing")
	[ -z "$why" ] || skip "$why"
}

@test "the window is complete" {
	jq '.coverage | {complete, lacks, losses, gaps}' "$WORK/out"
	jq -e '.coverage.complete' "$WORK/out"
}

@test "Debian's packages" {
	agrees deb
}

@test "Python's distributions" {
	agrees pypi
}

@test "Node's packages" {
	has_part node
	agrees npm
}

@test "Java's archives" {
	agrees maven
}

@test "nothing else is said to be observed" {
	agrees
}

@test "the same of a container, by its image" {
	DOCKER_STORAGE=overlay2 docker_up
	if [ ! -e "$IMAGE/image.tar" ] || [ "$IMAGE/made" -nt "$IMAGE/image.tar" ]; then
		"$CONTAINERS_DIR/image-tar" "$IMAGE/root" truth "$IMAGE/image.tar" >/dev/null
	fi
	docker load --quiet --input "$IMAGE/image.tar" >/dev/null
	image=$(docker image inspect --format '{{.Id}}' truth)
	RUN=$BATS_TEST_TMPDIR/run
	EVIDENCE=
	collector_config 'ring_buffer_mb: 64' "containers: {engines: [\"docker:$DOCKER_SOCKET\"]}"
	collector_start
	in_container "$image" "$RUN"
	collector_stop
	merge --root "$IMAGE/root" --image "$image" --output json
	cat "$WORK/err"
	[ "$status" -eq 0 ]
	jq '.coverage | {complete, lacks, losses, gaps}' "$WORK/out"
	agrees
}

teardown() {
	collector_end
	engines_down
}
