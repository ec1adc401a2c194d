// SPDX-License-Identifier: Apache-2.0
/* What the keys of signals.signing mean together. Owns nothing. */

#include <string.h>

#include "daemon/config.h"

struct http_settings config_http(const struct config *config)
{
	return (struct http_settings) {
		.ca_file = *config->tls_ca_file ? config->tls_ca_file : NULL,
		.certificate_file = *config->tls_certificate_file ? config->tls_certificate_file : NULL,
		.key_file = *config->tls_key_file ? config->tls_key_file : NULL,
		.proxy = *config->proxy ? config->proxy : NULL,
		.timeout_ms = (uint32_t)config->timeout_s * 1000,
	};
}

static bool has_timed_log(const struct config *config)
{
	for (size_t i = 0; config->submit_to_rekor && i < config->rekor_urls.count; i++)
		if (strncmp(config->rekor_urls.items[i], "v1:", 3) == 0)
			return true;
	return false;
}

static const char *fulcio_contradiction(const struct config *config)
{
	if (strcmp(config->key_id, "fulcio") != 0)
		return NULL;
	if (!*config->fulcio_url)
		return "key_id is fulcio and fulcio_url is not set; set it to the authority's URL";
	if (config->timestamp_urls.count == 0 && !has_timed_log(config))
		return "with key_id fulcio each seal needs a proven time, for its certificate ends within "
		       "minutes; add an "
		       "authority to timestamp_urls, or submit_to_rekor with a v1 log";
	return NULL;
}

const char *config_contradiction(const struct config *config)
{
	if (config->submit_to_rekor && config->rekor_urls.count == 0)
		return "submit_to_rekor is true and rekor_urls names no log; add one as v1:https://HOST or "
		       "v2:https://HOST, "
		       "or set submit_to_rekor to false: seals are kept in the local log then";
	if ((config->submit_to_rekor || config->timestamp_urls.count > 0) && !*config->trusted_root)
		return "what logs and timestamp authorities answer cannot be proved without trusted_root; "
		       "`stella signals trusted-root` makes one from their keys";
	if (config->witness_urls.count > 0 && (!config->local_log || config->witness_keys.count == 0))
		return "witness_urls is about the local log: local_log must be true, and witness_keys must "
		       "hold their keys";
	if (!*config->tls_certificate_file != !*config->tls_key_file)
		return "tls_certificate_file and tls_key_file belong together; one of them is not set";
	return fulcio_contradiction(config);
}
