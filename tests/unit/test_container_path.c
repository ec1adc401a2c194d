/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroup paths and what stands there. The paths are real ones, as told in public issues, manuals and tests of the
 * engines and of other tools; where only the shape was told, the id was put in. The hostile ones are ours.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "resolve/container_path.h"

#define A "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
#define B "84e9ffffe97fea4c5a0f01d401611cbafbf7e559fc6190ed74abfc2b25e889d4"
#define C "244a65edefdffe31685c42317c9054e71dc1193048cf9459e2a4dd35cbc1dba4"
#define UUID "eb653d22-2525-47ca-9fc4-3762497ae1d2"
#define UUID_ "eb653d22_2525_47ca_9fc4_3762497ae1d2"
#define STATIC_POD "09a70ae9ccc491e651e5c773579b3490"
#define BESTEFFORT "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UUID_ ".slice"
#define BURSTABLE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UUID_ ".slice"
#define GUARANTEED "/kubepods.slice/kubepods-pod" UUID_ ".slice"
#define KIND_POD                                                                   \
	"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/" \
	"kubelet-kubepods-besteffort-pod" UUID_ ".slice"
#define USER "/user.slice/user-1000.slice/user@1000.service"

/* What stands innermost. `id`: the id, or the name of one that is not OCI. */
struct row {
	const char *path, *runtime, *id;
	size_t depth;
	const char *pod;
	enum container_qos qos;
	uint32_t uid;
};

#define NOBODY CONTAINER_NO_USER

static const struct row oci[] = {
	/* docker: cgroupfs and systemd, v1 and v2 (moby#33352, moby#11509, docker/docs) */
	{ "/docker/" A, "docker", A, 0, "", 0, NOBODY },
	{ "/docker/" A "/init.scope", "docker", A, 1, "", 0, NOBODY },
	{ "/docker/" A "/system.slice/containerd.service", "docker", A, 2, "", 0, NOBODY },
	{ "/system.slice/docker-" A ".scope", "docker", A, 0, "", 0, NOBODY },
	{ "/init.scope/system.slice/docker-" A ".scope", "docker", A, 0, "", 0, NOBODY }, /* containerd#285 */
	{ "/mycgroup.slice/docker-" A ".scope", "docker", A, 0, "", 0, NOBODY }, /* moby#45796 */
	{ "/system.slice/docker-" A ".scope/init.scope", "docker", A, 1, "", 0,
	  NOBODY }, /* minikube, by tetragon */
	{ "/system.slice/docker-" A ".scope/system.slice/kubelet.service", "docker", A, 2, "", 0, NOBODY },
	{ "/docker/buildx/" A, "docker", A, 0, "", 0, NOBODY }, /* buildx#782 */
	{ "/docker/buildx/" A "/init", "docker", A, 1, "", 0, NOBODY },
	{ "/actions_job/" A, "docker", A, 0, "", 0, NOBODY }, /* GitHub's runners, by tetragon */
	{ "/azpl_job/" A, "docker", A, 0, "", 0, NOBODY },
	/* amazon-ecs-agent#1119 */
	{ "/ecs/0c7d9b9350cd4c7e97ddbf5becfd6f22/" A, "docker", A, 0, "", 0, NOBODY },
	/* rootless: docker/docs#14545, NixOS */
	{ USER "/user.slice/docker-" A ".scope", "docker", A, 0, "", 0, 1000 },
	{ USER "/app.slice/docker-" A ".scope", "docker", A, 0, "", 0, 1000 },
	{ "/wsl-user/distro-0/systemd" USER "/user.slice/docker-" A ".scope", "docker", A, 0, "", 0, 1000 },

	/* Kubernetes with systemd: docker, containerd, CRI-O */
	{ BESTEFFORT "/docker-" A ".scope", "docker", A, 0, UUID, CONTAINER_BEST_EFFORT, NOBODY },
	{ BURSTABLE "/cri-containerd-" A ".scope", "containerd", A, 0, UUID, CONTAINER_BURSTABLE, NOBODY },
	{ GUARANTEED "/cri-containerd-" A ".scope", "containerd", A, 0, UUID, CONTAINER_GUARANTEED, NOBODY },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" STATIC_POD
	  ".slice/cri-containerd-" A ".scope",
	  "containerd", A, 0, STATIC_POD, CONTAINER_BURSTABLE, NOBODY }, /* netdata#4868 */
	{ BESTEFFORT "/cri-containerd-" A ".scope/system.slice/nginx.service", "containerd", A, 2, UUID,
	  CONTAINER_BEST_EFFORT, NOBODY },
	{ KIND_POD "/cri-containerd-" A ".scope", "containerd", A, 0, UUID, CONTAINER_BEST_EFFORT,
	  NOBODY }, /* nri#227 */
	{ "/system.slice/system-getty.slice/cri-containerd-" A ".scope", "containerd", A, 0, "", 0,
	  NOBODY }, /* containerd/cri#290 */
	{ BURSTABLE "/crio-" A ".scope", "cri-o", A, 0, UUID, CONTAINER_BURSTABLE, NOBODY }, /* runc#4620 */
	{ BURSTABLE "/crio-" A ".scope/container", "cri-o", A, 1, UUID, CONTAINER_BURSTABLE, NOBODY },
	{ BESTEFFORT "/crio-" A, "cri-o", A, 0, UUID, CONTAINER_BEST_EFFORT, NOBODY }, /* a sandbox: nri#227 */
	/* a pod whose UID was chosen by hand is one still */
	{ "/kubepods.slice/kubepods-podweb.slice/" A, NULL, A, 0, "", CONTAINER_GUARANTEED, NOBODY },

	/* Kubernetes without systemd */
	{ "/kubepods/burstable/pod" UUID "/" A, NULL, A, 0, UUID, CONTAINER_BURSTABLE, NOBODY }, /* tetragon */
	{ "/kubepods/besteffort/pod" UUID "/" A, NULL, A, 0, UUID, CONTAINER_BEST_EFFORT, NOBODY },
	{ "/kubepods/pod" UUID "/" A, NULL, A, 0, UUID, CONTAINER_GUARANTEED, NOBODY },
	{ "/kubepods/besteffort/pod" UUID "/" A "/kube-proxy", NULL, A, 1, UUID, CONTAINER_BEST_EFFORT,
	  NOBODY }, /* neuvector */
	{ "/kubepods/kubepods/besteffort/pod" UUID "/" A, NULL, A, 0, UUID, CONTAINER_BEST_EFFORT,
	  NOBODY }, /* elastic apm-agent-nodejs */
	{ "/kubelet/kubepods/burstable/pod" STATIC_POD "/" A, NULL, A, 0, STATIC_POD, CONTAINER_BURSTABLE,
	  NOBODY },
	{ "/ecs/0c7d9b9350cd4c7e97ddbf5becfd6f22/0c7d9b9350cd4c7e97ddbf5becfd6f22-3057940393/kubepods/pod" UUID
	  "/" A,
	  NULL, A, 0, UUID, CONTAINER_GUARANTEED, NOBODY }, /* EKS on Fargate: dd-trace-rb#6051 */
	{ "/kubepods/burstable/pod" UUID "/crio-" A, "cri-o", A, 0, UUID, CONTAINER_BURSTABLE,
	  NOBODY }, /* cri-o#812 */
	/* containerd's driver for plain cgroups given systemd's form: opentelemetry-java#4507, elastic/apm#508, tetragon */
	{ "/kubepods-besteffort-pod" UUID_ ".slice:cri-containerd:" A, "containerd", A, 0, UUID,
	  CONTAINER_BEST_EFFORT, NOBODY },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UUID_ ".slice:cri-containerd:" A,
	  "containerd", A, 0, UUID, CONTAINER_BURSTABLE, NOBODY },
	{ "/podruntime.slice/containerd.service/kubepods-pod" UUID_ ".slice:cri-containerd:" A "/x",
	  "containerd", A, 1, UUID, CONTAINER_GUARANTEED, NOBODY },

	/* podman, with root and without: tetragon, podman#6400, #7004, coroot#251, Quadlet */
	{ "/machine.slice/libpod-" A ".scope", "podman", A, 0, "", 0, NOBODY }, /* runc */
	{ "/machine.slice/libpod-" A ".scope/container", "podman", A, 1, "", 0, NOBODY }, /* crun */
	{ "/machine.slice/libpod-" A ".scope/container/system.slice/httpd.service", "podman", A, 3, "", 0,
	  NOBODY },
	{ "/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope", "podman", A, 0, "", 0, NOBODY },
	{ "/libpod_parent/libpod-" A, "podman", A, 0, "", 0, NOBODY },
	{ "/libpod_parent/libpod-" A "/ctr", "podman", A, 1, "", 0, NOBODY },
	{ "/libpod_parent/" B "/libpod-" A, "podman", A, 0, "", 0, NOBODY }, /* in a pod */
	{ "/system.slice/nginx.service/libpod-payload-" A, "podman", A, 0, "", 0, NOBODY },
	{ USER "/user.slice/libpod-" A ".scope/container", "podman", A, 1, "", 0, 1000 },
	{ USER "/app.slice/libpod-" A ".scope", "podman", A, 0, "", 0, 1000 },
	{ USER "/user.slice/user-libpod_pod_" B ".slice/libpod-" A ".scope/container", "podman", A, 1, "", 0,
	  1000 },
	{ USER "/app.slice/redis.service/libpod-payload-" A, "podman", A, 0, "", 0, 1000 },

	/* containerd without CRI: falcosecurity/plugins#1378, falco */
	{ "/system.slice/nerdctl-" A ".scope", "containerd", A, 0, "", 0, NOBODY },
	{ USER "/user.slice/nerdctl-" A ".scope", "containerd", A, 0, "", 0, 1000 },
	{ "/default/" A, "containerd", A, 0, "", 0, NOBODY },
	{ "/k8s.io/" A, "containerd", A, 0, "", 0, NOBODY },
	{ "/default/" A "/init.scope", "containerd", A, 1, "", 0, NOBODY },
	{ "/system.slice/k8s.io-" A ".scope", NULL, A, 0, "", 0, NOBODY },
	{ "/machine.slice/my_name-space-" A ".scope", NULL, A, 0, "", 0, NOBODY },
};

static const struct row other[] = {
	/* lxc#2407, lxc#2606, LXD#5603, Incus, Waydroid */
	{ "/lxc/docker", "lxc", "docker", 0, "", 0, NOBODY },
	{ "/lxc/101/ns/system.slice/cron.service", "lxc", "101", 3, "", 0, NOBODY },
	{ "/lxc.payload/demo/init.scope", "lxc", "demo", 1, "", 0, NOBODY },
	{ "/lxc.payload.waydroid", "lxc", "waydroid", 0, "", 0, NOBODY },
	{ "/lxc.payload.user-1000_alpine-container/.lxc", "lxc", "user-1000_alpine-container", 1, "", 0,
	  NOBODY },
	{ USER "/app.slice/run-r1.scope/lxc.payload.demo/init.scope", "lxc", "demo", 1, "", 0, 1000 },
	{ "/lxc/" A, "lxc", A, 0, "", 0, NOBODY }, /* called like an id */
	/* systemd-nspawn, machined, rkt: systemd#18104, rkt#3237 */
	{ "/machine.slice/machine-rawhide.scope/payload/init.scope", "machined", "rawhide", 2, "", 0, NOBODY },
	{ "/machine.slice/systemd-nspawn@fedora44.service/payload/system.slice", "systemd-nspawn", "fedora44",
	  2, "", 0, NOBODY },
	{ "/machine.slice/machine-rkt\\x2d2f96bb50\\x2d2138\\x2d4151\\x2d921d\\x2daa48e2f50093.scope",
	  "machined", "rkt\\x2d2f96bb50\\x2d2138\\x2d4151\\x2d921d\\x2daa48e2f50093", 0, "", 0, NOBODY },
	/* libvirt: its manual, systemd#13629, and DigitalOcean's droplets */
	{ "/machine.slice/machine-qemu\\x2d18\\x2dDroplet\\x2d7572850.scope/emulator", "libvirt",
	  "18\\x2dDroplet\\x2d7572850", 1, "", 0, NOBODY },
	{ "/machine.slice/machine-qemu\\x2d2\\x2dinstance\\x2d00000001.scope/libvirt/vcpu0", "libvirt",
	  "2\\x2dinstance\\x2d00000001", 2, "", 0, NOBODY },
	{ "/machine.slice/machine-lxc\\x2d1268\\x2dsl.scope", "libvirt", "1268\\x2dsl", 0, "", 0, NOBODY },
	{ "/machine/lxc-1268-sl.libvirt-lxc", "libvirt", "lxc-1268-sl", 0, "", 0, NOBODY },
	{ "/machine/qemu-1-vm1.libvirt-qemu/emulator", "libvirt", "qemu-1-vm1", 1, "", 0, NOBODY },
	/* BuildKit: moby#37644, buildkit#580, buildx#782 */
	{ "/docker/buildkit/5cf82fwiumld3vcs5d5l5pzyv", "buildkit", "5cf82fwiumld3vcs5d5l5pzyv", 0, "", 0,
	  NOBODY },
	{ "/buildkit/5cf82fwiumld3vcs5d5l5pzyv", "buildkit", "5cf82fwiumld3vcs5d5l5pzyv", 0, "", 0, NOBODY },
	{ "/docker/buildkit/" A, "buildkit", A, 0, "", 0, NOBODY },
	{ "/system.slice/docker-5cf82fwiumld3vcs5d5l5pzyv.scope", "buildkit", "5cf82fwiumld3vcs5d5l5pzyv", 0,
	  "", 0, NOBODY },
};

static const char *const host[] = {
	"/",
	"/init.scope",
	"/system.slice",
	"/system.slice/docker.service",
	"/system.slice/containerd.service",
	"/user.slice/user-1000.slice/session-2.scope",
	"/user/1000.user/c2.session",
	USER "/user.slice/podman-6696.scope", /* crun#376 */
	USER "/user.slice/podman-pause-d2bc0ab4.scope",
	/* engines' helpers, and cgroups that hold containers but are none */
	"/machine.slice/libpod-conmon-" A ".scope",
	USER "/user.slice/libpod-conmon-" A ".scope",
	"/system.slice/crio-conmon-" A ".scope",
	BURSTABLE "/crio-conmon-" A ".scope", /* runc#4620 */
	"/kubepods/burstable/pod" UUID "/crio-conmon-" A,
	"/libpod_parent",
	"/libpod_parent/conmon",
	"/libpod_parent/" A,
	"/system.slice/redis.service/supervisor",
	USER "/app.slice/redis.service/runtime",
	"/machine.slice",
	"/machine.slice/machine-libpod_pod_" A ".slice",
	USER "/user.slice/user-libpod_pod_" A ".slice",
	"/docker",
	"/docker/buildkit",
	BESTEFFORT,
	"/kubepods/burstable/pod" UUID,
	"/lxc",
	"/lxc.payload",
	"/lxc.monitor.demo",
	"/lxc.monitor/" A,
	"/lxc.pivot",
	/* not ours to name */
	"/garden/de46cb0e-ab11-4f1a-6d4e-1e9a",
	"/mesos/6b1fa1dc-5bcd-4b1c-a2b6-3a3e7a0c1e10",
	"/ecs/0c7d9b9350cd4c7e97ddbf5becfd6f22/0c7d9b9350cd4c7e97ddbf5becfd6f22-3057940393",
	/* an id where none is meant: kubernetes#38979, podman's health checks */
	"/system.slice/var-lib-docker-containers-" A "-shm.mount",
	"/system.slice/" A "-6d7ab3f1.service",
	"/system.slice/" A,
	"/" A,
	"/a/b/" A,
	"/foo/libpod_parent/" A,
	"/system.slice/docker-" A ".scope.d",
	"/system.slice/xdocker-" A,
	"/system.slice/docker-" A,
	"/system.slice/-" A ".scope",
	"/system.slice/docker--" A ".scope",
	"/system.slice/docker-" A "-x.scope",
	"/x-/" A,
	"/kubepods/pod/x/" A,
	"/burstable/pod" UUID "/" A,
	"/kubepods-burstable-pod" UUID_ ".slice:crio:" A,
	":cri-containerd:" A,
	"/lxc.payload.",
	"/machine.slice/machine-.scope",
	"/docker/5cf82fwiumld3vcs5d5l5pzyv",
	"/system.slice/docker-5cf82fwiumld3vcs5d5l5pzy.scope",
	"/system.slice/docker-5CF82FWIUMLD3VCS5D5L5PZYV.scope",
};

static struct container_path parsed(const char *path)
{
	struct container_path found;

	memset(&found, 0xa5, sizeof(found));
	if (!container_path_parse(str_of(path), &found))
		fail_msg("%s: refused", path);
	return found;
}

static void is_text(const char *path, struct str got, const char *wanted)
{
	if (!str_equal(got, str_of(wanted)))
		fail_msg("%s: '%.*s' is not '%s'", path, (int)got.len, got.data, wanted);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void row_holds(const struct row *row, enum container_kind kind)
{
	struct container_path found = parsed(row->path);
	const struct container_place *place = &found.inner;
	size_t below = 0;

	if (place->kind != kind || found.nested != 1 || !same(place->runtime, row->runtime))
		fail_msg("%s: kind %d, %zu nested, runtime %s", row->path, (int)place->kind, found.nested,
			 place->runtime ? place->runtime : "unknown");
	is_text(row->path, place->id, kind == CONTAINER_OCI ? row->id : "");
	is_text(row->path, place->name, kind == CONTAINER_OCI ? "" : row->id);
	is_text(row->path, str_of(place->pod_uid), row->pod);
	if (place->depth != row->depth || place->qos != row->qos || found.uid != row->uid)
		fail_msg("%s: depth %zu, class %d, user %u", row->path, place->depth, (int)place->qos,
			 found.uid);
	/* The container's own cgroup is the path without what lies below. */
	assert_ptr_equal(place->cgroup.data, row->path);
	for (const char *at = row->path + place->cgroup.len; *at; at++)
		below += *at == '/';
	assert_int_equal(below, row->depth);
	assert_int_equal(found.outer.kind, kind);
	assert_int_equal(found.outer.cgroup.len, place->cgroup.len);
	assert_int_equal(found.outer.depth, place->depth);
	assert_ptr_equal(container_path_recorded(&found), kind == CONTAINER_OCI ? &found.outer : NULL);
}

static void oci_containers_are_known_by_their_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(oci); i++)
		row_holds(&oci[i], CONTAINER_OCI);
}

static void other_containers_have_a_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		row_holds(&other[i], CONTAINER_OTHER);
}

static void the_rest_is_the_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(host); i++) {
		struct container_path found;

		if (host[i][0] != '/') {
			assert_false(container_path_parse(str_of(host[i]), &found));
			continue;
		}
		found = parsed(host[i]);
		if (found.nested || found.inner.kind != CONTAINER_HOST || found.outer.kind != CONTAINER_HOST ||
		    found.outer.depth || found.inner.id.len || found.inner.name.len ||
		    found.uid != CONTAINER_NO_USER || container_path_recorded(&found))
			fail_msg("%s: not the host", host[i]);
	}
}

/* One within another: the outermost, the innermost, and how many there are. */
static const struct nested_row {
	const char *path, *outer, *outer_runtime, *inner, *inner_runtime;
	size_t nested, outer_depth, inner_depth;
} nested[] = {
	/* docker in docker: RancherOS by neuvector, jpetazzo/dind#87, moby#12985 */
	{ "/docker/" A "/docker/" B, A, "docker", B, "docker", 2, 2, 0 },
	{ "/system.slice/docker-" A ".scope/docker/" B, A, "docker", B, "docker", 2, 2, 0 },
	{ BESTEFFORT "/docker-" A ".scope/docker/" B "/x", A, "docker", B, "docker", 2, 3, 1 },
	/* kind and minikube: nri#227, tetragon, minikube#14915, #11280 */
	{ "/docker/" A KIND_POD "/cri-containerd-" B ".scope", A, "docker", B, "containerd", 2, 5, 0 },
	{ "/system.slice/docker-" A ".scope" KIND_POD "/cri-containerd-" B ".scope", A, "docker", B,
	  "containerd", 2, 5, 0 },
	{ "/system.slice/docker-" A ".scope/kubelet/kubepods/pod" UUID "/" B, A, "docker", B, NULL, 2, 4, 0 },
	{ "/docker/" A "/kubepods/besteffort/pod" UUID "/" B, A, "docker", B, NULL, 2, 4, 0 },
	{ "/docker/" A BESTEFFORT "/crio-" B ".scope", A, "docker", B, "cri-o", 2, 4, 0 },
	{ "/actions_job/" A "/kubepods/burstable/pod" STATIC_POD "/" B, A, "docker", B, NULL, 2, 4, 0 },
	/* three of them */
	{ "/docker/" A BESTEFFORT "/docker-" B ".scope/docker/" C, A, "docker", C, "docker", 3, 6, 0 },
	/* BuildKit in a container, its steps in itself */
	{ "/docker/buildx/" A "/buildkit/5cf82fwiumld3vcs5d5l5pzyv", A, "docker", "5cf82fwiumld3vcs5d5l5pzyv",
	  "buildkit", 2, 2, 0 },
	/* OCI in what is none, and the other way round */
	{ "/lxc/101/ns/docker/" B, "101", "lxc", B, "docker", 2, 3, 0 },
	{ "/lxc.payload.host/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator", "host", "lxc",
	  "1\\x2dvm", "libvirt", 2, 4, 2 },
	{ "/machine.slice/machine-rawhide.scope/payload/system.slice/docker-" B ".scope", "rawhide", "machined",
	  B, "docker", 2, 3, 0 },
	{ "/docker/" A "/lxc/demo", A, "docker", "demo", "lxc", 2, 2, 0 }, /* lxc#2301 */
	{ USER "/user.slice/libpod-" A ".scope/container/system.slice/docker-" B ".scope", A, "podman", B,
	  "docker", 2, 3, 0 },
};

static struct str called(const struct container_place *place)
{
	return place->kind == CONTAINER_OCI ? place->id : place->name;
}

static void the_outer_one_stays_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nested); i++) {
		const struct nested_row *row = &nested[i];
		struct container_path found = parsed(row->path);

		is_text(row->path, called(&found.outer), row->outer);
		is_text(row->path, called(&found.inner), row->inner);
		if (found.nested != row->nested || found.outer.depth != row->outer_depth ||
		    found.inner.depth != row->inner_depth || !same(found.outer.runtime, row->outer_runtime) ||
		    !same(found.inner.runtime, row->inner_runtime))
			fail_msg("%s: %zu nested, depth %zu and %zu", row->path, found.nested,
				 found.outer.depth, found.inner.depth);
		/* The record gets the outermost, or none when that has no id. */
		assert_ptr_equal(container_path_recorded(&found),
				 found.outer.kind == CONTAINER_OCI ? &found.outer : NULL);
	}
}

static void a_pod_belongs_to_the_container_right_in_it(void **state)
{
	struct container_path found = parsed("/docker/" A BESTEFFORT "/docker-" B ".scope/docker/" C);

	(void)state;
	assert_string_equal(found.outer.pod_uid, "");
	assert_string_equal(found.inner.pod_uid, "");
	found = parsed("/docker/" A BESTEFFORT "/docker-" B ".scope");
	assert_string_equal(found.outer.pod_uid, "");
	assert_int_equal(found.outer.qos, CONTAINER_QOS_UNKNOWN);
	assert_string_equal(found.inner.pod_uid, UUID);
	assert_int_equal(found.inner.qos, CONTAINER_BEST_EFFORT);
	/* Its systemd's users are not the host's. */
	found = parsed("/docker/" A USER "/user.slice/libpod-" B ".scope");
	assert_int_equal(found.uid, CONTAINER_NO_USER);
}

/* What the tenant of container A made below it: it stays A, whatever he calls it. */
static void a_tenant_cannot_leave_his_container(void **state)
{
	static const char *const own[] = {
		"/" B,
		"/default/" B,
		"/x/" B,
		"/docker/" B "0",
		"/system.slice/docker-" B,
		"/libpod-conmon-" B ".scope",
		"/crio-conmon-" B ".scope",
		"/machine-libpod_pod_" B ".slice",
		"/lxc.monitor/x",
		"/libpod_parent/" B,
		"/libpod_parent/conmon",
		"/user.slice/user-0.slice",
		"/ (deleted)",
		"/init.scope\n0::",
		"/\xff\xfe",
		"/pod" UUID "/" B,
		"/burstable/pod" UUID "/" B,
		"/docker-9EC39B91F3D70E1BEFF50A308F77067065EA6BE0D91A3378375056CD4422CF3D.scope",
	};
	static const char *const above[] = { "/docker/" A, "/system.slice/docker-" A ".scope", "/default/" A,
					     BURSTABLE "/cri-containerd-" A ".scope",
					     "/kubepods/besteffort/pod" UUID "/" A };
	/* Full patterns: they are told, but the record stays with A. */
	static const char *const pretended[] = { "/docker/" B,
						 "/system.slice/docker-" B ".scope",
						 "/lxc/x",
						 "/kubepods/pod" UUID "/" B,
						 "/machine-x.scope",
						 "/libpod-" B,
						 "/docker/" B "/docker/" C,
						 "/a/b/c-" B ".scope/d" };
	char path[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(above); i++) {
		for (size_t j = 0; j < ARRAY_LEN(own) + ARRAY_LEN(pretended); j++) {
			bool full = j >= ARRAY_LEN(own);
			struct container_path found;

			snprintf(path, sizeof(path), "%s%s", above[i],
				 full ? pretended[j - ARRAY_LEN(own)] : own[j]);
			found = parsed(path);
			if (full ? found.nested < 2 : found.nested != 1)
				fail_msg("%s: %zu nested", path, found.nested);
			is_text(path, container_path_recorded(&found)->id, A);
			assert_int_equal(found.outer.cgroup.len, strlen(above[i]));
			assert_int_equal(found.uid, CONTAINER_NO_USER);
		}
	}
}

/* A container may be called like the directories that engines keep theirs in. */
static void names_of_containers_are_no_patterns(void **state)
{
	static const char *const names[] = { "docker",	    "lxc",	     "buildkit",
					     "actions_job", "libpod_parent", "machine" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct container_path found;

		snprintf(path, sizeof(path), "/lxc/%s/" A, names[i]);
		found = parsed(path);
		assert_int_equal(found.nested, 1);
		is_text(path, found.inner.name, names[i]);
	}
}

static void an_id_is_64_small_digits_and_nothing_else(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		A "0",
		"g" A,
		"9EC39B91F3D70E1BEFF50A308F77067065EA6BE0D91A3378375056CD4422CF3D",
		"ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d",
		" " A,
		A "\n",
		"xec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d",
	};
	static const char *const around[] = { "/docker/%s",
					      "/system.slice/docker-%s.scope",
					      "/default/%s",
					      "/libpod_parent/libpod-%s",
					      "/kubepods/pod" UUID "/%s",
					      "/kubepods/pod" UUID "/crio-%s",
					      "/ecs/x/%s",
					      BURSTABLE "/cri-containerd-%s.scope",
					      BURSTABLE ":cri-containerd:%s",
					      "/a/libpod-payload-%s" };
	char path[512];

	(void)state;
	assert_true(container_id_is(STR(A)));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(container_id_is(str_of(bad[i])));
		for (size_t j = 0; bad[i][0] && j < ARRAY_LEN(around); j++) {
			snprintf(path, sizeof(path), around[j], bad[i]);
			if (parsed(path).nested)
				fail_msg("%s: a container", path);
		}
	}
}

static void what_is_no_path_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "docker/" A,
					   "//docker/" A,
					   "/docker//" A,
					   "/docker/" A "/",
					   "/docker/" A "/..",
					   "/../docker/" A,
					   "/./docker/" A,
					   "/docker/" A "/./x" };
	static char longest[CONTAINER_PATH_MAX + 2] = "/docker/" A "/";
	size_t start = strlen(longest);
	struct container_path found = { .nested = 77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (container_path_parse(str_of(bad[i]), &found))
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_false(container_path_parse((struct str) { "/a\0b", 4 }, &found));
	memset(longest + start, 'x', CONTAINER_PATH_MAX + 1 - start);
	assert_false(container_path_parse(str_of(longest), &found));
	assert_int_equal(found.nested, 77);
	longest[CONTAINER_PATH_MAX] = '\0';
	assert_int_equal(parsed(longest).outer.depth, 1);
	/* As deep as can be. */
	for (size_t i = start; i < CONTAINER_PATH_MAX; i++)
		longest[i] = i % 2 == start % 2 ? 'x' : '/';
	longest[CONTAINER_PATH_MAX - 1] = 'x';
	assert_true(parsed(longest).outer.depth > 2000);
	is_text(longest, parsed(longest).outer.id, A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oci_containers_are_known_by_their_path),
		cmocka_unit_test(other_containers_have_a_name),
		cmocka_unit_test(the_rest_is_the_host),
		cmocka_unit_test(the_outer_one_stays_known),
		cmocka_unit_test(a_pod_belongs_to_the_container_right_in_it),
		cmocka_unit_test(a_tenant_cannot_leave_his_container),
		cmocka_unit_test(names_of_containers_are_no_patterns),
		cmocka_unit_test(an_id_is_64_small_digits_and_nothing_else),
		cmocka_unit_test(what_is_no_path_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
