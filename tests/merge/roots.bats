#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Packages of a root of its own on the live kernel: whose file was executed, and that the same path elsewhere is another.

bats_require_minimum_version 1.5.0

load helpers

setup() {
	need_bpf
	[ -x "$STELLA_BUILD/tests/system/nothing" ] || skip "the test programs are not built"
	TREE=$BATS_TEST_TMPDIR/tree
	mkdir -p "$TREE/usr/bin" "$TREE/usr/share/data" "$TREE/var/lib/dpkg/info" "$TREE/etc"
	ln -s usr/bin "$TREE/bin"
	echo 'ID=debian' >"$TREE/etc/os-release"
	for package in one two three; do
		cp "$STELLA_BUILD/tests/system/nothing" "$TREE/usr/bin/$package"
		echo "$package" >"$TREE/usr/share/data/$package"
		printf '/.\n/usr/bin/%s\n/usr/share/data/%s\n' "$package" "$package" >"$TREE/var/lib/dpkg/info/$package.list"
		printf 'Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n' "$package" \
			>>"$TREE/var/lib/dpkg/status"
	done
}

teardown() {
	collector_end
}

verdict_of() {
	jq -r --arg name "$1" '.packages[] | select(.name == $name) | .verdict + " " + (.tier // "")' "$WORK/out"
}

@test "what ran in the root is executed, what was read is opened, the rest is not observed" {
	collector_config 'probes: [file_open, process_exec, library_load]'
	collector_start
	chroot "$TREE" /usr/bin/one
	cat "$TREE/usr/share/data/two" >/dev/null
	collector_stop
	merge --root "$TREE" --output json
	cat "$WORK/err"
	[ "$status" -eq 0 ]
	jq -e .coverage.complete "$WORK/out"
	[ "$(verdict_of one)" = "observed executed" ]
	[ "$(verdict_of two)" = "observed opened" ]
	[ "$(verdict_of three)" = "not_observed " ]
}

@test "the same path in another root is another file; a filter that hides files makes it not measured" {
	cp -r "$TREE" "$BATS_TEST_TMPDIR/other"
	collector_config 'probes: [file_open, process_exec, library_load]' 'filters: {path_denylist: ["/usr/share/**"]}'
	collector_start
	chroot "$BATS_TEST_TMPDIR/other" /usr/bin/three
	chroot "$TREE" /usr/bin/one
	collector_stop
	merge --root "$TREE" --output json
	[ "$status" -eq 0 ]
	[ "$(verdict_of one)" = "observed executed" ]
	[ "$(verdict_of three)" = "not_measured " ]
	jq -e '.packages[] | select(.name == "three") | .reasons | any(test("path_denylist left out opens of 1 of its 2 files"))' "$WORK/out"
	merge --root "$BATS_TEST_TMPDIR/other" --output json
	[ "$(verdict_of three)" = "observed executed" ]
	[ "$(verdict_of one)" = "not_measured " ]
}
