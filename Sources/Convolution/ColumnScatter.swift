import KernelAPI
import Tensor

/// The way back through a convolution to an image of few channels.
///
/// A row of pixels would leave most lanes of a vector idle. Instead one product makes what each
/// output pixel gives to all taps and channels at once, and that is added to the image row by row.
struct ColumnScatter {
  private let layout: WeightLayout
  private let geometry: Convolution2d
  private let channels: Int
  private let weights: PaddedMatrix

  /// Whether this is faster than phases of convolutions, by the lanes that each computes.
  static func isFaster(_ layout: WeightLayout, _ geometry: Convolution2d, channels: Int) -> Bool {
    geometry.dilation.width == 1
      && 2 * paddedToLanes(layout.taps * channels) <= layout.taps * laneCount
  }

  init(
    _ layout: WeightLayout, _ geometry: Convolution2d, _ weight: MutableFloatPointer,
    inputs: Range<Int>
  ) {
    self.layout = layout
    self.geometry = geometry
    channels = inputs.count
    let (taps, count, all) = (layout.taps, inputs.count, layout.inputs)
    // [out, taps, in]
    weights = PaddedMatrix(rows: layout.outputs, columns: taps * count) { output, column in
      weight[(output * all + inputs.lowerBound + column % count) * taps + column / count]
    }
  }

  /// Adds what `source` gives to `target`, or overwrites that.
  func run(_ source: Image, _ target: Image, accumulates: Bool) {
    let (pad, width) = (geometry.padding, source.extent.width)
    let taps = layout.kernel.width * channels
    let lanes = paddedToLanes(layout.taps * channels)
    // The image with all that the kernels reach.
    let reached = Extent2d(
      max(
        (source.extent.height - 1) * geometry.stride.height
          + (layout.kernel.height - 1) * geometry.dilation.height + 1,
        target.extent.height + pad.height),
      max(
        (width - 1) * geometry.stride.width + layout.kernel.width,
        target.extent.width + pad.width))
    let room = Storage(count: reached.height * reached.width * channels)
    let padded = Image(room.base, reached, channels: channels)
    let parts = Storage(uninitialized: width * lanes)
    for row in 0..<source.extent.height {
      matrixProduct(
        MatrixView(
          source.pixel(row, 0), rows: width, columns: source.channels,
          stride: source.channels),
        weights.view, into: MatrixView(parts.base, rows: width, columns: layout.taps * channels),
        .overwrite)
      for tap in 0..<layout.kernel.height {
        kernels.addOverlapping(
          MatrixView(parts.base + tap * taps, rows: width, columns: taps, stride: lanes),
          width: taps,
          to: padded.pixel(
            row * geometry.stride.height + tap * geometry.dilation.height, 0),
          step: geometry.stride.width * channels)
      }
    }
    for row in 0..<target.extent.height {
      let from = padded.pixel(row + pad.height, pad.width)
      if accumulates {
        kernels.add(from, to: target.pixel(row, 0), count: target.rowStride)
      } else {
        target.pixel(row, 0).update(from: from, count: target.rowStride)
      }
    }
    withExtendedLifetime((room, parts)) {}
  }
}
