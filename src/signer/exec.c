/* SPDX-License-Identifier: Apache-2.0 */

/*
 * "exec:/PROGRAM KEY": a key behind a program that speaks cosign's plugin protocol for key services ("v1"). The program
 * is started anew for each question: its arguments are the protocol's version and one JSON object, its input what is
 * to be signed, its output one JSON object.
 *
 * Promises: no shell, no descriptor but 0, 1 and 2, no signal mask or handler of ours; an answer is bounded in size and
 * time; whoever outlives its time is killed with all of its process group. Refuses a program that others can change.
 */

#include "signer/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"

#define WHAT "the plugin"
#define TIMEOUT_MS 30000
#define LOOK_MS 100 /* how often cancel and a program's end are looked at */
#define TEXT_MAX 8192
#define PROTOCOL "v1"

extern char **environ;

struct plugin {
	char *program;
	const char *key; /* within the signer's name */
};

static const char *check_name(const char *name)
{
	const char *space = strchr(name, ' ');

	if (name[0] != '/' || !space || space[1] == '\0')
		return "exec:/PROGRAM KEY is wanted: an absolute path, a space, and the key's name as the "
		       "program knows it";
	for (const char *at = space + 1; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || *at == '"' || *at == '\\')
			return "the key's name has characters that a plugin is not given";
	return NULL;
}

static int require_unchangeable(const char *program, struct diag *diag)
{
	struct stat st;

	if (stat(program, &st) < 0)
		return errno == ENOENT
			       ? diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "cannot run %s: it is not there",
					   program)
			       : diag_error(diag, -errno, "cannot run %s: %s", program, strerror(errno));
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return diag_error(diag, -EINVAL, "cannot run %s: it is no program", program);
	if (st.st_mode & 022 || (st.st_uid != 0 && st.st_uid != geteuid()))
		return diag_exit(diag, EXIT_NOT_PERMITTED, -EPERM,
				 "refusing to run %s: others than root and us can change it", program);
	return 0;
}

/* ---- running it ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int in, int out)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setflags(attributes,
				     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setpgroup(attributes, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, in, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, out, 1);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	return r;
}

static int start(const char *program, const char *arguments, int in, int out, pid_t *ret_pid)
{
	char *argv[] = { (char *)program, (char *)PROTOCOL, (char *)arguments, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r == 0) {
		r = prepare(&actions, &attributes, in, out);
		if (r == 0)
			r = posix_spawn(ret_pid, program, &actions, &attributes, argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Reads until the other end is closed. */
static int listen_to(const struct signer *signer, int from, int64_t until, struct buf *out, struct diag *diag)
{
	char block[4096];

	for (;;) {
		struct pollfd poll_in = { .fd = from, .events = POLLIN };
		ssize_t got;

		if (atomic_load(&signer->cancelled))
			return diag_error(diag, -ECANCELED, "signing was given up: the program ends");
		if (now_ms() >= until)
			return diag_exit(diag, EXIT_TRY_AGAIN, -EAGAIN, WHAT " does not answer in time");
		if (poll(&poll_in, 1, LOOK_MS) <= 0)
			continue;
		got = read(from, block, sizeof(block));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		if (buf_append(out, block, (size_t)got) < 0)
			return diag_error(diag, -EBADMSG, WHAT " answers too much");
	}
}

/*
 * Its exit status is nobody's: the protocol says that the answer counts. It is gone afterwards. Until its group is killed it is not
 * waited for: the number would be free, and might be another group's.
 */
static void end(const struct signer *signer, pid_t pid, bool kindly, int64_t until)
{
	struct timespec look = { 0, 10000000 };
	siginfo_t gone = { 0 };

	while (kindly && waitid(P_PID, (id_t)pid, &gone, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       gone.si_pid == 0 && now_ms() < until && !atomic_load(&signer->cancelled))
		nanosleep(&look, NULL);
	kill(-pid, SIGKILL); /* what it left behind, too */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int run(struct signer *signer, const char *arguments, struct str input, struct buf *out,
	       struct diag *diag)
{
	const struct plugin *plugin = signer->state;
	uint32_t timeout = signer->settings.http.timeout_ms ? signer->settings.http.timeout_ms : TIMEOUT_MS;
	_cleanup_(closep) int in = memfd_create("plugin-input", MFD_CLOEXEC), from = -1;
	int64_t until = now_ms() + timeout;
	int pipes[2] = { -1, -1 }, r;
	pid_t pid = -1;

	r = require_unchangeable(plugin->program, diag);
	if (r < 0)
		return r;
	/* A file, not a pipe: nobody has to wait until the program reads it. */
	r = in < 0 ? -errno : file_write_all(in, input.data, input.len, NULL);
	if (r == 0 && (lseek(in, 0, SEEK_SET) < 0 || pipe2(pipes, O_CLOEXEC) < 0))
		r = -errno;
	from = pipes[0];
	if (r == 0)
		r = start(plugin->program, arguments, in, pipes[1], &pid);
	closep(&pipes[1]);
	if (r < 0)
		return diag_error(diag, r, "cannot run %s: %s", plugin->program, strerror(-r));
	r = listen_to(signer, from, until, out, diag);
	end(signer, pid, r == 0, until);
	return r;
}

/* ---- the protocol ---- */

static int ask(struct signer *signer, const char *method, const char *options, struct str input,
	       struct diag *diag, json_t **ret_answer)
{
	_cleanup_(buf_done) struct buf arguments = BUF_MAX(TEXT_MAX), out = BUF_MAX(SERVICE_ANSWER_MAX);
	_cleanup_(json_freep) json_t *answer = NULL;
	const struct plugin *plugin = signer->state;
	const json_t *error;
	int r = buf_printf(&arguments,
			   "{\"initOptions\":{\"protocolVersion\":\"" PROTOCOL "\",\"keyResourceID\":\"%s\","
			   "\"hashFunc\":5,\"rpcOptions\":{\"keyVersion\":\"\",\"remoteVerification\":false}},"
			   "\"methodName\":\"%s\",\"%s\":{%s}}",
			   plugin->key, method, method, options);

	if (r < 0 || !buf_cstr(&arguments))
		return r < 0 ? r : -ENOMEM;
	r = run(signer, buf_cstr(&arguments), input, &out, diag);
	if (r == 0)
		r = service_read(200, buf_str(&out), WHAT, diag, &answer);
	if (r < 0)
		return r;
	error = json_object_get(answer, "errorMessage");
	if (json_is_string(error) && json_string_length(error) > 0)
		return diag_exit(diag, EXIT_TRY_AGAIN, -EAGAIN, "%s refuses: %.300s", plugin->program,
				 json_string_value(error));
	*ret_answer = TAKE(answer);
	return 0;
}

static int plugin_read_key(struct signer *signer, const json_t *answer, struct diag *diag)
{
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX);
	struct str text;
	int r = service_string(answer, WHAT, diag, &text, "publicKey", "publicKeyPEM", NULL);

	if (r == 0)
		r = service_base64(text, WHAT, diag, &pem);
	return r < 0 ? r : public_key_parse(buf_str(&pem), signer->settings.key_id, diag, &signer->public);
}

static int plugin_read_signature(struct signer *signer, const json_t *answer, struct buf *out,
				 struct diag *diag)
{
	struct str text;
	int r = service_string(answer, WHAT, diag, &text, "signMessage", "signature", NULL);

	(void)signer;
	return r < 0 ? r : service_base64(text, WHAT, diag, out);
}

static int plugin_open(struct signer *signer, struct diag *diag)
{
	static const char options[] = "\"publicKeyOptions\":{\"rpcOptions\":{\"keyVersion\":\"\","
				      "\"remoteVerification\":false}}";
	_cleanup_(json_freep) json_t *answer = NULL;
	struct plugin *plugin = calloc(1, sizeof(*plugin));
	const char *space = strchr(signer->name, ' ');
	int r;

	signer->state = plugin;
	if (!plugin)
		return -ENOMEM;
	plugin->program = strndup(signer->name, (size_t)(space - signer->name));
	plugin->key = space + 1;
	if (!plugin->program)
		return -ENOMEM;
	r = ask(signer, "publicKey", options, STR(""), diag, &answer);
	return r < 0 ? r : plugin_read_key(signer, answer, diag);
}

static int plugin_sign(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	_cleanup_(buf_done) struct buf options = BUF_MAX(1024);
	_cleanup_(json_freep) json_t *answer = NULL;
	int r = buf_printf(&options,
			   "\"signOptions\":{\"rpcOptions\":{\"keyVersion\":\"\",\"remoteVerification\":false},"
			   "\"messageOptions\":{\"digest\":\"");

	if (r == 0)
		r = service_digest_base64(pae, &options);
	if (r == 0)
		r = buf_printf(&options, "\",\"hashFunc\":5}}");
	if (r < 0 || !buf_cstr(&options))
		return r < 0 ? r : -ENOMEM;
	r = ask(signer, "signMessage", buf_cstr(&options), pae, diag, &answer);
	return r < 0 ? r : plugin_read_signature(signer, answer, &bundle->signature, diag);
}

static void plugin_close(struct signer *signer)
{
	struct plugin *plugin = signer->state;

	if (plugin)
		free(plugin->program);
	free(plugin);
}

const struct signer_driver signer_exec = {
	.kind = "exec",
	.prefix = "exec:",
	.check = check_name,
	.open = plugin_open,
	.sign = plugin_sign,
	.read_key = plugin_read_key,
	.read_signature = plugin_read_signature,
	.close = plugin_close,
};
