import Files

/// The description of a mix: where speech, noise and room responses lie, and how a crop is made of
/// them anew in each epoch.
///
/// Crop length, sampling rate and the rule for short utterances belong to the recipe and the
/// preset. A description that was read is valid: every number is finite and in its range.
package struct MixDescription: Equatable, Sendable {
  /// Speech and the channel of it.
  package struct Speech: Equatable, Sendable {
    /// Channels of a file that speech may be.
    package enum Channel: String, CaseIterable, Sendable {
      case first
      case mean
    }

    package var sources: [MixSource]
    package var channel = Channel.first

    package init(sources: [MixSource]) { self.sources = sources }
  }

  /// Noise that is added.
  package struct Noise: Equatable, Sendable {
    /// Channels of a file that noise may be.
    package enum Channel: String, CaseIterable, Sendable {
      case first
      case mean
      /// One channel, drawn anew for each attempt.
      case random
    }

    /// A second noise of the same sources.
    package struct Second: Equatable, Sendable {
      package var probability: Double
      /// Signal-to-noise ratios in dB.
      package var decibels: ClosedRange<Double>

      package init(probability: Double, decibels: ClosedRange<Double>) {
        self.probability = probability
        self.decibels = decibels
      }
    }

    package var sources: [MixSource]
    package var channel = Channel.first
    package var probability = 1.0
    /// Signal-to-noise ratios in dB, of sources that give none.
    package var decibels = -5.0...20.0
    package var second: Second?

    package init(sources: [MixSource]) { self.sources = sources }
  }

  /// Rooms that speech is heard in.
  package struct Reverberation: Equatable, Sendable {
    /// Channels of a file that a room response may be. The mean of several is a comb filter.
    package enum Channel: String, CaseIterable, Sendable {
      case first
      /// One channel, drawn anew for each crop.
      case random
    }

    /// Speech that the network learns to estimate.
    package enum Target: String, CaseIterable, Sendable {
      /// Direct sound and early reflections.
      case early
      /// Direct sound alone.
      case dry
    }

    package var sources: [MixSource]
    package var channel = Channel.first
    package var probability = 0.5
    package var target = Target.early
    /// End of the early reflections after the direct sound, in milliseconds.
    package var earlyMilliseconds = 50
    /// End of the response after the direct sound, in milliseconds.
    package var longestMilliseconds = 2000

    package init(sources: [MixSource]) { self.sources = sources }
  }

  package var speech: Speech
  /// Number of items of an epoch; nil for the number of utterances.
  package var items: Int?
  package var noise: Noise?
  package var reverberation: Reverberation?
  /// Weights of 0, 1, 2, … distortions of a crop.
  package var distortionCounts = [1.0]
  /// Distortions that are drawn from.
  package var distortions: [MixDistortion] = []
  /// Levels of the mixture in dB, those of its root mean square; nil leaves the level.
  package var level: ClosedRange<Double>?
  /// Largest magnitude of a sample of mixture and target.
  package var peakLimit = 0.98

  package init(speech: Speech) { self.speech = speech }
}

/// One source of speech, noise or room responses.
package struct MixSource: Equatable, Sendable {
  /// Where the files of a source come from.
  package enum Origin: Equatable, Sendable {
    /// A folder with its subfolders, an audio file, or a list of paths, one a line.
    case path(String)
  }

  package var origin: Origin
  /// Weight in the draw among the sources; nil for its number of files.
  package var weight: Double?
  /// Signal-to-noise ratios in dB, of noise only; nil for those of the description.
  package var decibels: ClosedRange<Double>?

  package init(
    _ origin: Origin, weight: Double? = nil, decibels: ClosedRange<Double>? = nil
  ) {
    self.origin = origin
    self.weight = weight
    self.decibels = decibels
  }
}

/// A kind of distortion with its settings and its weight in the draw among the kinds.
package struct MixDistortion: Equatable, Sendable {
  /// Names of the kinds, in descriptions and in the labels of their random numbers.
  package enum Name: String, CaseIterable, Sendable {
    case clipping
    case bandLimit = "band_limit"
    case packetLoss = "packet_loss"
  }

  /// Settings of a kind.
  package enum Kind: Equatable, Sendable {
    case clipping(Clipping)
    case bandLimit(BandLimit)
    case packetLoss(PacketLoss)
  }

  /// Limits of the samples, as quantiles of the mixture's samples.
  package struct Clipping: Equatable, Sendable {
    package var minimumQuantile = 0.0...0.1
    package var maximumQuantile = 0.9...1.0

    package init() {}
  }

  /// A low-pass as if the mixture had been sampled at a lower rate.
  package struct BandLimit: Equatable, Sendable {
    /// Sampling rates in hertz, of which those below the mixture's are drawn from.
    package var sampleRates = [8000, 16000, 22050, 24000, 32000, 44100]
    /// Cut-off frequencies, as parts of half the rate drawn.
    package var rolloff = 0.85...0.98
    /// Zero crossings of the filter on either side.
    package var zeroCrossings = 32

    package init() {}
  }

  /// Bursts of packets that are lost.
  package struct PacketLoss: Equatable, Sendable {
    package var packetMilliseconds = 20
    /// Parts of the packets that are lost.
    package var rate = 0.05...0.25
    /// Largest number of packets that are lost one after another.
    package var longestBurst = 9

    package init() {}
  }

  package var kind: Kind
  package var weight = 1.0

  package init(_ kind: Kind, weight: Double = 1) {
    self.kind = kind
    self.weight = weight
  }

  package var name: Name {
    switch kind {
    case .clipping: .clipping
    case .bandLimit: .bandLimit
    case .packetLoss: .packetLoss
    }
  }
}
