/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the readers of the formats share. */

#include "packages/jwalk.h"
#include "packages/sbom.h"

struct sbom_table;
struct sbom_pairs;

struct sbom {
	struct jwalk *json;
	struct package_set *set;
	struct sbom_facts *facts;
	struct sbom_table *refs; /* ids that are taken, and the package of each */
	bool of_image; /* it describes an image: what has no leading slash is below its root */
	size_t first; /* packages that were in the set before */
	uint8_t *has_file; /* of each package of the set that is this SBOM's: told of a file */
	size_t max_has_file;
};

/* sbom_cyclonedx.c, sbom_spdx2.c, sbom_spdx3.c: the whole document is well-formed and has been rewound. */
int sbom_read_cyclonedx(struct sbom *sbom);
int sbom_read_spdx2(struct sbom *sbom);
int sbom_read_spdx3(struct sbom *sbom);

/* ---- sbom_component.c: a component as a document gives it, member by member ---- */

#define SBOM_PATHS_MAX (64u << 20) /* bytes of all places of one component */
#define SBOM_REF_MAX 4096

struct sbom_component {
	struct buf type, group, name, version, purl, ref;
	struct buf places; /* NUL-ended: where it was found, what is its own */
	bool within; /* it lies inside of the archive or binary at its place */
	bool tells_all; /* what it does not name of its files, nothing else in the document does */
};

void sbom_component_init(struct sbom_component *component);
void sbom_component_done(struct sbom_component *component);
/* -E2BIG: too many. */
int sbom_component_place(struct sbom_component *component, struct str path);
/*
 * Adds it and the files it tells of. *ret_index (may be NULL): its number in the set, UINT32_MAX when it counts for nothing
 * (no name). Takes its ref.
 */
int sbom_component_add(struct sbom *sbom, struct sbom_component *component, uint32_t *ret_index);
/* One more file of a package that was added. */
int sbom_add_place(struct sbom *sbom, uint32_t index, struct str path);
/* What the document is about: name, version and purl of a container name the image. */
int sbom_take_subject(struct sbom *sbom, const struct sbom_component *component, bool is_image);
/* Reads a string of at most PACKAGE_TEXT_MAX; what is longer or no string counts as not said. */
void sbom_text(struct sbom *sbom, struct buf *out);
/* The document's own error, or this one with a line. */
int sbom_failed(struct sbom *sbom, int error);

/* ---- sbom_place.c: what a place means ---- */

enum sbom_place {
	SBOM_PLACE_FILE, /* a file of the package */
	SBOM_PLACE_WITHIN, /* a file that holds the package among others */
	SBOM_PLACE_SOURCE, /* a database or lock file: no file of the package */
	SBOM_PLACE_BAD, /* no absolute, normalised path */
};

/* `out` gets the path, absolute, cut at an archive that holds the rest. `type`: of the purl, NULL unknown. */
enum sbom_place sbom_place(struct str path, const char *type, bool of_image, struct buf *out);

/* ---- sbom_table.c: ids of a document, kept as 128 bits of SipHash each ---- */

struct sbom_id {
	uint64_t half[2];
};

struct sbom_id sbom_id_of(struct str text);

struct sbom_ids {
	struct sbom_id *list;
	size_t count, max;
};

/* -E2BIG beyond PACKAGE_FILES_MAX. */
int sbom_ids_add(struct sbom_ids *ids, struct sbom_id id);
/* sbom_component.c: reads an array of ids; what is no array is skipped, what is no string counts for nothing. */
int sbom_ids_read(struct sbom *sbom, struct sbom_ids *ids);
void sbom_ids_done(struct sbom_ids *ids);

int sbom_table_new(struct sbom_table **ret_table);
void sbom_table_free(struct sbom_table *table);
DEFINE_FREEP(sbom_table, sbom_table_free)
/* -EEXIST: taken, *ret_value untouched. */
int sbom_table_add(struct sbom_table *table, struct sbom_id id, uint32_t value);
bool sbom_table_find(const struct sbom_table *table, struct sbom_id id, uint32_t *ret_value);

/* Files by id, each with the packages that contain it. */
int sbom_pairs_new(struct sbom_pairs **ret_pairs);
void sbom_pairs_free(struct sbom_pairs *pairs);
DEFINE_FREEP(sbom_pairs, sbom_pairs_free)
/* -E2BIG beyond PACKAGE_FILES_MAX. */
int sbom_pairs_add(struct sbom_pairs *pairs, struct sbom_id file, uint32_t package);
void sbom_pairs_sort(struct sbom_pairs *pairs);
/*
 * The packages of this file: *ret_packages points at the first of the count returned. A file asked for again gives none and
 * *ret_again. Pairs that nobody asked for are counted by sbom_pairs_unasked.
 */
size_t sbom_pairs_of(struct sbom_pairs *pairs, struct sbom_id file, const uint32_t **ret_packages,
		     bool *ret_again);
uint64_t sbom_pairs_unasked(const struct sbom_pairs *pairs);
