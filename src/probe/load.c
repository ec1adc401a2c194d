// SPDX-License-Identifier: Apache-2.0
/*
 * One object for all kernels: the table of hooks and what the kernel can do decide which programs are loaded and how
 * they are set; the rest of the object is left out. Only what cannot be looked up is tried.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "probe/layer.h"
#include "probe/parts.h"

/* linux/bpf.h: BPF_TRACE_UPROBE_MULTI, by number because the headers of Debian 12 are older than it is. */
#define ATTACH_UPROBE_MULTI 48
#define RING_HIGH_WATER(bytes) ((bytes) / 4)
#define ROOT_ARGUMENTS 3 /* of do_file_open_root since 5.13; before, its first was two */

/* The first of the row's functions that this kernel has. */
static const char *function_of(const struct hook *row, struct str types)
{
	for (size_t i = 0; row->functions && row->functions[i]; i++) {
		if (features_know(types, row->functions[i]))
			return row->functions[i];
	}
	return NULL;
}

static bool is_tracepoint(const char *function)
{
	return strncmp(function, TRACEPOINT, strlen(TRACEPOINT)) == 0;
}

/* The kernel has no types of its own. */
static bool is_plain(const struct source *source)
{
	return !(source->features & FEATURE_KERNEL_BTF);
}

static int hook_choose(struct source *source, const struct hook *row, struct str types)
{
	struct source_hook *hook = &source->hooks[source->n_hooks];
	const char *function = function_of(row, types);
	int r = 0;

	if (!hook_fits(row, source->features, source->options.kinds) || (row->functions && !function))
		return 0;
	hook->row = row;
	hook->program = bpf_object__find_program_by_name(source->programs->obj, row->program);
	if (!hook->program)
		return -ENOENT;
	bpf_program__set_autoload(hook->program, true);
	if (function && is_tracepoint(function))
		function += strlen(TRACEPOINT);
	hook->attach_to = function;
	/* Without the kernel's types there is nothing to look the name up in; plain_attach takes it as it is. */
	if (function && !is_plain(source))
		r = bpf_program__set_attach_target(hook->program, 0, function);
	source->n_hooks++;
	return r;
}

static int hooks_choose(struct source *source, struct str types)
{
	struct bpf_program *program;
	int r = 0;

	bpf_object__for_each_program (program, source->programs->obj)
		bpf_program__set_autoload(program, false);
	source->n_hooks = 0;
	for (size_t i = 0; r >= 0 && i < n_hooks && source->n_hooks < SOURCE_HOOKS_MAX; i++)
		r = hook_choose(source, &hooks[i], types);
	snapshot_choose(source);
	return r;
}

/* Programs that targets hang on files: those without a row of their own, and how they will be hung. */
static int targets_choose(struct source *source)
{
	bool multi = source->features & FEATURE_UPROBE_MULTI;
	struct signals_bpf *programs = source->programs;
	struct bpf_program *const all[] = { programs->progs.on_ssl_return,    programs->progs.on_ssl_enter,
					    programs->progs.on_ssl_ex_return, programs->progs.on_function,
					    programs->progs.on_libc_connect,  programs->progs.on_libc_accept,
					    programs->progs.on_libc_accept4 };
	bool ssl = bpf_program__autoload(programs->progs.on_ssl_return);
	int r = 0;

	bpf_program__set_autoload(programs->progs.on_ssl_enter, ssl);
	bpf_program__set_autoload(programs->progs.on_ssl_ex_return, ssl);
	for (size_t i = 0; r >= 0 && multi && i < ARRAY_LEN(all); i++)
		r = bpf_program__set_expected_attach_type(all[i], (enum bpf_attach_type)ATTACH_UPROBE_MULTI);
	if (r >= 0)
		r = libc_choose(source);
	if (r >= 0)
		r = bpf_map__set_autocreate(programs->maps.tls_calls, ssl);
	if (r >= 0)
		r = bpf_map__set_autocreate(programs->maps.tls_folds, ssl);
	if (r >= 0)
		r = bpf_map__set_autocreate(programs->maps.answers,
					    bpf_program__autoload(programs->progs.on_function));
	return r;
}

static int maps_size(struct source *source)
{
	struct signals_bpf *programs = source->programs;
	bool perf = source->options.perf_buffer;
	int r = bpf_map__set_max_entries(programs->maps.ring, (uint32_t)source->options.ring_bytes);

	if (r >= 0)
		r = bpf_map__set_autocreate(programs->maps.ring, !perf);
	if (r >= 0)
		r = bpf_map__set_autocreate(programs->maps.perf_ring, perf);
	if (r >= 0 && source->options.fold_entries > 0)
		r = bpf_map__set_max_entries(programs->maps.folds, source->options.fold_entries);
	return r < 0 ? r : bpf_map__set_max_entries(programs->maps.exec_scratch, (uint32_t)source->n_cpus);
}

/* The kinds that one program of several kinds, or its bounded twin, brings on this kernel. */
static unsigned int kinds_of(const struct source *source, const char *program)
{
	unsigned int kinds = 0;

	for (size_t i = 0; i < source->n_hooks; i++) {
		const struct hook *row = source->hooks[i].row;

		if (strncmp(row->program, program, strlen(program)) == 0)
			kinds |= 1u << row->kind;
	}
	return kinds;
}

/* The kernel half's uring_layout: a tracepoint's handler has one argument more than the tracepoint. */
static unsigned int uring_layout(struct str types)
{
	switch (features_arguments(types, TRACEPOINT "io_uring_submit_sqe")) {
	case 8:
		return 1; /* ring, request, opcode, user data, flags, two more */
	case 6:
		return 2; /* ring, opcode, user data, two more */
	default:
		return 0; /* the request, and perhaps one more */
	}
}

/* Where kernels differ in what they hand a program. */
static void arguments_write(struct source *source, struct str types)
{
	struct signals_bpf *programs = source->programs;

	if (source->features & FEATURE_TRAMPOLINE)
		programs->rodata->cfg_root_is_path =
			features_arguments(types, "do_file_open_root") == ROOT_ARGUMENTS;
	if (programs->rodata->cfg_uring_kinds && !features_know(types, TRACEPOINT "io_uring_submit_req"))
		programs->rodata->cfg_uring_layout = uring_layout(types);
}

static void settings_write(struct source *source, struct str types)
{
	struct signals_bpf *programs = source->programs;

	programs->rodata->cfg_ring_high_water = RING_HIGH_WATER(source->options.ring_bytes);
	programs->rodata->cfg_perf_buffer = source->options.perf_buffer;
	programs->rodata->cfg_collector = source->collector;
	programs->rodata->cfg_canary_bytes = (uint64_t)getpagesize();
	programs->rodata->cfg_sock_storage = source->features & FEATURE_SOCK_STORAGE;
	programs->rodata->cfg_direct_reads = source->features & FEATURE_DIRECT_READS;
	programs->rodata->cfg_sys_exit_kinds = kinds_of(source, "on_sys_exit");
	programs->rodata->cfg_uring_kinds = kinds_of(source, "on_uring_submit");
	programs->rodata->cfg_execs = kinds_of(source, "on_exec") & 1u << WIRE_KIND_PROCESS_EXEC;
	programs->rodata->cfg_exec_maps = kinds_of(source, "on_exec") & 1u << WIRE_KIND_LIBRARY_LOAD;
	programs->rodata->cfg_page_shift = (uint32_t)__builtin_ctzl((unsigned long)getpagesize());
	programs->rodata->cfg_find_vma = source->features & FEATURE_FIND_VMA;
	programs->rodata->cfg_cgroup_subsys = source->cgroup_subsys;
	programs->rodata->cfg_cgroup_hierarchy = (int)source->hierarchy.number;
	programs->rodata->cfg_fold_scope = source->options.fold;
	programs->rodata->cfg_layer_upper =
		layer_upper_offset(types, is_plain(source) ? NULL : LAYER_MODULE_TYPES);
	programs->rodata->cfg_function_once = source->options.one_shot;
	arguments_write(source, types);
}

/* Where the chosen hierarchy's cgroup stands in a task's set of them. */
static int subsystem_find(struct source *source, struct str types)
{
	char name[HIERARCHY_NAME_MAX + 16];
	int r = 0;

	source->cgroup_subsys = -1;
	if (!hierarchy_is_unified(&source->hierarchy)) {
		hierarchy_subsystem(&source->hierarchy, name, sizeof(name));
		r = features_enum(types, "cgroup_subsys_id", name);
		source->cgroup_subsys = r;
	}
	return r;
}

static int load_once(struct source *source, struct str types)
{
	int r;

	signals_bpf__destroy(source->programs);
	source->programs = is_plain(source) ? plain_open(source->btf.source_path) : signals_bpf__open();
	if (!source->programs)
		return -errno;
	r = hooks_choose(source, types);
	if (r >= 0 && is_plain(source))
		r = plain_untype(source->programs);
	if (r >= 0)
		r = targets_choose(source);
	if (r >= 0)
		r = maps_size(source);
	if (r < 0)
		return r;
	settings_write(source, types);
	return signals_bpf__load(source->programs);
}

static int hooks_attach(struct source *source)
{
	for (size_t i = 0; i < source->n_hooks; i++) {
		struct source_hook *hook = &source->hooks[i];

		if (hook_is_by_target(hook->row))
			continue;
		/* A program that brings a second kind hangs there already; its link is shared, and the first's. */
		if (i > 0 && source->hooks[i - 1].program == hook->program)
			continue;
		hook->link = bpf_program__type(hook->program) == BPF_PROG_TYPE_RAW_TRACEPOINT
				     ? plain_attach(hook)
				     : bpf_program__attach(hook->program);
		if (!hook->link)
			return -errno;
	}
	return 0;
}

int source_load(struct source *source, struct str types, struct diag *diag)
{
	int r;

	source->features = features_find(types, btf_is_kernels(&source->btf)) & ~source->options.without;
	if (!(source->features & FEATURE_RING_BUFFER))
		source->options.perf_buffer = true;
	r = subsystem_find(source, types);
	if (r < 0)
		return source_failed(
			diag, r, "cannot load the programs: the types do not tell where a task's cgroup is");
	r = load_once(source, types);
	/* Nothing says whether tracing may use socket storage but the attempt. */
	if (r < 0 && r != -EPERM && r != -EACCES && source->features & FEATURE_SOCK_STORAGE) {
		source->features &= ~(unsigned int)FEATURE_SOCK_STORAGE;
		r = load_once(source, types);
	}
	if (r < 0)
		return source_failed(diag, r, "cannot load the programs into the kernel");
	r = transport_open(source->options.perf_buffer,
			   bpf_map__fd(source->options.perf_buffer ? source->programs->maps.perf_ring
								   : source->programs->maps.ring),
			   source->options.ring_bytes, &source->transport);
	if (r < 0)
		return source_failed(diag, r, "cannot map the buffer between kernel and collector");
	if (source->options.filter)
		r = source_filter(source, source->options.filter);
	source->options.filter = NULL; /* the caller's, and not ours to keep */
	if (r < 0)
		return source_failed(diag, r, "cannot set the filters");
	r = hooks_attach(source);
	return r < 0 ? source_failed(diag, r, "cannot attach the programs") : 0;
}
