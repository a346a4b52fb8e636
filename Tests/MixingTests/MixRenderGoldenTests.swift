import Files
import Foundation
import Mixing
import TestSupport
import Testing

/// Rendered crops against those of an independent implementation.
@Suite struct MixRenderGoldenTests {
  private struct Settings: Decodable {
    var sample_rate_hz: Int
    var length: Int
    var short: String
    var target: String
    var early_ms: Int
    var longest_ms: Int
    var peak_limit: Double
  }

  private struct Drawn: Decodable {
    struct Speech: Decodable { var starts: [Int] }
    struct Noise: Decodable {
      var start: Int
      var snr_db: Double
    }
    struct Room: Decodable {}

    var speech: Speech
    var noise: [[Noise]]
    var rir: Room?
    var distortions: [DrawnDistortion]
    var rms_db: Double?
  }

  private func decoded<Value: Decodable>(
    _ file: SafetensorsFile, _ key: String
  ) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(#require(file.metadata[key]).utf8))
  }

  @Test(arguments: [
    "all", "band_limit", "click", "clipping", "dry", "early", "level", "long_rir", "packet_loss",
    "padded", "plain", "repeated", "short_noise", "silent_noise", "silent_speech",
  ]) func crop(name: String) throws {
    let file = try SafetensorsFile(
      contentsOf: fixturesFolder.appending(path: "golden/mix_\(name).safetensors"))
    let settings: Settings = try decoded(file, "settings")
    let drawn: Drawn = try decoded(file, "drawn")
    let found: [String: Double] = try decoded(file, "found")
    func samples(_ name: String) throws -> [Double] {
      try #require(file.tensors[name]).floats().map(Double.init)
    }
    var source = MemorySamples()
    source.files[MixFile(.speech, source: 0, file: 0)] = [try samples("in.speech")]
    var mix = MixDescription(speech: .init(sources: [MixSource(.path("speech"))]))
    mix.peakLimit = settings.peak_limit
    if drawn.rir != nil {
      var rooms = MixDescription.Reverberation(sources: [MixSource(.path("rooms"))])
      rooms.target = settings.target == "dry" ? .dry : .early
      rooms.earlyMilliseconds = settings.early_ms
      rooms.longestMilliseconds = settings.longest_ms
      mix.reverberation = rooms
      source.files[MixFile(.reverberation, source: 0, file: 0)] = [try samples("in.rir")]
    }
    var noises: [[DrawnItem.Noise]] = []
    for (k, attempts) in drawn.noise.enumerated() {
      mix.noise = .init(sources: [MixSource(.path("noise"))])
      noises.append([])
      for (number, attempt) in attempts.enumerated() {
        source.files[MixFile(.noise, source: k, file: number)] = [
          try samples("in.noise.\(k).\(number)")
        ]
        noises[k].append(
          .init(
            source: k, file: number, channel: 0, start: attempt.start, decibels: attempt.snr_db))
      }
    }
    let item = DrawnItem(
      length: settings.length,
      speech: .init(utterance: 0, source: 0, file: 0, starts: drawn.speech.starts), noises: noises,
      room: drawn.rir.map { _ in .init(source: 0, file: 0, channel: 0) },
      distortions: drawn.distortions, level: drawn.rms_db)
    let renderer = MixRenderer(
      mix, inventory: source.inventory, sampleRate: settings.sample_rate_hz,
      short: try #require(ShortSpeech(rawValue: settings.short)))
    let result = renderer.render(item, from: source)
    for (own, key) in [(result.noisy, "out.noisy"), (result.target, "out.target")] {
      let expected = try #require(file.tensors[key]).floats()
      expectClose(own, expected, 1e-6, key)
    }
    #expect(result.found.start == found["start"].map { Int($0) })
    #expect(result.found.peak == found["peak"].map { Int($0) })
    func expectEqual(_ own: Double?, _ key: String) {
      #expect((own == nil) == (found[key] == nil), "\(key)")
      #expect(abs((own ?? 0) - (found[key] ?? 0)) <= 1e-9 * abs(found[key] ?? 0), "\(key)")
    }
    expectEqual(result.found.speechPower, "speech_power")
    for k in 0..<2 {
      let noise = k < noises.count ? result.found.noises[k] : nil
      expectEqual(noise?.attempt == nil ? nil : noise?.gain, "gain_\(k)")
    }
    expectEqual(result.found.level, "level")
    expectEqual(result.found.peakGain, "peak_gain")
    #expect(result.found.isLastResort == (name == "click"))
    #expect(result.found.silentNoises == (name == "silent_noise" ? 1 : 0))
  }

  @Test func batch() throws {
    let file = try SafetensorsFile(
      contentsOf: fixturesFolder.appending(path: "golden/mix_batch.safetensors"))
    func rows(_ name: String) throws -> [[Float]] {
      let tensor = try #require(file.tensors[name])
      let values = try tensor.floats()
      return (0..<tensor.shape[0]).map {
        Array(values[$0 * tensor.shape[1]..<($0 + 1) * tensor.shape[1]])
      }
    }
    let (clean, noisy) = (try rows("in.clean"), try rows("in.noisy"))
    let permutation = Remix.permutation(seed: 7, epoch: 2, batch: 5, count: 3)
    #expect(permutation == (try decoded(file, "permutation") as [Int]))
    let remixed = permutation.indices.map { index in
      Remix.noisy(
        clean: clean[index],
        noiseOf: (clean: clean[permutation[index]], noisy: noisy[permutation[index]]))
    }
    expectClose(
      Array(remixed.joined()), Array(try rows("out.remixed").joined()), 1e-6, "remixed")
    let mask = BandMask(seed: 7, epoch: 2, batch: 5, width: 0.2)
    #expect([mask.low, mask.high] == (try decoded(file, "edges") as [Int]))
    let removal = BandRemoval(sampleRate: 16000)
    for (own, key) in [(clean, "out.masked_clean"), (remixed, "out.masked_noisy")] {
      let masked = own.flatMap { removal.samples($0, without: mask) }
      expectClose(masked, Array(try rows(key).joined()), 1e-6, key)
    }
  }
}
