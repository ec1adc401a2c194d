#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A real image, with real traffic, under the collector: do the verdicts agree, package by package, with what strace saw and what
# dpkg, importlib.metadata, Node's require.cache and Java's log of classes say of it? truth/agree.py tells what is compared.
#
# The image is made once, in build/merge-truth; for that Debian's archive and the npm registry are needed.

bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	export IMAGE=$STELLA_BUILD/merge-truth WHY_NOT='' RUN=$BATS_FILE_TMPDIR

	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	[ "$(id -u)" = 0 ] && [ -r /sys/kernel/btf/vmlinux ] || { WHY_NOT="needs root and a kernel that describes its types"; return 0; }
	command -v strace >/dev/null || { WHY_NOT="strace is not installed"; return 0; }
	WHY_NOT=$("$BATS_TEST_DIRNAME/truth/image" "$IMAGE" 2>&1 >/dev/null) && WHY_NOT='' || return 0

	collector_config 'ring_buffer_mb: 64'
	export WORK EVIDENCE SOCKET
	collector_start
	in_root "$IMAGE/root" "$RUN" >"$RUN/start.log" 2>&1 || { cat "$RUN/start.log" >&2; return 1; }
	collector_stop
	merge --root "$IMAGE/root" --output json
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
	timeout 200 unshare --mount --net --pid --fork --kill-child bash -ec '
		ip link set lo up
		mount --bind "$1" "$1"
		mount -o remount,bind,ro "$1"
		mount -t proc proc "$1/proc"
		for dir in tmp run var/log var/lib/nginx; do mount -t tmpfs tmpfs "$1/$dir"; done
		mkdir "$1/var/log/nginx"
		mount --bind "$2/told" "$1/told"
		options=($(PYTHONDONTWRITEBYTECODE=1 python3 -c \
			"import sys; sys.path.insert(0, sys.argv[1]); import traced; print(*traced.OPTIONS)" "$3"))
		exec strace -o "$2/strace" "${options[@]}" chroot "$1" /srv/start /told' in_root "$1" "$2" "$BATS_TEST_DIRNAME/../truth" \
		</dev/null 3>&-
}

# agrees TYPE: the verdicts of its packages, and the truth.
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
