/* SPDX-License-Identifier: Apache-2.0 */

/* One spelling for each address: RFC 5952 for IPv6, dotted decimal for IPv4. Cannot fail; the caller gives the room. */

#include "format/address.h"

#include <string.h>

static char *put_octet(char *p, unsigned int value)
{
	if (value >= 100)
		*p++ = (char)('0' + value / 100);
	if (value >= 10)
		*p++ = (char)('0' + value / 10 % 10);
	*p++ = (char)('0' + value % 10);
	return p;
}

char *address_put_ipv4(char *p, const uint8_t bytes[4])
{
	int i;

	for (i = 0; i < 4; i++) {
		if (i > 0)
			*p++ = '.';
		p = put_octet(p, bytes[i]);
	}
	return p;
}

static unsigned int group_at(const uint8_t bytes[16], int i)
{
	return (unsigned int)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

static char *put_group(char *p, unsigned int value)
{
	int shift;

	for (shift = 12; shift > 0 && value >> shift == 0;)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[value >> shift & 15];
	return p;
}

/* RFC 5952, 4.2: a run of one is not shortened, the longest wins, the first of equals. */
static int longest_zero_run(const uint8_t bytes[16], int *ret_length)
{
	int best = -1, best_length = 1, i, j;

	for (i = 0; i < 8; i = j + 1) {
		for (j = i; j < 8 && group_at(bytes, j) == 0;)
			j++;
		if (j - i > best_length) {
			best = i;
			best_length = j - i;
		}
	}
	*ret_length = best < 0 ? 0 : best_length;
	return best;
}

char *address_put_ipv6(char *p, const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int run, length, i;

	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		memcpy(p, "::ffff:", 7);
		return address_put_ipv4(p + 7, bytes + 12);
	}
	run = longest_zero_run(bytes, &length);
	for (i = 0; i < 8; i++) {
		if (i == run) {
			*p++ = ':';
			*p++ = ':';
			i += length - 1;
			continue;
		}
		if (i > 0 && i != run + length)
			*p++ = ':';
		p = put_group(p, group_at(bytes, i));
	}
	return p;
}
