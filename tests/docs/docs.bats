#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The pages keep their word: examples run, links lead somewhere, tables say what the code says. Examples run in a
# folder of their own, with the host's folders moved into it.

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	cd "$ROOT" || return 1
	: "${STELLA_BUILD:=$ROOT/build}"
	export STELLA_BUILD
	EXAMPLES=$BATS_TEST_DIRNAME/examples.py
}

# nothing COMMAND...: it has nothing to complain about, and no failure of its own.
nothing() {
	run "$@"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

# run_pages [root]: the examples of each page, page by page, each in a sandbox of its own. Short: a socket lies in it.
run_pages() {
	local page status
	RAN=0
	while read -r page; do
		SANDBOX=$(mktemp -d /tmp/stella-docs.XXXXXX)
		mkdir -p "$SANDBOX"/{var/lib,etc,run,here}
		python3 "$EXAMPLES" script "$page" "$SANDBOX" "$@" >"$SANDBOX/script"
		RAN=$((RAN + $(grep -c '^echo .---' "$SANDBOX/script" || true)))
		mkdir -p "$SANDBOX/etc/stella"
		cat >"$SANDBOX/etc/stella/stellaops.yaml" <<-END
			signals:
			  output_directory: $SANDBOX/var/lib/stella/evidence
			  state_directory: $SANDBOX/var/lib/stella
			  control_socket: $SANDBOX/run/stella/signals.sock
		END
		status=0
		(cd "$SANDBOX/here" && PATH=$STELLA_BUILD:$PATH STELLA_CONFIG=$SANDBOX/etc/stella/stellaops.yaml \
			STELLA_SOCKET=$SANDBOX/run/stella/signals.sock STELLA_TRUST_ROOTS=$SANDBOX/var/lib/stella/trust \
			timeout 40 bash "$SANDBOX/script" 3>&- </dev/null >"$SANDBOX/out" 2>&1) || status=$?
		"$STELLA_BUILD/stella" signals stop --socket "$SANDBOX/run/stella/signals.sock" >/dev/null 2>&1 || true
		if [ "$status" != 0 ]; then
			echo "$page: exit status $status"
			tail -n 20 "$SANDBOX/out"
			rm -rf "$SANDBOX"
			return 1
		fi
		rm -rf "$SANDBOX"
	done < <(python3 "$EXAMPLES" pages)
}

@test "every block of code says what it is, and whether it is run" {
	nothing python3 "$EXAMPLES" marks
}

@test "links lead to pages and headings that are there, and the index knows each page" {
	nothing python3 "$EXAMPLES" links
}

@test "tables that come from the code are what the code says" {
	command -v gcc >/dev/null || skip "gcc is not installed"
	nothing tools/doc-tables --check
}

@test "a table that is out of date is found" {
	command -v gcc >/dev/null || skip "gcc is not installed"
	mkdir -p "$BATS_TEST_TMPDIR/tree/tests"
	cp -r docs wire src include tools "$BATS_TEST_TMPDIR/tree/"
	cp -r tests/vm "$BATS_TEST_TMPDIR/tree/tests/"
	sed -i 's/disk_full/disk_brimful/' "$BATS_TEST_TMPDIR/tree/wire/kinds.h"
	run "$BATS_TEST_TMPDIR/tree/tools/doc-tables" --check
	[ "$status" -eq 1 ]
	[[ $output == *operator-runbook* ]]
	[[ $output == *evidence-schema* ]]
}

@test "the probe reference has a row or a heading for each src" {
	while read -r src; do
		grep -qF "\`$src\`" docs/probe-reference.md || { echo "not there: $src"; return 1; }
	done < <(sed -n 's/.*source([A-Z0-9_]*, "\([a-z_0-9:]*\)".*/\1/p' wire/kinds.h)
}

@test "each blind spot that stands in seals is explained, and no other" {
	nothing python3 "$EXAMPLES" blind
}

@test "the messages in the runbook are those of the code" {
	nothing python3 "$EXAMPLES" messages
}

@test "each schema's page explains every member of it" {
	for schema in docs/schemas/*.json; do
		page=docs/evidence-schema.md
		[[ $schema != */function-map-* ]] || page=docs/function-map.md
		[ "$(jq '[.. | objects | select(has("properties"))] | length' "$schema")" -gt 0 ]
		for member in $(jq -r '[.. | objects | select(has("properties")) | .properties | keys[]] | unique[]' "$schema"); do
			grep -qE "\`[^\`]*\b$member\b" "$page" || { echo "$schema: $member is not explained"; return 1; }
		done
	done
}

@test "the finding codes are those of the code" {
	told=$(sed -n 's/^| `\([a-z_]*\)` |.*/\1/p' docs/verify-chain.md | sort)
	code=$(sed -n 's/^.finding([A-Z_]*, \([a-z_]*\)).*/\1/p' include/stella/verify.h | sort)
	[ -n "$code" ]
	diff <(echo "$told") <(echo "$code")
}

@test "what the control socket answers is what its page says" {
	for verb in status stats health rotate stop; do
		grep -q "\"$verb\"" src/daemon/report.c
		grep -q "^| \`$verb\` |" docs/control-socket.md
	done
}

@test "each member that the control socket answers is on its page" {
	[ "$(id -u)" = 0 ] || skip "needs root to load BPF programs"
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF at /sys/kernel/btf/vmlinux"
	printf 'signals: {output_directory: "%s/e", state_directory: "%s/s", control_socket: "%s/c"}\n' \
		"$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/y"
	"$STELLA_BUILD/stella" signals start --config "$BATS_TEST_TMPDIR/y" --quiet 3>&-
	for verb in status stats health stop; do
		"$STELLA_BUILD/stella" signals "$verb" --socket "$BATS_TEST_TMPDIR/c" --output json >"$BATS_TEST_TMPDIR/$verb" ||
			[ "$verb" = health ] # a busy machine may have cost a record: degraded is an answer, too
	done
	for verb in status stats health stop; do
		jq -r '[paths | map(strings) | last] | unique[]' "$BATS_TEST_TMPDIR/$verb" >"$BATS_TEST_TMPDIR/members"
		[ -s "$BATS_TEST_TMPDIR/members" ]
		while read -r member; do
			grep -qE "\`[^\`]*\b$member\b" docs/control-socket.md || { echo "$verb: $member"; return 1; }
		done <"$BATS_TEST_TMPDIR/members"
	done
}

@test "examples that need no root run" {
	run_pages
	[ "$RAN" -ge 2 ]
}

@test "examples on the live kernel run" {
	[ "$(id -u)" = 0 ] || skip "needs root to load BPF programs"
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF at /sys/kernel/btf/vmlinux"
	run_pages root
	[ "$RAN" -ge 5 ]
}
