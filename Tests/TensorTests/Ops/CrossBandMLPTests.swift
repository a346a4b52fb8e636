import Testing

/// The MLP of `unimamba` against the three witnesses.
struct CrossBandMLPTests {
  @Test func matchesGolden() throws {
    let file = try golden("crossmlp")
    let shape = try #require(file.tensors["in.x"]).shape
    let subject = CrossBandMLPCase(
      batch: shape[0], bands: shape[1], frames: shape[2], features: shape[3])
    try expectMatchesGolden(subject, file)
  }

  /// Any two of these values meet in some case: less than a tile, several, a last one that is not
  /// full, and rows that are no whole vectors.
  static let awkward: [CrossBandMLPCase] = {
    let batches = [1, 3]
    let bands = [1, 3, 30]
    let frames = [1, 2, 3, 31, 251]
    let features = [5, 8, 16, 24, 33]
    return allPairs([batches.count, bands.count, frames.count, features.count]).map { row in
      CrossBandMLPCase(
        batch: batches[row[0]], bands: bands[row[1]], frames: frames[row[2]],
        features: features[row[3]])
    }
  }()

  @Test(arguments: awkward) func matchesReference(subject: CrossBandMLPCase) throws {
    try expectMatchesReference(subject)
  }

  @Test func publishedWidth() throws {
    try expectMatchesReference(CrossBandMLPCase(batch: 1, bands: 3, frames: 100, features: 128))
  }

  /// Small enough to differentiate by every element.
  @Test func everyGradient() throws {
    let subject = CrossBandMLPCase(batch: 2, bands: 2, frames: 3, features: 5)
    try expectMatchesReference(subject, seed: 2, everyElement: true)
  }
}
