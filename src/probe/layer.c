// SPDX-License-Identifier: Apache-2.0
/*
 * Where the kernel has overlayfs built in, its types say it; where it is a module that is loaded, the module's. A module
 * may also be loaded later, when nobody looks any more: then what all kernels so far have in common is taken. Owns nothing.
 */

#include "probe/layer.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* struct ovl_inode, fs/overlayfs/ovl_entry.h: the inode is a member of it, and not its first. */
#define OVERLAY_INODE "ovl_inode"
#define INODE_WITHIN "vfs_inode"
#define UPPER "__upperdentry"

static int member_offset(const struct btf *btf, const struct btf_type *type, const char *name)
{
	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		if (strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), name) == 0)
			return (int)btf_member_bit_offset(type, i) / 8;
	}
	return -ENOENT;
}

/* -ENOENT: these types do not know overlayfs. 0: they do, and it is another than ours. */
static int upper_of(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, OVERLAY_INODE, BTF_KIND_STRUCT), inode, upper;
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	if (!type)
		return -ENOENT;
	inode = member_offset(btf, type, INODE_WITHIN);
	upper = member_offset(btf, type, UPPER);
	return inode < 0 || upper <= inode ? 0 : upper - inode;
}

static int upper_of_module(struct btf *kernel, const char *path)
{
	struct btf *btf = access(path, R_OK) == 0 ? btf__parse_split(path, kernel) : NULL;
	int r = btf ? upper_of(btf) : -ENOENT;

	btf__free(btf);
	return r;
}

static int inode_size(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "inode", BTF_KIND_STRUCT);

	return id > 0 ? (int)btf__type_by_id(btf, (uint32_t)id)->size : 0;
}

uint32_t layer_upper_offset(struct str types, const char *module)
{
	struct btf *btf = btf__new(types.data, (uint32_t)types.len);
	int r = btf ? upper_of(btf) : 0;

	if (r == -ENOENT && module)
		r = upper_of_module(btf, module);
	if (r == -ENOENT)
		r = inode_size(btf);
	btf__free(btf);
	return r > 0 ? (uint32_t)r : 0;
}
