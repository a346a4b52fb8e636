import Audio
import Metrics
import Platform

/// Scores pairs of files on several threads.
package enum FileScoring {
  /// Result of one pair.
  package struct Outcome: Equatable, Sendable {
    /// The numbers, or why there are none.
    package let score: UtteranceScore
    /// Scores of the unprocessed recording; nil if there is none.
    package let noisy: UtteranceScore?
    /// False if a file could not be read; silence, for one, is readable and has no score.
    package let isReadable: Bool
    /// Files whose level suggests another scale of their samples.
    package private(set) var oddLevels: [OddLevel] = []
    /// A sentence about a file whose length is not that of its reference; nil if the lengths are
    /// about equal.
    package private(set) var lengthNote: String?

    /// Outcome of a pair whose files were compared, or at least looked for.
    package init(score: UtteranceScore, noisy: UtteranceScore?, isReadable: Bool) {
      self.score = score
      self.noisy = noisy
      self.isReadable = isReadable
    }

    /// The outcome with what was noticed about the files at `paths`, the reference first.
    func noticing(_ paths: [String], _ signals: [[Float]], sampleRate: Int) -> Outcome {
      var outcome = self
      outcome.oddLevels = zip(paths, signals).compactMap { OddLevel($0, $1) }
      for (path, signal) in zip(paths, signals).dropFirst() where outcome.lengthNote == nil {
        // Filters and whole hops of a transform change a length a little.
        let difference = abs(signal.count - signals[0].count)
        guard difference > sampleRate / 10, 100 * difference > signals[0].count else { continue }
        outcome.lengthNote =
          "\(path) has \(NumberText.count(signal.count, "sample")), and its reference "
          + "\(paths[0]) has \(signals[0].count): most metrics compare only the part that both "
          + "have, so check that they belong together and that none was cut"
      }
      return outcome
    }

    /// Outcome for a file that cannot be compared.
    package init(unusable name: String, _ reason: String) {
      let score = UtteranceScore(file: name, error: reason)
      self.init(score: score, noisy: score, isReadable: false)
    }
  }

  /// The outcomes in the order of `pairs`, whatever `threadCount` is. `progress` is called on this
  /// thread with the number of pairs done, after each.
  package static func score(
    _ pairs: [ScoringPairs.Pair], metrics: Set<ScoreColumn> = .all,
    threadCount: Int = MachineFacts.usableCores(),
    progress: (Int) -> Void = { _ in }
  ) -> [Outcome] {
    let scorers = WorkerPool((0..<max(threadCount, 1)).map { _ in UtteranceScorer(metrics) })
    var outcomes = [Outcome?](repeating: nil, count: pairs.count)
    var completed = 0
    parallelForEach(Array(pairs.indices), threads: max(threadCount, 1)) { index in
      (index, scorers.withWorker { outcome(of: pairs[index], $0) })
    } completed: { index, outcome in
      outcomes[index] = outcome
      completed += 1
      progress(completed)
    }
    return outcomes.compactMap { $0 }
  }

  private static func outcome(
    of pair: ScoringPairs.Pair, _ scorer: UtteranceScorer
  ) -> Outcome {
    var faults: [String] = []
    let paths = [pair.reference, pair.degraded] + (pair.noisy.map { [$0] } ?? [])
    // All files of a pair have the rate that the metrics need, or that of the reference.
    let needsRate = scorer.metrics.contains { !$0.isDefined(sampleRate: 0) }
    var sampleRate = needsRate ? PESQ.sampleRate : nil
    let signals = paths.map { path -> [Float] in
      do throws(WaveFileError) {
        let waveform = try WaveFile.read(path: path, sampleRate: sampleRate)
        sampleRate = waveform.sampleRate
        return waveform.samples
      } catch {
        // SI-SDR alone could be had.
        let isOfRate = if case .wrongSampleRate = error { needsRate } else { false }
        faults.append(
          error.description
            + (isOfRate ? ", or choose --metrics \(ScoreColumn.siSDR.rawValue)" : ""))
        return []
      }
    }
    if !faults.isEmpty {
      return Outcome(unusable: pair.name, faults.joined(separator: "; "))
    }
    let scores = signals.dropFirst().map { degraded in
      scorer.score(
        file: pair.name, reference: signals[0], degraded: degraded, sampleRate: sampleRate ?? 0)
    }
    return Outcome(score: scores[0], noisy: scores.count > 1 ? scores[1] : nil, isReadable: true)
      .noticing(paths, signals, sampleRate: sampleRate ?? 0)
  }
}
