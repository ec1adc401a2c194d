#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Files on overlayfs: which layer each comes from, when it is the one below and when it is not any more.

load helpers

setup() {
	need_bpf
	collector_config
	# No blanks: a script's first line names an interpreter there.
	PLACE=$(mktemp -d /tmp/overlay.XXXXXX)
	MERGED=$PLACE/merged
	mount -t tmpfs layers "$PLACE" || skip "mounting is not permitted"
	mkdir "$PLACE"/{lower,upper,work,merged}
	echo shipped >"$PLACE/lower/shipped"
	cp "$STELLA_BUILD/tests/system/nothing" "$PLACE/lower/program"
	cp "$STELLA_BUILD/tests/system/nothing" "$PLACE/lower/changed"
	cp "$(command -v sleep)" "$PLACE/lower/sleep"
	cp "$(readlink -f /bin/sh)" "$PLACE/lower/sh"
	printf '#!%s\ntrue\n' "$MERGED/sh" >"$PLACE/lower/script"
	chmod +x "$PLACE/lower/script"
	mount -t overlay layers -o "lowerdir=$PLACE/lower,upperdir=$PLACE/upper,workdir=$PLACE/work" "$MERGED" ||
		skip "this kernel mounts no overlay here"
}

teardown() {
	collector_end
	[ -z "${SLEEPER:-}" ] || kill "$SLEEPER" || true
	if [ -n "${PLACE:-}" ]; then
		umount "$MERGED" || true
		umount "$PLACE" || true
		rmdir "$PLACE"
	fi
}

@test "opens: below, copied up to be written, made, elsewhere; a copy ends the folding" {
	collector_start
	python3 - "$MERGED/shipped" "$MERGED/made" "$PLACE/upper/made" <<-'END' &
		import os, sys
		shipped, made, elsewhere = sys.argv[1:]
		for name, flags in ((shipped, os.O_RDONLY), (shipped, os.O_RDONLY), (shipped, os.O_PATH),
		        (shipped, os.O_WRONLY | os.O_APPEND), (shipped, os.O_RDONLY), (shipped, os.O_RDONLY),
		        (made, os.O_RDWR | os.O_CREAT), (made, os.O_RDONLY), (elsewhere, os.O_RDONLY)):
		    os.close(os.open(name, flags))
	END
	PID=$!
	wait $PID
	collector_stop
	verify
	[ "$(records_of ".event.type == \"file_open\" and .pid == $PID and (.event.path | startswith(\"$PLACE/\"))" |
		jq -r '.event | [(.path | ltrimstr("'"$PLACE/"'")), .access, .path_only, .layer] | map(tostring) | join(" ")')" = \
		"merged/shipped read null lower
merged/shipped read true lower
merged/shipped write null upper
merged/shipped read null upper
merged/made read_write null upper
merged/made read null upper
upper/made read null null" ]
}

# execs: layers of what was executed by this process, one a line.
execs() {
	records_of ".event.type == \"process_exec\" and .pid == $1" |
		jq -c '.event | [(.filename | ltrimstr("'"$PLACE/"'")), .layer, .interpreter_layer]'
}

@test "programs: below, made at run time, changed by no more than their mode; of a script the interpreter" {
	collector_start
	cp "$MERGED/program" "$MERGED/made"
	chmod 700 "$MERGED/changed"
	for name in program made changed script; do
		"$MERGED/$name" &
		PIDS+=($!)
		wait $!
	done
	chmod 700 "$MERGED/sh"
	"$MERGED/script" &
	PIDS+=($!)
	wait $!
	collector_stop
	verify
	[ "$(for pid in "${PIDS[@]}"; do execs "$pid"; done)" = \
		'["merged/program","lower",null]
["merged/made","upper",null]
["merged/changed","upper",null]
["merged/script",null,"lower"]
["merged/script",null,"upper"]' ]
	# What exec maps is the same file.
	[ "$(records_of '.event.type == "library_load"' |
		jq -r '.event | select(.path == "'"$MERGED"'/program" or .path == "'"$MERGED"'/made") | .layer')" = \
		$'lower\nupper' ]
}

# maps NAME...: a process that maps each of these executable, and then waits.
maps() {
	python3 -c 'import mmap,os,sys,time
maps=[mmap.mmap(os.open(name, os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC) for name in sys.argv[1:]]
print("mapped", flush=True)
time.sleep(60)' "$@" >"$WORK/mapped" &
	SLEEPER=$!
	until [ -s "$WORK/mapped" ]; do sleep 0.02; done
}

# mappings CONDITION: name and layer of what the process has mapped of this overlay.
mappings() {
	records_of ".event.type == \"library_load\" and .pid == $SLEEPER and ($1) and (.event.path | startswith(\"$MERGED/\"))" |
		jq -r '.event | (.path | split("/")[-1]) + " " + .layer' | sort
}

@test "mappings: by the inode that the user knows, and the layer of what is mapped" {
	cp "$MERGED/program" "$MERGED/made"
	collector_start
	maps "$MERGED/program" "$MERGED/made"
	collector_stop
	verify
	[ "$(mappings '.event.at_start != true')" = $'made upper\nprogram lower' ]
	[ "$(records_of ".event.type == \"library_load\" and .pid == $SLEEPER and .event.path == \"$MERGED/program\"" |
		jq .event.inode)" = "$(stat -c %i "$MERGED/program")" ]
}

@test "at the start: what is mapped from below is so, though its file was copied up since" {
	cp "$MERGED/program" "$MERGED/made"
	maps "$MERGED/program" "$MERGED/changed" "$MERGED/made"
	chmod 700 "$MERGED/changed"
	"$MERGED/sleep" 60 &
	RUNNING=$!
	until [ "$(readlink "/proc/$RUNNING/exe")" = "$MERGED/sleep" ]; do sleep 0.02; done
	collector_start
	collector_stop
	kill $RUNNING
	wait $RUNNING || true
	verify
	[ "$(mappings '.event.at_start')" = $'changed lower\nmade upper\nprogram lower' ]
	[ "$(the_record ".event.type == \"process_exec\" and .pid == $RUNNING" | jq -r .event.layer)" = lower ]
}
