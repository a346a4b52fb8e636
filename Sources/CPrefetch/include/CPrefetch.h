// The one instruction that the kernels need and Swift does not have.
#ifndef DISTTRAIN_CPREFETCH_H
#define DISTTRAIN_CPREFETCH_H

/// Asks for the cache line at `address` ahead of its use. Never faults.
static inline __attribute__((always_inline)) void cache_prefetch(const void *address) {
  __builtin_prefetch(address, 0, 2);
}

#endif
