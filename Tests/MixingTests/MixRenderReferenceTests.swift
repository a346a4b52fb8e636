import Files
import Mixing
import TestSupport
import Testing

/// Rendered crops against plain loops, over awkward sizes.
@Suite struct MixRenderReferenceTests {
  /// A corpus and a description in which every length is awkward.
  private struct Awkward {
    var mix: MixDescription
    var source = MemorySamples()
    let rate: Int
    let length: Int
    let short: ShortSpeech

    init(seed: UInt64) throws {
      var random = SplitMix64(seed: seed)
      func one<Item>(_ items: [Item]) -> Item { items[random.below(items.count)] }
      rate = one([8000, 11025, 16000, 22050, 44100, 48000])
      length = one([1, 2, 3, 17, 159, 160, 441, 1000])
      short = one(ShortSpeech.allCases)
      let target = one(["early", "dry"])
      let channel = one(["first", "mean", "random"])
      mix = try description(
        """
        {"speech": {"sources": ["s"], "channel": "\(one(["first", "mean"]))"},
         "noise": {"sources": ["n", {"path": "m", "snr_db": [-30, 60]}], "channel": "\(channel)",
                   "probability": \(one([1, 0.5])),
                   "second": {"probability": 0.5, "snr_db": [0, 3]}},
         "reverberation": {"sources": ["r"], "channel": "random", "probability": 0.8,
                           "target": "\(target)", "early_ms": \(one([1, 7])),
                           "longest_ms": \(one([7, 30]))},
         "distortions": {"counts": [1, 1, 2, 2],
           "kinds": [{"kind": "packet_loss", "packet_ms": \(one([1, 3, 7])), "rate": [0.2, 0.9],
                      "longest_burst": 3},
                     {"kind": "clipping"},
                     {"kind": "band_limit", "rates_hz": [4000, 8000, 16000],
                      "zero_crossings": \(one([1, 4, 32]))}]},
         "level": {"rms_db": \(one(["[-40, -20]", "[-3, 0]"]))}, "peak_limit": 0.9}
        """)
      if random.below(2) == 0 { mix.level = nil }
      for file in 0..<3 {
        let count = one([1, 2, length, length + 1, 3 * length + 5, max(1, length - 1)])
        source.files[MixFile(.speech, source: 0, file: file)] = (0..<2).map {
          noise(count, seed: seed &+ UInt64(10 * file + $0))
        }
      }
      for source in 0..<2 {
        for file in 0..<2 {
          let count = one([1, 2, length, length + 7, max(1, length - 1)])
          self.source.files[MixFile(.noise, source: source, file: file)] = (0..<2).map {
            noise(count, seed: seed &+ UInt64(100 + 20 * source + 4 * file + $0))
          }
        }
      }
      for file in 0..<2 {
        let count = one([1, 2, 40, length, 3 * length + 5])
        let peak = one([0, count / 2, count - 1])
        source.files[MixFile(.reverberation, source: 0, file: file)] = (0..<2).map {
          response(
            count, peak: peak, seed: seed &+ UInt64(200 + 4 * file + $0), sign: one([1, -1]))
        }
      }
    }
  }

  @Test(arguments: 0..<80) func awkwardSizes(seed: UInt64) throws {
    let awkward = try Awkward(seed: seed &* 7919)
    let draw = MixDraw(
      awkward.mix, inventory: awkward.source.inventory, seed: seed, sampleRate: awkward.rate,
      cropSamples: seed % 5 == 4 ? nil : awkward.length)
    let renderer = MixRenderer(
      awkward.mix, inventory: awkward.source.inventory, sampleRate: awkward.rate,
      short: awkward.short)
    let plain = PlainMix(
      description: awkward.mix, source: awkward.source, rate: awkward.rate, short: awkward.short)
    for index in 0..<3 {
      let item = draw.item(epoch: Int(seed % 3), index: index)
      let own = renderer.render(item, from: awkward.source)
      let expected = plain.render(item)
      expectClose(own.noisy, expected.noisy.map { Float($0) }, 1.5e-7, "noisy of \(item)")
      expectClose(own.target, expected.target.map { Float($0) }, 1.5e-7, "target of \(item)")
    }
  }

  /// A response whose direct sound comes late, longer than is read at once.
  @Test func longResponse() throws {
    var source = MemorySamples()
    source.files[MixFile(.speech, source: 0, file: 0)] = [noise(5000, seed: 1)]
    let length = (1 << 20) + 3000
    var late = [Double](repeating: 0, count: length)
    for index in late.indices { late[index] = 0.001 * Double(index % 7 - 3) }
    late[length - 2000] = -0.8
    late[length - 1500] = 0.3
    source.files[MixFile(.reverberation, source: 0, file: 0)] = [late]
    let mix = try description(
      #"{"speech": {"sources": ["s"]}, "reverberation": {"sources": ["r"], "probability": 1}}"#)
    let item = MixDraw(
      mix, inventory: source.inventory, seed: 3, sampleRate: 8000, cropSamples: 300
    ).item(epoch: 0, index: 0)
    let own = MixRenderer(mix, inventory: source.inventory, sampleRate: 8000, short: .padded)
      .render(item, from: source)
    #expect(own.found.peak == length - 2000)
    // Sums over a million samples, but of the speech's 5000 only.
    let speech = source.samples(of: MixFile(.speech, source: 0, file: 0), channel: .index(0))
    let expected = (0..<300).map { t in
      speech.indices.reduce(0.0) { sum, place in
        let j = own.found.start + t + length - 2000 - place
        return late.indices.contains(j) ? sum + late[j] / -0.8 * speech[place] : sum
      }
    }
    expectClose(own.noisy, expected.map { Float($0) }, 1.5e-7, "noisy")
  }
}
