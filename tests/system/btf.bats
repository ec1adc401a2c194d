#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A kernel without types of its own: they come from a file, the programs hang on untyped tracepoints, and the seal says
# whose types they were. Tried on a kernel that has them, by not looking, and by hiding them.

load helpers

setup() {
	need_bpf
	TYPES=$BATS_TEST_TMPDIR/types
	mkdir "$TYPES"
	cat /sys/kernel/btf/vmlinux >"$TYPES/whole.btf"
}

teardown() {
	collector_end
}

# One open, one exec, one connection by the doer; the seal's word on the types in $BTF.
act_and_stop() {
	"$DOER" open "$TYPES/whole.btf" &
	PID=$!
	wait $PID
	"$DOER" connects 1 4 >"$WORK/done"
	PORT=$(awk '{print $2}' "$WORK/done")
	collector_stop
	verify
	[ "$(jq -c '[.sound, .findings_total]' "$WORK/verify.json")" = "[true,0]" ]
	BTF=$(jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-000001.sigstore.json" | base64 -d | jq -c .predicate.host.btf)
}

everything_recorded() {
	the_record ".event.type == \"file_open\" and .pid == $PID and .event.path == \"$TYPES/whole.btf\""
	the_record ".event.type == \"process_exec\" and .pid == $PID"
	the_record ".event.type == \"tcp_state\" and .event.dport == $PORT and .event.new_state == \"ESTABLISHED\""
}

digest() {
	sha256sum "$1" | cut -d' ' -f1
}

@test "a file for this kernel: same records, and the seal names it" {
	collector_config "btf: {ignore_kernel: true, full: \"$TYPES/whole.btf\"}"
	collector_start
	act_and_stop
	everything_recorded
	[ "$BTF" = "{\"selection_reason\":\"kernel_btf_ignored_full_configured\",\"source_digest\":\"sha256:$(digest "$TYPES/whole.btf")\",\"source_kind\":\"external-vmlinux\",\"source_path\":\"$TYPES/whole.btf\"}" ]
}

@test "one of many by release and architecture, where the kernel's own cannot be seen" {
	mkdir "$TYPES/$(uname -r)"
	cp "$TYPES/whole.btf" "$TYPES/$(uname -r)/$(uname -m).btf"
	collector_config "btf: {split_directory: \"$TYPES\"}"
	export WORK SOCKET STELLA
	unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf &&
		exec "$STELLA" signals start --config "$WORK/stellaops.yaml" --socket "$SOCKET" --output json' \
		>"$WORK/start.json" 3>&- || skip "a mount namespace of its own is not permitted"
	act_and_stop
	everything_recorded
	[ "$(jq -r '.source_kind + " " + .source_path + " " + .selection_reason' <<<"$BTF")" = \
		"split-btf $TYPES/$(uname -r)/$(uname -m).btf kernel_btf_absent_split_by_release_and_arch" ]
}

@test "the other form of name in the directory" {
	cp "$TYPES/whole.btf" "$TYPES/$(uname -r)-$(uname -m).btf"
	collector_config "btf: {ignore_kernel: true, split_directory: \"$TYPES\"}"
	collector_start
	act_and_stop
	[ "$(jq -r .source_path <<<"$BTF")" = "$TYPES/$(uname -r)-$(uname -m).btf" ]
}

@test "no types anywhere: exit 1, and what would help; a file that is not there: exit 2" {
	collector_config "btf: {ignore_kernel: true, split_directory: \"$TYPES\"}"
	run collector_start
	[ "$status" = 1 ]
	[[ "$output" = *"/sys/kernel/btf/vmlinux"*"none lies in $TYPES"*"$(uname -r)"*"signals.btf.full"* ]]
	collector_config "btf: {ignore_kernel: true, full: \"$TYPES/none.btf\"}"
	run collector_start
	[ "$status" = 2 ]
	[[ "$output" = *"signals.btf.full: $TYPES/none.btf: No such file"* ]]
	# Also where the kernel's own would do: it is a mistake that shows on the next kernel only.
	collector_config "btf: {full: \"$TYPES/none.btf\"}"
	run collector_start
	[ "$status" = 2 ]
	[[ "$output" = *"signals.btf.full: $TYPES/none.btf: No such file"* ]]
}

@test "a file that is no type information: exit 1, nothing is left behind" {
	printf 'not types' >"$TYPES/bad.btf"
	collector_config "btf: {ignore_kernel: true, full: \"$TYPES/bad.btf\"}"
	run collector_start
	[ "$status" = 1 ]
	[[ "$output" = *"cannot load the programs"* ]]
	[ -z "$(ls "$EVIDENCE" 2>/dev/null)" ]
}
