/// Everything that was drawn for one crop of a mix, in the form that manifests have.
package struct DrawnItem: Codable, Equatable, Sendable {
  /// The utterance and the starts of its crop that are tried in turn.
  package struct Speech: Codable, Equatable, Sendable {
    /// Number of the utterance among those of all sources, from 0.
    package var utterance: Int
    package var source: Int
    package var file: Int
    /// First samples of the crop in the utterance.
    package var starts: [Int]

    package init(utterance: Int, source: Int, file: Int, starts: [Int]) {
      self.utterance = utterance
      self.source = source
      self.file = file
      self.starts = starts
    }
  }

  /// One attempt at a noise.
  package struct Noise: Codable, Equatable, Sendable {
    package var source: Int
    package var file: Int
    /// Number of the channel, from 0; 0 for the mean of all.
    package var channel: Int
    /// First sample of the noise.
    package var start: Int
    /// Ratio of the active speech level to the level of the noise, in dB.
    package var decibels: Double

    package init(source: Int, file: Int, channel: Int, start: Int, decibels: Double) {
      self.source = source
      self.file = file
      self.channel = channel
      self.start = start
      self.decibels = decibels
    }

    private enum CodingKeys: String, CodingKey {
      case source, file, channel, start
      case decibels = "snr_db"
    }
  }

  /// A room response.
  package struct Room: Codable, Equatable, Sendable {
    package var source: Int
    package var file: Int
    /// Number of the channel, from 0.
    package var channel: Int

    package init(source: Int, file: Int, channel: Int) {
      self.source = source
      self.file = file
      self.channel = channel
    }
  }

  /// Number of samples of the crop.
  package var length: Int
  package var speech: Speech
  /// The noises with their attempts, of which the first that is not silent is taken.
  package var noises: [[Noise]]
  package var room: Room?
  /// The distortions in the order in which they are applied.
  package var distortions: [DrawnDistortion]
  /// Level of the mixture in dB, that of its root mean square.
  package var level: Double?

  package init(
    length: Int, speech: Speech, noises: [[Noise]] = [], room: Room? = nil,
    distortions: [DrawnDistortion] = [], level: Double? = nil
  ) {
    self.length = length
    self.speech = speech
    self.noises = noises
    self.room = room
    self.distortions = distortions
    self.level = level
  }

  private enum CodingKeys: String, CodingKey {
    case length, speech, distortions
    case noises = "noise"
    case room = "rir"
    case level = "rms_db"
  }
}
