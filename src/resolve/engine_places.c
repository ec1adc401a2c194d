// SPDX-License-Identifier: Apache-2.0
/*
 * Looks every few seconds for sockets that were not there before, and whether another file lies where an engine was lost,
 * so that one that comes back is not left waiting. Has a thread of its own, since a file system may hold it up. Root's
 * sockets have the first slots and users' the others: no user can fill them all.
 */

#include "resolve/engine_slot.h"

#include <errno.h>
#include <string.h>

#define FIRST_USER_SLOT (ENGINE_SOCKETS_MAX - ENGINE_USER_SOCKETS_MAX)

static bool is_used(const struct engines *engines, const struct engine_place *place)
{
	for (size_t i = 0; i < ENGINE_SOCKETS_MAX; i++) {
		const struct engine_slot *slot = &engines->slots[i];

		if (slot->used && slot->kind == place->kind && strcmp(slot->path, place->path) == 0)
			return true;
	}
	return false;
}

/* A free slot, or one whose socket is no longer there. */
static struct engine_slot *free_slot(struct engines *engines, bool of_user)
{
	size_t first = of_user ? FIRST_USER_SLOT : 0, end = of_user ? ENGINE_SOCKETS_MAX : FIRST_USER_SLOT;

	for (size_t i = first; i < end; i++) {
		if (!engines->slots[i].used)
			return &engines->slots[i];
	}
	for (size_t i = first; i < end; i++) {
		struct engine_slot *slot = &engines->slots[i];

		if (!slot->connected && !slot->watching &&
		    engine_socket_look(slot->path, NULL, NULL, NULL) == -ENOENT)
			return slot;
	}
	return NULL;
}

static void place_use(struct engines *engines, const struct engine_place *place)
{
	struct engine_slot *slot;

	if (is_used(engines, place))
		return;
	slot = free_slot(engines, place->of_user);
	if (!slot || engine_slot_use(slot, place->kind, place->path) < 0)
		engines->totals.sockets_left_out++;
}

void engines_look(struct engines *engines)
{
	struct engine_place places[ENGINE_SOCKETS_MAX];
	size_t left_out, n;

	pthread_mutex_unlock(&engines->lock);
	n = engine_places_find(engines->options.root, places, ARRAY_LEN(places), &left_out);
	pthread_mutex_lock(&engines->lock);
	engines->totals.sockets_left_out = left_out;
	for (size_t i = 0; i < n && !atomic_load(&engines->stop); i++)
		place_use(engines, &places[i]);
}

/* Lock held, but for the look itself. */
static void look_for_another_file(struct engines *engines, struct engine_slot *slot)
{
	struct engine_socket_identity now = { 0 };
	char path[ENGINE_PATH_MAX];

	if (!slot->used || slot->connected || slot->failures == 0)
		return;
	memcpy(path, slot->path, sizeof(path));
	pthread_mutex_unlock(&engines->lock);
	(void)engine_socket_look(path, NULL, &now, NULL);
	pthread_mutex_lock(&engines->lock);
	if (now.inode == 0 || memcmp(&now, &slot->seen, sizeof(now)) == 0)
		return;
	slot->retry_now = true;
	pthread_cond_broadcast(&engines->changed);
}

void *engines_looker(void *arg)
{
	struct engines *engines = arg;

	pthread_mutex_lock(&engines->lock);
	while (!atomic_load(&engines->stop)) {
		uint64_t until_ns = engines_now_ns() + (uint64_t)ENGINE_LOOK_MS * 1000000;

		while (!atomic_load(&engines->stop) && engines_wait(engines, until_ns))
			;
		if (engines->looks && !atomic_load(&engines->stop))
			engines_look(engines);
		for (size_t i = 0; i < ENGINE_SOCKETS_MAX && !atomic_load(&engines->stop); i++)
			look_for_another_file(engines, &engines->slots[i]);
	}
	engines_thread_ends(engines);
	return NULL;
}
