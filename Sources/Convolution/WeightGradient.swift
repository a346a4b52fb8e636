import KernelAPI
import Tensor

/// The gradient of a convolution's weights: for each tap and channel the sum over output pixels of
/// the number that they read times their gradient.
///
/// Rows are added up in groups, so that the rounding of the sums depends on the image alone.
struct WeightGradient {
  private let layout: WeightLayout
  private let rows: AxisWalk
  private let columns: AxisWalk
  private static let groupLimit = 8

  init(_ layout: WeightLayout, rows: AxisWalk, columns: AxisWalk) {
    self.layout = layout
    self.rows = rows
    self.columns = columns
  }

  /// Room for an input of `extent`.
  func source(_ extent: Extent2d) -> PaddedImage {
    PaddedImage(extent, channels: layout.inputs, rows: [rows], columns: [columns])
  }

  /// Adds the sums of one utterance to `gradient`. The output's gradient has rows of whole vectors.
  func add(
    _ source: PaddedImage, _ dout: MatrixView, to gradient: MutableFloatPointer, threads: Int
  ) {
    let groups = min(Self.groupLimit, rows.count)
    func sums() -> (Storage, MatrixView) {
      let storage = Storage(
        count: layout.taps * layout.inputs * paddedToLanes(layout.outputs))
      return (
        storage,
        MatrixView(storage.base, rows: layout.taps * layout.inputs, columns: layout.outputs)
      )
    }
    let total = sums()
    let workers = (0..<min(threads, groups)).map { _ in sums() }
    let order = OrderedSection()
    parallel(threads, tasks: groups) { group, worker in
      let (storage, view) = workers[worker]
      for row in group * rows.count / groups..<(group + 1) * rows.count / groups {
        add(source, dout.rows(from: row * columns.count, count: columns.count), row, to: view)
      }
      order.run(group) {
        kernels.add(storage.base, to: total.0.base, count: storage.count)
        storage.buffer.update(repeating: 0)
      }
    }
    layout.add(total.1, to: gradient)
    withExtendedLifetime(total.0) {}
  }

  /// Adds the sums of one row of output pixels.
  private func add(
    _ source: PaddedImage, _ dout: MatrixView, _ row: Int, to sums: MatrixView
  ) {
    let depth = layout.inputs
    for tap in rows.taps {
      for run in columns.runs {
        let first = run[run.startIndex]
        // Pixels are columns, numbers of a neighbourhood rows.
        let numbers = MatrixView(
          source.pixel(rows.sourceStep * row + tap.offset, first.offset), rows: dout.rows,
          columns: run.count * depth, stride: columns.sourceStep * depth
        ).transposed
        matrixProduct(
          numbers, dout,
          into: sums.rows(
            from: (tap.index * layout.kernel.width + first.index) * depth,
            count: run.count * depth), .accumulate)
      }
    }
  }
}
