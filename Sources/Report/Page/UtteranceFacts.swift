import Corpora
import Files
import Foundation
import Metrics

/// Who speaks in an utterance, and how loud the noise is.
package struct UtteranceFacts {
  /// Speaker's name, where it is known.
  var speaker: String?
  /// Signal-to-noise ratio in dB, where it is known.
  var decibels: Double?

  /// Names such as `p226_001` and `nicolas_0012` are those of a speaker and a number.
  static func speaker(of name: String) -> String? {
    guard let cut = name.lastIndex(of: "_") else { return nil }
    let number = name[name.index(after: cut)...]
    let isNumber = (3...4).contains(number.count) && number.allSatisfy { $0.isASCII && $0.isNumber }
    return isNumber && cut > name.startIndex ? String(name[..<cut]) : nil
  }

  /// The level of active speech over that of what was added to it, in dB; nil for silence.
  static func decibels(clean: [Float], noisy: [Float]) -> Double? {
    let speech = SpeechLevel.activePower(clean)
    let noise = meanSquare(zip(noisy, clean).map { $0 - $1 })
    return speech > 0 && noise > 0 ? 10 * log10(speech / noise) : nil
  }

  /// What the list of a mini corpus says of the utterances of a split, by name; nil if the folder
  /// has no such list.
  static func listed(folder: String, split: CorpusSplit) -> [String: UtteranceFacts]? {
    guard let data = FileManager.default.contents(atPath: "\(folder)/mixtures.csv") else {
      return nil
    }
    let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    guard let header = lines.first.flatMap(CSVLine.fields),
      let splits = header.firstIndex(of: "split"), let names = header.firstIndex(of: "name"),
      let speakers = header.firstIndex(of: "speaker"), let ratios = header.firstIndex(of: "snr_db")
    else { return nil }
    var facts: [String: UtteranceFacts] = [:]
    for line in lines.dropFirst() {
      guard let fields = CSVLine.fields(line), fields.count == header.count,
        fields[splits] == split.rawValue
      else { continue }
      facts[fields[names]] = UtteranceFacts(
        speaker: fields[speakers], decibels: Double(fields[ratios]))
    }
    return facts
  }
}

/// Mean gains of runs over groups of utterances.
struct GainGroups {
  /// One group, in the order of the axis.
  struct Group {
    let name: String
    /// Mean gain of each run, nil where it has no utterance.
    let gains: [Estimate?]
  }

  let groups: [Group]

  /// Groups of the utterances by what `key` says of them; those of which it says nothing are left
  /// out. `order` sorts the groups.
  init<Key: Hashable>(
    _ runs: [ReportRun], by key: (String) -> Key?, order: (Key, Key) -> Bool,
    name: (Key) -> String
  ) {
    var gains: [Key: [[Double]]] = [:]
    for (index, run) in runs.enumerated() {
      for row in run.utterances?.rows ?? [] {
        guard let key = key(row.file) else { continue }
        gains[key, default: Array(repeating: [], count: runs.count)][index].append(row.gain)
      }
    }
    groups = gains.sorted { order($0.key, $1.key) }.map { key, lists in
      Group(name: name(key), gains: lists.map { Estimate($0) })
    }
  }
}
