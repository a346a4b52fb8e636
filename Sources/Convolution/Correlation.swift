import KernelAPI
import Tensor

/// The computation of a target image from source images: a convolution, or the way back through
/// one, whose phases are convolutions of stride 1.
struct Correlation {
  private struct Part {
    let rows: AxisWalk
    let columns: AxisWalk
    let spans: [AxisSpan]
    let weights: PackedWeights
  }

  private let source: ImageSource
  private let parts: [[Part]]
  private let channels: Int

  init(_ source: ImageSource, _ weights: WeightRows, kernelWidth: Int) {
    self.source = source
    channels = weights.channels
    parts = source.rows.map { rows in
      source.columns.map { columns in
        Part(
          rows: rows, columns: columns, spans: columns.spans(of: source.extent.width),
          weights: weights.packed(
            rows, columns, sources: source.channels, kernelWidth: kernelWidth))
      }
    }
  }

  /// Rows of a target that one task computes.
  private static let rowsTogether = 8

  /// Computes all pixels of `target` from `images`.
  func run(_ images: [Image], _ target: Image, _ start: ConvolutionStart, threads: Int) {
    let images = source.images(images)
    var tasks: [(parts: [Part], rows: Range<Int>)] = []
    for parts in parts {
      let count = parts.first?.rows.count ?? 0
      for first in stride(from: 0, to: count, by: Self.rowsTogether) {
        tasks.append((parts, first..<min(first + Self.rowsTogether, count)))
      }
    }
    parallel(threads, tasks: tasks.count) { task, _ in
      for part in tasks[task].parts where part.columns.count > 0 {
        // The weights for one image stay in the cache from row to row.
        var channel = 0
        for image in images {
          run(
            part, tasks[task].rows, image, channel, target, channel == 0 ? start : .accumulate)
          channel += image.channels
        }
      }
    }
  }

  /// Pixels of a span that are too few for a tile of their row: those of several rows make one.
  private static let fewPixels = 4

  /// Adds what one image, whose channels begin at `channel`, gives to some rows of the target.
  private func run(
    _ part: Part, _ rows: Range<Int>, _ image: Image, _ channel: Int, _ target: Image,
    _ start: ConvolutionStart
  ) {
    let height = image.extent.height
    var first = rows.lowerBound
    while first < rows.upperBound {
      // Neighbouring rows that read inside the image with the same taps.
      let taps = part.rows.inside(first, of: height)
      var end = first + 1
      while end < rows.upperBound && part.rows.inside(end, of: height) == taps { end += 1 }
      for span in part.spans {
        let run = PixelRun(part: part, taps: taps, runs: span.runs, image: image, channel: channel)
        if span.targets.count < Self.fewPixels && end - first > 1 {
          for column in span.targets {
            compute(
              run, (first, column), end - first, target, start,
              sourceStep: part.rows.sourceStep * image.rowStride,
              targetStep: part.rows.step * target.rowStride)
          }
        } else {
          for row in first..<end {
            compute(
              run, (row, span.targets.lowerBound), span.targets.count, target, start,
              sourceStep: part.columns.sourceStep * image.channels,
              targetStep: part.columns.step * channels)
          }
        }
      }
      first = end
    }
  }

  /// Pixels that read inside one image with the same taps.
  private struct PixelRun {
    let part: Part
    /// Taps along rows.
    let taps: Range<Int>
    /// Taps along columns.
    let runs: [Range<Int>]
    let image: Image
    /// First channel of the image.
    let channel: Int
  }

  /// Computes `count` pixels from target (row, column) of the walks on, along a row or a column.
  private func compute(
    _ run: PixelRun, _ first: (row: Int, column: Int), _ count: Int, _ target: Image,
    _ start: ConvolutionStart, sourceStep: Int, targetStep: Int
  ) {
    let (part, image) = (run.part, run.image)
    let (rows, columns) = (part.rows, part.columns)
    let segmentCount = run.taps.count * run.runs.count
    withUnsafeTemporaryAllocation(
      of: ConvolutionSegment.self, capacity: max(1, segmentCount)
    ) { segments in
      guard let base = segments.baseAddress else { return }
      var index = 0
      for tap in run.taps {
        let row = rows.sourceStep * first.row + rows.taps[tap].offset
        for taps in run.runs {
          let column =
            columns.sourceStep * first.column + columns.taps[taps.lowerBound].offset
          (base + index).initialize(
            to: ConvolutionSegment(
              base: FloatPointer(image.pixel(row, column)), step: sourceStep,
              count: taps.count * image.channels,
              weight: part.weights.row(
                tap, taps.lowerBound, channel: run.channel, of: image.channels)))
          index += 1
        }
      }
      kernels.convolutionRow(
        ConvolutionRow(
          segments: base, segmentCount: segmentCount,
          weights: FloatPointer(part.weights.storage.base), depth: part.weights.depth,
          target: target.pixel(
            rows.first + first.row * rows.step, columns.first + first.column * columns.step),
          targetStep: targetStep, count: count, channels: channels, start: start))
    }
  }
}
