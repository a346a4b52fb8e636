import CPlatform
import Foundation
import Models
import Tensor

/// The time and memory that the enhancement of one recording takes, from its samples to the
/// enhanced ones.
struct EnhanceFigures: Encodable {
  let preset: String
  /// Length of the recording, in seconds.
  let seconds: Double
  let threads: Int
  let repeats: Int
  /// Median time of one enhancement.
  let enhanceSeconds: Double
  let enhanceSecondsMinimum: Double
  let enhanceSecondsMaximum: Double
  /// Ratio of `enhanceSeconds` to the recording's length; below 1 is faster than real time.
  let realTimeFactor: Double
  /// Median of the multiply-add peak of one core.
  let fmaPeakGflops: Double
  /// Peak of the resident memory.
  let peakResidentBytes: Int
  /// Whether the peak is of this measurement; false if the kernel cannot reset earlier peaks.
  let peakResidentIsExact: Bool

  static func measure(
    _ configuration: ModelConfiguration, seconds: Double, threads: Int, repeats: Int
  ) throws -> EnhanceFigures {
    let enhancer = try Enhancer(SpeechEnhancer(configuration: configuration, seed: 0))
    let count = Int((seconds * 16_000).rounded())
    let noisy = TestSignals.utterance(sampleCount: count, stream: "enhance").noisy
    platform_return_freed_memory()
    let isExact = ResidentMemory.forgetPeak()
    var times = Samples()
    var peak = Samples()
    for index in 0...repeats {
      peak.add(CoreLimits.measureFlops())
      let time = try secondsTaken {
        let spectrogram = try enhancer.spectrogram(of: noisy)
        let enhanced = enhancer.model(
          spectrogram, .inference(Execution(threads: threads)))
        _ = enhancer.signal(of: enhanced, sampleCount: count)
      }
      if index > 0 { times.add(time) }
    }
    return EnhanceFigures(
      preset: configuration.name, seconds: seconds, threads: threads, repeats: repeats,
      enhanceSeconds: times.median, enhanceSecondsMinimum: times.minimum,
      enhanceSecondsMaximum: times.maximum, realTimeFactor: times.median / seconds,
      fmaPeakGflops: peak.median / 1e9, peakResidentBytes: ResidentMemory.highWaterMark(),
      peakResidentIsExact: isExact)
  }
}

extension EnhanceFigures: CustomStringConvertible {
  /// The figures as three lines of text.
  var description: String {
    let text = BenchmarkText.self
    return [
      "\(preset): a recording of \(text.setting(seconds)) s, \(text.count(threads, "thread"))",
      "enhanced in "
        + text.spread(enhanceSeconds, enhanceSecondsMinimum, enhanceSecondsMaximum)
        + " s, median of \(repeats)",
      "real-time factor \(text.figures(realTimeFactor)), "
        + "\(text.figures(1 / realTimeFactor)) times as fast as real time",
      "resident \(peakResidentIsExact ? "" : "at most ")\(text.megabytes(peakResidentBytes)) "
        + "at the peak",
    ].joined(separator: "\n")
  }
}
