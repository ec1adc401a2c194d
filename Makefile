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
PROTOC_C ?= protoc-c
# Another machine than this one: MACHINE=aarch64 CC='aarch64-linux-gnu-gcc --sysroot=DIR' AR=..., and O= of its own.
MACHINE ?= $(shell uname -m)
VERSION := 0.1.0
SOVERSION := 0

BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/stella-signals
UNITDIR ?= $(PREFIX)/lib/systemd/system

MODE ?= release
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough
ifneq ($(WERROR),0)
WARN += -Werror
endif

CPPFLAGS_ALL := -D_GNU_SOURCE -DSTELLA_VERSION='"$(VERSION)"' -I. -Isrc -Iinclude -I$(O)/gen $(CPPFLAGS)
CFLAGS_release := -O2 -g -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
CFLAGS_debug := -O1 -g
CFLAGS_sanitize := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# clang takes a variable that only its cleanup uses for an unused one.
CFLAGS_fuzz := -O1 -g -Wno-unused-variable -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS_ALL := -std=gnu11 -fPIC $(WARN) $(CFLAGS_$(MODE)) $(CFLAGS)
LDFLAGS_release := -Wl,-z,relro,-z,now -Wl,--as-needed
LDFLAGS_sanitize := -fsanitize=address,undefined
LDFLAGS_fuzz := -fsanitize=address,undefined
LDFLAGS_ALL := $(LDFLAGS_$(MODE)) $(LDFLAGS)

LIBS_base :=
LIBS_crypto = $(shell $(PKG_CONFIG) --libs libcrypto)
LIBS_zstd = $(shell $(PKG_CONFIG) --libs libzstd)
LIBS_json = $(shell $(PKG_CONFIG) --libs jansson)
LIBS_yaml = $(shell $(PKG_CONFIG) --libs yaml-0.1)
LIBS_engines = $(shell $(PKG_CONFIG) --libs libcurl libprotobuf-c)
# libarchive is linked statically, of which only the reader of zip is taken: whole, it would load libxml2 and ICU.
LIBS_packages = -l:libarchive.a $(shell $(PKG_CONFIG) --libs sqlite3 libelf nettle liblzma zlib) -lbz2
# libbpf is linked statically (Debian 12's own is too old to rely on where we are installed); what it needs is not.
LIBS_bpf = -l:libbpf.a -lelf -lz $(shell $(PKG_CONFIG) --libs liblzma)

ROOMS := base crypto format sigstore net signer transparency online resolve packages verify merge collect probe daemon cli
lib = $(O)/lib/libstella-$(1).a
# A room's main.c belongs to its program, not to its library; nor does what stands in for a part that a program lacks.
sources = $(filter-out %/main.c %-none.c,$(wildcard src/$(1)/*.c))
objects = $(patsubst src/%.c,$(O)/obj/%.o,$(call sources,$(1)))

PROGRAMS := $(O)/stella $(O)/stella-signalsd
# Run by these, not by people.
INNER := $(O)/stella-online
UNIT := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
HELPERS := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/system/*.c tests/bench/*.c tests/vm/*.c tests/containers/*.c \
	tests/seals/*.c))

.PHONY: all libs programs libstella helpers help
all: libs programs libstella

help:
	@echo 'make              everything into $(O)/ (O=DIR elsewhere, MODE=debug or sanitize, WERROR=0)'
	@echo 'make static       $(O)/stella-static: the command without shared libraries, for `stella signals bundle`'
	@echo 'make install      programs, libstella, headers, man pages; DESTDIR, PREFIX, BINDIR, LIBDIR, ...'
	@echo 'make unit         the unit tests; tools/test runs every test, tools/test unit only these'
	@echo 'make sanitize     the unit tests under ASan and UBSan, in $(O)/sanitize'
	@echo 'make fuzz-build   the fuzz targets, in $(O)/fuzz-tree'
	@echo 'make vm           boot the kernel half on the kernels of tests/vm/kernels (QEMU); make vm-arm64 on an arm64'
	@echo 'make bench        the figures of the README, measured here (root)'
	@echo 'make lint         shellcheck, clang-format, cppcheck, mandoc; make format puts the style right'
	@echo 'make clean        removes $(O)/'

libs: $(foreach room,$(ROOMS),$(call lib,$(room)))

programs: $(PROGRAMS) $(INNER)

# ---- rooms ----

define room_rules
$(call lib,$(1)): $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(AR) rcsD $$@ $$^
endef
$(foreach room,$(ROOMS),$(eval $(call room_rules,$(room))))

$(O)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# ---- what container engines say in protobuf: our own descriptions, made into C; part of the resolve room ----

PROTOS := $(patsubst src/resolve/%.proto,%,$(wildcard src/resolve/*.proto))
PROTO_HEADERS := $(PROTOS:%=$(O)/gen/%.pb-c.h)

$(O)/gen/%.pb-c.c $(O)/gen/%.pb-c.h: src/resolve/%.proto
	@mkdir -p $(@D)
	$(PROTOC_C) -Isrc/resolve --c_out=$(O)/gen $<

$(O)/obj/gen/%.pb-c.o: $(O)/gen/%.pb-c.c $(PROTO_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(patsubst src/%.c,$(O)/obj/%.o,$(wildcard src/resolve/engine*.c)): $(PROTO_HEADERS)
$(call lib,resolve): $(PROTOS:%=$(O)/obj/gen/%.pb-c.o)

# ---- the kernel half: one object from one file a subject, embedded by skeleton ----

BPF_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(MACHINE)))
$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -D__TARGET_ARCH_$(BPF_ARCH) \
		-I. -Ibpf -idirafter /usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c $< -o $@

$(O)/gen/signals.skel.h: $(O)/bpf/signals.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name signals_bpf >$@.tmp
	@mv $@.tmp $@

# The same for kernels without types of their own: no name of a kernel function in it.
$(O)/bpf/%_plain.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -D__TARGET_ARCH_$(BPF_ARCH) \
		-DBPF_WITHOUT_KFUNCS -I. -Ibpf -idirafter /usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c $< -o $@

.SECONDARY: $(O)/bpf/signals_plain.bpf.o
$(O)/gen/%_plain.skel.h: $(O)/bpf/%_plain.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name $*_plain >$@.tmp
	@mv $@.tmp $@

# Only the probe room sees the skeletons and libbpf.
$(patsubst src/%.c,$(O)/obj/%.o,$(wildcard src/probe/*.c)): $(O)/gen/signals.skel.h
$(O)/obj/probe/plain.o: $(O)/gen/signals_plain.skel.h

# ---- the page of the merger: a file for people to edit, made into one string ----

$(O)/gen/page_html.h: src/merge/page.html
	@mkdir -p $(@D)
	{ echo 'static const char page_html[] ='; sed -e 's/[\\"]/\\&/g' -e 's/\t/\\t/g' -e 's/.*/"&\\n"/' $<; echo ';'; } >$@.tmp
	@mv $@.tmp $@

$(O)/obj/merge/output_html.o: $(O)/gen/page_html.h

# ---- programs ----

$(O)/stella: $(O)/obj/cli/main.o $(foreach room,cli merge verify packages sigstore format crypto base,$(call lib,$(room)))
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_packages) $(LIBS_json) $(LIBS_zstd) $(LIBS_crypto)

$(O)/stella-signalsd: $(O)/obj/daemon/main.o $(foreach room,daemon transparency collect signer net sigstore probe resolve format crypto base,$(call lib,$(room)))
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_bpf) $(LIBS_yaml) $(LIBS_engines) $(LIBS_json) $(LIBS_zstd) $(LIBS_crypto) -lpthread

$(O)/stella-online: $(O)/obj/online/main.o $(foreach room,online transparency signer net sigstore format crypto base,$(call lib,$(room)))
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_engines) $(LIBS_json) $(LIBS_zstd) $(LIBS_crypto) -lpthread

# The verifier for machines without our libraries: `stella signals bundle` puts it beside the evidence. It does not
# merge. libcrypto warns
# that it could load modules of glibc; nothing of ours makes it do so.
.PHONY: static
static: $(O)/stella-static

$(O)/stella-static: $(O)/obj/cli/main.o $(O)/obj/cli/merge-none.o $(foreach room,cli verify sigstore format crypto base,$(call lib,$(room)))
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -static -o $@ $^ $(shell $(PKG_CONFIG) --static --libs jansson libzstd libcrypto)

# ---- libstella: the reading side for other programs; only stella_* can be seen from outside ----

LIBSTELLA_OBJECTS := $(foreach room,verify sigstore format crypto base,$(call objects,$(room)))

libstella: $(O)/libstella.so $(O)/libstella.a $(O)/stella.pc

$(O)/libstella.so.$(SOVERSION): $(LIBSTELLA_OBJECTS) src/verify/libstella.map
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -shared -Wl,-soname,$(@F) -Wl,--version-script=src/verify/libstella.map \
		-Wl,--no-undefined -o $@ $(LIBSTELLA_OBJECTS) $(LIBS_json) $(LIBS_zstd) $(LIBS_crypto)

$(O)/libstella.so: $(O)/libstella.so.$(SOVERSION)
	ln -sf $(<F) $@

# One object whose inner names are local, so that a static user can have a buf_grow of his own.
$(O)/libstella.a: $(LIBSTELLA_OBJECTS)
	$(LD) -r -o $(O)/obj/libstella.o $^
	objcopy --wildcard --keep-global-symbol='stella_*' $(O)/obj/libstella.o
	@rm -f $@
	ar rcsD $@ $(O)/obj/libstella.o

$(O)/stella.pc: packaging/stella.pc.in Makefile
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' $< >$@

# ---- install ----

.PHONY: install
install: all
	install -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(LIBDIR)/pkgconfig" "$(DESTDIR)$(INCLUDEDIR)/stella" \
		"$(DESTDIR)$(DOCDIR)" "$(DESTDIR)$(UNITDIR)" "$(DESTDIR)$(LIBDIR)/stella"
	install -m 755 $(PROGRAMS) "$(DESTDIR)$(BINDIR)"
	test ! -x $(O)/stella-static || install -D -m 755 -t "$(DESTDIR)$(LIBDIR)/stella" $(O)/stella-static
	install -m 755 $(INNER) "$(DESTDIR)$(LIBDIR)/stella"
	install -m 644 $(O)/libstella.so.$(SOVERSION) "$(DESTDIR)$(LIBDIR)/libstella.so.$(VERSION)"
	ln -sf libstella.so.$(VERSION) "$(DESTDIR)$(LIBDIR)/libstella.so.$(SOVERSION)"
	ln -sf libstella.so.$(SOVERSION) "$(DESTDIR)$(LIBDIR)/libstella.so"
	install -m 644 $(O)/libstella.a "$(DESTDIR)$(LIBDIR)"
	install -m 644 $(O)/stella.pc "$(DESTDIR)$(LIBDIR)/pkgconfig"
	install -m 644 include/stella/*.h "$(DESTDIR)$(INCLUDEDIR)/stella"
	sed 's|@BINDIR@|$(BINDIR)|' packaging/stellaops-signals.service >"$(DESTDIR)$(UNITDIR)/stellaops-signals.service"
	install -m 644 README.md LICENSE LICENSES/* "$(DESTDIR)$(DOCDIR)"
	set -e; for page in man/*.[1-8]; do test -e "$$page" || continue; \
		install -D -m 644 -t "$(DESTDIR)$(MANDIR)/man$${page##*.}" "$$page"; done
	set -e; for schema in docs/schemas/*.json; do test -e "$$schema" || continue; \
		install -D -m 644 -t "$(DESTDIR)$(DOCDIR)/schemas" "$$schema"; done

# ---- tests: each unit test is a cmocka program that links the rooms it asks for ----

LIBS_all = -Wl,--start-group $(foreach room,$(ROOMS),$(call lib,$(room))) -Wl,--end-group $(LIBS_packages) $(LIBS_bpf) $(LIBS_yaml) \
	$(LIBS_engines) $(LIBS_json) $(LIBS_zstd) $(LIBS_crypto) -lpthread

$(O)/tests/%: tests/unit/%.c $(foreach room,$(ROOMS),$(call lib,$(room)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -UNDEBUG $(LDFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -o $@ $< -lcmocka $(LIBS_test) $(LIBS_all)

# The engine of these tests is made of the library that curl's HTTP/2 is made of.
$(O)/tests/test_engine_grpc%: LIBS_test = $(shell $(PKG_CONFIG) --libs libnghttp2)

# Programs that system tests and benchmarks run as the monitored workload: plain, nothing of ours linked.
$(O)/tests/system/%: tests/system/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -o $@ $< -lpthread

# Without libc, whose loading would be most of the test.
$(O)/tests/system/nothing: tests/system/nothing.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -static -nostdlib -fno-stack-protector -o $@ $<

# Programs that ask real engines as the daemon does.
$(O)/tests/containers/%: tests/containers/%.c $(foreach room,$(ROOMS),$(call lib,$(room)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -o $@ $< $(LIBS_all)

# Chunks and seals in great numbers, through the rooms' own functions.
$(O)/tests/seals/%: tests/seals/%.c $(foreach room,$(ROOMS),$(call lib,$(room)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -o $@ $< $(LIBS_all)

# bench_NAME measures a room from inside and links it; the others are plain workloads.
$(O)/tests/bench/bench_%: tests/bench/bench_%.c $(foreach room,$(ROOMS),$(call lib,$(room)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -o $@ $< $(LIBS_all)

$(O)/tests/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -o $@ $< -lpthread

$(O)/tests/vm/%: tests/vm/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -MT $@ -MF $@.d -o $@ $<

helpers: $(HELPERS)

# What a machine under test runs; make vm-programs O=... MACHINE=... is how tests/vm/run builds another processor's.
.PHONY: vm vm-arm64 vm-programs
vm-programs: $(filter $(O)/tests/test_source%,$(UNIT)) $(filter $(O)/tests/vm/%,$(HELPERS))

vm: vm-programs
	tests/vm/run --record amd64
	tools/doc-tables

vm-arm64:
	tests/vm/run --record arm64
	tools/doc-tables

.PHONY: unit unit-build sanitize sanitize-build bench
unit-build: $(UNIT)

sanitize-build:
	$(MAKE) MODE=sanitize O=$(O)/sanitize unit-build

sanitize:
	$(MAKE) MODE=sanitize O=$(O)/sanitize unit

# The figures promised, measured; prints, changes nothing.
bench: all helpers
	tests/bench/run

unit: $(UNIT)
	@for test in $(UNIT); do echo "== $$test"; $$test || exit 1; done

# ---- fuzz: libFuzzer needs clang for everything it instruments, so these build in a tree of their own ----

.PHONY: fuzz-build
fuzz-build:
	$(MAKE) CC=$(CLANG) MODE=fuzz O=$(O)/fuzz-tree fuzz-programs

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ)

$(O)/fuzz/%: tests/fuzz/%.c $(foreach room,$(ROOMS),$(call lib,$(room)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fsanitize=fuzzer,address,undefined -MMD -MP -MT $@ -MF $@.d -o $@ $< $(LIBS_all)

# ---- style ----

STYLED = $(shell find src include wire bpf tests -name '*.[ch]' -not -path '*/wrong/*')

.PHONY: format format-check lint
format:
	clang-format-14 -i $(STYLED)

format-check:
	clang-format-14 --dry-run -Werror $(STYLED)

lint:
	tools/test lint

.PHONY: clean
clean:
	rm -rf $(O)

-include $(shell test -d $(O) && find $(O) -path $(O)/vm -prune -o -path $(O)/merge-truth -prune -o -name '*.d' -type f -print)
