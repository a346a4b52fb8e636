import KernelAPI
import Tensor

/// Weights [out, in, taps] of a convolution in the two orders that kernels read, and the way back
/// for their gradient.
struct WeightLayout {
  let outputs: Int
  let inputs: Int
  let kernel: Extent2d
  var taps: Int { kernel.height * kernel.width }

  init(_ shape: [Int]) {
    (outputs, inputs) = (shape[0], shape[1])
    kernel = Extent2d(shape[2], shape[3])
  }

  /// [in, taps, out], rows of whole vectors: those of a convolution.
  func byInput(_ weight: MutableFloatPointer) -> WeightRows {
    let stride = paddedToLanes(outputs)
    let storage = Storage(count: inputs * taps * stride)
    kernels.transpose(
      MatrixView(weight, rows: outputs, columns: inputs * taps, stride: inputs * taps),
      into: MatrixView(storage.base, rows: inputs * taps, columns: outputs))
    return WeightRows(
      storage: storage, channels: outputs, depth: inputs, depthStride: taps * stride,
      tapStride: stride)
  }

  /// [taps, out, in] of some inputs, rows of whole vectors: those of the way back.
  func byOutput(_ weight: MutableFloatPointer, inputs range: Range<Int>) -> WeightRows {
    let stride = paddedToLanes(range.count)
    let storage = Storage(count: taps * outputs * stride)
    for output in 0..<outputs {
      kernels.transpose(
        MatrixView(
          weight + (output * inputs + range.lowerBound) * taps, rows: range.count, columns: taps,
          stride: taps),
        into: MatrixView(
          storage.base + output * stride, rows: taps, columns: range.count,
          stride: outputs * stride))
    }
    return WeightRows(
      storage: storage, channels: range.count, depth: outputs, depthStride: stride,
      tapStride: outputs * stride)
  }

  /// Adds `sums`, rows of whole vectors of outputs, to `gradient` [out, in, taps]. They are those
  /// of each row of the kernel one after the other, in it [taps, in] or [in, taps].
  func add(_ sums: MutableFloatPointer, isByTap: Bool, to gradient: MutableFloatPointer) {
    let (stride, width) = (paddedToLanes(outputs), kernel.width)
    let ordered = Storage(uninitialized: inputs * taps * stride)
    for row in 0..<kernel.height {
      for input in 0..<inputs {
        for column in 0..<width {
          let from = isByTap ? column * inputs + input : input * width + column
          (ordered.base + (input * taps + row * width + column) * stride).update(
            from: sums + (row * inputs * width + from) * stride, count: stride)
        }
      }
    }
    let transposed = Storage(uninitialized: outputs * inputs * taps)
    kernels.transpose(
      MatrixView(ordered.base, rows: inputs * taps, columns: outputs),
      into: MatrixView(
        transposed.base, rows: outputs, columns: inputs * taps, stride: inputs * taps))
    kernels.add(transposed.base, to: gradient, count: outputs * inputs * taps)
    withExtendedLifetime((ordered, transposed)) {}
  }
}

/// A row of weights for each tap and number of a source pixel: one number for each channel of the
/// target, zeros behind them.
struct WeightRows {
  fileprivate let storage: Storage
  /// Channels of the target.
  let channels: Int
  /// Channels of the source.
  let depth: Int
  fileprivate let depthStride: Int
  fileprivate let tapStride: Int

  /// The rows in the order in which `rows` and `columns` read images of so many channels each: by
  /// the tap along rows, then by image, by the tap along columns, and by channel.
  func packed(
    _ rows: AxisWalk, _ columns: AxisWalk, sources: [Int], kernelWidth: Int
  ) -> PackedWeights {
    let padded = paddedToLanes(channels)
    let depth = rows.taps.count * columns.taps.count * self.depth
    let packed = Storage(uninitialized: depth * padded)
    var target = packed.base
    var channel = 0
    while channel < padded {
      let width = min(kernels.convolutionPanelWidth, padded - channel)
      for row in rows.taps {
        var first = 0
        for count in sources {
          for column in columns.taps {
            let tap = row.index * kernelWidth + column.index
            var source = storage.base + tap * tapStride + first * depthStride + channel
            for _ in 0..<count {
              target.update(from: source, count: width)
              target += width
              source += depthStride
            }
          }
          first += count
        }
      }
      channel += width
    }
    return PackedWeights(
      storage: packed, depth: depth, columns: columns.taps.count, channels: self.depth)
  }
}

/// Panels of weights as the kernel reads them.
struct PackedWeights {
  let storage: Storage
  /// Rows of a panel.
  let depth: Int
  fileprivate let columns: Int
  fileprivate let channels: Int

  /// The row of tap (`row`, `column`) of an image of `count` channels that begin at `channel`.
  func row(_ row: Int, _ column: Int, channel: Int, of count: Int) -> Int {
    (row * channels + channel) * columns + column * count
  }
}
