#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# filters.target_containers and filters.host, with real containers: by each way of naming one, changed while running,
# and before anybody knows who a new one is.

bats_require_minimum_version 1.5.0
load engines
load ../system/helpers

setup() {
	need_bpf
	docker_up
	docker_image one
	docker_image two
}

teardown() {
	collector_end
	engines_down
}

seal() {
	jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-$1.sigstore.json" | base64 -d | jq .predicate
}

# Each opens a file of its own again and again: NAME-N.
busy() {
	docker_run --detach --name "$1" --label "role=$1" "$2" \
		sh -c "i=0; while :; do i=\$((i + 1)); echo >/tmp/$1; cat /tmp/$1; done"
}

# How many opens of a container's file are there.
opens_of() {
	records_of ".event.type == \"file_open\" and .event.path == \"/tmp/$1\"" | wc -l
}

targets() {
	collector_config 'dedup: off' 'ring_buffer_mb: 32' \
		"containers: {engines: [\"docker:$DOCKER_SOCKET\"], labels: [role]}" "filters: {$1}"
}

status() {
	"$STELLA" signals status --socket "$SOCKET" --output json
}

# decided ID WORD: status says so of a container.
decided() {
	until status | jq -e --arg id "docker://$1" --arg word "$2" \
		'.containers[] | select(.id == $id) | .decision == $word' >/dev/null; do sleep 0.05; done
}

@test "by name: the one is recorded, the other and the host are not" {
	targets 'target_containers: ["name:wanted"], host: false'
	collector_start
	wanted=$(busy wanted one)
	other=$(busy other one)
	decided "$wanted" recorded
	decided "$other" left_out
	before=$(status | jq .filtered)
	until [ "$(status | jq .filtered)" -gt "$before" ]; do sleep 0.1; done # counted in the kernel, read once a second
	"$DOER" opens 50 "$WORK/stellaops.yaml" >/dev/null
	collector_stop
	verify
	[ "$(opens_of wanted)" -gt 50 ]
	records_of ".container_id == \"docker://$other\" and .event.type != \"cgroup\"" >"$WORK/others"
	# Only while it was not known who that is, and the seal says so.
	if [ -s "$WORK/others" ]; then
		seal 000001 | jq -e --arg id "docker://$other" '.coverage.containers[] | select(.id == $id) |
			.incomplete | index("undecided")'
	fi
	[ -z "$(records_of '.comm == "doer"')" ]
	seal 000001 | jq -e '.coverage.filters.target_containers == ["name:wanted"] and .coverage.filters.host == false
		and .coverage.filtered > 0'
}

@test "by the beginning of its id, decided before its first event" {
	wanted=$(busy wanted one)
	other=$(busy other two)
	targets "target_containers: [\"docker://${wanted:0:12}\"]"
	collector_start
	decided "$other" left_out
	docker exec wanted cat /etc/hostname >/dev/null
	docker exec other cat /etc/passwd >/dev/null
	"$DOER" opens 50 "$WORK/stellaops.yaml" >/dev/null
	collector_stop
	verify
	[ "$(opens_of wanted)" -gt 0 ]
	[ -z "$(records_of ".container_id == \"docker://$other\" and .event.type != \"cgroup\"")" ]
	[ "$(records_of '.comm == "doer"' | wc -l)" -ge 50 ] # the host is recorded unless it is said otherwise
}

@test "by image and by label" {
	one=$(busy first one)
	two=$(busy second two)
	three=$(busy third one)
	targets 'target_containers: ["image:two", "label:role=third"]'
	collector_start
	decided "$one" left_out
	decided "$two" recorded
	decided "$three" recorded
	collector_stop
	verify
	[ "$(opens_of second)" -gt 0 ]
	[ "$(opens_of third)" -gt 0 ]
}

@test "changed by SIGHUP: without a gap, and in the next seal" {
	one=$(busy first one)
	two=$(busy second one)
	targets 'target_containers: ["name:first"]'
	collector_start
	decided "$two" left_out
	sed -i 's/name:first/name:second/' "$WORK/stellaops.yaml"
	kill -HUP "$(collector_pid)"
	decided "$one" left_out
	decided "$two" recorded
	sleep 0.3
	collector_stop
	verify
	jq -e '.sound and (.gaps | length == 0)' "$WORK/verify.json"
	[ "$(seal 000001 | jq -c .coverage.filters.target_containers)" = '["name:first"]' ]
	[ "$(seal 000002 | jq -c .coverage.filters.target_containers)" = '["name:second"]' ]
	jq -c 'select(.event.path == "/tmp/first")' "$EVIDENCE/chunk-000001.ndjson" | grep -q .
	jq -c 'select(.event.path == "/tmp/second")' "$EVIDENCE/chunk-000002.ndjson" | grep -q .
	[ -z "$(jq -c 'select(.event.path == "/tmp/second")' "$EVIDENCE/chunk-000001.ndjson")" ]
	# Of the first there may be what happened before the decision changed, at the very beginning.
	[ "$(jq -c 'select(.event.path == "/tmp/first")' "$EVIDENCE/chunk-000002.ndjson" | wc -l)" -lt \
		"$(jq -c 'select(.event.path == "/tmp/second")' "$EVIDENCE/chunk-000002.ndjson" | wc -l)" ]
}

@test "what a wrong entry gets told" {
	targets 'target_containers: ["nginx:1.25"]'
	run collector_start
	[ "$status" -eq 2 ]
	[[ $output == *stellaops.yaml:*target_containers* ]]
	targets 'target_containers: ["label:app=web"]'
	run collector_start
	[ "$status" -eq 2 ]
	[[ $output == *containers.labels* ]]
}
