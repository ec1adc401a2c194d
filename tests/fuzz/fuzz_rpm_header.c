/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile headers of RPM. What is accepted has a name, and names and directories that lie within the header. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "packages/rpm_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *end = (const char *)data + size, *why = NULL;
	struct rpm_header header;
	struct rpm_files files;
	struct rpm_file file;
	uint32_t n = 0;
	int r = rpm_header_parse((struct str) { (const char *)data, size }, &header, &why);

	must(why != NULL);
	if (r < 0) {
		must(r == -EBADMSG);
		return 0;
	}
	must(header.name.len > 0 && strlen(header.name.data) == header.name.len);
	r = rpm_files_init(&files, &header);
	if (r < 0)
		return 0;
	while ((r = rpm_files_next(&files, &file)) > 0) {
		must(file.name.data + file.name.len < end && file.directory.data + file.directory.len < end);
		n++;
	}
	must(r == -EBADMSG || n == header.n_files);
	rpm_files_done(&files);
	return 0;
}
