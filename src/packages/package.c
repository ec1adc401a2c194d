// SPDX-License-Identifier: Apache-2.0
/*
 * The packages of a set. One purl is one package, whoever told of it; how purls are compared is decided here and nowhere
 * else. Their files are package_files.c's and package_whose.c's. All text lies in the set and lives as long as it.
 */

#include "packages/package_parts.h"

#include <stdlib.h>
#include <string.h>

#include "packages/purl.h"

#define CANDIDATES_MAX \
	64 /* of one name and version; more differ in so many ways that nobody can tell which is meant */

/* In this order they are asked; a package of the operating system first. */
static const char *const worlds[] = { "deb", "apk", "rpm",   "alpm",   "pypi",
				      "npm", "gem", "maven", "golang", "cargo" };

int package_array_grow(void *array, size_t count, size_t *capacity, size_t size)
{
	void **held = array;
	void *larger;
	size_t n = *capacity ? *capacity + *capacity / 2 : 16;

	if (count < *capacity)
		return 0;
	larger = reallocarray(*held, n, size);
	if (!larger)
		return -ENOMEM;
	*held = larger;
	*capacity = n;
	return 0;
}

int package_set_new(struct package_set **ret_set)
{
	_cleanup_(package_set_freep) struct package_set *set = calloc(1, sizeof(*set));
	struct texts *const all[] = { set ? &set->texts : NULL,
				      set ? &set->types : NULL,
				      set ? &set->keys : NULL,
				      set ? &set->by_name.keys : NULL,
				      set ? &set->by_version.keys : NULL,
				      set ? &set->directories : NULL,
				      set ? &set->names : NULL };
	uint32_t number;
	int r = set ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(all); i++)
		r = texts_init(all[i]);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(worlds); i++)
		r = texts_add(&set->types, str_of(worlds[i]), &number, NULL);
	if (r < 0)
		return r;
	set->sorted = true;
	*ret_set = TAKE(set);
	return 0;
}

static void chain_done(struct package_chain *chain)
{
	texts_done(&chain->keys);
	free(chain->first);
	free(chain->next);
}

void package_set_free(struct package_set *set)
{
	if (!set)
		return;
	free(set->packages);
	free(set->worlds);
	texts_done(&set->texts);
	texts_done(&set->types);
	texts_done(&set->keys);
	chain_done(&set->by_name);
	chain_done(&set->by_version);
	texts_done(&set->directories);
	texts_done(&set->names);
	free(set->paths);
	free(set->inodes);
	free(set);
}

void package_set_separate_usr(struct package_set *set)
{
	set->separate_usr = true;
}

void package_set_more_places(struct package_set *set, uint32_t index)
{
	if (index < set->count)
		set->packages[index].places_more = true;
}

size_t package_set_count(const struct package_set *set)
{
	return set->count;
}

const struct package *package_set_get(const struct package_set *set, uint32_t index)
{
	return index < set->count ? &set->packages[index] : NULL;
}

static bool tells_no_identity(const char *key)
{
	return strcmp(key, "distro") == 0 || strcmp(key, "upstream") == 0 || strcmp(key, "epoch") == 0;
}

/* The version with its epoch in front, wherever the epoch stood. Epoch 0 is none. */
static int version_append(struct buf *out, const struct purl *purl)
{
	const char *epoch = purl_qualifier(purl, "epoch");
	const char *version = purl->version;

	if (!version)
		return 0;
	if (version[0] == '0' && version[1] == ':')
		version += 2;
	if (epoch && strcmp(epoch, "0") != 0)
		return buf_printf(out, "@%s:%s", epoch, version);
	return buf_printf(out, "@%s", version);
}

/* What must be alike in two purls of one package. */
static int identity_append(struct buf *out, const struct purl *purl)
{
	int r = buf_printf(out, "%s/%s/%s", purl->type, purl->namespace_ ? purl->namespace_ : "", purl->name);

	if (r >= 0)
		r = version_append(out, purl);
	for (size_t i = 0; r >= 0 && i < purl->n_qualifiers; i++) {
		if (!tells_no_identity(purl->qualifiers[i].key))
			r = buf_printf(out, "&%s=%s", purl->qualifiers[i].key, purl->qualifiers[i].value);
	}
	if (r >= 0 && purl->subpath)
		r = buf_printf(out, "#%s", purl->subpath);
	return r;
}

/* The same for one without: by its name and version, or nothing is alike. */
static int identity_without_purl(struct buf *out, const struct package_set *set, const struct package *package)
{
	if (!package->version)
		return buf_printf(out, "\x01%zu", set->count);
	return buf_printf(out, "\x02%s\x02%s\x02%s\x02%s", package->type ? package->type : "", package->name,
			  package->version, package->arch ? package->arch : "");
}

/* Keeps a copy of `from` in *to unless there is something already. */
static int keep(struct package_set *set, const char *from, char **to)
{
	uint32_t number;
	int r;

	if (!from || *to)
		return 0;
	if (strlen(from) > PACKAGE_TEXT_MAX)
		return -E2BIG;
	r = texts_add(&set->texts, str_of(from), &number, NULL);
	if (r >= 0)
		*to = texts_get(&set->texts, number);
	return r;
}

static int chain_add(struct package_chain *chain, struct str key, uint32_t package)
{
	bool is_new;
	uint32_t number;
	int r = texts_add(&chain->keys, key, &number, &is_new);

	if (r < 0)
		return r;
	if (is_new) {
		uint32_t *first = reallocarray(chain->first, chain->keys.capacity, sizeof(*first));

		if (!first)
			return -ENOMEM;
		chain->first = first;
		first[number] = NOBODY;
	}
	chain->next[package] = chain->first[number];
	chain->first[number] = package;
	return 0;
}

static int chains_add(struct package_set *set, const struct purl *purl, uint32_t package)
{
	_cleanup_(buf_done) struct buf key = BUF_MAX(TEXT_MAX);
	int r;

	set->by_name.next[package] = set->by_version.next[package] = NOBODY;
	if (!purl)
		return 0;
	r = buf_printf(&key, "%s/%s/%s", purl->type, purl->namespace_ ? purl->namespace_ : "", purl->name);
	if (r >= 0)
		r = chain_add(&set->by_name, buf_str(&key), package);
	if (r >= 0)
		r = version_append(&key, purl);
	if (r >= 0)
		r = chain_add(&set->by_version, buf_str(&key), package);
	return r;
}

/* Room for one more in all that is numbered by package. */
static int packages_grow(struct package_set *set)
{
	size_t capacity = set->capacity, same;
	int r;

	if (set->count < set->capacity)
		return 0;
	r = package_array_grow(&set->packages, set->count, &capacity, sizeof(*set->packages));
	same = set->capacity;
	if (r >= 0)
		r = package_array_grow(&set->worlds, set->count, &same, sizeof(*set->worlds));
	same = set->capacity;
	if (r >= 0)
		r = package_array_grow(&set->by_name.next, set->count, &same, sizeof(uint32_t));
	same = set->capacity;
	if (r >= 0)
		r = package_array_grow(&set->by_version.next, set->count, &same, sizeof(uint32_t));
	if (r >= 0)
		set->capacity = capacity;
	return r;
}

/* All that this one says and the stored one does not. */
static int package_join(struct package_set *set, struct package *stored, const struct package *package,
			const struct purl *purl)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(4 * PURL_MAX), name = BUF_MAX(4 * PURL_MAX);
	int r = 0;

	if (purl && !stored->purl) {
		r = purl_write(&text, purl);
		if (r >= 0)
			r = buf_cstr(&text) ? keep(set, text.data, &stored->purl) : -ENOMEM;
	}
	if (r >= 0)
		r = keep(set, package->name, &stored->name);
	if (r >= 0 && purl && !stored->name) {
		r = purl_full_name(&name, purl);
		if (r >= 0)
			r = buf_cstr(&name) ? keep(set, name.data, &stored->name) : -ENOMEM;
	}
	if (r >= 0)
		r = keep(set, package->version, &stored->version);
	if (r >= 0)
		r = keep(set, package->arch, &stored->arch);
	if (r >= 0)
		r = keep(set, package->ref, &stored->ref);
	if (r >= 0 && purl) {
		r = keep(set, purl->version, &stored->version);
		if (r >= 0)
			r = keep(set, purl_qualifier(purl, "arch"), &stored->arch);
	}
	stored->sources |= package->sources;
	stored->contained |= package->contained;
	return r;
}

static int package_new(struct package_set *set, const struct package *package, const struct purl *purl,
		       uint32_t index)
{
	const char *type = purl ? purl->type : package->type;
	struct package stored = { .purl = NULL };
	int r = packages_grow(set);

	if (r >= 0)
		r = keep(set, type, &stored.type);
	if (r >= 0)
		r = texts_add(&set->types, str_of(type ? type : ""), &set->worlds[index], NULL);
	if (r >= 0)
		r = package_join(set, &stored, package, purl);
	if (r >= 0)
		r = chains_add(set, purl, index);
	if (r >= 0)
		set->packages[index] = stored;
	return r;
}

int package_set_add(struct package_set *set, const struct package *package, uint32_t *ret_index)
{
	_cleanup_(purl_done) struct purl purl = { .type = NULL };
	_cleanup_(buf_done) struct buf key = BUF_MAX(TEXT_MAX);
	uint32_t index;
	int r;

	if (package->purl) {
		r = purl_parse(str_of(package->purl), NULL, &purl);
		if (r >= 0)
			r = identity_append(&key, &purl);
	} else {
		r = package->name && package->name[0] ? identity_without_purl(&key, set, package) : -EINVAL;
	}
	if (r < 0)
		return r;
	if (texts_find(&set->keys, buf_str(&key), &index)) {
		*ret_index = index;
		return package_join(set, &set->packages[index], package, package->purl ? &purl : NULL);
	}
	if (set->count == PACKAGES_MAX)
		return -E2BIG;
	r = package_new(set, package, package->purl ? &purl : NULL, (uint32_t)set->count);
	if (r >= 0)
		r = texts_add(&set->keys, buf_str(&key), &index, NULL);
	if (r < 0)
		return r;
	set->count++;
	*ret_index = index;
	return 0;
}

/* Nothing that the one says is denied by the other; `asked` has the name, and the version if it says one. */
static bool agrees(const struct package *package, const struct purl *asked)
{
	_cleanup_(purl_done) struct purl own = { .type = NULL };

	if (!package->purl || purl_parse(str_of(package->purl), NULL, &own) < 0)
		return false;
	for (size_t i = 0; i < asked->n_qualifiers; i++) {
		const struct purl_qualifier *qualifier = &asked->qualifiers[i];
		const char *value = purl_qualifier(&own, qualifier->key);

		if (!tells_no_identity(qualifier->key) && value && strcmp(value, qualifier->value) != 0)
			return false;
	}
	return !asked->subpath || !own.subpath || strcmp(asked->subpath, own.subpath) == 0;
}

static int find_candidate(const struct package_set *set, const struct package_chain *chain, struct str key,
			  const struct purl *asked, uint32_t *ret_index)
{
	size_t found = 0, tried = 0;
	uint32_t number, index;

	if (!texts_find(&chain->keys, key, &number))
		return -ENOENT;
	for (index = chain->first[number]; index != NOBODY; index = chain->next[index]) {
		if (++tried > CANDIDATES_MAX)
			return -EEXIST;
		if (!agrees(&set->packages[index], asked))
			continue;
		*ret_index = index;
		if (++found > 1)
			return -EEXIST;
	}
	return found == 1 ? 0 : -ENOENT;
}

int package_set_find_purl(const struct package_set *set, struct str text, uint32_t *ret_index)
{
	_cleanup_(purl_done) struct purl purl = { .type = NULL };
	_cleanup_(buf_done) struct buf key = BUF_MAX(TEXT_MAX);
	int r = purl_parse(text, NULL, &purl);

	if (r >= 0)
		r = identity_append(&key, &purl);
	if (r < 0)
		return r;
	if (purl.version && texts_find(&set->keys, buf_str(&key), ret_index))
		return 0;
	buf_clear(&key);
	r = buf_printf(&key, "%s/%s/%s", purl.type, purl.namespace_ ? purl.namespace_ : "", purl.name);
	if (r >= 0)
		r = version_append(&key, &purl);
	if (r < 0)
		return r;
	return find_candidate(set, purl.version ? &set->by_version : &set->by_name, buf_str(&key), &purl,
			      ret_index);
}
