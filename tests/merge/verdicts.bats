#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# merge as it is typed, on chains made here (chain.py): verdicts, outputs, memory, and what is refused. Needs no root and
# no kernel half.

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	STELLA=${STELLA_BUILD:-$ROOT/build}/stella
	WORK=$BATS_TEST_TMPDIR
	EVIDENCE="$WORK/evidence <b>"
	export STELLA_TRUST_ROOTS=$WORK/no-such-trust
}

# chain CHUNKS MEGABYTES PATHS
chain() {
	python3 "$BATS_TEST_DIRNAME/chain.py" "$EVIDENCE" "$WORK/key" "$@"
	chmod 600 "$WORK/key"
}

# sbom COUNT [TYPE]: packages lib0, lib1, ..., of which each owns the file of that number.
sbom() {
	python3 - "$1" "${2:-generic}" >"$WORK/sbom.json" <<-'END'
		import json, sys
		print(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
			{"type": "library", "bom-ref": f"r{i}", "name": f"lib{i}", "version": "1", "purl": f"pkg:{sys.argv[2]}/lib{i}@1",
			 "properties": [{"name": "syft:location:0:path", "value": f"/usr/lib/x86_64-linux-gnu/lib{i:06d}.so"}]}
			for i in range(int(sys.argv[1]))]}))
	END
}

merge() {
	status=0
	"$STELLA" signals merge --evidence "$EVIDENCE" "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
}

@test "what was opened is observed, what was not is not observed; the same inputs give the same bytes" {
	chain 2 1 30
	sbom 40
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output json
	cat "$WORK/err"
	[ "$status" -eq 0 ]
	[ ! -s "$WORK/err" ]
	jq -e '.coverage.complete and .evidence.chunks == 2 and .evidence.records == 10000 and
		([.packages[] | select(.verdict == "observed" and .tier == "opened")] | length) == 30 and
		([.packages[] | select(.verdict == "not_observed" and .reasons == [])] | length) == 10' "$WORK/out"
	for output in json html intoto table cyclonedx; do
		merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output "$output"
		[ "$status" -eq 0 ]
		mv "$WORK/out" "$WORK/first"
		merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output "$output"
		cmp "$WORK/first" "$WORK/out"
	done
}

@test "of a system's package an SBOM need not name all files: what was opened is observed, nothing is not observed" {
	chain 2 1 30
	sbom 40 deb/debian
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output json
	[ "$status" -eq 0 ]
	jq -e '([.packages[] | select(.verdict == "observed")] | length) == 30 and
		([.packages[] | select(.verdict == "not_measured" and (.reasons | any(test("give its --root"))))] | length) == 10' "$WORK/out"
}

@test "400 MB of evidence merge within 60 MB of memory" {
	chain 10 35 2000
	sbom 2500
	/usr/bin/env time -f %M -o "$WORK/rss" true 2>/dev/null || skip "no GNU time"
	/usr/bin/env time -f %M -o "$WORK/rss" "$STELLA" signals merge --evidence "$EVIDENCE" --key "$WORK/key.pub" \
		--sbom "$WORK/sbom.json" --output json >"$WORK/out"
	cat "$WORK/rss"
	[ "$(du -sm "$EVIDENCE" | cut -f1)" -ge 390 ]
	[ "$(tail -n 1 "$WORK/rss")" -lt 61440 ]
	[ "$(jq '[.packages[] | select(.verdict == "observed")] | length' "$WORK/out")" = 2000 ]
}

@test "a chunk that is not sound is named, left out, and a gap; the exit status is 2" {
	chain 3 1 30
	sbom 40
	printf X | dd of="$EVIDENCE/chunk-000002.ndjson" bs=1 seek=100 conv=notrunc status=none
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output json
	[ "$status" -eq 2 ]
	grep -q content_mismatch "$WORK/err"
	jq -e '.evidence.chunks == 2 and .evidence.chunks_left_out == 1 and (.coverage.complete | not) and
		(.coverage.gaps | length) == 1 and (.coverage.reasons | any(test("chunk 2 was left out"))) and
		([.packages[] | select(.verdict == "not_observed_lossy")] | length) == 10 and
		([.packages[] | select(.verdict == "observed")] | length) == 30' "$WORK/out"
}

@test "without trust nothing is said" {
	chain 1 1 30
	sbom 40
	merge --sbom "$WORK/sbom.json" --output json
	[ "$status" -eq 2 ]
	[ ! -s "$WORK/out" ]
	grep -q "no key of this chain is trusted" "$WORK/err"
}

@test "what is not there, or not right, is refused in one line" {
	chain 1 1 30
	sbom 3
	printf '{}' >"$WORK/nothing.json"
	while read -r wanted words; do
		eval "set -- $words"
		merge --key "$WORK/key.pub" "$@"
		echo "$words: $status, $(cat "$WORK/err")"
		[ "$status" -eq "$wanted" ]
		[ "$(wc -l <"$WORK/err")" = 1 ]
		[ ! -s "$WORK/out" ]
	done <<-'END'
		2 --output json
		4 --sbom "$WORK/no-such"
		2 --sbom "$WORK/nothing.json"
		2 --callgraph "$WORK/nothing.json"
		2 --function-map "$WORK/nothing.json"
		2 --sbom "$WORK/sbom.json" --image nginx
		4 --sbom "$WORK/sbom.json" --image sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
		4 --sbom "$WORK/sbom.json" --since 1s
		2 --sbom "$WORK/sbom.json" --since yesterday
		2 --sbom "$WORK/sbom.json" --output yaml
		2 --sbom "$WORK/sbom.json" --output json --sign-key "$WORK/key"
		2 --sbom "$WORK/sbom.json" --output runtime-facts
	END
	EVIDENCE=$WORK/nowhere
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json"
	[ "$status" -eq 4 ]
	mkdir "$EVIDENCE"
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json"
	[ "$status" -eq 4 ]
}

@test "an in-toto statement is signed: openssl verifies the bundle's signature over its payload" {
	chain 1 1 30
	sbom 40
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output intoto --sign-key "$WORK/key"
	cat "$WORK/err"
	[ "$status" -eq 0 ]
	jq -r .dsseEnvelope.payload "$WORK/out" | base64 -d >"$WORK/payload"
	jq -r '.dsseEnvelope.signatures[0].sig' "$WORK/out" | base64 -d >"$WORK/sig"
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(stat -c %s "$WORK/payload")"; cat "$WORK/payload"; } >"$WORK/pae"
	openssl dgst -sha256 -verify "$WORK/key.pub" -signature "$WORK/sig" "$WORK/pae"
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output intoto
	cmp <(cat "$WORK/payload"; echo) "$WORK/out"
	jq -e '.predicateType == "https://stella.ops/predicates/runtime-trace/v1" and .predicate.coverage.losses == [] and
		(.predicate.packages | length) == 40 and .subject[0].digest.sha256 == .predicate.evidence.head.sha256' "$WORK/out"
}

@test "the page allows nothing from elsewhere, and its policy's hashes are those of its style and script" {
	chain 1 1 30
	sbom 40
	merge --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output html
	[ "$status" -eq 0 ]
	python3 - "$WORK/out" <<-'END'
		import base64, hashlib, html.parser, re, sys
		text = open(sys.argv[1], encoding="utf-8").read()
		policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text).group(1)
		assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'"), policy
		for tag in ("style", "script"):
		    body = re.search(f"<{tag}>(.*?)</{tag}>", text, re.S).group(1)
		    assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() in policy, tag
		assert not re.search(r'(src|href)="(?!#)', text)
		assert not re.search(r' on[a-z]+=| style=', text.split("<body>")[1].split("<script>")[0])
		class Balance(html.parser.HTMLParser):
		    def __init__(self):
		        super().__init__()
		        self.open = []
		    def handle_starttag(self, tag, attributes):
		        if tag not in ("meta", "br", "input", "rect"):
		            self.open.append(tag)
		    def handle_endtag(self, tag):
		        if tag != "rect":
		            assert self.open.pop() == tag, tag
		parser = Balance()
		parser.feed(text)
		assert parser.open == [], parser.open
		assert "evidence <b>" not in text and "evidence &lt;b&gt;" in text
	END
}
