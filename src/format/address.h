/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Internet addresses as text, by our own hand: the C library's spelling differs between systems, evidence must not. */

#include <stdint.h>

#define ADDRESS_TEXT_MAX 45 /* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" */

/* Network order in; writes at most ADDRESS_TEXT_MAX bytes, no NUL; returns the end. */
char *address_put_ipv4(char *p, const uint8_t bytes[4]);
/* RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as "::",
   IPv4-mapped addresses with a dotted tail. */
char *address_put_ipv6(char *p, const uint8_t bytes[16]);
