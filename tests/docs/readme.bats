#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The README keeps its word: what it names exists, under the name it gives.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

@test "its first two commands are tools/quickstart and tools/test" {
	run awk '/^```/ { inside = !inside; next } inside { print $1 }' README.md
	[ "${lines[0]}" = tools/quickstart ]
	[ "${lines[1]}" = tools/test ]
	[ -x tools/quickstart ] && [ -x tools/test ]
}

@test "every file and folder it names exists" {
	for name in $(grep -oE '(^|[` ])(tools|tests|docs|man|packaging|bpf|wire|src|include|LICENSES|\.ci)/[A-Za-z0-9_./-]*' README.md |
		tr -d '` ' | sed 's/[.,]$//' | sort -u); do
		[ -e "$name" ] || { echo "missing: $name"; return 1; }
	done
}

@test "every verb and option it shows is one of stella's" {
	while read -r _ _ verb rest; do
		build/stella signals "$verb" --help >"$BATS_TEST_TMPDIR/help" || { echo "no verb $verb"; return 1; }
		for option in $(grep -oE '(^| )--[a-z-]+' <<<"${rest%%#*}"); do
			grep -qF -e "$option" "$BATS_TEST_TMPDIR/help" || { echo "$verb has no $option"; return 1; }
		done
	done < <(grep -E '^stella signals ' README.md)
}

@test "it names every suite of tools/test" {
	for suite in $(sed -n 's/^ALL=(\(.*\))$/\1/p' tools/test) lint; do
		grep -q "\`$suite\`" README.md || { echo "not named: $suite"; return 1; }
	done
}

@test "its record is one that the collector could have written" {
	record=$(sed -n '/^{"cgroup_id"/,/}$/p' README.md | tr -d '\n' | sed 's/, *"path"/,"path"/')
	[ "$record" = "$(jq -cS . <<<"$record")" ]
	for member in ts_ns src pid comm event; do
		jq -e --arg member "$member" 'has($member)' <<<"$record"
	done
	jq -e '.event | has("path") and has("flags") and has("mode") and has("access") and .type == "file_open"' <<<"$record"
}
