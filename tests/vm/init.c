// SPDX-License-Identifier: Apache-2.0
/*
 * First and only process of a test machine: makes what a test expects of a system (proc, sys, cgroups, loopback),
 * runs /test, prints how it ended, and switches the machine off. Plain: nothing of ours is linked.
 */

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) < 0)
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

int main(void)
{
	struct utsname name;
	int status = -1;
	pid_t child;

	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("cgroup2", "/sys/fs/cgroup");
	mount_at("tmpfs", "/tmp");
	loopback_up();
	uname(&name);
	printf("kernel %s\n", name.release);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		execl("/test", "test", NULL);
		printf("# /test: %s\n", strerror(errno));
		_exit(126);
	}
	waitpid(child, &status, 0);
	printf("\nvm-test-status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
