import KernelAPI
import Tensor

/// The pixels of one utterance [H, W, C] in memory that something else keeps alive.
struct Image {
  let base: MutableFloatPointer
  let extent: Extent2d
  let channels: Int

  /// Utterance `index` of [B, H, W, C] at `base`.
  init(_ base: MutableFloatPointer, _ shape: [Int], utterance index: Int) {
    self.base = base + index * shape[1] * shape[2] * shape[3]
    extent = Extent2d(shape[1], shape[2])
    channels = shape[3]
  }

  var rowStride: Int { extent.width * channels }

  /// The pixels as rows of a matrix.
  var pixels: MatrixView {
    MatrixView(
      base, rows: extent.height * extent.width, columns: channels, stride: channels)
  }
}

/// A copy of images side by side along channels, with zeros around them.
final class PaddedImage {
  private let storage: Storage
  private let before: Extent2d
  private let width: Int
  let channels: Int

  /// Zeros, and room for images of `extent`, whose padding is what `rows` and `columns` read.
  init(
    _ extent: Extent2d, channels: Int, rows: [AxisWalk], columns: [AxisWalk]
  ) {
    let vertical = rows.padding(of: extent.height)
    let horizontal = columns.padding(of: extent.width)
    before = Extent2d(vertical.before, horizontal.before)
    width = extent.width + horizontal.before + horizontal.behind
    self.channels = channels
    storage = Storage(
      count: (extent.height + vertical.before + vertical.behind) * width * channels)
  }

  /// Pixel (row, column), either of which may lie in the padding.
  func pixel(_ row: Int, _ column: Int) -> MutableFloatPointer {
    storage.base + ((row + before.height) * width + column + before.width) * channels
  }

  /// Copies images of equal extent, whose channels add up to those here.
  func fill(_ images: [Image]) {
    var channel = 0
    for image in images {
      for row in 0..<image.extent.height {
        let source = image.base + row * image.rowStride
        let target = pixel(row, 0) + channel
        if images.count == 1 {
          target.update(from: source, count: image.rowStride)
        } else {
          for column in 0..<image.extent.width {
            (target + column * channels).update(
              from: source + column * image.channels, count: image.channels)
          }
        }
      }
      channel += image.channels
    }
  }
}
