extension PESQ {
  /// How the model lays out signals and frames. Samples unless a name says blocks.
  package enum Layout {
    /// The unit of the envelope, 4 ms.
    static let block = 64
    /// Zeros before and after the samples of a signal.
    static let padding = 4_800
    /// `padding` in blocks.
    static let paddingBlocks = 75
    /// Further zeros at the very end, 320 ms.
    static let tail = 5_120
    /// The frame of the perceptual model, 32 ms.
    static let frame = 512
    /// The step between frames, 16 ms.
    static let hop = 256
    /// The window of the fine delay search, 64 ms.
    static let fineWindow = 1_024
    /// The step between windows of the fine delay search.
    static let fineHop = 256
  }

  /// One signal between zeros: `padding`, the samples, `padding`, `tail`.
  package struct PaddedSignal {
    /// The whole array, `count + tail` samples.
    package var samples: [Float]
    /// Number of samples of the signal itself.
    package let dataCount: Int

    /// Lays out `data` divided by `peak`.
    init(_ data: [Float], dividedBy peak: Float) {
      dataCount = data.count
      samples = [Float](repeating: 0, count: data.count + 2 * Layout.padding + Layout.tail)
      for i in data.indices { samples[Layout.padding + i] = data[i] / peak }
    }

    /// Samples with both paddings, without the tail.
    package var count: Int { dataCount + 2 * Layout.padding }
    /// Where the signal itself lies in `samples`.
    package var data: Range<Int> { Layout.padding..<Layout.padding + dataCount }
    /// Whole blocks in `count`.
    package var blockCount: Int { count / Layout.block }

    /// Fades the first and last samples of the data region in and out by `ramp`.
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
