import Corpora

extension Catalogue {
  /// All voices, with the share of each in the small corpus. The voices of the game Fish Fillets
  /// and of the telephone prompts speak whole sentences; klettres and ktuberling hold single words.
  static let voices: [Voice] =
    [
      telephone(
        "allison", "f", .train, [("en", "en_US_f_Allison"), ("es", "es_MX_f_Allison")], .minutes(30)
      ),
      telephone("ivrvoice", "f", .train, [("ru", "ru_RU_f_IvrvoiceRU")], .minutes(18)),
      fish("cs-m", "f", .train, infix: "-m-", .minutes(18)),
      fish("cs-v", "m", .valid, infix: "-v-", .utterances(28, atMostSeconds: 8)),
      telephone("june", "f", .test, [("fr", "fr_CA_f_June")], .utterances(20, atMostSeconds: 8)),
      telephone("carlo", "m", .test, [("it", "it_IT_m_Carlo")], .utterances(20, atMostSeconds: 8)),
    ]
    + ["da", "de", "en", "en_GB", "ml", "nds", "nl", "pt_BR", "uk"].map {
      klettres($0, .train, .minutes($0 == "ml" ? 12 : 5))
    }
    + [klettres("lt", .valid, .utterances(12, atMostSeconds: 8))]
    + ["ca", "da", "lt", "nn"].map { ktuberling($0, .train) }
    + [ktuberling("uk", .valid)]

  /// Files among the telephone prompts that hold no speech.
  static let soundsThatAreNoSpeech: Set<String> = [
    "beep", "beeperr", "ascending-2tone", "descending-2tone", "confbridge-join",
    "confbridge-leave", "tt-monkeys",
  ]
  /// Folders among the telephone prompts that hold no speech.
  static let foldersWithoutSpeech: Set<String> = ["silence"]

  private static func telephone(
    _ name: String, _ sex: String, _ split: CorpusSplit,
    _ folders: [(language: String, name: String)], _ share: Share
  ) -> Voice {
    let sources = folders.map {
      Source(
        package: "asterisk-core-sounds-\($0.language)-g722",
        folder: "usr/share/asterisk/sounds/\($0.name)", language: $0.language,
        onlyFull: $0.language == "es")
    }
    return Voice(name: name, sex: sex, split: split, sources: sources, share: share)
  }

  private static func fish(
    _ name: String, _ sex: String, _ split: CorpusSplit, infix: String, _ share: Share
  ) -> Voice {
    let source = Source(
      package: "fillets-ng-data-cs", folder: "usr/share/games/fillets-ng/sound", language: "cs",
      infix: infix)
    return Voice(name: name, sex: sex, split: split, sources: [source], share: share)
  }

  private static func klettres(
    _ language: String, _ split: CorpusSplit, _ share: Share
  ) -> Voice {
    words("kle", language, split, "klettres-data", "usr/share/klettres", share)
  }

  private static func ktuberling(_ language: String, _ split: CorpusSplit) -> Voice {
    words("ktu", language, split, "ktuberling-data", "usr/share/ktuberling/sounds", nil)
  }

  private static func words(
    _ prefix: String, _ language: String, _ split: CorpusSplit, _ package: String,
    _ folder: String, _ share: Share?
  ) -> Voice {
    let code = language.replacing("_", with: "-")
    let source = Source(package: package, folder: "\(folder)/\(language)", language: code)
    return Voice(
      name: "\(prefix)-\(code)", sex: "?", split: split, sources: [source], share: share)
  }
}
