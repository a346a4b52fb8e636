import KernelAPI
import Tensor

/// The gradient of a convolution's weights: for each tap and channel the sum over output pixels of
/// the number that they read times their gradient.
///
/// Rows are added up in groups, so that the rounding of the sums depends on the image alone.
struct WeightGradient {
  private let layout: WeightLayout
  private let source: ImageSource
  private var rows: AxisWalk { source.rows[0] }
  private var columns: AxisWalk { source.columns[0] }
  private static let groupLimit = 8
  /// Pixels of a group, at least: it is to have more work than the addition of its sums.
  private static let groupPixels = 1024
  /// Bytes of an image's rows that stay in the cache from one tap to the next.
  private static let cachedBytes = 192 << 10

  /// `source` has one walk along each axis, forward.
  init(_ layout: WeightLayout, _ source: ImageSource) {
    self.layout = layout
    self.source = source
  }

  private var sumStride: Int { paddedToLanes(layout.outputs) }

  /// Adds the sums of one utterance to `gradient`. The output's gradient has rows of whole vectors.
  func add(
    _ images: [Image], _ dout: MatrixView, to gradient: MutableFloatPointer, threads: Int
  ) {
    let images = source.images(images)
    let groups = max(
      1, min(Self.groupLimit, rows.count, rows.count * columns.count / Self.groupPixels))
    // Taps along rows have sums of their own: they are tasks, too.
    let tasks = groups * rows.taps.count
    let partSize = layout.kernel.width * layout.inputs * sumStride
    let total = Storage(count: rows.taps.count * partSize)
    let workers = (0..<(groups == 1 ? 0 : min(threads, tasks))).map { _ in Storage(count: partSize)
    }
    let order = OrderedSection()
    parallel(threads, tasks: tasks) { task, worker in
      let (group, tap) = (task / rows.taps.count, task % rows.taps.count)
      let part = total.base + tap * partSize
      let range = group * rows.count / groups..<(group + 1) * rows.count / groups
      if groups == 1 { return add(images, dout, tap, range, to: part) }
      let own = workers[worker]
      add(images, dout, tap, range, to: own.base)
      order.run(task) {
        kernels.add(own.base, to: part, count: partSize)
        own.buffer.update(repeating: 0)
      }
    }
    layout.add(total.base, isByTap: source.isCopied, to: gradient)
    withExtendedLifetime(total) {}
  }

  /// Adds the sums of some rows of output pixels for one tap along rows.
  private func add(
    _ images: [Image], _ dout: MatrixView, _ rowTap: Int, _ range: Range<Int>,
    to sums: MutableFloatPointer
  ) {
    var channel = 0
    for image in images {
      let rowBytes = 4 * (image.rowStride + columns.count * dout.stride)
      let together = max(1, min(16, Self.cachedBytes / rowBytes))
      for first in stride(from: range.lowerBound, to: range.upperBound, by: together) {
        let block = first..<min(first + together, range.upperBound)
        if source.isCopied {
          for run in columns.runs(0..<columns.taps.count) {
            add(
              image, dout, rowTap, run, block,
              to: sums + run.lowerBound * image.channels * sumStride, step: sumStride)
          }
        } else {
          for tap in columns.taps.indices {
            add(
              image, dout, rowTap, tap..<tap + 1, block,
              to: sums + (channel * columns.taps.count + tap) * sumStride,
              step: columns.taps.count * sumStride)
          }
        }
      }
      channel += image.channels
    }
  }

  /// Adds the sums for taps that read neighbours.
  private func add(
    _ image: Image, _ dout: MatrixView, _ rowTap: Int, _ run: Range<Int>, _ block: Range<Int>,
    to sums: MutableFloatPointer, step: Int
  ) {
    let tap = columns.taps[run.lowerBound]
    // All taps of a run read inside the image, or there is only one.
    let targets = columns.targets(tap, of: image.extent.width)
    if targets.isEmpty { return }
    withUnsafeTemporaryAllocation(of: ConvolutionPixels.self, capacity: block.count) { pixels in
      guard let base = pixels.baseAddress else { return }
      var count = 0
      for row in block {
        let place = rows.sourceStep * row + rows.taps[rowTap].offset
        guard place >= 0 && place < image.extent.height else { continue }
        (base + count).initialize(
          to: ConvolutionPixels(
            source: FloatPointer(
              image.pixel(place, columns.sourceStep * targets.lowerBound + tap.offset)),
            gradient: FloatPointer(dout.row(row * columns.count + targets.lowerBound)),
            count: targets.count))
        count += 1
      }
      kernels.addConvolutionSums(
        ConvolutionSums(
          pixels: base, pixelCount: count, sourceStep: columns.sourceStep * image.channels,
          gradientStep: dout.stride, sums: sums, sumStep: step,
          count: run.count * image.channels, channels: layout.outputs))
    }
  }
}
