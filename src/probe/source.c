// SPDX-License-Identifier: Apache-2.0
/*
 * The live source's life: type information, load, attach, snapshot, then drain. Coverage is open when
 * source_snapshot returns 0. Owns the skeleton, the links, the transport and all that hangs on them.
 */

#include "probe/source.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "probe/annotate.h"
#include "probe/parts.h"

#define BTF_MAX (64u << 20)

/* libbpf's talk, kept for the moment that something fails; one collector a process. */
static char last_warning[512];

static int on_libbpf_print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		vsnprintf(last_warning, sizeof(last_warning), format, args);
	return 0;
}

int source_failed(struct diag *diag, int error, const char *what)
{
	last_warning[strcspn(last_warning, "\n")] = '\0';
	if (error == -EPERM || error == -EACCES)
		return diag_exit(diag, EXIT_NOT_PERMITTED, error,
				 "%s: the kernel refused; needs root, or CAP_BPF and CAP_PERFMON", what);
	return diag_error(diag, error, "%s: %s%s%s", what, strerror(-error), *last_warning ? ": " : "",
			  last_warning);
}

/* Our link is in the kernel and our program hangs on it; what the kernel does not confirm is not so. */
static bool is_attached(const struct bpf_link *link, const struct bpf_program *program)
{
	struct bpf_link_info held = { 0 };
	struct bpf_prog_info wanted = { 0 };
	uint32_t held_size = sizeof(held), wanted_size = sizeof(wanted);

	return link && bpf_link_get_info_by_fd(bpf_link__fd(link), &held, &held_size) == 0 &&
	       bpf_prog_get_info_by_fd(bpf_program__fd(program), &wanted, &wanted_size) == 0 &&
	       held.prog_id == wanted.id;
}

static bool hook_is_attached(const struct source *source, const struct source_hook *hook,
			     const struct bpf_link *link)
{
	if (hook_is_by_target(hook->row))
		return targets_alive(source, hook->row->kind);
	return is_attached(link, hook->program);
}

void source_refresh(struct source *source)
{
	uint64_t now = clock_now().boot_ns;
	const struct bpf_link *link = NULL;
	uint64_t answered_ns;

	canary_round(source);
	for (size_t i = 0; i < source->n_hooks; i++) {
		const struct source_hook *hook = &source->hooks[i];
		struct source_probe *probe = &source->probes[i];
		bool was = probe->alive;

		link = hook->link ? hook->link : link;
		answered_ns = canary_answered_ns(source, hook->row);
		probe->alive = hook_is_attached(source, hook, link) && canary_answers(source, hook->row);
		/* Silent for a round is not dead yet, but that it saw what was since is not said either. */
		if (answered_ns < probe->to_boot_ns)
			probe->to_boot_ns = answered_ns;
		else if (probe->alive && answered_ns == UINT64_MAX)
			probe->to_boot_ns = now;
		if (probe->alive && !was)
			probe->from_boot_ns = now;
		probe->answers = probe->alive && answered_ns == UINT64_MAX;
	}
}

static void source_opened(struct source *source)
{
	uint64_t now = clock_now().boot_ns;

	for (size_t i = 0; i < source->n_hooks; i++) {
		const struct hook *row = source->hooks[i].row;

		source->probes[i] =
			(struct source_probe) { row->kind, row->name, now, now, true, row->blind_spots, true };
	}
	source_refresh(source);
}

static int source_allocate(struct source *source, struct diag *diag)
{
	source->n_cpus = libbpf_num_possible_cpus();
	if (source->n_cpus < 0)
		return source_failed(diag, source->n_cpus, "cannot count the processors");
	source->per_cpu = calloc((size_t)source->n_cpus, sizeof(*source->per_cpu));
	source->seen = calloc((size_t)source->n_cpus * (WIRE_KIND_END - 1), sizeof(*source->seen));
	return source->per_cpu && source->seen ? annotator_new(&source->annotator) : -ENOMEM;
}

int source_open(const struct source_options *options, struct diag *diag, struct source **ret_source)
{
	_cleanup_(source_closep) struct source *source = calloc(1, sizeof(*source));
	_cleanup_(buf_done) struct buf types = BUF_MAX(BTF_MAX);
	int r;

	if (!source)
		return -ENOMEM;
	source->canary.program = -1;
	libbpf_set_print(on_libbpf_print);
	source->options = *options;
	if (source->options.kinds == 0)
		source->options.kinds = SOURCE_KINDS_ALL;
	source->collector = canary_own_pid();
	r = hierarchy_find(options->cgroup_hierarchy, diag, &source->hierarchy);
	if (r >= 0)
		r = source_allocate(source, diag);
	if (r >= 0)
		r = canary_begin(source);
	if (r >= 0)
		r = targets_new(source, diag);
	if (r >= 0)
		r = btf_choose(&options->btf, &types, diag, &source->btf);
	if (r >= 0)
		r = source_load(source, buf_str(&types), diag);
	if (r >= 0)
		r = targets_start(source);
	if (r < 0)
		return r;
	canary_calls_begin(source);
	buf_done(&types);
	types = (struct buf)BUF_MAX(0);
	malloc_trim(0); /* the kernel's types are 10 MB on the way, and nobody needs them again */
	source_opened(source);
	*ret_source = TAKE(source);
	return 0;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	(void)source_epoch_over(source);
	canary_end(source);
	for (size_t i = 0; i < source->n_hooks; i++)
		bpf_link__destroy(source->hooks[i].link);
	targets_close(source);
	transport_close(source->transport);
	signals_bpf__destroy(source->programs);
	btf_choice_done(&source->btf);
	annotator_free(source->annotator);
	free(source->per_cpu);
	free(source->seen);
	free(source);
}

int source_fd(const struct source *source)
{
	return transport_fd(source->transport);
}

static void on_record(void *user, const void *data, size_t len)
{
	struct source *source = user;

	sequence_note(source, data, len);
	targets_see(source, data, len);
	(void)targets_annotate(source, data, len, &data, &len);
	annotate(source->annotator, data, len, &data, &len);
	source->take(source->taker, data, len);
}

int source_drain(struct source *source, size_t max_records, source_take_fn take, void *taker)
{
	targets_look(source);
	source->take = take;
	source->taker = taker;
	return transport_drain(source->transport, max_records, on_record, source);
}

void source_ring(const struct source *source, size_t *ret_used, size_t *ret_size)
{
	transport_use(source->transport, ret_used, ret_size);
}

size_t source_probes(const struct source *source, const struct source_probe **ret_probes)
{
	*ret_probes = source->probes;
	return source->n_hooks;
}

const struct btf_choice *source_btf(const struct source *source)
{
	return &source->btf;
}

unsigned int source_features(const struct source *source)
{
	return source->features;
}

const char *source_transport(const struct source *source)
{
	return source->options.perf_buffer ? "perf_buffer" : "ring_buffer";
}

const char *source_cgroup_hierarchy(const struct source *source)
{
	return source->hierarchy.name;
}

const char *source_cgroup_mount(const struct source *source)
{
	return *source->hierarchy.mount ? source->hierarchy.mount : NULL;
}

int source_cgroup_of_directory(const char *path, uint64_t *ret_id)
{
	struct hierarchy hierarchy;
	int r = hierarchy_find(NULL, NULL, &hierarchy);

	return r < 0 ? r : cgroup_of_directory(&hierarchy, path, ret_id);
}
