import Tensor
import Testing

/// Residual blocks of Mambas along both axes, against the three witnesses.
struct MambaBlockTests {
  @Test(arguments: [("bimamba_intra", SequenceAxis.time), ("bimamba_cross", .band)])
  func matchesGolden(name: String, axis: SequenceAxis) throws {
    let file = try golden(name)
    let shape = try #require(file.tensors["in.x"]).shape
    let aLog = try #require(file.tensors["param.fwd.A_log"]).shape
    let subject = MambaBlockCase(
      batch: shape[0], bands: shape[1], frames: shape[2], axis: axis,
      sizes: MambaSizesUnderTest(
        features: shape[3], states: aLog[1], taps: 4, expansion: aLog[0] / shape[3]),
      directions: ["fwd", "bwd"])
    try expectMatchesGolden(subject, file)
  }

  /// Any two of these values meet in some case. The lengths make tiles of one sequence, of several,
  /// and a last tile that is not full.
  static let awkward: [MambaBlockCase] = {
    let lengths = [1, 2, 3, 30, 31, 251]
    let others = [1, 4, 11]
    let features = [5, 8, 16, 24]
    let states = [12, 16, 1, 5]
    let taps = [1, 3, 4, 5]
    let batches = [1, 3]
    let axes = [SequenceAxis.time, .band]
    let directions = [["fwd", "bwd"], ["fwd"], ["bwd"]]
    let counts = [
      lengths.count, others.count, features.count, states.count, taps.count, 2, batches.count,
      axes.count, directions.count,
    ]
    return allPairs(counts).map { row in
      let (length, other) = (lengths[row[0]], others[row[1]])
      let axis = axes[row[7]]
      return MambaBlockCase(
        batch: batches[row[6]], bands: axis == .time ? other : length,
        frames: axis == .time ? length : other, axis: axis,
        sizes: MambaSizesUnderTest(
          features: features[row[2]], states: states[row[3]], taps: taps[row[4]],
          expansion: row[5] + 1),
        directions: directions[row[8]])
    }
  }()

  @Test(arguments: awkward) func matchesReference(subject: MambaBlockCase) throws {
    try expectMatchesReference(subject)
  }

  /// The published width: one tile that is full to the last row, and CrossBand's 8 frames a tile.
  @Test(arguments: [(SequenceAxis.time, 1, 251), (.band, 30, 9)])
  func publishedWidth(axis: SequenceAxis, bands: Int, frames: Int) throws {
    try expectMatchesReference(
      MambaBlockCase(
        batch: 1, bands: bands, frames: frames, axis: axis,
        sizes: MambaSizesUnderTest(features: 128, states: 16, taps: 4, expansion: 1),
        directions: ["fwd", "bwd"]))
  }

  /// Small enough to differentiate by every element.
  @Test(arguments: [SequenceAxis.time, .band]) func everyGradient(axis: SequenceAxis) throws {
    let subject = MambaBlockCase(
      batch: 2, bands: 3, frames: 4, axis: axis,
      sizes: MambaSizesUnderTest(features: 5, states: 3, taps: 3, expansion: 1),
      directions: ["fwd", "bwd"])
    try expectMatchesReference(subject, seed: 2, everyElement: true)
  }
}
