/// Lengths and channels of the files of a mix, which are all that a draw needs to know of them.
///
/// Sources are in the order of the description, the files of a source sorted by path; those that
/// cannot be used are left out.
package struct MixInventory: Codable, Equatable, Sendable {
  /// An audio file.
  package struct File: Codable, Equatable, Sendable {
    /// Number of samples of a channel at the training rate.
    package var samples: Int
    package var channels: Int

    package init(samples: Int, channels: Int = 1) {
      self.samples = samples
      self.channels = channels
    }
  }

  package var speech: [[File]]
  package var noise: [[File]]
  package var reverberation: [[File]]

  package init(speech: [[File]], noise: [[File]] = [], reverberation: [[File]] = []) {
    self.speech = speech
    self.noise = noise
    self.reverberation = reverberation
  }

  /// Number of utterances of speech.
  package var utteranceCount: Int { speech.reduce(0) { $0 + $1.count } }

  /// The files of the sources of `part`.
  package func files(of part: MixPart) -> [[File]] {
    switch part {
    case .speech: speech
    case .noise: noise
    case .reverberation: reverberation
    }
  }

  /// Number of samples of a file at the training rate.
  package func samples(of file: MixFile) -> Int {
    files(of: file.part)[file.source][file.file].samples
  }

  /// Traps unless a mix of `description` can be drawn from these files: each has samples and a
  /// channel, there is an utterance, and no source of noise or room responses is empty.
  func checkFits(_ description: MixDescription) {
    let sources: [(part: MixPart, count: Int)] = [
      (.speech, description.speech.sources.count), (.noise, description.noise?.sources.count ?? 0),
      (.reverberation, description.reverberation?.sources.count ?? 0),
    ]
    for (part, count) in sources {
      let files = files(of: part)
      precondition(
        files.count == count || count == 0,
        "MixInventory: \(files.count) sources of \(part), "
          + "but the description has \(count)")
      precondition(
        files.joined().allSatisfy { $0.samples > 0 && $0.channels > 0 },
        "MixInventory: a file of \(part) is empty")
      precondition(
        part == .speech || count == 0 || files.allSatisfy { !$0.isEmpty },
        "MixInventory: a source of \(part) has no file")
    }
    precondition(utteranceCount > 0, "MixInventory: no speech")
  }
}

/// A file of a mix by its place in the inventory.
package struct MixFile: Hashable, Sendable {
  package var part: MixPart
  /// Number of the source, from 0.
  package var source: Int
  /// Number of the file in its source, from 0.
  package var file: Int

  package init(_ part: MixPart, source: Int, file: Int) {
    self.part = part
    self.source = source
    self.file = file
  }
}
