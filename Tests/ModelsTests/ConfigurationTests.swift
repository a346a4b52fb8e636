import Files
import Foundation
import Models
import Tensor
import Testing

/// A valid configuration on one line, which tests break.
private let valid =
  #"{"name": "mine", "title": "My own", "bins": 9, "bands": [2, 3, 4], "features": 8, "#
  + #""layers": 2, "trunk": {"kind": "bimamba", "paths": ["intra", "cross"], "#
  + #""mamba": {"d_state": 4, "d_conv": 4, "expand": 1}}, "#
  + #""decoder": {"expansion": [2, 3, 4], "mask_taps": 1}}"#

private func read(_ text: String) throws -> ModelConfiguration {
  try ModelConfiguration(parsing: Array(text.utf8), file: "mine.json")
}

struct ConfigurationTests {
  @Test func readsEveryValue() throws {
    let configuration = try read(valid)
    #expect(configuration.name == "mine")
    #expect(configuration.title == "My own")
    #expect(configuration.published == nil)
    #expect(configuration.bands == [2, 3, 4])
    #expect(configuration.bins == 9)
    #expect(configuration.features == 8)
    #expect(configuration.layers == 2)
    #expect(configuration.decoder == MaskDecoderConfiguration(expansions: [2, 3, 4], maskTaps: 1))
    let trunk = try #require(configuration.trunk as? BiMambaTrunkConfiguration)
    #expect(trunk.paths == [.time, .band])
    #expect(trunk.mamba == MambaConfiguration(stateSize: 4, convolutionTaps: 4, expansion: 1))
  }

  @Test func binsAreTheSumUnlessGiven() throws {
    let text = valid.replacingOccurrences(of: #""bins": 9, "#, with: "")
    #expect(try read(text) == read(valid))
  }

  @Test func frontEndIsThatOfTheAblationsUnlessGiven() throws {
    let configuration = try read(valid)
    #expect(configuration.frontEnd == .standard)
    let standard = FrontEnd.standard
    #expect((standard.sampleRate, standard.fftLength, standard.hopSamples) == (16_000, 512, 128))
    #expect(standard.binCount == 257 && standard.frameCount(sampleCount: 32_000) == 251)
    // Files of earlier versions keep their bytes.
    #expect(!"\(configuration.json)".contains("front_end"))
  }

  @Test func frontEndIsPartOfTheArchitecture() throws {
    let text = valid.replacingOccurrences(
      of: #""bins": 9"#,
      with: #""front_end": {"sample_rate": 48000, "n_fft": 16, "hop": 8}, "bins": 9"#)
    let configuration = try read(text)
    let frontEnd = configuration.frontEnd
    #expect((frontEnd.sampleRate, frontEnd.fftLength, frontEnd.hopSamples) == (48_000, 16, 8))
    #expect(frontEnd.leastSampleCount == 9 && frontEnd.leastSeconds == 0.001)
    #expect(
      frontEnd.sampleCount(seconds: 2) == 96_000 && frontEnd.seconds(sampleCount: 480) == 0.01)
    #expect(!configuration.hasSameArchitecture(as: try read(valid)))
    let again = try ModelConfiguration(json: configuration.json, file: "again")
    #expect(again == configuration)
  }

  @Test func repeatsAreExpanded() throws {
    let text = valid.replacingOccurrences(
      of: "[2, 3, 4], \"features\"", with: "[2, \"3x1\", \"2x2\"], \"features\""
    )
    .replacingOccurrences(of: "\"expansion\": [2, 3, 4]", with: "\"expansion\": 3")
    let configuration = try read(text)
    #expect(configuration.bands == [2, 3, 2, 2])
    #expect(configuration.decoder.expansions == [3, 3, 3, 3])
  }

  private static let trunk =
    #""trunk": {"kind": "bimamba", "paths": ["intra", "cross"], "#
    + #""mamba": {"d_state": 4, "d_conv": 4, "expand": 1}}"#

  /// Broken configurations: text to replace, its replacement, and the key and a part of the message
  /// of the error.
  static let broken: [(String, String, String, String)] = [
    (trunk, #""trunk": {"kind": "lstm", "expand": 17}"#, "trunk.expand", "between 1 and 16"),
    (trunk, #""trunk": {"kind": "lstm"}"#, "trunk.expand", "missing"),
    (trunk, #""trunk": {"kind": "lstm", "expand": 2, "paths": []}"#, "trunk.paths", "kind, expand"),
    (#""layers": 2"#, #""layers": 2, "layer": 3"#, "layer", "unknown key"),
    (
      #""layers": 2"#, #""layers": 2, "front_end": {"rate": 8000}"#, "front_end.rate",
      "sample_rate, n_fft, hop"
    ),
    (
      #""layers": 2"#, #""layers": 2, "front_end": {"sample_rate": 7999}"#,
      "front_end.sample_rate", "between 8000 and 48000"
    ),
    (#""layers": 2"#, #""layers": 2, "front_end": {"n_fft": 321}"#, "front_end.n_fft", "even"),
    (
      #""layers": 2"#, #""layers": 2, "front_end": {"n_fft": 512, "hop": 257}"#, "front_end.hop",
      "at most half a window of 512"
    ),
    (
      #""layers": 2"#, #""layers": 2, "front_end": {"n_fft": 200}"#, "front_end.n_fft",
      "at least 256, twice the hop, which is 128 unless \"hop\" is given"
    ),
    (
      #""layers": 2"#, #""layers": 2, "front_end": {"n_fft": 512}"#, "bands",
      "must sum to the 257 bins of \"front_end\""
    ),
    (#""layers": 2"#, #""layers": 2, "front_end": 8000"#, "front_end", "an object"),
    (#""d_state": 4"#, #""dstate": 4"#, "trunk.mamba.dstate", "d_state, d_conv, expand"),
    (#""kind": "bimamba""#, #""kind": "bimamba", "dropout": 0"#, "trunk.dropout", "kind, paths"),
    (#""mask_taps": 1"#, #""mask_taps": 1, "taps": 1"#, "decoder.taps", "expansion, mask_taps"),
    (#""title": "My own", "#, "", "title", "missing"),
    (#""layers": 2, "#, "", "layers", "missing"),
    (#""kind": "bimamba", "#, "", "trunk.kind", "missing"),
    (#""d_conv": 4, "#, "", "trunk.mamba.d_conv", "missing"),
    (#""expansion": [2, 3, 4], "#, "", "decoder.expansion", "missing"),
    (#""name": "mine""#, #""name": 3"#, "name", "must be a string, not 3"),
    (#""name": "mine""#, #""name": """#, "name", "must not be empty"),
    (#""name": "mine""#, #""name": "a/b""#, "name", "a/b"),
    (#""name": "mine""#, #""name": "..""#, "name", "not begin with"),
    (#""title": "My own""#, #""title": """#, "title", "must not be empty"),
    (#""features": 8"#, #""features": "8""#, "features", "must be an integer, not \"8\""),
    (#""features": 8"#, #""features": 8.5"#, "features", "must be an integer, not 8.5"),
    (#""features": 8"#, #""features": true"#, "features", "must be an integer, not true"),
    (#""features": 8"#, #""features": null"#, "features", "must be an integer, not null"),
    (#""features": 8"#, #""features": 0"#, "features", "is 0, but must be between 1 and"),
    (#""features": 8"#, #""features": -8"#, "features", "is -8, but must be between 1 and"),
    (#""features": 8"#, #""features": 1000000000"#, "features", "must be between 1 and 8192"),
    (#""layers": 2"#, #""layers": 0"#, "layers", "is 0, but must be between 1 and"),
    (#""layers": 2"#, #""layers": 4.5"#, "layers", "must be an integer, not 4.5"),
    (#""layers": 2"#, #""layers": 99999999999999999999"#, "layers", "an integer, not 1e+20"),
    (
      #""bins": 9"#, #""bins": 257"#, "bands", "[2,3,4], but must sum to the 257 of \"bins\", not 9"
    ),
    (#""bands": [2, 3, 4]"#, #""bands": [2, 7, 0]"#, "bands", "and 0 is not"),
    (#""bands": [2, 3, 4]"#, #""bands": [2, 8, -1]"#, "bands", "and -1 is not"),
    (#""bands": [2, 3, 4]"#, #""bands": []"#, "bands", "must not be empty"),
    (#""bands": [2, 3, 4]"#, #""bands": 9"#, "bands", "must be a list, not 9"),
    (#""bands": [2, 3, 4]"#, #""bands": [2, 3, 4.5]"#, "bands", "repeats such as"),
    (#""bands": [2, 3, 4]"#, #""bands": ["9"]"#, "bands", "repeats such as"),
    (#""bands": [2, 3, 4]"#, #""bands": ["3x3x3"]"#, "bands", "repeats such as"),
    (#""bands": [2, 3, 4]"#, #""bands": ["9x0"]"#, "bands", "repeats must be positive"),
    (#""bands": [2, 3, 4]"#, #""bands": ["9x-1"]"#, "bands", "repeats must be positive"),
    (#""bands": [2, 3, 4]"#, #""bands": ["1x9223372036854775807"]"#, "bands", "no longer than"),
    (#""kind": "bimamba""#, #""kind": "transformer""#, "trunk.kind", "one of bimamba"),
    (#""kind": "bimamba""#, #""kind": 1"#, "trunk.kind", "one of bimamba"),
    (#"["intra", "cross"]"#, "[]", "trunk.paths", "\"intra\", \"cross\""),
    (#"["intra", "cross"]"#, #"["intra", "intra"]"#, "trunk.paths", "different paths"),
    (#"["intra", "cross"]"#, #"["time"]"#, "trunk.paths", "\"intra\", \"cross\""),
    (#"["intra", "cross"]"#, #""intra""#, "trunk.paths", "must be a list"),
    (#""d_state": 4"#, #""d_state": 0"#, "trunk.mamba.d_state", "is 0"),
    (#""d_conv": 4"#, #""d_conv": 0"#, "trunk.mamba.d_conv", "is 0"),
    (#""expand": 1"#, #""expand": 0"#, "trunk.mamba.expand", "is 0"),
    (#""mask_taps": 1"#, #""mask_taps": 2"#, "decoder.mask_taps", "is 2, but must be odd"),
    (#""mask_taps": 1"#, #""mask_taps": 0"#, "decoder.mask_taps", "is 0"),
    (#""mask_taps": 1"#, #""mask_taps": -1"#, "decoder.mask_taps", "is -1"),
    (#""expansion": [2, 3, 4]"#, #""expansion": [2, 3]"#, "decoder.expansion", "3 bands, not 2"),
    (#""expansion": [2, 3, 4]"#, #""expansion": [2, 3, 0]"#, "decoder.expansion", "and 0 is not"),
    (#""expansion": [2, 3, 4]"#, #""expansion": 0"#, "decoder.expansion", "is 0"),
    (#""expansion": [2, 3, 4]"#, #""expansion": "4""#, "decoder.expansion", "must be a list"),
    (
      #""layers": 2"#, #""layers": 2, "published": {"parameters": 0, "pesq": "3"}"#,
      "published.parameters", "is 0"
    ),
    (
      #""layers": 2"#, #""layers": 2, "published": {"parameters": 1}"#, "published.pesq",
      "missing"
    ),
    (#""layers": 2"#, #""layers": 2, "summary": 1"#, "summary", "must be a string"),
    (#"{"d_state": 4, "d_conv": 4, "expand": 1}"#, "16", "trunk.mamba", "an object"),
  ]

  @Test(arguments: broken)
  func everyFaultNamesFileKeyAndValue(
    text: String, replacement: String, key: String, message: String
  ) throws {
    #expect(valid.contains(text))
    let error = #expect(throws: ConfigurationError.self) {
      try read(valid.replacingOccurrences(of: text, with: replacement))
    }
    let description = try #require(error).description
    #expect(description.contains("mine.json"))
    #expect(description.contains("\"\(key)\""))
    #expect(description.contains(message), "\(description)")
    #expect(!description.hasSuffix("."))
  }

  /// Checks a unidirectional trunk, whose only settings are the sizes of its Mambas.
  @Test func unidirectionalTrunksAreReadAsStrictly() throws {
    let uni = valid.replacingOccurrences(
      of: #""bimamba", "paths": ["intra", "cross"]"#, with: #""unimamba""#)
    let configuration = try read(uni)
    #expect(
      configuration.trunk as? UniMambaTrunkConfiguration
        == UniMambaTrunkConfiguration(mamba: MambaConfiguration(stateSize: 4)))
    #expect(!configuration.hasSameArchitecture(as: try read(valid)))
    let other = uni.replacingOccurrences(of: #""d_state": 4"#, with: #""d_state": 12"#)
    #expect(!configuration.hasSameArchitecture(as: try read(other)))
    for (text, replacement, words) in [
      (#""unimamba""#, #""unimamba", "paths": ["intra"]"#, ["\"trunk.paths\"", "kind, mamba"]),
      (#""unimamba", "#, #""unimamba", "x": {}, "#, ["\"trunk.x\"", "unknown"]),
      (#""d_state": 4"#, #""d_state": 0"#, ["\"trunk.mamba.d_state\"", "is 0"]),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try read(uni.replacingOccurrences(of: text, with: replacement))
      }
      let description = try #require(error).description
      for word in words { #expect(description.contains(word), "\(description)") }
    }
  }

  @Test func brokenTextNamesItsPosition() {
    #expect(
      throws: ConfigurationError.notJSON(
        file: "mine.json",
        reason: "line 2, column 11: a value is expected: a number, a text in double quotes, true, "
          + "false or null")
    ) { try read("{\n  \"name\": ,\n}") }
    #expect(
      throws: ConfigurationError.notJSON(
        file: "mine.json", reason: "the number 1e400 is too large")
    ) { try read(valid.replacingOccurrences(of: #""layers": 2"#, with: #""layers": 1e400"#)) }
    #expect(
      throws: ConfigurationError.wrongType(
        file: "mine.json", key: "the document", value: "[]", expected: "an object { … }")
    ) { try read("[]") }
  }

  @Test func memberwiseInitialiserChecksAsWell() throws {
    func make(features: Int = 8, taps: Int = 3, states: Int = 4) throws -> ModelConfiguration {
      try ModelConfiguration(
        name: "tiny", title: "Tiny", bands: [2, 3], features: features, layers: 1,
        trunk: BiMambaTrunkConfiguration(
          paths: [.band], mamba: MambaConfiguration(stateSize: states)),
        decoder: MaskDecoderConfiguration(expansions: [2, 2], maskTaps: taps))
    }
    #expect(try make().bins == 5)
    #expect(throws: ConfigurationError.self) { try make(features: 0) }
    #expect(throws: ConfigurationError.self) { try make(taps: 4) }
    #expect(throws: ConfigurationError.self) { try make(states: 0) }
  }

  @Test func architectureIgnoresNamesAndTexts() throws {
    let base = try read(valid)
    let renamed = try read(valid.replacingOccurrences(of: "mine", with: "yours"))
    #expect(base != renamed)
    #expect(base.hasSameArchitecture(as: renamed))
    for (text, replacement) in [
      (#""d_state": 4"#, #""d_state": 5"#), (#", "cross""#, ""), (#""layers": 2"#, #""layers": 1"#),
      (#""features": 8"#, #""features": 9"#), (#""mask_taps": 1"#, #""mask_taps": 3"#),
    ] {
      let other = try read(valid.replacingOccurrences(of: text, with: replacement))
      #expect(!base.hasSameArchitecture(as: other), "\(replacement)")
    }
  }

  @Test(arguments: Preset.names) func codingKeepsEverything(preset: String) throws {
    let configuration = try Preset.load(preset)
    let again = try ModelConfiguration(
      parsing: Array(configuration.json.description.utf8), file: "again")
    #expect(again == configuration)
    let coded = try JSONDecoder().decode(
      [ModelConfiguration].self, from: JSONEncoder().encode([configuration]))
    #expect(coded == [configuration])
  }

  @Test func decodingInsideAnotherDocumentIsStrict() {
    let text = valid.replacingOccurrences(of: #""layers""#, with: #""layer""#)
    #expect(throws: ConfigurationError.self) {
      try JSONDecoder().decode([ModelConfiguration].self, from: Data("[\(text)]".utf8))
    }
  }
}
