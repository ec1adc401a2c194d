#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The page in a browser: its script runs under its own policy, and searching and filtering show what they should.

bats_require_minimum_version 1.5.0

setup() {
	command -v chromium >/dev/null || skip "no chromium"
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	STELLA=${STELLA_BUILD:-$ROOT/build}/stella
	WORK=$BATS_TEST_TMPDIR
	python3 "$BATS_TEST_DIRNAME/chain.py" "$WORK/evidence" "$WORK/key" 1 1 30
	python3 - >"$WORK/sbom.json" <<-'END'
		import json
		hostile = ["<img src=x onerror=alert(1)>", "\"><script>document.title='owned'</script>", "javascript:alert(1)"]
		print(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
			{"type": "library", "bom-ref": f"r{i}", "name": (hostile + [f"lib{n}" for n in range(40)])[i], "version": "1",
			 "properties": [{"name": "syft:location:0:path", "value": f"/usr/lib/x86_64-linux-gnu/lib{i:06d}.so"}]}
			for i in range(40)]}))
	END
	"$STELLA" signals merge --evidence "$WORK/evidence" --key "$WORK/key.pub" --sbom "$WORK/sbom.json" --output html \
		>"$WORK/page.html"
}

# browse FILE [OPTION...]: the document after its script ran in $WORK/dom, the console in $WORK/console.
browse() {
	timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$WORK/profile" --enable-logging=stderr --v=0 \
		--virtual-time-budget=5000 --dump-dom "${@:2}" "file://$1" >"$WORK/dom" 2>"$WORK/console"
}

@test "its script runs, the policy refuses nothing of its own, and hostile names stay text" {
	browse "$WORK/page.html"
	grep -q '40 of 40 shown' "$WORK/dom"
	grep -q '<title>What really ran: ' "$WORK/dom"
	[ "$(grep -c '<script' "$WORK/dom")" = 1 ]
	run ! grep -qi "refused to\|content security policy\|uncaught" "$WORK/console"
	run ! grep -q '<img' "$WORK/dom"
}

@test "markup that got in would not run" {
	sed 's|<h1>|<script>document.title="owned"</script><img src="http://127.0.0.1:9/x" onerror="document.title=1"><h1>|' \
		"$WORK/page.html" >"$WORK/spoilt.html"
	browse "$WORK/spoilt.html"
	grep -q '<title>What really ran: ' "$WORK/dom"
	grep -qi "content security policy" "$WORK/console"
}

# What a person types is typed by a script that the test puts in, with its hash in the policy.
@test "search and filters show what fits and say how many" {
	python3 - "$WORK/page.html" "$WORK/typed.html" <<-'END'
		import base64, hashlib, sys
		text = open(sys.argv[1], encoding="utf-8").read()
		script = """const form = document.querySelector('form[data-for=package-rows]');
		const type = (name, value) => { form.elements[name].value = value; form.elements[name].dispatchEvent(new Event('input', {bubbles: true})); };
		const seen = [];
		const look = () => seen.push(form.querySelector('output').textContent + '/' +
		    document.querySelectorAll('#package-rows tr:not([hidden])').length);
		type('verdict', 'observed'); look();
		type('kind', 'executed'); look();
		type('kind', 'opened'); look();
		type('text', 'LIB1'); look();
		type('verdict', ''); type('kind', ''); type('text', 'onerror'); look();
		document.body.dataset.seen = seen.join('|');"""
		digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
		text = text.replace("script-src ", f"script-src 'sha256-{digest}' ")
		open(sys.argv[2], "w", encoding="utf-8").write(text.replace("</body>", f"<script>{script}</script></body>"))
	END
	browse "$WORK/typed.html"
	grep -o 'data-seen="[^"]*"' "$WORK/dom"
	# lib1 and lib10 to lib19 are among the thirty that were opened.
	grep -qF 'data-seen="30 of 40 shown/30|0 of 40 shown/0|30 of 40 shown/30|11 of 40 shown/11|1 of 40 shown/1"' "$WORK/dom"
}
