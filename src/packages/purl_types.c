// SPDX-License-Identifier: Apache-2.0
/*
 * One row a type: which parts are lower case in it, and whether there is a namespace. A type without a row keeps what it
 * is given. Refuses what its type forbids; changes parts in place, which only ever get shorter. Owns nothing.
 */

#include "packages/purl_types.h"

#include <stdbool.h>
#include <string.h>

enum {
	LOWER_NAMESPACE = 1,
	LOWER_NAME = 2,
	LOWER_VERSION = 4,
	NEEDS_NAMESPACE = 8,
	NO_NAMESPACE = 16,
	NEEDS_VERSION = 32,
	LOWER = LOWER_NAMESPACE | LOWER_NAME,
};

static const struct purl_type {
	const char *type;
	unsigned int rules;
} types[] = {
	{ "alpm", LOWER },
	{ "apk", LOWER },
	{ "bitbucket", LOWER },
	{ "bitnami", LOWER_NAME | NO_NAMESPACE },
	{ "cargo", NO_NAMESPACE },
	{ "composer", LOWER },
	{ "conda", NO_NAMESPACE },
	{ "cran", NO_NAMESPACE | NEEDS_VERSION },
	{ "deb", LOWER },
	{ "gem", NO_NAMESPACE },
	{ "github", LOWER },
	{ "golang", LOWER },
	{ "hackage", NO_NAMESPACE },
	{ "hex", LOWER },
	{ "huggingface", LOWER_VERSION },
	{ "maven", NEEDS_NAMESPACE },
	{ "mlflow", NO_NAMESPACE },
	{ "npm", LOWER },
	{ "nuget", NO_NAMESPACE },
	{ "oci", LOWER_NAME | NO_NAMESPACE },
	{ "pub", LOWER_NAME | NO_NAMESPACE },
	{ "pypi", LOWER_NAME | LOWER_VERSION | NO_NAMESPACE },
	{ "qpkg", LOWER_NAMESPACE },
	{ "rpm", LOWER_NAMESPACE },
	{ "swift", NEEDS_NAMESPACE | NEEDS_VERSION },
};

static void lower(char *text)
{
	for (; text && *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
	}
}

/* Python's rule for names (PEP 503): each run of "-", "_" and "." is one "-". */
static void python_name(char *name)
{
	char *out = name;

	for (const char *at = name; *at; at++) {
		if (!strchr("-_.", *at))
			*out++ = *at;
		else if (out == name || out[-1] != '-')
			*out++ = '-';
	}
	*out = '\0';
}

static const char *own_rules(const struct purl *purl)
{
	if (strcmp(purl->type, "swid") == 0 && !purl_qualifier(purl, "tag_id"))
		return "a swid purl needs the qualifier tag_id";
	if (strcmp(purl->type, "cpan") == 0 && purl->namespace_ && strstr(purl->name, "::"))
		return "a cpan purl with an author names a distribution, without \"::\"";
	return NULL;
}

const char *purl_type_apply(struct purl *purl)
{
	unsigned int rules = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].type, purl->type) == 0)
			rules = types[i].rules;
	}
	if ((rules & NEEDS_NAMESPACE) && !purl->namespace_)
		return "this type needs a namespace";
	if ((rules & NO_NAMESPACE) && purl->namespace_)
		return "this type has no namespace";
	if ((rules & NEEDS_VERSION) && !purl->version)
		return "this type needs a version";
	if (rules & LOWER_NAMESPACE)
		lower(purl->namespace_);
	if (rules & LOWER_NAME)
		lower(purl->name);
	if (rules & LOWER_VERSION)
		lower(purl->version);
	if (strcmp(purl->type, "pypi") == 0)
		python_name(purl->name);
	return own_rules(purl);
}
