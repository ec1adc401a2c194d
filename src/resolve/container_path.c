// SPDX-License-Identifier: Apache-2.0
/*
 * Walks the components from the root and asks the table at each. The first row that fits decides; what it finds stands
 * within what was found before. Reads the path only, and each byte a bounded number of times.
 */

#include "resolve/container_path.h"

#include "base/cleanup.h"
#include "base/text.h"

#define NAMESPACE_MAX 76 /* containerd's limit */

enum above {
	ANYWHERE,
	BELOW, /* the parent is called `parent` */
	TWO_BELOW, /* the parent's parent is */
	IN_POD, /* the parent is a Kubernetes pod */
	IN_NAMESPACE, /* second from the root, in no container, the parent could be a namespace of containerd */
};

enum id_form {
	HEX, /* 64 digits, between prefix and suffix */
	HEX_AT_END, /* the same, but something stands before the prefix */
	HEX_OF_ANY, /* the same, but a containerd-like name stands before the prefix */
	BUILD, /* BuildKit's 25 digits of base 36 */
	NAME, /* anything */
};

/* One shape of one component. Kind HOST: what a later row would take for a container, but is none. */
struct pattern {
	enum above above;
	const char *parent;
	const char *prefix, *suffix;
	enum id_form form;
	enum container_kind kind;
	const char *runtime;
};

static const struct pattern patterns[] = {
	/* Scopes of systemd. */
	{ ANYWHERE, NULL, "libpod-conmon-", ".scope", HEX, CONTAINER_HOST, NULL },
	{ ANYWHERE, NULL, "crio-conmon-", ".scope", HEX, CONTAINER_HOST, NULL },
	{ ANYWHERE, NULL, "docker-", ".scope", HEX, CONTAINER_OCI, "docker" },
	{ ANYWHERE, NULL, "docker-", ".scope", BUILD, CONTAINER_OTHER, "buildkit" },
	{ ANYWHERE, NULL, "cri-containerd-", ".scope", HEX, CONTAINER_OCI, "containerd" },
	{ ANYWHERE, NULL, "nerdctl-", ".scope", HEX, CONTAINER_OCI, "containerd" },
	{ ANYWHERE, NULL, "crio-", ".scope", HEX, CONTAINER_OCI, "cri-o" },
	{ ANYWHERE, NULL, "libpod-", ".scope", HEX, CONTAINER_OCI, "podman" },
	/* runc's `SLICE:PREFIX:ID` of whoever else; a containerd namespace, usually, but the path does not prove it. */
	{ ANYWHERE, NULL, "-", ".scope", HEX_OF_ANY, CONTAINER_OCI, NULL },

	/* The same without systemd; containerd with systemd's form of path, but the driver for plain cgroups. */
	{ ANYWHERE, NULL, ":cri-containerd:", "", HEX_AT_END, CONTAINER_OCI, "containerd" },
	{ ANYWHERE, NULL, "crio-", "", HEX, CONTAINER_OCI, "cri-o" },
	{ ANYWHERE, NULL, "libpod-", "", HEX, CONTAINER_OCI, "podman" },
	{ ANYWHERE, NULL, "libpod-payload-", "", HEX, CONTAINER_OCI, "podman" }, /* --cgroups=split, Quadlet */
	{ IN_POD, NULL, "", "", HEX, CONTAINER_OCI, NULL },
	{ BELOW, "docker", "", "", HEX, CONTAINER_OCI, "docker" },
	{ BELOW, "buildx", "", "", HEX, CONTAINER_OCI, "docker" }, /* buildkitd of `docker buildx create` */
	{ BELOW, "actions_job", "", "", HEX, CONTAINER_OCI, "docker" }, /* GitHub's runner */
	{ BELOW, "azpl_job", "", "", HEX, CONTAINER_OCI, "docker" }, /* Azure Pipelines */
	{ TWO_BELOW, "ecs", "", "", HEX, CONTAINER_OCI, "docker" }, /* /ecs/TASK/ID */
	{ BELOW, "buildkit", "", "", NAME, CONTAINER_OTHER, "buildkit" },

	/* Not OCI. */
	{ ANYWHERE, NULL, "lxc.payload.", "", NAME, CONTAINER_OTHER, "lxc" },
	{ BELOW, "lxc.payload", "", "", NAME, CONTAINER_OTHER, "lxc" },
	{ BELOW, "lxc.monitor", "", "", NAME, CONTAINER_HOST, NULL },
	{ BELOW, "lxc", "", "", NAME, CONTAINER_OTHER, "lxc" },
	{ ANYWHERE, NULL, "machine-qemu\\x2d", ".scope", NAME, CONTAINER_OTHER, "libvirt" },
	{ ANYWHERE, NULL, "machine-lxc\\x2d", ".scope", NAME, CONTAINER_OTHER, "libvirt" },
	{ ANYWHERE, NULL, "machine-", ".scope", NAME, CONTAINER_OTHER, "machined" },
	{ ANYWHERE, NULL, "systemd-nspawn@", ".service", NAME, CONTAINER_OTHER, "systemd-nspawn" },
	{ BELOW, "machine", "", ".libvirt-qemu", NAME, CONTAINER_OTHER, "libvirt" },
	{ BELOW, "machine", "", ".libvirt-lxc", NAME, CONTAINER_OTHER, "libvirt" },

	/* Last, the least sure one: ctr, nerdctl, and docker's --cgroup-parent look like this. */
	{ BELOW, "libpod_parent", "", "", HEX, CONTAINER_HOST, NULL }, /* a pod of podman's */
	{ IN_NAMESPACE, NULL, "", "", HEX, CONTAINER_OCI, "containerd" },
};

struct pod {
	bool is; /* one at all */
	char uid[CONTAINER_POD_UID_MAX + 1];
	enum container_qos qos;
};

struct walk {
	struct str path;
	size_t end; /* of the component under way, in the path */
	size_t index; /* of it, from the root */
	struct str component;
	struct str up[2]; /* its parent, and that one's; empty = the root, or a container, whatever its name */
	struct pod pod; /* its parent, when that is one */
	struct container_path *found;
	uint32_t uid;
};

static bool is_hex(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

static bool is_alphanumeric(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool container_id_is(struct str text)
{
	size_t i = 0;

	while (i < text.len && is_hex(text.data[i]))
		i++;
	return i == text.len && text.len == CONTAINER_ID_LEN;
}

static bool is_build(struct str text)
{
	size_t i = 0;

	while (i < text.len && is_alphanumeric(text.data[i]) && !(text.data[i] >= 'A' && text.data[i] <= 'Z'))
		i++;
	return i == text.len && text.len == 25;
}

/* Letters and digits, with single '.', '_' or '-' between them. */
static bool is_namespace(struct str text)
{
	bool alphanumeric = false;

	for (size_t i = 0; i < text.len; i++) {
		bool was = alphanumeric;

		alphanumeric = is_alphanumeric(text.data[i]);
		if (!alphanumeric && (!was || !memchr("._-", text.data[i], 3)))
			return false;
	}
	return alphanumeric && text.len <= NAMESPACE_MAX;
}

static bool cut_front(struct str *text, const char *front)
{
	size_t len = strlen(front);

	if (text->len < len || memcmp(text->data, front, len) != 0)
		return false;
	text->data += len;
	text->len -= len;
	return true;
}

static bool cut_end(struct str *text, const char *end)
{
	size_t len = strlen(end);

	if (text->len < len || memcmp(text->data + text->len - len, end, len) != 0)
		return false;
	text->len -= len;
	return true;
}

static bool is_called(struct str text, const char *name)
{
	return str_equal(text, str_of(name));
}

static bool is_unit(struct str text)
{
	return cut_end(&text, ".slice") || cut_end(&text, ".scope") || cut_end(&text, ".service");
}

/* A UID as Kubernetes makes them: a UUID, or the 32 digits of a static pod's hash. Another one is not told. */
static struct pod pod_of(struct str uid, char dash, enum container_qos qos)
{
	struct pod pod = { .is = true, .qos = qos };

	for (size_t i = 0; i < uid.len; i++) {
		bool dashed = uid.len == CONTAINER_POD_UID_MAX && (i == 8 || i == 13 || i == 18 || i == 23);

		if ((uid.len != 32 && uid.len != CONTAINER_POD_UID_MAX) ||
		    (dashed ? uid.data[i] != dash : !is_hex(uid.data[i])))
			return (struct pod) { .is = true, .qos = qos };
		pod.uid[i] = dashed ? '-' : uid.data[i];
	}
	return pod;
}

/* "kubepods-burstable-podUID.slice", and with more in front ("kubelet-"): systemd repeats the slices above. */
static struct pod pod_slice(struct str slice)
{
	struct pod none = { .is = false };

	if (!cut_end(&slice, ".slice"))
		return none;
	for (; slice.len > 0; slice.data++, slice.len--) {
		struct str uid = slice;

		if (cut_front(&uid, "kubepods-burstable-pod"))
			return pod_of(uid, '_', CONTAINER_BURSTABLE);
		if (cut_front(&uid, "kubepods-besteffort-pod"))
			return pod_of(uid, '_', CONTAINER_BEST_EFFORT);
		if (cut_front(&uid, "kubepods-pod"))
			return pod_of(uid, '_', CONTAINER_GUARANTEED);
		while (slice.len > 0 && slice.data[0] != '-') {
			slice.data++;
			slice.len--;
		}
		if (slice.len == 0)
			break;
	}
	return none;
}

/* "kubepods/burstable/podUID", "kubepods/podUID". */
static struct pod pod_directory(const struct walk *walk)
{
	struct str uid = walk->component;

	if (!cut_front(&uid, "pod"))
		return (struct pod) { .is = false };
	if (is_called(walk->up[0], "kubepods"))
		return pod_of(uid, '-', CONTAINER_GUARANTEED);
	if (is_called(walk->up[0], "burstable") && is_called(walk->up[1], "kubepods"))
		return pod_of(uid, '-', CONTAINER_BURSTABLE);
	if (is_called(walk->up[0], "besteffort") && is_called(walk->up[1], "kubepods"))
		return pod_of(uid, '-', CONTAINER_BEST_EFFORT);
	return (struct pod) { .is = false };
}

static struct pod component_pod(const struct walk *walk)
{
	struct pod pod = pod_slice(walk->component);

	return pod.is ? pod : pod_directory(walk);
}

static bool place_fits(const struct pattern *pattern, const struct walk *walk)
{
	switch (pattern->above) {
	case BELOW:
		return is_called(walk->up[0], pattern->parent);
	case TWO_BELOW:
		return is_called(walk->up[1], pattern->parent);
	case IN_POD:
		return walk->pod.is;
	case IN_NAMESPACE:
		return walk->index == 1 && walk->found->nested == 0 && is_namespace(walk->up[0]) &&
		       !is_unit(walk->up[0]);
	case ANYWHERE:
		break;
	}
	return true;
}

/* What stands before `-ID` or `:prefix:ID`; the id is what remains. */
static bool cut_before_id(const struct pattern *pattern, struct str *text, struct str *ret_before)
{
	*ret_before = *text;
	if (text->len <= CONTAINER_ID_LEN)
		return false;
	ret_before->len = text->len - CONTAINER_ID_LEN;
	text->data += ret_before->len;
	text->len = CONTAINER_ID_LEN;
	return cut_end(ret_before, pattern->prefix);
}

static bool name_fits(const struct pattern *pattern, struct str component, struct str *ret_id)
{
	struct str before;

	*ret_id = component;
	if (!cut_end(ret_id, pattern->suffix))
		return false;
	switch (pattern->form) {
	case HEX_AT_END:
		return cut_before_id(pattern, ret_id, &before) && container_id_is(*ret_id);
	case HEX_OF_ANY:
		return cut_before_id(pattern, ret_id, &before) && container_id_is(*ret_id) &&
		       is_namespace(before);
	case HEX:
		return cut_front(ret_id, pattern->prefix) && container_id_is(*ret_id);
	case BUILD:
		return cut_front(ret_id, pattern->prefix) && is_build(*ret_id);
	case NAME:
		break;
	}
	return cut_front(ret_id, pattern->prefix) && ret_id->len > 0;
}

static const struct pattern *pattern_find(const struct walk *walk, struct str *ret_id)
{
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		if (name_fits(&patterns[i], walk->component, ret_id) && place_fits(&patterns[i], walk))
			return &patterns[i];
	}
	return NULL;
}

static void container_enter(struct walk *walk, const struct pattern *pattern, struct str id)
{
	struct container_path *found = walk->found;
	struct container_place place = { .kind = pattern->kind,
					 .runtime = pattern->runtime,
					 .cgroup = { walk->path.data, walk->end } };
	struct pod pod = walk->pod;

	if (pattern->kind == CONTAINER_OCI)
		place.id = id;
	else
		place.name = id;
	/* The slice of the pod may stand in front, in the same component. */
	if (pattern->form == HEX_AT_END)
		pod = pod_slice((struct str) { walk->component.data, walk->component.len - CONTAINER_ID_LEN -
									     strlen(pattern->prefix) });
	memcpy(place.pod_uid, pod.uid, sizeof(place.pod_uid));
	place.qos = pod.qos;
	found->inner = place;
	if (found->nested++ == 0) {
		found->outer = place;
		found->uid = walk->uid;
	}
}

static void component_take(struct walk *walk)
{
	const struct pattern *pattern;
	struct str user = walk->component, id;
	uint64_t uid;
	bool entered;

	/* The first one: what stands below it may be named by that user. */
	if (walk->uid == CONTAINER_NO_USER && cut_front(&user, "user-") && cut_end(&user, ".slice") &&
	    text_parse_u64(user, 0, CONTAINER_NO_USER - 1, &uid) == 0)
		walk->uid = (uint32_t)uid;
	/* What stands in a container goes one deeper in it, unless it is one itself. */
	walk->found->outer.depth++;
	walk->found->inner.depth++;
	pattern = pattern_find(walk, &id);
	entered = pattern && pattern->kind != CONTAINER_HOST;
	if (entered)
		container_enter(walk, pattern, id);
	walk->pod = component_pod(walk);
	walk->up[1] = walk->up[0];
	walk->up[0] = walk->component;
	if (entered) {
		walk->pod = (struct pod) { .is = false };
		walk->up[0] = STR("");
	}
	walk->index++;
}

static bool component_is_sound(struct str component)
{
	return component.len > 0 && !is_called(component, ".") && !is_called(component, "..");
}

bool container_path_parse(struct str path, struct container_path *ret_found)
{
	struct container_path found = { .uid = CONTAINER_NO_USER };
	struct walk walk = { .path = path, .found = &found, .uid = CONTAINER_NO_USER };
	size_t at = 1;

	if (path.len == 0 || path.len > CONTAINER_PATH_MAX || path.data[0] != '/' ||
	    memchr(path.data, '\0', path.len))
		return false;
	while (path.len > 1 && at <= path.len) {
		const char *slash = memchr(path.data + at, '/', path.len - at);

		walk.end = slash ? (size_t)(slash - path.data) : path.len;
		walk.component = (struct str) { path.data + at, walk.end - at };
		if (!component_is_sound(walk.component))
			return false;
		component_take(&walk);
		at = walk.end + 1;
	}
	if (found.nested == 0)
		found.outer.depth = found.inner.depth = 0;
	*ret_found = found;
	return true;
}

const struct container_place *container_path_recorded(const struct container_path *found)
{
	return found->outer.kind == CONTAINER_OCI ? &found->outer : NULL;
}
