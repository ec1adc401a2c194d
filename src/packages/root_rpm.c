// SPDX-License-Identifier: Apache-2.0
/*
 * RPM's database in SQLite: SQLite finds the rows, rpm_header.c reads them. SQLite gets a file system of one file, the one
 * opened within the root, and can neither name nor write another. Hostile tables are met with a limit of steps.
 * Refuses the older kinds of database by name; a write-ahead log that is not empty makes the answer uncertain, and is told.
 */

#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"
#include "packages/rpm_header.h"

#define VFS_NAME "stella-one-file"
#define STEPS 1000000 /* of SQLite's machine between two looks */
#define LOOKS_MAX 2000
#define ROWS_MAX 200000

/* ---- a file system with one file that can only be read ---- */

struct one_file {
	sqlite3_file base;
	int fd;
};

static int one_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

/* Bytes 18 and 19 say whether there is a write-ahead log; here there is none. */
static void without_wal(char *data, int len, sqlite3_int64 offset)
{
	for (sqlite3_int64 at = 18; at < 20; at++) {
		if (at >= offset && at < offset + len && data[at - offset] == 2)
			data[at - offset] = 1;
	}
}

static int one_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	const struct one_file *one = (const struct one_file *)file;
	ssize_t n;

	if (len < 0 || offset < 0)
		return SQLITE_IOERR_READ;
	do
		n = pread(one->fd, data, (size_t)len, offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return SQLITE_IOERR_READ;
	without_wal(data, (int)n, offset);
	if (n == len)
		return SQLITE_OK;
	memset((char *)data + n, 0, (size_t)(len - n));
	return SQLITE_IOERR_SHORT_READ;
}

static int one_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	(void)file;
	(void)data;
	(void)len;
	(void)offset;
	return SQLITE_READONLY;
}

static int one_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	(void)file;
	(void)size;
	return SQLITE_READONLY;
}

static int one_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	const struct one_file *one = (const struct one_file *)file;
	struct stat status;

	if (fstat(one->fd, &status) < 0)
		return SQLITE_IOERR_FSTAT;
	*ret_size = status.st_size;
	return SQLITE_OK;
}

static int one_flags(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	return SQLITE_OK;
}

static int one_reserved(sqlite3_file *file, int *ret_reserved)
{
	(void)file;
	*ret_reserved = 0;
	return SQLITE_OK;
}

static int one_control(sqlite3_file *file, int what, void *data)
{
	(void)file;
	(void)what;
	(void)data;
	return SQLITE_NOTFOUND;
}

static int one_sector(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int one_character(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods one_methods = {
	.iVersion = 1,
	.xClose = one_close,
	.xRead = one_read,
	.xWrite = one_write,
	.xTruncate = one_truncate,
	.xSync = one_flags,
	.xFileSize = one_size,
	.xLock = one_flags,
	.xUnlock = one_flags,
	.xCheckReservedLock = one_reserved,
	.xFileControl = one_control,
	.xSectorSize = one_sector,
	.xDeviceCharacteristics = one_character,
};

/* Only the database itself; no journal, no temporary file. */
static int one_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct one_file *one = (struct one_file *)file;

	(void)name;
	one->base.pMethods = NULL;
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	one->fd = *(const int *)vfs->pAppData;
	one->base.pMethods = &one_methods;
	if (ret_flags)
		*ret_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
	return SQLITE_OK;
}

static int one_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
	(void)vfs;
	(void)name;
	(void)sync_directory;
	return SQLITE_READONLY;
}

static int one_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_result)
{
	(void)vfs;
	(void)name;
	(void)flags;
	*ret_result = 0;
	return SQLITE_OK;
}

static int one_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	sqlite3_snprintf(size, out, "%s", name);
	return SQLITE_OK;
}

static int one_randomness(sqlite3_vfs *vfs, int size, char *out)
{
	(void)vfs;
	memset(out, 0, (size_t)size);
	return size;
}

static int one_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static int one_time(sqlite3_vfs *vfs, double *ret_time)
{
	(void)vfs;
	*ret_time = 0;
	return SQLITE_OK;
}

static int one_error(sqlite3_vfs *vfs, int size, char *out)
{
	(void)vfs;
	(void)size;
	(void)out;
	return 0;
}

/* ---- the packages in it ---- */

struct looks {
	unsigned int count;
};

static int look(void *user)
{
	return ++((struct looks *)user)->count > LOOKS_MAX;
}

static void database_done(sqlite3 **database)
{
	sqlite3_close(*database);
}

static void statement_done(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static int files_take(struct root *root, const char *path, const struct rpm_header *header, uint32_t index)
{
	_cleanup_(buf_done) struct buf full = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	_cleanup_(rpm_files_done) struct rpm_files files = { .header = NULL };
	struct rpm_file file;
	int r = rpm_files_init(&files, header), more = 1;

	while (r >= 0 && (more = rpm_files_next(&files, &file)) > 0) {
		if (!file.is_there || file.directory.len + file.name.len > PACKAGE_TEXT_MAX)
			continue;
		buf_clear(&full);
		r = buf_printf(&full, "%.*s%.*s", (int)file.directory.len, file.directory.data,
			       (int)file.name.len, file.name.data);
		if (r >= 0)
			r = root_file(root, index, buf_str(&full));
	}
	if (r == -EBADMSG || more < 0)
		return root_unreadable(root, path, "the files of a header are not whole");
	return r < 0 ? r : 0;
}

/* Fedora's own are called "redhat" where the distribution is RHEL. */
static const char *vendor(const struct root *root)
{
	if (!root->id)
		return "redhat";
	return strcmp(root->id, "rhel") == 0 ? "redhat" : root->id;
}

static int header_take(struct root *root, const char *path, struct str blob)
{
	_cleanup_(freep) char *version = NULL;
	struct found found = { .source = PACKAGE_FROM_RPM, .type = "rpm", .distro = true };
	struct rpm_header header;
	const char *why;
	char epoch[16] = "";
	uint32_t index;
	int r;

	if (rpm_header_parse(blob, &header, &why) < 0)
		return root_unreadable(root, path, why);
	/* Keys that were imported look like packages and have no files. */
	if (str_equal(header.name, STR("gpg-pubkey")))
		return 0;
	if (asprintf(&version, "%s%s%s", header.version.data ? header.version.data : "",
		     header.release.data ? "-" : "", header.release.data ? header.release.data : "") < 0) {
		version = NULL;
		return -ENOMEM;
	}
	if (header.has_epoch)
		snprintf(epoch, sizeof(epoch), "%u", header.epoch);
	found.namespace_ = vendor(root);
	found.name = header.name.data;
	found.version = version;
	found.arch = header.arch.data;
	found.epoch = epoch;
	found.upstream = header.source_rpm.data;
	r = root_package(root, &found, path, &index);
	if (r != 0)
		return r;
	if (header.old_names.count > 0)
		return root_unreadable(root, path, "has files in a way of before 1998");
	return files_take(root, path, &header, index);
}

static int rows_take(struct root *root, const char *path, sqlite3_stmt *statement)
{
	size_t rows = 0;
	int r = 0, got = SQLITE_ROW;

	while (r >= 0 && (got = sqlite3_step(statement)) == SQLITE_ROW) {
		const void *blob = sqlite3_column_blob(statement, 0);
		int len = sqlite3_column_bytes(statement, 0);

		if (++rows > ROWS_MAX)
			return root_unreadable(root, path, "has too many rows");
		r = header_take(root, path, (struct str) { blob, blob ? (size_t)len : 0 });
	}
	if (r >= 0 && got != SQLITE_DONE)
		r = got == SQLITE_NOMEM ? -ENOMEM : root_unreadable(root, path, sqlite3_errstr(got));
	return r;
}

static int database_take(struct root *root, const char *path, sqlite3_vfs *vfs)
{
	_cleanup_(database_done) sqlite3 *database = NULL;
	_cleanup_(statement_done) sqlite3_stmt *table = NULL, *statement = NULL;
	struct looks looks = { 0 };
	int r = sqlite3_open_v2("rpmdb", &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, vfs->zName);

	if (r == SQLITE_OK) {
		sqlite3_limit(database, SQLITE_LIMIT_LENGTH, RPM_HEADER_MAX);
		sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, 65536);
		sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
		sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
		sqlite3_progress_handler(database, STEPS, look, &looks);
		r = sqlite3_prepare_v2(database,
				       "SELECT 1 FROM sqlite_master WHERE type='table' AND name='Packages'", -1,
				       &table, NULL);
	}
	if (r == SQLITE_OK) {
		r = sqlite3_step(table);
		if (r == SQLITE_DONE)
			return root_unreadable(root, path, "has no table of packages");
		r = r == SQLITE_ROW ? SQLITE_OK : r;
	}
	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(database, "SELECT blob FROM Packages ORDER BY hnum", -1, &statement,
				       NULL);
	if (r != SQLITE_OK)
		return r == SQLITE_NOMEM ? -ENOMEM : root_unreadable(root, path, sqlite3_errstr(r));
	return rows_take(root, path, statement);
}

static int sqlite_take(struct root *root, const char *path)
{
	_cleanup_(closep) int fd = root_open_file(root, path), wal = -1;
	_cleanup_(buf_done) struct buf wal_path = BUF_MAX(PACKAGE_TEXT_MAX);
	struct stat status;
	sqlite3_vfs vfs = {
		.iVersion = 1,
		.szOsFile = sizeof(struct one_file),
		.mxPathname = 64,
		.zName = VFS_NAME,
		.pAppData = &fd,
		.xOpen = one_open,
		.xDelete = one_delete,
		.xAccess = one_access,
		.xFullPathname = one_name,
		.xRandomness = one_randomness,
		.xSleep = one_sleep,
		.xCurrentTime = one_time,
		.xGetLastError = one_error,
	};
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return root_unreadable_error(root, path, fd);
	root->facts->sources |= PACKAGE_FROM_RPM;
	r = buf_printf(&wal_path, "%s-wal", path);
	if (r < 0 || !buf_cstr(&wal_path))
		return -ENOMEM;
	wal = root_open_file(root, wal_path.data);
	if (wal >= 0 && fstat(wal, &status) == 0 && status.st_size > 0)
		root_unreadable(
			root, wal_path.data,
			"holds changes that are not in the database yet; let rpm finish, then ask again");
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		return -ENOMEM;
	r = database_take(root, path, &vfs);
	sqlite3_vfs_unregister(&vfs);
	return r;
}

int root_rpm(struct root *root)
{
	static const char *const directories[] = { "/usr/lib/sysimage/rpm", "/var/lib/rpm" };
	static const struct {
		const char *name, *why;
	} others[] = {
		{ "Packages.db",
		  "is RPM's database of the kind ndb, which can't be read here; rpmdb --rebuilddb "
		  "with %_db_backend sqlite makes one that can" },
		{ "Packages", "is RPM's database of the kind bdb, which can't be read here; rpmdb --rebuilddb "
			      "with %_db_backend sqlite makes one that can" },
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(directories); i++) {
		char path[PATH_MAX], *resolved = NULL;
		int fd = -1;

		/* On many systems one of the two is a symlink to the other. */
		r = root_directory(root, directories[i], &resolved, &fd);
		closep(&fd);
		if (r < 0 || (i == 1 && strcmp(resolved, directories[0]) == 0)) {
			free(resolved);
			r = r == -ENOMEM ? r : 0;
			continue;
		}
		free(resolved);
		snprintf(path, sizeof(path), "%s/rpmdb.sqlite", directories[i]);
		r = sqlite_take(root, path);
		for (size_t k = 0; r >= 0 && k < ARRAY_LEN(others); k++) {
			snprintf(path, sizeof(path), "%s/%s", directories[i], others[k].name);
			if (root_exists(root, path)) {
				root->facts->sources |= PACKAGE_FROM_RPM;
				root_unreadable(root, path, others[k].why);
			}
		}
	}
	return r < 0 ? r : 0;
}
