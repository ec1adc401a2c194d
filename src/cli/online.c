/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs stella-online and speaks its lines (src/online/main.c has them). Promises: no connection of our own; an answer
 * that is not of the form ends the verification, it is never taken for a good one. Owns the child and both ends.
 */

#include "cli/online.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "cli/beside.h"
#include "format/canon.h"

#define ONLINE_PROGRAM "stella-online"
#define ANSWER_MAX 65536

static bool offline(void)
{
	const char *value = getenv(OFFLINE_ENV);

	return value && *value;
}

bool online_urls_bad(const struct option_list *urls)
{
	for (size_t i = 0; i < urls->count; i++) {
		const char *equals = strchr(urls->items[i], '=');

		if (!equals || equals == urls->items[i] || !strstr(equals + 1, "://")) {
			talk("--log-url %s: must be NAME=URL, as in rekor.example=https://10.0.0.1:3000",
			     urls->items[i]);
			return true;
		}
	}
	return false;
}

/* ---- the child ---- */

static int program_path(char path[PATH_MAX])
{
	static const char *const places[] = { ONLINE_PROGRAM, "../lib/stella/" ONLINE_PROGRAM };
	const char *given = getenv(ONLINE_ENV);

	if (given && *given)
		return snprintf(path, PATH_MAX, "%s", given) < PATH_MAX ? 0 : -ENAMETOOLONG;
	return program_beside(places, ARRAY_LEN(places), path);
}

static void run_child(const char *path, const char *ca_file, int in, int out) __attribute__((noreturn));

static void run_child(const char *path, const char *ca_file, int in, int out)
{
	static char name[] = ONLINE_PROGRAM, verb[] = "presence", option[] = "--ca-file";
	char *argv[] = { name, verb, ca_file ? option : NULL, (char *)ca_file, NULL };

	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		execv(path, argv);
	talk("%s: %s", path, strerror(errno));
	_exit(EXIT_FAILED);
}

static int start_child(struct online *online, const char *path, const char *ca_file)
{
	int questions[2], answers[2], r;

	if (pipe2(questions, O_CLOEXEC) < 0)
		return diag_error(&online->diag, -errno, "pipe: %s", strerror(errno));
	if (pipe2(answers, O_CLOEXEC) < 0) {
		r = -errno;
		close(questions[0]);
		close(questions[1]);
		return diag_error(&online->diag, r, "pipe: %s", strerror(-r));
	}
	fflush(NULL);
	online->child = fork();
	if (online->child == 0)
		run_child(path, ca_file, questions[0], answers[1]);
	close(questions[0]);
	close(answers[1]);
	online->to = questions[1];
	online->from = fdopen(answers[0], "r");
	if (!online->from)
		close(answers[0]);
	if (online->child < 0) {
		online->child = 0;
		return diag_error(&online->diag, -EAGAIN, "fork: %s", strerror(errno));
	}
	return online->from ? 0 : diag_error(&online->diag, -ENOMEM, "no memory to hear " ONLINE_PROGRAM);
}

int online_start(struct online *online, const char *ca_file)
{
	char path[PATH_MAX];

	if (offline())
		return diag_exit(&online->diag, EXIT_NEEDS_NETWORK, -ENETUNREACH,
				 "--rekor asks the network, but " OFFLINE_ENV
				 " is set: unset it, or leave --rekor out");
	if (program_path(path) < 0)
		return diag_exit(&online->diag, EXIT_NOT_FOUND, -ENOENT,
				 ONLINE_PROGRAM
				 " is not installed: neither beside stella nor in ../lib/stella; $" ONLINE_ENV
				 " may name it");
	return start_child(online, path, ca_file);
}

void online_done(struct online *online)
{
	if (online->to >= 0)
		close(online->to);
	if (online->from)
		fclose(online->from);
	if (online->child > 0)
		waitpid(online->child, NULL, 0);
	free(online->line);
	*online = ONLINE_EMPTY;
}

/* It went away, or never came up: its own exit status says why best. */
static int child_failed(struct online *online)
{
	int status = 0;
	pid_t child = online->child;

	close(online->to);
	online->to = -1;
	online->child = 0;
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return diag_error(&online->diag, -EIO, ONLINE_PROGRAM " was killed by signal %d",
				  WTERMSIG(status));
	return diag_exit(&online->diag,
			 WEXITSTATUS(status) == EXIT_NEEDS_NETWORK ? EXIT_NEEDS_NETWORK : EXIT_FAILED, -EIO,
			 ONLINE_PROGRAM " ended with status %d before it answered", WEXITSTATUS(status));
}

/* ---- question and answer ---- */

static const char *url_of(const struct online *online, const struct log_key *log)
{
	for (size_t i = 0; online->urls && i < online->urls->count; i++) {
		const char *item = online->urls->items[i], *equals = strchr(item, '=');
		struct str name = { item, (size_t)(equals - item) };

		if ((log->origin && str_equal(name, str_of(log->origin))) ||
		    (log->base_url && str_equal(name, str_of(log->base_url))))
			return equals + 1;
	}
	return log->base_url;
}

static void put_number(struct canon *w, const char *key, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	canon_key_cstr(w, key, text);
}

static void put_digest(struct canon *w, const char *key, const struct digest *digest)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(digest, hex);
	canon_key_cstr(w, key, hex);
}

static int write_question(const struct online *online, const struct presence_question *question,
			  struct buf *out)
{
	struct canon w = CANON_INTO(out);
	int r;

	canon_object(&w);
	put_number(&w, "index", question->index);
	canon_key_base64(&w, "key", public_key_spki(question->log->key));
	canon_key_cstr(&w, "kind", question->v1 ? "v1" : "v2");
	put_digest(&w, "leaf", &question->leaf);
	if (question->log->origin && !question->v1)
		canon_key_cstr(&w, "origin", question->log->origin);
	put_digest(&w, "root", &question->root);
	put_number(&w, "size", question->size);
	canon_key_cstr(&w, "url", url_of(online, question->log));
	canon_object_end(&w);
	r = canon_done(&w);
	return r < 0 ? r : buf_append(out, "\n", 1);
}

static int read_answer(struct online *online, struct buf *detail, enum presence *ret_presence)
{
	static const char *const states[] = { [PRESENCE_PRESENT] = "present",
					      [PRESENCE_ABSENT] = "absent",
					      [PRESENCE_CHANGED] = "changed",
					      [PRESENCE_UNKNOWN] = "unknown" };
	_cleanup_(json_decrefp) json_t *answer = NULL;
	const char *state, *text;
	ssize_t len = getline(&online->line, &online->line_room, online->from);

	if (len <= 0)
		return child_failed(online);
	if (len <= ANSWER_MAX)
		answer = json_loadb(online->line, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
	state = json_string_value(json_object_get(answer, "state"));
	text = json_string_value(json_object_get(answer, "detail"));
	for (size_t i = 0; state && i < ARRAY_LEN(states); i++) {
		if (strcmp(states[i], state) != 0)
			continue;
		*ret_presence = (enum presence)i;
		return text ? buf_append_str(detail, str_of(text)) : 0;
	}
	return diag_error(&online->diag, -EBADMSG, ONLINE_PROGRAM " answered what is no answer");
}

int online_ask(void *user, const struct presence_question *question, struct buf *detail,
	       enum presence *ret_presence)
{
	struct online *online = user;
	_cleanup_(buf_done) struct buf line = BUF_MAX(65536);
	int r;

	if (!url_of(online, question->log))
		return 1;
	if (online->to < 0)
		return diag_error(&online->diag, -EIO, ONLINE_PROGRAM " is gone");
	r = write_question(online, question, &line);
	if (r < 0)
		return diag_error(&online->diag, r, "cannot ask the log: %s", strerror(-r));
	if (file_write_all(online->to, line.data, line.len, NULL) < 0)
		return child_failed(online);
	return read_answer(online, detail, ret_presence);
}
