# SPDX-License-Identifier: Apache-2.0
#
# For tests on the live kernel: one collector a test, in a folder of its own, with a key of its own. What it
# wrote is read from the sealed chunks, never from a running one.

: "${STELLA_ROOT:=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${STELLA_BUILD:=$STELLA_ROOT/build}"
STELLA=$STELLA_BUILD/stella
# shellcheck disable=SC2034 # for the tests that load this
DOER=$STELLA_BUILD/tests/system/doer
export LC_ALL=C.UTF-8
# Without them, as in some CI, bash and Python look the user up, by a connection that the tests did not ask for.
export HOME=${HOME:-/} SHELL=${SHELL:-/bin/sh}

# Skips, with the reason, where the kernel half cannot run.
need_bpf() {
	[ "$(id -u)" = 0 ] || skip "needs root to load BPF programs"
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF at /sys/kernel/btf/vmlinux"
}

# collector_config [YAML LINES of signals: ...]: writes the configuration; the folder is $WORK.
collector_config() {
	WORK=$BATS_TEST_TMPDIR/a\ collector
	mkdir -p "$WORK"
	EVIDENCE=${EVIDENCE:-$WORK/evidence}
	SOCKET=$WORK/s.sock
	cat >"$WORK/stellaops.yaml" <<-END
		signals:
		  output_directory: "$EVIDENCE"
		  state_directory: "$WORK/state"
		  control_socket: "$SOCKET"
	END
	printf '%s\n' "$@" | sed -e '/^$/d' -e 's/^/  /' >>"$WORK/stellaops.yaml"
}

collector_start() {
	"$STELLA" signals start --config "$WORK/stellaops.yaml" --socket "$SOCKET" --output json "$@" \
		>"$WORK/start.json" 3>&-
}

collector_stop() {
	"$STELLA" signals stop --socket "$SOCKET" --output json >"$WORK/stop.json"
}

collector_pid() {
	"$STELLA" signals status --socket "$SOCKET" --output json | jq .pid
}

# For teardown: whatever the test did, nothing of it goes on running.
collector_end() {
	[ -n "${SOCKET:-}" ] && [ -S "$SOCKET" ] || return 0
	"$STELLA" signals stop --socket "$SOCKET" >/dev/null 2>&1 || true
}

verify() {
	"$STELLA" signals verify-chain "$EVIDENCE" --trust "$WORK/state/trust" --output json "$@" >"$WORK/verify.json"
}

records() {
	cat "$EVIDENCE"/chunk-*.ndjson
}

# records_of JQ-CONDITION: the records for which it holds.
records_of() {
	records | jq -c "select($1)"
}

# The one record for which the condition holds; fails when there are none or several.
the_record() {
	local found

	found=$(records_of "$1")
	[ "$(printf '%s' "$found" | grep -c '^')" = 1 ] || {
		echo "wanted one record with $1, got: ${found:-none}" >&2
		return 1
	}
	printf '%s\n' "$found"
}

# Sum of one count over all losses of records: lost_records [KIND].
lost_records() {
	jq --arg kind "${1:-}" '[.losses[] | select(.effect == "record") | select($kind == "" or .kind == $kind or .kind == null)
		| .count] | add // 0' "$WORK/verify.json"
}
