/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What tests on a live source share: whether there can be one here, and lines about the machine they ran on, which
 * tests/vm/run keeps: `# hook`, `# feature`, `# transport`, `# seen`, `# recall`.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "probe/source.h"

/* False: skip() follows, the reason is printed. */
static inline bool source_possible(void)
{
	if (geteuid() == 0 && access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		return true;
	printf("# skip: needs root and a kernel with BTF\n");
	return false;
}

/* Which hooks a source got; `features` too when it is the one that this kernel gets by itself. */
static inline void report_source(const struct source *source, bool by_itself)
{
	const struct source_probe *probes;
	size_t count = source_probes(source, &probes);

	for (size_t i = 0; i < count; i++)
		printf("# hook %s %s %s\n", by_itself ? "default" : "other", event_kind_name(probes[i].kind),
		       probes[i].hook);
	printf("# transport %s %s\n", by_itself ? "default" : "other", source_transport(source));
	for (unsigned int i = 0; by_itself && feature_name(i); i++)
		printf("# feature %s %s\n", feature_name(i), source_features(source) & 1u << i ? "yes" : "no");
	fflush(stdout);
}

/* A record of ours came: its kind works here, by that hook. Said once. */
static inline void report_seen(const struct event *event)
{
	static bool said[256];

	if (said[event->source % 256])
		return;
	said[event->source % 256] = true;
	printf("# seen %s %s\n", event_kind_name(event->kind), event_source_name(event->source));
	fflush(stdout);
}

/*
 * Later verifiers (7.2's) find the bounded walk too long. Those kernels have bpf_loop and never need it; where it is
 * needed, nothing is excused.
 */
static inline bool source_too_long(int error, unsigned int without)
{
	_cleanup_(buf_done) struct buf types = BUF_MAX(64u << 20);

	if (error != -E2BIG || !(without & FEATURE_LOOP) ||
	    file_read_at(AT_FDCWD, "/sys/kernel/btf/vmlinux", &types, NULL) < 0 ||
	    !features_know(buf_str(&types), "BPF_FUNC_loop"))
		return false;
	printf("# without %x: too long for the verifier of this kernel, which has bpf_loop\n", without);
	return true;
}
