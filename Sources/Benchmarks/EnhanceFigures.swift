import CPlatform
import Evaluation
import Foundation
import Models
import Platform
import Tensor

/// The time and memory that the enhancement of one recording takes, from its samples to the
/// enhanced ones.
package struct EnhanceFigures: Encodable {
  package let preset: String
  /// Length of the recording, in seconds.
  package let seconds: Double
  package let threads: Int
  package let repeats: Int
  /// Median time of one enhancement.
  package let enhanceSeconds: Double
  package let enhanceSecondsMinimum: Double
  package let enhanceSecondsMaximum: Double
  /// Ratio of `enhanceSeconds` to the recording's length; below 1 is faster than real time.
  package let realTimeFactor: Double
  /// Median of the multiply-add peak of one core.
  package let fmaPeakGflops: Double
  /// Peak of the resident memory.
  package let peakResidentBytes: Int
  /// Whether the peak is of this measurement; false if the kernel cannot reset earlier peaks.
  package let peakResidentIsExact: Bool

  package static func measure(
    _ configuration: ModelConfiguration, seconds: Double, threads: Int, repeats: Int
  ) throws -> EnhanceFigures {
    let enhancer = try Enhancer(SpeechEnhancer(configuration: configuration, seed: 0))
    let count = enhancer.frontEnd.sampleCount(seconds: seconds)
    let noisy = TestSignals.utterance(
      sampleCount: count, sampleRate: enhancer.frontEnd.sampleRate, stream: "enhance"
    ).noisy
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
  package var description: String {
    let text = NumberText.self
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
