// SPDX-License-Identifier: Apache-2.0
/* The kernel half walks a path from its leaf; here it is turned around. Trusts no length; owns nothing. */

#include "probe/components.h"

bool components_path(struct str components, char *out, struct str *ret_path)
{
	const char *end = components.data + components.len;
	size_t len = 0;

	if (components.len == 0) {
		out[0] = '/';
		*ret_path = (struct str) { out, 1 };
		return true;
	}
	if (end[-1] != '\0')
		return false;
	while (end > components.data) {
		const char *nul = end - 1;
		const char *before = memrchr(components.data, '\0', (size_t)(nul - components.data));
		const char *start = before ? before + 1 : components.data;
		size_t part = (size_t)(nul - start);

		if (part == 0)
			return false;
		out[len++] = '/';
		memcpy(out + len, start, part);
		len += part;
		end = start;
	}
	*ret_path = (struct str) { out, len };
	return true;
}
