import CPlatform
import Foundation
import KernelAPI
import KernelsAVX2
import KernelsAVX512

/// Settings of the environment that cannot be followed.
public enum KernelSelectionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `DISTTRAIN_KERNELS` names no kernels.
  case unknownKernels(String)
  /// `DISTTRAIN_KERNELS` is avx512 on a machine without AVX-512.
  case noAVX512
  /// `DISTTRAIN_GEMM` names no matrix product.
  case unknownProduct(String)

  /// One sentence that names the variable and says what to do.
  public var description: String {
    switch self {
    case .unknownKernels(let value):
      "DISTTRAIN_KERNELS is \"\(value)\", but allowed are avx2 and avx512; unset it to have the "
        + "best that the machine runs"
    case .noAVX512:
      "DISTTRAIN_KERNELS is avx512, but this processor has no AVX-512; unset the variable"
    case .unknownProduct(let value):
      "DISTTRAIN_GEMM is \"\(value)\", but the only allowed value is openblas; unset it to have "
        + "our own matrix product"
    }
  }
}

/// The environment's choice of kernels, for tests and comparisons: `DISTTRAIN_KERNELS=avx2` or
/// `avx512` forces kernels, and `DISTTRAIN_GEMM=openblas` another matrix product.
public enum KernelSelection {
  /// Checks the settings. Programs call this first, since otherwise the first use of a kernel would
  /// stop them.
  ///
  /// - Throws: `KernelSelectionError` for a setting that cannot be followed.
  public static func validate(_ environment: [String: String]) throws(KernelSelectionError) {
    _ = try kernels(environment)
    _ = try usesOpenBLAS(environment)
  }

  static func kernels(
    _ environment: [String: String]
  ) throws(KernelSelectionError) -> any KernelSet.Type {
    let hasAVX512 = platform_has_avx512() != 0
    switch environment["DISTTRAIN_KERNELS"] ?? "" {
    case "": return hasAVX512 ? KernelsAVX512.Kernels.self : KernelsAVX2.Kernels.self
    case "avx2": return KernelsAVX2.Kernels.self
    case "avx512":
      if !hasAVX512 { throw .noAVX512 }
      return KernelsAVX512.Kernels.self
    case let other: throw .unknownKernels(other)
    }
  }

  static func usesOpenBLAS(
    _ environment: [String: String]
  ) throws(KernelSelectionError) -> Bool {
    switch environment["DISTTRAIN_GEMM"] ?? "" {
    case "": return false
    case let value where value.lowercased() == "openblas": return true
    case let other: throw .unknownProduct(other)
    }
  }

  /// The choice that this process's environment makes.
  static func chosen<Choice>(
    _ choose: ([String: String]) throws(KernelSelectionError) -> Choice
  ) -> Choice {
    do {
      return try choose(ProcessInfo.processInfo.environment)
    } catch {
      fatalError(error.description)
    }
  }
}

/// The kernels that this process computes with, chosen once; see `KernelSelection`.
public let kernels: any KernelSet.Type = KernelSelection.chosen(KernelSelection.kernels)

/// The implementations that this machine can run, which the tests compare.
public let availableKernels: [any KernelSet.Type] =
  platform_has_avx512() != 0
  ? [KernelsAVX2.Kernels.self, KernelsAVX512.Kernels.self] : [KernelsAVX2.Kernels.self]
