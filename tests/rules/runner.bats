#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# tools/test must not be fooled: each way in which a test program can fail to tell the truth counts as failed.

setup() {
	tree="$BATS_TEST_TMPDIR/a tree"
	mkdir -p "$tree/tools" "$tree/tests/rules"
	cp "$BATS_TEST_DIRNAME/../../tools/test" "$tree/tools/"
}

# says TEXT [EXIT]: a test program that prints this and ends so.
says() {
	printf '#!/bin/bash\ncat <<\\END\n%s\nEND\n%s\n' "$1" "${2:-exit 0}" >"$tree/tests/rules/run"
	chmod +x "$tree/tests/rules/run"
}

# result LAST-LINE STATUS
result() {
	run "$tree/tools/test" --no-deps rules
	echo "$output"
	[ "${lines[-1]}" = "$1" ]
	[ "$status" -eq "$2" ]
}

@test "passes are counted one by one" {
	says $'1..2\nok 1 a\nok 2 b'
	result "2 passed, 0 failed, 0 skipped" 0
}

@test "one failure is enough" {
	says $'1..2\nok 1 a\nnot ok 2 b' 'exit 1'
	result "1 passed, 1 failed, 0 skipped" 1
	[[ $output == *"FAIL rules: b"* ]]
}

@test "a program that dies in the middle has failed" {
	says $'1..3\nok 1 a\nok 2 b' 'kill -9 $$'
	result "2 passed, 1 failed, 0 skipped" 1
}

@test "a program that dies after its last test has failed" {
	says $'1..1\nok 1 a' 'kill -SEGV $$'
	result "1 passed, 1 failed, 0 skipped" 1
}

@test "a program that says nothing has failed" {
	says '' 'exit 0'
	result "0 passed, 1 failed, 0 skipped" 1
}

@test "results without a plan have failed" {
	says $'ok 1 a'
	result "1 passed, 1 failed, 0 skipped" 1
}

@test "more results than announced have failed" {
	says $'1..1\nok 1 a\nok 2 b'
	result "2 passed, 1 failed, 0 skipped" 1
}

@test "a plan of no tests is not a success" {
	says '1..0'
	result "0 passed, 0 failed, 0 skipped" 1
}

@test "a program that hangs is ended and has failed" {
	says $'1..2\nok 1 a' 'sleep 60'
	TEST_TIMEOUT=1 result "1 passed, 1 failed, 0 skipped" 1
}

@test "skips are told with their reason, as bats and as cmocka write them" {
	says $'1..3\nok 1 a # skip needs root\n# skip: no BTF here\nnot ok 2 # SKIP b\nok 3 c'
	result "1 passed, 0 failed, 2 skipped" 0
	[[ $output == *"skip rules: a: needs root"* ]]
	[[ $output == *"skip rules: b: no BTF here"* ]]
}

@test "only skips is not a success" {
	says $'1..1\nok 1 a # skip needs root'
	result "0 passed, 0 failed, 1 skipped" 1
}

@test "a suite without tests has failed" {
	result "0 passed, 1 failed, 0 skipped" 1
}

@test "an unknown suite is refused" {
	run "$tree/tools/test" --no-deps nonsense
	[ "$status" -eq 2 ]
}
