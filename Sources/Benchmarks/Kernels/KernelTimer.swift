import Files
import KernelAPI
import Platform
import Tensor

/// Times kernels one after another, and measures the core's peak between them.
///
/// Owns the buffers that they work on: it has to outlive the pointers that it gives.
final class KernelTimer {
  /// What was timed.
  struct Timing {
    let operation: String
    let pass: KernelFigures.Pass
    let shape: String
    let work: Profile.Work
    /// What nanoseconds are told of: tokens times channels, or numbers. Nil for products.
    let elements: Int?
    let seconds: Double
    let openBLASSeconds: Double?
  }

  private(set) var timings: [Timing] = []
  private(set) var peak = Samples()
  private var buffers: [Storage] = []
  private var pattern: [Float] = []

  init() {
    var random = Random(seed: 1, stream: "kernels")
    pattern = (0..<8_191).map { _ in random.uniform(in: 0, 1) }
    peak.add(CoreLimits.measureFlops())
  }

  /// `count` numbers in ±1, or in `range`.
  func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> MutableFloatPointer {
    let buffer = Storage(uninitialized: count)
    let width = range.upperBound - range.lowerBound
    // A prime period, so that no two rows are alike.
    for index in 0..<count {
      buffer.base[index] = range.lowerBound + width * pattern[index % pattern.count]
    }
    buffers.append(buffer)
    return buffer.base
  }

  /// `count` zeros of double precision.
  func doubles(_ count: Int) -> UnsafeMutablePointer<Double> {
    let buffer = Storage(count: 2 * count)
    buffers.append(buffer)
    return UnsafeMutableRawPointer(buffer.base).bindMemory(to: Double.self, capacity: count)
  }

  /// Times a kernel, in turns with OpenBLAS where that can do the same.
  func time(
    _ operation: String, _ pass: KernelFigures.Pass, _ shape: [Int], _ work: Profile.Work,
    elements: Int? = nil, states: Int? = nil, _ body: () -> Void, openBLAS: (() -> Void)? = nil
  ) {
    withoutActuallyEscaping(body) { body in
      let seconds = bestSeconds([body] + (openBLAS.map { [$0] } ?? []))
      timings.append(
        Timing(
          operation: operation, pass: pass,
          shape: shape.map(String.init).joined(separator: "x")
            + (states.map { ", " + NumberText.count($0, "state") } ?? ""),
          work: work, elements: elements, seconds: seconds[0],
          openBLASSeconds: seconds.count > 1 ? seconds[1] : nil))
    }
    if timings.count % 4 == 0 { peak.add(CoreLimits.measureFlops()) }
  }

  /// Gives the buffers back; no pointer to them may be used again.
  func releaseBuffers() { buffers = [] }
}
