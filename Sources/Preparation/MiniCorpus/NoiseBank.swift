import Audio
import Corpora
import Files
import Platform

/// The noises of the corpus: one minute of every kind, at 16 kHz.
struct NoiseBank: Sendable {
  static let sampleCount = 60 * CorpusSources.sampleRate
  /// Corner of the low-pass that half of the noises pass, in hertz.
  static let darkHertz = 120.0
  private let noises: [String: [Float]]

  /// Makes all kinds of noise; `voices` are those of the corpus, for babble and speech-shaped
  /// noise.
  init(
    sources: CorpusSources, voices: [(voice: Catalogue.Voice, utterances: [[Float]])], seed: UInt64
  ) throws {
    let speech = voices.map { (split: $0.voice.split, utterances: $0.utterances) }
    let made = try parallelMap(Catalogue.noises) { noise in
      var random = SplitMix64(seed: seed, label: "noise/\(noise.name)")
      return try Self.make(noise.origin, sources: sources, speech: speech, random: &random)
    }
    noises = Dictionary(uniqueKeysWithValues: zip(Catalogue.noises.map(\.name), made))
  }

  private static func make(
    _ origin: Catalogue.Origin, sources: CorpusSources,
    speech: [(split: CorpusSplit, utterances: [[Float]])], random: inout SplitMix64
  ) throws -> [Float] {
    switch origin {
    case .babble(let streams, let split):
      // The voices with the most speech are used, cyclically if there are fewer than streams.
      let voices = speech.filter { $0.split == split }.map(\.utterances)
        .sorted { $0.reduce(0) { $0 + $1.count } > $1.reduce(0) { $0 + $1.count } }
      return NoiseSynthesis.babble(
        sampleCount: sampleCount, voices: (0..<streams).map { voices[$0 % voices.count] },
        random: &random)
    case .synthetic(.speechShaped):
      let train = speech.filter { $0.split == .train }.flatMap(\.utterances)
      let sample = stride(from: 0, to: train.count, by: 8).map { train[$0] }
      return NoiseSynthesis.shaped(
        sampleCount: sampleCount, power: try NoiseSynthesis.longTermSpectrum(of: sample),
        random: &random)
    case .synthetic(.pink):
      return NoiseSynthesis.coloured(sampleCount: sampleCount, exponent: 1, random: &random)
    case .synthetic(.brown):
      return NoiseSynthesis.coloured(sampleCount: sampleCount, exponent: 2, random: &random)
    case .synthetic(.hum): return NoiseSynthesis.hum(sampleCount: sampleCount, random: &random)
    case .synthetic(.fan): return NoiseSynthesis.fan(sampleCount: sampleCount, random: &random)
    case .keyboard(let even):
      let keys = try sources.keys(even: even, package: "bucklespring-data")
      return NoiseSynthesis.typing(sampleCount: sampleCount, keys: keys, random: &random)
    case .recording(let package, let path, let second):
      let recording = try sources.recording(package: package, path: path)
        .dropFirst(Int(second * Double(CorpusSources.sampleRate)))
      return NoiseSynthesis.repeated(Array(recording), sampleCount: sampleCount)
    }
  }

  /// A random piece of `sampleCount` samples of a noise. A piece more than 20 dB below the noise's
  /// own level (a pause) is drawn again, because amplification to the planned ratio would make
  /// another noise of it.
  func piece(
    of name: String, sampleCount: Int, lowPass: Bool, random: inout SplitMix64
  ) -> [Float] {
    guard let noise = noises[name] else { preconditionFailure("NoiseBank: no noise \(name)") }
    let least = meanSquare(noise) / 100
    var piece = noise[0..<0]
    for _ in 0..<20 {
      let start = random.below(noise.count - sampleCount + 1)
      piece = noise[start..<start + sampleCount]
      if meanSquare(piece) >= least { break }
    }
    let samples = Array(piece)
    if !lowPass { return samples }
    return onePoleLowPassed(
      samples, cutoffHertz: Self.darkHertz, sampleRate: CorpusSources.sampleRate)
  }
}
