/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key_parts.h"
void key_store_free(struct key_store *store)
{
	(void)store;
}
