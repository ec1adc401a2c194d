// SPDX-License-Identifier: Apache-2.0
/*
 * One libcurl handle, its options set anew for each request; only its connections last. Promises: an answer is whole, or
 * an error says why not. Refuses: redirects, compressed bodies, headers and bodies beyond their limits, anything but
 * http and https, certificates that do not verify, and any connection while STELLA_OFFLINE is set. Owns the handle and
 * the list of headers; what the settings and the request point to is the caller's.
 */

#include "net/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/text.h"

#define TIMEOUT_MS 30000
#define CONNECT_MS 10000 /* of the whole request's time, at most */
#define HEADERS_MAX 65536 /* bytes of an answer's headers, informational answers included */
#define RETRY_MAX_S 86400
#define PEER_MAX 300

struct http {
	CURL *easy;
	struct http_settings settings;
	char reason[CURL_ERROR_SIZE];
	char peer[PEER_MAX]; /* host and port, for the line */
	/* of the request under way */
	struct http_answer *answer;
	const atomic_bool *cancel;
	size_t header_bytes;
	int error; /* why one of our own functions ended it */
};

/* ---- what libcurl calls ---- */

static bool header_is(struct str line, const char *name, struct str *ret_value)
{
	size_t len = strlen(name);
	struct str value;

	if (line.len <= len || line.data[len] != ':' || strncasecmp(line.data, name, len) != 0)
		return false;
	value = (struct str) { line.data + len + 1, line.len - len - 1 };
	while (value.len > 0 && (*value.data == ' ' || *value.data == '\t'))
		value.data++, value.len--;
	while (value.len > 0 && strchr(" \t\r\n", value.data[value.len - 1]))
		value.len--;
	*ret_value = value;
	return true;
}

/* A value that does not fit is left out, not cut. */
static void value_keep(struct str value, char *out, size_t size)
{
	out[0] = 0;
	if (value.len >= size || memchr(value.data, 0, value.len))
		return;
	memcpy(out, value.data, value.len);
	out[value.len] = 0;
}

static int64_t retry_after(struct str value)
{
	char text[64];
	uint64_t seconds;
	time_t at;

	value_keep(value, text, sizeof(text));
	if (text_parse_u64(value, 0, UINT64_MAX, &seconds) == 0)
		return seconds > RETRY_MAX_S ? RETRY_MAX_S : (int64_t)seconds;
	at = curl_getdate(text, NULL);
	if (at == -1)
		return -1;
	at -= time(NULL);
	return at < 0 ? 0 : at > RETRY_MAX_S ? RETRY_MAX_S : at;
}

static void answer_restart(struct http_answer *answer)
{
	answer->location[0] = 0;
	answer->log_index[0] = 0;
	answer->retry_after_s = -1;
}

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
	struct http *http = user;
	struct str line = { data, size * count }, value;

	http->header_bytes += line.len;
	if (http->header_bytes > HEADERS_MAX) {
		http->error = -EFBIG;
		return 0;
	}
	if (line.len >= 5 && memcmp(line.data, "HTTP/", 5) == 0)
		answer_restart(http->answer); /* what came before belonged to "100 Continue" or the like */
	else if (header_is(line, "Location", &value))
		value_keep(value, http->answer->location, sizeof(http->answer->location));
	else if (header_is(line, "X-Log-Index", &value))
		value_keep(value, http->answer->log_index, sizeof(http->answer->log_index));
	else if (header_is(line, "Retry-After", &value))
		http->answer->retry_after_s = retry_after(value);
	return line.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
	struct http *http = user;
	int r = buf_append(&http->answer->body, data, size * count);

	if (r == 0)
		return size * count;
	http->error = r == -E2BIG ? -EFBIG : r;
	return 0;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct http *http = user;

	(void)a, (void)b, (void)c, (void)d;
	if (!http->cancel || !atomic_load(http->cancel))
		return 0;
	http->error = -ECANCELED;
	return 1;
}

/* ---- life ---- */

static int global_result;

static void global_start(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -ENOMEM;
}

int http_new(const struct http_settings *settings, struct diag *diag, struct http **ret_http)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(http_freep) struct http *http = calloc(1, sizeof(*http));

	pthread_once(&once, global_start);
	if (!http || global_result < 0)
		return diag_error(diag, -ENOMEM, "http: no memory for a handle");
	http->settings = *settings;
	http->easy = curl_easy_init();
	if (!http->easy)
		return diag_error(diag, -ENOMEM, "http: no memory for a handle");
	*ret_http = TAKE(http);
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->easy);
	free(http);
}

void http_request_header(struct http_request *request, const char *name, const char *value)
{
	if (request->n_headers < HTTP_HEADERS_MAX)
		request->headers[request->n_headers] = (struct http_header) { name, value };
	request->n_headers++; /* one too many is refused when it is sent */
}

void http_answer_done(struct http_answer *answer)
{
	buf_done(&answer->body);
}

/* ---- a request ---- */

static void headers_free(struct curl_slist **headers)
{
	curl_slist_free_all(*headers);
}

static int header_add(struct curl_slist **headers, const char *name, const char *value)
{
	_cleanup_(buf_done) struct buf line = BUF_MAX(HTTP_ANSWER_MAX);
	struct curl_slist *longer;

	/* "Name;" is how libcurl is told of a header without a value. */
	if (buf_printf(&line, *value ? "%s: %s" : "%s;", name, value) < 0)
		return -ENOMEM;
	longer = curl_slist_append(*headers, buf_cstr(&line));
	if (!longer)
		return -ENOMEM;
	*headers = longer;
	return 0;
}

static int headers_make(const struct http_request *request, struct diag *diag, struct curl_slist **headers)
{
	int r;

	if (request->n_headers > HTTP_HEADERS_MAX)
		return diag_error(diag, -EINVAL, "http: more than %d headers in a request", HTTP_HEADERS_MAX);
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct http_header *header = &request->headers[i];

		/* A line end in a value would begin a header of somebody else's choice. */
		if (!*header->name || strpbrk(header->name, "\r\n: ;") || strpbrk(header->value, "\r\n"))
			return diag_error(diag, -EINVAL, "http: the value of header %s holds a line end",
					  header->name);
		r = header_add(headers, header->name, header->value);
		if (r < 0)
			return r;
	}
	/* No waiting for "100 Continue". */
	*headers = curl_slist_append(*headers, "Expect:");
	return *headers ? 0 : -ENOMEM;
}

/* What counts of a URL. Empty texts when it is none of ours. */
struct peer {
	char host[256], port[8];
	bool tls;
};

static bool url_read(const char *url, struct peer *ret_peer)
{
	CURLU *parsed = curl_url();
	char *host = NULL, *port = NULL, *scheme = NULL;
	bool good;

	good = parsed && strlen(url) < HTTP_URL_MAX &&
	       curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	       curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	       (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
	       curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	       curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	       strlen(host) < sizeof(ret_peer->host) && strlen(port) < sizeof(ret_peer->port);
	*ret_peer = (struct peer) { .tls = good && strcmp(scheme, "https") == 0 };
	if (good) {
		strcpy(ret_peer->host, host);
		strcpy(ret_peer->port, port);
	}
	curl_free(host);
	curl_free(port);
	curl_free(scheme);
	curl_url_cleanup(parsed);
	return good;
}

/* Numbers only, and the one name that every host gives itself. */
static bool is_loopback(const char *host)
{
	struct in_addr address;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool http_is_private(const char *url)
{
	struct peer peer;

	return url_read(url, &peer) && (peer.tls || is_loopback(peer.host));
}

/* Host and port stand in lines; a URL may hold a password elsewhere. */
static int peer_find(struct http *http, const struct http_request *request, struct diag *diag)
{
	struct peer peer;

	if (!url_read(request->url, &peer))
		return diag_error(diag, -EINVAL, "http: not a URL of the form http[s]://HOST[:PORT]/PATH");
	snprintf(http->peer, sizeof(http->peer), "%s:%s", peer.host, peer.port);
	if (request->secret && !peer.tls && !is_loopback(peer.host))
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "%s: a secret is not sent there in clear; give its https:// address",
				 http->peer);
	return 0;
}

#define SET(option, value) failed |= curl_easy_setopt(http->easy, option, value) != CURLE_OK

static bool secure_set(struct http *http)
{
	const struct http_settings *settings = &http->settings;
	bool failed = false;

	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (settings->ca_file && *settings->ca_file) {
		SET(CURLOPT_CAINFO, settings->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (settings->certificate_file && *settings->certificate_file)
		SET(CURLOPT_SSLCERT, settings->certificate_file);
	if (settings->key_file && *settings->key_file)
		SET(CURLOPT_SSLKEY, settings->key_file);
	SET(CURLOPT_KEYPASSWD, ""); /* or OpenSSL would ask on the terminal */
	if (settings->proxy)
		SET(CURLOPT_PROXY, settings->proxy);
	SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	return !failed;
}

static bool bounds_set(struct http *http, const struct http_request *request, size_t answer_max)
{
	bool failed = false;
	long timeout = request->timeout_ms ? request->timeout_ms : http->settings.timeout_ms;

	if (timeout == 0)
		timeout = TIMEOUT_MS;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L); /* nothing unfolds into more than what was counted */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT,
	    1L); /* a look-up of a name under way is left to itself, or a stop would wait for it */
	SET(CURLOPT_TIMEOUT_MS, timeout);
	SET(CURLOPT_CONNECTTIMEOUT_MS, timeout < CONNECT_MS ? timeout : CONNECT_MS);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)answer_max);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, http);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, http);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, http);
	SET(CURLOPT_ERRORBUFFER, http->reason);
	return !failed;
}

static bool request_set(struct http *http, const struct http_request *request, struct curl_slist *headers)
{
	bool failed = false;

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_USERAGENT, "stella-signals/" STELLA_VERSION);
	SET(CURLOPT_HTTPHEADER, headers);
	if (strcmp(request->method, "GET") == 0) {
		SET(CURLOPT_HTTPGET, 1L);
	} else {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		SET(CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.data : "");
		if (strcmp(request->method, "POST") != 0)
			SET(CURLOPT_CUSTOMREQUEST, request->method);
	}
	if (request->aws_sigv4) {
		SET(CURLOPT_AWS_SIGV4, request->aws_sigv4);
		SET(CURLOPT_USERNAME, request->aws_key);
		SET(CURLOPT_PASSWORD, request->aws_secret);
	}
	return !failed;
}

#undef SET

struct failure {
	CURLcode code;
	int error;
	const char *what;
};

static const struct failure failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, "the name is not known" },
	{ CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH, "the proxy's name is not known" },
	{ CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "no answer in time" },
	{ CURLE_PARTIAL_FILE, -EPROTO, "the answer was cut off" },
	{ CURLE_GOT_NOTHING, -EPROTO, "the connection was closed without an answer" },
	{ CURLE_PEER_FAILED_VERIFICATION, -EPROTO, "its certificate is not trusted (see tls_ca_file)" },
	{ CURLE_SSL_CACERT_BADFILE, -EINVAL, "the file of trusted authorities cannot be read" },
	{ CURLE_SSL_CERTPROBLEM, -EINVAL, "our own certificate or key cannot be used" },
	{ CURLE_OUT_OF_MEMORY, -ENOMEM, "no memory" },
};

static int failure_tell(struct http *http, CURLcode code, size_t answer_max, struct diag *diag)
{
	const char *what = curl_easy_strerror(code), *more = http->reason[0] ? http->reason : "";
	int error = -EPROTO;
	long os = 0;

	if (http->error == -EFBIG || code == CURLE_FILESIZE_EXCEEDED)
		return diag_error(diag, -EFBIG, "%s: the answer is larger than the %zu bytes allowed",
				  http->peer, answer_max);
	if (http->error == -ECANCELED)
		return diag_error(diag, -ECANCELED, "%s: the request was cancelled", http->peer);
	if (http->error < 0)
		return diag_error(diag, http->error, "%s: no memory for the answer", http->peer);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].code == code) {
			what = failures[i].what;
			error = failures[i].error;
		}
	if (code == CURLE_COULDNT_CONNECT) {
		curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &os);
		error = os == ECONNREFUSED ? -ECONNREFUSED : -EHOSTUNREACH;
		what = os == ECONNREFUSED ? "the connection was refused" : "it cannot be reached";
	}
	return diag_error(diag, error, "%s: %s%s%s%s", http->peer, what, *more ? " (" : "", more,
			  *more ? ")" : "");
}

static int offline_check(const struct http *http, struct diag *diag)
{
	const char *offline = getenv("STELLA_OFFLINE");

	if (!offline || !*offline)
		return 0;
	return diag_exit(diag, EXIT_NEEDS_NETWORK, -ENETUNREACH,
			 "%s: not connected, because STELLA_OFFLINE is set; unset it to use the network",
			 http->peer);
}

int http_send(struct http *http, const struct http_request *request, struct diag *diag,
	      struct http_answer *ret_answer)
{
	_cleanup_(headers_free) struct curl_slist *headers = NULL;
	size_t answer_max = request->answer_max ? request->answer_max : HTTP_ANSWER_MAX;
	CURLcode code;
	int r;

	*ret_answer = (struct http_answer) { .body = BUF_MAX(answer_max) };
	answer_restart(ret_answer);
	r = peer_find(http, request, diag);
	if (r < 0)
		return r;
	r = offline_check(http, diag);
	if (r < 0)
		return r;
	r = headers_make(request, diag, &headers);
	if (r < 0)
		return r;
	http->answer = ret_answer;
	http->cancel = request->cancel;
	http->header_bytes = 0;
	http->error = 0;
	http->reason[0] = 0;
	curl_easy_reset(http->easy);
	if (!secure_set(http) || !bounds_set(http, request, answer_max) || !request_set(http, request, headers))
		return diag_error(diag, -EINVAL,
				  "%s: the request cannot be made: an option of it was refused by libcurl",
				  http->peer);
	code = on_progress(http, 0, 0, 0, 0) ? CURLE_ABORTED_BY_CALLBACK : curl_easy_perform(http->easy);
	if (code != CURLE_OK)
		return failure_tell(http, code, answer_max, diag);
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &ret_answer->status);
	return 0;
}
