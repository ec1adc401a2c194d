/* SPDX-License-Identifier: Apache-2.0 */
/* RPM's database: headers made by hand, bent in every way, in databases that are bent too; and one that rpm itself made. */

#include "root_world.h"

#include <endian.h>
#include <sqlite3.h>

#include "packages/rpm_header.h"

#define DATABASE "/var/lib/rpm/rpmdb.sqlite"
#define HELLO "pkg:rpm/fedora/hello@1.5-3?arch=noarch&distro=fedora-39&epoch=2&upstream=hello-1.5-3.src.rpm"

/* A header as it grows: index and data apart. */
struct making {
	struct buf index, data;
	uint32_t count;
};

static void put_number(struct buf *out, uint32_t value)
{
	value = htobe32(value);
	assert_int_equal(buf_append(out, &value, sizeof(value)), 0);
}

static void tag(struct making *making, uint32_t number, uint32_t type, uint32_t count, const void *data,
		size_t len)
{
	while (type == 4 && making->data.len % 4)
		assert_int_equal(buf_append(&making->data, "", 1), 0);
	put_number(&making->index, number);
	put_number(&making->index, type);
	put_number(&making->index, (uint32_t)making->data.len);
	put_number(&making->index, count);
	assert_int_equal(buf_append(&making->data, data, len), 0);
	making->count++;
}

static void text(struct making *making, uint32_t number, const char *value)
{
	tag(making, number, 6, 1, value, strlen(value) + 1);
}

static void numbers(struct making *making, uint32_t number, const uint32_t *values, uint32_t count)
{
	_cleanup_(buf_done) struct buf data = BUF_MAX(4096);

	for (uint32_t i = 0; i < count; i++)
		put_number(&data, values[i]);
	tag(making, number, 4, count, data.data, data.len);
}

static struct buf done(struct making *making)
{
	struct buf blob = BUF_MAX(1 << 20);

	put_number(&blob, making->count);
	put_number(&blob, (uint32_t)making->data.len);
	assert_int_equal(buf_append_str(&blob, buf_str(&making->index)), 0);
	assert_int_equal(buf_append_str(&blob, buf_str(&making->data)), 0);
	buf_done(&making->index);
	buf_done(&making->data);
	return blob;
}

#define MAKING ((struct making) { BUF_MAX(1 << 16), BUF_MAX(1 << 18), 0 })

static struct buf hello(void)
{
	static const uint32_t epoch[] = { 2 }, directories[] = { 0, 1, 1, 1 }, flags[] = { 0, 0, 0, 64 };
	struct making making = MAKING;

	text(&making, RPM_NAME, "hello");
	text(&making, RPM_VERSION, "1.5");
	text(&making, RPM_RELEASE, "3");
	numbers(&making, RPM_EPOCH, epoch, 1);
	text(&making, RPM_ARCH, "noarch");
	text(&making, RPM_SOURCE_RPM, "hello-1.5-3.src.rpm");
	tag(&making, RPM_FILE_STATES, 1, 4, "\0\0\1\0", 4);
	numbers(&making, RPM_FILE_FLAGS, flags, 4);
	numbers(&making, RPM_DIR_INDEXES, directories, 4);
	tag(&making, RPM_BASE_NAMES, 8, 4, "hello\0data\0replaced\0ghost", 26);
	tag(&making, RPM_DIR_NAMES, 8, 2, "/usr/bin/\0/usr/share/hello/", 28);
	return done(&making);
}

static struct buf key(void)
{
	struct making making = MAKING;

	text(&making, RPM_NAME, "gpg-pubkey");
	text(&making, RPM_VERSION, "1");
	text(&making, RPM_RELEASE, "2");
	return done(&making);
}

/* A database of these statements, and of these blobs. */
static void put_database(const struct world *world, const char *path, const char *sql, const struct buf *blobs,
			 size_t count)
{
	sqlite3 *database = NULL;
	sqlite3_stmt *insert = NULL;

	assert_int_equal(sqlite3_open(place(world, path), &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(
			sqlite3_prepare_v2(database, "INSERT INTO Packages(blob) VALUES(?)", -1, &insert, NULL),
			SQLITE_OK);
		assert_int_equal(sqlite3_bind_blob(insert, 1, blobs[i].data, (int)blobs[i].len, SQLITE_STATIC),
				 SQLITE_OK);
		assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
		sqlite3_finalize(insert);
	}
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

#define TABLE "CREATE TABLE Packages(hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);"

static void fedora(const struct world *world)
{
	put(world, "/etc/os-release", "ID=fedora\nVERSION_ID=39\n");
	put(world, "/usr/bin/hello", "x");
	put(world, "/usr/share/hello/data", "x");
	put(world, "/usr/share/hello/replaced", "x");
	put(world, "/usr/share/hello/ghost", "x");
}

static void blobs_done(struct buf *blobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_done(&blobs[i]);
}

static void a_database(void **state)
{
	struct world *world = *state;
	struct buf blobs[] = { hello(), key() };

	fedora(world);
	put_database(world, DATABASE, "PRAGMA journal_mode=WAL;" TABLE, blobs, 2);
	blobs_done(blobs, 2);
	load(world);
	all_was_readable(world);
	assert_int_equal(world->facts.packages, 1);
	tells_of(world, "/usr/bin/hello", HELLO);
	inode_tells_of(world, "/usr/bin/hello", HELLO);
	tells_of(world, "/usr/share/hello/data", HELLO);
	tells_of(world, "/usr/share/hello/replaced", "");
	tells_of(world, "/usr/share/hello/ghost", "");
}

static void the_new_place_and_a_link(void **state)
{
	struct world *world = *state;
	struct buf blobs[] = { hello() };

	fedora(world);
	put_database(world, "/usr/lib/sysimage/rpm/rpmdb.sqlite", TABLE, blobs, 1);
	blobs_done(blobs, 1);
	put_link(world, "/var/lib/rpm", "../../usr/lib/sysimage/rpm");
	put(world, "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "");
	load(world);
	all_was_readable(world);
	tells_of(world, "/usr/bin/hello", HELLO);
}

static void what_cannot_be_read_is_named(void **state)
{
	struct world *world = *state;
	struct buf blobs[] = { hello() };

	fedora(world);
	put_database(world, DATABASE, TABLE, blobs, 1);
	blobs_done(blobs, 1);
	put(world, DATABASE "-wal", "changes");
	load(world);
	was_unreadable(world, 1, "rpmdb.sqlite-wal");
	tells_of(world, "/usr/bin/hello", HELLO);
	put(world, "/var/lib/rpm/Packages.db", "x");
	put(world, "/var/lib/rpm/Packages", "x");
	assert_int_equal(unlink(place(world, DATABASE "-wal")), 0);
	load(world);
	was_unreadable(world, 2, "ndb");
	assert_int_equal(world->facts.sources, PACKAGE_FROM_RPM);
}

static void bent_databases(void **state)
{
	static const struct {
		const char *sql, *why;
	} cases[] = {
		{ "CREATE TABLE Others(x)", "no table of packages" },
		{ "CREATE VIEW Packages AS WITH RECURSIVE c(blob, hnum) AS (SELECT 1, 1 UNION ALL SELECT blob, "
		  "hnum + 1 "
		  "FROM c) SELECT * FROM c",
		  "no table of packages" },
		{ "CREATE TABLE Packages(other)", "error" },
		{ "CREATE TABLE Packages(hnum, blob GENERATED ALWAYS AS (hex(hex(zeroblob(100000000)))) "
		  "VIRTUAL);"
		  "INSERT INTO Packages VALUES(1)",
		  "" },
		{ TABLE "INSERT INTO Packages(blob) VALUES('text')", "a header" },
		{ TABLE "INSERT INTO Packages(blob) VALUES(zeroblob(0))", "a header" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unlink(place(world, DATABASE));
		put_database(world, DATABASE, cases[i].sql, NULL, 0);
		load(world);
		was_unreadable(world, 1, cases[i].why);
	}
	put(world, DATABASE,
	    "this is no database, though long enough: ----------------------------------------");
	load(world);
	was_unreadable(world, 1, "not a database");
	put(world, DATABASE, "");
	load(world);
	was_unreadable(world, 1, "no table of packages");
}

/* Every page of it overwritten once: an answer or a refusal, and no more. */
static void damaged_databases(void **state)
{
	struct world *world = *state;
	struct buf blobs[] = { hello(), key() };
	_cleanup_(buf_done) struct buf whole = BUF_MAX(1 << 20);

	fedora(world);
	put_database(world, DATABASE, "PRAGMA page_size=512;" TABLE, blobs, 2);
	blobs_done(blobs, 2);
	assert_int_equal(file_read_at(AT_FDCWD, place(world, DATABASE), &whole, NULL), 0);
	for (size_t at = 0; at + 64 <= whole.len; at += 64) {
		char before[64];

		memcpy(before, whole.data + at, sizeof(before));
		memset(whole.data + at, (int)(at / 64), sizeof(before));
		put_bytes(world, DATABASE, whole.data, whole.len);
		load(world);
		memcpy(whole.data + at, before, sizeof(before));
	}
	put_bytes(world, DATABASE, whole.data, whole.len / 2);
	load(world);
	assert_true(world->facts.unreadable > 0);
}

static int parse(struct str blob)
{
	struct rpm_header header;
	struct rpm_files files;
	struct rpm_file file;
	const char *why = NULL;
	int r = rpm_header_parse(blob, &header, &why);

	assert_non_null(why);
	if (r < 0)
		return r;
	r = rpm_files_init(&files, &header);
	while (r >= 0 && (r = rpm_files_next(&files, &file)) > 0)
		;
	rpm_files_done(&files);
	return r;
}

static void headers_cut_and_bent(void **state)
{
	_cleanup_(buf_done) struct buf blob = hello();
	size_t refused = 0;

	(void)state;
	assert_int_equal(parse(buf_str(&blob)), 0);
	for (size_t len = 0; len < blob.len; len++) {
		_cleanup_(freep) char *cut = malloc(len + 1);

		assert_non_null(cut);
		memcpy(cut, blob.data, len);
		assert_int_equal(parse((struct str) { cut, len }), -EBADMSG);
	}
	/* Each byte set to the worst there is. */
	for (size_t at = 0; at < blob.len; at++) {
		char before = blob.data[at];

		blob.data[at] = (char)0xff;
		refused += parse(buf_str(&blob)) < 0;
		blob.data[at] = 0x7f;
		refused += parse(buf_str(&blob)) < 0;
		blob.data[at] = before;
	}
	assert_true(refused > 100);
}

static void headers_that_lie(void **state)
{
	static const uint32_t one[] = { 0 }, far[] = { 7 };
	struct buf blobs[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blobs); i++) {
		struct making making = MAKING;

		if (i != 0)
			text(&making, RPM_NAME, "x");
		if (i == 1) /* files without directories */
			tag(&making, RPM_BASE_NAMES, 8, 1, "a", 2);
		if (i == 2) { /* a directory that is not there */
			tag(&making, RPM_BASE_NAMES, 8, 1, "a", 2);
			tag(&making, RPM_DIR_NAMES, 8, 1, "/", 2);
			numbers(&making, RPM_DIR_INDEXES, far, 1);
		}
		if (i == 3) /* a name that is a number */
			numbers(&making, RPM_VERSION, one, 1);
		if (i == 4) { /* fewer names than said, and no end of the last */
			numbers(&making, RPM_DIR_INDEXES, one, 1);
			tag(&making, RPM_DIR_NAMES, 8, 1, "/", 2);
			tag(&making, RPM_BASE_NAMES, 8, 1, "abc", 3);
		}
		if (i == 5) /* more than there is room for */
			tag(&making, RPM_DIR_INDEXES, 4, 1 << 20, "", 1);
		blobs[i] = done(&making);
		if (parse(buf_str(&blobs[i])) != -EBADMSG)
			fail_msg("header %zu is believed", i);
		buf_done(&blobs[i]);
	}
}

/* The package that rpmbuild makes, installed by rpm, with a list of its files by rpm. */
static void as_rpm_makes_it(void **state)
{
	static const char spec[] =
		"Name: hello\nEpoch: 2\nVersion: 1.5\nRelease: 3\nSummary: x\nLicense: x\nBuildArch: noarch\n"
		"%description\nx\n%install\nmkdir -p %{buildroot}/usr/bin %{buildroot}/usr/share/hello\n"
		"echo x >%{buildroot}/usr/bin/hello\necho d >%{buildroot}/usr/share/hello/data\n"
		"ln -s data %{buildroot}/usr/share/hello/link\n%files\n/usr/bin/hello\n/usr/share/hello\n"
		"%ghost /usr/share/hello/ghost\n";
	struct world *world = *state;
	char command[2048];

	if (system("command -v rpmbuild rpm >/dev/null") != 0) {
		print_message("# skip: rpm and rpmbuild are not installed\n");
		skip();
	}
	put(world, "/etc/os-release", "ID=fedora\nVERSION_ID=39\n");
	put(world, "/build/hello.spec", spec);
	snprintf(command, sizeof(command),
		 "exec >%1$s/build/log 2>&1; cd %1$s && rpmbuild --define '_topdir %1$s/build' -bb "
		 "build/hello.spec && "
		 "rpm --root %1$s --define '_db_backend sqlite' --define '_dbpath /var/lib/rpm' --nodeps "
		 "--ignorearch "
		 "-i build/RPMS/noarch/*.rpm && rm -rf build/BUILD*",
		 world->directory);
	if (system(command) != 0)
		fail_msg("rpm did not install: see %s/build/log", world->directory);
	put(world, "/usr/share/hello/ghost", "x");
	load(world);
	all_was_readable(world);
	tells_of(world, "/usr/bin/hello", HELLO);
	tells_of(world, "/usr/share/hello/data", HELLO);
	tells_of(world, "/usr/share/hello/link", "");
	tells_of(world, "/usr/share/hello/ghost", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_world(a_database),
		test_world(the_new_place_and_a_link),
		test_world(what_cannot_be_read_is_named),
		test_world(bent_databases),
		test_world(damaged_databases),
		cmocka_unit_test(headers_cut_and_bent),
		cmocka_unit_test(headers_that_lie),
		test_world(as_rpm_makes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
