extension PESQ.TimeAlignment {
  /// The frames over which the degraded signal lacks more than a frame's hop of the reference.
  ///
  /// Where the delay falls by more than a hop (16 ms) from one utterance to the next, samples are
  /// missing; the frames across the gap would be compared twice with one stretch of the degraded
  /// signal. Source: P.862, 10.2: zeroing of frames during which the delay decreases significantly.
  package var framesAcrossNegativeJumps: [ClosedRange<Int>] {
    zip(utterances, utterances.dropFirst()).compactMap { earlier, later in
      let jump = later.delay - earlier.delay
      guard jump < -PESQ.Layout.hop else { return nil }
      let start = PESQ.Layout.block * (later.start - PESQ.Layout.paddingBlocks)
      let end = PESQ.Layout.block * (earlier.end - PESQ.Layout.paddingBlocks)
      let first = max(
        0,
        min((start + later.delay) / PESQ.Layout.hop, (end + earlier.delay) / PESQ.Layout.hop))
      let last = (start + abs(jump)) / PESQ.Layout.hop + 1
      return first <= last ? first...last : nil
    }
  }
}
