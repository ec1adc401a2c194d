/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which members an object may have. Promises that a name is taken whole, and that one with a space in it is never taken for
 * several. Owns nothing.
 */

#include "format/members.h"

#include <string.h>

bool members_listed(const char *names, const char *key)
{
	size_t len = strlen(key);

	if (len == 0 || strchr(key, ' '))
		return false;
	for (const char *at = names; (at = strstr(at, key)); at++)
		if ((at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

const char *members_unknown(const json_t *object, const char *names)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value)
		if (!members_listed(names, key))
			return key;
	return NULL;
}

const json_t *members_get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}
