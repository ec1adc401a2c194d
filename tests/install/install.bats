#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What `make install` puts where, and that a stranger's program needs nothing but that.

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	# A place with a space in its name, as packagers have none and users do.
	export DEST="$BATS_FILE_TMPDIR/dest dir"
	make -s install DESTDIR="$DEST" PREFIX=/usr
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	lib="$DEST/usr/lib"
	chain="$BATS_TEST_TMPDIR/chain"
	mkdir "$chain"
	printf '{}\n' >"$chain/chunk-000001.ndjson"
	export PKG_CONFIG_PATH="$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$DEST"
}

# consumer COMPILER ARGUMENT...: builds the program in a folder where none of our sources is.
consumer() {
	cp tests/install/consumer.c "$BATS_TEST_TMPDIR/"
	(cd "$BATS_TEST_TMPDIR" && "$1" -Wall -Wextra -Werror -I"$DEST/usr/include" -o consumer "${@:2}")
}

runs_and_refuses() {
	LD_LIBRARY_PATH="$lib" run "$BATS_TEST_TMPDIR/consumer" "$chain"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'"sound":false'* ]]
	[[ $output == *'"unsigned_chunk"'* ]]
}

@test "programs, library, headers, unit and licence are installed, and nothing else of ours" {
	for file in bin/stella bin/stella-signalsd lib/libstella.a lib/pkgconfig/stella.pc include/stella/verify.h \
		share/man/man1/stella.1 share/man/man8/stella-signalsd.8 share/man/man5/stellaops.yaml.5 \
		lib/systemd/system/stellaops-signals.service share/doc/stella-signals/LICENSE; do
		[ -s "$DEST/usr/$file" ] || { echo "missing: $file"; return 1; }
	done
	[ "$(readlink "$lib/libstella.so")" = libstella.so.0 ]
	run find "$DEST/usr/include" -type f -not -path '*/include/stella/*'
	[ -z "$output" ]
	run grep -r '@[A-Z]*@' "$DEST/usr/lib/systemd" "$lib/pkgconfig"
	[ "$status" -eq 1 ]
}

@test "the installed stella runs and tells its version" {
	run "$DEST/usr/bin/stella" --version
	[ "$status" -eq 0 ]
	[[ $output == *"$(pkg-config --modversion stella)"* ]]
}

@test "stella asks the loader for no libbpf, no libcurl and no libxml2" {
	run readelf -d "$DEST/usr/bin/stella"
	[ "$status" -eq 0 ]
	[[ $output == *NEEDED*libcrypto* ]]
	[[ $output != *libbpf* ]]
	[[ $output != *libcurl* ]]
	[[ $output != *libxml2* ]]
}

@test "libstella.so shows stella_* and nothing else" {
	run bash -c 'nm -D --defined-only "$1" | awk "{ print \$3 }" | grep -v "^STELLA_0$" | sed "s/@.*//"' - "$lib/libstella.so"
	[ "$status" -eq 0 ]
	[[ $output == *stella_verify_directory* ]]
	! grep -v '^stella_' <<<"$output"
}

@test "libstella.so defines each function of the installed headers" {
	for name in $(grep -ohE '\bstella_[a-z0-9_]+\(' "$DEST"/usr/include/stella/*.h | tr -d '(' | sort -u); do
		nm -D --defined-only "$lib/libstella.so" | grep -qE " $name(@|\$)" || { echo "missing: $name"; return 1; }
	done
}

@test "libstella.a shows stella_* and nothing else" {
	run bash -c 'nm -g --defined-only "$1" | awk "NF == 3 { print \$3 }"' - "$lib/libstella.a"
	[ "$status" -eq 0 ]
	[[ $output == *stella_verify_directory* ]]
	! grep -v '^stella_' <<<"$output"
}

@test "libstella needs OpenSSL, zstd and jansson at most" {
	run bash -c 'readelf -d "$1" | sed -n "s/.*NEEDED.*\[\(.*\)\]/\1/p" | grep -vE "^lib(crypto|zstd|jansson|c)\.so"' - "$lib/libstella.so"
	[ -z "$output" ]
}

@test "a C program needs only what was installed" {
	consumer gcc -std=c11 consumer.c -L"$lib" -lstella
	runs_and_refuses
}

@test "a C++ program needs only what was installed" {
	consumer g++ -std=c++11 -x c++ consumer.c -L"$lib" -lstella
	runs_and_refuses
}

@test "a C program links the static library" {
	consumer gcc -std=c11 consumer.c "$lib/libstella.a" -ljansson -lzstd -lcrypto
	runs_and_refuses
}

@test "pkg-config knows where it lies" {
	[ "$(pkg-config --variable=includedir stella)" = /usr/include ] || [ "$(pkg-config --variable=includedir stella)" = "$DEST/usr/include" ]
	[[ $(pkg-config --libs stella) == *-lstella* ]]
	[[ $(pkg-config --static --libs stella) == *-lcrypto* ]]
}

@test "the systemd unit names the installed daemon, and systemd reads it without complaint" {
	unit="$DEST/usr/lib/systemd/system/stellaops-signals.service"
	grep -qx 'ExecStart=/usr/bin/stella-signalsd --foreground' "$unit"
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
	# It looks for the daemon where it will be; here that is elsewhere.
	sed -e 's|^ExecStart=.*|ExecStart=/bin/true|' -e '/^Documentation=/d' "$unit" >"$BATS_TEST_TMPDIR/stellaops-signals.service"
	run systemd-analyze verify "$BATS_TEST_TMPDIR/stellaops-signals.service"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}
