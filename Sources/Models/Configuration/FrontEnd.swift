import Files
import Platform

/// The front end of a model: sample rate of its signals, and window and hop of their short-time
/// spectra.
public struct FrontEnd: Sendable, Equatable {
  /// Sample rate of the signals, in hertz.
  public let sampleRate: Int
  /// Length of window and transform, in samples; even.
  public let fftLength: Int
  /// Hop from one frame to the next, in samples; at most half a window.
  public let hopSamples: Int

  /// The front end of the BS-BiMamba ablations: 16 kHz, a window of 512 samples, a hop of 128.
  ///
  /// A configuration without a front end has this one. It stays out of the JSON, so that files of
  /// earlier versions keep their bytes.
  public static let standard = FrontEnd(
    sampleRate: 16_000, fftLength: 512, hopSamples: 128)

  private init(sampleRate: Int, fftLength: Int, hopSamples: Int) {
    self.sampleRate = sampleRate
    self.fftLength = fftLength
    self.hopSamples = hopSamples
  }

  /// Number of one-sided bins of a frame.
  public var binCount: Int { fftLength / 2 + 1 }

  /// Number of samples that a signal needs for its edges to be reflected.
  public var leastSampleCount: Int { fftLength / 2 + 1 }

  /// Duration of `leastSampleCount` samples, in seconds, rounded up to milliseconds.
  public var leastSeconds: Double {
    (seconds(sampleCount: leastSampleCount) * 1000).rounded(.up) / 1000
  }

  /// Number of samples in `seconds`, rounded.
  public func sampleCount(seconds: Double) -> Int {
    Int((seconds * Double(sampleRate)).rounded())
  }

  /// Duration of `sampleCount` samples, in seconds.
  public func seconds(sampleCount: Int) -> Double { Double(sampleCount) / Double(sampleRate) }

  /// Number of frames of a signal of `sampleCount` samples, T.
  public func frameCount(sampleCount: Int) -> Int { 1 + sampleCount / hopSamples }
}

extension FrontEnd {
  private static let keys = (rate: "sample_rate", length: "n_fft", hop: "hop")

  /// Reads the object `front_end` of a configuration. Keys that are missing have the values of
  /// `standard`.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
  public init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    let keys = Self.keys
    try reader.allow([keys.rate, keys.length, keys.hop])
    func value(
      _ key: String, in range: ClosedRange<Int>, default standard: Int
    ) throws(ConfigurationError) -> Int {
      reader.optional(key) == nil ? standard : try reader.integer(key, in: range)
    }
    sampleRate = try value(keys.rate, in: 8000...48_000, default: Self.standard.sampleRate)
    fftLength = try value(keys.length, in: 16...8192, default: Self.standard.fftLength)
    hopSamples = try value(keys.hop, in: 1...4096, default: Self.standard.hopSamples)
    if fftLength % 2 != 0 { throw try reader.impossible(keys.length, "must be even") }
    if hopSamples > fftLength / 2 {
      if reader.optional(keys.hop) == nil {
        throw try reader.impossible(
          keys.length,
          "must be at least \(2 * hopSamples), twice the hop, which is \(hopSamples) "
            + "unless \"\(keys.hop)\" is given")
      }
      throw try reader.impossible(keys.hop, "must be at most half a window of \(fftLength)")
    }
  }

  /// The object `front_end` of a configuration.
  public var json: JSONValue {
    .object([
      Self.keys.rate: .integer(sampleRate), Self.keys.length: .integer(fftLength),
      Self.keys.hop: .integer(hopSamples),
    ])
  }
}
