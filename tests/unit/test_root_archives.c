/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed into one file: Java archives within archives, and what compilers leave in programs. Bombs included. */

#include "root_world.h"

#include <elf.h>
#include <zlib.h>

#include "packages/binary.h"
#include "packages/jar_text.h"

#define POM(group, artifact, version) \
	"#Generated\ngroupId=" group "\nartifactId=" artifact "\nversion=" version "\n"
#define POM_AT(artifact) "META-INF/maven/g/" artifact "/pom.properties"

struct content {
	const char *name;
	const void *data;
	size_t len;
};

#define TEXT(at, text) ((struct content) { (at), (text), sizeof(text) - 1 })

static void put16(struct buf *out, unsigned int value)
{
	const unsigned char bytes[] = { (unsigned char)value, (unsigned char)(value >> 8) };

	assert_int_equal(buf_append(out, bytes, sizeof(bytes)), 0);
}

static void put32(struct buf *out, size_t value)
{
	put16(out, value & 0xffff);
	put16(out, (value >> 16) & 0xffff);
}

static void deflated(struct buf *out, const struct content *content)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)content->data, .avail_in = (uInt)content->len };
	size_t bound;

	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	bound = deflateBound(&stream, content->len);
	assert_int_equal(buf_reserve(out, bound), 0);
	stream.next_out = (Bytef *)out->data + out->len;
	stream.avail_out = (uInt)bound;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out->len += stream.total_out;
	deflateEnd(&stream);
}

/* What a local header and an entry of the directory have alike. */
static void entry_put(struct buf *out, const struct content *content, size_t packed)
{
	put16(out, 20);
	put16(out, 0);
	put16(out, 8);
	put32(out, 0);
	put32(out, crc32(0, content->data, (uInt)content->len));
	put32(out, packed);
	put32(out, content->len);
	put16(out, (unsigned int)strlen(content->name));
	put16(out, 0);
}

/* A zip of these entries. The caller frees. */
static struct str zip(const struct content *contents, size_t count)
{
	struct buf out = BUF_MAX(512u << 20), directory = BUF_MAX(1u << 20);
	size_t at;

	for (size_t i = 0; i < count; i++) {
		_cleanup_(buf_done) struct buf data = BUF_MAX(256u << 20);

		at = out.len;
		deflated(&data, &contents[i]);
		put32(&out, 0x04034b50);
		entry_put(&out, &contents[i], data.len);
		assert_int_equal(buf_append_str(&out, str_of(contents[i].name)), 0);
		assert_int_equal(buf_append_str(&out, buf_str(&data)), 0);
		put32(&directory, 0x02014b50);
		put16(&directory, 20);
		entry_put(&directory, &contents[i], data.len);
		put32(&directory, 0); /* comment, disk */
		put16(&directory, 0);
		put32(&directory, 0);
		put32(&directory, at);
		assert_int_equal(buf_append_str(&directory, str_of(contents[i].name)), 0);
	}
	at = out.len;
	assert_int_equal(buf_append_str(&out, buf_str(&directory)), 0);
	put32(&out, 0x06054b50);
	put32(&out, 0);
	put16(&out, (unsigned int)count);
	put16(&out, (unsigned int)count);
	put32(&out, directory.len);
	put32(&out, at);
	put16(&out, 0);
	buf_done(&directory);
	return buf_str(&out);
}

static void put_zip(const struct world *world, const char *path, const struct content *contents, size_t count)
{
	struct str bytes = zip(contents, count);

	put_bytes(world, path, bytes.data, bytes.len);
	free((char *)(uintptr_t)bytes.data);
}

static void jars(void **state)
{
	struct world *world = *state;
	const struct content one[] = { TEXT("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"),
				       TEXT("META-INF/maven/org.x/one/pom.properties",
					    POM("org.x", "one", "1.0")),
				       TEXT("a/A.class", "x") };
	const struct content shaded[] = { TEXT(POM_AT("part"), POM("g", "part", "1")),
					  TEXT(POM_AT("whole"), POM("g", "whole", "2")) };
	const struct content manifest[] = { TEXT(
		"META-INF/MANIFEST.MF",
		"Manifest-Version: 1.0\r\nImplementation-Vendor-Id: org.\r\n vendor\r\nBundle-SymbolicName: "
		"org.y;singleton:=true\r\nImplementation-Version: 3.1\r\n\r\nName: "
		"x\r\nImplementation-Version: 9\r\n") };
	const struct content nothing[] = { TEXT("a/A.class", "x") };

	put_zip(world, "/opt/one.jar", one, 3);
	put_zip(world, "/opt/whole-2.jar", shaded, 2);
	put_zip(world, "/opt/other.jar", shaded, 2);
	put_zip(world, "/opt/named-4.0.jar", manifest, 1);
	put_zip(world, "/opt/named.jar", manifest, 1);
	put_zip(world, "/opt/guess-1.2.3.jar", nothing, 1);
	put_zip(world, "/opt/nobody.jar", nothing, 1);
	load(world);
	all_was_readable(world);
	tells_of(world, "/opt/one.jar", "pkg:maven/org.x/one@1.0");
	tells_of(world, "/opt/whole-2.jar", "pkg:maven/g/whole@2 pkg:maven/g/part@1");
	tells_of(world, "/opt/other.jar", "pkg:maven/g/part@1 pkg:maven/g/whole@2");
	tells_of(world, "/opt/named-4.0.jar", "pkg:maven/org.vendor/named@3.1");
	tells_of(world, "/opt/named.jar", "pkg:maven/org.vendor/org.y@3.1");
	tells_of(world, "/opt/guess-1.2.3.jar", "guess");
	tells_of(world, "/opt/nobody.jar", "");
	assert_false(package_set_get(world->set, package_of(world, "pkg:maven/org.x/one@1.0"))->contained);
	assert_true(package_set_get(world->set, package_of(world, "pkg:maven/g/part@1"))->contained);
}

static void jars_within_jars(void **state)
{
	struct world *world = *state;
	const struct content lib[] = { TEXT(POM_AT("lib"), POM("g", "lib", "1")) };
	struct str inner = zip(lib, 1);
	const struct content middle[] = { TEXT(POM_AT("app"), POM("g", "app", "1")),
					  { "WEB-INF/lib/lib-1.jar", inner.data, inner.len },
					  { "WEB-INF/lib/guess-2.jar", inner.data, 0 } };
	struct str war = zip(middle, 2);
	const struct content outer[] = { { "app.war", war.data, war.len } };

	put_zip(world, "/opt/all.ear", outer, 1);
	put_zip(world, "/opt/app.war", middle, 3);
	load(world);
	/* An empty file is no archive: what it may have been is unknown. */
	was_unreadable(world, 1, "/opt/app.war");
	tells_of(world, "/opt/all.ear", "pkg:maven/g/lib@1 pkg:maven/g/app@1");
	tells_of(world, "/opt/app.war", "pkg:maven/g/app@1 pkg:maven/g/lib@1");
	free((char *)(uintptr_t)inner.data);
	free((char *)(uintptr_t)war.data);
}

static void jars_too_deep(void **state)
{
	struct world *world = *state;
	const struct content lib[] = { TEXT(POM_AT("lib"), POM("g", "lib", "1")) };
	struct str bytes = zip(lib, 1);

	for (int i = 0; i < 6; i++) {
		const struct content outer[] = { { "x.jar", bytes.data, bytes.len } };
		struct str larger = zip(outer, 1);

		free((char *)(uintptr_t)bytes.data);
		bytes = larger;
	}
	put_bytes(world, "/x.jar", bytes.data, bytes.len);
	free((char *)(uintptr_t)bytes.data);
	load(world);
	was_unreadable(world, 1, "too deeply");
}

/* 200 MB of zeros as a jar, ten of them, in a few hundred KB. */
static void zip_bomb(void **state)
{
	struct world *world = *state;
	size_t len = 200u << 20;
	char *zeros = calloc(1, len);
	const struct content bomb[] = { { "a.jar", zeros, len }, TEXT(POM_AT("b"), POM("g", "b", "1")) };
	struct content many[12] = { TEXT(POM_AT("c"), POM("g", "c", "1")) };

	assert_non_null(zeros);
	put_zip(world, "/bomb.jar", bomb, 2);
	for (size_t i = 1; i < ARRAY_LEN(many); i++)
		many[i] = (struct content) { "x.jar", zeros, 90u << 20 };
	put_zip(world, "/many.jar", many, 8);
	free(zeros);
	load(world);
	was_unreadable(world, 2, "/bomb.jar: an archive unpacks to more");
	tells_of(world, "/bomb.jar", "pkg:maven/g/b@1");
	tells_of(world, "/many.jar", "pkg:maven/g/c@1");
}

static void bent_jars(void **state)
{
	struct world *world = *state;
	const struct content one[] = { TEXT(POM_AT("one"), POM("g", "one", "1")), TEXT("b", "x") };
	struct str bytes = zip(one, 2);
	char *bent = (char *)(uintptr_t)bytes.data;

	put_bytes(world, "/cut.jar", bent, bytes.len - 30);
	put(world, "/text.jar", "not a zip archive, but long enough to be one if it wanted to be\n");
	put(world, "/empty.jar", "");
	memset(bent + bytes.len / 2, 0xff, bytes.len / 4);
	put_bytes(world, "/bent.jar", bent, bytes.len);
	free(bent);
	load(world);
	assert_int_equal(world->facts.unreadable, 4);
	tells_of(world, "/text.jar", "");
}

static void manifests_and_names(void **state)
{
	static const struct {
		const char *text, *file, *artifact, *version;
	} cases[] = {
		{ "", "/a/b-c-1.0-SNAPSHOT.jar", "b-c", "1.0-SNAPSHOT" },
		{ "", "b.jar", NULL, NULL },
		{ "Bundle-Version: 2", "b.jar", "b", "2" },
		{ "Implementation-Title: A long title\nImplementation-Version: 1", "x.jar", "x", "1" },
		{ "Implementation-Title: short\nImplementation-Version: 1", "x.jar", "short", "1" },
		{ " starts with a space\nBundle-Version: 1", "x.jar", "x", "1" },
		{ "\nBundle-Version: 1", "x.jar", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jar_pom pom = { .group = NULL };
		int r = jar_manifest_parse(str_of(cases[i].text), cases[i].file, &pom);

		assert_int_equal(r, cases[i].artifact ? 1 : 0);
		if (r == 1) {
			assert_string_equal(pom.artifact, cases[i].artifact);
			assert_string_equal(pom.version, cases[i].version);
		}
		jar_pom_done(&pom);
	}
}

#define GO_MARK "0123456789abcdef"
#define GO_TEXT                                                                                               \
	GO_MARK "path\texample.org/cmd\nmod\texample.org/Cmd\t(devel)\t\ndep\tgithub.com/x/y\tv1.2.3\th1:=\n" \
		"dep\told.org/z\tv1\n=>\tnew.org/z\tv2\th1:=\ndep\there.org/w\tv1.0.0\n=>\t./"                \
		"w\t\nbuild\t-x=1\n" GO_MARK

/* A 64-bit program of one segment, and by wish a table of sections. */
static void put_elf(const struct world *world, const char *path, const char *section, const void *data,
		    size_t len)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		Elf64_Shdr sections[3];
		char names[64];
		char data[65536] __attribute__((aligned(16)));
	} *file = calloc(1, sizeof(*file));
	const Elf64_Off data_at = (Elf64_Off)((char *)file->data - (char *)file);

	assert_true(file && len <= sizeof(file->data));
	memcpy(file->header.e_ident, ELFMAG, SELFMAG);
	file->header.e_ident[EI_CLASS] = ELFCLASS64;
	file->header.e_ident[EI_DATA] = ELFDATA2LSB;
	file->header.e_ident[EI_VERSION] = EV_CURRENT;
	file->header.e_type = ET_EXEC;
	file->header.e_machine = EM_AARCH64;
	file->header.e_version = EV_CURRENT;
	file->header.e_ehsize = sizeof(Elf64_Ehdr);
	file->header.e_phoff = sizeof(Elf64_Ehdr);
	file->header.e_phentsize = sizeof(Elf64_Phdr);
	file->header.e_phnum = 1;
	file->segment = (Elf64_Phdr) { .p_type = PT_LOAD,
				       .p_flags = PF_R | PF_W,
				       .p_offset = data_at,
				       .p_vaddr = 0x10000,
				       .p_filesz = sizeof(file->data),
				       .p_memsz = sizeof(file->data) };
	if (section) {
		file->header.e_shoff = (Elf64_Off)((char *)file->sections - (char *)file);
		file->header.e_shentsize = sizeof(Elf64_Shdr);
		file->header.e_shnum = 3;
		file->header.e_shstrndx = 1;
		strcpy(file->names + 1, ".shstrtab");
		strcpy(file->names + 20, section);
		file->sections[1] = (Elf64_Shdr) { .sh_name = 1,
						   .sh_type = SHT_STRTAB,
						   .sh_offset = (Elf64_Off)(file->names - (char *)file),
						   .sh_size = sizeof(file->names) };
		file->sections[2] = (Elf64_Shdr) {
			.sh_name = 20, .sh_type = SHT_PROGBITS, .sh_offset = data_at, .sh_size = len
		};
	}
	memcpy(file->data, data, len);
	put_bytes(world, path, file, sizeof(*file));
	free(file);
}

/* What the linker of Go 1.18 and newer writes. */
static size_t go_info(char *out, const char *version, const char *modules)
{
	size_t len = 32, n = strlen(version), m = strlen(modules);

	memset(out, 0, 32);
	memcpy(out, "\xff Go buildinf:", 14);
	out[14] = 8;
	out[15] = 2;
	out[len++] = (char)n;
	memcpy(out + len, version, n);
	len += n;
	out[len++] = (char)((m & 0x7f) | 0x80);
	out[len++] = (char)(m >> 7);
	memcpy(out + len, modules, m);
	return len + m;
}

#define GO_FOUND                                                                                \
	"pkg:golang/example.org/cmd pkg:golang/stdlib@1.21.3 pkg:golang/github.com/x/y@v1.2.3 " \
	"pkg:golang/new.org/z@v2 pkg:golang/here.org/w"

static void go_programs(void **state)
{
	struct world *world = *state;
	char data[4096];
	size_t len = go_info(data, "go1.21.3 X:boring", GO_TEXT);

	put_elf(world, "/usr/bin/go-1.18", ".go.buildinfo", data, len);
	put_elf(world, "/usr/bin/go-stripped", NULL, data, len);
	load(world);
	all_was_readable(world);
	tells_of(world, "/usr/bin/go-1.18", GO_FOUND);
	tells_of(world, "/usr/bin/go-stripped", GO_FOUND);
	inode_tells_of(world, "/usr/bin/go-stripped", GO_FOUND);
	assert_false(package_set_get(world->set, package_of(world, "pkg:golang/example.org/cmd"))->contained);
	assert_true(package_set_get(world->set, package_of(world, "pkg:golang/new.org/z@v2"))->contained);
}

/* Go 1.17: addresses of two string headers, of 8 bytes little endian here. */
static void go_programs_of_old(void **state)
{
	struct world *world = *state;
	char data[4096] = { 0 };
	const uint64_t base = 0x10000;
	const uint64_t numbers[] = {
		base + 64, base + 80, 0, 0, base + 128, 6, base + 256, sizeof(GO_TEXT) - 1
	};

	memcpy(data, "\xff Go buildinf:", 14);
	data[14] = 8;
	memcpy(data + 16, numbers, 16);
	memcpy(data + 64, &numbers[4], 32);
	memcpy(data + 128, "go1.16", 6);
	memcpy(data + 256, GO_TEXT, sizeof(GO_TEXT) - 1);
	put_elf(world, "/usr/bin/go", ".go.buildinfo", data, sizeof(data));
	/* The same with an address that leads nowhere. */
	data[16 + 5] = 1;
	put_elf(world, "/usr/bin/no", ".go.buildinfo", data, sizeof(data));
	load(world);
	was_unreadable(world, 1, "/usr/bin/no: its build information of Go");
	tells_of(world, "/usr/bin/go",
		 "pkg:golang/example.org/cmd pkg:golang/stdlib@1.16 pkg:golang/github.com/x/y@v1.2.3 "
		 "pkg:golang/new.org/z@v2 pkg:golang/here.org/w");
}

static size_t pack(const void *data, size_t len, void *out, size_t room)
{
	uLongf packed = room;

	assert_int_equal(compress(out, &packed, data, len), Z_OK);
	return packed;
}

static void rust_programs(void **state)
{
	static const char json[] =
		"{\"packages\":[{\"name\":\"app\",\"version\":\"0.1.0\",\"source\":\"local\",\"root\":true,"
		"\"dependencies\":[1]},"
		"{\"name\":\"serde\",\"version\":\"1.0.1\",\"source\":\"crates.io\"},"
		"{\"name\":\"cc\",\"version\":\"1.0\",\"source\":\"crates.io\",\"kind\":\"build\"}]}";
	struct world *world = *state;
	char packed[65536];
	size_t len = pack(json, sizeof(json) - 1, packed, sizeof(packed));
	char *zeros = calloc(1, RUST_INFO_MAX + 1);

	put_elf(world, "/usr/bin/app", ".dep-v0", packed, len);
	put_elf(world, "/usr/lib/libapp.so", ".dep-v0", packed, len);
	put_elf(world, "/usr/bin/cut", ".dep-v0", packed, len - 8);
	len = pack("{\"packages\":[{}]}", 17, packed, sizeof(packed));
	put_elf(world, "/usr/bin/nameless", ".dep-v0", packed, len);
	assert_non_null(zeros);
	len = pack(zeros, RUST_INFO_MAX + 1, packed, sizeof(packed));
	put_elf(world, "/usr/bin/bomb", ".dep-v0", packed, len);
	free(zeros);
	load(world);
	was_unreadable(world, 3, "/usr/bin/bomb: its list of Rust crates");
	tells_of(world, "/usr/bin/app", "pkg:cargo/app@0.1.0 pkg:cargo/serde@1.0.1");
	tells_of(world, "/usr/lib/libapp.so", "pkg:cargo/app@0.1.0 pkg:cargo/serde@1.0.1");
}

static void bent_programs(void **state)
{
	struct world *world = *state;
	char data[4096];
	size_t len = go_info(data, "go1.21.3", GO_TEXT);

	data[32] = (char)0xff; /* a length that goes on and on */
	memset(data + 33, 0xff, 8);
	put_elf(world, "/usr/bin/length", ".go.buildinfo", data, len);
	put_elf(world, "/usr/bin/magic", ".go.buildinfo", "0123456789abcdef0123456789abcdef", 32);
	put(world, "/usr/bin/short",
	    "\177ELF\2\1\1 and then nothing that would be a header of any kind, only words and words");
	load(world);
	was_unreadable(world, 2, "/usr/bin/length");
}

/* The deb owns the program; what is in it is told beside it. */
static void a_deb_with_a_go_program(void **state)
{
	struct world *world = *state;
	char data[4096];
	size_t len = go_info(data, "go1.21.3", GO_TEXT);

	put(world, "/etc/os-release", "ID=debian\n");
	put(world, "/var/lib/dpkg/status",
	    "Package: cmd\nStatus: install ok installed\nVersion: 1\nArchitecture: arm64\n");
	put(world, "/var/lib/dpkg/info/cmd.list", "/usr/bin/cmd\n");
	put_elf(world, "/usr/bin/cmd", ".go.buildinfo", data, len);
	load(world);
	all_was_readable(world);
	tells_of(world, "/usr/bin/cmd", "pkg:deb/debian/cmd@1?arch=arm64&distro=debian " GO_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_world(jars),
		test_world(jars_within_jars),
		test_world(jars_too_deep),
		test_world(zip_bomb),
		test_world(bent_jars),
		cmocka_unit_test(manifests_and_names),
		test_world(go_programs),
		test_world(go_programs_of_old),
		test_world(rust_programs),
		test_world(bent_programs),
		test_world(a_deb_with_a_go_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
