# SPDX-License-Identifier: GPL-2.0-only
# For the Kbuild of a module that uses bytepool as DKMS has built it.
ccflags-y += -I/usr/include/bytepool
KBUILD_EXTRA_SYMBOLS += $(wildcard /var/lib/dkms/bytepool/kernel-$(KERNELRELEASE)-*/Module.symvers)
