# lode: data and artifact versioning next to git.
#
#   make            the program, build/$(MODE)/lode
#   make check      set-up, build, all tests       make demo   set-up, build, main job
#   make install    PREFIX=/usr/local DESTDIR=     make help   every target
#
# MODE=release|debug|asan|tsan|cov|analyze|fuzz build side by side under
# build/$(MODE)/. V=1 shows the commands, WERROR=1 makes warnings errors.

MODE   ?= release
PREFIX ?= /usr/local
B      ?= build/$(MODE)
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)
PKG_CONFIG ?= pkg-config

VERSION := 0.1.0
comma   := ,
PKGS    := libcurl libgit2 yaml-0.1 expat openssl libxxhash zlib libzstd

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wvla -Wwrite-strings -Wpointer-arith \
	-Wundef -Wformat=2 -Wcast-qual -Wimplicit-fallthrough -Wnull-dereference
ifeq ($(WERROR),1)
WARN += -Werror
endif

# Our own flags come after the user's: numbers must not depend on them.
BASE := -std=c11 -D_GNU_SOURCE -I. -include store/base/banned.h -pthread \
	-DLODE_VERSION='"$(VERSION)"' -fno-fast-math -ffp-contract=off
# ISO mode on s390x would compute floats in double, as its ABI once said.
ifneq ($(findstring s390x,$(shell $(CC) -dumpmachine 2>/dev/null)),)
BASE += -fexcess-precision=fast
endif

# What the compiler and the linker at hand take, asked only for a release: a
# compiler elsewhere may lack one, and -fcf-protection is x86's alone.
takes = $(shell echo 'int main(void){return 0;}' | $(CC) -Werror -O2 $(1) -x c -o /dev/null - \
	>/dev/null 2>&1 && echo '$(1)')
ifeq ($(MODE),release)
HARDEN := $(foreach f,-fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-ftrivial-auto-var-init=zero -fPIE,$(call takes,$(f))) \
	$(or $(call takes,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3),-D_FORTIFY_SOURCE=2)
HARDEN_LD := $(foreach f,-pie -Wl$(comma)-z$(comma)relro -Wl$(comma)-z$(comma)now \
	-Wl$(comma)-z$(comma)noexecstack -Wl$(comma)--as-needed,$(call takes,$(f)))
endif

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
else ifeq ($(MODE),analyze)
# Outs are written on success only, which gcc 12's analyzer does not follow through
# our int results: these two kinds it reports are all of that make.
OPT := -O0 -g -DSYS_FAULTS -fanalyzer -Wno-analyzer-null-dereference \
	-Wno-analyzer-use-of-uninitialized-value
OPTLD := -Wl,--as-needed
else ifeq ($(MODE),fuzz)
CC := clang
OPT := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -DSYS_FAULTS
OPTLD := -fsanitize=address,undefined
else
$(error MODE=$(MODE) is none of release debug asan tsan cov analyze fuzz)
endif

ALL_CFLAGS  = $(OPT) $(CFLAGS) $(BASE) $(WARN) $(PKG_CFLAGS)
ALL_LDFLAGS = $(OPTLD) $(LDFLAGS)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
# libcurl is loaded when it is first needed (remote/curl_lazy.c).
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(filter-out libcurl,$(PKGS)) 2>/dev/null)

SRC  := $(sort $(wildcard store/*/*.c remote/*.c remote/*/*.c train/*/*.c))
CMD  := $(filter-out cmd/main.c,$(sort $(wildcard cmd/*.c)))
OBJ  := $(SRC:%.c=$(B)/%.o) $(CMD:%.c=$(B)/%.o)
LIB  := $(B)/liblode.a
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
TESTLIB := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/lib/*.c)))

FUZZ  := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
BENCH := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(sort $(wildcard tests/bench/*.c)))
# Whole paths: the scripts change their directory.
E2E   := $(sort $(wildcard $(CURDIR)/tests/e2e/t*.sh))
JOBS  ?= 2

.PHONY: all unit server emulated digest e2e check demo fuzz replay interop bench bench-train install uninstall dist docs format \
	check-format check-headers check-layers check-docs lint tsan deps deps-test clean help fuzz-run
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
$(B)/%_pclmul.o: SIMD := -mpclmul -msse4.1
$(B)/%_avx512.o: SIMD := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mbmi2

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(SIMD) -MMD -MP -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(TESTLIB) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(TESTLIB) $(LIB) $(PKG_LIBS) -lcmocka -lmicrohttpd -pthread -lm

# It answers libcurl's questions for names itself.
$(B)/tests/unit/test_s3_net: LDFLAGS += -rdynamic

# Servers of the tests' own, for the end-to-end tests.
SERVERS := $(patsubst tests/servers/%.c,$(B)/tests/servers/%,$(sort $(wildcard tests/servers/*.c)))
FAKES3 := $(filter %/fakes3.o %/fakes3_store.o %/fakes3_uploads.o,$(TESTLIB))
$(B)/tests/servers/%: $(B)/tests/servers/%.o $(FAKES3) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(FAKES3) $(LIB) $(PKG_LIBS) -pthread -lm

# Its object may not lie in a directory of the program's own name.
$(B)/tests/powercut: tests/powercut/powercut.c $(LIB) Makefile
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(LIB) $(PKG_LIBS) -pthread -lm

$(B)/tests/bench/%: $(B)/tests/bench/%.o $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(PKG_LIBS) -pthread -lm

# Fuzz targets: libFuzzer's main with MODE=fuzz, else one that replays files.
ifeq ($(MODE),fuzz)
FUZZ_LD := -fsanitize=fuzzer
else
FUZZ_LD := $(B)/tests/fuzz/replay.o
endif
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(filter %.o,$(FUZZ_LD)) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter-out %.o,$(FUZZ_LD)) -o $@ $(filter %.o,$^) $(LIB) \
		$(PKG_LIBS) -pthread -lm

# ---- tests -------------------------------------------------------------------

# What needs a server runs beside one.
SERVER_UNIT := $(filter %/test_s3_server,$(UNIT))
unit: $(UNIT)
	$(Q).ci/tap -j $(JOBS) $(filter-out $(SERVER_UNIT),$(UNIT))

# The variants of other machines: one with AVX2, one without any of it.
EMULATED := $(filter %/test_md5_many %/test_bins %/test_data_scan %/test_fp %/test_hist \
	%/test_objective %/test_split,$(UNIT))
emulated: $(EMULATED)
	$(Q)for cpu in Haswell Nehalem; do for t in $(EMULATED); do \
		qemu-x86_64 -cpu $$cpu $$t || exit 1; done; done

# One model from every compiler, level of optimisation and machine.
digest:
	$(Q)tests/digest/run.sh

server: $(SERVER_UNIT)
	$(Q).ci/with-s3 rgw .ci/tap $(SERVER_UNIT)
	$(Q).ci/with-s3 swift .ci/tap $(SERVER_UNIT)

e2e: all $(SERVERS) $(if $(wildcard tests/powercut/powercut.c),$(B)/tests/powercut)
	$(Q)LODE_BIN=$(CURDIR)/$(B) .ci/tap -j $(JOBS) $(E2E)

# Threads meet in these; the rest would only take time.
TSAN_UNIT := $(filter %base_fs %data_oracle %gbt %linear %objective %team %md5_many %odb \
	%odb_ingest %odb_threads %index %repo_add %httpr %sync_origin \
	%remote_local %s3 %s3_creds %s3_faults %creds_sources,$(UNIT))
tsan: $(TSAN_UNIT)
	$(Q).ci/tap -j $(JOBS) $(TSAN_UNIT)

replay: $(FUZZ)
	$(Q).ci/replay $(FUZZ)

# A minute for each parser; FUZZ_SECONDS=N for another time.
fuzz:
	$(Q)$(MAKE) MODE=fuzz fuzz-run
fuzz-run: $(FUZZ)
	$(Q).ci/fuzz $(FUZZ)

interop: all
	$(Q)LODE_BIN=$(CURDIR)/$(B) tests/interop/run.sh

bench: all $(BENCH)
	$(Q)LODE_BIN=$(CURDIR)/$(B) tests/bench/run.sh

bench-train: all $(BENCH)
	$(Q)LODE_BIN=$(CURDIR)/$(B) tests/bench/train.sh
	$(Q)$${PYTHON:-python3} tests/bench/train_real.py $(B)/lode

check: deps-test
	$(Q).ci/check

demo: deps
	$(Q)$(MAKE) -j$(JOBS) all
	$(Q)LODE_BIN=$(CURDIR)/$(B) tests/demo.sh

deps:
	$(Q).ci/deps build

deps-test:
	$(Q).ci/deps build test

# ---- looking at the source ---------------------------------------------------

TRACKED_C = $(shell git ls-files '*.c' '*.h')

format:
	$(Q)clang-format -i $(TRACKED_C)

check-format:
	$(Q)clang-format --dry-run -Werror $(TRACKED_C)

# In the environment as they are: their quotes are for a shell of the script's.
check-headers lint: export FLAGS = $(BASE) $(PKG_CFLAGS)
check-headers:
	$(Q)CC='$(CC)' .ci/headers

check-layers:
	$(Q).ci/layers

# The pages hold what the tables say, and the tables what the pages say.
docs: all
	$(Q)LODE=$(B)/lode docs/man/update

check-docs: all
	$(Q)LODE=$(B)/lode docs/man/update --check

lint:
	$(Q).ci/lint

# ---- installing --------------------------------------------------------------

MAN := $(sort $(wildcard docs/man/*.1))
D   := $(DESTDIR)$(PREFIX)

install: all
	install -d $(D)/bin $(D)/share/man/man1 $(D)/share/bash-completion/completions \
		$(D)/share/zsh/site-functions $(D)/share/fish/vendor_completions.d
	install -m 755 $(B)/lode $(D)/bin/lode
	install -m 644 $(MAN) $(D)/share/man/man1/
	$(B)/lode completion -s bash >$(D)/share/bash-completion/completions/lode
	$(B)/lode completion -s zsh >$(D)/share/zsh/site-functions/_lode
	$(B)/lode completion -s fish >$(D)/share/fish/vendor_completions.d/lode.fish

uninstall:
	rm -f $(D)/bin/lode $(addprefix $(D)/share/man/man1/,$(notdir $(MAN))) \
		$(D)/share/bash-completion/completions/lode \
		$(D)/share/zsh/site-functions/_lode \
		$(D)/share/fish/vendor_completions.d/lode.fish

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=lode-$(VERSION)/ -o build/lode-$(VERSION).tar.gz HEAD
	@echo build/lode-$(VERSION).tar.gz

clean:
	rm -rf build

help:
	@echo 'all            the program, build/$(MODE)/lode'
	@echo 'unit           the unit tests of this MODE'
	@echo 'emulated       the SIMD variants on emulated CPUs (x86-64)'
	@echo 'digest         one model over compilers, flags and machines (emulated)'
	@echo 'server         the unit tests that need a real S3 server, beside two'
	@echo 'e2e            the end-to-end tests with the program of this MODE'
	@echo 'check          set-up, build, all tests, all looks at the source'
	@echo 'demo           set-up, build, the main job on a real dataset'
	@echo 'deps           install missing Debian packages (deps-test: those of the tests)'
	@echo 'fuzz           a minute for each fuzz target (FUZZ_SECONDS=N)'
	@echo 'replay         the fuzz corpora, once'
	@echo 'tsan           with MODE=tsan: the unit tests in which threads meet'
	@echo 'interop        the same steps with dvc and lode on one repository'
	@echo 'bench          timings beside git, coreutils and the peers that are here'
	@echo 'bench-train    training beside LightGBM, XGBoost and scikit-learn (PYTHON=...)'
	@echo 'install        PREFIX=/usr/local DESTDIR=: bin, man pages, completions'
	@echo 'uninstall      the same files, gone'
	@echo 'dist           a tarball of HEAD'
	@echo 'docs           refresh the generated parts of the man pages'
	@echo 'format         clang-format everything'
	@echo 'check-format   is it formatted?'
	@echo 'check-headers  does every header compile alone?'
	@echo 'check-layers   do includes point down only?'
	@echo 'check-docs     do the man pages say what the tables say?'
	@echo 'lint           cppcheck, clang-tidy, shellcheck, mandoc'
	@echo 'clean          remove build/'

-include $(shell find $(B) -name '*.d' 2>/dev/null)
