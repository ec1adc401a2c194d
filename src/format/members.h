/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Members of a JSON object that has been read into a tree, for readers that refuse what they do not understand. */

#include <stdbool.h>

#include <jansson.h>

/* Is `key` one of these names, which are separated by spaces? */
bool members_listed(const char *names, const char *key);
/* A member that is none of `names` (separated by spaces); NULL: there is none. The object must be one. */
const char *members_unknown(const json_t *object, const char *names);
/* A member's value; NULL when it is missing, or null, which protobuf's JSON may write for what is not set. */
const json_t *members_get(const json_t *object, const char *key);
