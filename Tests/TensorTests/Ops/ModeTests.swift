import Tensor
import Testing
import TestSupport

/// The ways to run an operation that need less than everything give the same numbers, and gradients
/// are added to those that are there already.
struct ModeTests {
  @Test(arguments: [SequenceAxis.time, .band]) func block(axis: SequenceAxis) throws {
    // More than one tile, so that inference uses its buffers again.
    let subject = MambaBlockCase(
      batch: 2, bands: 30, frames: 20, axis: axis,
      sizes: MambaSizesUnderTest(features: 8, states: 5, taps: 4, expansion: 2),
      directions: ["fwd", "bwd"])
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
  }

  /// Several tiles and chunks, so that inference uses its buffers again.
  @Test(arguments: [SequenceAxis.time, .band], LSTMBlockCase.Directions.allCases)
  func lstmBlock(axis: SequenceAxis, directions: LSTMBlockCase.Directions) throws {
    let subject = LSTMBlockCase(
      batch: 2, bands: axis == .time ? 8 : 60, frames: axis == .time ? 85 : 20, axis: axis,
      features: 8, units: 20, directions: directions)
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
  }

  @Test func bareMamba() throws {
    let subject = MambaCase(
      sequences: 3, length: 200,
      sizes: MambaSizesUnderTest(features: 16, states: 16, taps: 4, expansion: 1),
      reversed: true)
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
  }

  @Test(arguments: [24, 32]) func crossBandMLP(features: Int) throws {
    // More than one tile, with rows that are copied and rows that stay where they are.
    let subject = CrossBandMLPCase(batch: 2, bands: 5, frames: 70, features: features)
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
  }

  @Test func bandSplit() throws {
    let subject = BandSplitCase(batch: 2, frames: 9, widths: [1, 8, 19], features: 24)
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
  }

  @Test func maskDecoder() throws {
    let subject = MaskDecoderCase(
      batch: 2, frames: 9, widths: [1, 8, 19], expansions: [4, 2, 1], features: 24, taps: 3)
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
  }
}
