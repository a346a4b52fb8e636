#define _GNU_SOURCE
#include "CPlatform.h"

#include <fcntl.h>
#include <malloc.h>
#include <nmmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

// This file is compiled without a march flag, so it runs on every x86-64.

// Runs before main and before any AVX2 code: one sentence instead of SIGILL.
__attribute__((constructor)) static void refuse_old_processor(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    return;
  static const char text[] =
      "disttrain: this processor has no AVX2 and FMA (x86-64-v3), which the program is built for; "
      "run it on a machine from 2013 (Intel Haswell, AMD Zen) or later.\n";
  ssize_t ignored = write(2, text, strlen(text));
  (void)ignored;
  _exit(69);  // EX_UNAVAILABLE
}

int platform_has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

void platform_line_buffer_stdout(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

void platform_flush_denormals(void) {
  _mm_setcsr(_mm_getcsr() | 0x8040);  // FTZ and DAZ
}

unsigned platform_arithmetic_mode(void) { return _mm_getcsr(); }

void platform_set_arithmetic_mode(unsigned mode) { _mm_setcsr(mode); }

int platform_keep_freed_memory(void) {
  return mallopt(M_MMAP_THRESHOLD, 1 << 30) && mallopt(M_TRIM_THRESHOLD, -1) &&
         mallopt(M_TOP_PAD, 64 << 20);
}

void platform_prefer_large_pages(void *start, unsigned long bytes) {
  const uintptr_t large = 2 << 20;
  if (bytes < large / 8) return;
  // Rounded outwards: blocks lie side by side in the heap, and a page may hold parts of several.
  uintptr_t first = (uintptr_t)start & ~(large - 1);
  // And beyond: malloc writes the header of the next block before that block is asked for.
  uintptr_t end = ((uintptr_t)start + bytes + 32 * large) & ~(large - 1);
  // Only advice: what is not mapped, or a kernel without large pages, costs nothing.
  (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

void platform_return_freed_memory(void) { malloc_trim(0); }

unsigned long platform_allocated_bytes(void) {
#if __GLIBC_PREREQ(2, 33)
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  struct mallinfo info = mallinfo();
  return (unsigned long)(unsigned)info.uordblks + (unsigned)info.hblkhd;
#endif
}

int platform_memory_file(const char *name, unsigned long count) {
  int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor >= 0 && ftruncate(descriptor, (off_t)count) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

int platform_seal_memory_file(int descriptor) {
  return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

// Every processor that passed refuse_old_processor has SSE4.2. Three cycles for eight bytes.
__attribute__((target("sse4.2"))) unsigned platform_crc32c(
    unsigned crc, const void *bytes, unsigned long count) {
  const unsigned char *at = bytes;
  uint64_t state = (uint32_t)~crc;
  for (; count >= 8; count -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    state = _mm_crc32_u64(state, word);
  }
  for (; count > 0; count--, at++) state = _mm_crc32_u8((uint32_t)state, *at);
  return ~(uint32_t)state;
}

const void *platform_find(
    const void *bytes, unsigned long length, const void *text, unsigned long count) {
  return memmem(bytes, length, text, count);
}

void platform_wake_promptly(void) {
  // struct sched_attr in its first form; glibc has no name for it.
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {.size = 48};
  // Since Linux 6.12 the runtime of an ordinary thread is the length of its slices, and a thread
  // with shorter ones than the running thread's is let in when it wakes. Before, that came by itself.
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0 &&
      attributes.policy == 0) {
    attributes.runtime = 100 * 1000;
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
  }
  (void)prctl(PR_SET_TIMERSLACK, 1000);
}
