/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where overlayfs keeps which layer a file is in. */

#include <stdint.h>

#include "base/str.h"

#define LAYER_MODULE_TYPES "/sys/kernel/btf/overlay" /* there while overlayfs is loaded as a module */

/*
 * From an inode of overlayfs to the pointer to its counterpart in the upper layer, in bytes: the kernel half's
 * cfg_layer_upper. `types` is the kernel's BTF as bytes; `module` a file with that of overlayfs where it is a module,
 * which need not exist, or NULL. Where neither knows overlayfs: behind the inode, where it is on every kernel from 4.13
 * to 7.x. 0: not known.
 */
uint32_t layer_upper_offset(struct str types, const char *module);
