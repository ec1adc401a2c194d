/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * PEM as it is written (RFC 7468): base64 in lines of 64 between the lines of its label. What is read: key_pem.c, certificate.c.
 */

#include "base/buf.h"

/* Appends `der` as a block, line feed included. -ENOMEM, -E2BIG: what was appended stays. */
int pem_append(struct buf *out, const char *label, struct str der);
