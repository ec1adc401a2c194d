/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the two clocks, and RFC 3339 both ways. Promises one text per instant, years 1970 to 2554 (64 bits of
 * nanoseconds), in any locale and time zone. Owns nothing.
 */

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static uint64_t read_clock(clockid_t id)
{
	struct timespec now = { 0 };
	int r = clock_gettime(id, &now);

	/* Both clocks exist since Linux 2.6.39 and the pointer is ours. */
	assert(r == 0);
	(void)r;
	if (now.tv_sec < 0)
		return 0;
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct moment clock_now(void)
{
	return (struct moment) { .boot_ns = read_clock(CLOCK_BOOTTIME), .wall_ns = read_clock(CLOCK_REALTIME) };
}

void clock_format(uint64_t wall_ns, char out[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;

	/* The parser compares with what this writes; both count the proleptic Gregorian calendar of gmtime. */
	gmtime_r(&seconds, &tm);
	snprintf(out, CLOCK_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ",
		 (unsigned int)tm.tm_year % 8000 + 1900, (unsigned int)tm.tm_mon % 12 + 1,
		 (unsigned int)tm.tm_mday % 32, (unsigned int)tm.tm_hour % 24, (unsigned int)tm.tm_min % 60,
		 (unsigned int)tm.tm_sec % 60, (unsigned int)(wall_ns % NS_PER_S));
}

/* `len` characters known to be digits. */
static int digits_at(const char *text, size_t len)
{
	int value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

int clock_parse(const char *text, uint64_t *ret_wall_ns)
{
	static const char form[] = "0000-00-00T00:00:00.000000000Z";
	char again[CLOCK_TEXT_MAX];
	struct tm tm = { 0 };
	uint64_t wall_ns;
	time_t seconds;

	if (strlen(text) != sizeof(form) - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return -EINVAL;
	tm.tm_year = digits_at(text, 4) - 1900;
	tm.tm_mon = digits_at(text + 5, 2) - 1;
	tm.tm_mday = digits_at(text + 8, 2);
	tm.tm_hour = digits_at(text + 11, 2);
	tm.tm_min = digits_at(text + 14, 2);
	tm.tm_sec = digits_at(text + 17, 2);
	seconds = timegm(&tm);
	if (seconds < 0 || __builtin_mul_overflow((uint64_t)seconds, NS_PER_S, &wall_ns) ||
	    __builtin_add_overflow(wall_ns, (uint64_t)digits_at(text + 20, 9), &wall_ns))
		return -EINVAL;
	/* timegm silently turns February 30 into March 2; writing it again tells. */
	clock_format(wall_ns, again);
	if (strcmp(again, text) != 0)
		return -EINVAL;
	*ret_wall_ns = wall_ns;
	return 0;
}
