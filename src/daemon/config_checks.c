// SPDX-License-Identifier: Apache-2.0
/*
 * What a value must be beyond its type: a sentence for each that is not. Opens and asks nothing, so that a configuration
 * can be checked on any machine. Owns nothing.
 */

#include "daemon/config_checks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"
#include "collect/filter.h"
#include "daemon/config.h"
#include "format/event.h"
#include "resolve/selector.h"
#include "signer/signer.h"
#include "sigstore/note.h"

#define URL_LEN_MAX 512

const char *check_absolute(const char *text)
{
	return text[0] == '/' && strlen(text) < 4096 ? NULL : "an absolute path is wanted";
}

const char *check_socket(const char *text)
{
	if (text[0] != '/')
		return "an absolute path is wanted";
	return strlen(text) < sizeof(((struct sockaddr_un *)NULL)->sun_path)
		       ? NULL
		       : "a socket's path has at most 107 bytes";
}

const char *check_signing(const char *text)
{
	return strcmp(text, "true") == 0 ? NULL : "an unsigned chain proves nothing; only true is possible";
}

const char *check_power_of_two(const char *text)
{
	uint64_t value = strtoull(text, NULL, 10); /* a whole number in range: looked at before */

	return value & (value - 1) ? "a power of two is wanted" : NULL;
}

const char *check_glob(const char *text)
{
	const char *reason = NULL;

	if (glob_check(str_of(text), &reason) < 0)
		return reason;
	/* An escaped slash is one too. */
	return strchr("/*?[", text[0]) || (text[0] == '\\' && text[1] == '/')
		       ? NULL
		       : "paths are absolute, this matches none; begin it with / or **/";
}

const char *check_path_or_none(const char *text)
{
	return *text ? check_absolute(text) : NULL;
}

#define TYPE_WORD(name_, word_, number_) " " #word_

const char *check_probe(const char *text)
{
	enum wire_kind kind;

	return event_kind_find(str_of(text), &kind) == 0 || strcmp(text, CONFIG_PROBE_LIBC) == 0
		       ? NULL
		       : "a record type or 'libc' is wanted; the types are" WIRE_KINDS(TYPE_WORD);
}

const char *check_namespace(const char *text)
{
	uint64_t number;

	return text_parse_u64(str_of(text), 1, UINT32_MAX, &number) == 0 ||
			       (text[0] == '/' && strlen(text) < 4096)
		       ? NULL
		       : "a namespace's number, or the path of one (/proc/PID/ns/pid), is wanted";
}

const char *check_command(const char *text)
{
	return *text && strlen(text) < WIRE_COMM ? NULL : "a command has 1 to 15 bytes";
}

const char *check_selector(const char *text)
{
	const char *reason = NULL;
	struct selector selector;

	return selector_parse(str_of(text), &reason, &selector) < 0 ? reason : NULL;
}

const char *check_engine(const char *text)
{
	struct engine_socket socket;

	return strcmp(text, CONFIG_ENGINES_NONE) == 0 ? NULL : config_engine(text, &socket);
}

const char *check_label(const char *text)
{
	return *text && strlen(text) <= ENGINE_LABEL_MAX ? NULL : "a label's key has 1 to 1024 bytes";
}

const char *check_key_id(const char *text)
{
	return signer_check(text);
}

const char *check_key_id_or_none(const char *text)
{
	if (strcmp(text, "fulcio") == 0)
		return "fulcio has no key that could be announced";
	return *text ? signer_check(text) : NULL;
}

const char *check_url(const char *text)
{
	size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7 : 0;

	if (scheme == 0 || !text[scheme] || strchr("/:?#", text[scheme]) || strlen(text) > URL_LEN_MAX)
		return "a URL of the form https://HOST[:PORT][/PATH] is wanted";
	return strpbrk(text, "@?# \t\r\n") ? "a URL without user, question mark, fragment and blanks is wanted"
					   : NULL;
}

const char *check_url_or_none(const char *text)
{
	return *text ? check_url(text) : NULL;
}

const char *check_rekor(const char *text)
{
	if (strncmp(text, "v1:", 3) != 0 && strncmp(text, "v2:", 3) != 0)
		return "'v1:https://HOST' or 'v2:https://HOST' is wanted: the version says how the log is "
		       "spoken to";
	return check_url(text + 3);
}

const char *check_origin_or_none(const char *text)
{
	const char *const letters = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t len = strlen(text);

	return len == 0 || (len <= 253 && strspn(text, letters) == len && !strchr("-.", text[0]) &&
			    text[len - 1] != '.')
		       ? NULL
		       : "a bare host name in lower-case letters is wanted";
}

const char *check_vkey(const char *text)
{
	struct note_key key = { .name = NULL };
	int r = note_key_parse(str_of(text), NULL, &key);
	bool witness = r >= 0 && key.algorithm == NOTE_COSIGNATURE;

	note_key_done(&key);
	return witness ? NULL : "a witness's verifier key, NAME+ID+KEY of the cosignature kind, is wanted";
}
