# SPDX-License-Identifier: GPL-2.0-only
#
# For people: kbuild reads Kbuild instead. `make help` lists the targets. What
# tests, checks and the demo need is installed by them, where it is missing.

KDIR ?= /lib/modules/$(shell uname -r)/build
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)

.PHONY: all install clean demo try test test-all userspace-test fuzz coverage insmod-test kunit kunit-debug \
	other-machines test-debug torture models mutation bench bench-check check docs deb test-deb \
	help

all: $(KDIR)/Makefile ## build bytepool.ko for the running kernel, or for the one of KDIR=...
	+$(kbuild) modules

install: all ## install bytepool.ko for that kernel
	+$(kbuild) modules_install
	depmod $(addprefix -b ,$(INSTALL_MOD_PATH)) \
		$$(sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)

clean: $(KDIR)/Makefile ## remove what the build has made
	+$(kbuild) clean

demo: ## real files through a consumer of bytepool on Debian's 6.12 kernel in QEMU
	@scripts/demo

try: ## the modules of DIR=... in a guest where bytepool is loaded, and a shell
	@scripts/try $(DIR)

test: ## the suites that take minutes, on stock kernels and under UML: before each commit
	@scripts/test

test-all: ## all suites, on debug kernels and other machines too: several hours
	@scripts/test -a

userspace-test: ## bytepool.c in userspace under sanitizers, and against a model
	@scripts/userspace-test

fuzz: ## let libFuzzer loose on bytepool.c in userspace for SECONDS=60
	@scripts/fuzz $(SECONDS)

coverage: ## what KUnit and the userspace tests execute of bytepool.c, and what not
	@scripts/coverage

insmod-test: ## load and use the module on Debian's 6.12 and 6.1 kernels in QEMU
	@scripts/test insmod-6.12 insmod-6.1 numa-6.12 numa-6.1 pressure-6.12 pressure-6.1

kunit: ## the KUnit suite under UML, Linux 6.12
	@scripts/kunit

kunit-debug: ## the same with KASAN, lockdep and more
	@scripts/kunit --debug

other-machines: ## the KUnit suite on i386, s390x, and arm64 with pages of 4 and 64 KiB, in QEMU
	@scripts/test $(addprefix kunit-6.12-,i386 s390x arm64 arm64-64k)

test-debug: ## the tests on kernels built to find bugs: KASAN, KCSAN, PREEMPT_RT
	@scripts/test init-6.12-debug $(foreach kernel,debug kcsan rt, \
		kernel-6.12-$(kernel) planted-6.12-$(kernel) torture-6.12-$(kernel))

torture: ## everything at once for SECONDS=120, on Debian's 6.12 kernel in QEMU
	@guest-test/run torture 6.12 -s $(or $(SECONDS),120)

models: ## the arguments about the order of memory, checked by SPIN
	@models/run

mutation: ## break bytepool.c in many ways, and see that the tests notice
	@scripts/mutation

bench: ## measure bytepool and its peers, and write Documentation/benchmarks.md
	@bench/scripts/bench

bench-check: ## fail where bytepool costs more, in instructions, than when last measured
	@bench/scripts/bench-check

check: ## what the kernel's and Debian's checkers say of all files: nothing
	@scripts/check

docs: ## render Documentation/ to HTML by sphinx
	@scripts/docs

deb: ## build the Debian packages, into debs/
	@scripts/deb debs

test-deb: ## install them in a chroot, with DKMS for both kernels, and remove them
	@scripts/test deb

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

$(KDIR)/Makefile:
	@echo "no kernel to build for in $(KDIR):" >&2; \
	echo "install linux-headers-$$(uname -r), or say KDIR=..." >&2; \
	exit 1
