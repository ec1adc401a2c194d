// SPDX-License-Identifier: Apache-2.0
/*
 * Asks a real engine through one driver alone, and prints what it said, for the tests to look at.
 *
 *   driver_ask DRIVER SOCKET ask ID [LABEL...]    one line a fact: "name value"; nothing when the engine does not know it
 *   driver_ask DRIVER SOCKET list                 one id a line
 *   driver_ask DRIVER SOCKET watch                the same, as they come, until standard input ends
 *
 * DRIVER: containerd or cri. Exit status: 0; 1 it failed, the reason on stderr; 2 bad arguments; 4 the engine does not know
 * the container, or has no such stream.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "resolve/engine_driver.h"

static atomic_bool stop;

static const struct engine_driver *driver_find(const char *name)
{
	if (strcmp(name, "containerd") == 0)
		return &engine_driver_containerd;
	return strcmp(name, "cri") == 0 ? &engine_driver_cri : NULL;
}

static void *wait_for_end(void *unused)
{
	while (getchar() != EOF)
		;
	atomic_store(&stop, true);
	return unused;
}

static void print_id(void *user, const char *id)
{
	(void)user;
	puts(id);
	fflush(stdout);
}

static void print_line(const char *name, const char *value)
{
	if (value)
		printf("%s %s\n", name, value);
}

static void print_facts(const struct container_facts *facts)
{
	print_line("id", facts->id);
	print_line("runtime", facts->runtime);
	print_line(facts->image_digest_is_config ? "config_digest" : "image_digest", facts->image_digest);
	print_line("image_reference", facts->image_reference);
	print_line("name", facts->name);
	print_line("pod", facts->pod);
	print_line("pod_namespace", facts->pod_namespace);
	print_line("pod_uid", facts->pod_uid);
	for (size_t i = 0; i < facts->n_labels; i++)
		printf("label %s=%s\n", facts->labels[i].key, facts->labels[i].value);
}

static int ask(const struct engine_driver *driver, void *session, const char *id, struct diag *diag)
{
	struct container_facts facts = { .runtime = NULL };
	int r = driver->ask(session, id, diag, &facts);

	if (r == 0)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "the engine does not know %s", id);
	if (r < 0)
		return r;
	print_facts(&facts);
	container_facts_done(&facts);
	return 0;
}

static int watch(const struct engine_driver *driver, void *session, struct diag *diag)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_end, NULL) != 0)
		return -EAGAIN;
	pthread_detach(thread);
	return driver->watch(session, &stop, print_id, NULL, diag);
}

int main(int argc, char **argv)
{
	const struct engine_driver *driver = argc >= 4 ? driver_find(argv[1]) : NULL;
	struct engines_options options = { .labels = argv + 5, .n_labels = argc > 5 ? (size_t)argc - 5 : 0 };
	struct diag diag = { .text = "" };
	void *session = NULL;
	int r;

	if (!driver)
		return EXIT_UNSOUND;
	r = driver->open(argv[2], &options, &diag, &session);
	if (r == 0 && strcmp(argv[3], "ask") == 0 && argc >= 5)
		r = ask(driver, session, argv[4], &diag);
	else if (r == 0 && strcmp(argv[3], "list") == 0)
		r = driver->list(session, print_id, NULL, &diag);
	else if (r == 0 && strcmp(argv[3], "watch") == 0)
		r = watch(driver, session, &diag);
	else if (r == 0)
		r = -EINVAL;
	if (session)
		driver->close(session);
	if (r < 0)
		fprintf(stderr, "%s (%s)\n", diag.text, strerror(-r));
	if (r == -EOPNOTSUPP)
		return EXIT_NOT_FOUND;
	return r < 0 ? (int)diag_exit_status(&diag, r) : EXIT_DONE;
}
