// SPDX-License-Identifier: Apache-2.0
/*
 * The functions of a TLS library that move data, and at a chunk's end the sums that the kernel half kept of them.
 * Entries of earlier epochs only are taken: no program writes to them any more.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "probe/folds.h"
#include "probe/parts.h"

static const struct tls_function {
	const char *symbol;
	enum wire_source source;
	bool by_pointer; /* the number of bytes stands where the fourth argument points */
} functions[] = {
	{ "SSL_read", WIRE_SOURCE_UPROBE_SSL_READ, false },
	{ "SSL_write", WIRE_SOURCE_UPROBE_SSL_WRITE, false },
	{ "SSL_read_ex", WIRE_SOURCE_UPROBE_SSL_READ_EX, true },
	{ "SSL_write_ex", WIRE_SOURCE_UPROBE_SSL_WRITE_EX, true },
};

const char *const tls_functions[] = { "SSL_read", "SSL_write", "SSL_read_ex", "SSL_write_ex", NULL };

/* The points of one way to learn the number; what the file does not have is missing. */
static size_t points_of(const struct target *target, const struct elf_functions *of, bool by_pointer,
			struct attach_point *points)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		const struct elf_function *found = elf_functions_find(of, str_of(functions[i].symbol));

		if (functions[i].by_pointer == by_pointer && found)
			points[n++] = (struct attach_point) { found->offset,
							      (uint64_t)target->number << TARGET_COOKIE_SHIFT |
								      functions[i].source };
	}
	return n;
}

int tls_attach(struct source *source, struct target *target, const struct elf_functions *of)
{
	struct attach_point points[ARRAY_LEN(functions)];
	size_t n = points_of(target, of, false, points);
	int r = attach_points(source, target, "on_ssl_return", true, points, n);

	target->attached = n;
	if (r < 0)
		return r;
	n = points_of(target, of, true, points);
	/* The entry first: a call that was entered before has no return probe either. */
	r = attach_points(source, target, "on_ssl_enter", false, points, n);
	if (r >= 0)
		r = attach_points(source, target, "on_ssl_ex_return", true, points, n);
	target->attached += n;
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (!elf_functions_find(of, str_of(functions[i].symbol)))
			target_missing(target, str_of(functions[i].symbol));
	}
	return r;
}

/* Where folds of this epoch stand too: they are left for its end. */
static int sweep_one(struct source *source, const struct fold_key *key, source_take_fn take, void *taker)
{
	const struct bpf_map *map = source->programs->maps.tls_folds;
	struct tls_fold value;
	const void *data;
	size_t len;
	int r;

	if (key->epoch == (uint16_t)source->programs->data->fold_epoch)
		return 0;
	r = bpf_map__lookup_elem(map, key, sizeof(*key), &value, sizeof(value), 0);
	if (r == 0)
		r = bpf_map__delete_elem(map, key, sizeof(*key), 0);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (value.record.head.count <= 1)
		return 0; /* its record is there */
	if (targets_annotate(source, &value.record, sizeof(value.record), &data, &len))
		take(taker, data, len);
	else
		take(taker, &value.record, sizeof(value.record));
	return 0;
}

int source_sweep(struct source *source, source_take_fn take, void *taker)
{
	const struct bpf_map *map = source->programs->maps.tls_folds;
	struct fold_key key, next;
	int r, result = 0;

	if (!(source->options.kinds & 1u << WIRE_KIND_SSL_OP))
		return 0;
	r = bpf_map__get_next_key(map, NULL, &next, sizeof(next));
	while (r == 0) {
		key = next;
		/* The next one before this one goes: a key that is not there makes the walk begin again. */
		r = bpf_map__get_next_key(map, &key, &next, sizeof(next));
		if (result == 0)
			result = sweep_one(source, &key, take, taker);
	}
	return r == -ENOENT ? result : r;
}
