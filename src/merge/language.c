/* SPDX-License-Identifier: Apache-2.0 */

/* The table of interpreted languages. Promises that a program is taken for an interpreter by its whole name only. Owns nothing. */

#include "merge/language.h"

#include <string.h>

static const struct {
	const char *name, *type; /* of its packages */
	const char *const programs[6]; /* what such programs' names begin with; versions may follow */
	const char *library; /* what the name of the interpreter as a library begins with */
} languages[LANGUAGE_END] = {
	[LANGUAGE_PYTHON] = { "Python", "pypi", { "python", "pypy" }, "libpython" },
	[LANGUAGE_NODE] = { "Node.js", "npm", { "node", "nodejs", "bun", "deno" }, "libnode" },
	[LANGUAGE_RUBY] = { "Ruby", "gem", { "ruby", "jruby" }, "libruby" },
	[LANGUAGE_JAVA] = { "Java", "maven", { "java" }, "libjvm" },
	[LANGUAGE_PERL] = { "Perl", "cpan", { "perl" }, "libperl" },
	[LANGUAGE_PHP] = { "PHP", "composer", { "php", "php-fpm", "php-cgi" }, "libphp" },
};

/* "python3.11" is python, "nodemon" is not node. */
static bool is_program(struct str name, const char *program)
{
	size_t len = strlen(program);

	if (name.len < len || memcmp(name.data, program, len) != 0)
		return false;
	for (size_t i = len; i < name.len; i++) {
		if (!memchr("0123456789.-", name.data[i], 12))
			return false;
	}
	return true;
}

static struct str name_of(struct str path)
{
	const char *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;

	return slash ? (struct str) { slash + 1, (size_t)(path.data + path.len - slash) - 1 } : path;
}

enum language language_of_library(struct str path)
{
	struct str name = name_of(path);

	for (int language = 0; language < LANGUAGE_END; language++) {
		size_t len = strlen(languages[language].library);

		if (name.len > len && memcmp(name.data, languages[language].library, len) == 0)
			return (enum language)language;
	}
	return LANGUAGE_END;
}

enum language language_of_program(struct str path)
{
	struct str name = name_of(path);

	for (int language = 0; language < LANGUAGE_END; language++) {
		for (size_t i = 0; i < 6 && languages[language].programs[i]; i++) {
			if (is_program(name, languages[language].programs[i]))
				return (enum language)language;
		}
	}
	return LANGUAGE_END;
}

enum language language_of_type(const char *package_type)
{
	for (int language = 0; package_type && language < LANGUAGE_END; language++) {
		if (strcmp(package_type, languages[language].type) == 0)
			return (enum language)language;
	}
	return LANGUAGE_END;
}

const char *language_name(enum language language)
{
	return language < LANGUAGE_END ? languages[language].name : NULL;
}
