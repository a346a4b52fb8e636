import Evaluation
import Testing

/// The cutting of recordings, which knows lengths only.
@Suite struct SegmentationTests {
  static let small = Segmentation.Sizes(segment: 2048, lead: 0, fade: 128, tail: 256, hop: 128)
  /// Segments of one minute.
  static let usual = Segmentation.Sizes(
    segment: 960_000, lead: 12_032, fade: 12_032, tail: 36_096, hop: 128)
  static let fadesOnly = Segmentation.Sizes(segment: 2560, lead: 0, fade: 512, tail: 0, hop: 128)

  /// Around one segment, around exact multiples of a step, tiny tails, and far beyond.
  static func lengths(_ sizes: Segmentation.Sizes) -> [Int] {
    let step = sizes.segment - sizes.overlap
    let multiples = (1...5).flatMap { count in
      [-129, -128, -127, -1, 0, 1, 127, 128, 129].map { sizes.overlap + count * step + $0 }
    }
    return [1, 2, 127, 128, 129, sizes.overlap] + multiples
      + [37 * step + 55, 1000 * step + sizes.overlap, 1000 * step + sizes.overlap + 1]
  }

  @Test(arguments: [small, usual, fadesOnly]) func anyLengthIsCoveredOnce(
    sizes: Segmentation.Sizes
  ) {
    for length in Self.lengths(sizes) {
      let segmentation = Segmentation(sampleCount: length, sizes: sizes)
      let segments = segmentation.segments
      let what: Comment = "\(length) samples: \(segments.prefix(3)) …"
      #expect(segments.first?.input.lowerBound == 0, what)
      #expect(segments.first?.output.lowerBound == 0, what)
      #expect(segments.last?.input.upperBound == length, what)
      #expect(segments.last?.output.upperBound == length, what)
      #expect((segments.count == 1) == (length <= sizes.segment), what)
      let frames = Set(segments.map { 1 + $0.input.count / sizes.hop })
      #expect(frames.count == 1, what)
      #expect(segments.allSatisfy { $0.input.count < sizes.segment + sizes.hop }, what)
      #expect(segments.allSatisfy { $0.input.lowerBound % sizes.hop == 0 }, what)
      for (one, next) in zip(segments, segments.dropFirst()) {
        let fade = next.output.lowerBound..<one.output.upperBound
        #expect(fade.count == sizes.fade, what)
        // Both have context on their sides of the fade.
        #expect(fade.lowerBound >= next.input.lowerBound + sizes.lead, what)
        #expect(fade.upperBound <= one.input.upperBound - sizes.tail, what)
        // A sample is of two segments at most.
        #expect(one.output.lowerBound == 0 || one.output.count >= 2 * sizes.fade, what)
      }
      // No more segments than needed, so that the overlaps cost no more than they must.
      let step = sizes.segment - sizes.overlap
      #expect(segments.count == max(1, (length - sizes.overlap + step - 1) / step), what)
    }
  }

  @Test func weightsOfAFadeSumToOneAndRise() {
    for count in [1, 2, 3, 100, 16_000] {
      let weights = (0..<count).map { Segmentation.weight($0, of: count) }
      for (rising, falling) in zip(weights, weights.reversed()) {
        #expect(abs(rising + falling - 1) < 1e-6)
      }
      #expect(zip(weights, weights.dropFirst()).allSatisfy { $0 <= $1 })
      #expect(weights.allSatisfy { (0...1).contains($0) })
      if count > 99 { #expect(weights[0] < 1e-3 && weights[count - 1] > 1 - 1e-3) }
    }
  }

  @Test func wholeIsOneSegment() {
    let segmentation = Segmentation(whole: 10_000_000)
    #expect(segmentation.segments == [.init(input: 0..<10_000_000, output: 0..<10_000_000)])
  }
}
