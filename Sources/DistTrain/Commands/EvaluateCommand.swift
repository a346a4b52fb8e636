import ArgumentParser
import Audio
import Foundation

/// `disttrain evaluate`: how much better a model makes a corpus of noisy speech.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Enhance a split of a corpus and score it: wide-band PESQ and SI-SDR.",
    discussion: """
      Prints the means of the unprocessed speech first and of the enhanced speech below, both over \
      the utterances that have every score on both sides; the others are counted and named. Under \
      mpirun the ranks share the utterances, and the figures are the same for any number of ranks.

      The exit status is 0 if at least one utterance was scored and every file could be read.
      """)

  @OptionGroup var weights: WeightsOptions
  @Option(
    help: ArgumentHelp(
      "Corpus: {train,valid,test}/{clean,noisy}, VoiceBank-DEMAND's folders, or a file of prepare "
        + "pack.", valueName: "folder or file"))
  var data: String
  @OptionGroup var staging: StagingOptions
  @Option(help: "Split of the corpus.") var split = CorpusSplit.test
  @Option(
    help: ArgumentHelp("Also write the scores there, a line per utterance.", valueName: "file"))
  var csv: String?
  @Option(help: "Unusable files: stop, or skip (left out and listed).")
  var onBadFile = OnBadFile.stop
  @Option(
    parsing: .upToNextOption, help: "VoiceBank-DEMAND speakers that were kept for validation.")
  var validationSpeakers = PairedDataset.voiceBankValidationSpeakers
  @OptionGroup var deadlines: DeadlineOptions

  func run() throws {
    try ParallelCommand.run(deadlines.deadlines) { communicator in
      let root = RootDecision(communicator)
      let model = try root.model(weights: weights.weights, preset: weights.preset)
      communicator.enter(.staging)
      let place = try Staging(
        over: communicator, log: Console.progressLog(rank: communicator.rank)
      ).path(of: data, in: staging.stage)
      communicator.enter(.readingCorpus)
      let dataset = try root.dataset(
        data: data, split: split, onBadFile: onBadFile, validationSpeakers: validationSpeakers
      ).reading(from: place)
      communicator.enter(.validation)
      let evaluator = try Evaluator(model: model, pairs: dataset.pairs, over: communicator)
      let evaluation = try evaluate(evaluator, rank: communicator.rank)
      _ = try root.bytes {
        let name = model.configuration.name
        Console.line("\(name) on \(dataset.pairs.count) utterances of \(data), \(split.rawValue)\n")
        Console.line(evaluation.summary)
        for file in dataset.skipped { Console.line("left out: \(file)") }
        if let csv { try AtomicFile.write(evaluation.csv, to: URL(fileURLWithPath: csv)) }
        if evaluation.scored == 0 { throw NothingScored() }
        return []
      }
    }
  }

  private func evaluate(_ evaluator: Evaluator, rank: Int) throws -> Evaluation {
    let log = try Console.progressLog(rank: rank)
    var isShown = false
    let evaluation = try evaluator.evaluate { progress in
      // The bar speaks of this rank's share: the others' are about as long.
      if !isShown { log.beginProgress("evaluating", total: progress.total) }
      isShown = true
      log.progress(completed: progress.completed, audioSeconds: progress.audioSeconds)
    }
    log.endProgress()
    return evaluation
  }
}

private struct NothingScored: Error, CustomStringConvertible {
  let description = "no utterance has a score; see \"not scored\""
}

extension CorpusSplit: ExpressibleByArgument {}
