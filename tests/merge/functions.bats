#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Two functions of a library, one called and one not: what may be said of them, and what not.

bats_require_minimum_version 1.5.0

load helpers

setup() {
	need_bpf
	command -v gcc >/dev/null || skip "no gcc"
	demo_build
}

teardown() {
	demo_stop
	collector_end
}

@test "one function is observed, the other is not observed, with a complete window" {
	demo_start
	demo_collector
	demo_call
	collector_stop
	merge --function-map "$DEMO/map.json" --output json
	cat "$WORK/err"
	[ "$status" -eq 0 ]
	jq -e '.coverage.complete' "$WORK/out"
	[ "$(verdict demo_used)" = observed ]
	[ "$(verdict demo_unused)" = not_observed ]
	[ "$(state demo_used)" = RO ]
	[ "$(state demo_unused)" = RU ]

	# The auditor's way: the very line, and its digest.
	read -r sequence line sha256 < <(jq -r '.functions[] | select(.symbol == "demo_used") | .seen.first_line
		| "\(.sequence) \(.line) \(.sha256)"' "$WORK/out")
	text=$(sed -n "${line}p" "$EVIDENCE/chunk-$(printf %06d "$sequence").ndjson")
	[ "$(printf '%s' "$text" | sha256sum | cut -d' ' -f1)" = "$sha256" ]
	jq -e '.event.type == "function_call" and .event.symbol == "demo_used"' <<<"$text"
}

@test "with a call graph: confirmed reachable, confirmed unreachable, and contested loudly" {
	demo_start
	demo_collector
	demo_call
	collector_stop
	demo_graph "$DEMO/graph.json" main used
	merge --function-map "$DEMO/map.json" --callgraph "$DEMO/graph.json" --output json
	cat "$WORK/err"
	[ "$status" -eq 0 ]
	[ "$(state demo_used)" = CR ]
	[ "$(state demo_unused)" = CU ]
	jq -e '.functions[] | select(.id == "used") | .path == ["main", "used"] and .bucket == "runtime" and
		.confidence_ppm == 900000 and .weight_ppm == 450000 and .score_ppm == 405000' "$WORK/out"
	jq -e '.functions[] | select(.id == "unused") | .path == [] and .bucket == "unreachable" and .score_ppm == 0' "$WORK/out"
	run ! grep -q CONTESTED "$WORK/err"

	# The graph was wrong: it says that nothing leads to what was called.
	demo_graph "$DEMO/graph.json" main unused
	merge --function-map "$DEMO/map.json" --callgraph "$DEMO/graph.json" --output json
	[ "$status" -eq 0 ]
	[ "$(state demo_used)" = X ]
	[ "$(state demo_unused)" = X ]
	grep -q "CONTESTED: used: the call graph says unreachable" "$WORK/err"
	merge --function-map "$DEMO/map.json" --callgraph "$DEMO/graph.json" --output table
	[[ $(head -n 1 "$WORK/out") == CONTESTED* ]]
	[ "$(awk '{ if (length > 100) n++ } END { print n + 0 }' "$WORK/out")" -le 2 ]
}

@test "a loss makes it not_observed_lossy, and nothing is confirmed unreachable" {
	demo_start
	demo_collector
	demo_call
	# Counters that go with a killed collector: what was lost is not known.
	pid=$(collector_pid)
	kill -9 "$pid"
	while [ -d "/proc/$pid" ]; do sleep 0.05; done
	demo_call
	collector_start
	demo_call
	collector_stop
	demo_graph "$DEMO/graph.json" main used
	merge --function-map "$DEMO/map.json" --callgraph "$DEMO/graph.json" --output json
	cat "$WORK/err"
	[ "$status" -eq 0 ]
	jq -e '.coverage.complete | not' "$WORK/out"
	[ "$(verdict demo_used)" = observed ]
	[ "$(verdict demo_unused)" = not_observed_lossy ]
	[ "$(state demo_unused)" = SU ]
	jq -e '.coverage.gaps | map(.why) | any(test("crash"))' "$WORK/out"
}

@test "without the probe, the map or the library nothing was measured" {
	demo_start
	collector_config 'probes: [file_open, process_exec, library_load]'
	collector_start
	demo_call
	collector_stop
	merge --function-map "$DEMO/map.json" --output json
	[ "$status" -eq 0 ]
	[ "$(verdict demo_used)" = not_measured ]
	[ "$(verdict demo_unused)" = not_measured ]
	jq -e '.functions[0].reasons == ["function_call was not watched", "no file that holds it was probed: none was found, or nobody mapped one"] or
		.functions[0].reasons == ["function_call was not watched"]' "$WORK/out"

	EVIDENCE=$BATS_TEST_TMPDIR/another
	demo_collector
	demo_call
	collector_stop
	demo_graph "$DEMO/graph.json" main used
	merge --callgraph "$DEMO/graph.json" --output json
	[ "$(verdict demo_used)" = observed ]
	[ "$(verdict demo_unused)" = not_measured ]
	jq -e '.functions[] | select(.id == "unused") | .reasons | any(test("--function-map"))' "$WORK/out"

	# A map that asks for what is not there.
	jq '.functions[0].symbols += ["demo_absent"]' "$DEMO/map.json" >"$DEMO/other.json"
	merge --function-map "$DEMO/other.json" --output json
	[ "$(verdict demo_absent)" = not_measured ]
	jq -e '.functions[] | select(.symbol == "demo_absent") | .reasons | any(test("another map"))' "$WORK/out"
}

@test "a library that comes later was not watched through the whole window" {
	demo_collector
	demo_start
	collector_stop
	merge --function-map "$DEMO/map.json" --output json
	[ "$status" -eq 0 ]
	[ "$(verdict demo_unused)" = not_observed_lossy ]
	jq -e '.functions[] | select(.symbol == "demo_unused") | .reasons | any(test("whole window"))' "$WORK/out"
}
