/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in tokens and TPMs. Promises that a PIN goes from its file to the token and nowhere else: it stands in no URI, no
 * configuration text, no environment and no message, and is wiped; that what a provider is told lies in memory only;
 * that exactly one private key is meant. Refuses URIs with a query (that is where PINs would stand). A provider's
 * library is never unloaded from under its own threads: the token's module is not finalized by us ("no-deinit").
 */

#include "crypto/key_store.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "base/file.h"
#include "crypto/key_parts.h"
#include "crypto/secret.h"

#define CONFIG_MAX 8192

struct key_store {
	OSSL_LIB_CTX *context;
	OSSL_PROVIDER *standard, *provider;
	const char *what; /* "PKCS#11 token", "TPM" */
	const char *hint; /* what to look at when there is no such key */
	const char *properties;
	struct buf pin;
	bool pin_asked;
};

void key_store_free(struct key_store *store)
{
	if (!store)
		return;
	if (store->provider)
		OSSL_PROVIDER_unload(store->provider);
	if (store->standard)
		OSSL_PROVIDER_unload(store->standard);
	OSSL_LIB_CTX_free(store->context);
	secret_wipe(&store->pin);
	free(store);
}
DEFINE_FREEP(key_store, key_store_free)
DEFINE_FREEP(ossl_store_ctx_st, OSSL_STORE_close)
DEFINE_FREEP(ossl_store_info_st, OSSL_STORE_INFO_free)
DEFINE_FREEP(ui_method_st, UI_destroy_method)

EVP_PKEY_CTX *key_context(const struct key *key)
{
	const struct key_store *store = key->store;

	return EVP_PKEY_CTX_new_from_pkey(store ? store->context : NULL, key->pkey,
					  store ? store->properties : NULL);
}

int key_sign_init(const struct key *key, EVP_MD_CTX *ctx)
{
	const struct key_store *store = key->store;

	return EVP_DigestSignInit_ex(ctx, NULL, NULL, store ? store->context : NULL,
				     store ? store->properties : NULL, key->pkey, NULL);
}

/* ---- names ---- */

/* Has an attribute of this name, wherever it stands? */
static bool has_attribute(const char *uri, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = uri; *at; at++)
		if ((at[0] == ':' || at[0] == ';' || at[0] == '?' || at[0] == '&') &&
		    strncasecmp(at + 1, name, len) == 0 && at[1 + len] == '=')
			return true;
	return false;
}

const char *key_check_pkcs11(const char *uri)
{
	if (strncmp(uri, "pkcs11:", 7) != 0)
		return "a PKCS#11 URI begins with 'pkcs11:'";
	if (has_attribute(uri, "pin-value") || has_attribute(uri, "pin-source"))
		return "a PIN has no place in it; signing.pin_file names the file that holds it";
	if (strchr(uri, '?'))
		return "it has a query; the module is named by signing.pkcs11_module, the PIN by "
		       "signing.pin_file";
	if (!has_attribute(uri, "object") && !has_attribute(uri, "id"))
		return "it names no key; give object= or id=, and best token=, too";
	for (const char *at = uri; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return "it has a character that must be written as %HH";
	return NULL;
}

const char *key_check_tpm2(const char *name)
{
	if (name[0] == '/')
		return NULL;
	if (strncmp(name, "0x", 2) != 0 || strlen(name) != 10 ||
	    strspn(name + 2, "0123456789abcdefABCDEF") != 8)
		return "a handle (0x and eight hex digits) or the absolute path of a key file is wanted";
	return strncmp(name, "0x81", 4) == 0 ? NULL
					     : "a persistent handle is wanted: 0x81 and six more hex digits";
}

/* ---- the context ---- */

/* A path in OpenSSL's configuration, where some characters mean something. */
static bool is_plain_path(const char *path)
{
	if (path[0] != '/')
		return false;
	for (; *path; path++)
		if (!isalnum((unsigned char)*path) && !strchr("/._+-", *path))
			return false;
	return true;
}

/* Only by a configuration can a provider be told something; a file that has no name is one too. */
static int configure(struct key_store *store, const char *provider, const char *parameters, struct diag *diag)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONFIG_MAX);
	_cleanup_(closep) int fd = memfd_create("openssl-config", MFD_CLOEXEC);
	char path[64];
	int r;

	r = fd < 0 ? -errno
		   : buf_printf(&text,
				"openssl_conf = all\n[all]\nproviders = providers\n"
				"[providers]\ndefault = standard\n%s = chosen\n"
				"[standard]\nactivate = 1\n[chosen]\n%sactivate = 1\n",
				provider, parameters);
	if (r == 0)
		r = file_write_all(fd, text.data, text.len, NULL);
	if (r < 0)
		return diag_error(diag, r, "cannot configure OpenSSL's provider %s: %s", provider,
				  strerror(-r));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (OSSL_LIB_CTX_load_config(store->context, path) == 1 &&
	    OSSL_PROVIDER_available(store->context, provider) == 1)
		return 0;
	return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT,
			 "cannot load OpenSSL's provider \"%s\" (%s); is it installed, and does the %s answer?",
			 provider, openssl_reason(), store->what);
}

static int read_pin(struct key_store *store, const char *pin_file, struct diag *diag)
{
	return pin_file ? secret_read_line(pin_file, "the PIN", SECRET_PRIVATE, &store->pin, diag) : 0;
}

static int store_new(const char *provider, const char *what, const char *parameters, const char *pin_file,
		     struct diag *diag, struct key_store **ret_store)
{
	_cleanup_(key_store_freep) struct key_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	store->what = what;
	store->hint = "";
	store->pin = BUF_MAX(KEY_PIN_MAX);
	UI_set_default_method(UI_null()); /* a provider without a PIN would ask whoever sits at our terminal */
	store->context = OSSL_LIB_CTX_new();
	if (!store->context)
		return -ENOMEM;
	r = read_pin(store, pin_file, diag);
	if (r == 0)
		r = configure(store, provider, parameters, diag);
	if (r < 0)
		return r;
	*ret_store = TAKE(store);
	return 0;
}

/* ---- finding the key ---- */

/* For UI_UTIL_wrap_read_pem_callback. */
static int answer_pin(char *out, int size, int write, void *user)
{
	struct key_store *store = user;

	(void)write;
	store->pin_asked = true;
	if (store->pin.len == 0 || size < 0 || store->pin.len > (size_t)size)
		return -1;
	memcpy(out, store->pin.data, store->pin.len);
	return (int)store->pin.len;
}

/* Providers do not say why: what was asked for tells most. */
static int refused(const struct key_store *store, const char *name, struct diag *diag)
{
	if (store->pin_asked && store->pin.len == 0)
		return diag_exit(diag, EXIT_NOT_PERMITTED, -EACCES,
				 "cannot use key %s: the %s asks for a PIN, and no pin_file is named", name,
				 store->what);
	if (store->pin_asked)
		return diag_exit(
			diag, EXIT_NOT_PERMITTED, -EACCES,
			"cannot use key %s: either the %s does not take the PIN of the pin_file, or it has no "
			"such key; check both before the next try, tokens lock themselves after a few wrong "
			"PINs",
			name, store->what);
	return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "cannot find key %s in the %s (%s)%s", name,
			 store->what, openssl_reason(), store->hint);
}

/* All that the URI means of one type; more than one is nobody's choice. */
static int store_find(struct key_store *store, const char *uri, int type, const char *name, struct diag *diag,
		      EVP_PKEY **ret_pkey)
{
	_cleanup_(UI_destroy_methodp) UI_METHOD *ask = UI_UTIL_wrap_read_pem_callback(answer_pin, 0);
	_cleanup_(OSSL_STORE_closep) OSSL_STORE_CTX *found = NULL;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;

	if (!ask)
		return -ENOMEM;
	found = OSSL_STORE_open_ex(uri, store->context, NULL, ask, store, NULL, NULL, NULL);
	if (!found || OSSL_STORE_expect(found, type) != 1)
		return refused(store, name, diag);
	while (!OSSL_STORE_eof(found)) {
		_cleanup_(OSSL_STORE_INFO_freep) OSSL_STORE_INFO *info = OSSL_STORE_load(found);

		if (!info && OSSL_STORE_error(found))
			break; /* nothing more; some providers end with an error */
		if (!info || OSSL_STORE_INFO_get_type(info) != type)
			continue;
		if (pkey)
			return diag_error(
				diag, -EINVAL,
				"cannot use key %s: several keys of the %s have that name; say more in the "
				"URI (token=, id=)",
				name, store->what);
		pkey = type == OSSL_STORE_INFO_PKEY ? OSSL_STORE_INFO_get1_PKEY(info)
						    : OSSL_STORE_INFO_get1_PUBKEY(info);
	}
	if (!pkey)
		return refused(store, name, diag);
	ERR_clear_error();
	*ret_pkey = TAKE(pkey);
	return 0;
}

/* ---- its public half ---- */

static int public_of_pkey(EVP_PKEY *pkey, const char *name, struct diag *diag, struct public_key **ret_public)
{
	unsigned char point[SPKI_MAX];
	bool edwards = EVP_PKEY_is_a(pkey, "ED25519") == 1;
	char group[64] = "";
	size_t len = 0;

	if (!edwards && (EVP_PKEY_is_a(pkey, "EC") != 1 ||
			 EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
							NULL) != 1 ||
			 (strcmp(group, "prime256v1") != 0 && strcmp(group, "P-256") != 0)))
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it is neither an ECDSA P-256 nor an Ed25519 key", name);
	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) != 1)
		return -ENODATA;
	if (edwards)
		return public_key_of_point("ed25519", (struct str) { (char *)point, len }, name, diag,
					   ret_public);
	if (len != 65 || point[0] != 0x04)
		return -ENODATA;
	return public_key_of_point("ecdsa-p256", (struct str) { (char *)point + 1, len - 1 }, name, diag,
				   ret_public);
}

/* A private key tells its public half where the token keeps both together; else the store has it as an object. */
static int learn_public(struct key_store *store, const char *uri, struct key *key, const char *name,
			struct diag *diag)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *public = NULL;
	int r = public_of_pkey(key->pkey, name, diag, &key->public);

	if (r == -ENODATA) {
		ERR_clear_error();
		r = store_find(store, uri, OSSL_STORE_INFO_PUBKEY, name, diag, &public);
		if (r == 0)
			r = public_of_pkey(public, name, diag, &key->public);
	}
	return r == -ENODATA ? diag_error(diag, r, "cannot use key %s: the %s does not tell its public half",
					  name, store->what)
			     : r;
}

/*
 * TPMs look at the authorisation value only when they sign, and count wrong ones. tpm2-openssl puts the response code
 * in front of its text: TPM_RC_AUTH_FAIL and TPM_RC_BAD_AUTH of whichever session, and TPM_RC_LOCKOUT.
 */
static bool is_wrong_pin(const char *data)
{
	unsigned long code = data && isdigit((unsigned char)*data) ? strtoul(data, NULL, 10) : 0;

	return (code & 0xbf) == 0x8e || (code & 0xbf) == 0xa2 || code == 0x921;
}

int key_store_refusal(const struct key_store *store, struct diag *diag)
{
	const char *data = NULL;
	int flags = 0, r;

	ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
	if (!(flags & ERR_TXT_STRING))
		data = NULL;
	if (is_wrong_pin(data))
		r = diag_exit(diag, EXIT_NOT_PERMITTED, -EACCES,
			      "cannot sign: the %s does not take the PIN of the pin_file (%s); check it before "
			      "the next "
			      "try, wrong ones are counted",
			      store->what, data);
	else
		r = diag_error(diag, -EIO, "cannot sign: the %s does not (%s)", store->what,
			       data && *data ? data : openssl_reason());
	ERR_clear_error();
	return r;
}

/* A key that cannot sign, or with another public half than it tells, is found at the start and not an hour later. */
static int try_key(const struct key *key, const char *name, struct diag *diag)
{
	static const char trial[] = "stella-signals: does this key sign?";
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX);
	int r = key_sign(key, trial, sizeof(trial), &signature, diag);

	if (r < 0)
		return r;
	return public_key_verify(key->public, (struct str) { trial, sizeof(trial) }, buf_str(&signature))
		       ? 0
		       : diag_error(diag, -EINVAL,
				    "cannot use key %s: what it signs is not by the public half that goes "
				    "with it",
				    name);
}

static int store_key(struct key_store **store, const char *uri, const char *public_uri, const char *name,
		     struct diag *diag, struct key **ret_key)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	_cleanup_(key_freep) struct key *key = NULL;
	int r = store_find(*store, uri, OSSL_STORE_INFO_PKEY, name, diag, &pkey);

	if (r == 0)
		r = key_new(&pkey, &key);
	if (r < 0)
		return r;
	key->store = TAKE(*store);
	r = learn_public(key->store, public_uri, key, name, diag);
	if (r == 0)
		r = try_key(key, name, diag);
	if (r < 0)
		return r;
	*ret_key = TAKE(key);
	return 0;
}

/* ---- the two of them ---- */

int key_open_pkcs11(const char *uri, const char *module, const char *pin_file, struct diag *diag,
		    struct key **ret_key)
{
	_cleanup_(key_store_freep) struct key_store *store = NULL;
	_cleanup_(buf_done) struct buf parameters = BUF_MAX(CONFIG_MAX), private = BUF_MAX(CONFIG_MAX),
				       public = BUF_MAX(CONFIG_MAX);
	bool typed = has_attribute(uri, "type");
	int r;

	if (module && !is_plain_path(module))
		return diag_error(
			diag, -EINVAL,
			"cannot use the PKCS#11 module %s: an absolute path of letters, digits and ._+-/ is "
			"wanted",
			module);
	if (module && access(module, R_OK) < 0)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "cannot use the PKCS#11 module %s: %s", module,
				 strerror(errno));
	r = buf_printf(&parameters, "pkcs11-module-quirks = no-deinit\npkcs11-module-cache-keys = false\n");
	if (r == 0 && module)
		r = buf_printf(&parameters, "pkcs11-module-path = %s\n", module);
	if (r == 0)
		r = buf_printf(&private, "%s%s", uri, typed ? "" : ";type=private");
	if (r == 0)
		r = buf_printf(&public, "%s%s", uri, typed ? "" : ";type=public");
	if (r < 0 || !buf_cstr(&parameters) || !buf_cstr(&private) || !buf_cstr(&public))
		return diag_error(diag, r < 0 ? r : -ENOMEM, "cannot open key %s: its name is too long", uri);
	r = store_new("pkcs11", "PKCS#11 token", buf_cstr(&parameters), pin_file, diag, &store);
	if (r < 0)
		return r;
	store->hint = module ? "; look at token= and object= of the URI"
			     : "; pkcs11_module names no library: set it to the token's";
	return store_key(&store, buf_cstr(&private), buf_cstr(&public), uri, diag, ret_key);
}

int key_open_tpm2(const char *name, const char *pin_file, struct diag *diag, struct key **ret_key)
{
	_cleanup_(key_store_freep) struct key_store *store = NULL;
	_cleanup_(buf_done) struct buf uri = BUF_MAX(CONFIG_MAX);
	bool file = name[0] == '/';
	int r;

	r = buf_printf(&uri, "%s%s%s", file ? "file:" : "handle:", name, !file && pin_file ? "?pass" : "");
	if (r < 0 || !buf_cstr(&uri))
		return diag_error(diag, r < 0 ? r : -ENOMEM, "cannot open key %s: its name is too long", name);
	r = store_new("tpm2", "TPM", "", pin_file, diag, &store);
	if (r < 0)
		return r;
	store->properties = "?provider=tpm2";
	return store_key(&store, buf_cstr(&uri), buf_cstr(&uri), name, diag, ret_key);
}
