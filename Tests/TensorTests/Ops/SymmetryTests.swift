import Tensor
import Testing
import TestSupport

/// Symmetries that the operations keep bit for bit: reversal is flipping, and no utterance sees
/// another.
struct SymmetryTests {
  /// Bit for bit with our matrix product; OpenBLAS may sum in another order where rows lie
  /// elsewhere.
  private func expectSame(
    _ actual: [Float], _ expected: [Float], _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    if usesOpenBLAS {
      expectClose(actual, expected, 1e-6, what, sourceLocation: sourceLocation)
    } else {
      #expect(actual == expected, "\(what)", sourceLocation: sourceLocation)
    }
  }

  /// [M, L, N] with L turned round.
  private func flipped(_ x: [Float], length: Int, features: Int) -> [Float] {
    x.rows(length * features).flatMap { $0.rows(features).reversed().joined() }
  }

  /// A reversed Mamba of a flipped input is the flipped output of a forward one; the input's
  /// gradient too. Parameters' gradients are sums over rows in the other order.
  @Test(arguments: [1, 2, 3, 7, 8, 9, 31, 251], [1, 3, 4]) func reversal(
    length: Int, taps: Int
  ) throws {
    let sizes = MambaSizesUnderTest(features: 24, states: 5, taps: taps, expansion: 1)
    let forward = MambaCase(sequences: 3, length: length, sizes: sizes, reversed: false)
    let backward = MambaCase(sequences: 3, length: length, sizes: sizes, reversed: true)
    var values = forward.randomValues(seed: 1)
    let upstream = forward.randomUpstream(seed: 1)
    let expected = try forward.evaluate(values, upstream: upstream)
    func flip(_ x: [Float]) -> [Float] { flipped(x, length: length, features: 24) }
    values["in.x"] = flip(try #require(values["in.x"]))
    let actual = try backward.evaluate(values, upstream: flip(upstream))
    expectSame(actual.out, flip(expected.out), "out")
    for (name, gradient) in expected.gradients {
      let other = try #require(actual.gradients[name])
      if name == "in.x" {
        expectSame(other, flip(gradient), name)
      } else {
        expectClose(other, gradient, 2e-6, name)
      }
    }
  }

  /// A batch gives each utterance what it gives it alone. Parameters' gradients add up.
  private func expectBatchIsItsUtterances(
    _ batch: some OperationCase, _ alone: some OperationCase, count: Int
  ) throws {
    let values = batch.randomValues(seed: 5)
    let upstream = batch.randomUpstream(seed: 5)
    let together = try batch.evaluate(values, upstream: upstream)
    var sums: [String: [Float]] = [:]
    func part(_ x: [Float], _ i: Int) -> [Float] { x.rows(x.count / count)[i] }
    for i in 0..<count {
      var own = values
      for array in batch.arrays where array.isInput {
        own[array.name] = part(try #require(values[array.name]), i)
      }
      let single = try alone.evaluate(own, upstream: part(upstream, i))
      expectSame(single.out, part(together.out, i), "out of \(i)")
      for array in batch.arrays {
        let gradient = try #require(single.gradients[array.name])
        if array.isInput {
          expectSame(
            gradient, part(try #require(together.gradients[array.name]), i),
            "grad.\(array.name) of \(i)")
        } else if let sum = sums[array.name] {
          sums[array.name] = zip(sum, gradient).map { $0 + $1 }
        } else {
          sums[array.name] = gradient
        }
      }
    }
    for (name, sum) in sums {
      expectClose(try #require(together.gradients[name]), sum, 1e-5, "grad.\(name)")
    }
  }

  /// Utterances so short that several share a tile, or as long as a tile, or longer.
  @Test(arguments: [SequenceAxis.time, .band], [1, 5, 40, 251, 300])
  func blockBatch(axis: SequenceAxis, frames: Int) throws {
    func subject(_ batch: Int) -> MambaBlockCase {
      MambaBlockCase(
        batch: batch, bands: 4, frames: frames, axis: axis,
        sizes: MambaSizesUnderTest(features: 24, states: 3, taps: 4, expansion: 1),
        directions: ["fwd", "bwd"])
    }
    try expectBatchIsItsUtterances(subject(3), subject(1), count: 3)
  }

  /// Each utterance has statistics of its own.
  @Test(arguments: [SequenceAxis.time, .band], [1, 5, 40])
  func lstmBlockBatch(axis: SequenceAxis, frames: Int) throws {
    func subject(_ batch: Int) -> LSTMBlockCase {
      LSTMBlockCase(
        batch: batch, bands: 7, frames: frames, axis: axis, features: 24, units: 20,
        directions: .both)
    }
    try expectBatchIsItsUtterances(subject(3), subject(1), count: 3)
  }

  /// A reversed LSTM of flipped sequences is the flipped output of a forward one.
  @Test(arguments: [1, 2, 31, 85]) func lstmReversal(length: Int) throws {
    func subject(_ directions: LSTMBlockCase.Directions) -> LSTMBlockCase {
      LSTMBlockCase(
        batch: 1, bands: 7, frames: length, axis: .time, features: 24, units: 20,
        directions: directions)
    }
    var values = subject(.forward).randomValues(seed: 1)
    let upstream = subject(.forward).randomUpstream(seed: 1)
    let expected = try subject(.forward).evaluate(values, upstream: upstream)
    func flip(_ x: [Float]) -> [Float] { flipped(x, length: length, features: 24) }
    values["in.x"] = flip(try #require(values["in.x"]))
    let actual = try subject(.backward).evaluate(values, upstream: flip(upstream))
    // The statistics are sums in another order.
    expectClose(actual.out, flip(expected.out), 1e-6, "out")
    for (name, gradient) in expected.gradients {
      let other = try #require(actual.gradients[name])
      expectClose(other, name == "in.x" ? flip(gradient) : gradient, 5e-6, name)
    }
  }

  @Test(arguments: [1, 3, 31, 300]) func mambaBatch(length: Int) throws {
    func subject(_ sequences: Int) -> MambaCase {
      MambaCase(
        sequences: sequences, length: length,
        sizes: MambaSizesUnderTest(features: 8, states: 4, taps: 4, expansion: 2),
        reversed: false)
    }
    try expectBatchIsItsUtterances(subject(5), subject(1), count: 5)
  }

  @Test(arguments: [1, 31, 90]) func crossBandMLPBatch(frames: Int) throws {
    func subject(_ batch: Int) -> CrossBandMLPCase {
      CrossBandMLPCase(batch: batch, bands: 4, frames: frames, features: 24)
    }
    try expectBatchIsItsUtterances(subject(3), subject(1), count: 3)
  }

  @Test(arguments: [1, 3, 31]) func bandSplitBatch(frames: Int) throws {
    func subject(_ batch: Int) -> BandSplitCase {
      BandSplitCase(batch: batch, frames: frames, widths: [1, 3, 8, 19], features: 24)
    }
    try expectBatchIsItsUtterances(subject(3), subject(1), count: 3)
  }

  @Test(arguments: [1, 3, 31], [1, 3]) func maskDecoderBatch(frames: Int, taps: Int) throws {
    func subject(_ batch: Int) -> MaskDecoderCase {
      MaskDecoderCase(
        batch: batch, frames: frames, widths: [1, 3, 8], expansions: [2, 3, 4], features: 8,
        taps: taps)
    }
    try expectBatchIsItsUtterances(subject(3), subject(1), count: 3)
  }
}
