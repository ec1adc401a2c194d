#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# From a real run to VEX: affected because the function was called, not affected because graph and window agree, and under
# investigation for everything less.

bats_require_minimum_version 1.5.0

load helpers

setup() {
	need_bpf
	command -v gcc >/dev/null || skip "no gcc"
	demo_build
	# The same two functions under the names that Go's would have.
	sed -i 's/^int demo_used(int x);/int demo_used(int x) __asm__("demo.Used");/; s/^int demo_unused(int x);/int demo_unused(int x) __asm__("demo.Unused");/' \
		"$DEMO"/*.c
	gcc -shared -fPIC -O1 -fno-omit-frame-pointer -o "$DEMO/libdemo.so" "$DEMO/lib.c"
	gcc -O1 -fno-omit-frame-pointer -o "$DEMO/user" "$DEMO/user.c" -L"$DEMO" -ldemo -Wl,-rpath,"$DEMO"
	printf '{"version":1,"functions":[{"library":"libdemo.so","purl":"pkg:golang/demo@v1.0.0","symbols":["demo.Used","demo.Unused"]}]}' \
		>"$DEMO/map.json"
	demo_graph "$DEMO/graph.json" main used
	document=$(jq -cS 'del(.graphHash) | (.nodes[] | select(.id != "main")) |= (.name = (if .id == "used" then "demo.Used" else "demo.Unused" end)
		| .attributes.purl = "pkg:golang/demo@v1.0.0")' "$DEMO/graph.json")
	jq -cS --arg hash "$(printf '%s' "$document" | sha256sum | cut -d' ' -f1)" '. + {graphHash: $hash}' <<<"$document" >"$DEMO/graph.json"
	jq -n '{bomFormat: "CycloneDX", specVersion: "1.6", components: [{type: "library", name: "demo", version: "v1.0.0",
		purl: "pkg:golang/demo@v1.0.0", "bom-ref": "demo"}]}' >"$DEMO/sbom.json"
	jq -n '[["GO-2026-0001", "Used"], ["GO-2026-0002", "Unused"]] | map({id: .[0], modified: "2026-01-01T00:00:00Z", affected: [{
		package: {ecosystem: "Go", name: "demo"}, ranges: [{type: "SEMVER", events: [{introduced: "0"}]}],
		ecosystem_specific: {imports: [{path: "demo", symbols: [.[1]]}]}}]})' >"$DEMO/osv.json"
}

teardown() {
	demo_stop
	collector_end
}

status_of() {
	jq -r --arg id "$1" '.statements[] | select(.vulnerability.name == $id) | .status' "$WORK/out"
}

vex() {
	merge --sbom "$DEMO/sbom.json" --callgraph "$DEMO/graph.json" --vulns "$DEMO/osv.json" --output openvex "$@"
	cat "$WORK/err"
	[ "$status" -eq 0 ]
}

@test "called is affected; confirmed unreachable is not affected, with window, graph and head; silence alone is neither" {
	demo_start
	demo_collector
	demo_call
	collector_stop
	vex --function-map "$DEMO/map.json"
	[ "$(status_of GO-2026-0001)" = affected ]
	[ "$(status_of GO-2026-0002)" = not_affected ]
	jq -e --arg head "$(jq -r .head.sha256 <("$STELLA" signals verify-chain "$EVIDENCE" --trust "$WORK/state/trust" --output json))" \
		--arg graph "$(jq -r .graphHash "$DEMO/graph.json")" --arg map "$(sha256sum "$DEMO/map.json" | cut -d' ' -f1)" '.statements[] | select(.vulnerability.name == "GO-2026-0002")
		| .justification == "vulnerable_code_not_in_execute_path" and (.impact_statement | contains($head) and contains($graph) and contains($map))' "$WORK/out"

	# Without the map it is not known that the function was probed; without the graph nothing says unreachable.
	vex
	[ "$(status_of GO-2026-0001)" = affected ]
	[ "$(status_of GO-2026-0002)" = under_investigation ]
	merge --sbom "$DEMO/sbom.json" --vulns "$DEMO/osv.json" --function-map "$DEMO/map.json" --output openvex
	[ "$(status_of GO-2026-0002)" = under_investigation ]
}

@test "something missing from the window is enough to keep it under investigation" {
	demo_start
	demo_collector
	demo_call
	pid=$(collector_pid)
	kill -9 "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	collector_start
	collector_stop
	vex --function-map "$DEMO/map.json"
	[ "$(status_of GO-2026-0001)" = affected ]
	[ "$(status_of GO-2026-0002)" = under_investigation ]
}
