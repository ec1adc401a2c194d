// SPDX-License-Identifier: Apache-2.0
/*
 * Probes on the functions of one file, for all processes: one link for any number of them where the kernel has
 * multi-uprobes, else one a function. The file is named to the kernel by our descriptor, so that it is the one that
 * was looked into, whatever its name means by now. One function that the kernel will not have must not cost the
 * others: it is found by halves and left out.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "probe/parts.h"

struct attaching {
	struct source *source;
	struct target *target;
	struct bpf_program *program;
	bool at_return;
	char path[32];
};

static int attach_one(const struct attaching *how, const struct attach_point *point, struct bpf_link **ret_link)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = point->cookie, .retprobe = how->at_return);
	struct bpf_link *link =
		bpf_program__attach_uprobe_opts(how->program, -1, how->path, point->offset, &options);

	if (!link)
		return -errno;
	*ret_link = link;
	return 0;
}

static int attach_many(const struct attaching *how, const struct attach_point *points, size_t n_points,
		       struct bpf_link **ret_link)
{
	_cleanup_(freep) unsigned long *offsets = calloc(n_points, sizeof(*offsets));
	_cleanup_(freep) __u64 *cookies = calloc(n_points, sizeof(*cookies));
	LIBBPF_OPTS(bpf_uprobe_multi_opts, options, .retprobe = how->at_return, .cnt = n_points);
	struct bpf_link *link;

	if (!offsets || !cookies)
		return -ENOMEM;
	for (size_t i = 0; i < n_points; i++) {
		offsets[i] = points[i].offset;
		cookies[i] = points[i].cookie;
	}
	options.offsets = offsets;
	options.cookies = cookies;
	link = bpf_program__attach_uprobe_multi(how->program, -1, how->path, NULL, &options);
	if (!link)
		return -errno;
	*ret_link = link;
	return 0;
}

static int link_add(struct target *target, struct bpf_link *link)
{
	struct bpf_link **more = reallocarray(target->links, target->n_links + 1, sizeof(struct bpf_link *));

	if (!more) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	target->links = more;
	target->links[target->n_links++] = link;
	return 0;
}

/* All in one link; where the kernel refuses, each half in one, down to the one that it will not have. */
static int attach_halves(const struct attaching *how, const struct attach_point *points, size_t n_points)
{
	struct bpf_link *link = NULL;
	int r = attach_many(how, points, n_points, &link), other;

	if (r == 0)
		return link_add(how->target, link);
	if (r == -ENOMEM || r == -EPERM)
		return r;
	if (n_points == 1) {
		how->source->targets.counts.refused++;
		return 0;
	}
	r = attach_halves(how, points, n_points / 2);
	other = attach_halves(how, points + n_points / 2, n_points - n_points / 2);
	return r < 0 ? r : other;
}

static int attach_each(const struct attaching *how, const struct attach_point *points, size_t n_points)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n_points; i++) {
		struct bpf_link *link = NULL;

		r = attach_one(how, &points[i], &link);
		if (r < 0 && r != -ENOMEM && r != -EPERM && r != -EMFILE)
			how->source->targets.counts.refused++;
		else if (r < 0)
			break;
		r = link_add(how->target, link);
	}
	return r;
}

/*
 * x86: the kernel refuses probes on instructions with these prefixes (arch/x86/kernel/uprobes.c: is_prefix_bad), for
 * locked ones cannot be done elsewhere. Known beforehand, it does not cost the others an attempt of seconds.
 */
bool attach_may(int fd, uint64_t offset)
{
#if defined(__x86_64__)
	static const unsigned char refused[] = { 0x26, 0x2e, 0x36, 0x3e, 0xf0 };
	unsigned char first;

	return pread(fd, &first, 1, (off_t)offset) == 1 && !memchr(refused, first, sizeof(refused));
#else
	return offset % 4 == 0 && fd >= 0;
#endif
}

int attach_points(struct source *source, struct target *target, const char *program, bool at_return,
		  const struct attach_point *points, size_t n_points)
{
	struct attaching how = { .source = source, .target = target, .at_return = at_return };

	how.program = bpf_object__find_program_by_name(source->programs->obj, program);
	if (!how.program || bpf_program__fd(how.program) < 0)
		return -ENOENT;
	if (n_points == 0)
		return 0;
	snprintf(how.path, sizeof(how.path), "/proc/self/fd/%d", target->fd);
	return source->features & FEATURE_UPROBE_MULTI ? attach_halves(&how, points, n_points)
						       : attach_each(&how, points, n_points);
}

void links_free(struct bpf_link **links, size_t n_links)
{
	for (size_t i = 0; i < n_links; i++)
		bpf_link__destroy(links[i]);
	free(links);
}
