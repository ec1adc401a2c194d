// SPDX-License-Identifier: Apache-2.0
/*
 * Identity of host and collector. machine-id(5) asks not to publish the raw id: it is hashed with our own prefix.
 * What cannot be read is unknown and left out of the seal, never made up.
 */

#include "daemon/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"

#define MACHINE_ID_LEN 32
#define ID_FILE_MAX 128

static struct str trimmed(const struct buf *text)
{
	struct str line = buf_str(text);

	while (line.len > 0 && line.data[line.len - 1] == '\n')
		line.len--;
	return line;
}

int identity_host_id(struct str machine_id, char out[DIGEST_TEXT_LEN + 1])
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ID_FILE_MAX);
	struct digest digest;
	int r;

	if (machine_id.len != MACHINE_ID_LEN)
		return -EINVAL;
	for (size_t i = 0; i < machine_id.len; i++) {
		if (!strchr("0123456789abcdef", machine_id.data[i]) || !machine_id.data[i])
			return -EINVAL;
	}
	r = buf_append_str(&text, STR("stella-host-id:"));
	if (r >= 0)
		r = buf_append_str(&text, machine_id);
	if (r >= 0)
		r = digest_of(text.data, text.len, &digest);
	if (r >= 0)
		digest_hex(&digest, out);
	return r;
}

void identity_read(struct identity *ret_identity)
{
	_cleanup_(buf_done) struct buf machine = BUF_MAX(ID_FILE_MAX);
	_cleanup_(buf_done) struct buf boot = BUF_MAX(ID_FILE_MAX);
	struct str line;

	*ret_identity = (struct identity) { .host_id = "" };
	if (file_read_at(AT_FDCWD, "/etc/machine-id", &machine, NULL) < 0 ||
	    identity_host_id(trimmed(&machine), ret_identity->host_id) < 0)
		ret_identity->host_id[0] = '\0';
	if (file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &boot, NULL) == 0) {
		line = trimmed(&boot);
		if (line.len == sizeof(ret_identity->boot_id) - 1)
			memcpy(ret_identity->boot_id, line.data, line.len);
	}
	uname(&ret_identity->system);
}

int identity_write(const struct identity *identity, struct statement *statement)
{
	int r = statement_set(&statement->collector_name, COLLECTOR_NAME);

	if (r >= 0)
		r = statement_set(&statement->collector_version, STELLA_VERSION);
	if (r >= 0 && identity->host_id[0])
		r = statement_set(&statement->host_id, identity->host_id);
	if (r >= 0 && identity->boot_id[0])
		r = statement_set(&statement->boot_id, identity->boot_id);
	if (r >= 0)
		r = statement_set(&statement->kernel_release, identity->system.release);
	return r < 0 ? r : statement_set(&statement->arch, identity->system.machine);
}
