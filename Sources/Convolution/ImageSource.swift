import KernelAPI
import Tensor

/// The pixels of one utterance [H, W, C] in memory that something else keeps alive.
struct Image {
  let base: MutableFloatPointer
  let extent: Extent2d
  let channels: Int

  init(_ base: MutableFloatPointer, _ extent: Extent2d, channels: Int) {
    self.base = base
    self.extent = extent
    self.channels = channels
  }

  /// Utterance `index` of [B, H, W, C] at `base`.
  init(_ base: MutableFloatPointer, _ shape: [Int], utterance index: Int) {
    self.init(
      base + index * shape[1] * shape[2] * shape[3], Extent2d(shape[1], shape[2]),
      channels: shape[3])
  }

  var rowStride: Int { extent.width * channels }

  /// Pixel (row, column).
  func pixel(_ row: Int, _ column: Int) -> MutableFloatPointer {
    base + (row * extent.width + column) * channels
  }

  /// The pixels as rows of a matrix.
  var pixels: MatrixView {
    MatrixView(base, rows: extent.height * extent.width, columns: channels, stride: channels)
  }
}

/// Source of walks: images side by side along channels.
///
/// Images of at least a vector of channels are read where they lie. Fewer channels would give a
/// kernel too few numbers one after the other: such images are copied side by side, with zeros
/// around them, so that neighbouring taps are neighbours in memory everywhere.
final class ImageSource {
  /// Walks over what is read.
  let rows: [AxisWalk]
  /// Walks over what is read.
  let columns: [AxisWalk]
  /// Channels of each image that is read.
  let channels: [Int]
  /// Extent of what is read.
  let extent: Extent2d
  private let copy: Image?
  private let storage: Storage?
  private let before: Extent2d

  /// Whether the images are copied side by side.
  var isCopied: Bool { copy != nil }

  /// A source for images of `extent` with so many channels each.
  init(_ extent: Extent2d, channels: [Int], rows: [AxisWalk], columns: [AxisWalk]) {
    guard channels.contains(where: { $0 < laneCount }) else {
      self.rows = rows
      self.columns = columns
      self.channels = channels
      self.extent = extent
      before = Extent2d(0, 0)
      copy = nil
      storage = nil
      return
    }
    let vertical = rows.padding(of: extent.height)
    let horizontal = columns.padding(of: extent.width)
    before = Extent2d(vertical.before, horizontal.before)
    self.rows = rows.map { $0.moved(by: vertical.before) }
    self.columns = columns.map { $0.moved(by: horizontal.before) }
    self.channels = [channels.reduce(0, +)]
    self.extent = Extent2d(
      extent.height + vertical.before + vertical.behind,
      extent.width + horizontal.before + horizontal.behind)
    let storage = Storage(count: self.extent.height * self.extent.width * self.channels[0])
    self.storage = storage
    copy = Image(storage.base, self.extent, channels: self.channels[0])
  }

  /// Images that are read in the place of the given ones, until the next call.
  func images(_ images: [Image]) -> [Image] {
    guard let copy else { return images }
    var channel = 0
    for image in images {
      for row in 0..<image.extent.height {
        let source = image.base + row * image.rowStride
        let target = copy.pixel(row + before.height, before.width) + channel
        if images.count == 1 {
          target.update(from: source, count: image.rowStride)
        } else {
          for column in 0..<image.extent.width {
            (target + column * copy.channels).update(
              from: source + column * image.channels, count: image.channels)
          }
        }
      }
      channel += image.channels
    }
    return [copy]
  }
}
