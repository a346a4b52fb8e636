import Testing

/// One bare Mamba against reference vectors, a `Double` reference and its differences.
struct MambaTests {
  @Test(
    arguments: ["mamba_n24_s16", "mamba_n128_s16", "mamba_n24_s12_expand2", "mamba_n24_s16_L2"])
  func matchesGolden(name: String) throws {
    let file = try golden(name)
    let subject = MambaCase(
      sequences: try file.integer("M"), length: try file.integer("L"),
      sizes: MambaSizesUnderTest(
        features: try file.integer("N"), states: try file.integer("d_state"),
        taps: try file.integer("d_conv"), expansion: try file.integer("expand")),
      reversed: false)
    try expectMatchesGolden(subject, file)
  }

  /// Any two of these values meet in some case.
  static let awkward: [MambaCase] = {
    let lengths = [1, 2, 3, 30, 31, 251]
    let features = [5, 8, 16, 24, 128]
    let states = [12, 16, 1, 5]
    let taps = [1, 3, 4, 5]
    let expansions = [1, 2]
    let sequences = [1, 3]
    let counts = [
      lengths.count, features.count, states.count, taps.count, expansions.count, sequences.count, 2,
    ]
    return allPairs(counts).map { row in
      MambaCase(
        sequences: sequences[row[5]], length: lengths[row[0]],
        sizes: MambaSizesUnderTest(
          features: features[row[1]], states: states[row[2]], taps: taps[row[3]],
          expansion: expansions[row[4]]),
        reversed: row[6] == 1)
    }
  }()

  @Test(arguments: awkward) func matchesReference(subject: MambaCase) throws {
    try expectMatchesReference(subject)
  }

  /// Small enough to differentiate by every element.
  @Test(arguments: [false, true], [(5, 3, 4), (3, 5, 1), (9, 1, 3)])
  func everyGradient(reversed: Bool, size: (length: Int, states: Int, taps: Int)) throws {
    let subject = MambaCase(
      sequences: 2, length: size.length,
      sizes: MambaSizesUnderTest(
        features: 4, states: size.states, taps: size.taps, expansion: 2),
      reversed: reversed)
    try expectMatchesReference(subject, seed: 3, everyElement: true)
  }

  /// Steps of about 1e-4, the floor of their initialisation: 1 − e^−dt in the gradient of softplus
  /// must not cancel.
  @Test func smallSteps() throws {
    try expectMatchesReference(
      MambaCase(
        sequences: 1, length: 12,
        sizes: MambaSizesUnderTest(
          features: 5, states: 3, taps: 4, expansion: 1, deltaBias: -12 ... -10),
        reversed: false), seed: 4, everyElement: true)
  }
}
