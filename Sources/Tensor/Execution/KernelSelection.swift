import CPlatform
import Foundation
import KernelAPI
import KernelsAVX2
import KernelsAVX512

/// Why a setting of the environment cannot be followed.
public enum KernelSelectionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `DISTTRAIN_KERNELS` names no kernels.
  case unknownKernels(String)
  /// `DISTTRAIN_KERNELS` asks for AVX-512 on a machine without it.
  case noAVX512
  /// `DISTTRAIN_GEMM` names no matrix product.
  case unknownProduct(String)

  /// One sentence naming the variable and what to do.
  public var description: String {
    switch self {
    case .unknownKernels(let value):
      "DISTTRAIN_KERNELS is \"\(value)\", but allowed are avx2 and avx512; unset it to have the "
        + "best that the machine runs"
    case .noAVX512:
      "DISTTRAIN_KERNELS is avx512, but this processor has no AVX-512; unset the variable"
    case .unknownProduct(let value):
      "DISTTRAIN_GEMM is \"\(value)\", but the only allowed value is openblas; unset it to have our "
        + "own matrix product"
    }
  }
}

/// What the environment says about kernels: `DISTTRAIN_KERNELS=avx2` or `avx512` forces a choice
/// and `DISTTRAIN_GEMM=openblas` another matrix product, for tests and comparisons.
public enum KernelSelection {
  /// Throws for a setting that cannot be followed.
  ///
  /// Programs call it first; otherwise the first use of a kernel stops them.
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

/// Both implementations, where the machine can run them: the tests compare them.
public let availableKernels: [any KernelSet.Type] =
  platform_has_avx512() != 0
  ? [KernelsAVX2.Kernels.self, KernelsAVX512.Kernels.self] : [KernelsAVX2.Kernels.self]
