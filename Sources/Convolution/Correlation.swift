import KernelAPI
import Tensor

/// The computation of a target image from a padded source image: a convolution, or the way back
/// through one, whose phases are convolutions of stride 1.
struct Correlation {
  private struct Part {
    let rows: AxisWalk
    let columns: AxisWalk
    let runs: [ArraySlice<AxisTap>]
    let weights: PackedWeights
  }

  private let rows: [AxisWalk]
  private let columns: [AxisWalk]
  private let parts: [[Part]]
  private let channels: Int
  private let depth: Int

  init(rows: [AxisWalk], columns: [AxisWalk], _ weights: WeightRows, kernelWidth: Int) {
    self.rows = rows
    self.columns = columns
    channels = weights.channels
    depth = weights.depth
    parts = rows.map { row in
      columns.map { column in
        Part(
          rows: row, columns: column, runs: column.runs,
          weights: weights.packed(row, column, kernelWidth: kernelWidth))
      }
    }
  }

  /// Room for a source of `extent`.
  func source(_ extent: Extent2d) -> PaddedImage {
    PaddedImage(extent, channels: depth, rows: rows, columns: columns)
  }

  /// Rows of a target that one task computes.
  private static let rowsTogether = 8

  /// Computes all pixels of `target`.
  func run(
    _ source: PaddedImage, _ target: Image, _ start: ConvolutionStart, threads: Int
  ) {
    var tasks: [(parts: [Part], rows: Range<Int>)] = []
    for (walk, parts) in zip(rows, parts) {
      for first in stride(from: 0, to: walk.count, by: Self.rowsTogether) {
        tasks.append((parts, first..<min(first + Self.rowsTogether, walk.count)))
      }
    }
    parallel(threads, tasks: tasks.count) { task, _ in
      for part in tasks[task].parts where part.columns.count > 0 {
        for row in tasks[task].rows { run(part, row, source, target, start) }
      }
    }
  }

  private func run(
    _ part: Part, _ row: Int, _ source: PaddedImage, _ target: Image, _ start: ConvolutionStart
  ) {
    let (rows, columns) = (part.rows, part.columns)
    let count = rows.taps.count * part.runs.count
    withUnsafeTemporaryAllocation(of: ConvolutionSegment.self, capacity: max(count, 1)) {
      segments in
      guard let base = segments.baseAddress else { return }
      var index = 0
      for tap in rows.taps {
        for run in part.runs {
          (base + index).initialize(
            to: ConvolutionSegment(
              base: FloatPointer(
                source.pixel(rows.sourceStep * row + tap.offset, run[run.startIndex].offset)),
              step: columns.sourceStep * depth, count: run.count * depth))
          index += 1
        }
      }
      kernels.convolutionRow(
        ConvolutionRow(
          segments: base, segmentCount: count, weights: FloatPointer(part.weights.storage.base),
          depth: part.weights.depth,
          target: target.base + (rows.first + row * rows.step) * target.rowStride
            + columns.first * channels,
          targetStep: columns.step * channels, count: columns.count, channels: channels,
          start: start))
    }
  }
}
