// SPDX-License-Identifier: Apache-2.0
/*
 * First process of a test machine: makes what a test expects of a system (proc, sys, dev, cgroups, loopback, the modules
 * of /modules), runs
 * each program of /tests by name, one after the other, prints how each ended and how many did not end well, and
 * switches the machine off. Plain: nothing of ours is linked.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *where, const char *options)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, options) < 0)
		printf("# %s: %s\n", where, strerror(errno));
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		printf("# lo: %s\n", strerror(errno));
	close(fd);
}

static int test_run(const char *name)
{
	char path[512];
	int status = -1;
	pid_t child;

	snprintf(path, sizeof(path), "/tests/%s", name);
	printf("vm-test-begin %s\n", name);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 1);
		setenv("STELLA_TEST_SLOW_MACHINE", "yes", 1);
		execl(path, name, NULL);
		printf("# %s: %s\n", path, strerror(errno));
		_exit(126);
	}
	waitpid(child, &status, 0);
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	printf("\nvm-test-end %s %d\n", name, status);
	return status;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void module_load(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "/modules/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
		printf("# %s: %s\n", path, strerror(errno));
	close(fd);
}

static void modules_load(void)
{
	struct dirent **entries = NULL;
	int n = scandir("/modules", &entries, not_hidden, alphasort);

	for (int i = 0; i < n; i++)
		module_load(entries[i]->d_name);
}

/* How many did not end well, or -1 when there is none to run. */
static int tests_run(void)
{
	struct dirent **entries = NULL;
	int n = scandir("/tests", &entries, not_hidden, alphasort), bad = 0;

	for (int i = 0; i < n; i++)
		bad += test_run(entries[i]->d_name) != 0;
	return n > 0 ? bad : -1;
}

int main(void)
{
	struct utsname name;

	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", NULL);
	mount_at("cgroup2", "/sys/fs/cgroup", NULL);
	mount_at("cgroup", "/pids", "pids"); /* one hierarchy of the first version beside */
	mount_at("tmpfs", "/tmp", NULL);
	loopback_up();
	modules_load();
	uname(&name);
	printf("kernel %s\n", name.release);
	fflush(stdout);
	printf("\nvm-test-status %d\n", tests_run());
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
