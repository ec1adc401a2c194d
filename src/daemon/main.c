// SPDX-License-Identifier: Apache-2.0
/*
 * stella-signalsd: the collector. Reads its options, opens everything, says so, runs, seals. Stays in the foreground
 * unless `stella signals start` waits on --ready-fd: then it leaves the terminal once coverage is open.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "daemon/arguments.h"
#include "daemon/collector.h"
#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/ready.h"
#include "daemon/replay.h"
#include "probe/source.h"

#define CAP_PERFMON_BIT (1ull << 38)
#define CAP_BPF_BIT (1ull << 39)
#define CAP_SYS_ADMIN_BIT (1ull << 21)

static int print(int (*printer)(struct buf *out))
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_TEXT_MAX);

	if (printer(&text) < 0 || fwrite(text.data, 1, text.len, stdout) != text.len)
		return EXIT_FAILED;
	return EXIT_DONE;
}

/* Asked before anything is touched, so that the line names the capability and not the first file that refuses. */
static int check_privileges(struct diag *diag)
{
	_cleanup_(buf_done) struct buf status = BUF_MAX(65536);
	const char *line;
	uint64_t effective;

	if (file_read_at(AT_FDCWD, "/proc/self/status", &status, NULL) < 0 || !buf_cstr(&status))
		return 0; /* not known: the kernel will say */
	line = strstr(status.data, "\nCapEff:\t");
	if (!line)
		return 0;
	effective = strtoull(line + 9, NULL, 16);
	if (effective & CAP_SYS_ADMIN_BIT || (effective & CAP_BPF_BIT && effective & CAP_PERFMON_BIT))
		return 0;
	return diag_exit(diag, EXIT_NOT_PERMITTED, -EPERM,
			 "watching the kernel needs %s%s%s; run it as root or grant it",
			 effective & CAP_BPF_BIT ? "" : "CAP_BPF",
			 !(effective & CAP_BPF_BIT) && !(effective & CAP_PERFMON_BIT) ? " and " : "",
			 effective & CAP_PERFMON_BIT ? "" : "CAP_PERFMON");
}

/* Before any thread is born, so that all inherit it and only the loop's signalfd sees these. */
static void block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	collector_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* NULL stays NULL. */
static int absolute(const char *path, struct diag *diag, char **ret_path)
{
	int r = path ? path_absolute(path, ret_path) : 0;

	return r < 0 ? diag_error(diag, r, "%s: %s", path, strerror(-r)) : 0;
}

static int run_collector(struct collector *collector, struct diag *diag)
{
	struct diag ended = { .text = "" };
	int r, stopped;

	log_line(LOG_LEVEL_INFO, "coverage is open");
	ready_notify("READY=1");
	r = collector_run(collector, diag);
	ready_notify("STOPPING=1");
	stopped = collector_stop(collector, &ended);
	if (stopped < 0 && r < 0) /* the first is what main tells */
		log_line(LOG_LEVEL_ERROR, "%s", ended.text);
	else if (stopped >= 0)
		log_line(LOG_LEVEL_INFO, "stopped, everything is sealed");
	if (r >= 0 && stopped < 0)
		*diag = ended;
	return r < 0 ? r : stopped;
}

static int start(struct arguments *arguments, struct diag *diag)
{
	_cleanup_(collector_freep) struct collector *collector = NULL;
	_cleanup_(freep) char *config = NULL, *target = NULL, *socket = NULL, *raw = NULL;
	_cleanup_(closep) int log = -1;
	struct collector_options options;
	bool background = arguments->ready_fd >= 0;
	int r = check_privileges(diag);

	if (r >= 0)
		r = config_find(arguments->config, diag, &config);
	if (r >= 0)
		r = absolute(arguments->target, diag, &target);
	if (r >= 0)
		r = absolute(arguments->socket, diag, &socket);
	if (r >= 0)
		r = absolute(arguments->record_raw, diag, &raw);
	if (r >= 0 && arguments->log) /* before anything is recorded and sealed that nobody asked for */
		r = log_open(arguments->log, diag, &log);
	if (r < 0)
		return r;
	options = (struct collector_options) {
		.config_path = config, .target = target, .socket = socket, .record_raw = raw
	};
	r = collector_open(&options, diag, &collector);
	if (r >= 0)
		r = log_begin(log, background, diag);
	if (r < 0)
		return r;
	if (background)
		(void)!chdir("/");
	ready_started(arguments->ready_fd, collector);
	arguments->ready_fd = -1; /* closed; what fails from now on goes to the log */
	return run_collector(collector, diag);
}

static int replay(const struct arguments *arguments, struct diag *diag)
{
	_cleanup_(freep) char *config = NULL;
	int r = config_find(arguments->config, diag, &config);

	return r < 0 ? r : replay_run(arguments->replay, config, arguments->target, diag);
}

static int run(struct arguments *arguments, struct diag *diag, int *ret_status)
{
	*ret_status = EXIT_DONE;
	if (arguments->help)
		arguments_help();
	else if (arguments->version)
		puts("stella-signalsd " STELLA_VERSION);
	else if (arguments->help_config)
		*ret_status = print(config_help);
	else if (arguments->example_config)
		*ret_status = print(config_example);
	else if (arguments->man_config)
		*ret_status = print(config_manual);
	else if (arguments->replay)
		return replay(arguments, diag);
	else
		return start(arguments, diag);
	return 0;
}

int main(int argc, char **argv)
{
	struct diag diag = { .text = "" };
	struct arguments arguments = { .ready_fd = -1 };
	int status = EXIT_DONE, r;

	if (argc == 2 && strcmp(argv[1], CANARY_ARGUMENT) == 0)
		return 0; /* made by a collector that only wants to see its probes answer */
	umask(0022);
	block_signals();
	r = arguments_parse(argc, argv, &diag, &arguments);
	if (r >= 0)
		r = run(&arguments, &diag, &status);
	if (r < 0) {
		status = diag_exit_status(&diag, r);
		ready_failed(arguments.ready_fd, diag.text, status);
		if (arguments.ready_fd < 0)
			log_line(LOG_LEVEL_ERROR, "%s", diag.text);
	}
	if (fclose(stdout) != 0 && status == EXIT_DONE)
		status = EXIT_FAILED;
	return status;
}
