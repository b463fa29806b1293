# lode: data and artifact versioning next to git.
#
#   make            the program, build/$(MODE)/lode
#   make check      set-up, build, all tests       make demo   set-up, build, main job
#   make install    PREFIX=/usr/local DESTDIR=     make help   every target
#
# MODE=release|debug|asan|tsan|cov|fuzz build side by side under build/$(MODE)/.

MODE   ?= release
PREFIX ?= /usr/local
B      ?= build/$(MODE)
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)
PKG_CONFIG ?= pkg-config

VERSION := 0.1.0
PKGS    := libcurl libgit2 yaml-0.1 json-c expat openssl libxxhash zlib

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wvla -Wwrite-strings -Wpointer-arith \
	-Wundef -Wformat=2 -Wcast-qual -Wimplicit-fallthrough -Wnull-dereference
ifeq ($(WERROR),1)
WARN += -Werror
endif

# Our own flags come after the user's: numbers must not depend on them.
BASE := -std=c11 -D_GNU_SOURCE -I. -include store/base/banned.h -pthread \
	-DLODE_VERSION='"$(VERSION)"' -fno-fast-math -ffp-contract=off

HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -ftrivial-auto-var-init=zero -fPIE
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed

ifeq ($(MODE),release)
OPT := -O2 -g $(HARDEN)
OPTLD := $(HARDEN_LD)
else ifeq ($(MODE),debug)
OPT := -O0 -g -DSYS_FAULTS
OPTLD := -Wl,--as-needed
else ifeq ($(MODE),asan)
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -DSYS_FAULTS
OPTLD := -fsanitize=address,undefined
else ifeq ($(MODE),tsan)
OPT := -O1 -g -fsanitize=thread -DSYS_FAULTS
OPTLD := -fsanitize=thread
else ifeq ($(MODE),cov)
OPT := -O0 -g --coverage -DSYS_FAULTS
OPTLD := --coverage
else ifeq ($(MODE),fuzz)
CC := clang
OPT := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -DSYS_FAULTS
OPTLD := -fsanitize=address,undefined
else
$(error MODE=$(MODE) is none of release debug asan tsan cov fuzz)
endif

ALL_CFLAGS  = $(OPT) $(CFLAGS) $(BASE) $(WARN) $(PKG_CFLAGS)
ALL_LDFLAGS = $(OPTLD) $(LDFLAGS)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)

SRC  := $(sort $(wildcard store/*/*.c remote/*.c remote/*/*.c train/*/*.c))
CMD  := $(filter-out cmd/main.c,$(sort $(wildcard cmd/*.c)))
OBJ  := $(SRC:%.c=$(B)/%.o) $(CMD:%.c=$(B)/%.o)
LIB  := $(B)/liblode.a
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
TESTLIB := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/lib/*.c)))

.PHONY: all unit clean
.SECONDARY:

all: $(if $(wildcard cmd/main.c),$(B)/lode,$(LIB))

$(B)/lode: $(B)/cmd/main.o $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(PKG_LIBS) -pthread -lm

$(LIB): $(OBJ)
	@echo "  AR   $@"
	$(Q)rm -f $@ && ar rcs $@ $(OBJ)

# SIMD twins live in files of their own, with their own flags.
$(B)/%_avx2.o: SIMD := -mavx2 -mbmi2
$(B)/%_avx512.o: SIMD := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mbmi2

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(SIMD) -MMD -MP -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(TESTLIB) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(TESTLIB) $(LIB) $(PKG_LIBS) -lcmocka -lmicrohttpd -pthread -lm

unit: $(UNIT)
	$(Q)for t in $(UNIT); do echo "  TEST $$t"; $$t || exit 1; done

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
