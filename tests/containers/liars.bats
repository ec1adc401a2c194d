#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Engines that hang, lie, flood, go away and come back: events go on, whose they are stays right, and the image is the
# true one or unknown.

bats_require_minimum_version 1.5.0
load engines
load ../system/helpers

DIGEST=sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff

setup() {
	need_bpf
	need_engine runc jq python3
	engines_dir
	image_tar one >/dev/null
}

teardown() {
	[ -z "${LIAR:-}" ] || kill "$LIAR" 2>/dev/null || true
	collector_end
	engines_down
}

seal() {
	jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-000001.sigstore.json" | base64 -d | jq .predicate
}

# told_by MODE: a container whose engine is of that kind; what the evidence says of it is in $WORK.
told_by() {
	local id

	id=$(new_id)
	EVIDENCE=$BATS_TEST_TMPDIR/evidence-$1
	"$CONTAINERS_DIR/fake-engine" "$ENGINES/liar-$1" "$1" "$id" "$DIGEST" 3>&- &
	LIAR=$!
	until [ -S "$ENGINES/liar-$1" ]; do sleep 0.02; done
	collector_config 'dedup: off' "containers: {engines: [\"docker:$ENGINES/liar-$1\"]}"
	collector_start
	runc_at "/docker/$id" "$id" one sh -c "echo >/dev/told-by-$1; cat /dev/told-by-$1"
	sleep 0.3 # for the liar to speak
	RSS_KB=$(awk '/^VmHWM:/ { print $2 }' "/proc/$(collector_pid)/status")
	STOP_MS=$(date +%s%3N)
	collector_stop
	STOP_MS=$(($(date +%s%3N) - STOP_MS))
	kill "$LIAR" && wait "$LIAR" 2>/dev/null || true
	LIAR=
	verify
	jq -e '.sound and .complete' "$WORK/verify.json" >/dev/null
	records_of ".event.path == \"/dev/told-by-$1\"" >"$WORK/opens"
	[ "$(wc -l <"$WORK/opens")" = 2 ]
	jq -e -s --arg id "docker://$id" 'all(.[]; .container_id == $id)' "$WORK/opens" >/dev/null
	seal | jq -c --arg id "docker://$id" '.containers[] | select(.id == $id)' >"$WORK/row"
	[ -s "$WORK/row" ]
}

@test "an honest one is believed" {
	told_by honest
	[ "$(jq -r .image_digest "$WORK/row")" = "$DIGEST" ]
	[ "$(jq -r .image_digest_kind "$WORK/row")" = repository ]
}

@test "whatever else it says, the image stays unknown, and nothing else suffers" {
	for mode in noise garbage nonsense hang wrong-digest-form wrong-id closes refuses slow; do
		echo "mode $mode"
		told_by "$mode"
		[ "$(jq -r '.image_digest // "unknown"' "$WORK/row")" = unknown ]
		[ "$RSS_KB" -lt 61440 ]
		[ "$STOP_MS" -lt 5000 ]
	done
}

@test "endless answers and 100 MB of labels: memory stays bounded" {
	for mode in endless huge-labels; do
		echo "mode $mode"
		told_by "$mode"
		[ "$RSS_KB" -lt 61440 ]
	done
}

@test "an engine that is stopped, and goes on, and is started anew" {
	docker_up
	docker_image one
	collector_config 'dedup: off' "containers: {engines: [\"docker:$DOCKER_SOCKET\"]}"
	collector_start
	first=$(docker_run --detach one sleep 100)
	until "$STELLA" signals status --socket "$SOCKET" --output json |
		jq -e --arg id "docker://$first" '.containers[] | select(.id == $id) | .image_digest' >/dev/null; do sleep 0.05; done
	kill -STOP "$(daemon_pid docker)"
	second=$(new_id)
	runc_at "/docker/$second" "$second" one sh -c 'echo >/dev/while-it-stood'
	kill -CONT "$(daemon_pid docker)"
	docker rm --force "$first" >/dev/null
	engine_stop docker
	third=$(new_id)
	runc_at "/docker/$third" "$third" one sh -c 'echo >/dev/while-it-was-gone'
	docker_up
	fourth=$(docker_run --detach one sh -c 'echo >/tmp/anew; sleep 100')
	until "$STELLA" signals status --socket "$SOCKET" --output json |
		jq -e --arg id "docker://$fourth" '.containers[] | select(.id == $id) | .image_digest' >/dev/null; do sleep 0.05; done
	docker rm --force "$fourth" >/dev/null
	collector_stop
	verify
	jq -e '.sound and .complete' "$WORK/verify.json"
	[ "$(the_record '.event.path == "/dev/while-it-stood"' | jq -r .container_id)" = "docker://$second" ]
	[ "$(the_record '.event.path == "/dev/while-it-was-gone"' | jq -r .container_id)" = "docker://$third" ]
	[ "$(the_record '.event.path == "/tmp/anew"' | jq -r .container_id)" = "docker://$fourth" ]
	[ "$(seal | jq '[.containers[] | select(.image_digest)] | length')" = 2 ]
}
