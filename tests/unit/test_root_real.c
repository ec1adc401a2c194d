/* SPDX-License-Identifier: Apache-2.0 */
/* This machine's own root, and what real installers make; the truth is told by dpkg and by the installers themselves. */

#include "root_world.h"

#include <sys/sysmacros.h>

/* dpkg knows no compiled Python, and takes some names for patterns. */
#define ASKED "find /usr/bin /usr/sbin /usr/lib -xdev -type f ! -name '*[\\\\*?[]*' ! -path '*/__pycache__/*'"

/* A command's output, line by line. */
static size_t each_line(const char *command, void (*visit)(void *user, char *line), void *user)
{
	FILE *output = popen(command, "r");
	char *line = NULL;
	size_t capacity = 0, count = 0;
	ssize_t len;

	assert_non_null(output);
	while ((len = getline(&line, &capacity, output)) > 0) {
		line[len - 1] = '\0';
		visit(user, line);
		count++;
	}
	free(line);
	pclose(output);
	return count;
}

static bool installed(const char *program)
{
	char command[256];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	if (system(command) == 0)
		return true;
	print_message("# skip: %s is not installed\n", program);
	return false;
}

struct truth {
	const struct world *world;
	struct package_set *owners; /* path -> packages, as dpkg says */
	size_t wrong, asked, owned;
};

static uint32_t named(struct package_set *set, const char *name)
{
	char purl[512];
	struct package package = { .purl = purl };
	uint32_t index = UINT32_MAX;

	snprintf(purl, sizeof(purl), "pkg:generic/%s", name);
	assert_int_equal(package_set_add(set, &package, &index), 0);
	return index;
}

/* "one, two:amd64: /path"; a path through a merged /usr is that in /usr. */
static void dpkg_says(void *user, char *line)
{
	struct truth *truth = user;
	char *path = strstr(line, ": /"), full[PACKAGE_TEXT_MAX], *save = NULL;

	if (!path || strncmp(line, "diversion by", 12) == 0)
		return;
	*path = '\0';
	path += 2;
	snprintf(full, sizeof(full), "%s%s",
		 strncmp(path, "/bin/", 5) == 0 || strncmp(path, "/sbin/", 6) == 0 ||
				 strncmp(path, "/lib", 4) == 0
			 ? "/usr"
			 : "",
		 path);
	for (char *name = strtok_r(line, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
		char *colon = strchr(name, ':');

		if (colon)
			*colon = '\0';
		assert_int_equal(package_set_add_file(truth->owners, named(truth->owners, name), str_of(full)),
				 0);
	}
}

static void first_deb(void *user, uint32_t index, bool within)
{
	const char **name = ((void **)user)[1];
	const struct package *package = package_set_get(((void **)user)[0], index);

	if (!within && strcmp(package->type, "deb") == 0)
		*name = package->name;
}

/* Where dpkg -S names one package, that one; where it names several, nobody; where none, none. */
static void compare(void *user, char *path)
{
	struct truth *truth = user;
	const char *deb = NULL, *said = NULL;
	void *look[] = { truth->world->set, &deb };
	uint32_t index;

	package_set_each(truth->world->set, str_of(path), UINT32_MAX, 0, 0, first_deb, look);
	if (package_set_whose(truth->owners, str_of(path), UINT32_MAX, 0, 0, &index) == PACKAGE_ONE)
		said = package_set_get(truth->owners, index)->name;
	truth->asked++;
	truth->owned += said != NULL;
	if (said ? deb && strcmp(said, deb) == 0 : !deb)
		return;
	if (truth->wrong++ < 10)
		print_message("# %s: %s, dpkg says %s\n", path, deb ? deb : "nobody",
			      said ? said : "nobody or several");
}

/* The same answers by inode, for a sample: all that dpkg itself brings. */
static void inode_compare(void *user, char *path)
{
	struct truth *truth = user;
	struct stat status;
	uint32_t index = UINT32_MAX;

	if (lstat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return;
	truth->asked++;
	if (package_set_whose(truth->world->set, STR("/not/this"), major(status.st_dev), minor(status.st_dev),
			      status.st_ino, &index) != PACKAGE_ONE ||
	    strcmp(package_set_get(truth->world->set, index)->name, "dpkg") != 0)
		truth->wrong++;
}

static void this_machine_as_dpkg_sees_it(void **state)
{
	struct world *world = *state;
	struct truth truth = { .world = world };
	struct root_options options = { .same_inodes = true };
	struct diag diag = { 0 };

	if (!installed("dpkg-query") || access("/var/lib/dpkg/status", R_OK) != 0)
		skip();
	assert_int_equal(package_set_new(&world->set), 0);
	if (root_load("/", &options, world->set, &diag, &world->facts) < 0)
		fail_msg("%s", diag.text);
	assert_true(world->facts.sources & PACKAGE_FROM_DPKG);
	assert_int_equal(package_set_new(&truth.owners), 0);
	/* In lists a file of a merged /usr may stand under its older name. */
	each_line("{ " ASKED "; " ASKED
		  " | sed -n 's#^/usr/\\(bin\\|sbin\\|lib\\)/#/\\1/#p'; } | xargs -d '\\n' dpkg -S "
		  "2>/dev/null",
		  dpkg_says, &truth);
	assert_int_equal(package_set_finish(truth.owners), 0);
	/* dpkg -S does not say whose a file is where diversions have moved it. */
	each_line(ASKED " | grep -vxFf /var/lib/dpkg/diversions", compare, &truth);
	print_message("# %zu files, %zu owned by a package\n", truth.asked, truth.owned);
	package_set_free(truth.owners);
	assert_true(truth.owned > 100);
	assert_int_equal(truth.wrong, 0);
	truth = (struct truth) { .world = world };
	each_line("dpkg -L dpkg", inode_compare, &truth);
	assert_true(truth.asked > 10);
	assert_int_equal(truth.wrong, 0);
}

static void run_in(const struct world *world, const char *script)
{
	char command[4096];

	snprintf(command, sizeof(command), "cd %s && exec >log 2>&1 && { %s; }", world->directory, script);
	if (system(command) != 0)
		fail_msg("see %s/log", world->directory);
}

/* A wheel made here, installed by pip without any network. */
static void as_pip_installs_it(void **state)
{
	struct world *world = *state;

	if (!installed("python3") || !installed("zip") || system("python3 -m venv --help >/dev/null 2>&1") != 0)
		skip();
	put(world, "/wheel/my_pkg/__init__.py", "def f():\n\treturn 1\n");
	put(world, "/wheel/my_pkg-1.5.dist-info/METADATA",
	    "Metadata-Version: 2.1\nName: My.Pkg\nVersion: 1.5\n");
	put(world, "/wheel/my_pkg-1.5.dist-info/WHEEL",
	    "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
	put(world, "/wheel/my_pkg-1.5.dist-info/entry_points.txt", "[console_scripts]\nmy-tool = my_pkg:f\n");
	put(world, "/wheel/my_pkg-1.5.dist-info/RECORD",
	    "my_pkg/__init__.py,,\nmy_pkg-1.5.dist-info/METADATA,,\nmy_pkg-1.5.dist-info/WHEEL,,\n"
	    "my_pkg-1.5.dist-info/entry_points.txt,,\nmy_pkg-1.5.dist-info/RECORD,,\n");
	run_in(world, "(cd wheel && zip -q ../my_pkg-1.5-py3-none-any.whl -r .) && rm -r wheel && python3 -m "
		      "venv opt/venv && "
		      "opt/venv/bin/pip install --no-index --no-deps ./my_pkg-1.5-py3-none-any.whl && "
		      "mv opt/venv/lib/python3.* opt/venv/lib/python3");
	load(world);
	all_was_readable(world);
	tells_of(world, "/opt/venv/lib/python3/site-packages/my_pkg/__init__.py", "pkg:pypi/my-pkg@1.5");
	tells_of(world, "/opt/venv/lib/python3/site-packages/my_pkg/__pycache__/__init__.cpython-399.pyc",
		 "pkg:pypi/my-pkg@1.5");
	tells_of(world, "/opt/venv/bin/my-tool", "pkg:pypi/my-pkg@1.5");
	tells_of(world, "/opt/venv/bin/activate", "");
}

/* What npm lays out from packages that lie beside it; one in another one's node_modules, since versions differ. */
static void as_npm_installs_it(void **state)
{
	struct world *world = *state;

	if (!installed("npm"))
		skip();
	put(world, "/a/package.json", "{\"name\":\"@my/a\",\"version\":\"1.0.0\",\"main\":\"x.js\"}");
	put(world, "/a/x.js", "module.exports=1\n");
	put(world, "/b1/package.json", "{\"name\":\"b\",\"version\":\"1.0.0\"}");
	put(world, "/b1/index.js", "1\n");
	run_in(world, "export HOME=$PWD && (cd a && npm pack --offline --silent) && (cd b1 && npm pack "
		      "--offline --silent) && "
		      "mkdir app && cd app && echo '{\"name\":\"app\",\"version\":\"1.0.0\"}' >package.json && "
		      "npm install --offline --no-audit --no-fund --ignore-scripts ../a/my-a-1.0.0.tgz "
		      "../b1/b-1.0.0.tgz");
	load(world);
	tells_of(world, "/app/node_modules/@my/a/x.js", "pkg:npm/%40my/a@1.0.0");
	tells_of(world, "/app/node_modules/b/index.js", "pkg:npm/b@1.0.0");
	tells_of(world, "/a/x.js", "");
}

static void as_gem_installs_it(void **state)
{
	struct world *world = *state;

	if (!installed("gem"))
		skip();
	put(world, "/src/x.gemspec",
	    "Gem::Specification.new do |s|\n  s.name = 'my-gem'\n  s.version = '1.2'\n  s.summary = 'x'\n"
	    "  s.authors = ['x']\n  s.files = ['lib/my.rb']\nend\n");
	put(world, "/src/lib/my.rb", "X = 1\n");
	run_in(world, "export HOME=$PWD GEM_HOME= && (cd src && gem build x.gemspec) && "
		      "gem install --local --no-document --install-dir var/lib/gems src/my-gem-1.2.gem");
	load(world);
	tells_of(world, "/var/lib/gems/gems/my-gem-1.2/lib/my.rb", "pkg:gem/my-gem@1.2");
	tells_of(world, "/src/lib/my.rb", "");
}

static void as_jar_packs_it(void **state)
{
	struct world *world = *state;

	if (!installed("jar"))
		skip();
	put(world, "/in/META-INF/maven/org.x/lib/pom.properties",
	    "artifactId=lib\ngroupId=org.x\nversion=1.1\n");
	put(world, "/in/A.class", "x");
	run_in(world, "mkdir -p opt app/BOOT-INF/lib app/META-INF/maven/org.x/app && "
		      "jar --create --file opt/lib-1.1.jar -C in . && cp opt/lib-1.1.jar app/BOOT-INF/lib/ && "
		      "printf 'groupId=org.x\\nartifactId=app\\nversion=2\\n' "
		      ">app/META-INF/maven/org.x/app/pom.properties && "
		      "jar --create --no-compress --file opt/app.jar -C app . && rm -r in app");
	load(world);
	all_was_readable(world);
	tells_of(world, "/opt/lib-1.1.jar", "pkg:maven/org.x/lib@1.1");
	tells_of(world, "/opt/app.jar", "pkg:maven/org.x/app@2 pkg:maven/org.x/lib@1.1");
}

/* A program of Go that is there; whatever it is made of, its standard library is known. */
static void a_go_program_of_this_machine(void **state)
{
	static const char *const programs[] = { "/usr/bin/podman", "/usr/bin/containerd", "/usr/bin/dockerd",
						"/usr/sbin/runc" };
	struct world *world = *state;
	char command[256];
	struct stat status;

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		bool found = false;

		if (stat(programs[i], &status) < 0)
			continue;
		place(world, "/usr/bin/program");
		snprintf(command, sizeof(command), "cp %s %s/usr/bin/program", programs[i], world->directory);
		assert_int_equal(system(command), 0);
		load(world);
		all_was_readable(world);
		for (uint32_t k = 0; k < package_set_count(world->set); k++)
			found |= strncmp(package_set_get(world->set, k)->purl, "pkg:golang/stdlib@1.", 20) == 0;
		assert_true(found);
		return;
	}
	print_message("# skip: no program of Go is installed\n");
	skip();
}

/* As cargo-auditable does it, by objcopy into a program of this machine. */
static void a_rust_list_by_objcopy(void **state)
{
	struct world *world = *state;

	if (!installed("objcopy") || !installed("python3"))
		skip();
	place(world, "/usr/bin/x");
	run_in(world, "python3 -c 'import "
		      "zlib,sys;sys.stdout.buffer.write(zlib.compress(b\"{\\\"packages\\\":[{\\\"name\\\":"
		      "\\\"app\\\",\\\"version\\\":\\\"1.0\\\",\\\"root\\\":true},{\\\"name\\\":\\\"serde\\\","
		      "\\\"version\\\":"
		      "\\\"1.0.2\\\"}]}\"))' >list && objcopy --add-section .dep-v0=list /bin/true usr/bin/app "
		      "&& rm list");
	load(world);
	all_was_readable(world);
	tells_of(world, "/usr/bin/app", "pkg:cargo/app@1.0 pkg:cargo/serde@1.0.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_world(this_machine_as_dpkg_sees_it),
		test_world(as_pip_installs_it),
		test_world(as_npm_installs_it),
		test_world(as_gem_installs_it),
		test_world(as_jar_packs_it),
		test_world(a_go_program_of_this_machine),
		test_world(a_rust_list_by_objcopy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
