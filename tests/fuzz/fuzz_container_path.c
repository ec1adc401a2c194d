// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a cgroup's path: the answer's views lie in it, its own cgroup is found again by itself, and nothing put
 * below a container changes which one is outermost.
 */

#include <assert.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "resolve/container_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lies_in(struct str part, struct str path)
{
	if (part.len > 0)
		assert(part.data >= path.data && part.data + part.len <= path.data + path.len);
}

static void place_is_sound(const struct container_place *place, struct str path)
{
	lies_in(place->id, path);
	lies_in(place->name, path);
	assert((place->kind == CONTAINER_OCI) == (place->id.len > 0));
	assert((place->kind == CONTAINER_OTHER) == (place->name.len > 0));
	assert(place->id.len == 0 || container_id_is(place->id));
	assert(strlen(place->pod_uid) <= CONTAINER_POD_UID_MAX);
	if (place->kind == CONTAINER_HOST)
		return;
	assert(place->cgroup.data == path.data && place->cgroup.len <= path.len);
	assert((place->depth == 0) == (place->cgroup.len == path.len));
}

static void is_found_by_itself(const struct container_path *found, const struct container_place *place,
			       size_t nested)
{
	struct container_path again;

	assert(container_path_parse(place->cgroup, &again));
	assert(again.nested == nested && again.uid == found->uid && again.inner.depth == 0);
	assert(str_equal(again.inner.id, place->id) && str_equal(again.inner.name, place->name));
	assert(str_equal(again.outer.id, found->outer.id) && again.inner.qos == place->qos);
}

static void stays_outermost(const struct container_path *found, struct str below)
{
	_cleanup_(buf_done) struct buf longer = BUF_MAX(2 * CONTAINER_PATH_MAX);
	struct container_path deeper;

	assert(buf_append_str(&longer, found->outer.cgroup) == 0);
	assert(buf_append_str(&longer, below) == 0);
	if (!container_path_parse(buf_str(&longer), &deeper))
		return;
	assert(deeper.nested >= 1 && str_equal(deeper.outer.id, found->outer.id));
	assert(deeper.outer.cgroup.len == found->outer.cgroup.len && deeper.uid == found->uid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str path = { (const char *)data, size };
	struct container_path found;

	if (!container_path_parse(path, &found))
		return 0;
	assert(size <= CONTAINER_PATH_MAX && !memchr(data, 0, size));
	place_is_sound(&found.outer, path);
	place_is_sound(&found.inner, path);
	assert((found.nested > 0) == (found.outer.kind != CONTAINER_HOST));
	assert((found.nested > 0) == (found.inner.kind != CONTAINER_HOST));
	assert((found.nested < 2) == (found.outer.cgroup.len == found.inner.cgroup.len));
	if (found.nested == 0)
		return 0;
	is_found_by_itself(&found, &found.outer, 1);
	is_found_by_itself(&found, &found.inner, found.nested);
	stays_outermost(&found, path);
	return 0;
}
