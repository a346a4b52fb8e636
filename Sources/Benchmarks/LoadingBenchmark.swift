import Audio
import Corpora
import Evaluation
import Files
import Foundation
import Platform

/// The time of loading a pair of crops, in milliseconds per pair.
package struct LoadingBenchmark: Codable {
  /// A duration in wall-clock and processor time.
  package struct Cost: Codable {
    var wall: Double
    var cpu: Double
  }

  /// Number of pairs that were loaded.
  package let count: Int
  /// Length of a crop, in seconds.
  package let cropSeconds: Double
  /// Time of reading the samples of both sides.
  package let readMilliseconds: Cost
  /// Time of computing the short-time spectra of both sides.
  package let stftMilliseconds: Cost
  /// Time of a training step per utterance, for comparison, in seconds.
  package let stepSeconds: Double
  /// Ratio of the processor time of reading to the step's time.
  package let readShare: Double
  /// Ratio of the processor time of reading and transforming to the step's time.
  package let totalShare: Double

  /// Loads `count` crops of recordings at `sampleRate`, in hertz, as in the first epochs of a run
  /// with seed 0.
  package static func run(
    _ pairs: UtteranceIndex, sampleRate: Int, cropSeconds: Double, count: Int,
    stepSeconds: Double
  ) throws -> LoadingBenchmark {
    let crop = RandomCrop(sampleCount: Int((cropSeconds * Double(sampleRate)).rounded()), seed: 0)
    let reader = RecordingReader()
    let stft = STFT(.standard)
    var read = Cost(wall: 0, cpu: 0)
    var transform = Cost(wall: 0, cpu: 0)
    var done = 0
    var epoch = 0
    while done < count {
      epoch += 1
      for item in EpochOrder.permutation(seed: 0, epoch: epoch, count: pairs.count) {
        if done == count { break }
        let samples = try measure(&read) {
          try crop.load(pairs[Int(item)], epoch: epoch, sampleRate: sampleRate, with: reader)
        }
        _ = try measure(&transform) {
          (try stft.forward(samples.clean), try stft.forward(samples.noisy))
        }
        done += 1
      }
    }
    func milliseconds(_ cost: Cost) -> Cost {
      Cost(wall: cost.wall * 1000 / Double(count), cpu: cost.cpu * 1000 / Double(count))
    }
    return LoadingBenchmark(
      count: count, cropSeconds: cropSeconds, readMilliseconds: milliseconds(read),
      stftMilliseconds: milliseconds(transform), stepSeconds: stepSeconds,
      readShare: read.cpu / Double(count) / stepSeconds,
      totalShare: (read.cpu + transform.cpu) / Double(count) / stepSeconds)
  }

  /// The figures as JSON, with sorted keys in snake case.
  package func json() throws -> String { try indentedJSON(self, snakeCase: true) + "\n" }

  private static func measure<Result>(
    _ cost: inout Cost, _ body: () throws -> Result
  ) rethrows -> Result {
    let wall = Stopwatch()
    let cpu = threadSeconds()
    let result = try body()
    cost.wall += wall.seconds
    cost.cpu += threadSeconds() - cpu
    return result
  }

  /// Processor time of this thread, in seconds.
  private static func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

extension LoadingBenchmark: CustomStringConvertible {
  /// The figures as text, a line for each part.
  package var description: String {
    func line(_ name: String, _ cost: Cost) -> String {
      String(format: "%@ %.3f ms, of it CPU %.3f ms", name, cost.wall, cost.cpu)
    }
    return [
      "\(NumberText.count(count, "pair")) of crops of \(cropSeconds) s, mean of a pair:",
      line("reading", readMilliseconds), line("STFT", stftMilliseconds),
      String(
        format: "CPU share of a step of %.3g s an utterance: reading %.2f%%, with the STFT %.2f%%",
        stepSeconds, readShare * 100, totalShare * 100),
    ].joined(separator: "\n")
  }
}
