# SPDX-License-Identifier: Apache-2.0
#
# For tests of the merger on the live kernel: a library of two functions, of which a program calls one, its function map
# and its call graph.

load ../system/helpers

# merge [OPTION...]: exit status in $status, verdicts in $WORK/out, talk in $WORK/err.
# shellcheck disable=SC2034 # for the tests that load this
merge() {
	status=0
	"$STELLA" signals merge --evidence "$EVIDENCE" --trust "$WORK/state/trust" "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
}

# The verdict of one function: verdict SYMBOL, state SYMBOL.
verdict() {
	jq -r --arg symbol "$1" '[.functions[] | select(.symbol == $symbol) | .verdict] | join(" ")' "$WORK/out"
}

state() {
	jq -r --arg symbol "$1" '[.functions[] | select(.symbol == $symbol) | .state] | join(" ")' "$WORK/out"
}

# demo_build: $DEMO holds libdemo.so and the program `user`, which calls demo_used once for each line that it reads.
demo_build() {
	DEMO=$BATS_TEST_TMPDIR/demo
	mkdir -p "$DEMO"
	cat >"$DEMO/lib.c" <<-'END'
		int demo_used(int x);
		int demo_unused(int x);
		__attribute__((noinline)) int demo_used(int x) { return x + 1; }
		__attribute__((noinline)) int demo_unused(int x) { return x + 2; }
	END
	cat >"$DEMO/user.c" <<-'END'
		#include <stdio.h>
		int demo_used(int x);
		int main(void)
		{
			while (getchar() == '\n') {
				printf("%d\n", demo_used(1));
				fflush(stdout);
			}
			return 0;
		}
	END
	gcc -shared -fPIC -O1 -fno-omit-frame-pointer -o "$DEMO/libdemo.so" "$DEMO/lib.c"
	gcc -O1 -fno-omit-frame-pointer -o "$DEMO/user" "$DEMO/user.c" -L"$DEMO" -ldemo -Wl,-rpath,"$DEMO"
	printf '{"version":1,"functions":[{"library":"libdemo.so","symbols":["demo_used","demo_unused"]}]}' >"$DEMO/map.json"
}

# demo_start: the program runs and has its library mapped, so that probes stand before coverage opens.
demo_start() {
	coproc USER_OF { exec "$DEMO/user" 3>&-; }
	demo_call
}

demo_call() {
	local answer

	echo >&"${USER_OF[1]}"
	read -r answer <&"${USER_OF[0]}"
	[ "$answer" = 2 ]
}

demo_stop() {
	[ -n "${USER_OF_PID:-}" ] || return 0
	eval "exec ${USER_OF[1]}>&-"
	wait "$USER_OF_PID" || true
}

# demo_graph FILE [EDGE SOURCE TARGET]...: main is the entry point; graphHash is computed here, by jq and sha256sum.
demo_graph() {
	local file=$1 document

	shift
	document=$(jq -cnS --args '
		{schema: "stella.callgraph.v1", entrypoints: [{nodeId: "main", kind: "main"}], artifacts: [], metadata: {language: "c"},
		nodes: [{id: "main", name: "main", kind: "function", isEntrypointCandidate: true, attributes: {library: "user"}},
			{id: "used", name: "demo_used", kind: "function", attributes: {library: "libdemo.so"}},
			{id: "unused", name: "demo_unused", kind: "function", attributes: {library: "libdemo.so"}}],
		edges: [$ARGS.positional | _nwise(2) | {sourceId: .[0], targetId: .[1], kind: "static"}]}' "$@")
	jq -cS --arg hash "$(printf '%s' "$document" | sha256sum | cut -d' ' -f1)" '. + {graphHash: $hash}' \
		<<<"$document" >"$file"
}

# demo_collector [YAML LINE...]: functions of the demo are probed.
demo_collector() {
	collector_config "functions: {map: \"$DEMO/map.json\"}" "$@"
	collector_start
}
