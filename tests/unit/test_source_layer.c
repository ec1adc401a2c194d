// SPDX-License-Identifier: Apache-2.0
/*
 * Files on overlayfs, whatever older kernels lack: which layer each open, exec and mapping says. Needs root
 * and a kernel that mounts an overlay on tmpfs; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/decode.h"
#include "source_world.h"

#define RING_BYTES (8u << 20)
#define PATH_BYTES 128

/* What came of one file: a letter a record, the layer's. */
static const struct expected {
	enum wire_kind kind;
	const char *name, *layers;
	bool at_start;
} expected[] = {
	{ WIRE_KIND_FILE_OPEN, "shipped", "LUU", false }, /* read, read, written, read, read */
	{ WIRE_KIND_FILE_OPEN, "fresh", "U", false },	   { WIRE_KIND_FILE_OPEN, "../upper/made", "-", false },
	{ WIRE_KIND_PROCESS_EXEC, "program", "L", false }, { WIRE_KIND_PROCESS_EXEC, "made", "U", false },
	{ WIRE_KIND_LIBRARY_LOAD, "program", "L", false }, { WIRE_KIND_LIBRARY_LOAD, "made", "U", false },
	{ WIRE_KIND_LIBRARY_LOAD, "held", "L", true }, /* mapped, and then copied up */
	{ WIRE_KIND_LIBRARY_LOAD, "made", "U", true },
};

static struct {
	struct decode_scratch scratch;
	uint32_t pids[3];
	char layers[ARRAY_LEN(expected)][16];
	unsigned int malformed;
} seen;

static char place[] = "/tmp/layers.XXXXXX", merged[sizeof(place) + sizeof("/merged")];
static bool mounted;

static const char *in_place(char path[PATH_BYTES], const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s", merged, name);
	return path;
}

static void note(const struct event *event, struct str path, enum event_layer layer)
{
	char wanted[PATH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		const struct expected *want = &expected[i];
		size_t len = strlen(seen.layers[i]);

		if (strncmp(want->name, "../", 3) == 0)
			snprintf(wanted, sizeof(wanted), "%s/%s", place, want->name + 3);
		else
			in_place(wanted, want->name);
		if (want->kind == event->kind && want->at_start == event->at_start &&
		    str_equal(path, str_of(wanted)) && len + 1 < sizeof(seen.layers[i]))
			seen.layers[i][len] = "-LU"[layer];
	}
}

static void take(void *taker, const void *data, size_t len)
{
	struct event event;
	bool ours = false;

	(void)taker;
	if (decode_record(data, len, &seen.scratch, &event) != DECODE_OK) {
		seen.malformed++;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(seen.pids); i++)
		ours |= event.pid == seen.pids[i];
	if (!ours)
		return;
	if (event.kind == WIRE_KIND_FILE_OPEN)
		note(&event, event.open.path, event.open.layer);
	else if (event.kind == WIRE_KIND_PROCESS_EXEC)
		note(&event, event.exec.filename, event.exec.layer);
	else if (event.kind == WIRE_KIND_LIBRARY_LOAD)
		note(&event, event.library.path, event.library.layer);
}

/* ---- the place ---- */

static int copy_of_true(const char *path)
{
	_cleanup_(closep) int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	_cleanup_(closep) int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	char bytes[4096];
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)n) != n)
			return -1;
	return n < 0 || to < 0 ? -1 : 0;
}

/* Anew for each mix: what was copied up once stays so. */
static bool layers_mount(void)
{
	static const char *const names[] = { "lower", "upper", "work", "merged" };
	static const char *const shipped[] = { "shipped", "program", "held" };
	char path[PATH_BYTES], options[4 * PATH_BYTES];

	if (mount("layers", place, "tmpfs", 0, NULL) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", place, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
		snprintf(path, sizeof(path), "%s/lower/%s", place, shipped[i]);
		assert_int_equal(copy_of_true(path), 0);
	}
	snprintf(merged, sizeof(merged), "%s/merged", place);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", place, place,
		 place);
	if (mount("layers", merged, "overlay", 0, options) < 0) {
		umount(place);
		return false;
	}
	mounted = true;
	assert_int_equal(copy_of_true(in_place(path, "made")), 0);
	return true;
}

static void layers_unmount(void)
{
	assert_int_equal(umount2(merged, MNT_DETACH), 0);
	assert_int_equal(umount2(place, MNT_DETACH), 0);
	mounted = false;
}

static int place_make(void **state)
{
	(void)state;
	return mkdtemp(place) ? 0 : -1;
}

static int place_remove(void **state)
{
	(void)state;
	if (mounted)
		layers_unmount();
	return rmdir(place);
}

/* ---- the acts ---- */

static void *map(const char *name)
{
	char path[PATH_BYTES];
	_cleanup_(closep) int fd = open(in_place(path, name), O_RDONLY | O_CLOEXEC);
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void open_as(const char *name, int flags)
{
	char path[PATH_BYTES];
	int fd = open(in_place(path, name), flags | O_CLOEXEC, 0600);

	if (fd < 0)
		_exit(1);
	close(fd);
}

static void act_open(void)
{
	char path[PATH_BYTES];

	open_as("shipped", O_RDONLY);
	open_as("shipped", O_RDONLY);
	open_as("shipped", O_WRONLY);
	open_as("shipped", O_RDONLY);
	open_as("shipped", O_RDONLY);
	open_as("fresh", O_WRONLY | O_CREAT);
	snprintf(path, sizeof(path), "%s/upper/made", place);
	_exit(close(open(path, O_RDONLY | O_CLOEXEC)));
}

static void act_program(void)
{
	char path[PATH_BYTES];

	execl(in_place(path, "program"), "program", NULL);
}

static void act_made(void)
{
	char path[PATH_BYTES];

	execl(in_place(path, "made"), "made", NULL);
}

static uint32_t act_run(void (*act)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		act();
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return (uint32_t)child;
}

static void layers_in_mix(unsigned int without, unsigned int *features)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct source_options options = {
		.ring_bytes = RING_BYTES,
		.kinds =
			1u << WIRE_KIND_FILE_OPEN | 1u << WIRE_KIND_PROCESS_EXEC | 1u << WIRE_KIND_LIBRARY_LOAD,
		.fold = SOURCE_FOLD_PROCESS,
		.without = without,
	};
	void *held = map("held"), *made = map("made");
	struct diag diag = { .text = "" };
	char path[PATH_BYTES];
	int r;

	assert_int_equal(chmod(in_place(path, "held"), 0711), 0);
	memset(&seen.pids, 0, sizeof(seen.pids));
	memset(&seen.layers, 0, sizeof(seen.layers));
	r = source_open(&options, &diag, &source);
	if (source_too_long(r, without))
		return;
	if (r < 0)
		fail_msg("without %x: %s", without, diag.text);
	if (without == 0)
		*features = source_features(source);
	seen.pids[0] = (uint32_t)getpid();
	assert_int_equal(source_snapshot(source, take, NULL, &diag), 0);
	seen.pids[0] = act_run(act_open);
	seen.pids[1] = act_run(act_program);
	seen.pids[2] = act_run(act_made);
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
	assert_int_equal(seen.malformed, 0);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		if (expected[i].at_start && !(source_features(source) & FEATURE_ITER_VMA))
			continue;
		if (strcmp(seen.layers[i], expected[i].layers) != 0)
			fail_msg("without %x: %s of %s: \"%s\", not \"%s\"", without,
				 event_kind_name(expected[i].kind), expected[i].name, seen.layers[i],
				 expected[i].layers);
	}
	munmap(held, 4096);
	munmap(made, 4096);
}

/* Each by itself, and all at once: the roads of a record cross nowhere else, and emulated verifiers take minutes. */
static void each_layer_whatever_lacks(void **state)
{
	static const unsigned int lacks[] = { 0,
					      FEATURE_DIRECT_READS,
					      FEATURE_LOOP,
					      FEATURE_TRAMPOLINE,
					      FEATURE_FIND_VMA,
					      FEATURE_DIRECT_READS | FEATURE_LOOP | FEATURE_TRAMPOLINE |
						      FEATURE_FIND_VMA };
	unsigned int features = UINT_MAX; /* until the first source has told */

	(void)state;
	if (!source_possible())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(lacks); i++) {
		if (lacks[i] & ~features && i + 1 < ARRAY_LEN(lacks))
			continue; /* the same as the first */
		if (!layers_mount()) {
			printf("# skip: this kernel mounts no overlay here\n");
			skip();
		}
		layers_in_mix(lacks[i], &features);
		layers_unmount();
	}
	printf("# seen layer lower_and_upper\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_layer_whatever_lacks) };

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
