import Testing

/// The mask decoder against the three witnesses.
struct MaskDecoderTests {
  @Test(arguments: ["decoder_uniform_tap3", "decoder_adaptive_tap1", "decoder_e2_tap3"])
  func matchesGolden(name: String) throws {
    let file = try golden(name)
    let shape = try #require(file.tensors["in.X"]).shape
    let subject = MaskDecoderCase(
      batch: shape[0], frames: shape[2], widths: try file.integers("bands"),
      expansions: try file.integers("e"), features: try file.integer("N"),
      taps: try file.integer("taps"))
    try expectMatchesGolden(subject, file)
  }

  /// Any two of these values meet in some case; with 5 taps some utterances are shorter than the
  /// mask.
  static let awkward: [MaskDecoderCase] = {
    let bands: [(widths: [Int], expansions: [Int])] = [
      ([1], [4]), ([3], [1]), ([8], [2]), ([19], [3]),
      ([1, 3, 8, 19], [2, 3, 4, 1]), ([8, 1], [3, 2]),
    ]
    let frames = [1, 2, 3, 31, 251]
    let features = [5, 8, 16, 24]
    let taps = [1, 3, 5]
    let batches = [1, 3]
    let counts = [bands.count, frames.count, features.count, taps.count, batches.count]
    return allPairs(counts).map { row in
      MaskDecoderCase(
        batch: batches[row[4]], frames: frames[row[1]], widths: bands[row[0]].widths,
        expansions: bands[row[0]].expansions, features: features[row[2]], taps: taps[row[3]])
    }
  }()

  @Test(arguments: awkward) func matchesReference(subject: MaskDecoderCase) throws {
    try expectMatchesReference(subject)
  }

  /// The published width, with both published kinds of bands.
  @Test func publishedWidth() throws {
    try expectMatchesReference(
      MaskDecoderCase(
        batch: 1, frames: 20, widths: [2, 8, 18], expansions: [2, 3, 4], features: 128, taps: 1))
  }

  /// Small enough to differentiate by every element.
  @Test(arguments: [1, 3, 5]) func everyGradient(taps: Int) throws {
    let subject = MaskDecoderCase(
      batch: 2, frames: 3, widths: [1, 3], expansions: [2, 1], features: 3, taps: taps)
    try expectMatchesReference(subject, seed: 2, everyElement: true)
  }
}
