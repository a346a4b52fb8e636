import Evaluation
import Foundation
import Metrics
import Testing
import TestSupport

/// Long recordings in segments, against the same as a whole.
@Suite struct SegmentedEnhancementTests {
  private let enhancer: Enhancer
  private let noisy: [Float]
  private let clean: [Float]

  init() throws {
    enhancer = try Enhancer(TrainedModel.load(weights: EnhanceFixture.trained, preset: nil))
    (noisy, clean) = try EnhanceFixture.conversation(rounds: 3)
  }

  private func segmentation(_ count: Int, seconds: Double) -> Segmentation {
    Segmentation(sampleCount: count, sizes: enhancer.segmentSizes(seconds: seconds))
  }

  private func enhance(_ samples: [Float], _ segmentation: Segmentation) throws -> [Float] {
    var enhanced: [Float] = []
    try enhancer.enhance(segmentation, read: { Array(samples[$0]) }, write: { enhanced += $0 })
    return enhanced
  }

  /// 10·log10 of the energy of `reference` over that of `other`'s difference from it, within
  /// `ranges`, in decibels.
  private func agreement(
    _ other: [Float], _ reference: [Float], _ ranges: [Range<Int>]
  ) -> Double {
    var (signal, difference) = (0.0, 0.0)
    for index in ranges.joined() {
      signal += Double(reference[index] * reference[index])
      let deviation = Double(other[index] - reference[index])
      difference += deviation * deviation
    }
    return 10 * log10(signal / difference)
  }

  private func largestStep(_ samples: [Float], _ range: Range<Int>) -> Float {
    range.dropFirst().map { abs(samples[$0] - samples[$0 - 1]) }.max() ?? 0
  }

  @Test(arguments: [1, 200, 513, 8_000, 160_000])
  func oneSegmentHasTheBitsOfTheWhole(sampleCount: Int) throws {
    let samples = Array(noisy.prefix(sampleCount))
    let segmentation = segmentation(sampleCount, seconds: 10)
    #expect(segmentation.segments.count == 1)
    #expect(try enhance(samples, segmentation) == enhancer.enhance(samples))
  }

  /// A model of utterances of RMS 1 gets them, whole or in segments, and its result is divided by
  /// the factor again.
  @Test(arguments: [1, 4]) func levelIsThatOfTheWholeRecording(segments: Int) throws {
    let samples = segments == 1 ? Array(noisy.prefix(80_000)) : noisy
    let segmentation = segmentation(samples.count, seconds: segments == 1 ? 10 : 20)
    #expect(segmentation.segments.count == segments)
    let energy = samples.reduce(0) { $0 + Double($1) * Double($1) }
    let factor = Float((Double(samples.count) / energy).squareRoot())
    let expected = try enhance(samples.map { $0 * factor }, segmentation).map { $0 / factor }
    enhancer.model.inputLevel = .utterance
    #expect(try enhance(samples, segmentation) == expected)
    if segments == 1 { #expect(try enhancer.enhance(samples) == expected) }
    // Silence has no level.
    let silence = [Float](repeating: 0, count: 8_000)
    #expect(try enhancer.enhance(silence).allSatisfy { $0 == 0 })
  }

  @Test func segmentsAreNearTheWhole() throws {
    let segmentation = segmentation(noisy.count, seconds: 20)
    #expect(segmentation.segments.count == 4, "\(segmentation)")
    let whole = try enhancer.enhance(noisy)
    let pieces = try enhance(noisy, segmentation)
    #expect(pieces.count == whole.count && pieces != whole)

    let everywhere = agreement(pieces, whole, [0..<whole.count])
    #expect(everywhere > 28, "\(everywhere) dB")
    let scorer = UtteranceScorer([.pesqWB])
    let scores = [noisy, whole, pieces].map {
      scorer.score(
        file: "", reference: clean, degraded: $0, sampleRate: PESQ.sampleRate)
    }
    let pesq = try scores.map { try #require($0.pesqWB) }
    // The model does something, and segments do the same.
    #expect(pesq[1] > pesq[0] + 0.1, "\(pesq)")
    #expect(abs(pesq[1] - pesq[2]) < 0.02, "\(pesq)")
  }

  @Test func seamsDoNotShow() throws {
    let whole = try enhancer.enhance(noisy)
    func seams(_ segmentation: Segmentation) -> [Range<Int>] {
      zip(segmentation.segments, segmentation.segments.dropFirst()).map { one, next in
        next.output.lowerBound - 800..<one.output.upperBound + 800
      }
    }
    let segmentation = segmentation(noisy.count, seconds: 20)
    let pieces = try enhance(noisy, segmentation)
    try #require(!seams(segmentation).isEmpty)
    for seam in seams(segmentation) {
      // No steeper than the whole gets within a second.
      let step = largestStep(pieces, seam)
      let wholes = largestStep(whole, seam.lowerBound - 16_000..<seam.upperBound + 16_000)
      #expect(step < 1.05 * wholes, "\(step) at \(seam), but \(wholes) in the whole")
    }
    let everywhere = agreement(pieces, whole, [0..<whole.count])
    let atSeams = agreement(pieces, whole, seams(segmentation))
    #expect(atSeams > everywhere - 9, "\(atSeams) dB at seams, \(everywhere) dB everywhere")

    // Without context and with hardly a fade they would.
    let abrupt = Segmentation(
      sampleCount: noisy.count,
      sizes: .init(segment: 320_000, lead: 0, fade: 128, tail: 0, hop: 128))
    let cut = agreement(try enhance(noisy, abrupt), whole, seams(abrupt))
    #expect(cut < atSeams - 6, "\(cut) dB at abrupt seams, \(atSeams) dB at ours")
  }

  @Test func aLongPauseStaysQuiet() throws {
    // Faint noise for longer than a segment: normalised by itself it would be as loud as speech.
    let hiss = try recording("g03_vb_p232_170_noisy_deg").map { $0 * 0.003 }
    let pause = Array(repeatElement(hiss, count: 40).joined().prefix(320_000))
    let samples = Array(noisy.prefix(160_000)) + pause + Array(noisy.suffix(160_000))
    let whole = try enhancer.enhance(samples)
    let pieces = try enhance(samples, segmentation(samples.count, seconds: 10))
    let alone = try enhancer.enhance(pause)
    let quiet = 200_000..<440_000
    func level(_ samples: ArraySlice<Float>) -> Double {
      10 * log10(samples.reduce(0.0) { $0 + Double($1 * $1) } / Double(samples.count))
    }
    let (expected, found) = (level(whole[quiet]), level(pieces[quiet]))
    let unaware = level(alone[40_000..<280_000])
    let what: Comment = "\(found) dB, whole \(expected) dB, by itself \(unaware) dB"
    #expect(found < unaware - 4, what)
    #expect(abs(found - expected) < abs(found - unaware), what)
  }

  @Test func nothingLongerThanASegmentIsHeld() throws {
    let segmentation = segmentation(noisy.count, seconds: 10)
    var (reads, writes): ([Int], [Int]) = ([], [])
    try enhancer.enhance(
      segmentation,
      read: {
        reads.append($0.count)
        return Array(noisy[$0])
      }, write: { writes.append($0.count) })
    #expect(reads.count == 2 * segmentation.segments.count)
    #expect(reads.allSatisfy { $0 <= 160_127 })
    // Progress comes with each segment.
    #expect(
      writes.count == segmentation.segments.count && writes.allSatisfy { $0 > 0 && $0 <= 160_127 })
    #expect(writes.reduce(0, +) == noisy.count)
  }

  @Test func errorsInTheMiddleComeThroughAndCountFromTheStart() throws {
    struct Broken: Error, Equatable {}
    let segmentation = segmentation(noisy.count, seconds: 10)
    var writes = 0
    #expect(throws: Broken()) {
      try enhancer.enhance(
        segmentation, read: { Array(noisy[$0]) },
        write: { _ in
          writes += 1
          if writes == 3 { throw Broken() }
        })
    }
    #expect(writes == 3)

    // The first pass goes by, the second segment is not what it was.
    var reads = 0
    let error = #expect(throws: EnhancementError.self) {
      try enhancer.enhance(
        segmentation,
        read: { range in
          reads += 1
          let isBroken = reads == segmentation.segments.count + 2
          return noisy[range].map { isBroken ? .nan : $0 }
        }, write: { _ in })
    }
    #expect(
      error == .notFinite(model: "tiny", index: segmentation.segments[1].input.lowerBound))
  }
}
