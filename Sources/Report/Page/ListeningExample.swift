import Audio
import Evaluation
import Foundation
import Platform

/// An utterance to hear and see: noisy, clean, and enhanced by the best weights of each run.
package struct ListeningExample {
  /// A recording of the utterance.
  struct Clip {
    /// Name of the recording: "noisy", "clean" or the run's name.
    let name: String
    /// Look of the run in charts; nil for recordings of the corpus.
    let style: Int?
    let pesq: Double?
    let seconds: Double
    /// Bytes of a 16-bit FLAC file.
    let audio: [UInt8]
    /// Bytes of a PNG picture of the spectrogram.
    let picture: [UInt8]
  }

  let utterance: String
  /// Reason for the choice of the utterance, such as "the largest gain".
  let reason: String
  let facts: UtteranceFacts
  /// Length of the whole utterance, in seconds.
  let seconds: Double
  let clips: [Clip]

  /// Chooses `count` utterances of `scores`: those with the largest, the median and the smallest
  /// gain, and further ones between these.
  static func choice(
    _ scores: UtteranceScores, count: Int
  ) -> [(row: UtteranceScores.Row, reason: String)] {
    let sorted = scores.rows.sorted { ($0.gain, $1.file) > ($1.gain, $0.file) }
    if sorted.isEmpty { return [] }
    let last = sorted.count - 1
    var places: [(Int, String)] = [(0, "the largest gain")]
    if count > 3 { places.append((last / 4, "upper quartile of the gains")) }
    places.append((last / 2, "median gain"))
    if count > 4 { places.append((last - last / 4, "lower quartile of the gains")) }
    if count > 1 { places.append((last, "the smallest gain")) }
    var seen: Set<Int> = []
    return places.prefix(max(count, 1)).filter { seen.insert($0.0).inserted }
      .map { (sorted[$0.0], $0.1) }
  }
}

/// Enhances utterances with the best weights of several runs.
final class ListeningExamples {
  /// Sentences about runs whose weights cannot be used.
  private(set) var problems: [String] = []
  private var enhancers: [(run: ReportRun, enhancer: Enhancer)] = []
  private let corpus: ReportCorpus
  /// Largest length of a clip, in seconds.
  private let seconds: Double

  /// Reads the best weights of the runs that have some.
  init(_ runs: [ReportRun], corpus: ReportCorpus, seconds: Double) {
    self.corpus = corpus
    self.seconds = seconds
    for run in runs where run.best != nil {
      let path = run.folder.best.path(percentEncoded: false)
      do {
        let enhancer = try Enhancer(try TrainedModel.load(weights: path, preset: nil))
        let rate = enhancer.frontEnd.sampleRate
        if rate == corpus.sampleRate {
          enhancers.append((run, enhancer))
        } else {
          problems.append(
            "nothing to hear of \(run.name): the model takes \(rate) Hz, and the corpus "
              + "\(corpus.path) is at \(corpus.sampleRate) Hz")
        }
      } catch {
        problems.append("nothing to hear of \(run.name): \(ErrorText.sentence(error))")
      }
    }
  }

  /// The example of an utterance; nil if it cannot be read.
  func example(_ utterance: String, reason: String) -> ListeningExample? {
    guard let (clean, noisy) = corpus.samples(utterance), !noisy.isEmpty else { return nil }
    // The utterance is enhanced as a whole, as for the scores; only the first minute of a very long
    // one.
    let whole = Array(noisy.prefix(60 * corpus.sampleRate))
    let scores = enhancers.compactMap { pair in
      pair.run.utterances?.rows.first { $0.file == utterance }
    }
    var sides: [(name: String, style: Int?, pesq: Double?, samples: [Float])] = [
      ("noisy", nil, scores.first?.noisyPESQ, noisy), ("clean", nil, nil, clean),
    ]
    for (run, enhancer) in enhancers {
      do {
        let row = run.utterances?.rows.first { $0.file == utterance }
        sides.append((run.name, run.style, row?.pesq, try enhancer.enhance(whole)))
      } catch {
        problems.append(
          "\(utterance) could not be enhanced by \(run.name): \(ErrorText.sentence(error))")
      }
    }
    let limit = Int(seconds * Double(corpus.sampleRate))
    let cut = sides.map { Array($0.samples.prefix(limit)) }
    let spectrograms = cut.map { SpectrogramPicture($0, sampleRate: corpus.sampleRate) }
    // One scale for all pictures, so that darker means quieter.
    let top = spectrograms.compactMap { $0?.peak }.max() ?? 0
    var clips: [ListeningExample.Clip] = []
    for (index, side) in sides.enumerated() {
      guard let picture = spectrograms[index]?.png(top: top),
        let audio = try? WaveFile.encode(
          cut[index], sampleRate: corpus.sampleRate, path: "clip.flac", encoding: .pcm16)
      else { continue }
      clips.append(
        ListeningExample.Clip(
          name: side.name, style: side.style, pesq: side.pesq,
          seconds: Double(cut[index].count) / Double(corpus.sampleRate), audio: audio,
          picture: picture))
    }
    return ListeningExample(
      utterance: utterance, reason: reason, facts: corpus.facts(utterance),
      seconds: Double(noisy.count) / Double(corpus.sampleRate), clips: clips)
  }
}
