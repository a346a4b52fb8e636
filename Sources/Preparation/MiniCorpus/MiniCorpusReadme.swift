import Platform

/// The texts in the corpus's folder: README.md and mixtures.csv.
enum MiniCorpusReadme {
  static func text(manifest: MiniCorpusManifest, packages: [String]) -> String {
    let splits = manifest.splits.map { split in
      let decibels = split.utterancesByDecibels.keys.sorted {
        (Double($0) ?? 0) < (Double($1) ?? 0)
      }
      return "| \(split.split.rawValue) | \(split.speakers.joined(separator: ", ")) "
        + "| \(split.utteranceCount) | \(decimal(split.minutes)) "
        + "| \(decibels.joined(separator: ", ")) |"
    }
    let speakers = Set(manifest.splits.flatMap(\.speakers))
    let voices = Catalogue.voices.filter { speakers.contains($0.name) }.map { voice in
      let sources = voice.sources.filter { packages.contains($0.package) }
      let names = sources.map(\.package)
      return "| \(voice.name) | \(voice.sex) | \(sources.map(\.language).joined(separator: ", ")) "
        + "| \(names.joined(separator: ", ")) | \(licences(names)) |"
    }
    let noises = Catalogue.noises.map { noise in
      let source = noise.origin.package
      let use = noise.split == .test ? "test" : "train, valid"
      return "| \(noise.name) | \(use) | \(source ?? origin(noise.origin)) "
        + "| \(source.map { licences([$0]) } ?? "–") |"
    }
    let credits = Catalogue.packages.filter { packages.contains($0.name) }.map {
      "| \($0.name) | \($0.authors) | \($0.licence) |"
    }
    return """
      # Mini corpus

      Noisy speech and the clean speech in it, 16 kHz, mono, 16-bit FLAC, for trying out training
      without a download of a research corpus. `clean` and `noisy` hold files of the same names.
      `mixtures.csv` says what each mixture is made of; `manifest.json` holds sizes and checksums.
      Figures measured on it compare with each other, not with published ones.

      Made with `disttrain prepare minicorpus\(manifest.full ? " --full" : "")`, seed \
      \(manifest.seed), version \(manifest.version).

      | split | speakers | utterances | minutes | SNR, dB |
      |---|---|---|---|---|
      \(splits.joined(separator: "\n"))

      Prompts were decoded, resampled, freed of rumble below 60 Hz, trimmed and, when short, joined.
      The ratio is that of the active speech level (frames within 35 dB of the loudest) to the
      noise. In half of the mixtures the noise first passed a one-pole low-pass at 120 Hz. The
      kinds of noise in the test are not those in training.

      ## Voices

      | speaker | sex | language | package | licence |
      |---|---|---|---|---|
      \(voices.joined(separator: "\n"))

      One speaker for each language of klettres and ktuberling is an assumption.

      ## Noises

      | noise | used in | source | licence |
      |---|---|---|---|
      \(noises.joined(separator: "\n"))

      ## Sources and licences

      Each recording stays under the licence of its package, and so do the mixtures made of it; the
      packages' own statements are in `licences/`.

      | Debian package | authors | licence |
      |---|---|---|
      \(credits.joined(separator: "\n"))

      """
  }

  static func table(_ mixtures: [Mixture]) -> String {
    let rows = mixtures.map {
      "\($0.split.rawValue),\($0.name),\($0.speaker),\($0.noise),\($0.decibels),\($0.lowPass),"
        + "\(decimal(Double($0.utterance.count) / Double(Utterances.sampleRate)))"
    }
    return (["split,name,speaker,noise,snr_db,low_pass,seconds"] + rows)
      .joined(separator: "\n") + "\n"
  }

  private static func licences(_ packages: [String]) -> String {
    let names = packages.compactMap { name in Catalogue.packages.first { $0.name == name }?.licence
    }
    return Array(Set(names)).sorted().joined(separator: ", ")
  }

  private static func origin(_ origin: Catalogue.Origin) -> String {
    if case .babble(let streams, let split) = origin {
      return "\(NumberText.count(streams, "voice")) of \(split.rawValue) at once"
    }
    return "synthesised"
  }

  /// A number as text with two decimals.
  static func decimal(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}
