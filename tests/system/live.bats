#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# One thing done once on the live kernel: exactly that record.

load helpers

setup() {
	need_bpf
	collector_config
	collector_start
	cp "$DOER" "$WORK/doer"
	FILE=$WORK/evidence\ file
	echo content >"$FILE"
	DEV=$(python3 -c 'import os,sys; d=os.stat(sys.argv[1]).st_dev; print(f"{os.major(d)}:{os.minor(d)}")' "$FILE")
	INODE=$(stat -c %i "$FILE")
}

teardown() {
	collector_end
}

# do_once ARGUMENTS: the doer does it under a pid we know, then the collector stops and its chain is verified.
do_once() {
	"$WORK/doer" "$@" >"$WORK/done" 2>"$WORK/why" &
	PID=$!
	local status=0
	wait $PID || status=$?
	[ $status != 77 ] || skip "this kernel or file system cannot: doer $1"
	[ $status = 0 ] || { cat "$WORK/why"; return 1; }
	collector_stop
	verify
}

opens_of_doer() {
	records_of ".event.type == \"file_open\" and .pid == $PID and .event.path == $1"
}

@test "openat: path, device, inode, access, thread, command" {
	do_once open "$FILE"
	[ "$(opens_of_doer "\"$FILE\"" | jq -c '[.src, .tid == .pid, .comm, .event]')" = \
		"[\"sys_exit_openat\",true,\"doer\",{\"access\":\"read\",\"dev\":\"$DEV\",\"flags\":524288,\"inode\":$INODE,\"mode\":0,\"path\":\"$FILE\",\"type\":\"file_open\"}]" ]
}

@test "openat: a name through a link is kept beside the path it led to" {
	ln -s "$FILE" "$WORK/link"
	do_once open "$WORK/link"
	[ "$(opens_of_doer "\"$FILE\"" | jq -r .event.requested)" = "$WORK/link" ]
}

@test "folded, a file keeps each of its names: by a link, and after a rename" {
	ln "$FILE" "$WORK/second name"
	python3 - "$FILE" "$WORK/second name" "$WORK/third name" <<-'END' &
		import os, sys
		first, second, third = sys.argv[1:]
		for name in (first, first, second, second):
		    os.close(os.open(name, os.O_RDONLY))
		os.rename(second, third)
		for name in (third, third):
		    os.close(os.open(name, os.O_RDONLY))
	END
	PID=$!
	wait $PID
	collector_stop
	verify
	[ "$(records_of ".pid == $PID and .event.inode == $INODE" | jq -r .event.path)" = \
		"$FILE"$'\n'"$WORK/second name"$'\n'"$WORK/third name" ]
}

@test "openat: relative to a descriptor, created: flags and mode as asked" {
	do_once openat "$WORK" "made here"
	[ "$(opens_of_doer "\"$WORK/made here\"" | jq -c '.event | [.requested, .mode, .access, .flags]')" = \
		"[\"made here\",416,\"write\",1089]" ]
}

@test "open, the old call" {
	do_once open-old "$FILE"
	[ "$(opens_of_doer "\"$FILE\"" | jq -r '.src + " " + .event.access')" = "sys_exit_open read_write" ]
}

@test "openat2: flags come from the caller's structure" {
	do_once openat2 "$FILE"
	[ "$(opens_of_doer "\"$FILE\"" | jq -r '.src + " " + (.event.flags|tostring)')" = "sys_exit_openat2 131072" ]
}

@test "creat: the file it made, mode as asked" {
	do_once creat "$WORK/created"
	[ "$(opens_of_doer "\"$WORK/created\"" | jq -r '.src + " " + (.event.mode|tostring) + " " + .event.access')" = \
		"sys_exit_creat 384 write" ]
}

@test "open_by_handle_at: no name was given, the path is known all the same" {
	do_once handle "$FILE"
	[ "$(opens_of_doer "\"$FILE\"" | jq -r '.src + " " + (.event.requested // "none")')" = \
		"sys_exit_open_by_handle_at none" ]
}

@test "a 32-bit system call: other number, other registers, same record" {
	do_once open32 "$FILE"
	[ "$(opens_of_doer "\"$FILE\"" | jq -r .src)" = sys_exit_openat ]
}

@test "system calls whose number has an upper half are no way around" {
	do_once high "$FILE"
	[ "$(opens_of_doer "\"$FILE\"" | jq -r .event.inode)" = "$INODE" ]
	[ "$(records_of ".event.type == \"library_load\" and .pid == $PID and .event.path == \"$FILE\"" | wc -l)" = 1 ]
	[ "$(records_of ".event.type == \"net_connect\" and .pid == $PID" | jq -r .event.port)" = 9 ]
}

@test "io_uring: the record, or where no hook sees it the loss, signed and with its time" {
	do_once uring "$FILE"
	if [ -z "$(opens_of_doer "\"$FILE\"")" ]; then
		[ "$(jq '[.losses[] | select(.cause == "io_uring" and .kind == "file_open" and .effect == "record")
			| .count] | add' "$WORK/verify.json")" -ge 1 ]
	fi
}

@test "an open that fails is no evidence" {
	do_once fail "$WORK/not there"
	[ -z "$(records_of ".pid == $PID and ((.event.path // \"\") | endswith(\"not there\"))")" ]
	[ -n "$(records_of ".pid == $PID")" ]
}

@test "a file without a name is marked as deleted" {
	do_once tmpfile "$WORK"
	[ "$(records_of ".pid == $PID and .event.deleted == true" | jq -r .event.access)" = read_write ]
}

@test "a memfd opened again through /proc: unreachable from the root" {
	do_once memfd secret
	[ "$(records_of ".pid == $PID and .event.unreachable == true" | jq -r .event.path)" = "/memfd:secret" ]
}

@test "O_PATH: a reference, nothing read" {
	do_once path-only "$FILE"
	[ "$(opens_of_doer "\"$FILE\"" | jq -c '.event | [.path_only, .access]')" = '[true,"read"]' ]
}

@test "a pipe opened by its number has no name, and none is made up" {
	do_once pipe
	[ "$(records_of ".pid == $PID and .event.unreachable == true" | jq -c '.event | [.path, .path_truncated]')" = \
		'["/",true]' ]
}

@test "access is what the kernel granted, whatever the request in the caller's memory became" {
	do_once rewritten "$FILE"
	PID=$(cat "$WORK/done")
	[ "$(opens_of_doer "\"$FILE\"" | jq -c '.event | [.access, .requested]')" = '["write","/innocent"]' ]
}

@test "inside a chroot the path is the process's own" {
	mkdir "$WORK/jail"
	cp "$FILE" "$WORK/jail/inner"
	do_once chroot "$WORK/jail" /inner
	[ "$(opens_of_doer '"/inner"' | jq .event.inode)" = "$(stat -c %i "$WORK/jail/inner")" ]
}

@test "a bind mount: the path that was walked, not the one beneath" {
	mkdir "$WORK/mounted"
	mount --bind "$WORK/state" "$WORK/mounted" || skip "mounting is not permitted"
	echo x >"$WORK/mounted/through"
	do_once open "$WORK/mounted/through"
	umount "$WORK/mounted"
	[ -n "$(opens_of_doer "\"$WORK/mounted/through\"")" ]
}

@test "a path of 2,000 directories of one letter is whole" {
	do_once deep "$WORK" 1900
	[ "$(records_of ".pid == $PID and ((.event.path // \"\") | endswith(\"/leaf\"))" |
		jq -c '.event | [(.path | length), .path_truncated]')" = "[$((${#WORK} + 3800 + 5)),null]" ]
}

@test "a path of exactly 4,000 bytes is whole" {
	long=$(printf '%0200d' 0)
	deep=$WORK
	while [ $((${#deep} + 402)) -lt 4000 ]; do deep=$deep/$long; done
	# One directory more and a name, to the byte.
	rest=$((4000 - ${#deep} - 2))
	deep=$deep/$(printf "%0$((rest - rest / 2))d" 0)
	file=$deep/$(printf "%0$((rest / 2))d" 0)
	[ ${#file} = 4000 ]
	mkdir -p "$deep"
	touch "$file"
	do_once open "$file"
	[ "$(opens_of_doer "\"$file\"" | jq -c '.event | [.path_truncated, .requested]')" = '[null,null]' ]
}

@test "from a directory that was deleted: by its path of before, and marked" {
	do_once from-deleted "$WORK/gone"
	[ "$(opens_of_doer "\"$WORK/gone\"" | jq -c '.event | [.requested, .deleted]')" = '[".",true]' ]
	[ "$(opens_of_doer "\"$WORK/gone/held\"" | jq -c '.event | [.access, .deleted]' | sort)" = \
		$'["read",true]\n["read_write",null]' ]
}

@test "a name that is not UTF-8: replaced in the text, exact beside it" {
	name=$(printf '%s/bad\xff\xfename' "$WORK")
	touch "$name"
	do_once open "$name"
	[ "$(records_of ".pid == $PID and .event.path_b64 != null" | jq -r .event.path_b64 | base64 -d)" = "$name" ]
	[ "$(records_of ".pid == $PID and .event.path_b64 != null" | jq -r .event.path)" = "$WORK/bad��name" ]
}

@test "exec: the loaded file, the name asked for, the arguments, the parent" {
	( exec -a "other name" "$WORK/doer" open "$FILE" "" "two words" ) >/dev/null 2>&1 &
	PID=$!
	wait $PID || true
	collector_stop
	verify
	[ "$(the_record ".event.type == \"process_exec\" and .pid == $PID" |
		jq -c '[.src, .comm, .event.filename, .event.argv, .event.ppid, .event.inode]')" = \
		"[\"sched_process_exec\",\"doer\",\"$WORK/doer\",[\"other name\",\"open\",\"$FILE\",\"\",\"two words\"],$BASHPID,$(stat -c %i "$WORK/doer")]" ]
}

@test "exec of a script: the script, its interpreter, relative name made whole" {
	printf '#!/bin/sh -e\ntrue\n' >"$WORK/script"
	chmod +x "$WORK/script"
	cd "$WORK"
	./script one &
	PID=$!
	wait $PID
	collector_stop
	verify
	[ "$(the_record ".event.type == \"process_exec\" and .pid == $PID" |
		jq -c '.event | [.filename, .requested, .interpreter, .argv, .inode, .interpreter_inode]')" = \
		"[\"$WORK/script\",\"./script\",\"$(readlink -f /bin/sh)\",[\"/bin/sh\",\"-e\",\"./script\",\"one\"],null,$(stat -Lc %i /bin/sh)]" ]
}

@test "fexecve of a memfd: no name on any disk, and that is said" {
	do_once fexecve "$STELLA_BUILD/tests/system/nothing"
	found=$(records_of ".event.type == \"process_exec\" and .pid == $PID and .event.argv == [\"nameless\"]")
	[ "$(jq -c '.event | [.filename, .unreachable]' <<<"$found")" = '["/memfd:program",true]' ]
}

# exec_of ARGUMENTS: /bin/true with them, as the only record of it.
exec_of() {
	/bin/true "$@" &
	PID=$!
	wait $PID
	collector_stop
	verify
	the_record ".event.type == \"process_exec\" and .pid == $PID"
}

argv_cut() {
	jq '[.losses[] | select(.cause == "argv_cut" and .kind == "process_exec") | .count] | add // 0' "$WORK/verify.json"
}

@test "exec with 100 KiB of arguments: all of them" {
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	[ "$(exec_of "$long" end | jq -c '.event | [.argv_truncated, (.argv | length), (.argv[1] | length), .argv[2]]')" = \
		'[null,3,100000,"end"]' ]
	[ "$(argv_cut)" = 0 ]
}

@test "exec with 200 KiB of arguments: the first 128, and how much there was" {
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	[ "$(exec_of "$long" "$long" | jq -c '.event | [.argv_truncated, .argv_bytes, .argv[0], (.argv[2] | length)]')" = \
		"[true,200012,\"/bin/true\",$((131072 - 10 - 100001))]" ]
	[ "$(argv_cut)" = 1 ]
}

@test "exec through the perf buffer: as much of 100 KiB as a sample takes" {
	collector_stop
	printf '  transport: perf_buffer\n' >>"$WORK/stellaops.yaml"
	collector_start
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	/bin/true "$long" &
	PID=$!
	wait $PID
	collector_stop
	verify
	the_record ".event.type == \"process_exec\" and .pid == $PID" |
		jq -e '.event | .argv_truncated and .argv_bytes == 100011 and (.argv[1] | length) > 50000'
}

@test "exit: status, signal, parent, and when the process began" {
	bash -c 'exit 7' &
	PID=$!
	wait $PID || true
	bash -c 'kill -TERM $$' &
	KILLED=$!
	wait $KILLED || true
	collector_stop
	verify
	[ "$(the_record ".event.type == \"process_exit\" and .pid == $PID" |
		jq -c '[.src, .event.exit_status, .event.signal, .event.ppid, .event.started_ns < .ts_ns]')" = \
		"[\"sched_process_exit\",7,null,$BASHPID,true]" ]
	[ "$(the_record ".event.type == \"process_exit\" and .pid == $KILLED" |
		jq -c '[.event.exit_status, .event.signal]')" = '[null,15]' ]
}

@test "cgroups: made, entered, removed; what happens in one has its id; inspect finds them" {
	local mount=/sys/fs/cgroup group id
	# Where the controllers are: docs/probe-reference.md, cgroup_id.
	[ ! -f "$mount/memory/cgroup.procs" ] || mount=$mount/memory
	group=$mount/stella-live.$$
	mkdir "$group" || skip "no cgroup can be made here"
	rmdir "$group"
	mkdir "$group"
	id=$(stat -c %i "$group")
	bash -c 'echo $$ >"$0/cgroup.procs" && exec /bin/true' "$group" &
	PID=$!
	wait $PID
	rmdir "$group"
	collector_stop
	verify
	[ "$(records | jq -c "select(.event.type == \"cgroup\" and .cgroup_id == $id) |
		[.src, .event.op, .event.path, .pid == $PID]")" = \
		"[\"cgroup_mkdir\",\"create\",\"/stella-live.$$\",false]
[\"cgroup_attach_task\",\"attach\",\"/stella-live.$$\",true]
[\"cgroup_rmdir\",\"remove\",\"/stella-live.$$\",false]" ]
	[ "$(the_record ".event.type == \"process_exec\" and .pid == $PID and .event.filename != \"$BASH\" and
		.cgroup_id == $id" | jq -r '.event.type')" = process_exec ]
	records | jq -e -s 'map(select(.event.type == "cgroup"))[0] | .event == {at_start: true, op: "create", path: "/",
		type: "cgroup"}'
	"$STELLA" signals inspect --evidence "$EVIDENCE" --type cgroup --output table >"$WORK/inspected"
	grep -q "attach /stella-live.$$" "$WORK/inspected"
}

# build_id_of FILE, as binutils read it.
build_id_of() {
	readelf -n "$1" | awk '/Build ID/ { print $3 }'
}

# A library of our own, so that nobody else has it.
library_make() {
	printf 'int answer(void) { return 42; }\n' | gcc -shared -fPIC -Wl,--build-id -x c - -o "$1"
}

library_of_pid() {
	the_record ".event.type == \"library_load\" and .pid == $PID and .event.inode == $1"
}

@test "library_load: mapped by mmap and by mprotect, with the build id that readelf finds" {
	library_make "$WORK/one.so"
	library_make "$WORK/two.so"
	do_once map "$WORK/one.so" "$WORK/two.so"
	for name in one two; do
		[ "$(library_of_pid "$(stat -c %i "$WORK/$name.so")" | jq -c '[.event.path, .event.build_id, .event.at_start]')" = \
			"[\"$WORK/$name.so\",\"$(build_id_of "$WORK/$name.so")\",null]" ]
	done
	# The program and its interpreter, mapped by exec.
	[ "$(library_of_pid "$(stat -c %i "$WORK/doer")" | jq -r .event.build_id)" = "$(build_id_of "$WORK/doer")" ]
	[ -n "$(records_of ".event.type == \"library_load\" and .pid == $PID and (.event.path | contains(\"/ld-linux\"))")" ]
}

@test "library_load: deleted before it is mapped: what was mapped is what is read" {
	library_make "$WORK/gone.so"
	ID=$(build_id_of "$WORK/gone.so")
	INODE=$(stat -c %i "$WORK/gone.so")
	do_once map-deleted "$WORK/gone.so"
	[ "$(library_of_pid "$INODE" | jq -c '[.event.deleted, .event.build_id]')" = "[true,\"$ID\"]" ]
}

@test "library_load: in a chroot, by the process's own path" {
	mkdir "$WORK/jail"
	library_make "$WORK/jail/inner.so"
	do_once chroot-map "$WORK/jail" /inner.so
	[ "$(library_of_pid "$(stat -c %i "$WORK/jail/inner.so")" | jq -c '[.event.path, .event.build_id]')" = \
		"[\"/inner.so\",\"$(build_id_of "$WORK/jail/inner.so")\"]" ]
}

@test "a program older than the collector: running, mapped and listening when coverage opened" {
	collector_stop
	python3 -c 'import socket,sys
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(); print(s.getsockname()[1], flush=True)
sys.stdin.read()' "an argument" >"$WORK/port" < <(sleep 20) &
	PID=$!
	until [ -s "$WORK/port" ]; do sleep 0.02; done
	PORT=$(cat "$WORK/port")
	collector_start
	collector_stop
	kill $PID
	verify
	[ "$(the_record ".src == \"iter_task\" and .pid == $PID" | jq -c '[.event.at_start, .event.argv[-1], .event.ppid]')" = \
		"[true,\"an argument\",$BASHPID]" ]
	records_of ".src == \"iter_task_vma\" and .pid == $PID and .event.at_start" | jq -r .event.path | grep -q /libc.so
	[ "$(the_record ".src == \"iter_task_file\" and .pid == $PID and .event.sport == $PORT" |
		jq -c '[.event.at_start, .event.old_state, .event.new_state]')" = '[true,"LISTEN","LISTEN"]' ]
}

tcp_states() {
	records_of ".event.type == \"tcp_state\" and .event.$1 == $PORT and .event.family == \"$2\"" |
		jq -r '[.pid, .event.saddr, .event.daddr, .event.old_state, .event.new_state] | map(tostring) | join(" ")' | sort
}

@test "TCP over IPv4: both ends, each owned by its process" {
	do_once connects 1 4
	PORT=$(awk '{print $2}' "$WORK/done")
	tcp_states dport ipv4 | grep -qx "$PID 127.0.0.1 127.0.0.1 SYN_SENT ESTABLISHED"
	tcp_states sport ipv4 | grep -qx "$PID 127.0.0.1 127.0.0.1 SYN_RECV ESTABLISHED"
	tcp_states sport ipv4 | grep -qx "$PID 127.0.0.1 0.0.0.0 CLOSE LISTEN"
	# The closing client still says which port was its own.
	[ -z "$(records_of ".event.type == \"tcp_state\" and .event.dport == $PORT and .event.new_state == \"CLOSE\" and .event.sport == 0")" ]
}

@test "TCP over IPv6" {
	do_once connects 1 6
	PORT=$(awk '{print $2}' "$WORK/done")
	tcp_states dport ipv6 | grep -qx "$PID ::1 ::1 CLOSE SYN_SENT"
	tcp_states sport ipv6 | grep -qx "$PID ::1 ::1 SYN_RECV ESTABLISHED"
}

@test "a listener older than the collector: its connections are its process's" {
	collector_stop
	python3 -c 'import socket,sys,time
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(); print(s.getsockname()[1], flush=True)
a,_=s.accept(); a.recv(1)' >"$WORK/port" &
	PID=$!
	until [ -s "$WORK/port" ]; do sleep 0.02; done
	PORT=$(cat "$WORK/port")
	collector_start
	bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
	wait $PID
	collector_stop
	verify
	tcp_states sport ipv4 | grep -qx "$PID 127.0.0.1 127.0.0.1 SYN_RECV ESTABLISHED"
}

# connections PYTHON: runs it under a pid we know; what it printed is in $WORK/done.
connections() {
	python3 -c "import socket, sys
$1" >"$WORK/done" &
	PID=$!
	wait $PID
	collector_stop
	verify
}

net_connects() {
	records_of ".event.type == \"net_connect\" and .pid == $PID" | jq -c '.event | del(.type)'
}

@test "connect and accept: the peers and what came of it" {
	connections 's = socket.create_server(("127.0.0.1", 0)); p = s.getsockname()[1]
c = socket.create_connection(("127.0.0.1", p)); a, peer = s.accept(); s.close()
r = socket.socket().connect_ex(("127.0.0.1", p)); print(p, peer[1], r)'
	read -r port peer result <"$WORK/done"
	[ "$result" = 111 ]
	[ "$(net_connects)" = "{\"addr\":\"127.0.0.1\",\"family\":\"ipv4\",\"op\":\"connect\",\"port\":$port,\"result\":0,\"socket_type\":\"stream\"}
{\"addr\":\"127.0.0.1\",\"family\":\"ipv4\",\"op\":\"accept\",\"port\":$peer,\"result\":0,\"socket_type\":\"stream\"}
{\"addr\":\"127.0.0.1\",\"family\":\"ipv4\",\"op\":\"connect\",\"port\":$port,\"result\":\"ECONNREFUSED\",\"socket_type\":\"stream\"}" ]
}

@test "a datagram socket over IPv6, and one that has to wait" {
	connections 's = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.connect(("::1", 9))
t = socket.create_server(("127.0.0.1", 0)); c = socket.socket(); c.setblocking(False); c.connect_ex(t.getsockname())'
	[ "$(net_connects | jq -c '[.addr, .port, .family, .socket_type, .result]' | sed -n 1p)" = '["::1",9,"ipv6","dgram",0]' ]
	[ "$(net_connects | jq -r .result | sed -n 2p)" = EINPROGRESS ]
}

@test "Unix sockets: by path, abstract, and accepted" {
	cd "$WORK"
	connections 'for name in "the socket", "\0not there", "\0abstract":
	s = socket.socket(socket.AF_UNIX)
	if name == "\0not there": s.connect_ex(name); continue
	s.bind(name); s.listen()
	c = socket.socket(socket.AF_UNIX); c.connect(name); s.accept()'
	[ "$(net_connects | jq -c '[.op, .addr, .abstract, .family, .result]')" = '["connect","the socket",null,"unix",0]
["accept","the socket",null,"unix",0]
["connect","@not there",true,"unix","ECONNREFUSED"]
["connect","@abstract",true,"unix",0]
["accept","@abstract",true,"unix",0]' ]
}

@test "a family without a name of ours is recorded by its number" {
	connections 'socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).connect((0, 0))'
	[ "$(net_connects)" = '{"family":"other","family_number":16,"op":"connect","result":0,"socket_type":"raw"}' ]
}

@test "filters in the kernel: counted, in the seal, and others after a reload" {
	collector_stop
	printf '  filters: {comm_denylist: [doer], path_denylist: ["%s/state/**"]}\n' "$WORK" >>"$WORK/stellaops.yaml"
	collector_start
	"$WORK/doer" open "$FILE" >/dev/null
	sed -i 's/comm_denylist: .doer., //' "$WORK/stellaops.yaml"
	kill -HUP "$(collector_pid)"
	until [ -e "$EVIDENCE/chunk-000003.ndjson.open" ]; do sleep 0.02; done
	do_once open "$FILE"
	[ -n "$(opens_of_doer "\"$FILE\"")" ]
	[ -z "$(records_of '.comm == "doer" and .pid != '"$PID")" ]
	jq -r .dsseEnvelope.payload "$EVIDENCE/chunk-000002.sigstore.json" | base64 -d >"$WORK/seal"
	[ "$(jq -c .predicate.coverage.filters.comm_denylist "$WORK/seal")" = '["doer"]' ]
	[ "$(jq .predicate.coverage.filtered "$WORK/seal")" -gt 0 ]
}

@test "a filter that names nobody is refused" {
	collector_stop
	printf '  filters: {cgroups: [%s]}\n' /sys/fs/cgroup/not-there >>"$WORK/stellaops.yaml"
	run collector_start
	[ "$status" -eq 2 ]
}
