import Files
import Mixing

/// Files of a mix in memory, channel by channel.
struct MemorySamples: MixSamples {
  var files: [MixFile: [[Double]]] = [:]

  func read(
    _ file: MixFile, channel: MixChannel, from start: Int,
    into samples: UnsafeMutableBufferPointer<Double>
  ) {
    let channels = files[file] ?? []
    precondition(
      start >= 0 && start + samples.count <= channels.first?.count ?? 0,
      "\(samples.count) samples from \(start) on of \(file)")
    for index in samples.indices {
      switch channel {
      case .index(let channel): samples[index] = channels[channel][start + index]
      case .mean:
        samples[index] =
          channels.reduce(0) { $0 + $1[start + index] } / Double(channels.count)
      }
    }
  }

  /// The samples of a channel, as `read` gives them.
  func samples(of file: MixFile, channel: MixChannel) -> [Double] {
    var samples = [Double](repeating: 0, count: files[file]?.first?.count ?? 0)
    samples.withUnsafeMutableBufferPointer { read(file, channel: channel, from: 0, into: $0) }
    return samples
  }

  /// Lengths and channels of the files, which must be numbered without gaps.
  var inventory: MixInventory {
    func sources(_ part: MixPart) -> [[MixInventory.File]] {
      let own = files.filter { $0.key.part == part }
      let count = (own.keys.map(\.source).max() ?? -1) + 1
      return (0..<count).map { source in
        own.filter { $0.key.source == source }.sorted { $0.key.file < $1.key.file }.map {
          MixInventory.File(samples: $0.value[0].count, channels: $0.value.count)
        }
      }
    }
    return MixInventory(
      speech: sources(.speech), noise: sources(.noise), reverberation: sources(.reverberation))
  }
}

/// Random samples between −level and level.
func noise(_ count: Int, seed: UInt64, level: Double = 0.5) -> [Double] {
  var random = SplitMix64(seed: seed)
  return (0..<count).map { _ in level * (2 * random.uniform() - 1) }
}

/// A room response: silence, a peak, and a decay of `count` samples in all.
func response(_ count: Int, peak: Int, seed: UInt64, sign: Double = 1) -> [Double] {
  var samples = noise(count, seed: seed, level: 0.6).enumerated().map { index, sample in
    index < peak ? 0.05 * sample : sample * 0.999.squareRoot().power(index - peak)
  }
  samples[peak] = sign
  return samples
}

extension Double {
  fileprivate func power(_ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { result, _ in result * self }
  }
}

/// The description in a JSON text.
func description(_ text: String) throws -> MixDescription {
  try MixDescription(parsing: Array(text.utf8), file: "mix.json", folder: "/corpus")
}
