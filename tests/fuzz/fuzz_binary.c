/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile programs, and hostile lists of modules and crates in them. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "packages/binary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static int visit(void *user, const struct rust_crate *crate)
{
	(void)user;
	must(crate->name && crate->name[0] != '\0' && crate->version);
	return 0;
}

static void lists(struct str go, struct str rust)
{
	struct go_module module;
	size_t before = go.len + 1;

	while (go_module_next(&go, &module)) {
		must(module.path.len > 0 && go.len < before);
		before = go.len;
	}
	must(go.len == 0);
	rust_list(rust, visit, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(binary_info_done) struct binary_info info = BINARY_INFO_EMPTY;
	_cleanup_(closep) int fd = memfd_create("program", MFD_CLOEXEC);
	const char *why = NULL;
	int r;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	r = binary_read(fd, &info, &why);
	must(r != -EBADMSG || why);
	if (r == 0)
		lists(buf_str(&info.go_modules), buf_str(&info.rust));
	lists((struct str) { (const char *)data, size }, (struct str) { (const char *)data, size });
	return 0;
}
