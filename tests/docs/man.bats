#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The manual pages name exactly the verbs and options that the programs have.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	: "${STELLA_BUILD:=$PWD/build}"
}

# Long options of a help text, one a line.
options_of() {
	grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -e '--[a-z-]+' | sort -u
}

# Those of the mdoc on standard input: .It Fl -name
options_in_page() {
	sed -nE 's/^\.It (Fl [a-z] , )?Fl -([a-z-]+).*/--\2/p' | sort -u
}

# The part of stella(1) about one verb.
section() {
	sed -nE "/^\.Ss $1( |\$)/,/^\.(Ss|Sh) /p" man/stella.1
}

verbs() {
	"$STELLA_BUILD/stella" signals --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

@test "stella(1) has a section for each verb, and no other" {
	[ "$(verbs | wc -l)" -ge 9 ]
	diff <(verbs) <(sed -nE 's/^\.Ss ([a-z-]+).*/\1/p' man/stella.1)
}

@test "stella(1) names each verb's options, short and long, and no other" {
	while read -r verb; do
		page=$(section "$verb" | options_in_page)
		grep -q 'the three options above, and' <<<"$(section "$verb")" && page+=$'\n--output\n--quiet\n--help'
		help=$("$STELLA_BUILD/stella" signals "$verb" --help | options_of)
		diff <(sort -u <<<"$page" | grep .) <(echo "$help") || { echo "^ $verb"; return 1; }
		# Every short option too, with its long one.
		while read -r short long; do
			grep -qE "^\.It Fl $short , Fl -$long( |\$)" man/stella.1 || { echo "$verb: -$short, --$long"; return 1; }
		done < <("$STELLA_BUILD/stella" signals "$verb" --help | sed -nE 's/^ +-([a-z]), --([a-z-]+).*/\1 \2/p')
	done < <(verbs)
}

@test "stella-signalsd(8) names the options of stella-signalsd, and no other" {
	diff <(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh SIGNALS/p' man/stella-signalsd.8 | options_in_page) \
		<("$STELLA_BUILD/stella-signalsd" --help | options_of)
}

@test "stellaops.yaml(5) and the packaged example are what the program writes" {
	diff <("$STELLA_BUILD/stella-signalsd" --man-config | grep -v '^\.Dd') <(grep -v '^\.Dd' man/stellaops.yaml.5)
	diff <("$STELLA_BUILD/stella-signalsd" --example-config) packaging/stellaops.yaml
}

@test "an option with a value takes it as the next word or behind an equals sign, and is not abbreviated" {
	run "$STELLA_BUILD/stella" signals status --socket=/nonexistent/s.sock
	[ "$status" -eq 4 ]
	run "$STELLA_BUILD/stella" signals status --socket /nonexistent/s.sock
	[ "$status" -eq 4 ]
	run "$STELLA_BUILD/stella" signals status --sock /nonexistent/s.sock
	[ "$status" -eq 2 ]
}

@test "the environment variables of the code are in the manual pages" {
	while read -r name; do
		[ "$name" = TERM ] || grep -q "Ev $name" man/stella.1 man/stella-signalsd.8 || { echo "$name"; return 1; }
	done < <(grep -rhoE 'getenv\("[A-Z_]+"\)|_ENV "[A-Z_]+"' src | grep -oE '[A-Z_]{4,}"' | tr -d '"' | sort -u)
}

@test "mandoc finds nothing wrong" {
	command -v mandoc >/dev/null || skip "mandoc is not installed"
	for page in man/stella.1 man/stella-signalsd.8; do
		run mandoc -Tlint -Wwarning "$page"
		echo "$output"
		[ -z "$output" ]
	done
}
