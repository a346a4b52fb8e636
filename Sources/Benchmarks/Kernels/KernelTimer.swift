import Files
import KernelAPI
import Platform
import Tensor

/// Times kernels one after another, and measures the core's peak between them.
///
/// The timer owns the buffers of the kernels, so it must outlive the pointers to them.
final class KernelTimer {
  /// The result of timing one kernel.
  struct Timing {
    let operation: String
    let pass: KernelFigures.Pass
    let shape: String
    let work: Profile.Work
    /// Number of elements that times are reported per: tokens times channels, or numbers; nil for
    /// products.
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

  /// A buffer of `count` numbers in `range`.
  func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> MutableFloatPointer {
    let buffer = Storage(uninitialized: count)
    let width = range.upperBound - range.lowerBound
    // The period is prime, so that no two rows are equal.
    for index in 0..<count {
      buffer.base[index] = range.lowerBound + width * pattern[index % pattern.count]
    }
    buffers.append(buffer)
    return buffer.base
  }

  /// A matrix of numbers in ±1; without `stride` its rows are whole vectors side by side.
  func matrix(rows: Int, columns: Int, stride: Int? = nil) -> MatrixView {
    let stride = stride ?? paddedToLanes(columns)
    return MatrixView(floats(rows * stride), rows: rows, columns: columns, stride: stride)
  }

  /// A buffer of `count` zeros in double precision.
  func doubles(_ count: Int) -> UnsafeMutablePointer<Double> {
    let buffer = Storage(count: 2 * count)
    buffers.append(buffer)
    return UnsafeMutableRawPointer(buffer.base).bindMemory(to: Double.self, capacity: count)
  }

  /// Times a kernel, in turns with OpenBLAS if `openBLAS` is given.
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

  /// Times what `prepare` returns, once for each preparation: the shortest of several, of which the
  /// first does not count.
  func time(
    _ operation: String, _ pass: KernelFigures.Pass, _ shape: [Int], _ work: Profile.Work,
    elements: Int, preparing prepare: () -> () -> Void
  ) {
    prepare()()
    let stopwatch = Stopwatch()
    var best = Double.infinity
    for run in 0..<20 where run < 3 || stopwatch.seconds < 0.5 {
      let body = prepare()
      best = min(best, secondsTaken(by: body))
    }
    timings.append(
      Timing(
        operation: operation, pass: pass, shape: shape.map(String.init).joined(separator: "x"),
        work: work, elements: elements, seconds: best, openBLASSeconds: nil))
    peak.add(CoreLimits.measureFlops())
  }

  /// Frees the buffers, after which pointers to them must not be used.
  func releaseBuffers() { buffers = [] }
}
