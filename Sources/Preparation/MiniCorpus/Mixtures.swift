import Corpora
import Files

/// A mixture to be made. All mixtures are planned in advance, so that mixing may run in any order.
struct Mixture: Sendable {
  var split: CorpusSplit
  var speaker: String
  /// Name of the files, such as `speaker_0001`.
  var name: String
  var utterance: [Float]
  var noise: String
  var decibels: Double
  /// Whether the noise passes a low-pass first, as in rooms and vehicles.
  var lowPass: Bool
}

enum Mixtures {
  /// Signal-to-noise ratios of a split in dB; the test's lie between those of training.
  static func decibels(_ split: CorpusSplit) -> [Double] {
    split == .test ? [2.5, 7.5, 12.5, 17.5] : [0, 5, 10, 15]
  }

  /// Kinds of noise in a split.
  static func noises(_ split: CorpusSplit) -> [String] {
    Catalogue.noises.filter { $0.split == (split == .test ? .test : .train) }.map(\.name)
  }

  /// Draws `count` items of `choices` in random order, each equally often up to a difference of
  /// one.
  static func dealt<Item>(_ count: Int, of choices: [Item], random: inout SplitMix64) -> [Item] {
    var items: [Item] = []
    while items.count < count { items += random.shuffled(choices) }
    return Array(items.prefix(count))
  }

  /// The utterances of a voice that the small corpus takes, in their order: a random choice up to
  /// the voice's share.
  static func taken(
    _ utterances: [[Float]], share: Catalogue.Share, random: inout SplitMix64
  ) -> [[Float]] {
    let rate = Double(Utterances.sampleRate)
    var chosen: [Int] = []
    var seconds = 0.0
    for index in random.shuffled(Array(utterances.indices)) {
      let length = Double(utterances[index].count) / rate
      switch share {
      case .minutes(let minutes): if seconds + length > minutes * 60 { continue }
      case .utterances(let count, let limit):
        if chosen.count == count || length > limit { continue }
      }
      chosen.append(index)
      seconds += length
    }
    return chosen.sorted().map { utterances[$0] }
  }

  /// Plans the mixtures: noises, ratios and the low-pass are distributed over the utterances of
  /// every split, each value equally often and independently of the others.
  static func mixtures(
    voices: [(voice: Catalogue.Voice, utterances: [[Float]])], seed: UInt64
  ) -> [Mixture] {
    CorpusSplit.allCases.flatMap { split in
      let members = voices.filter { $0.voice.split == split }
      let count = members.reduce(0) { $0 + $1.utterances.count }
      var random = SplitMix64(seed: seed, label: "plan/\(split.rawValue)")
      let noises = dealt(count, of: noises(split), random: &random)
      let decibels = dealt(count, of: decibels(split), random: &random)
      let lowPass = dealt(count, of: [false, true], random: &random)
      let named = members.flatMap { member in
        member.utterances.enumerated().map { number, utterance in
          let digits = String(number + 1)
          let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
          return (member.voice.name, "\(member.voice.name)_\(padded)", utterance)
        }
      }
      return named.enumerated().map { i, item in
        Mixture(
          split: split, speaker: item.0, name: item.1, utterance: item.2, noise: noises[i],
          decibels: decibels[i], lowPass: lowPass[i])
      }
    }
  }
}
