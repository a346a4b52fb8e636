/// The part of a room response that a crop hears, divided by its direct sound.
struct RoomResponse {
  /// Response of samples `first` on, divided by that at `peak`.
  let samples: UnsafeBufferPointer<Double>
  /// Number of the first sample in the response.
  let first: Int
  /// Place of the direct sound: the first sample of the largest magnitude.
  let peak: Int

  /// Samples of a response that is read at once.
  private static let largestRead = 1 << 20

  /// The samples of a response of `count` samples that reach a crop of `length` samples from
  /// `start` on of speech that is zero outside 0 ..< `extent`; nil if the response is all zeros.
  ///
  /// `longest` is the number of samples after the direct sound, `read` writes those from a start
  /// on.
  init?<Failure: Error>(
    count: Int, longest: Int, start: Int, length: Int, extent: Int, buffer: SampleBuffer,
    read: (_ start: Int, _ samples: UnsafeMutableBufferPointer<Double>) throws(Failure) -> Void
  ) throws(Failure) {
    var peak = 0
    var largest = 0.0
    var piece = buffer.take(min(count, Self.largestRead))
    for start in stride(from: 0, to: count, by: Self.largestRead) {
      piece = buffer.take(min(count - start, Self.largestRead))
      try read(start, piece)
      let place = piece.constant.peak
      if abs(piece[place]) > abs(largest) { (peak, largest) = (start + place, piece[place]) }
    }
    if largest == 0 { return nil }
    // y[t] = Σ_j h[j]·s[start + t + peak − j]: other j meet zeros only.
    let first = max(0, start + peak - extent + 1)
    let end = min(min(count, peak + longest + 1), start + length + peak)
    if count > Self.largestRead {
      piece = buffer.take(end - first)
      try read(first, piece)
    } else {
      piece = piece.part(first..<end)
    }
    for index in piece.indices { piece[index] /= largest }
    samples = piece.constant
    self.first = first
    self.peak = peak
  }
}
