/* SPDX-License-Identifier: Apache-2.0 */
/* Roots of small systems: each database is read as its own tools would, and nothing outside of the root is. */

#include "root_world.h"

#define DEBIAN "ID=debian\nVERSION_ID=\"12\"\nNAME=x\n"
#define BASH "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"
#define DASH "pkg:deb/debian/dash@0.5?arch=amd64&distro=debian-12&upstream=dash-src%400.5-1"
#define INFO "/var/lib/dpkg/info/"

static void debian(struct world *world)
{
	put(world, "/usr/lib/os-release", DEBIAN);
	put_link(world, "/etc/os-release", "../usr/lib/os-release");
	put_link(world, "/bin", "usr/bin");
	put(world, "/var/lib/dpkg/status",
	    "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: foreign\nVersion: "
	    "5.2-1\n"
	    "Description: a shell\n Version: not this\n\n"
	    "Package: dash\nStatus: install ok half-configured\nArchitecture: amd64\nSource: dash-src "
	    "(0.5-1)\nVersion: 0.5\n\n"
	    "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n\n"
	    "Package: libc\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2\n\n"
	    "Package: libc\nStatus: hold ok unpacked\nArchitecture: i386\nMulti-Arch: same\nVersion: 2\n");
	put(world, INFO "bash.list", "/.\n/bin\n/bin/bash\n/bin/rbash\n/usr/share/doc\n/gone\n");
	put(world, INFO "dash.list", "/.\n/bin/dash\n/bin/sh\n/usr/lib/alias\n");
	put(world, INFO "gone.list", "/usr/bin/gone\n");
	put(world, INFO "libc:amd64.list", "/usr/lib/amd64/libc.so\n/usr/share/doc/libc\n/usr/lib/libc.so.6\n");
	put(world, INFO "libc:i386.list", "/usr/lib/i386/libc.so\n/usr/share/doc/libc\n");
	put(world, "/usr/bin/bash", "bash");
	put_link(world, "/usr/bin/rbash", "bash");
	put(world, "/usr/bin/dash", "dash");
	put(world, "/usr/bin/gone", "x");
	put(world, "/usr/lib/amd64/libc.so", "a");
	put(world, "/usr/lib/i386/libc.so", "i");
	put(world, "/usr/share/doc/libc", "doc");
	put_link(world, "/usr/lib/libc.so.6", "amd64/libc.so");
	put_link(world, "/etc/alternatives/x", "/usr/bin/bash");
	put_link(world, "/usr/bin/x", "/etc/alternatives/x");
}

static void dpkg(void **state)
{
	struct world *world = *state;

	debian(world);
	load(world);
	all_was_readable(world);
	assert_string_equal(world->facts.distro, "debian-12");
	assert_int_equal(world->facts.packages, 4);
	assert_int_equal(world->facts.sources, PACKAGE_FROM_DPKG);
	/* The list says /bin, which is /usr/bin. */
	tells_of(world, "/usr/bin/bash", BASH);
	inode_tells_of(world, "/usr/bin/bash", BASH);
	tells_of(world, "/usr/bin/dash", DASH);
	tells_of(world, "/usr/lib/amd64/libc.so", "pkg:deb/debian/libc@2?arch=amd64&distro=debian-12");
	tells_of(world, "/usr/lib/i386/libc.so", "pkg:deb/debian/libc@2?arch=i386&distro=debian-12");
	/* Both architectures bring it; so it tells of neither. */
	tells_of(world, "/usr/share/doc/libc", "");
	/* Links are not files, nor is what is not there. */
	tells_of(world, "/usr/bin/rbash", "");
	tells_of(world, "/usr/lib/libc.so.6", "");
	tells_of(world, "/gone", "");
	tells_of(world, "/usr/bin/gone", "");
}

static void dpkg_diverts(void **state)
{
	struct world *world = *state;

	debian(world);
	put(world, "/var/lib/dpkg/diversions",
	    "/bin/dash\n/bin/dash.distrib\nbash\n/usr/lib/amd64/libc.so\n/usr/lib/amd64/libc.local\n:\n/cut\n/"
	    "short");
	put(world, "/usr/bin/dash.distrib", "the true one");
	put(world, "/usr/lib/amd64/libc.local", "the true one");
	put(world, INFO "bash.list", "/bin/bash\n/bin/dash\n");
	load(world);
	all_was_readable(world);
	tells_of(world, "/usr/bin/dash", BASH);
	tells_of(world, "/usr/bin/dash.distrib", DASH);
	tells_of(world, "/usr/lib/amd64/libc.so", "");
	tells_of(world, "/usr/lib/amd64/libc.local", "pkg:deb/debian/libc@2?arch=amd64&distro=debian-12");
}

static void dpkg_without_a_list(void **state)
{
	struct world *world = *state;

	debian(world);
	assert_int_equal(unlink(place(world, INFO "bash.list")), 0);
	assert_int_equal(unlink(place(world, INFO "dash.list")), 0);
	put(world, INFO "dash.md5sums", "0123  usr/bin/dash\n\nbroken\n0123  ../../../usr/bin/bash\n");
	load(world);
	was_unreadable(world, 1, "/bash.list");
	tells_of(world, "/usr/bin/dash", DASH);
	assert_int_equal(package_set_get(world->set, package_of(world, BASH))->n_files, 0);
}

static void distroless(void **state)
{
	struct world *world = *state;

	put(world, "/etc/os-release", DEBIAN);
	put(world, "/var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\nArchitecture: amd64\n");
	put(world, "/var/lib/dpkg/status.d/base.md5sums", "");
	put(world, "/var/lib/dpkg/status.d/libssl3",
	    "Package: libssl3\nVersion: 3.0\nArchitecture: amd64\nSource: openssl\n");
	put(world, "/var/lib/dpkg/status.d/libssl3.md5sums", "0123  usr/lib/libssl.so.3\n");
	put(world, "/usr/lib/libssl.so.3", "x");
	load(world);
	was_unreadable(world, 1, "base-files");
	tells_of(world, "/usr/lib/libssl.so.3",
		 "pkg:deb/debian/libssl3@3.0?arch=amd64&distro=debian-12&upstream=openssl");
}

static void apk(void **state)
{
	struct world *world = *state;

	put(world, "/etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n");
	put(world, "/lib/apk/db/installed",
	    "C:Q1abc=\nP:busybox\nV:1.36.1-r2\nA:x86_64\no:busybox\nF:bin\nR:busybox\na:0:0:755\nZ:Q1=\nF:"
	    "etc\nF:\nR:top\n\n"
	    "P:ssl_client\nV:1.36.1-r2\nA:x86_64\no:busybox\nF:usr/bin\nR:ssl_client\nF:../..\nR:etc/passwd\n");
	put(world, "/bin/busybox", "x");
	put(world, "/usr/bin/busybox", "another");
	put(world, "/usr/bin/ssl_client", "x");
	put(world, "/top", "x");
	load(world);
	all_was_readable(world);
	tells_of(world, "/bin/busybox", "pkg:apk/alpine/busybox@1.36.1-r2?arch=x86_64&distro=alpine-3.18.4");
	tells_of(world, "/top", "pkg:apk/alpine/busybox@1.36.1-r2?arch=x86_64&distro=alpine-3.18.4");
	tells_of(world, "/usr/bin/ssl_client",
		 "pkg:apk/alpine/ssl_client@1.36.1-r2?arch=x86_64&distro=alpine-3.18.4&upstream=busybox");
	/* /usr is not merged here. */
	tells_of(world, "/usr/bin/busybox", "");
}

#define SITE "/usr/lib/python3/dist-packages"

static void python(void **state)
{
	struct world *world = *state;

	put(world, "/opt/venv/lib/python3.11/site-packages/Good_Pkg-1.0.dist-info/METADATA",
	    "Metadata-Version: 2.1\nName: Good_Pkg\nVersion: 1.0\n\nName: body\n");
	put(world, "/opt/venv/lib/python3.11/site-packages/Good_Pkg-1.0.dist-info/RECORD",
	    "good/__init__.py,sha256=x,3\n\"good/a,\"\"b.py\",,\n../../../bin/good,,\r\n"
	    "../../../../../etc/passwd,,\n/etc/passwd,,\n../../../../x,,\nGood_Pkg-1.0.dist-info/METADATA,,\n");
	put(world, "/opt/venv/lib/python3.11/site-packages/good/__init__.py", "x");
	put(world, "/opt/venv/lib/python3.11/site-packages/good/a,\"b.py", "x");
	put(world, "/opt/venv/bin/good", "x");
	put(world, "/opt/x", "x");
	put(world, "/etc/passwd", "x");
	/* An egg-info as a file, with the names of its modules nowhere. */
	put(world, SITE "/flat-2.0.egg-info", "Name: flat\nVersion: 2.0\n");
	put(world, "/opt/old/lib/python3.9/site-packages/old.egg-info/PKG-INFO", "Name: old\nVersion: 3\n");
	put(world, "/opt/old/lib/python3.9/site-packages/old.egg-info/installed-files.txt",
	    "../old/x.py\nPKG-INFO\n");
	put(world, "/opt/old/lib/python3.9/site-packages/old/x.py", "x");
	put(world, "/opt/old/lib/python3.9/site-packages/left-0.dist-info/RECORD", "");
	load(world);
	all_was_readable(world);
	tells_of(world, "/opt/venv/lib/python3.11/site-packages/good/__init__.py", "pkg:pypi/good-pkg@1.0");
	tells_of(world, "/opt/venv/lib/python3.11/site-packages/good/__pycache__/__init__.cpython-311.pyc",
		 "pkg:pypi/good-pkg@1.0");
	tells_of(world, "/opt/venv/lib/python3.11/site-packages/good/a,\"b.py", "pkg:pypi/good-pkg@1.0");
	tells_of(world, "/opt/venv/bin/good", "pkg:pypi/good-pkg@1.0");
	tells_of(world, "/opt/old/lib/python3.9/site-packages/old/x.py", "pkg:pypi/old@3");
	/* Beyond its prefix nothing is its own, and reading what is installed is not using it. */
	tells_of(world, "/etc/passwd", "");
	tells_of(world, "/opt/x", "");
	tells_of(world, "/opt/venv/lib/python3.11/site-packages/Good_Pkg-1.0.dist-info/METADATA", "");
	assert_int_equal(package_set_get(world->set, package_of(world, "pkg:pypi/flat@2.0"))->n_files, 0);
	assert_int_equal(world->facts.packages, 3);
}

/* Debian's distributions have no RECORD: their deb has the list. */
static void python_of_debian(void **state)
{
	struct world *world = *state;

	debian(world);
	put(world, "/var/lib/dpkg/status",
	    "Package: python3-requests\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n\n"
	    "Package: python3-two\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n");
	put(world, INFO "python3-requests.list",
	    SITE "/requests/api.py\n" SITE "/requests-2.egg-info/PKG-INFO\n/usr/share/doc/requests\n");
	put(world, INFO "python3-two.list",
	    SITE "/one/x.py\n" SITE "/two.py\n" SITE "/other.py\n" SITE "/one-1.dist-info/METADATA\n" SITE
		 "/two-1.dist-info/METADATA\n" SITE "/two-1.dist-info/top_level.txt\n");
	put(world, SITE "/requests/api.py", "x");
	put(world, SITE "/requests/__pycache__/api.cpython-311.pyc", "x");
	put(world, SITE "/requests/__pycache__/nothing.cpython-311.pyc", "x");
	put(world, SITE "/requests-2.egg-info/PKG-INFO", "Name: requests\nVersion: 2\n");
	put(world, "/usr/share/doc/requests", "x");
	put(world, SITE "/one/x.py", "x");
	put(world, SITE "/two.py", "x");
	put(world, SITE "/other.py", "x");
	put(world, SITE "/one-1.dist-info/METADATA", "Name: one\nVersion: 1\n");
	put(world, SITE "/one-1.dist-info/top_level.txt", "one\n");
	put(world, SITE "/two-1.dist-info/METADATA", "Name: two\nVersion: 1\n");
	put(world, SITE "/two-1.dist-info/top_level.txt", "two\n");
	/* Not from a deb, and without a RECORD: what it says is at the top. */
	put(world, SITE "/own.egg-info/PKG-INFO", "Name: own\nVersion: 1\n");
	put(world, SITE "/own.egg-info/top_level.txt", "own\n../../../etc\n");
	put(world, SITE "/own/deep/x.py", "x");
	put(world, SITE "/own.py", "x");
	load(world);
	all_was_readable(world);
#define DEB "pkg:deb/debian/python3-two@1?arch=all&distro=debian-12"
	tells_of(world, SITE "/requests/api.py",
		 "pkg:deb/debian/python3-requests@2?arch=all&distro=debian-12 pkg:pypi/requests@2");
	inode_tells_of(world, SITE "/requests/__pycache__/api.cpython-311.pyc",
		       "pkg:deb/debian/python3-requests@2?arch=all&distro=debian-12 pkg:pypi/requests@2");
	inode_tells_of(world, SITE "/requests/__pycache__/nothing.cpython-311.pyc", "");
	tells_of(world, "/usr/share/doc/requests",
		 "pkg:deb/debian/python3-requests@2?arch=all&distro=debian-12");
	tells_of(world, SITE "/requests-2.egg-info/PKG-INFO",
		 "pkg:deb/debian/python3-requests@2?arch=all&distro=debian-12");
	tells_of(world, SITE "/one/x.py", DEB " pkg:pypi/one@1");
	tells_of(world, SITE "/two.py", DEB " pkg:pypi/two@1");
	tells_of(world, SITE "/other.py", DEB);
	tells_of(world, SITE "/own/deep/x.py", "pkg:pypi/own@1");
	tells_of(world, SITE "/own.py", "pkg:pypi/own@1");
	tells_of(world, "/etc/os-release", "");
}

static void node(void **state)
{
	struct world *world = *state;

	put(world, "/app/package.json", "{\"name\":\"app\",\"version\":\"1.0.0\"}");
	put(world, "/app/index.js", "x");
	put(world, "/app/node_modules/a/package.json", "{\"name\":\"a\",\"version\":\"1.0.0\"}");
	put(world, "/app/node_modules/a/lib/x.js", "x");
	put(world, "/app/node_modules/a/esm/package.json", "{\"type\":\"module\"}");
	put(world, "/app/node_modules/a/esm/x.js", "x");
	put(world, "/app/node_modules/a/node_modules/b/package.json", "{\"name\":\"b\",\"version\":\"2.0.0\"}");
	put(world, "/app/node_modules/a/node_modules/b/x.js", "x");
	put(world, "/app/node_modules/@scope/c/package.json", "{\"name\":\"@scope/c\",\"version\":\"3.0.0\"}");
	put(world, "/app/node_modules/@scope/c/x.js", "x");
	put(world, "/app/node_modules/none/x.js", "x");
	put(world, "/app/node_modules/bad/package.json", "{\"name\":");
	put(world, "/app/node_modules/.package-lock.json", "{}");
	put(world, "/usr/share/nodejs/d/package.json", "{\"name\":\"d\",\"version\":\"4.0.0\"}");
	put_link(world, "/app/node_modules/linked", "/usr/share/nodejs/d");
	put(world, "/app/work/e/package.json", "{\"name\":\"@scope/e\",\"version\":\"5.0.0\"}");
	put(world, "/app/work/e/lib/x.js", "x");
	put(world, "/app/work/e/node_modules/f/package.json", "{\"name\":\"f\",\"version\":\"6.0.0\"}");
	put(world, "/app/work/none/x.js", "x");
	put_link(world, "/app/node_modules/@scope/e", "../../work/e");
	put_link(world, "/n/node_modules/e", "/app/work/e");
	put_link(world, "/app/node_modules/nowhere", "../work/nowhere");
	put_link(world, "/app/node_modules/self", "self");
	put_link(world, "/app/node_modules/root", "/");
	put_link(world, "/app/node_modules/nameless", "../work/none");
	load(world);
	was_unreadable(world, 1, "/app/node_modules/bad/package.json");
	assert_int_equal(world->facts.packages, 6);
	tells_of(world, "/app/index.js", "");
	tells_of(world, "/app/node_modules/a/lib/x.js", "pkg:npm/a@1.0.0");
	tells_of(world, "/app/node_modules/a/esm/x.js", "pkg:npm/a@1.0.0");
	tells_of(world, "/app/node_modules/a/esm/package.json", "pkg:npm/a@1.0.0");
	tells_of(world, "/app/node_modules/a/node_modules/b/x.js", "pkg:npm/b@2.0.0");
	tells_of(world, "/app/node_modules/@scope/c/x.js", "pkg:npm/%40scope/c@3.0.0");
	tells_of(world, "/app/node_modules/none/x.js", "");
	tells_of(world, "/app/node_modules/.package-lock.json", "");
	tells_of(world, "/usr/share/nodejs/d/package.json", "pkg:npm/d@4.0.0");
	tells_of(world, "/app/work/e/lib/x.js", "pkg:npm/%40scope/e@5.0.0");
	tells_of(world, "/app/work/e/node_modules/f/package.json", "pkg:npm/f@6.0.0");
	tells_of(world, "/app/work/none/x.js", "");
}

static void gems(void **state)
{
	struct world *world = *state;

	put(world, "/var/lib/gems/3.1.0/specifications/rack-2.0.gemspec",
	    "# -*- encoding: utf-8 -*-\n# stub: rack 2.0 ruby lib\n\nGem::Specification.new do |s|\n  s.name = "
	    "\"no\"\n");
	put(world, "/var/lib/gems/3.1.0/gems/rack-2.0/lib/rack.rb", "x");
	put(world, "/var/lib/gems/3.1.0/specifications/ffi-1.15-x86_64-linux.gemspec",
	    "Gem::Specification.new do |s|\n  s.name = \"ffi\".freeze\n  s.version = Gem::Version.new('1.15')\n"
	    "  s.platform = \"x86_64-linux\".freeze\n");
	put(world, "/var/lib/gems/3.1.0/gems/ffi-1.15-x86_64-linux/lib/ffi.rb", "x");
	put(world, "/var/lib/gems/3.1.0/extensions/x86_64-linux/3.1.0/ffi-1.15-x86_64-linux/ffi.so", "x");
	put(world, "/var/lib/gems/3.1.0/specifications/odd.gemspec",
	    "s.name = \"odd#{1}\"\ns.version = VERSION\n");
	put(world, "/var/lib/gems/3.1.0/specifications/default/json-2.6.gemspec",
	    "# stub: json 2.6 ruby lib\n");
	put(world, "/var/lib/gems/3.1.0/gems/json-2.6/exe/x", "x");
	load(world);
	was_unreadable(world, 1, "odd.gemspec");
	tells_of(world, "/var/lib/gems/3.1.0/gems/rack-2.0/lib/rack.rb", "pkg:gem/rack@2.0");
	tells_of(world, "/var/lib/gems/3.1.0/gems/ffi-1.15-x86_64-linux/lib/ffi.rb", "pkg:gem/ffi@1.15");
	tells_of(world, "/var/lib/gems/3.1.0/extensions/x86_64-linux/3.1.0/ffi-1.15-x86_64-linux/ffi.so",
		 "pkg:gem/ffi@1.15");
	tells_of(world, "/var/lib/gems/3.1.0/specifications/rack-2.0.gemspec", "");
	tells_of(world, "/var/lib/gems/3.1.0/gems/json-2.6/exe/x", "");
	assert_int_equal(package_set_get(world->set, package_of(world, "pkg:gem/json@2.6"))->n_files, 0);
}

/* The host's own files, named from within: by symlinks, by "..", as directories and as databases. */
static void nothing_outside_is_read(void **state)
{
	struct world *world = *state;

	put(world, "/etc/os-release", DEBIAN);
	put_link(world, "/var/lib/dpkg/status", "/../../../../../../../../../var/lib/dpkg/status");
	put_link(world, "/lib", "../../../../../../usr/lib");
	put_link(world, "/usr/bin", "/proc/self/root/usr/bin");
	put_link(world, "/opt/host", "/usr/share");
	put_link(world, "/loop", "loop");
	load(world);
	assert_int_equal(world->facts.packages, 0);
	assert_int_equal(world->facts.files, 0);
}

static void links_lead_within_the_root(void **state)
{
	struct world *world = *state;

	debian(world);
	put(world, "/srv/data/x", "x");
	put_link(world, "/data", "/srv/data");
	put_link(world, "/far/one", "../../../../data");
	put_link(world, "/loop/a", "b");
	put_link(world, "/loop/b", "a");
	put(world, INFO "bash.list",
	    "/data/x\n/far/one/x\n/loop/a/x\nrelative\n/../../etc/os-release\n/a/../srv\n/usr/bin/bash/x\n\n//"
	    "\n");
	load(world);
	was_unreadable(world, 1, "/loop/a");
	tells_of(world, "/srv/data/x", BASH);
	tells_of(world, "/data/x", "");
	assert_int_equal(package_set_get(world->set, package_of(world, BASH))->n_files, 1);
}

static void odd_files_do_not_block(void **state)
{
	struct world *world = *state;

	debian(world);
	assert_int_equal(mkfifo(place(world, "/usr/bin/fifo"), 0755), 0);
	assert_int_equal(mkfifo(place(world, "/x.jar"), 0755), 0);
	assert_int_equal(mkfifo(place(world, "/lib/apk/db/installed"), 0644), 0);
	assert_int_equal(mkfifo(place(world, "/n/node_modules/a/package.json"), 0644), 0);
	put(world, "/n/x.dist-info/METADATA/directory", "x");
	put(world, INFO "bash.list", "/usr/bin/fifo\n/usr/bin/bash\n");
	load(world);
	was_unreadable(world, 3, "/lib/apk/db/installed");
	tells_of(world, "/usr/bin/fifo", "");
	tells_of(world, "/usr/bin/bash", BASH);
}

static void huge_files_cost_nothing(void **state)
{
	struct world *world = *state;

	debian(world);
	put(world, "/big.jar", "");
	put(world, "/usr/bin/big", "\177ELF");
	put(world, "/lib/apk/db/installed", "P:x\n");
	assert_int_equal(truncate(place(world, "/big.jar"), 1ll << 40), 0);
	assert_int_equal(truncate(place(world, "/usr/bin/big"), 1ll << 40), 0);
	assert_int_equal(truncate(place(world, "/lib/apk/db/installed"), 1ll << 40), 0);
	load(world);
	was_unreadable(world, 2, "/lib/apk/db/installed");
	tells_of(world, "/usr/bin/bash", BASH);
}

static void other_roots_are_left_alone(void **state)
{
	struct world *world = *state;

	put(world, "/etc/os-release", DEBIAN);
	put(world, "/srv/chroot/etc/os-release", DEBIAN);
	put(world, "/srv/chroot/n/node_modules/a/package.json", "{\"name\":\"a\",\"version\":\"1\"}");
	put(world, "/var/lib/docker/n/node_modules/a/package.json", "{\"name\":\"a\",\"version\":\"1\"}");
	put(world, "/proc/n/node_modules/a/package.json", "{\"name\":\"a\",\"version\":\"1\"}");
	put(world, "/home/u/.local/share/containers/n/node_modules/a/package.json",
	    "{\"name\":\"a\",\"version\":\"1\"}");
	put(world, "/home/u/n/node_modules/b/package.json", "{\"name\":\"b\",\"version\":\"1\"}");
	load(world);
	assert_int_equal(world->facts.packages, 1);
	package_of(world, "pkg:npm/b@1");
}

static void very_deep(void **state)
{
	struct world *world = *state;
	char path[4096] = "";

	for (int i = 0; i < 80; i++)
		strcat(path, "/d");
	strcat(path, "/node_modules/a/package.json");
	put(world, path, "{\"name\":\"a\",\"version\":\"1\"}");
	load(world);
	was_unreadable(world, 1, "too deep");
	assert_int_equal(world->facts.packages, 0);
}

static void what_may_not_be_read_is_told(void **state)
{
	struct world *world = *state;
	bool root = geteuid() == 0;

	put(world, "/secret/n/node_modules/a/package.json", "{\"name\":\"a\",\"version\":\"1\"}");
	assert_int_equal(chmod(place(world, "/secret"), 0), 0);
	assert_int_equal(chmod(world->directory, 0755), 0);
	/* Who may read everything becomes one who may not. */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	load(world);
	if (root)
		assert_int_equal(seteuid(0), 0);
	was_unreadable(world, 1, "/secret");
}

static void no_such_root(void **state)
{
	struct package_set *set = NULL;
	struct root_facts facts = { 0 };
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(package_set_new(&set), 0);
	assert_int_equal(root_load("/nonexistent", NULL, set, &diag, &facts), -ENOENT);
	assert_non_null(strstr(diag.text, "/nonexistent"));
	package_set_free(set);
}

static void the_distribution_may_be_given(void **state)
{
	struct world *world = *state;
	struct root_options options = { .distro = "ubuntu-24.04" };
	struct diag diag = { 0 };

	debian(world);
	assert_int_equal(package_set_new(&world->set), 0);
	assert_int_equal(root_load(world->directory, &options, world->set, &diag, &world->facts), 0);
	tells_of(world, "/usr/bin/bash", "pkg:deb/ubuntu/bash@5.2-1?arch=amd64&distro=ubuntu-24.04");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_world(dpkg),
		test_world(dpkg_diverts),
		test_world(dpkg_without_a_list),
		test_world(distroless),
		test_world(apk),
		test_world(python),
		test_world(python_of_debian),
		test_world(node),
		test_world(gems),
		test_world(nothing_outside_is_read),
		test_world(links_lead_within_the_root),
		test_world(odd_files_do_not_block),
		test_world(huge_files_cost_nothing),
		test_world(other_roots_are_left_alone),
		test_world(very_deep),
		test_world(what_may_not_be_read_is_told),
		cmocka_unit_test(no_such_root),
		test_world(the_distribution_may_be_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
