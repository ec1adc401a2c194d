/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A log that speaks as Rekor v2 does, over a local log in a directory of the test's. `log` may be exchanged for another one
 * between two requests: then it contradicts itself. One request at a time.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "transparency/local_log.h"

#define FAKE_REQUEST_MAX 65536

struct fake_rekor {
	struct local_log *log; /* the test's */
	int listener, port;
	char url[64];
	pthread_t thread;
	atomic_int status; /* instead of a good answer to POST; 0 = none */
	atomic_uint posted, conflicts;
	char request[FAKE_REQUEST_MAX];
};

static void fake_say(int fd, int status, const char *headers, struct str body)
{
	char head[256];
	int len = snprintf(head, sizeof(head),
			   "HTTP/1.1 %d X\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n", status,
			   headers, body.len);

	(void)!send(fd, head, (size_t)len, MSG_NOSIGNAL);
	(void)!send(fd, body.data, body.len, MSG_NOSIGNAL);
}

static json_t *fake_base64(const void *data, size_t len)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(4 * FAKE_REQUEST_MAX);

	assert(text_base64_append(&text, data, len) == 0);
	return json_stringn(text.data, text.len);
}

static json_t *fake_number(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return json_string(text);
}

/* The leaf as Rekor v2 makes it out of the request. */
static void fake_body(const json_t *request, struct buf *out)
{
	const char *digest, *content, *key;

	assert(json_unpack((json_t *)request, "{s:{s:s, s:{s:s, s:{s:{s:s}}}}}", "hashedRekordRequestV002",
			   "digest", &digest, "signature", "content", &content, "verifier", "publicKey",
			   "rawBytes", &key) == 0);
	assert(buf_printf(out,
			  "{\"apiVersion\":\"0.0.2\",\"kind\":\"hashedrekord\",\"spec\":{\"hashedRekordV002\":{"
			  "\"data\":{"
			  "\"algorithm\":\"SHA2_256\",\"digest\":\"%s\"},\"signature\":{\"content\":\"%s\","
			  "\"verifier\":{"
			  "\"keyDetails\":\"PKIX_ECDSA_P256_SHA_256\",\"publicKey\":{\"rawBytes\":\"%s\"}}}}}}",
			  digest, content, key) == 0);
}

static json_t *fake_entry(struct fake_rekor *fake, uint64_t index, struct str body)
{
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX);
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	json_t *hashes = json_array();
	uint64_t size;

	bundle_entry_init(&entry);
	assert(local_log_checkpoint(fake->log, &note, &size) == 0);
	assert(local_log_prove(fake->log, index, body, buf_str(&note), size, NULL, &entry) == 0);
	for (size_t i = 0; i < entry.n_hashes; i++)
		json_array_append_new(hashes, fake_base64(entry.hashes[i].bytes, DIGEST_LEN));
	return json_pack("{s:o, s:{s:o}, s:{s:s, s:s}, s:s, s:n, s:{s:o, s:o, s:o, s:o, s:{s:s%}}, s:o}",
			 "logIndex", fake_number(index), "logId", "keyId",
			 fake_base64(entry.log_id.bytes, DIGEST_LEN), "kindVersion", "kind", "hashedrekord",
			 "version", "0.0.2", "integratedTime", "0", "inclusionPromise", "inclusionProof",
			 "logIndex", fake_number(index), "rootHash", fake_base64(entry.root.bytes, DIGEST_LEN),
			 "treeSize", fake_number(size), "hashes", hashes, "checkpoint", "envelope", note.data,
			 note.len, "canonicalizedBody", fake_base64(body.data, body.len));
}

static void fake_post(struct fake_rekor *fake, int fd, const char *text)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(FAKE_REQUEST_MAX), note = BUF_MAX(NOTE_MAX);
	json_t *request = json_loads(text, 0, NULL), *entry;
	char conflict[64];
	uint64_t before, index;
	struct str view;
	char *answer;

	atomic_fetch_add(&fake->posted, 1);
	fake_body(request, &body);
	json_decref(request);
	view = buf_str(&body);
	assert(local_log_checkpoint(fake->log, &note, &before) == 0);
	assert(local_log_add(fake->log, &view, 1, NULL, &index) == 0);
	if (index < before) {
		atomic_fetch_add(&fake->conflicts, 1);
		snprintf(conflict, sizeof(conflict), "X-Log-Index: %llu\r\n", (unsigned long long)index);
		fake_say(fd, 409, conflict, STR("there already"));
		return;
	}
	entry = fake_entry(fake, index, view);
	answer = json_dumps(entry, JSON_COMPACT);
	json_decref(entry);
	fake_say(fd, 201, "", str_of(answer));
	free(answer);
}

static void fake_get(struct fake_rekor *fake, int fd, const char *path)
{
	_cleanup_(buf_done) struct buf bytes = BUF_MAX(TILE_ENTRIES_BYTES);

	if (strncmp(path, "/api/v2/", 8) == 0 &&
	    file_read_at(local_log_dir(fake->log), path + 8, &bytes, NULL) == 0)
		fake_say(fd, 200, "", buf_str(&bytes));
	else
		fake_say(fd, 404, "", STR(""));
}

static bool fake_read(struct fake_rekor *fake, int fd)
{
	size_t have = 0;

	while (have < sizeof(fake->request) - 1) {
		ssize_t got = recv(fd, fake->request + have, sizeof(fake->request) - 1 - have, 0);
		const char *end, *length;

		if (got <= 0)
			return false;
		have += (size_t)got;
		fake->request[have] = 0;
		end = strstr(fake->request, "\r\n\r\n");
		length = strstr(fake->request, "Content-Length: ");
		if (end &&
		    have >= (size_t)(end + 4 - fake->request) + (length ? strtoul(length + 16, NULL, 10) : 0))
			return true;
	}
	return false;
}

static void fake_serve(struct fake_rekor *fake, int fd)
{
	char path[256];

	if (!fake_read(fake, fd))
		return;
	if (fake->status)
		fake_say(fd, fake->status, "", STR("not now"));
	else if (strncmp(fake->request, "POST ", 5) == 0)
		fake_post(fake, fd, strstr(fake->request, "\r\n\r\n") + 4);
	else if (sscanf(fake->request, "GET %255s", path) == 1)
		fake_get(fake, fd, path);
}

static void *fake_run(void *user)
{
	struct fake_rekor *fake = user;
	int fd;

	while ((fd = accept(fake->listener, NULL, NULL)) >= 0) {
		fake_serve(fake, fd);
		close(fd);
	}
	return NULL;
}

static void fake_start(struct fake_rekor *fake, struct local_log *log)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	memset(fake, 0, sizeof(*fake));
	fake->log = log;
	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(fake->listener >= 0);
	assert(bind(fake->listener, (struct sockaddr *)&address, len) == 0 && listen(fake->listener, 64) == 0);
	assert(getsockname(fake->listener, (struct sockaddr *)&address, &len) == 0);
	fake->port = ntohs(address.sin_port);
	snprintf(fake->url, sizeof(fake->url), "http://127.0.0.1:%d", fake->port);
	assert(pthread_create(&fake->thread, NULL, fake_run, fake) == 0);
}

static void fake_stop(struct fake_rekor *fake)
{
	shutdown(fake->listener, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	close(fake->listener);
}
