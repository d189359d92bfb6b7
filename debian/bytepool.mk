# SPDX-License-Identifier: GPL-2.0-only
# The Kbuild of a module that uses bytepool includes this file. DKMS has built bytepool.
ccflags-y += -I/usr/include/bytepool
KBUILD_EXTRA_SYMBOLS += $(wildcard /var/lib/dkms/bytepool/kernel-$(KERNELRELEASE)-*/Module.symvers)
