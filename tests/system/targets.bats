#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# TLS sizes and function calls of real programs, through the whole road to the sealed chunk.

bats_require_minimum_version 1.5.0

load helpers

setup() {
	need_bpf
	for program in openssl curl nginx; do
		command -v "$program" >/dev/null || skip "no $program"
	done
}

teardown() {
	[ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null || true
	collector_end
}

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null
}

# nginx serving $WORK/www by TLS on $PORT.
serve() {
	PORT=$((20000 + RANDOM % 10000))
	mkdir -p "$WORK/www"
	cat >"$WORK/nginx.conf" <<-END
		daemon off; master_process off; pid "$WORK/nginx.pid"; error_log "$WORK/nginx.log";
		events {}
		http { access_log off; client_body_temp_path "$WORK/b"; proxy_temp_path "$WORK/p"; fastcgi_temp_path "$WORK/f";
		uwsgi_temp_path "$WORK/u"; scgi_temp_path "$WORK/s"; sendfile off;
		server { listen 127.0.0.1:$PORT ssl; root "$WORK/www"; ssl_certificate "$WORK/cert.pem"; ssl_certificate_key "$WORK/key.pem"; } }
	END
	nginx -c "$WORK/nginx.conf" 3>&- &
	SERVER=$!
	for _ in $(seq 100); do
		curl -s --cacert "$WORK/cert.pem" -o /dev/null "https://127.0.0.1:$PORT/" && return 0
		kill -0 "$SERVER"
	done
}

# ssl_bytes COMM OP: the sum over its processes; of folded records the one that has all of them.
ssl_bytes() {
	records_of ".event.type == \"ssl_op\" and .comm == \"$1\" and .event.op == \"$2\"" |
		jq -s --arg dedup "$dedup" 'if $dedup == "off" then map(.event.bytes) else
			[group_by([.pid, .event.library, .src])[] | max_by(.count // 1) | .event.bytes] end | add // 0'
}

collector_for_functions() {
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/map.json"
	collector_config 'probes: [function_call]' "functions: {map: \"$BATS_TEST_TMPDIR/map.json\"}"
	collector_start
}

@test "what nginx wrote by TLS is what curl read, byte for byte, folded and not" {
	for dedup in process "off"; do
		export EVIDENCE=$BATS_TEST_TMPDIR/evidence-$dedup
		collector_config 'probes: [ssl_op, file_open]' "dedup: $dedup"
		certificate
		collector_start
		serve
		head -c 3000000 /dev/urandom >"$WORK/www/file"
		curl -s --cacert "$WORK/cert.pem" -o "$WORK/got" "https://127.0.0.1:$PORT/file"
		cmp "$WORK/got" "$WORK/www/file"
		kill "$SERVER"
		wait "$SERVER" || true
		SERVER=''
		collector_stop
		verify
		[ "$(ssl_bytes curl read)" -gt 3000000 ]
		[ "$(ssl_bytes curl read)" = "$(ssl_bytes nginx write)" ]
		[ "$(ssl_bytes curl write)" = "$(ssl_bytes nginx read)" ]
		[ "$(lost_records ssl_op)" = 0 ]
		[ "$(records_of '.event.type == "ssl_op"' | jq -r .event.library | sort -u | wc -l)" = 1 ]
		rm -rf "$WORK/www" "$WORK/got"
	done
}

# CPython's ssl calls SSL_read_ex and SSL_write_ex, which tell the number by a pointer.
@test "what Python read by SSL_read_ex and wrote by SSL_write_ex is what nginx wrote and read" {
	dedup=off
	collector_config 'probes: [ssl_op, file_open]' "dedup: $dedup"
	certificate
	collector_start
	serve
	head -c 1000000 /dev/urandom >"$WORK/www/file"
	python3 -c 'import ssl, sys, urllib.request as u
sys.stdout.buffer.write(u.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2])).read())' \
		"https://127.0.0.1:$PORT/file" "$WORK/cert.pem" >"$WORK/got"
	cmp "$WORK/got" "$WORK/www/file"
	kill "$SERVER"
	wait "$SERVER" || true
	SERVER=''
	collector_stop
	verify
	for src in uprobe:SSL_read_ex uprobe:SSL_write_ex; do
		[ "$(records_of ".comm == \"python3\" and .src == \"$src\"" | wc -l)" -gt 0 ]
	done
	# curl came before, to see that the server stands.
	[ "$(ssl_bytes python3 read)" -gt 1000000 ]
	[ $(($(ssl_bytes python3 read) + $(ssl_bytes curl read))) = "$(ssl_bytes nginx write)" ]
	[ $(($(ssl_bytes python3 write) + $(ssl_bytes curl write))) = "$(ssl_bytes nginx read)" ]
}

@test "a function of the map is recorded when it is called, with its library, build and package" {
	collector_for_functions '{"version":1,"functions":[{"purl":"pkg:deb/debian/openssl@3","library":"libcrypto.so.3","symbols":["BIO_new_fp","no_such_function"]}]}'
	openssl version >/dev/null
	collector_stop
	verify
	record=$(records_of '.event.symbol == "BIO_new_fp" and .comm == "openssl"' | head -n 1)
	jq -e '.event.purl == "pkg:deb/debian/openssl@3" and (.event.library | endswith("libcrypto.so.3"))
		and (.event.build_id | length == 40)' <<<"$record"
}

@test "a library that is replaced, rewritten or deleted, in a root of its own, is followed" {
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/bin" "$root/lib"
	printf 'int stella_target(int x) { return x + 1; }\n' >"$BATS_TEST_TMPDIR/lib.c"
	printf 'int filler(int x) { return x * 3; }\nint stella_target(int x) { return x + 2; }\n' >"$BATS_TEST_TMPDIR/lib2.c"
	gcc -shared -fPIC -O0 -o "$root/lib/libstellatest.so" "$BATS_TEST_TMPDIR/lib.c"
	gcc -shared -fPIC -O0 -o "$BATS_TEST_TMPDIR/two.so" "$BATS_TEST_TMPDIR/lib2.c"
	printf '#include <stdio.h>\nint stella_target(int); int main(void) { while (getchar() == 10) { printf("%%d\\n", stella_target(0)); fflush(stdout); } return 0; }\n' \
		>"$BATS_TEST_TMPDIR/main.c"
	gcc -O0 -o "$root/bin/user" "$BATS_TEST_TMPDIR/main.c" -L"$root/lib" -lstellatest -Wl,-rpath,/lib
	for needed in libc.so.6 ld-linux-x86-64.so.2; do
		cp -L "$(ldconfig -p | awk -v n="$needed" '$1 == n { print $NF; exit }')" "$root/lib/"
	done
	ln -s lib "$root/lib64"
	printf '{"version":1,"functions":[{"library":"libstellatest.so","symbols":["stella_target"]}]}' >"$BATS_TEST_TMPDIR/map.json"
	collector_config 'probes: [function_call, library_load, process_exec]' \
		"functions: {map: \"$BATS_TEST_TMPDIR/map.json\", mode: every}" 'dedup: off'

	# Mapped and deleted before the collector is there.
	coproc USER_OF { exec chroot "$root" /bin/user; }
	echo >&"${USER_OF[1]}"
	read -r answer <&"${USER_OF[0]}"
	[ "$answer" = 1 ]
	cp "$root/lib/libstellatest.so" "$BATS_TEST_TMPDIR/one.so"
	rm "$root/lib/libstellatest.so"
	collector_start
	jq -e '.probes[] | select(.kind == "library_load")' "$WORK/start.json" >/dev/null || {
		eval "exec ${USER_OF[1]}>&-"
		skip "no hook here tells of mappings"
	}
	echo >&"${USER_OF[1]}"
	read -r answer <&"${USER_OF[0]}"
	[ "$answer" = 1 ]
	first=$USER_OF_PID
	eval "exec ${USER_OF[1]}>&-"
	wait "$first" || true

	# A new file of the same name, with the function elsewhere.
	cp "$BATS_TEST_TMPDIR/two.so" "$root/lib/libstellatest.so"
	mapfile -t answers < <({ sleep 0.5; printf '\n\n'; } | chroot "$root" /bin/user)
	[ "${answers[*]}" = "2 2" ]

	# Rewritten in place: the inode stays, the function moves.
	cp "$BATS_TEST_TMPDIR/one.so" "$root/lib/libstellatest.so"
	mapfile -t answers < <({ sleep 0.5; printf '\n\n'; } | chroot "$root" /bin/user)
	[ "${answers[*]}" = "1 1" ]
	collector_stop
	verify
	[ "$(records_of '.event.symbol == "stella_target"' | wc -l)" = 5 ]
	# What runs at the start is named as we see it, what is mapped later as its process does.
	[ "$(records_of '.event.symbol == "stella_target"' | jq -r '.event.library | endswith("/lib/libstellatest.so")' | sort -u)" = true ]
}

@test "a library is known by its soname too, under which programs ask for it" {
	printf 'int stella_named(int x) { return x + 1; }\n' >"$BATS_TEST_TMPDIR/lib.c"
	gcc -shared -fPIC -O0 -Wl,-soname,libstellanamed.so.1 -o "$BATS_TEST_TMPDIR/libstellanamed.so.1.2.3" "$BATS_TEST_TMPDIR/lib.c"
	ln -s libstellanamed.so.1.2.3 "$BATS_TEST_TMPDIR/libstellanamed.so.1"
	printf 'int stella_named(int); int main(void) { getchar(); return stella_named(-1); }\n' >"$BATS_TEST_TMPDIR/main.c"
	sed -i '1i #include <stdio.h>' "$BATS_TEST_TMPDIR/main.c"
	gcc -o "$BATS_TEST_TMPDIR/user" "$BATS_TEST_TMPDIR/main.c" "$BATS_TEST_TMPDIR/libstellanamed.so.1.2.3" \
		-Wl,-rpath,"$BATS_TEST_TMPDIR"
	coproc USER_OF { exec "$BATS_TEST_TMPDIR/user"; }
	collector_for_functions '{"version":1,"functions":[{"library":"libstellanamed.so.1","symbols":["stella_named"]}]}'
	user=$USER_OF_PID
	echo >&"${USER_OF[1]}"
	wait "$user"
	collector_stop
	verify
	records_of '.event.symbol == "stella_named"' | jq -e '.event.library | endswith("/libstellanamed.so.1.2.3")'
}

@test "a link put where a mapped library was leads the collector nowhere" {
	collector_config
	collector_start
	cp "$STELLA_BUILD/libstella.so" "$WORK/l.so"
	python3 - "$WORK/l.so" <<-'END'
		import mmap, os, sys, time
		for i in range(50):
		    name = f"{sys.argv[1]}.{i}"
		    open(name, "wb").write(open(sys.argv[1], "rb").read())
		    fd = os.open(name, os.O_RDONLY)
		    mapped = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
		    os.unlink(name)
		    os.symlink("/dev/zero", name)
		    os.close(fd)
		time.sleep(0.3)
	END
	collector_stop
	verify
	[ "$(records | jq -c 'select(.event.type == "library_load" and .comm == "python3")' | wc -l)" -ge 50 ]
	[ "$(records | jq -c 'select(.comm == "stella-signalsd" and .event.path == "/dev/zero")')" = "" ]
}

@test "a map that is not there or is wrong: exit 2, with the key, the file and the place" {
	printf '{"version":1,"functions":[{"library":"l.so"}]}\n' >"$BATS_TEST_TMPDIR/map.json"
	collector_config "functions: {map: \"$BATS_TEST_TMPDIR/map.json\"}"
	run collector_start
	[ "$status" = 2 ]
	[[ $output == *"signals.functions.map: $BATS_TEST_TMPDIR/map.json: functions[0]: needs symbols or offsets"* ]]
	rm "$BATS_TEST_TMPDIR/map.json"
	run collector_start
	[ "$status" = 2 ]
	[[ $output == *"signals.functions.map: $BATS_TEST_TMPDIR/map.json: No such file"* ]]
	mkdir "$BATS_TEST_TMPDIR/map.json"
	run collector_start
	[ "$status" = 2 ]
	[[ $output == *"signals.functions.map: $BATS_TEST_TMPDIR/map.json: no regular file"* ]]
}

@test "status names the files, what they lack, and what has no file yet; what is not watched is no zero" {
	collector_for_functions '{"version":1,"functions":[{"library":"libcrypto.so.3","symbols":"*"},
		{"library":"libc.so.6","symbols":["getpwnam","stella_nosuch"]},{"library":"libstellanone.so.9","symbols":["f"]}]}'
	openssl dgst -sha256 "$WORK/stellaops.yaml" >/dev/null
	"$STELLA" signals status --socket "$SOCKET" --verbose --output table >"$WORK/status"
	"$STELLA" signals status --socket "$SOCKET" --output json >"$WORK/status.json"
	"$STELLA" signals stats --socket "$SOCKET" --output table >"$WORK/stats"
	run --separate-stderr "$STELLA" signals inspect --socket "$SOCKET" --type ssl_op --output ndjson
	cat "$WORK/status" "$WORK/stats"
	[ "$status" -eq 0 ]
	# shellcheck disable=SC2154 # run --separate-stderr sets it
	[[ $stderr == *"does not watch it"*"signals.probes"* ]]
	grep -qE '^  function_call: /.*/libc\.so\.6, 1 watched, 1 missing: stella_nosuch$' "$WORK/status"
	grep -q '^Waiting for a file: libstellanone.so.9$' "$WORK/status"
	grep -qE '^ *ssl_op +not watched' "$WORK/status"
	grep -qE '^ *ssl_op +- +not watched' "$WORK/stats"
	grep -qE '^ *folded +[0-9]+ +into equal records' "$WORK/stats"
	jq -e '.watched == ["function_call"] and .targets.waiting == ["libstellanone.so.9"] and .targets.entries_unmet == 1
		and .targets.functions_asked > 2000 and (.targets.files | any(.missing == ["stella_nosuch"]))' "$WORK/status.json"
	collector_stop
	verify
	# The collector computes digests too, in the same cgroup: it answers for nobody (collector_itself).
	records_of '.event.symbol == "EVP_DigestUpdate" and .comm == "openssl"' | grep -q .
	[ "$(records_of '.comm == "stella-signalsd"')" = "" ]
}
