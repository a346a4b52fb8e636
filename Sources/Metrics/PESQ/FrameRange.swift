extension PESQ {
  /// Which frames of the perceptual model are analysed and which count for the score.
  package struct FrameRange: Equatable {
    /// Near-silent samples at the start of the reference.
    package let skippedAtStart: Int
    /// Near-silent samples at the end of the reference, the tail included.
    package let skippedAtEnd: Int
    /// First frame that counts.
    package let start: Int
    /// Last frame, analysed and counted.
    package let stop: Int
    /// Frames of the whole signal, for the means of the frequency compensation.
    package let total: Int
    /// Samples of the longer signal with its paddings, without the tail.
    package let sampleCount: Int

    /// Looks for the ends of `reference`, which holds `sampleCount` samples and the tail.
    init(reference: [Float], sampleCount: Int) {
      let first = Layout.padding
      let last = sampleCount - Layout.padding + Layout.tail - 1
      func isQuiet(_ samples: ArraySlice<Float>) -> Bool {
        samples.reduce(0.0) { $0 + Double($1.magnitude) } < 500
      }
      var skip = 0
      while skip < sampleCount / 2, isQuiet(reference[first + skip..<first + skip + 5]) {
        skip += 1
      }
      skippedAtStart = skip
      skip = 0
      while skip < sampleCount / 2, isQuiet(reference[last - skip - 4...last - skip]) {
        skip += 1
      }
      skippedAtEnd = skip
      let length = sampleCount - 2 * Layout.padding + Layout.tail
      stop = (length - skippedAtEnd) / Layout.hop - 1
      // A single click can leave no whole frame between the ends; the score then rests on the last.
      start = min(skippedAtStart / Layout.hop, stop)
      total = length / Layout.hop - 1
      self.sampleCount = sampleCount
    }

    /// The frames to analyse.
    package var analysed: Range<Int> { 0..<stop + 1 }
  }
}
