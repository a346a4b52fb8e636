import Foundation
import KernelAPI
import Platform
import Tensor

/// What one core can do at most, measured in this process.
struct CoreLimits {
  /// Floating-point operations per second of multiply-adds that touch no memory.
  let flops: Double
  /// Bytes read and written per second by copies inside the L2 cache.
  let cacheBytes: Double

  /// Vector arithmetic, in lanes per second: a multiply-add is two operations, and two ports take
  /// one instruction each in a cycle.
  var laneOperations: Double { flops / 2 }

  /// Floating-point operations of one core in a cycle, two ports wide.
  static var flopsPerCycle: Double { kernels.instructionSet == "AVX-512" ? 64 : 32 }

  /// The clock that the multiply-adds ran at, in gigahertz.
  var clock: Double { flops / Self.flopsPerCycle / 1e9 }

  /// One measurement of the multiply-add peak in operations per second, some ten milliseconds long.
  ///
  /// Clocks drift within a minute, so it is taken again and again beside what it is a bound for.
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

/// How fast memory is copied, in bytes per second, each byte counted when it is read and when it is
/// written.
struct CopyBandwidth: Codable {
  /// Bytes of source and target together, and their bandwidth.
  struct Measurement: Codable {
    let bytes: Int
    let gigabytesPerSecond: Double
  }

  /// Arrays far larger than a core's share of the last cache.
  let memory: Measurement
  /// Arrays that fill half of the core's L2 cache.
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
    // A pointer alone keeps no storage alive.
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

/// Rates of one large square product, by our kernel and by OpenBLAS.
struct LargeProduct: Codable {
  /// Rows and columns of all three matrices.
  let size: Int
  let ownGflops: Double
  let openBLASGflops: Double

  static func measure(size: Int = 1024) -> LargeProduct {
    let matrices = (0..<3).map { _ in Storage(count: size * size) }
    for index in 0..<size * size {
      matrices[0].base[index] = Float(index % 7) - 3
      matrices[1].base[index] = Float(index % 5) - 2
    }
    let a = StridedMatrix(FloatPointer(matrices[0].base), rowStride: size)
    let b = FloatPointer(matrices[1].base)
    let c = matrices[2].base
    let seconds = withExtendedLifetime(matrices) {
      bestSeconds(
        [
          {
            kernels.matrixProduct(
              size, size, size, a, b, bRowStride: size, c, cRowStride: size, .overwrite)
          },
          {
            openBLASProduct(
              size, size, size, a, b, bRowStride: size, c, cRowStride: size, .overwrite)
          },
        ], batches: 4)
    }
    let gflop = 2e-9 * Double(size) * Double(size) * Double(size)
    return LargeProduct(
      size: size, ownGflops: gflop / seconds[0], openBLASGflops: gflop / seconds[1])
  }
}

/// Seconds of one call of each alternative: the best of several batches, which take turns, so that
/// a change of the clock meets all of them. The first call of each is not counted.
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
