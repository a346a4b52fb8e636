import Audio
import Corpora
import Files
import Foundation
import Metrics

/// The speaker and the signal-to-noise ratio of an utterance.
package struct UtteranceFacts {
  /// Name of the speaker, if known.
  var speaker: String?
  /// Signal-to-noise ratio in dB, if known.
  var decibels: Double?

  /// The speaker in a name such as `p226_001` or `nicolas_0012`, which consists of a speaker and a
  /// number; otherwise the folder that the utterance is in.
  static func speaker(of path: String) -> String? {
    let parts = path.split(separator: "/").map(String.init)
    let name = parts.last ?? ""
    return speaker(in: name) ?? (parts.count > 1 ? parts[parts.count - 2] : nil)
  }

  private static func speaker(in name: String) -> String? {
    guard let cut = name.lastIndex(of: "_") else { return nil }
    let number = name[name.index(after: cut)...]
    let isNumber = (3...4).contains(number.count) && number.allSatisfy { $0.isASCII && $0.isNumber }
    return isNumber && cut > name.startIndex ? String(name[..<cut]) : nil
  }

  /// Ratio of the level of active speech to that of the added noise, in dB; nil for silence.
  static func decibels(clean: [Float], noisy: [Float]) -> Double? {
    let speech = SpeechLevel.activePower(clean)
    let noise = meanSquare(zip(noisy, clean).map { $0 - $1 })
    return speech > 0 && noise > 0 ? 10 * log10(speech / noise) : nil
  }

  /// Facts about the utterances of a split by name, from the list of a mini corpus; nil if the
  /// folder has no such list.
  static func listed(folder: String, split: CorpusSplit) -> [String: UtteranceFacts]? {
    guard let data = try? FileContents.read(URL(fileURLWithPath: "\(folder)/mixtures.csv")) else {
      return nil
    }
    let rows = CSVLine.rows(String(decoding: data, as: UTF8.self))
    guard let header = rows.first?.fields,
      let splits = header.firstIndex(of: "split"), let names = header.firstIndex(of: "name"),
      let speakers = header.firstIndex(of: "speaker"), let ratios = header.firstIndex(of: "snr_db")
    else { return nil }
    var facts: [String: UtteranceFacts] = [:]
    for row in rows.dropFirst() {
      guard let fields = row.fields, fields.count == header.count,
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
  /// A group of utterances.
  struct Group {
    let name: String
    /// Mean gain of each run; nil for a run without utterances in the group.
    let gains: [Estimate?]
  }

  let groups: [Group]

  /// Groups the utterances by their `key`, without utterances whose key is nil. `order` sorts the
  /// groups.
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
