/* SPDX-License-Identifier: Apache-2.0 */

/* Finds programs by where this one is. Promises that neither PATH nor the working directory has a say. Owns nothing. */

#include "cli/beside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int program_beside(const char *const *places, size_t count, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len <= 0)
		return -ENOENT;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	for (size_t i = 0; i < count; i++)
		if (snprintf(path, PATH_MAX, "%s/%s", self, places[i]) < PATH_MAX && access(path, X_OK) == 0)
			return 0;
	return -ENOENT;
}
