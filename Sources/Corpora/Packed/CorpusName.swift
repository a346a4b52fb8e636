/// Name of a corpus in papers.
package enum CorpusName {
  /// The corpus of the published figures.
  package static let voiceBank = "VoiceBank-DEMAND"

  /// The name of a corpus with these training utterances; nil if it is none that is known.
  ///
  /// VoiceBank-DEMAND's are named by speaker and sentence, as `p226_001`. The whole corpus has
  /// 11,572, of which some speakers are kept for validation.
  package static func of(_ training: [UtterancePair]) -> String? {
    let isWhole = (9_000...11_572).contains(training.count)
    return isWhole && training.allSatisfy({ isVoiceBank($0.name) }) ? voiceBank : nil
  }

  /// Whether these are all utterances of VoiceBank-DEMAND's test set: 824 of the speakers p232 and
  /// p257.
  package static func isVoiceBankTest(_ names: [String]) -> Bool {
    names.count == 824
      && names.allSatisfy {
        isVoiceBank($0) && ($0.hasPrefix("p232_") || $0.hasPrefix("p257_"))
      }
  }

  private static func isVoiceBank(_ name: String) -> Bool {
    let parts = name.split(separator: "_")
    return parts.count == 2 && parts[0].hasPrefix("p") && parts[0].count == 4
      && parts[0].dropFirst().allSatisfy(\.isNumber) && parts[1].count == 3
      && parts[1].allSatisfy(\.isNumber)
  }
}
