import CPlatform
import Files
import Metrics
import Platform
import Synchronization

/// What the metrics take, one by one and all together.
package struct ScoreFigures: Encodable {
  /// One metric.
  package struct Metric: Encodable {
    let name: String
    /// Median time for each second of the utterance.
    let seconds: Double
    let secondsMinimum: Double
    let secondsMaximum: Double
  }

  /// A test set like VoiceBank-DEMAND's.
  package static let testSet = (utterances: 824, seconds: 2.5)

  /// Length of an utterance.
  package let seconds: Double
  package let repeats: Int
  /// Each metric alone on one thread, `all` of them last.
  package let metrics: [Metric]
  /// Threads that score utterances side by side.
  package let threads: Int
  /// Utterances that these threads scored.
  package let utterances: Int
  /// What that took, of all metrics.
  package let allThreadsSeconds: Double
  /// The same for each second of audio.
  package let allThreadsSecondsPerAudioSecond: Double
  /// What all metrics of one side of VoiceBank-DEMAND's test set would take.
  package let testSetSeconds: Double

  /// Scores voices in noise against the voices; `threads` of them at a time in the end.
  package static func measure(seconds: Double, repeats: Int, threads: Int) throws -> ScoreFigures {
    let count = Int((seconds * 16_000).rounded())
    let utterance = TestSignals.utterance(sampleCount: count, stream: "score")
    @Sendable func score(_ scorer: UtteranceScorer) throws {
      let score = scorer.score(
        file: "utterance", reference: utterance.clean, degraded: utterance.noisy,
        sampleRate: 16_000)
      if let error = score.error { throw ScoreBenchmarkError(reason: error) }
    }
    // Composites cost nothing beside what they are composed of.
    let plain = ScoreColumn.allCases.filter(\.sources.isEmpty)
    let sets = plain.map { ($0.rawValue, [$0]) } + [("all", Set<ScoreColumn>.all)]
    let metrics = try sets.map { name, columns in
      let scorer = UtteranceScorer(columns)
      var times = Samples()
      for index in 0...repeats {
        let time = try secondsTaken { try score(scorer) }
        if index > 0 { times.add(time / seconds) }
      }
      return Metric(
        name: name, seconds: times.median, secondsMinimum: times.minimum,
        secondsMaximum: times.maximum)
    }
    let utterances = 4 * repeats * threads
    let next = Mutex(0)
    let time = try secondsTaken {
      try parallelForEach(Array(0..<threads), threads: threads) { _ in
        platform_flush_denormals()
        let scorer = UtteranceScorer()
        while next.withLock({
          $0 += 1
          return $0 <= utterances
        }) {
          try score(scorer)
        }
      } completed: { _ in
      }
    }
    let perSecond = time / (Double(utterances) * seconds)
    return ScoreFigures(
      seconds: seconds, repeats: repeats, metrics: metrics, threads: threads,
      utterances: utterances, allThreadsSeconds: time,
      allThreadsSecondsPerAudioSecond: perSecond,
      testSetSeconds: perSecond * Double(testSet.utterances) * testSet.seconds)
  }
}

private struct ScoreBenchmarkError: Error, CustomStringConvertible {
  let reason: String
  var description: String {
    "the benchmark's utterance has no score (\(reason)); take a longer one"
  }
}

extension ScoreFigures: CustomStringConvertible {
  /// A line per metric, and two about all cores.
  package var description: String {
    let text = NumberText.self
    let table = TextTable(
      [["metric", "ms for a second of audio"]]
        + metrics.map { metric in
          [
            metric.name,
            text.spread(
              1000 * metric.seconds, 1000 * metric.secondsMinimum, 1000 * metric.secondsMaximum),
          ]
        })
    return [
      table.aligned,
      "medians of \(repeats) on one thread, an utterance of \(text.setting(seconds)) s",
      "all metrics on \(text.count(threads, "thread")): "
        + "\(text.figures(1000 * allThreadsSecondsPerAudioSecond)) ms for a second of audio, "
        + "\(text.count(utterances, "utterance")) in \(text.figures(allThreadsSeconds)) s",
      "\(Self.testSet.utterances) utterances of \(text.setting(Self.testSet.seconds)) s would take "
        + "\(text.figures(testSetSeconds)) s",
    ].joined(separator: "\n")
  }
}
