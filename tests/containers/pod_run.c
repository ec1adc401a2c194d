// SPDX-License-Identifier: Apache-2.0
/*
 * As much of a kubelet as a test needs, since Debian has no crictl: makes a pod and a container in it through CRI v1, in the
 * host's network. Field numbers are those of k8s.io/cri-api, pkg/apis/runtime/v1/api.proto.
 *
 *   pod_run SOCKET sandbox POD NAMESPACE UID         prints the sandbox's id
 *   pod_run SOCKET container SANDBOX POD NAMESPACE UID NAME IMAGE [LABEL=VALUE...]    made and started; prints its id
 *   pod_run SOCKET remove SANDBOX                    with what is in it
 *
 * Exit status: 0; 1 it failed, the reason on stderr; 2 bad arguments.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "resolve/engine_grpc.h"

#define RUNTIME "/runtime.v1.RuntimeService/"
#define WAIT_MS 60000
#define NODE 2 /* NamespaceMode: the host's */

/* A message being written; large enough for any of these. */
struct message {
	char data[8192];
	size_t len;
};

static void put_varint(struct message *m, uint64_t value)
{
	if (m->len + 10 > sizeof(m->data))
		exit(2);
	for (; value > 127; value >>= 7)
		m->data[m->len++] = (char)(value | 128);
	m->data[m->len++] = (char)value;
}

static void put_number(struct message *m, unsigned int field, uint64_t value)
{
	put_varint(m, field << 3);
	put_varint(m, value);
}

static void put_bytes(struct message *m, unsigned int field, const char *data, size_t len)
{
	put_varint(m, field << 3 | 2);
	put_varint(m, len);
	if (m->len + len > sizeof(m->data))
		exit(2);
	memcpy(m->data + m->len, data, len);
	m->len += len;
}

static void put_text(struct message *m, unsigned int field, const char *text)
{
	put_bytes(m, field, text, strlen(text));
}

static void put_message(struct message *m, unsigned int field, const struct message *inner)
{
	put_bytes(m, field, inner->data, inner->len);
}

static void put_entry(struct message *m, unsigned int field, const char *key, const char *value)
{
	struct message entry = { .len = 0 };

	put_text(&entry, 1, key);
	put_text(&entry, 2, value);
	put_message(m, field, &entry);
}

static void put_pod_labels(struct message *m, unsigned int field, char *const pod[3])
{
	put_entry(m, field, "io.kubernetes.pod.name", pod[0]);
	put_entry(m, field, "io.kubernetes.pod.namespace", pod[1]);
	put_entry(m, field, "io.kubernetes.pod.uid", pod[2]);
}

/* LinuxSandboxSecurityContext and LinuxContainerSecurityContext have their NamespaceOption in different places. */
static struct message host_namespaces(unsigned int field)
{
	struct message option = { .len = 0 }, context = { .len = 0 };

	put_number(&option, 1, NODE);
	put_message(&context, field, &option);
	return context;
}

static struct message sandbox_config(char *const pod[3])
{
	struct message config = { .len = 0 }, metadata = { .len = 0 }, os = { .len = 0 };
	struct message context = host_namespaces(1);

	put_text(&metadata, 1, pod[0]);
	put_text(&metadata, 2, pod[2]);
	put_text(&metadata, 3, pod[1]);
	put_message(&config, 1, &metadata);
	put_pod_labels(&config, 6, pod);
	put_message(&os, 2, &context);
	put_message(&config, 8, &os);
	return config;
}

/* The text of the answer's field 1, which is all that these methods answer. */
static int call(struct grpc_client *client, const char *method, const struct message *request, char *ret_text,
		size_t size)
{
	_cleanup_(buf_done) struct buf answer = BUF_MAX(1 << 20);
	struct diag diag = { .text = "" };
	struct grpc_call call = {
		.method = method,
		.request = { request->data, request->len },
		.deadline_ns = grpc_deadline(WAIT_MS),
	};
	int r = grpc_unary(client, &call, &diag, &answer);
	size_t len = answer.len >= 2 && answer.data[0] == 10 ? (unsigned char)answer.data[1] : 0;

	if (r != GRPC_ANSWERED || (len > 0 && len + 2 > answer.len) || len >= size) {
		fprintf(stderr, "%s: %d %s\n", method, r, diag.text);
		return -1;
	}
	if (len > 0)
		memcpy(ret_text, answer.data + 2, len);
	ret_text[len] = '\0';
	return 0;
}

static int sandbox(struct grpc_client *client, char **words)
{
	struct message request = { .len = 0 }, config = sandbox_config(words);
	char id[128];

	put_message(&request, 1, &config);
	if (call(client, RUNTIME "RunPodSandbox", &request, id, sizeof(id)) < 0)
		return 1;
	puts(id);
	return 0;
}

static struct message container_config(char *const *words, int n)
{
	struct message config = { .len = 0 }, metadata = { .len = 0 }, image = { .len = 0 }, os = { .len = 0 };
	struct message context = host_namespaces(3);

	put_text(&metadata, 1, words[4]);
	put_message(&config, 1, &metadata);
	put_text(&image, 1, words[5]);
	put_message(&config, 2, &image);
	for (int i = 6; i < n; i++) {
		char *value = strchr(words[i], '=');

		if (value) {
			*value = '\0';
			put_entry(&config, 9, words[i], value + 1);
		}
	}
	put_message(&os, 2, &context);
	put_message(&config, 15, &os);
	return config;
}

static int container(struct grpc_client *client, char **words, int n)
{
	struct message request = { .len = 0 }, start = { .len = 0 };
	struct message config = container_config(words, n), pod = sandbox_config(words + 1);
	char id[128], nothing[128];

	put_text(&request, 1, words[0]);
	put_message(&request, 2, &config);
	put_message(&request, 3, &pod);
	if (call(client, RUNTIME "CreateContainer", &request, id, sizeof(id)) < 0)
		return 1;
	put_text(&start, 1, id);
	if (call(client, RUNTIME "StartContainer", &start, nothing, sizeof(nothing)) < 0)
		return 1;
	puts(id);
	return 0;
}

static int drop(struct grpc_client *client, const char *id)
{
	struct message request = { .len = 0 };
	char nothing[128];

	put_text(&request, 1, id);
	return call(client, RUNTIME "StopPodSandbox", &request, nothing, sizeof(nothing)) < 0 ||
	       call(client, RUNTIME "RemovePodSandbox", &request, nothing, sizeof(nothing)) < 0;
}

int main(int argc, char **argv)
{
	_cleanup_(grpc_closep) struct grpc_client *client = NULL;
	struct diag diag = { .text = "" };

	if (argc < 4 || grpc_open(argv[1], 0, &diag, &client) < 0)
		return 2;
	if (strcmp(argv[2], "sandbox") == 0 && argc == 6)
		return sandbox(client, argv + 3);
	if (strcmp(argv[2], "container") == 0 && argc >= 9)
		return container(client, argv + 3, argc - 3);
	if (strcmp(argv[2], "remove") == 0)
		return drop(client, argv[3]);
	return 2;
}
