import Testing

/// The band split against the three witnesses.
struct BandSplitTests {
  @Test(arguments: ["bandsplit_tiny", "bandsplit_full30", "bandsplit_full31"])
  func matchesGolden(name: String) throws {
    let file = try golden(name)
    let shape = try #require(file.tensors["in.X"]).shape
    let subject = BandSplitCase(
      batch: shape[0], frames: shape[2], widths: try file.integers("bands"),
      features: try file.integer("N"))
    try expectMatchesGolden(subject, file)
  }

  /// Bands narrower and wider than a vector of 16, and just as wide.
  static let awkward: [BandSplitCase] = {
    let widths = [[1], [3], [8], [19], [1, 3, 8, 19], [8, 1], [2, 16, 5]]
    let frames = [1, 2, 3, 31, 251]
    let features = [5, 8, 16, 24, 128]
    let batches = [1, 3]
    return allPairs([widths.count, frames.count, features.count, batches.count]).map { row in
      BandSplitCase(
        batch: batches[row[3]], frames: frames[row[1]], widths: widths[row[0]],
        features: features[row[2]])
    }
  }()

  @Test(arguments: awkward) func matchesReference(subject: BandSplitCase) throws {
    // The gradient through the normalisation of a single bin is terms of about one that cancel.
    try expectMatchesReference(subject, floor: 1e-7)
  }

  /// Small enough to differentiate by every element.
  @Test func everyGradient() throws {
    let subject = BandSplitCase(batch: 2, frames: 3, widths: [1, 3, 9], features: 5)
    try expectMatchesReference(subject, seed: 2, everyElement: true)
  }
}
