extension PESQ {
  /// The frames that the perceptual model analyses, and the frames that count for the score.
  ///
  /// Source: P.862, 10.2: active speech time interval.
  package struct FrameRange: Equatable {
    /// Number of near-silent samples at the start of the reference.
    package let skippedAtStart: Int
    /// Number of near-silent samples at the end of the reference, the tail included.
    package let skippedAtEnd: Int
    /// First frame that counts for the score.
    package let start: Int
    /// Last frame, analysed and counted.
    package let stop: Int
    /// Number of frames of the whole signal, for the means of the frequency compensation.
    package let total: Int
    /// Number of samples of the longer signal with its paddings, without the tail.
    package let sampleCount: Int

    /// Finds the ends of `reference`, which holds `sampleCount` samples and the tail: the first and
    /// the last five samples whose magnitudes add up to at least 500.
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
      // A single click can leave no whole frame between the ends; then only the last frame counts.
      start = min(skippedAtStart / Layout.hop, stop)
      total = length / Layout.hop - 1
      self.sampleCount = sampleCount
    }

    /// The frames to analyse.
    package var analysed: Range<Int> { 0..<stop + 1 }
  }
}
