/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the place means that a scanner gives for a package. Promises that a file counts as the package's own only where
 * opening it says something of the package: not a database that lists it among others, not the lock file it was read of,
 * not a path that leaves the root or can be spelled in more than one way.
 */

#include "packages/sbom_parts.h"

/* Files that tell of packages; an entry that ends in a slash is a directory at the root. */
static const char *const source_directories[] = {
	"/var/lib/dpkg/",
	"/lib/apk/db/",
	"/usr/lib/apk/db/",
	"/var/lib/rpm/",
	"/usr/lib/sysimage/rpm/",
	"/usr/share/rpm/",
	"/var/lib/pacman/",
	"/var/db/pkg/",
	/* What scanners name of a deb or rpm for its licence: that nobody reads it says nothing of the package. */
	"/usr/share/doc/",
	"/usr/share/licenses/",
};

/* Descriptions of what is installed: whoever lists packages opens them, and whoever uses one does not. */
static const char *const description_directories[] = { ".dist-info", ".egg-info", "/conda-meta" };
static const char *const description_endings[] = { ".egg-info", ".gemspec", ".rockspec", "/DESCRIPTION" };

static const char *const source_names[] = {
	"Cargo.lock",
	"Gemfile.lock",
	"Package.resolved",
	"Pipfile",
	"Pipfile.lock",
	"Podfile.lock",
	"build.gradle",
	"bun.lock",
	"bun.lockb",
	"cabal.project.freeze",
	"composer.lock",
	"conan.lock",
	"conaninfo.txt",
	"conanfile.txt",
	"go.mod",
	"go.sum",
	"gradle.lockfile",
	"installed.json",
	"mix.lock",
	"npm-shrinkwrap.json",
	"package-lock.json",
	"packages.config",
	"packages.lock.json",
	"pdm.lock",
	"pnpm-lock.yaml",
	"poetry.lock",
	"pom.xml",
	"pubspec.lock",
	"pylock.toml",
	"rebar.lock",
	"requirements.txt",
	"setup.py",
	"stack.yaml",
	"stack.yaml.lock",
	"uv.lock",
	"vcpkg.json",
	"yarn.lock",
};

static const char *const source_endings[] = { ".deps.json", ".gradle.kts", ".csproj" };

/* Archives that are opened as one file. */
static const char *const archive_endings[] = { ".jar", ".war", ".ear", ".par", ".sar", ".nar", ".rar",
					       ".jpi", ".hpi", ".kar", ".egg", ".whl", ".zip" };

static bool ends_with(struct str text, const char *ending)
{
	size_t len = strlen(ending);

	return text.len > len && memcmp(text.data + text.len - len, ending, len) == 0;
}

static bool is_archive(struct str name)
{
	for (size_t i = 0; i < sizeof(archive_endings) / sizeof(*archive_endings); i++)
		if (ends_with(name, archive_endings[i]))
			return true;
	return false;
}

static bool is_description(struct str path)
{
	const char *slash = memrchr(path.data, '/', path.len);
	struct str directory = { path.data, (size_t)(slash - path.data) };

	for (size_t i = 0; i < sizeof(description_directories) / sizeof(*description_directories); i++) {
		const char *name = description_directories[i];
		const char *at = memmem(directory.data, directory.len, name, strlen(name));

		/* The directory itself, or one above: "x.dist-info/licenses/LICENSE". */
		while (at && at + strlen(name) < directory.data + directory.len && at[strlen(name)] != '/')
			at = memmem(at + 1, (size_t)(directory.data + directory.len - at - 1), name,
				    strlen(name));
		if (at)
			return true;
	}
	for (size_t i = 0; i < sizeof(description_endings) / sizeof(*description_endings); i++)
		if (ends_with(path, description_endings[i]))
			return true;
	return false;
}

static bool is_source(struct str path)
{
	const char *slash = memrchr(path.data, '/', path.len);
	struct str name = { slash + 1, (size_t)(path.data + path.len - slash - 1) };

	for (size_t i = 0; i < sizeof(source_directories) / sizeof(*source_directories); i++) {
		size_t len = strlen(source_directories[i]);

		if (path.len >= len && memcmp(path.data, source_directories[i], len) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(source_names) / sizeof(*source_names); i++)
		if (str_equal(name, str_of(source_names[i])))
			return true;
	for (size_t i = 0; i < sizeof(source_endings) / sizeof(*source_endings); i++)
		if (ends_with(name, source_endings[i]))
			return true;
	return false;
}

/* Each part is a name: none empty, none "." or "..". */
static bool is_normal(struct str path)
{
	const char *at = path.data + 1, *end = path.data + path.len;

	if (path.len < 2 || path.data[0] != '/' || memchr(path.data, '\0', path.len))
		return false;
	for (;;) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		struct str part = { at, (size_t)((slash ? slash : end) - at) };

		if (part.len == 0 || str_equal(part, STR(".")) || str_equal(part, STR("..")))
			return false;
		if (!slash)
			return true;
		at = slash + 1;
	}
}

/* "/app/x.jar:BOOT-INF/lib/y.jar" and "/app/x.jar/BOOT-INF/lib/y.jar": the length of what is a file outside. */
static size_t outer_archive(struct str path)
{
	for (size_t i = 1; i + 1 < path.len; i++)
		if ((path.data[i] == '/' || path.data[i] == ':') && is_archive((struct str) { path.data, i }))
			return i;
	return path.len;
}

static int make_absolute(struct str path, bool of_image, struct buf *out)
{
	buf_clear(out);
	if (path.len >= 2 && path.data[0] == '.' && path.data[1] == '/' && of_image) {
		path.data += 2;
		path.len -= 2;
	}
	if (path.len == 0 || (path.data[0] != '/' && !of_image))
		return -EINVAL;
	if (path.data[0] != '/' && buf_append(out, "/", 1) < 0)
		return -EINVAL;
	return buf_append_str(out, path);
}

enum sbom_place sbom_place(struct str path, const char *type, bool of_image, struct buf *out)
{
	size_t outer;

	if (make_absolute(path, of_image, out) < 0 || !is_normal(buf_str(out)))
		return SBOM_PLACE_BAD;
	if (is_source(buf_str(out)) || is_description(buf_str(out)))
		return SBOM_PLACE_SOURCE;
	outer = outer_archive(buf_str(out));
	if (outer < out->len) {
		out->len = outer;
		return SBOM_PLACE_WITHIN;
	}
	/* What is compiled in has no file of its own. */
	if (type && (strcmp(type, "golang") == 0 || strcmp(type, "cargo") == 0))
		return SBOM_PLACE_WITHIN;
	return SBOM_PLACE_FILE;
}
