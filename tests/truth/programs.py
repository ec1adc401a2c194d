# SPDX-License-Identifier: Apache-2.0
"""The programs of the truth: none of them written here, each given something small of its own to do.

Each is a name, what it needs, and a shell script that runs in an empty folder with $ROOT naming the source tree. None
reaches beyond this machine.
"""

C_BUILD = """
mkdir -p src && cp -r "$ROOT/src/base" src/
cat >Makefile <<'END'
objects := $(patsubst %.c,%.o,$(wildcard src/base/*.c))
base.a: $(objects)
	$(AR) rcs $@ $^
%.o: %.c
	gcc -std=gnu11 -D_GNU_SOURCE -O1 -Isrc -I"$(ROOT)" -c -o $@ $<
END
make -j2 base.a && test -s base.a
"""

PYTHON = """
PYTHONPYCACHEPREFIX=$PWD/cache python3 -c '
import argparse, ast, asyncio, concurrent.futures, csv, ctypes, decimal, email.mime.text, fractions, html.parser
import http.client, http.server, json, socket, logging.handlers, multiprocessing, pydoc, sqlite3, ssl, subprocess, tarfile, tempfile
import threading, unittest.mock, urllib.request, uuid, xml.etree.ElementTree, zipfile

def touch(number):
    with tempfile.TemporaryFile() as one, open("/etc/passwd") as two, tempfile.NamedTemporaryFile() as three:
        one.write(two.read().encode())
        return subprocess.run(["true", str(number)]).returncode

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    assert sum(pool.map(touch, range(40))) == 0
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever).start()
for name in ("127.0.0.1", "localhost"):
    assert urllib.request.urlopen(f"http://{name}:{server.server_port}/").status == 200
for family, kind, where in (
    (socket.AF_INET6, socket.SOCK_STREAM, ("::ffff:127.0.0.1", server.server_port)),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::1", 1)),
    (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 53)),
    (socket.AF_UNIX, socket.SOCK_STREAM, "not there"),
    (socket.AF_UNIX, socket.SOCK_STREAM, chr(0) + "not there"),
):
    with socket.socket(family, kind) as one:
        one.connect_ex(where)
server.shutdown()
base = sqlite3.connect("a.db")
base.execute("create table t(a)")
base.executemany("insert into t values (?)", ((i,) for i in range(100)))
base.commit()
'
"""

NODE = """
node -e '
const fs = require("fs"), net = require("net"), cp = require("child_process");
for (const name of require("module").builtinModules.filter((one) => !one.startsWith("_")))
	try { require(name) } catch (refused) {}
for (let i = 0; i < 50; i++) fs.writeFileSync("file" + i, fs.readFileSync("/etc/passwd"));
cp.execFileSync("true", ["from node"]);
Promise.all([...Array(50).keys()].map((i) => fs.promises.readFile("file" + i))).then(() => {
	const server = net.createServer((peer) => peer.end("x")).listen(0, "127.0.0.1", () => {
		let left = 20;
		for (let i = 0; i < 20; i++)
			net.connect(server.address().port, "127.0.0.1").on("close", () => --left || server.close()).resume();
	});
});
'
"""

NGINX = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2 \
	-keyout key.pem -out cert.pem 2>/dev/null
mkdir -p www temp && head -c 100000 /dev/urandom >www/a && cp www/a www/b
cat >nginx.conf <<END
user root; daemon off; pid nginx.pid; error_log error.log; worker_processes 2;
events {}
http {
	access_log access.log;
	client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
	server {
		listen 127.0.0.1:$PORT ssl; root www;
		ssl_certificate cert.pem; ssl_certificate_key key.pem;
	}
}
END
nginx -p "$PWD" -c "$PWD/nginx.conf" -e error.log &
n=0
until curl -sk -o got "https://127.0.0.1:$PORT/a" || [ $((n += 1)) -gt 200 ]; do sleep 0.05; done
for i in 1 2 3 4 5; do curl -s --cacert cert.pem -o got "https://localhost:$PORT/b" --resolve "localhost:$PORT:127.0.0.1"; done
kill -QUIT "$(cat nginx.pid)"
wait
cmp got www/b
"""

GIT = """
git init -q one && cd one
git config user.email truth@localhost && git config user.name truth
for i in $(seq 60); do echo "$i" >"file $i"; done
git add . && git commit -qm first && git gc -q
for i in $(seq 30); do echo "more $i" >>"file $i"; done
git commit -qam second
cd .. && git clone -q one two && git clone -q --no-local one three && git -C two log --stat >log && git -C three fsck
test -s log
"""

APT = "apt-get --simulate --reinstall install coreutils >done && test -s done"

PROCESSES = """
count=0
for i in $(seq 3000); do
	( : )
	/bin/true && count=$((count + 1))
	[ $((i % 10)) != 0 ] || { read -r line </etc/hostname; echo "$i" >out; }
done
test "$count" = 3000
"""

PROGRAMS = [
    ("a C build", ("gcc", "make", "ar"), C_BUILD),
    ("a Python program", ("python3",), PYTHON),
    ("a Node program", ("node",), NODE),
    ("nginx serving TLS to curl", ("nginx", "curl", "openssl"), NGINX),
    ("git clone of a local repository", ("git",), GIT),
    ("apt-get --simulate install", ("apt-get",), APT),
    ("a shell script with thousands of processes", ("sh",), PROCESSES),
]
