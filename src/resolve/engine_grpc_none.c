// SPDX-License-Identifier: Apache-2.0
/*
 * Stands in for engine_containerd.c and engine_cri.c where gRPC was not built in: their engines are not asked, and status
 * says so.
 */

#include <errno.h>

#include "resolve/engine_driver.h"

static int none_open(const char *socket, const struct engines_options *options, struct diag *diag,
		     void **ret_session)
{
	(void)options;
	(void)ret_session;
	return diag_error(diag, -EOPNOTSUPP,
			  "%s: built without gRPC, which is how containerd and CRI are asked", socket);
}

const struct engine_driver engine_driver_containerd = { .open = none_open };
const struct engine_driver engine_driver_cri = { .open = none_open };
