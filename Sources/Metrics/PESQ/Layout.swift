extension PESQ {
  /// The layout of signals and frames in the model, at 16 kHz; in samples unless a name says
  /// blocks. Source: P.862, 10.1 for the blocks of the time alignment, 10.2 for the frames.
  package enum Layout {
    /// A block, the time unit of the envelope: 4 ms.
    static let block = 64
    /// Zeros before and after the samples of a signal, 300 ms each.
    static let padding = 4_800
    /// `padding` in blocks.
    static let paddingBlocks = 75
    /// Further zeros at the very end, 320 ms.
    static let tail = 5_120
    /// Length of a frame of the perceptual model, 32 ms.
    static let frame = 512
    /// Step between frames, 16 ms: half a frame.
    static let hop = 256
    /// Length of a window of the fine delay search, 64 ms.
    static let fineWindow = 1_024
    /// Step between windows of the fine delay search, 16 ms.
    static let fineHop = 256
  }

  /// One signal between zeros: `padding`, the samples, `padding`, `tail`.
  package struct PaddedSignal {
    /// All samples with paddings and tail, `count + tail` values.
    package var samples: [Float]
    /// Number of samples of the signal itself.
    package let dataCount: Int

    /// Pads `data`, divided by `peak`.
    init(_ data: [Float], dividedBy peak: Float) {
      dataCount = data.count
      samples = [Float](repeating: 0, count: data.count + 2 * Layout.padding + Layout.tail)
      for i in data.indices { samples[Layout.padding + i] = data[i] / peak }
    }

    /// Number of samples with both paddings, without the tail.
    package var count: Int { dataCount + 2 * Layout.padding }
    /// The data region: the range of the signal itself in `samples`.
    package var data: Range<Int> { Layout.padding..<Layout.padding + dataCount }
    /// Number of whole blocks in `count` samples.
    package var blockCount: Int { count / Layout.block }

    /// Multiplies the first samples of the data region by `ramp`, and the last by its mirror image.
    mutating func fadeEdges(by ramp: [Double]) {
      for (i, weight) in ramp.enumerated() {
        let first = data.lowerBound + i
        let last = data.upperBound - 1 - i
        samples[first] = Float(weight * Double(samples[first]))
        samples[last] = Float(weight * Double(samples[last]))
      }
    }
  }
}
