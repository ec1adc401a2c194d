#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Connections through the C library and past it: one record each, whose `src` tells which, and the seal says on which
# libraries the probes were.

bats_require_minimum_version 1.5.0

load helpers

setup() {
	need_bpf
}

teardown() {
	collector_end
}

# sources PID: `src` and result of its net_connects, in order.
sources() {
	records_of ".event.type == \"net_connect\" and .pid == $1" | jq -r '.src + " " + (.event.result | tostring)'
}

libraries() {
	jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-000001.sigstore.json" | base64 -d | jq -c '[.predicate.coverage.targets[]? | select(.kind == "net_connect")]'
}

@test "connect, accept and accept4 through the C library, and a bare system call that stays what it is" {
	collector_config 'probes: [net_connect, libc, library_load]'
	collector_start
	python3 -c 'import ctypes, platform, socket
tcp = socket.create_server(("127.0.0.1", 0)); socket.create_connection(tcp.getsockname()); tcp.accept()
socket.socket().connect_ex(("127.0.0.1", 1))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 9))
listener = socket.socket(socket.AF_UNIX); listener.bind("\0stella-libc-test"); listener.listen()
one = socket.socket(socket.AF_UNIX); one.connect("\0stella-libc-test")
libc = ctypes.CDLL(None, use_errno=True); libc.accept(listener.fileno(), None, None)
name = b"\1\0\0stella-libc-test"; two = socket.socket(socket.AF_UNIX)
number = {"x86_64": 42, "aarch64": 203}[platform.machine()]
assert libc.syscall(number, two.fileno(), name, len(name)) == 0' &
	pid=$!
	wait $pid
	collector_stop
	verify
	mapfile -t seen < <(sources $pid)
	printf '%s\n' "${seen[@]}"
	[ "${#seen[@]}" = 7 ]
	[ "${seen[*]:0:6}" = "uprobe:connect 0 uprobe:accept4 0 uprobe:connect ECONNREFUSED uprobe:connect 0 uprobe:connect 0 uprobe:accept 0" ]
	[ "${seen[6]}" = "sys_exit_connect 0" ] || [ "${seen[6]}" = "__sys_connect 0" ]
	[ "$(lost_records net_connect)" = 0 ]
	libraries | jq -e 'any(.[]; (.library | endswith("/libc.so.6")) and .attached == 3 and .missing == [] and (.build_id | length == 40))'
}

@test "'libc' alone brings net_connect, and without it nothing hangs on a library" {
	collector_config 'probes: [libc]'
	collector_start
	"$DOER" connects 5 4 >/dev/null
	collector_stop
	verify
	records | jq -e -s 'length >= 5 and all(.[]; .event.type == "net_connect")'
	records_of '.comm == "doer"' | jq -e -s 'length >= 5 and all(.[]; .src == "uprobe:" + .event.op)'
	EVIDENCE=$BATS_TEST_TMPDIR/without
	collector_config 'probes: [net_connect]'
	collector_start
	"$DOER" connects 5 4 >/dev/null
	collector_stop
	verify
	[ "$(libraries)" = "[]" ]
	records_of '.comm == "doer"' | jq -e -s 'length >= 5 and all(.[]; .src | startswith("uprobe") | not)'
}

@test "a C library of another root is found when it is mapped" {
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/lib"
	ln -s lib "$root/lib64"
	cp "$DOER" "$root/doer"
	for needed in libc.so.6 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1; do
		library=$(ldconfig -p | awk -v n="$needed" '$1 == n { print $NF; exit }')
		[ -z "$library" ] || cp -L "$library" "$root/lib/"
	done
	collector_config 'probes: [net_connect, libc, library_load]'
	collector_start
	jq -e '.probes[] | select(.kind == "library_load")' "$WORK/start.json" >/dev/null || skip "no hook here tells of mappings"
	chroot "$root" /doer map /doer /doer >/dev/null # lives long enough to be looked into
	chroot "$root" /doer connects 5 4 >/dev/null &
	pid=$!
	wait $pid
	collector_stop
	verify
	[ "$(sources $pid | grep -c '^uprobe:connect 0$')" = 5 ]
	[ "$(sources $pid | grep -cv '^uprobe:')" = 0 ]
	inode=$(stat -c %i "$root/lib/libc.so.6")
	libraries | jq -e --argjson inode "$inode" 'any(.[]; .library == "/lib/libc.so.6" and (.inode | tonumber) == $inode)'
}

@test "musl's functions are told too, those that call each other by the inner one" {
	command -v musl-gcc >/dev/null || skip "no musl-gcc"
	cat >"$BATS_TEST_TMPDIR/musl.c" <<-'END'
		#define _GNU_SOURCE
		#include <arpa/inet.h>
		#include <sys/socket.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(void) {
			struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
			socklen_t len = sizeof(a);
			int s = socket(AF_INET, SOCK_STREAM, 0);
			bind(s, (void *)&a, len), listen(s, 4), getsockname(s, (void *)&a, &len);
			for (int i = 0; i < 4; i++)
				connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, len);
			accept(s, 0, 0), accept4(s, 0, 0, SOCK_CLOEXEC), accept4(s, 0, 0, 0);
			return syscall(SYS_accept4, s, 0, 0, 0) < 0;
		}
	END
	musl-gcc -o "$BATS_TEST_TMPDIR/musl" "$BATS_TEST_TMPDIR/musl.c"
	collector_config 'probes: [libc]'
	collector_start
	"$BATS_TEST_TMPDIR/musl" &
	pid=$!
	wait $pid
	collector_stop
	verify
	mapfile -t seen < <(sources $pid)
	printf '%s\n' "${seen[@]}"
	[ "${#seen[@]}" = 8 ]
	[ "${seen[*]:0:7}" = "uprobe:connect 0 uprobe:connect 0 uprobe:connect 0 uprobe:connect 0 uprobe:accept 0 uprobe:accept4 0 uprobe:accept 0" ]
	[[ "${seen[7]}" != uprobe:* ]]
}
