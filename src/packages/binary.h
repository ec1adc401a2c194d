/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What compilers write into a program of what it is made of: Go's build information, and the list that cargo-auditable
 * leaves in Rust programs (.dep-v0). Programs of any processor and byte order. Reads by position, maps nothing.
 */

#include "base/buf.h"

#define BINARY_FILE_MAX (4ull << 30)
#define GO_INFO_MAX (16u << 20)
#define RUST_INFO_MAX (16u << 20) /* unpacked */

struct binary_info {
	struct buf go_version; /* "go1.19.8"; empty = no Go program */
	struct buf go_modules; /* text for go_module_next; may be empty in a Go program */
	struct buf rust; /* JSON for rust_list; empty = none */
};

#define BINARY_INFO_EMPTY                                           \
	((struct binary_info) { .go_version = BUF_MAX(256),         \
				.go_modules = BUF_MAX(GO_INFO_MAX), \
				.rust = BUF_MAX(RUST_INFO_MAX) })

/* 0; -ENOEXEC: no ELF file that is read; -EBADMSG and *ret_why: what it says of itself is bent; else errno. */
int binary_read(int fd, struct binary_info *ret_info, const char **ret_why);
void binary_info_done(struct binary_info *info);

struct go_module {
	struct str path, version; /* version {NULL, 0} = none: built from a working tree */
	bool is_main;
};

/* The next module of the text, a replaced one as what it was replaced by. False at the end. */
bool go_module_next(struct str *rest, struct go_module *ret_module);

struct rust_crate {
	const char *name, *version;
	bool is_root; /* the program itself */
};

/* Calls with each crate that is in the program at run time; -EBADMSG: no such JSON; a negative result ends it. */
int rust_list(struct str json, int (*visit)(void *user, const struct rust_crate *crate), void *user);
