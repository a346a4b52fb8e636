import CPlatform
import Foundation
import KernelAPI
import KernelsAVX2
import KernelsAVX512

/// The kernels that this process computes with, chosen once.
///
/// `DISTTRAIN_KERNELS=avx2` or `avx512` forces a choice, for tests and comparisons.
public let kernels: any KernelSet.Type = {
  switch ProcessInfo.processInfo.environment["DISTTRAIN_KERNELS"] {
  case nil, "":
    return platform_has_avx512() != 0 ? KernelsAVX512.Kernels.self : KernelsAVX2.Kernels.self
  case "avx2":
    return KernelsAVX2.Kernels.self
  case "avx512" where platform_has_avx512() != 0:
    return KernelsAVX512.Kernels.self
  case "avx512":
    fatalError("DISTTRAIN_KERNELS=avx512: this processor has no AVX-512; unset the variable")
  case .some(let other):
    fatalError("DISTTRAIN_KERNELS=\(other): allowed are avx2 and avx512")
  }
}()

/// Both implementations, where the machine can run them: the tests compare them.
public let availableKernels: [any KernelSet.Type] =
  platform_has_avx512() != 0
  ? [KernelsAVX2.Kernels.self, KernelsAVX512.Kernels.self] : [KernelsAVX2.Kernels.self]
