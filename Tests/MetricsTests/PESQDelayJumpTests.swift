import Metrics
import Testing

/// Degraded signals that lack samples in the middle or are delayed as a whole.
@Suite struct PESQDelayJumpTests {
  private let scorer = PESQ.Scorer()

  private func analyse(_ reference: [Float], _ degraded: [Float]) throws -> PESQ.Analysis {
    try scorer.analyse(reference: reference, degraded: degraded, sampleRate: 16_000)
  }

  @Test(arguments: [480, 960, 1_440]) func deletedSamples(_ count: Int) throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let whole = try analyse(reference, degraded)
    #expect(whole.alignment.framesAcrossNegativeJumps.isEmpty)
    // In the pause between the two utterances, which meet at block 729 of the padded reference.
    let gap = (729 - 75) * 64
    let cut = Array(degraded[..<gap] + degraded[(gap + count)...])
    let result = try analyse(reference, cut)

    let utterances = result.alignment.utterances
    try #require(utterances.count == 2)
    #expect(utterances.map(\.delay) == [0, -count])
    let frames = result.alignment.framesAcrossNegativeJumps
    try #require(frames.count == 1)
    // Both sides of the gap in samples of the unpadded signals, and from there to frames.
    let start = 64 * (utterances[1].start - 75)
    let end = 64 * (utterances[0].end - 75)
    #expect(frames[0] == min((start - count) / 256, end / 256)...(start + count) / 256 + 1)
    for frame in frames[0] {
      #expect(result.normalised[frame].symmetric == 0)
      #expect(result.normalised[frame].asymmetric == 0)
    }
    // Some of those frames would have counted.
    #expect(frames[0].contains { result.comparisons[$0].symmetric > 0 })
    // The pause held little noise: without it the score stays about the same.
    #expect(abs(result.score - whole.score) < 0.05)
  }

  @Test(arguments: [480, 960, 1_440]) func deletedSamplesInMidSpeech(_ count: Int) throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let whole = try analyse(reference, degraded)
    let cut = Array(degraded[..<24_000] + degraded[(24_000 + count)...])
    let result = try analyse(reference, cut)
    // The first utterance is split where the samples are missing.
    #expect(result.alignment.utterances.map(\.delay) == [0, -count, -count])
    let frames = result.alignment.framesAcrossNegativeJumps
    #expect(frames.count == 1 && frames[0].contains(24_000 / 256))
    #expect(result.score > 2.5 && result.score < whole.score - 0.01)
  }

  @Test(arguments: [(20_000, 480), (24_000, 480), (28_000, 480), (32_000, 960)])
  func deletedSamplesInCleanSpeech(_ position: Int, _ count: Int) throws {
    let (speech, _) = try GoldenCase.named("g11").signals()
    let cut = Array(speech[..<position] + speech[(position + count)...])
    let result = try analyse(speech, cut)
    #expect(result.alignment.utterances.map(\.delay) == [0, -count])
    #expect(result.alignment.framesAcrossNegativeJumps.count == 1)
    #expect(result.score > 3.5 && result.score < 4.6)
  }

  @Test func smallJumpsBlankNoFrames() throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let gap = (729 - 75) * 64
    let cut = Array(degraded[..<gap] + degraded[(gap + 256)...])
    let alignment = try analyse(reference, cut).alignment
    #expect(alignment.utterances.map(\.delay) == [0, -256])
    #expect(alignment.framesAcrossNegativeJumps.isEmpty)
  }

  @Test(arguments: [1, 80, 1_000, 4_000]) func constantDelayIsCompensated(_ delay: Int) throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let late = [Float](repeating: 0, count: delay) + degraded
    let result = try analyse(reference, late)
    #expect(result.alignment.utterances.allSatisfy { $0.delay == delay })
    #expect(abs(result.score - (try analyse(reference, degraded).score)) < 0.1)
    let early = try analyse([Float](repeating: 0, count: delay) + reference, degraded)
    #expect(early.alignment.utterances.allSatisfy { $0.delay == -delay })
  }
}
