import ArgumentParser
import Audio
import Communication
import Corpora
import Evaluation
import Files
import Foundation
import Metrics
import Platform

/// `disttrain evaluate`: how much better a model makes a corpus of noisy speech.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Enhance a split of a corpus and score it: PESQ, STOI, SI-SDR, composites.",
    discussion: """
      Prints the means of the unprocessed and of the enhanced speech with their 95% intervals (by \
      Student's t), both over the utterances that have every score on both sides; the others are \
      counted and named. Alone it uses all cores that it may run on, under mpirun the ranks share \
      the utterances; the figures are the same for any number of either.

      The exit status is 0 if at least one utterance was scored and every file could be read.
      """)

  @OptionGroup var weights: WeightsOptions
  @Option(
    help: ArgumentHelp(
      "Corpus: {train,valid,test}/{clean,noisy}, VoiceBank-DEMAND's folders, or a file of prepare "
        + "pack.", valueName: "folder or file"))
  var data: String
  @Option(help: "Split of the corpus.") var split = CorpusSplit.test
  @OptionGroup var scores: ScoreOptions
  @Flag(
    help: ArgumentHelp(
      "Also print pesq_wb as the published ablation runs took it, over random crops of 2 s."))
  var asPublished = false
  @Option(help: ArgumentHelp("Seed of these crops.", valueName: "number"))
  var cropSeed: UInt64 = 0
  @Option(help: "Unusable files: stop, or skip (left out and listed).")
  var onBadFile = OnBadFile.stop
  @OptionGroup var speakers: SpeakerOptions
  @OptionGroup var staging: StagingOptions
  @OptionGroup var deadlines: DeadlineOptions

  func run() throws {
    try ParallelCommand.run(deadlines.deadlines, files: files()) { communicator in
      let root = RootDecision(communicator)
      try root.run { try scores.requireWritable(hasNoisy: true) }
      let model = try root.model(
        weights: weights.weights, preset: weights.preset, note: Console.note)
      let sampleRate = model.configuration.frontEnd.sampleRate
      try root.run { try scores.requireDefined(sampleRate: sampleRate, asPublished: asPublished) }
      communicator.enter(.staging)
      let place = try Staging(
        over: communicator, log: Console.progressLog(rank: communicator.rank)
      ).path(of: data, in: staging.stage)
      communicator.enter(.readingCorpus)
      let dataset = try SharedDataset(
        DatasetRequest(
          data: data, split: split, sampleRate: sampleRate, onBadFile: onBadFile,
          validationSpeakers: speakers.speakers),
        log: Console.progressLog(rank: communicator.rank), over: communicator
      ).reading(from: place)
      let pairs = Array(dataset.pairs)
      communicator.enter(.validation)
      // Ranks under a launcher are one for each core.
      let threads = communicator.worldSize == 1 ? MachineFacts.usableCores() : 1
      func evaluate(_ metrics: Set<ScoreColumn>, _ crop: RandomCrop? = nil) throws -> Evaluation {
        let evaluator = try Evaluator(
          model: model, pairs: pairs, over: communicator, metrics: metrics,
          threads: threads, crop: crop, onBadFile: onBadFile)
        return try run(evaluator, rank: communicator.rank)
      }
      let evaluation = try evaluate(scores.columns)
      let crops =
        asPublished
        ? PublishedCropScores(
          try evaluate([.pesqWB], PublishedCropScores.crop(seed: cropSeed)), seed: cropSeed)
        : nil
      try root.run { try report(evaluation, crops, model.configuration.name, dataset) }
    }
  }

  /// Prints and writes everything.
  private func report(
    _ evaluation: Evaluation, _ crops: PublishedCropScores?, _ model: String,
    _ dataset: SharedDataset
  ) throws {
    let table = evaluation.table(columns: scores.columns)
    var report = ScoreReport(table)
    report.model = model
    report.data = data
    report.split = split.rawValue
    report.loss = evaluation.loss.flatMap { $0.isFinite ? $0 : nil }
    report.asPublished = crops
    if PublishedNoisyScores.isTestSet(dataset.pairs.map(\.name)) {
      report.noisyIsAsPublished = PublishedNoisyScores.isAgreeing(table)
    }
    try Console.results {
      if let csv = scores.csv { try ScoreFiles.write(table, to: csv) }
      if let json = scores.json { try report.write(to: json) }
    } print: {
      show(table, evaluation, crops, model, dataset)
    }
    if table.scorable.isEmpty { throw NothingScored() }
  }

  private func show(
    _ table: ScoreTable, _ evaluation: Evaluation, _ crops: PublishedCropScores?, _ model: String,
    _ dataset: SharedDataset
  ) {
    let utterances = NumberText.count(dataset.pairs.count, "utterance")
    Console.line("\(model) on \(utterances) of \(data), \(split.rawValue)\n")
    if PublishedNoisyScores.isTestSet(dataset.pairs.map(\.name)) {
      Console.line(table.summary(published: PublishedNoisyScores.texts(table)))
      if let verdict = PublishedNoisyScores.verdict(table) { Console.line(verdict) }
    } else {
      Console.line(table.summary)
    }
    if let loss = evaluation.loss { Console.line("loss \(TextTable.number(loss, digits: 4))") }
    if let crops { Console.line(crops.line) }
    for file in dataset.skipped { Console.line("left out: \(file)") }
    for level in OddLevel.warnings(evaluation.utterances.compactMap(\.oddLevel)) {
      Console.error("warning: \(level)")
    }
  }

  private func run(_ evaluator: Evaluator, rank: Int) throws -> Evaluation {
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
