import Tensor
import Testing

/// The ways to run an operation that need less than everything give the same numbers.
struct ModeTests {
  private func expectSameInEveryMode(_ subject: some OperationCase) throws {
    let values = subject.randomValues(seed: 6)
    let upstream = subject.randomUpstream(seed: 6)
    let all = try subject.evaluate(values, upstream: upstream)
    #expect(try subject.infer(values) == all.out)
    let parametersOnly = try subject.evaluate(
      values, upstream: upstream, differentiatesInputs: false)
    #expect(parametersOnly.out == all.out)
    for array in subject.arrays where !array.isInput {
      #expect(parametersOnly.gradients[array.name] == all.gradients[array.name], "\(array.name)")
    }
  }

  @Test(arguments: [SequenceAxis.time, .band]) func block(axis: SequenceAxis) throws {
    // More than one tile, so that inference uses its buffers again.
    try expectSameInEveryMode(
      MambaBlockCase(
        batch: 2, bands: 30, frames: 20, axis: axis,
        sizes: MambaSizesUnderTest(features: 8, states: 5, taps: 4, expansion: 2),
        directions: ["fwd", "bwd"]))
  }

  @Test func bareMamba() throws {
    try expectSameInEveryMode(
      MambaCase(
        sequences: 3, length: 200,
        sizes: MambaSizesUnderTest(features: 16, states: 16, taps: 4, expansion: 1),
        reversed: true))
  }

  @Test func bandSplit() throws {
    try expectSameInEveryMode(
      BandSplitCase(batch: 2, frames: 9, widths: [1, 8, 19], features: 24))
  }

  @Test func maskDecoder() throws {
    try expectSameInEveryMode(
      MaskDecoderCase(
        batch: 2, frames: 9, widths: [1, 8, 19], expansions: [4, 2, 1], features: 24, taps: 3))
  }
}
