/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// Loaded before all else, has a Linux program on ARM believe that the processor has none of the
// optional instructions for AES and SHA, as that of a Raspberry Pi 4: getauxval(3) is how all
// libraries ask.

#include <dlfcn.h>
#include <sys/auxv.h>

// Bits of AT_HWCAP that the kernel documents in "ARM64 ELF hwcaps": AES, PMULL, SHA1, SHA2, SHA3,
// SHA512; the second word is hidden whole.
#define OPTIONAL ((1UL << 3) | (1UL << 4) | (1UL << 5) | (1UL << 6) | (1UL << 17) | (1UL << 21))

unsigned long getauxval(unsigned long kind) {
  unsigned long (*real)(unsigned long) =
      (unsigned long (*)(unsigned long))dlsym(RTLD_NEXT, "getauxval");
  unsigned long value = real ? real(kind) : 0;
  if (kind == AT_HWCAP) return value & ~OPTIONAL;
  return kind == AT_HWCAP2 ? 0 : value;
}
