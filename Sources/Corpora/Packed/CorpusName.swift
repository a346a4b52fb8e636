/// Name of a corpus in papers.
package enum CorpusName {
  /// The corpus of the published figures.
  package static let voiceBank = "VoiceBank-DEMAND"

  /// The name of a corpus with these training utterances; nil if it is none that is known.
  ///
  /// VoiceBank-DEMAND's are named by speaker and sentence, as `p226_001`. The whole corpus has
  /// 11,572, of which some speakers are kept for validation.
  package static func of(_ training: UtteranceIndex) -> String? {
    let isWhole = (9_000...11_572).contains(training.count)
    guard isWhole, training.indices.allSatisfy({ isVoiceBank(training.name($0)) }) else {
      return nil
    }
    return voiceBank
  }

  /// Whether these are all utterances of VoiceBank-DEMAND's test set: 824 of the speakers p232 and
  /// p257.
  package static func isVoiceBankTest(_ names: [String]) -> Bool {
    names.count == 824
      && names.allSatisfy {
        isVoiceBank($0) && ["p232", "p257"].contains(CorpusLayout.Speakers.candidates($0)[0])
      }
  }

  private static func isVoiceBank(_ name: String) -> Bool {
    let parts = (name.split(separator: "/").last ?? "").split(separator: "_")
    return parts.count == 2 && parts[0].hasPrefix("p") && parts[0].count == 4
      && parts[0].dropFirst().allSatisfy(\.isNumber) && parts[1].count == 3
      && parts[1].allSatisfy(\.isNumber)
  }
}
