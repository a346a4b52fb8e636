import Files
import Foundation
import Mixing
import TestSupport
import Testing

/// Descriptions of mixes: what they say, and what is refused.
@Suite struct MixDescriptionTests {
  private static let full = """
    {"speech": {"sources": ["clean", "/data/more", "~/own", {"path": "../list.txt"}],
                "channel": "mean"},
     "items": 6,
     "noise": {"sources": [{"path": "noise", "weight": 0.95},
                           {"path": "wind", "weight": 0.05, "snr_db": [-10, 15]}],
               "channel": "random", "probability": 0.9, "snr_db": [-3, 12.5],
               "second": {"probability": 0.3, "snr_db": [0, 25]}},
     "reverberation": {"sources": ["rooms"], "channel": "random", "probability": 0.25,
                       "target": "dry", "early_ms": 40, "longest_ms": 900},
     "distortions": {"counts": [0.25, 0.4, 0.2, 0.15],
       "kinds": [{"kind": "packet_loss", "packet_ms": 10, "rate": [0, 0.5], "longest_burst": 3},
                 {"kind": "band_limit", "weight": 2, "rates_hz": [4000], "rolloff": [0.5, 1],
                  "zero_crossings": 16},
                 {"kind": "clipping", "min_quantile": [0, 0.2], "max_quantile": [0.7, 0.9]}]},
     "level": {"rms_db": [-35, -15]}, "peak_limit": 0.5}
    """

  @Test func everyKeyIsRead() throws {
    let mix = try description(Self.full)
    #expect(
      mix.speech.sources.map(\.origin) == [
        .path("/corpus/clean"), .path("/data/more"), .path(NSHomeDirectory() + "/own"),
        .path("/corpus/../list.txt"),
      ])
    #expect(mix.speech.channel == .mean && mix.items == 6 && mix.peakLimit == 0.5)
    let noise = try #require(mix.noise)
    #expect(noise.sources[0] == MixSource(.path("/corpus/noise"), weight: 0.95))
    #expect(
      noise.sources[1] == MixSource(.path("/corpus/wind"), weight: 0.05, decibels: -10...15))
    #expect(noise.channel == .random && noise.probability == 0.9 && noise.decibels == -3...12.5)
    #expect(noise.second == .init(probability: 0.3, decibels: 0...25))
    let rooms = try #require(mix.reverberation)
    #expect(rooms.channel == .random && rooms.probability == 0.25 && rooms.target == .dry)
    #expect(rooms.earlyMilliseconds == 40 && rooms.longestMilliseconds == 900)
    #expect(mix.distortionCounts == [0.25, 0.4, 0.2, 0.15] && mix.level == -35 ... -15)
    var loss = MixDistortion.PacketLoss()
    (loss.packetMilliseconds, loss.rate, loss.longestBurst) = (10, 0...0.5, 3)
    var limit = MixDistortion.BandLimit()
    (limit.sampleRates, limit.rolloff, limit.zeroCrossings) = ([4000], 0.5...1, 16)
    var clipping = MixDistortion.Clipping()
    (clipping.minimumQuantile, clipping.maximumQuantile) = (0...0.2, 0.7...0.9)
    #expect(
      mix.distortions == [
        .init(.packetLoss(loss)), .init(.bandLimit(limit), weight: 2), .init(.clipping(clipping)),
      ])
  }

  @Test func defaultsAreThoseOfTheContract() throws {
    let least = try description(#"{"speech": {"sources": ["clean"]}}"#)
    #expect(least.speech.channel == .first && least.items == nil && least.noise == nil)
    #expect(least.reverberation == nil && least.distortions.isEmpty && least.level == nil)
    #expect(least.distortionCounts == [1] && least.peakLimit == 0.98)
    let mix = try description(
      """
      {"speech": {"sources": ["s"]}, "noise": {"sources": ["n"], "second": {"probability": 1}},
       "reverberation": {"sources": ["r"]}, "distortions": {"kinds": [{"kind": "clipping"},
       {"kind": "band_limit"}, {"kind": "packet_loss"}]}}
      """)
    let noise = try #require(mix.noise)
    #expect(noise.channel == .first && noise.probability == 1 && noise.decibels == -5...20)
    #expect(noise.second?.decibels == -5...20 && noise.sources[0].weight == nil)
    let rooms = try #require(mix.reverberation)
    #expect(rooms.channel == .first && rooms.probability == 0.5 && rooms.target == .early)
    #expect(rooms.earlyMilliseconds == 50 && rooms.longestMilliseconds == 2000)
    #expect(mix.distortions.map(\.weight) == [1, 1, 1])
    let json = "\(mix.json)"
    for text in [
      #""min_quantile":[0,0.1]"#, #""max_quantile":[0.9,1]"#, #""rolloff":[0.85,0.98]"#,
      #""rates_hz":[8000,16000,22050,24000,32000,44100]"#, #""zero_crossings":32"#,
      #""packet_ms":20"#, #""rate":[0.05,0.25]"#, #""longest_burst":9"#,
    ] { #expect(json.contains(text), "\(text)") }
  }

  @Test func completeFormReadsBackAnywhere() throws {
    let mix = try description(Self.full)
    let again = try MixDescription(json: mix.json, file: "checkpoint", folder: "/elsewhere")
    #expect(again == mix && again.json == mix.json && again.digest == mix.digest)
    #expect(again.differences(from: mix).isEmpty)
  }

  @Test func equalMeaningIsNoDifference() throws {
    let mix = try description(#"{"speech": {"sources": ["s"]}, "noise": {"sources": ["n"]}}"#)
    let same = try MixDescription(
      parsing: Array(
        """
        {"peak_limit": 98e-2, "noise": {"snr_db": [-5.0, 2e1], "sources": [{"path": "/x/n"}]},
         "speech": {"channel": "first", "sources": ["elsewhere"]},
         "distortions": {"counts": [1.0]}}
        """.utf8), file: "m", folder: "/")
    #expect(same.digest == mix.digest && same.differences(from: mix).isEmpty)
  }

  @Test func differencesAreNamed() throws {
    let mix = try description(Self.full)
    let other = try description(
      Self.full.replacing("[-10, 15]", with: "[-10, 14]").replacing("0.95", with: "0.9")
        .replacing("[0.5, 1]", with: "[0.5, 0.9]").replacing(#""items": 6,"#, with: ""))
    let differences = other.differences(from: mix)
    #expect(
      differences.map(\.key) == [
        "distortions.kinds[1].rolloff", "items", "noise.sources[0].weight",
        "noise.sources[1].snr_db",
      ])
    #expect(differences[1].own == nil && differences[1].other == .integer(6))
    #expect(other.digest != mix.digest)
  }

  @Test(arguments: [
    ("{}", #"the key "speech" is missing"#), ("[]", "must be an object"),
    (#"{"speech": {"sources": []}}"#, #""speech.sources" is [], but there must be a source"#),
    (#"{"speech": {}}"#, #"the key "speech.sources" is missing"#),
    (#"{"speech": {"sources": "s"}}"#, "must be a list"),
    (#"{"speech": {"sources": [3]}}"#, #""speech.sources[0]" must be a path or an object"#),
    (#"{"speech": {"sources": [""]}}"#, "must not be empty"),
    (#"{"speech": {"sources": ["a\u0000b"]}}"#, "NUL character"),
    (#"{"speech": {"sources": [{}]}}"#, #"the key "speech.sources[0].path" is missing"#),
    (
      #"{"speech": {"sources": ["s", {"path": "t", "snr_db": [0, 1]}]}}"#,
      #"unknown key "speech.sources[1].snr_db"; allowed here are path, weight"#
    ),
    (#"{"speech": {"sources": [{"path": "t", "weight": 1}]}}"#, "equally often"),
    (#"{"speech": {"sources": ["s"], "channel": "random"}}"#, #"one of "first", "mean""#),
    (#"{"speech": {"sources": ["s"]}, "nois": {}}"#, #"did you mean "noise"?"#),
    (
      "{\"speech\": {\"sources\": [\"s\"],\n\"sources\": []}}",
      "given twice, the second time in line 2"
    ),
  ]) func speechIsRefused(text: String, part: String) {
    expectRefusal(text, part)
  }

  @Test(arguments: [
    (#""items": 0"#, "must be between 1 and"), (#""items": 2.5"#, "must be an integer"),
    (#""items": "6""#, "must be an integer"), (#""items": true"#, "must be an integer"),
    (#""noise": {}"#, #"the key "noise.sources" is missing"#),
    (#""noise": null"#, #""noise" must be an object { … }, not null"#),
    (#""noise": {"sources": []}"#, "there must be a source"),
    (
      #""noise": {"sources": ["n", {"path": "m", "weigth": 1}]}"#,
      #"unknown key "noise.sources[1].weigth"; allowed here are path, weight, snr_db"#
    ),
    (#""noise": {"sources": [{"path": "n", "weight": -1}]}"#, "must be between 0 and"),
    (#""noise": {"sources": [{"path": "n", "weight": 1e300}]}"#, "must be between 0 and"),
    (#""noise": {"sources": [{"path": "n", "weight": 0}]}"#, "above 0"),
    (#""noise": {"sources": ["n"], "snr_db": [5, -5]}"#, "must not be above the second"),
    (#""noise": {"sources": ["n"], "snr_db": [-61, 0]}"#, "between -60 and 100"),
    (#""noise": {"sources": ["n"], "snr_db": [0, 101]}"#, "between -60 and 100"),
    (#""noise": {"sources": ["n"], "snr_db": 5}"#, "must be a range [a, b]"),
    (#""noise": {"sources": ["n"], "snr_db": [1, 2, 3]}"#, "must be a range [a, b]"),
    (#""noise": {"sources": ["n"], "snr_db": [0, "1e-3"]}"#, "must be a range [a, b]"),
    (#""noise": {"sources": ["n"], "snr_db": [0, 1e400]}"#, "too large"),
    (#""noise": {"sources": ["n"], "snr_db": [0, NaN]}"#, "not valid JSON"),
    (#""noise": {"sources": ["n"], "probability": 1.1}"#, "must be between 0 and 1"),
    (#""noise": {"sources": ["n"], "second": {}}"#, #""noise.second.probability" is missing"#),
    (#""reverberation": {"sources": ["r"], "channel": "mean"}"#, "comb filter"),
    (#""reverberation": {"sources": ["r"], "target": "late"}"#, #"one of "early", "dry""#),
    (#""reverberation": {"sources": ["r"], "early_ms": 0}"#, "must be between 1 and"),
    (#""reverberation": {"sources": ["r"], "early_ms": 50.5}"#, "must be an integer"),
    (#""reverberation": {"sources": ["r"], "longest_ms": 20}"#, "must not be above"),
    (#""reverberation": {"sources": ["r"], "early_ms": 2001}"#, "must not be above"),
    (#""level": {}"#, #"the key "level.rms_db" is missing"#),
    (#""level": {"rms_db": [-20, 1]}"#, "between -200 and 0"),
    (#""peak_limit": 0"#, "must be above 0"), (#""peak_limit": 1.5"#, "at most 1"),
  ]) func partIsRefused(part: String, reason: String) {
    expectRefusal(#"{"speech": {"sources": ["s"]}, "# + part + "}", reason)
  }

  @Test(arguments: [
    (#""counts": []"#, "one weight must be above 0"), (#""counts": [0]"#, "must be above 0"),
    (#""counts": [1, 1]"#, "at most 1 weights"), (#""counts": 1"#, "must be a list of numbers"),
    (#""counts": [-1, 2], "kinds": [{"kind": "clipping"}]"#, "every weight must be between"),
    (
      #""counts": [0, 0, 1], "kinds": [{"kind": "clipping"}, {"kind": "band_limit", "weight": 0}]"#,
      "2 distortions must not have a weight: only 1 kind has one"
    ),
    (#""kinds": {}"#, "must be a list"), (#""kinds": ["clipping"]"#, "must be an object"),
    (#""kinds": [{}]"#, #"the key "distortions.kinds[0].kind" is missing"#),
    (#""kinds": [{"kind": "echo"}]"#, #"one of "clipping", "band_limit", "packet_loss""#),
    (#""kinds": [{"kind": "codec", "formats": ["mp3"]}]"#, "needs an encoder"),
    (#""kinds": [{"kind": "clipping"}, {"kind": "clipping"}]"#, "given once"),
    (#""kinds": [{"kind": "clipping", "weight": 0}]"#, "above 0"),
    (
      #""kinds": [{"kind": "clipping", "rate": [0, 1]}]"#,
      #"unknown key "distortions.kinds[0].rate"; allowed here are kind, weight, min_quantile"#
    ),
    (#""kinds": [{"kind": "clipping", "min_quantile": [0, 0.9]}]"#, "must end below"),
    (#""kinds": [{"kind": "clipping", "max_quantile": [0.1, 1]}]"#, "must end below"),
    (#""kinds": [{"kind": "clipping", "max_quantile": [0.9, 1.1]}]"#, "between 0 and 1"),
    (#""kinds": [{"kind": "band_limit", "rates_hz": []}]"#, "a list of integers"),
    (#""kinds": [{"kind": "band_limit", "rates_hz": [0]}]"#, "every rate must be between"),
    (#""kinds": [{"kind": "band_limit", "rolloff": [0, 0.5]}]"#, "must be above 0"),
    (#""kinds": [{"kind": "band_limit", "rolloff": [1e-300, 0.5]}]"#, "would last more than"),
    (#""kinds": [{"kind": "band_limit", "rates_hz": [1]}]"#, "would last more than"),
    (#""kinds": [{"kind": "band_limit", "zero_crossings": 0}]"#, "must be between 1 and"),
    (#""kinds": [{"kind": "packet_loss", "packet_ms": 0}]"#, "must be between 1 and"),
    (#""kinds": [{"kind": "packet_loss", "rate": [0, 1.5]}]"#, "between 0 and 1"),
    (#""kinds": [{"kind": "packet_loss", "longest_burst": 0}]"#, "must be between 1 and"),
  ]) func distortionIsRefused(part: String, reason: String) {
    expectRefusal(
      #"{"speech": {"sources": ["s"]}, "distortions": {"# + part + "}}", reason)
  }

  private func expectRefusal(_ text: String, _ reason: String) {
    do {
      _ = try description(text)
      Issue.record("\(text) was read")
    } catch {
      let sentence = "\(error)"
      #expect(sentence.hasPrefix("mix.json: ") && sentence.contains(reason), "\(sentence)")
      #expect(!sentence.contains("\n"))
    }
  }

  @Test func fileIsReadFromItsFolder() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array(#"{"speech": {"sources": ["s"]}}"#.utf8), "mix.json")
    let mix = try MixDescription.load(folder.file("mix.json"))
    #expect(mix.speech.sources[0].origin == .path(folder.file("s")))
    #expect(throws: ConfigurationError.self) { try MixDescription.load(folder.file("none.json")) }
    #expect(throws: ConfigurationError.self) { try MixDescription.load(folder.path) }
  }
}
