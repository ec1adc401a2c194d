# SPDX-License-Identifier: Apache-2.0
#
# Stella Signals. `make` builds everything into $(O); `make help` lists the targets.
# One library a room, so that tests link what ships. Objects never land in the source tree.

O ?= build
PREFIX ?= /usr
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= bpftool
PKG_CONFIG ?= pkg-config
VERSION := 0.1.0

MODE ?= release
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough
ifneq ($(WERROR),0)
WARN += -Werror
endif

CPPFLAGS_ALL := -D_GNU_SOURCE -DSTELLA_VERSION='"$(VERSION)"' -I. -Isrc -Iinclude -I$(O)/gen $(CPPFLAGS)
CFLAGS_release := -O2 -g -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
CFLAGS_debug := -O1 -g
CFLAGS_sanitize := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_ALL := -std=gnu11 -fPIC $(WARN) $(CFLAGS_$(MODE)) $(CFLAGS)
LDFLAGS_release := -Wl,-z,relro,-z,now -Wl,--as-needed
LDFLAGS_sanitize := -fsanitize=address,undefined
LDFLAGS_ALL := $(LDFLAGS_$(MODE)) $(LDFLAGS)

LIBS_base :=
LIBS_crypto = $(shell $(PKG_CONFIG) --libs libcrypto)
LIBS_zstd = $(shell $(PKG_CONFIG) --libs libzstd)
LIBS_json = $(shell $(PKG_CONFIG) --libs jansson)
LIBS_yaml = $(shell $(PKG_CONFIG) --libs yaml-0.1)
# libbpf is linked statically (Debian 12's own is too old to rely on where we are installed); what it needs is not.
LIBS_bpf = -l:libbpf.a -lelf -lz


ROOMS := base crypto format verify collect probe daemon cli
lib = $(O)/lib/libstella-$(1).a
# A room's main.c belongs to its program, not to its library.
sources = $(filter-out %/main.c,$(wildcard src/$(1)/*.c))
objects = $(patsubst src/%.c,$(O)/obj/%.o,$(call sources,$(1)))

PROGRAMS := $(O)/stella $(O)/stella-signalsd
UNIT := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
HELPERS := $(patsubst tests/system/%.c,$(O)/tests/system/%,$(wildcard tests/system/*.c))

.PHONY: all libs programs
all: libs programs

libs: $(foreach room,$(ROOMS),$(call lib,$(room)))

programs: $(PROGRAMS)

# ---- rooms ----

define room_rules
$(call lib,$(1)): $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcsD $$@ $$^
endef
$(foreach room,$(ROOMS),$(eval $(call room_rules,$(room))))

$(O)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# ---- the kernel half: one object from one file a subject, embedded by skeleton ----

BPF_ARCH := $(shell uname -m | sed -e 's/x86_64/x86/' -e 's/aarch64/arm64/')
$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -D__TARGET_ARCH_$(BPF_ARCH) \
		-I. -Ibpf -idirafter /usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c $< -o $@

$(O)/gen/signals.skel.h: $(O)/bpf/signals.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name signals_bpf >$@.tmp
	@mv $@.tmp $@

# Only the probe room sees the skeleton and libbpf.
$(O)/obj/probe/source.o: $(O)/gen/signals.skel.h

# ---- programs ----

$(O)/stella: $(O)/obj/cli/main.o $(foreach room,cli verify format crypto base,$(call lib,$(room)))
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_json) $(LIBS_zstd) $(LIBS_crypto)

$(O)/stella-signalsd: $(O)/obj/daemon/main.o $(foreach room,daemon collect probe format crypto base,$(call lib,$(room)))
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_bpf) $(LIBS_yaml) $(LIBS_json) $(LIBS_zstd) $(LIBS_crypto) -lpthread

# ---- tests: each unit test is a cmocka program that links the rooms it asks for ----

LIBS_all = -Wl,--start-group $(foreach room,$(ROOMS),$(call lib,$(room))) -Wl,--end-group $(LIBS_bpf) $(LIBS_yaml) \
	$(LIBS_json) $(LIBS_zstd) $(LIBS_crypto) -lpthread

$(O)/tests/%: tests/unit/%.c $(foreach room,$(ROOMS),$(call lib,$(room)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -UNDEBUG $(LDFLAGS_ALL) -MMD -MP -o $@ $< -lcmocka $(LIBS_all)

# Programs that system tests run as the monitored workload: plain, nothing of ours linked.
$(O)/tests/system/%: tests/system/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -o $@ $< -lpthread

.PHONY: unit
unit: $(UNIT)
	@for test in $(UNIT); do echo "== $$test"; $$test || exit 1; done

# ---- fuzz: libFuzzer needs clang for everything it instruments, so these build in a tree of their own ----

.PHONY: fuzz-build
fuzz-build:
	$(MAKE) CC=$(CLANG) MODE=fuzz O=$(O)/fuzz-tree fuzz-programs

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ)

CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_fuzz := -fsanitize=address,undefined

$(O)/fuzz/%: tests/fuzz/%.c $(foreach room,$(ROOMS),$(call lib,$(room)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fsanitize=fuzzer,address,undefined -MMD -MP -o $@ $< $(LIBS_all)

.PHONY: clean
clean:
	rm -rf $(O)

-include $(shell test -d $(O) && find $(O) -name '*.d')
