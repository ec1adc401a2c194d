/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an inclusion proof tells of its tree: for any bytes as a proof, the root must be the one that merkle_root finds,
 * and the roots of smaller trees that are told must be told again from any proof with the same nodes.
 */

#include <stdlib.h>
#include <string.h>

#include "verify/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest leaf = { { 0 } }, hashes[MERKLE_PROOF_MAX] = { 0 }, root, wanted, before;
	uint64_t place[2] = { 0 };
	struct tree_nodes nodes;
	size_t count;
	int r, same;

	if (size < sizeof(place))
		return 0;
	memcpy(place, data, sizeof(place));
	data += sizeof(place);
	size -= sizeof(place);
	count = size / DIGEST_LEN < MERKLE_PROOF_MAX ? size / DIGEST_LEN : MERKLE_PROOF_MAX;
	memcpy(hashes, data, count * DIGEST_LEN);
	r = tree_nodes_read(&leaf, place[0], place[1], hashes, count, &nodes, &root);
	same = merkle_root(&leaf, place[0], place[1], hashes, count, &wanted);
	must((r == 0) == (same == 0));
	if (r < 0)
		return 0;
	must(memcmp(root.bytes, wanted.bytes, DIGEST_LEN) == 0);
	must(nodes.count <= TREE_NODES_MAX);
	must(!tree_nodes_differ(&nodes, &nodes));
	must(tree_nodes_root(&nodes, place[0] + 1, &before) == 0);
	for (size_t i = 0; i < nodes.count; i++)
		must(nodes.list[i].level < 64 && nodes.list[i].index < place[1] >> nodes.list[i].level);
	return 0;
}
