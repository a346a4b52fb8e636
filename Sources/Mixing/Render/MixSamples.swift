/// A channel of an audio file.
package enum MixChannel: Hashable, Sendable {
  /// The mean of all channels.
  case mean
  /// The channel with this number, from 0.
  case index(Int)
}

/// Samples of the files of a mix, at the training rate.
///
/// Only the pieces that an item needs are asked for, so a file may be longer than the memory.
package protocol MixSamples {
  /// Reasons for which a file cannot be read.
  associatedtype Failure: Error

  /// Writes the samples of `file` from `start` on into `samples`, as many as those are; all of them
  /// are within the file's length of the inventory.
  func read(
    _ file: MixFile, channel: MixChannel, from start: Int,
    into samples: UnsafeMutableBufferPointer<Double>
  ) throws(Failure)
}

/// Facts about a crop that are known only once its samples are.
package struct MixFindings: Codable, Equatable, Sendable {
  /// A noise that was added.
  package struct Noise: Codable, Equatable, Sendable {
    /// Number of the attempt that was taken, from 0; nil if all were silent and nothing was added.
    package var attempt: Int?
    /// Factor of the noise's samples.
    package var gain: Double
  }

  /// First sample of the crop in the utterance.
  package var start = 0
  /// Number of the start that was taken, from 0; nil if all were silent, so that the crop is around
  /// the utterance's largest sample.
  package var attempt: Int?
  /// Place of the direct sound in the room response; nil without a room.
  package var peak: Int?
  /// Whether the room response was all zeros, so that the crop has no room.
  package var isRoomSilent = false
  /// Mean square of the active frames of the reverberant speech.
  package var speechPower = 0.0
  /// The noises, in the order of the draw.
  package var noises: [Noise] = []
  /// Factor of mixture and target that gave the level; nil without a level.
  package var level: Double?
  /// Factor of mixture and target that kept the peak limit; nil if they were within it.
  package var peakGain: Double?

  private enum CodingKeys: String, CodingKey {
    case start, attempt, peak, noises, level
    case isRoomSilent = "silent_room"
    case speechPower = "speech_power"
    case peakGain = "peak_gain"
  }

  /// Whether every start gave silence.
  package var isLastResort: Bool { attempt == nil }
  /// Number of noises that were left out since every attempt was silent.
  package var silentNoises: Int { noises.count { $0.attempt == nil } }
}

/// A crop of a mix.
package struct RenderedItem: Equatable, Sendable {
  /// Samples that the network hears.
  package var noisy: [Float]
  /// Samples that the network should estimate.
  package var target: [Float]
  package var found: MixFindings
}

/// Rules for utterances that are shorter than a crop.
package enum ShortSpeech: String, CaseIterable, Sendable {
  /// Repeated from their start.
  case repeated = "repeat"
  /// Followed by zeros.
  case padded = "pad"
}
