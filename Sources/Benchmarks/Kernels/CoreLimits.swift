import Foundation
import KernelAPI
import Platform
import Tensor

/// The limits of one core's speed, measured in this process.
struct CoreLimits {
  /// Peak of multiply-adds that touch no memory, in floating-point operations per second.
  let flops: Double
  /// Bandwidth of copies inside the L2 cache, in bytes read and written per second.
  let cacheBytes: Double

  /// Peak of vector arithmetic, in lanes per second: a multiply-add counts as two operations, and
  /// two ports take one instruction each per cycle.
  var laneOperations: Double { flops / 2 }

  /// Floating-point operations of one core per cycle, on two ports.
  static var flopsPerCycle: Double { kernels.instructionSet == "AVX-512" ? 64 : 32 }

  /// Clock during the multiply-adds, in gigahertz.
  var clock: Double { flops / Self.flopsPerCycle / 1e9 }

  /// Measures the multiply-add peak in operations per second, for some ten milliseconds.
  ///
  /// Clocks drift within a minute, so the peak is measured repeatedly, close to the measurements
  /// that it bounds.
  static func measureFlops() -> Double {
    var best = 0.0
    for _ in 0..<4 {
      var flops = 0.0
      let seconds = secondsTaken {
        flops = kernels.multiplyAddChains(2_000_000, factor: 0.999, summand: 0.5).flops
      }
      best = max(best, flops / seconds)
    }
    return best
  }
}

/// The bandwidth of memory copies, in bytes per second, where each byte counts when it is read and
/// when it is written.
struct CopyBandwidth: Codable {
  /// A measurement: bytes of source and target together, and their bandwidth.
  struct Measurement: Codable {
    let bytes: Int
    let gigabytesPerSecond: Double
  }

  /// Bandwidth for arrays far larger than a core's share of the last cache.
  let memory: Measurement
  /// Bandwidth for arrays that fill half of the core's L2 cache.
  let cache: Measurement

  static func measure() -> CopyBandwidth {
    let level2 = sysconf(Int32(_SC_LEVEL2_CACHE_SIZE))
    return CopyBandwidth(
      memory: measure(bytes: 64 << 20, repeats: 1),
      cache: measure(bytes: max(64 << 10, level2 / 4), repeats: 100))
  }

  private static func measure(bytes: Int, repeats: Int) -> Measurement {
    let source = Storage(count: bytes / 4)
    let target = Storage(count: bytes / 4)
    // Pointers do not keep the storage alive.
    return withExtendedLifetime((source, target)) {
      let seconds = (0..<7).map { _ in
        secondsTaken { for _ in 0..<repeats { memcpy(target.base, source.base, bytes) } }
      }
      let best = seconds.min() ?? .nan
      return Measurement(
        bytes: 2 * bytes, gigabytesPerSecond: 2 * Double(bytes * repeats) / best / 1e9)
    }
  }
}

/// Rates of a large square product, by our kernel and by OpenBLAS.
struct LargeProduct: Codable {
  /// Number of rows and of columns of all three matrices.
  let size: Int
  let ownGflops: Double
  let openBLASGflops: Double

  static func measure(size: Int = 1024) -> LargeProduct {
    let matrices = (0..<3).map { _ in Storage(count: size * size) }
    for index in 0..<size * size {
      matrices[0].base[index] = Float(index % 7) - 3
      matrices[1].base[index] = Float(index % 5) - 2
    }
    let views = matrices.map { MatrixView($0.base, rows: size, columns: size) }
    let seconds = withExtendedLifetime(matrices) {
      bestSeconds(
        [
          { kernels.matrixProduct(views[0], views[1], into: views[2], .overwrite) },
          { openBLASProduct(views[0], views[1], into: views[2], .overwrite) },
        ], batches: 4)
    }
    let gflop = 2e-9 * Double(size) * Double(size) * Double(size)
    return LargeProduct(
      size: size, ownGflops: gflop / seconds[0], openBLASGflops: gflop / seconds[1])
  }
}

/// Time of one call of each alternative in seconds: the best of several batches, which take turns
/// so that a change of the clock affects all alternatives. The first call of each does not count.
func bestSeconds(
  _ alternatives: [() -> Void], batches: Int = 7, batchSeconds: Double = 1e-3
) -> [Double] {
  let repeats = alternatives.map { body in
    body()
    return max(1, Int(batchSeconds / max(secondsTaken(by: body), 1e-9)))
  }
  var best = alternatives.map { _ in Double.infinity }
  for _ in 0..<batches {
    for (index, body) in alternatives.enumerated() {
      let seconds = secondsTaken { for _ in 0..<repeats[index] { body() } }
      best[index] = min(best[index], seconds / Double(repeats[index]))
    }
  }
  return best
}
