import Files
import Mixing
import TestSupport
import Testing

/// Descriptions that were damaged at random, or by a slip of the pen: each is a mix that can be
/// drawn and rendered, or one sentence.
@Suite struct DamagedMixTests {
  private static let whole = """
    {"speech": {"sources": ["clean", {"path": "more"}], "channel": "mean"}, "items": 6,
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

  /// Reads a description and uses it.
  private func use(_ text: [UInt8]) throws(ConfigurationError) {
    let mix: MixDescription
    do throws(ConfigurationError) {
      mix = try MixDescription(parsing: text, file: "mix.json", folder: "/corpus")
    } catch {
      #expect("\(error)".hasPrefix("mix.json: "))
      throw error
    }
    var source = MemorySamples()
    let parts: [(MixPart, [MixSource])] = [
      (.speech, mix.speech.sources), (.noise, mix.noise?.sources ?? []),
      (.reverberation, mix.reverberation?.sources ?? []),
    ]
    for (part, sources) in parts {
      for number in sources.indices {
        source.files[MixFile(part, source: number, file: 0)] = [
          noise(500, seed: 1), noise(500, seed: 2),
        ]
      }
    }
    let draw = MixDraw(
      mix, inventory: source.inventory, seed: 1, sampleRate: 16_000, cropSamples: 400)
    let renderer = MixRenderer(
      mix, inventory: source.inventory, sampleRate: 16_000, short: .padded)
    for epoch in 0..<3 {
      let item = renderer.render(draw.item(epoch: epoch, index: 0), from: source)
      #expect((item.noisy + item.target).allSatisfy { abs($0) <= 1 })
    }
    #expect(
      (try? MixDescription(json: mix.json, file: "again", folder: "/")) == mix, "\(mix.json)")
  }

  @Test(arguments: [UInt64(17), 18, 19]) func bytesAreDamaged(seed: UInt64) {
    expectSentences(seed: seed, of: Array(Self.whole.utf8)) { try use($0) }
  }

  @Test func everyCutIsRefused() {
    let bytes = Array(Self.whole.utf8)
    for end in 0..<bytes.count {
      #expect(throws: ConfigurationError.self) { try use(Array(bytes[..<end])) }
    }
  }

  /// Every value of the description, replaced by values of other types and extreme numbers.
  @Test func everyValueIsReplaced() throws {
    let json = try JSONValue(parsing: Self.whole.utf8)
    let values: [JSONValue] = [
      .null, .bool(true), .string(""), .string("x"), .string("1e-3"), .array([]), .object([:]),
      .integer(0), .integer(-1), .integer(1), .integer(.max), .integer(.min), .number(0.5),
      .number(1e308), .number(-1e308), .number(1e-300), .array([.integer(0), .integer(1)]),
      .array([.number(1e308), .number(1e308)]), .array([.null]),
      .array(Array(repeating: .integer(1), count: 5000)),
    ]
    var tried = 0
    var refused = 0
    for path in paths(json) {
      for value in values {
        let text = Array("\(replacing(json, path[...], value))".utf8)
        tried += 1
        do {
          try use(text)
        } catch {
          refused += 1
          #expect("\(error)".count < 600 && !"\(error)".contains("\n"), "\(error)")
        }
      }
    }
    #expect(tried > 1000 && refused > tried / 2 && refused < tried)
  }

  private enum Step {
    case key(String)
    case place(Int)
  }

  private func paths(_ json: JSONValue) -> [[Step]] {
    var children: [(Step, JSONValue)] = []
    switch json {
    case .object(let members):
      children = members.sorted { $0.key < $1.key }.map { (.key($0.key), $0.value) }
    case .array(let items): children = items.enumerated().map { (.place($0), $1) }
    default: break
    }
    return [[]] + children.flatMap { step, child in paths(child).map { [step] + $0 } }
  }

  private func replacing(
    _ json: JSONValue, _ path: ArraySlice<Step>, _ value: JSONValue
  ) -> JSONValue {
    switch (json, path.first) {
    case (.object(var members), .key(let key)?):
      members[key] = members[key].map { replacing($0, path.dropFirst(), value) }
      return .object(members)
    case (.array(var items), .place(let place)?):
      items[place] = replacing(items[place], path.dropFirst(), value)
      return .array(items)
    default: return value
    }
  }
}
