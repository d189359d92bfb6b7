# SPDX-License-Identifier: GPL-2.0-only
#
# This file is for people, because kbuild reads Kbuild instead. `make help` lists the
# targets. Tests, checks and the demo install the packages that they need.

KDIR ?= /lib/modules/$(shell uname -r)/build
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)

# Some headers lack the vmlinux from which the kernel's build takes type information.
build_options = $(if $(wildcard $(KDIR)/vmlinux),,CONFIG_DEBUG_INFO_BTF_MODULES=)

# Most systems have no key to sign modules, and some have no program to compress them. depmod runs
# below, since the kernel's headers lack the file with which the kernel's build would run it. Older
# kernels would install in another directory.
key = $(shell sed -n 's/^CONFIG_MODULE_SIG_KEY="\(.*\)"/\1/p' $(KDIR)/include/config/auto.conf)
has_key = $(filter pkcs11:%,$(key))$(wildcard $(key) $(addprefix $(KDIR)/,$(key)))
install_options = $(if $(has_key),,CONFIG_MODULE_SIG_ALL=) cmd_depmod=: \
	$(addprefix CONFIG_MODULE_COMPRESS_,ALL= GZIP= XZ= ZSTD=) \
	INSTALL_MOD_DIR=$(or $(INSTALL_MOD_DIR),updates)

.PHONY: all install clean demo try test test-all userspace-test fuzz coverage insmod-test kunit kunit-debug \
	other-machines test-debug torture models mutation bench bench-check bench-modules check docs deb test-deb \
	help

all: $(KDIR)/Makefile ## build bytepool.ko for the running kernel, or for the kernel of KDIR=...
	+$(kbuild) modules $(build_options)

install: all ## install bytepool.ko for that kernel
	+$(kbuild) modules_install $(install_options)
	@PATH=$$PATH:/usr/sbin:/sbin; depmod $(addprefix -b ,$(INSTALL_MOD_PATH)) $$(sed -n \
		's/^#define UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)

clean: $(KDIR)/Makefile ## remove the files of the build
	+$(kbuild) clean

demo: ## compare a module of the kernel, stock and ported to bytepool, in QEMU
	@scripts/demo

try: ## load bytepool and the modules of DIR=... in a guest, and start a shell
	@scripts/try $(DIR)

test: ## run the quick suites, on stock kernels and under UML, before each commit: minutes
	@scripts/test

test-all: ## run all suites, on debug kernels and other machines, too: several hours
	@scripts/test -a

userspace-test: ## run the module in userspace under sanitizers, and compare it with a model
	@scripts/userspace-test

fuzz: ## run libFuzzer on the module in userspace for SECONDS=60
	@scripts/fuzz $(SECONDS)

coverage: ## measure how much of the module KUnit and the userspace tests execute
	@scripts/coverage

insmod-test: ## load and use the module in QEMU on Debian's kernels, also with NUMA and little memory
	@scripts/test 'insmod-*' 'numa-*' 'pressure-*'

kunit: ## run the KUnit suite under UML
	@scripts/kunit

kunit-debug: ## run the KUnit suite under UML with KASAN, lockdep and more
	@scripts/kunit --debug

other-machines: ## run the KUnit suite in QEMU on i386, s390x, and arm64 with pages of 4 and 64 KiB
	@scripts/test 'kunit-*-i386' 'kunit-*-s390x' 'kunit-*-arm64*'

test-debug: ## run tests on kernels that are built to find bugs: KASAN, KCSAN, PREEMPT_RT
	@scripts/test 'init-*' 'kernel-*' 'planted-*' 'torture-*-*'

torture: ## run the torture test for SECONDS=120, on a kernel of Debian in QEMU
	@guest-test/run torture -s $(or $(SECONDS),120)

models: ## check the arguments about memory ordering by SPIN
	@models/run

mutation: ## break the module in many ways, and check that the tests notice
	@scripts/mutation

bench: ## measure bytepool and its peers, and write Documentation/benchmarks.md
	@bench/scripts/bench

bench-modules: ## measure modules of the kernel, stock and ported, and write their page
	@bench/scripts/bench-modules

bench-check: ## count instructions, and fail if bytepool costs more than in bench/results.tsv
	@bench/scripts/bench-check

check: ## run the kernel's and Debian's checkers on all files; they must be silent
	@scripts/check

docs: ## render Documentation/ as HTML by sphinx
	@scripts/docs

deb: ## build the Debian packages in debs/
	@scripts/deb debs

test-deb: ## install the packages in a chroot, build the module there by DKMS, and remove them
	@scripts/test 'deb-*'

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

$(KDIR)/Makefile:
	@echo "$(KDIR) has no kernel to build for:" >&2; \
	echo "install linux-headers-$$(uname -r), or set KDIR=..." >&2; \
	exit 1
