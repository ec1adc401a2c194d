#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The program in docs/libstella.md compiles against what `make install` installs, and tells the truth.

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	export DEST="$BATS_FILE_TMPDIR/dest"
	export VERDICT="$BATS_FILE_TMPDIR/verdict"
	command -v gcc >/dev/null && command -v pkg-config >/dev/null || return 0
	make -s install DESTDIR="$DEST" PREFIX=/usr
	awk '/^```/ { inside = $0 == "```c"; next } inside' docs/libstella.md >"$VERDICT.c"
	export PKG_CONFIG_PATH="$DEST/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$DEST"
	# shellcheck disable=SC2046 # several words are wanted
	(cd "$BATS_FILE_TMPDIR" && gcc -std=c11 -Wall -Wextra -Werror -o verdict verdict.c \
		-I"$DEST/usr/include" -L"$DEST/usr/lib" $(pkg-config --cflags --libs stella))
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	[ -x "$VERDICT" ] || skip "gcc or pkg-config is not installed"
	KEY=$PWD/tests/golden/chain.pub
	CHAIN=$BATS_TEST_TMPDIR/chain
	cp -r tests/golden/chain "$CHAIN"
}

verdict() {
	LD_LIBRARY_PATH=$DEST/usr/lib run "$VERDICT" "$@"
	echo "$output"
}

@test "what a trusted key signed is sound; its head is what verify-chain says" {
	verdict "$CHAIN" "$KEY"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "sound, not complete" ]
	[[ ${lines[1]} == "3 chunks, "* ]]
	[[ $output == *"not complete: "* ]]
	head=$("${STELLA_BUILD:-build}/stella" signals verify-chain "$CHAIN" --key "$KEY" --output json | jq -r .head.sha256)
	[ "${#head}" -eq 64 ]
	[[ $output == *"head $head" ]]
}

@test "one byte changed: not sound, and which" {
	printf 'X' | dd of="$CHAIN/chunk-000002.ndjson" bs=1 seek=5 conv=notrunc status=none
	verdict "$CHAIN" "$KEY"
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "NOT SOUND, not complete" ]
	[[ $output == *"content_mismatch: "* ]]
}

@test "no key, no directory: could not find out, which is not \"not sound\"" {
	verdict "$CHAIN" "$CHAIN/chunk-000001.ndjson"
	[ "$status" -eq 1 ]
	[[ $output == "could not find out: "* ]]
	verdict "$CHAIN/no such" "$KEY"
	[ "$status" -eq 1 ]
}
