import Tensor
import Testing
import TestSupport

/// Residual blocks of LSTMs along both axes, against the three witnesses.
struct LSTMBlockTests {
  @Test(arguments: [
    ("bsrnn_time", SequenceAxis.time, LSTMBlockCase.Directions.forward),
    ("bsrnn_band", .band, .both),
  ])
  func matchesGolden(
    name: String, axis: SequenceAxis, directions: LSTMBlockCase.Directions
  ) throws {
    let file = try golden(name)
    let shape = try #require(file.tensors["in.x"]).shape
    let recurrent = try #require(file.tensors["param.lstm.weight_hh_l0"]).shape
    let subject = LSTMBlockCase(
      batch: shape[0], bands: shape[1], frames: shape[2], axis: axis, features: shape[3],
      units: recurrent[1], directions: directions)
    try expectMatchesGolden(subject, file)
  }

  /// Any two of these values meet in some case. The numbers of sequences make tiles of one, of no
  /// multiple of six, several tiles, and a last one that is not full; the lengths one chunk, and
  /// several of which the last is not full.
  static let awkward: [LSTMBlockCase] = {
    let lengths = [1, 2, 3, 30, 31, 85]
    let sequences = [1, 2, 3, 30, 31]
    let features = [5, 8, 16, 24]
    let units = [1, 2, 15, 16, 17, 40]
    let batches = [1, 3]
    let axes = [SequenceAxis.time, .band]
    let directions = LSTMBlockCase.Directions.allCases
    let counts = [
      lengths.count, sequences.count, features.count, units.count, batches.count, axes.count,
      directions.count,
    ]
    return allPairs(counts).map { row in
      let (length, other) = (lengths[row[0]], sequences[row[1]])
      let axis = axes[row[5]]
      return LSTMBlockCase(
        batch: batches[row[4]], bands: axis == .time ? other : length,
        frames: axis == .time ? length : other, axis: axis, features: features[row[2]],
        units: units[row[3]], directions: directions[row[6]])
    }
  }()

  @Test(arguments: awkward) func matchesReference(subject: LSTMBlockCase) throws {
    try expectMatchesReference(subject)
  }

  /// The published widths: seven sequences over time, of which the last is a tile of its own, and a
  /// part of the frames over bands.
  @Test(arguments: [(SequenceAxis.time, 7, 251), (.band, 30, 50)])
  func publishedWidth(axis: SequenceAxis, bands: Int, frames: Int) throws {
    try expectMatchesReference(
      LSTMBlockCase(
        batch: 1, bands: bands, frames: frames, axis: axis, features: 64, units: 128,
        directions: axis == .time ? .forward : .both))
  }

  /// Small enough to differentiate by every element.
  @Test(arguments: [SequenceAxis.time, .band]) func everyGradient(axis: SequenceAxis) throws {
    let subject = LSTMBlockCase(
      batch: 2, bands: 3, frames: 4, axis: axis, features: 5, units: 3, directions: .both)
    try expectMatchesReference(subject, seed: 2, everyElement: true)
  }

  /// Gates far outside the range where their functions change: all is finite and right.
  @Test(arguments: [Float(30), 1e4, 1e30]) func saturatedGates(scale: Float) throws {
    var subject = LSTMBlockCase(
      batch: 2, bands: 4, frames: 9, axis: .time, features: 8, units: 20, directions: .both)
    subject.weightScale = scale
    var values = subject.randomValues(seed: 3)
    // The linear layer as large would hide what the states are.
    for name in ["param.fc.weight"] { values[name] = values[name]?.map { $0 / scale } }
    let evaluation = try subject.evaluate(values, upstream: subject.randomUpstream(seed: 3))
    let exact = subject.reference(values.mapValues { $0.map(Double.init) })
    expectClose(evaluation.out, exact.map(Float.init), 2e-5, "out")
    for (name, gradient) in evaluation.gradients {
      let isFinite = gradient.allSatisfy { $0.isFinite }
      #expect(isFinite, "\(name)")
    }
  }
}
