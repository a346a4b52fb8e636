import KernelAPI
import Tensor

/// Sums over the pixels of an image, channel by channel: some pixels in single precision, these
/// sums in double precision, in an order that does not depend on the number of threads.
final class ChannelSums {
  private let stride: Int
  /// The sums of each channel, in whole vectors.
  private(set) var total: [Double]
  private static let pixelsTogether = 256

  /// Zeros for `columns` channels.
  init(columns: Int) {
    stride = paddedToLanes(columns)
    total = Array(repeating: 0, count: stride)
  }

  /// Adds the sums that `body` makes of some of `count` pixels at a time, from zeros.
  func add(
    _ count: Int, _ threads: Int,
    _ body: (_ pixels: Range<Int>, _ sums: MutableFloatPointer) -> Void
  ) {
    let blocks = (count + Self.pixelsTogether - 1) / Self.pixelsTogether
    let partial = Storage(count: blocks * stride)
    parallel(threads, tasks: blocks) { block, _ in
      let first = block * Self.pixelsTogether
      body(first..<min(first + Self.pixelsTogether, count), partial.base + block * stride)
    }
    total.withUnsafeMutableBufferPointer { total in
      guard let base = total.baseAddress else { return }
      for block in 0..<blocks {
        kernels.accumulate(partial.base + block * stride, to: base, count: stride)
      }
    }
  }
}

/// Calls `body` with some of `count` pixels at a time, on several threads.
func forEachBlock(_ count: Int, _ threads: Int, _ body: (_ pixels: Range<Int>) -> Void) {
  let together = 1024
  parallel(threads, tasks: (count + together - 1) / together) { block, _ in
    body(block * together..<min((block + 1) * together, count))
  }
}
