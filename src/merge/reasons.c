/* SPDX-License-Identifier: Apache-2.0 */

/* Why not more can be said: sentences in a fixed order, each once, and whether they leave anything to be said at all. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "merge/merge.h"

#define WINDOW_REASONS_MAX 5 /* with each verdict; the window has all of them */

static int reason_take(struct reasons *reasons, bool total, char *text)
{
	char **grown = text ? reallocarray(reasons->list, reasons->count + 1, sizeof(*grown)) : NULL;

	if (!grown) {
		free(text);
		return -ENOMEM;
	}
	reasons->list = grown;
	reasons->list[reasons->count++] = text;
	reasons->total = reasons->total || total;
	reasons->lossy = reasons->lossy || !total;
	return 0;
}

int reasons_add(struct reasons *reasons, bool total, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	return reason_take(reasons, total, r < 0 ? NULL : text);
}

int reasons_of_window(struct reasons *reasons, const struct coverage *coverage, unsigned int kinds)
{
	size_t taken = 0, more = 0;
	bool total = false, lossy = false;
	int r = 0;

	for (size_t i = 0; i < coverage->n_lacks && r == 0; i++) {
		const struct lack *lack = &coverage->lacks[i];

		if (!(lack->kinds & kinds))
			continue;
		total = total || lack->total;
		lossy = lossy || !lack->total;
		if (taken == WINDOW_REASONS_MAX && !lack->total) {
			more++;
			continue;
		}
		taken += !lack->total;
		r = reasons_add(reasons, lack->total, "%s", lack->text);
	}
	if (r == 0 && more > 0)
		r = reasons_add(reasons, false, "%zu more, see what is said of the window", more);
	reasons->total = reasons->total || total;
	reasons->lossy = reasons->lossy || lossy;
	return r;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void reasons_finish(struct reasons *reasons)
{
	size_t kept = 0;

	if (reasons->count == 0)
		return;
	qsort(reasons->list, reasons->count, sizeof(*reasons->list), by_text);
	for (size_t i = 0; i < reasons->count; i++) {
		if (kept > 0 && strcmp(reasons->list[kept - 1], reasons->list[i]) == 0)
			free(reasons->list[i]);
		else
			reasons->list[kept++] = reasons->list[i];
	}
	reasons->count = kept;
}

enum answer reasons_answer(const struct reasons *reasons)
{
	if (reasons->total)
		return ANSWER_NOT_MEASURED;
	return reasons->lossy ? ANSWER_NOT_OBSERVED_LOSSY : ANSWER_NOT_OBSERVED;
}
