// SPDX-License-Identifier: Apache-2.0
/* Any text is a configuration or is refused with a line that names the file; what is accepted prints canonically. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(8u << 20);
	struct diag diag = { .text = "" };

	if (config_parse((struct str) { (const char *)data, size }, "F", &diag, &config) < 0) {
		if (config || strncmp(diag.text, "F:", 2) != 0)
			abort();
		return 0;
	}
	if (config_canonical(config, &text) < 0 || !config->signing_enabled || config->submit_to_rekor)
		abort();
	return 0;
}
