#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# From where functions are called: two frames of real programs, and of ones whose stack is nonsense or a lie.

load helpers

setup() {
	need_bpf
	command -v gcc >/dev/null || skip "no gcc"
	D=$BATS_TEST_TMPDIR
	printf 'int lib_f(int x) { return x + 1; }\nint lib_g(int x) { return x + 2; }\n' >"$D/lib.c"
	gcc -shared -fPIC -O2 -o "$D/libstellacalled.so" "$D/lib.c"
	printf '{"version":1,"functions":[{"library":"%s","symbols":["lib_f","lib_g"]}]}' "$D/libstellacalled.so" >"$D/map.json"
	cat >"$D/a.c" <<-'END'
		int lib_f(int);
		__attribute__((noinline)) int a(int x) { volatile int kept = x; return lib_f(kept) + kept; }
		__attribute__((noinline)) int b(int x) { volatile int kept = x; return lib_f(kept) - kept; }
	END
	cat >"$D/main.c" <<-'END'
		#include <stdlib.h>
		int a(int), b(int);
		int main(int argc, char **argv)
		{
			volatile int sum = 0;

			for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--)
				sum += a(i);
			return sum + b(1) == 0;
		}
	END
}

teardown() {
	collector_end
}

# program NAME FLAGS-OF-A FLAGS-OF-MAIN
program() {
	# shellcheck disable=SC2086 # several flags
	gcc -O2 $2 -c -o "$D/a.o" "$D/a.c"
	# shellcheck disable=SC2086
	gcc -O2 $3 -o "$D/$1" "$D/main.c" "$D/a.o" -L"$D" -lstellacalled -Wl,-rpath,"$D"
}

# start_functions MODE DEDUP [ARGUMENT OF start]...
start_functions() {
	collector_config 'probes: [function_call, library_load, cgroup]' "functions: {map: \"$D/map.json\", mode: $1}" "dedup: $2"
	shift 2
	collector_start "$@"
	jq -e '.probes[] | select(.kind == "function_call")' "$WORK/start.json" >/dev/null || skip "no function probes here"
	jq -e '.probes[] | select(.kind == "function_call") | .blind_spots | index("callers_unknown") | not' \
		"$WORK/start.json" >/dev/null || skip "this kernel cannot look mappings up"
}

# callers_of COMM: "symbol>symbol above" of each of its hits; "-" where none is known.
callers_of() {
	records_of ".event.type == \"function_call\" and .comm == \"$1\"" |
		jq -r '[(.event.callers // [])[] | .symbol // "?"] | if . == [] then "-" else join(">") end'
}

@test "main calls a, a calls lib_f: both are told, by file, offset and name" {
	program framed -fno-omit-frame-pointer -fno-omit-frame-pointer
	start_functions every "off"
	"$D/framed"
	collector_stop
	verify
	[ "$(callers_of framed | paste -sd' ')" = "a>main b>main" ]
	record=$(records_of '.comm == "framed" and .event.symbol == "lib_f"' | head -n 1)
	inode=$(stat -c %i "$D/framed")
	id=$(readelf -n "$D/framed" | awk '/Build ID/ { print $3 }')
	jq -e --argjson inode "$inode" --arg id "$id" --arg path "$(realpath "$D/framed")" \
		'.event.callers | length == 2 and all(.inode == $inode and .build_id == $id and .library == $path)' <<<"$record"
	# The offset is that of the instruction behind the call, in the file.
	offset=$(jq '.event.callers[0].offset' <<<"$record")
	objdump -dF "$D/framed" | grep -B1 -E "^ *$(printf %x "$offset"):" | grep -q 'call.*lib_f'
	[ "$(jq '.losses | map(select(.cause == "callers_cut" and .count > 0)) | length' "$WORK/verify.json")" = 0 ]
	[ "$(lost_records)" = 0 ]
}

@test "without frame pointers the second is unknown, not somebody else" {
	program unframed -fomit-frame-pointer -fomit-frame-pointer
	program half -fomit-frame-pointer -fno-omit-frame-pointer
	program other -fno-omit-frame-pointer -fomit-frame-pointer
	start_functions every "off"
	"$D/unframed"
	"$D/half"
	"$D/other"
	collector_stop
	verify
	[ "$(callers_of unframed | paste -sd' ')" = "a b" ]
	# Its register points at main's frame, so what is above would be who called main.
	[ "$(callers_of half | paste -sd' ')" = "a b" ]
	[ "$(callers_of other | paste -sd' ')" = "a>main b>main" ]
}

@test "a stripped program's callers are places without names" {
	program whole -fno-omit-frame-pointer -fno-omit-frame-pointer
	strip -o "$D/stripped" "$D/whole"
	start_functions every "off"
	"$D/whole"
	"$D/stripped"
	collector_stop
	verify
	[ "$(callers_of stripped | paste -sd' ')" = "?>? ?>?" ]
	places() { records_of ".comm == \"$1\" and .event.type == \"function_call\"" | jq -c '[.event.callers[] | [.offset, .build_id]]'; }
	[ "$(places stripped)" = "$(places whole)" ]
}

@test "calls from two places are not folded into one record; one_shot has the first callers only" {
	program framed -fno-omit-frame-pointer -fno-omit-frame-pointer
	start_functions every process
	"$D/framed" 16
	collector_stop
	verify
	# The first of a, the 16th of a, the first of b.
	[ "$(callers_of framed | paste -sd' ')" = "a>main a>main b>main" ]
	[ "$(records_of '.comm == "framed" and .event.type == "function_call"' | jq -c '[.count, .event.callers[0].symbol]' | paste -sd' ')" = \
		'[null,"a"] [16,"a"] [null,"b"]' ]
	export EVIDENCE=$D/second
	start_functions one_shot process
	"$D/framed" 16
	collector_stop
	verify
	[ "$(callers_of framed)" = "a>main" ]
	jq -e '.sound' "$WORK/verify.json"
}

@test "code that lies in no file calls from nowhere" {
	[ "$(uname -m)" = x86_64 ] || skip "the program is written for x86-64"
	cat >"$D/jit.c" <<-'END'
		#include <string.h>
		#include <sys/mman.h>
		int lib_f(int);
		int main(void)
		{
			/* sub $8, %rsp; call *%rsi; add $8, %rsp; ret */
			static const unsigned char code[] = { 0x48, 0x83, 0xec, 8, 0xff, 0xd6, 0x48, 0x83, 0xc4, 8, 0xc3 };
			void *room = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			int (*made)(int, int (*)(int));

			memcpy(room, code, sizeof(code));
			memcpy(&made, &room, sizeof(made));
			return made(1, lib_f) != 2;
		}
	END
	gcc -O2 -o "$D/jit" "$D/jit.c" -L"$D" -lstellacalled -Wl,-rpath,"$D"
	start_functions every "off"
	"$D/jit"
	collector_stop
	verify
	[ "$(callers_of jit)" = "-" ]
	[ "$(records_of '.comm == "jit" and .event.type == "function_call" and (.event | has("callers"))')" = "" ]
}

# Its table for unwinding says that it keeps a frame pointer; what it has there is whatever it was given.
@test "a frame pointer to nowhere, to itself, to the kernel: the record is there, its second caller is not" {
	[ "$(uname -m)" = x86_64 ] || skip "the program is written for x86-64"
	cat >"$D/hostile.c" <<-'END'
		#include <stdint.h>
		#include <stdio.h>
		int hostile(uint64_t frame);
		__asm__(".globl hostile\n.type hostile, @function\nhostile:\n.cfi_startproc\n"
			"push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset 6, -16\nmov %rsp, %rbp\n.cfi_def_cfa_register 6\n"
			"push %rbx\nmov %rbp, %rbx\nsub $8, %rsp\nmov %rdi, %rbp\nmov $1, %edi\ncall lib_f@plt\n"
			"mov %rbx, %rbp\nadd $8, %rsp\npop %rbx\npop %rbp\n.cfi_def_cfa 7, 8\nret\n.cfi_endproc\n.size hostile, .-hostile\n");
		int main(void)
		{
			uint64_t room[4];
			uint64_t here = (uint64_t)(uintptr_t)room;
			const uint64_t frames[] = { 0, 1, 8, 0xdeadbeef000, here + 1, here + 7, 0x7ffffffff000 - 8, 0x8000000000000000,
						    0xffff888000000000, 0xffffffff81000000, 0xfffffffffffffff8, here - (64 << 20),
						    here + (64 << 20), here };
			int sum = 0;

			room[0] = here; /* its own frame, again and again */
			room[1] = here;
			for (unsigned int i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
				sum += hostile(frames[i]);
			printf("%d\n", sum);
			return 0;
		}
	END
	gcc -O2 -o "$D/hostile" "$D/hostile.c" -L"$D" -lstellacalled -Wl,-rpath,"$D"
	start_functions every "off"
	[ "$("$D/hostile")" = 28 ]
	collector_stop
	verify
	[ "$(callers_of hostile | sort | uniq -c | awk '{ print $1, $2 }')" = "14 hostile" ]
	[ "$(lost_records)" = 0 ]
}

@test "a program that was deleted meanwhile is known by its inode and its functions, under no name" {
	sed -i 's/volatile int sum = 0;/&getchar();/; s/return sum + b(1) == 0/sum += b(1); getchar(); return sum == 0/; 1i #include <stdio.h>' "$D/main.c"
	program gone -fno-omit-frame-pointer -fno-omit-frame-pointer
	inode=$(stat -c %i "$D/gone")
	coproc GONE { exec "$D/gone"; }
	user=$GONE_PID
	until [ "$(cat "/proc/$user/comm")" = gone ]; do :; done
	rm "$D/gone"
	start_functions every "off"
	echo >&"${GONE[1]}"
	for _ in $(seq 200); do
		[ "$("$STELLA" signals stats --socket "$SOCKET" --output json | jq .events.function_call)" -ge 2 ] && break
	done
	echo >&"${GONE[1]}"
	wait "$user"
	collector_stop
	verify
	[ "$(callers_of gone | paste -sd' ')" = "a>main b>main" ]
	records_of '.comm == "gone" and .event.type == "function_call"' |
		jq -es --argjson inode "$inode" 'all(.[].event.callers[]; .inode == $inode and (has("library") | not) and has("build_id"))'
}

@test "a raw capture has the callers too: the same bytes again, without the programs" {
	program framed -fno-omit-frame-pointer -fno-omit-frame-pointer
	start_functions every "off" --record-raw "$D/capture.raw"
	"$D/framed" 100
	collector_stop
	rm "$D/framed" "$D/libstellacalled.so"
	"$STELLA" signals replay "$D/capture.raw" --target "$D/copy" --config "$WORK/stellaops.yaml" --output json >"$D/replay.json"
	[ "$(callers_of framed | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd' ')" = "100 a>main 1 b>main" ]
	for chunk in "$D"/copy/chunk-*.ndjson; do
		cmp "$chunk" "$WORK/evidence/${chunk##*/}"
	done
}

@test "a process that changes its mappings all the time: each hit is there, and what is cut is counted" {
	cat >"$D/busy.c" <<-'END'
		#include <pthread.h>
		#include <stdatomic.h>
		#include <sys/mman.h>
		int a(int);
		static atomic_int ends;
		static void *map(void *unused)
		{
			while (!ends)
				munmap(mmap(unused, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0), 1 << 20);
			return NULL;
		}
		int main(void)
		{
			pthread_t thread;
			volatile int sum = 0;

			pthread_create(&thread, NULL, map, NULL);
			for (int i = 0; i < 20000; i++)
				sum += a(i);
			ends = 1;
			return pthread_join(thread, NULL);
		}
	END
	gcc -O2 -fno-omit-frame-pointer -o "$D/busy" "$D/busy.c" "$D/a.c" -L"$D" -lstellacalled -lpthread -Wl,-rpath,"$D"
	start_functions every "off"
	"$D/busy"
	collector_stop
	verify
	whole=$(callers_of busy | grep -c '^a>main$')
	part=$(callers_of busy | grep -vc '^a>main$' || true)
	cut=$(jq '[.losses[] | select(.cause == "callers_cut") | .count] | add // 0' "$WORK/verify.json")
	echo "$whole with both, $part with fewer, $cut cut"
	[ $((whole + part)) = 20000 ]
	[ "$part" = "$cut" ]
	jq -e '.losses | all(.cause != "callers_cut" or .effect == "member")' "$WORK/verify.json"
}
