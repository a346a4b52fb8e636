import Files
import Tensor
import Testing

/// A NaN anywhere has to reach what training looks at: the loss or the gradient norm.
struct NotANumberTests {
  @Test(arguments: [SequenceAxis.time, .band]) func block(axis: SequenceAxis) throws {
    let subject = MambaBlockCase(
      batch: 2, bands: 3, frames: 19, axis: axis,
      sizes: MambaSizesUnderTest(features: 8, states: 4, taps: 4, expansion: 1),
      directions: ["fwd", "bwd"])
    try expectNaNShows(subject)
    try expectUpstreamNaNShows(subject)
  }

  @Test(arguments: [SequenceAxis.time, .band]) func lstmBlock(axis: SequenceAxis) throws {
    let subject = LSTMBlockCase(
      batch: 2, bands: 3, frames: 19, axis: axis, features: 8, units: 12, directions: .both)
    try expectNaNShows(subject)
    try expectUpstreamNaNShows(subject)
  }

  @Test(arguments: [false, true]) func bareMamba(reversed: Bool) throws {
    let subject = MambaCase(
      sequences: 2, length: 19,
      sizes: MambaSizesUnderTest(features: 8, states: 4, taps: 4, expansion: 1),
      reversed: reversed)
    try expectNaNShows(subject)
    try expectUpstreamNaNShows(subject)
  }

  @Test func bandSplit() throws {
    let subject = BandSplitCase(batch: 2, frames: 5, widths: [1, 3, 9], features: 8)
    try expectNaNShows(subject)
    try expectUpstreamNaNShows(subject)
  }

  @Test(arguments: [1, 3]) func maskDecoder(taps: Int) throws {
    let subject = MaskDecoderCase(
      batch: 2, frames: 5, widths: [1, 3, 9], expansions: [2, 1, 4], features: 8, taps: taps)
    try expectNaNShows(subject)
    try expectUpstreamNaNShows(subject)
  }

  @Test func crossBandMLP() throws {
    let subject = CrossBandMLPCase(batch: 2, bands: 3, frames: 5, features: 8)
    try expectNaNShows(subject)
    try expectUpstreamNaNShows(subject)
  }

  /// A NaN of either spectrogram, in any lane, shows in the value and in the gradient.
  @Test(arguments: notNumbers + [.infinity, -.infinity]) func loss(bad: Float) throws {
    for inTarget in [false, true] {
      for index in 0..<70 {
        var y = randomFloats(70, -1...1, seed: 1, stream: "Y")
        var s = randomFloats(70, -1...1, seed: 1, stream: "S")
        if inTarget { s[index] = bad } else { y[index] = bad }
        let estimate = Tensor(shape: [1, 5, 7, 2], elements: y, requiresGradient: true)
        let tape = Tape()
        let value = spectralLoss(estimate, Tensor(shape: [1, 5, 7, 2], elements: s), tape)
        tape.backward()
        #expect(!value.total.isFinite && !value.complexTerm.isFinite)
        #expect(!value.magnitudeTerm.isFinite)
        let gradient = try #require(estimate.gradient).elements
        #expect(
          gradient.indices.filter { !gradient[$0].isFinite }.allSatisfy { $0 / 2 == index / 2 })
        #expect(gradient[index].isNaN)
      }
    }
  }
}
