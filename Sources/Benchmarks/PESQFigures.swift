import Metrics
import Platform

/// The time that a wide-band PESQ score takes.
package struct PESQFigures: Encodable {
  /// Length of the utterance, in seconds.
  package let seconds: Double
  package let repeats: Int
  /// Median time per second of the utterance, in milliseconds.
  package let millisecondsPerAudioSecond: Double
  package let millisecondsPerAudioSecondMinimum: Double
  package let millisecondsPerAudioSecondMaximum: Double

  /// Measures the scoring of a voice in noise against the voice.
  package static func measure(seconds: Double, repeats: Int) throws -> PESQFigures {
    let utterance = TestSignals.utterance(
      sampleCount: Int((seconds * Double(PESQ.sampleRate)).rounded()),
      sampleRate: PESQ.sampleRate, stream: "score")
    // One scorer for all scores, as in the scoring of many utterances.
    let scorer = PESQ.Scorer()
    var times = Samples()
    for index in 0...repeats {
      let time = try secondsTaken {
        _ = try scorer.wideBand(
          reference: utterance.clean, degraded: utterance.noisy, sampleRate: PESQ.sampleRate)
      }
      if index > 0 { times.add(1000 * time / seconds) }
    }
    return PESQFigures(
      seconds: seconds, repeats: repeats, millisecondsPerAudioSecond: times.median,
      millisecondsPerAudioSecondMinimum: times.minimum,
      millisecondsPerAudioSecondMaximum: times.maximum)
  }
}

extension PESQFigures: CustomStringConvertible {
  /// The figures as one line of text.
  package var description: String {
    "wide-band pesq: "
      + NumberText.spread(
        millisecondsPerAudioSecond, millisecondsPerAudioSecondMinimum,
        millisecondsPerAudioSecondMaximum)
      + " ms for a second of audio, median of \(repeats), an utterance of "
      + "\(NumberText.setting(seconds)) s"
  }
}
