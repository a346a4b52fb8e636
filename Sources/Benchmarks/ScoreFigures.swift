import Files
import Metrics
import Platform

/// The time that the metrics take, each alone and all together.
package struct ScoreFigures: Encodable {
  /// The time of one metric.
  package struct Metric: Encodable {
    let name: String
    /// Median time per second of the utterance.
    let seconds: Double
    let secondsMinimum: Double
    let secondsMaximum: Double
  }

  /// Size of VoiceBank-DEMAND's test set.
  package static let testSet = (utterances: 824, seconds: 2.5)

  /// Length of an utterance, in seconds.
  package let seconds: Double
  package let repeats: Int
  /// Times of each metric alone on one thread, with `all` metrics last.
  package let metrics: [Metric]
  /// Number of threads that score utterances at once.
  package let threads: Int
  /// Number of utterances that these threads scored.
  package let utterances: Int
  /// Time of these threads for all metrics.
  package let allThreadsSeconds: Double
  /// Time of these threads per second of audio.
  package let allThreadsSecondsPerAudioSecond: Double
  /// Estimated time of all metrics for one side of VoiceBank-DEMAND's test set.
  package let testSetSeconds: Double

  /// Measures the scoring of voices in noise against the voices, first alone and then on `threads`
  /// threads.
  package static func measure(seconds: Double, repeats: Int, threads: Int) throws -> ScoreFigures {
    let count = Int((seconds * Double(PESQ.sampleRate)).rounded())
    let utterance = TestSignals.utterance(
      sampleCount: count, sampleRate: PESQ.sampleRate, stream: "score")
    @Sendable func score(_ scorer: UtteranceScorer) throws {
      let score = scorer.score(
        file: "utterance", reference: utterance.clean, degraded: utterance.noisy,
        sampleRate: PESQ.sampleRate)
      if let error = score.error { throw ScoreBenchmarkError(reason: error) }
    }
    // Composite measures cost nothing beside the metrics that they are computed from.
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
    let scorers = WorkerPool((0..<threads).map { _ in UtteranceScorer() })
    let time = try secondsTaken {
      try parallelForEach(Array(0..<utterances), threads: threads) { _ in
        try scorers.withWorker { try score($0) }
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
  /// The figures as text: a line per metric, and two about all threads.
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
