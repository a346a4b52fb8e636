import Audio
import CPlatform
import Dispatch
import Foundation
import Metrics
import Platform
import Synchronization

/// Scores pairs of files on several threads.
package enum FileScoring {
  /// What came of one pair.
  package struct Outcome: Equatable, Sendable {
    /// The numbers, or why there are none.
    package let score: UtteranceScore
    /// Those of the unprocessed recording; nil if there is none.
    package let noisy: UtteranceScore?
    /// False if a file could not be read; silence, for one, is readable and has no score.
    package let isReadable: Bool

    package init(score: UtteranceScore, noisy: UtteranceScore?, isReadable: Bool) {
      self.score = score
      self.noisy = noisy
      self.isReadable = isReadable
    }

    /// Of a file that cannot be compared.
    package init(unusable name: String, _ reason: String) {
      let score = UtteranceScore(file: name, error: reason)
      self.init(score: score, noisy: score, isReadable: false)
    }
  }

  /// The outcomes in the order of `pairs`, whatever `threadCount` is. `progress` is called on this
  /// thread now and then with the number of pairs done.
  package static func score(
    _ pairs: [ScoringPlan.Pair], metrics: Set<ScoreColumn> = .all,
    threadCount: Int = MachineFacts.usableCores(),
    progress: (Int) -> Void = { _ in }
  ) -> [Outcome] {
    let work = Work(pairs)
    let queue = DispatchQueue(label: "scoring", attributes: .concurrent)
    let group = DispatchGroup()
    for _ in 0..<min(max(threadCount, 1), pairs.count) {
      queue.async(group: group) {
        // As in the main thread, which scores for `evaluate`.
        platform_flush_denormals()
        let scorer = UtteranceScorer(metrics)
        while let index = work.take() { work.finish(index, outcome(of: pairs[index], scorer)) }
      }
    }
    while group.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
      progress(work.completedCount)
    }
    return work.results
  }

  private static func outcome(
    of pair: ScoringPlan.Pair, _ scorer: UtteranceScorer
  ) -> Outcome {
    var faults: [String] = []
    let paths = [pair.reference, pair.degraded] + (pair.noisy.map { [$0] } ?? [])
    let signals = paths.map { path -> [Float] in
      do throws(WaveFileError) {
        return try WaveFile.read(path: path, sampleRate: Enhancer.sampleRate).samples
      } catch {
        faults.append(error.description)
        return []
      }
    }
    if !faults.isEmpty {
      return Outcome(unusable: pair.name, faults.joined(separator: "; "))
    }
    let scores = signals.dropFirst().map { degraded in
      scorer.score(
        file: pair.name, reference: signals[0], degraded: degraded,
        sampleRate: Enhancer.sampleRate)
    }
    return Outcome(score: scores[0], noisy: scores.count > 1 ? scores[1] : nil, isReadable: true)
  }

  /// The pairs as the threads share them.
  private final class Work: Sendable {
    private struct State {
      var next = 0
      var completed = 0
      var outcomes: [Outcome?]
    }

    private let state: Mutex<State>

    init(_ pairs: [ScoringPlan.Pair]) {
      state = Mutex(State(outcomes: Array(repeating: nil, count: pairs.count)))
    }

    func take() -> Int? {
      state.withLock { state in
        guard state.next < state.outcomes.count else { return nil }
        state.next += 1
        return state.next - 1
      }
    }

    func finish(_ index: Int, _ outcome: Outcome) {
      state.withLock { state in
        state.outcomes[index] = outcome
        state.completed += 1
      }
    }

    var completedCount: Int { state.withLock { $0.completed } }

    var results: [Outcome] { state.withLock { $0.outcomes.compactMap { $0 } } }
  }
}
