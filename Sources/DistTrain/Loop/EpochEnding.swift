import Checkpoints
import Communication
import Evaluation
import Files
import Foundation
import Metrics
import Models
import Platform
import Recipes
import RunFiles

/// Ends an epoch that is trained and validated: best weights, history, line of the log, checkpoint.
final class EpochEnding {
  private let trainer: Trainer
  private let folder: RunFolder
  private let log: RunLog
  private let saving: RunSaving
  private let best: BestEpochs
  private let communicator: any Communicator
  private var history: HistoryCSV?
  private var reported: Set<String> = []

  /// Goes on from where the state of `trainer` stands. Throws if there is a history that cannot be
  /// continued.
  init(
    _ trainer: Trainer, folder: RunFolder, log: RunLog, saving: RunSaving,
    over communicator: any Communicator
  ) throws(HistoryError) {
    self.trainer = trainer
    self.folder = folder
    self.log = log
    self.saving = saving
    self.communicator = communicator
    best = BestEpochs(trainer, folder: folder, log: log, saving: saving)
    if communicator.isRoot {
      let lastEpoch = trainer.state.progress.validatedEpochs
      history = try HistoryCSV(url: folder.history, resumingAfter: lastEpoch)
      // Whoever reads the file must not take epochs for finished that are done again.
      try history?.goBack(to: lastEpoch)
    }
  }

  /// Writes the weights of a run that has done no step. All ranks call it together.
  func begin() throws {
    communicator.enter(.saving)
    try best.begin()
  }

  /// Takes the epochs out of the history that the run went back over. All ranks call it together.
  func wentBack() throws {
    let lastEpoch = trainer.state.progress.validatedEpochs
    try write { try self.history?.goBack(to: lastEpoch) }
  }

  /// Ends the epoch under way, whose weights were scored as they stand. All ranks call it together,
  /// as they do the other.
  func end(
    _ trained: EpochFigures, _ evaluation: Evaluation, validationSeconds: Double
  ) throws {
    let state = trainer.state
    state.progress.endEpoch()
    try write(trained, evaluation, validationSeconds) { body in
      state.withEvaluatedWeights { body(state.model) }
    }
  }

  /// Ends the epoch that was scored beside training.
  func endUnvalidated(_ evaluation: Evaluation, validationSeconds: Double) throws {
    let state = trainer.state
    guard let trained = state.progress.unvalidated else {
      preconditionFailure("EpochEnding: every epoch is validated")
    }
    state.progress.unvalidated = nil
    try write(trained, evaluation, validationSeconds) { $0(state.frozen) }
  }

  /// Runs `body` on rank 0, which writes into the run folder.
  private func write(_ body: () throws -> Void) throws {
    _ = try saving.write {
      try body()
      return true
    }
  }

  /// Writes all about the last epoch that is counted.
  private func write(
    _ trained: EpochFigures, _ evaluation: Evaluation, _ validationSeconds: Double,
    with model: ((SpeechEnhancer) -> [UInt8]) -> [UInt8]
  ) throws {
    communicator.enter(.saving)
    let state = trainer.state
    let pesq = evaluation.means(of: .pesqWB)
    let siSDR = evaluation.means(of: .siSDR)
    let report = EpochReport(
      epoch: state.progress.epoch, pesq: pesq?.enhanced, noisyPESQ: pesq?.noisy,
      siSDR: siSDR?.enhanced, noisySISDR: siSDR?.noisy, validationLoss: evaluation.loss,
      trainingLoss: trained.trainingLoss, learningRate: trained.learningRate,
      scored: evaluation.scored, total: evaluation.total,
      seconds: trained.seconds + validationSeconds, audioSecondsPerSecond: trained.audioRate,
      validationSeconds: validationSeconds, selection: best.score(evaluation))
    for (name, reason) in evaluation.unscorable where reported.insert(name).inserted {
      log.warning("left out of the validation scores: \(name): \(reason)")
    }
    try best.enter(report, evaluation, with: model) { try self.history?.forgetSelection() }
    // After a rule of another meaning has made both forget what was best.
    followPlateau(report.selection)
    // The checkpoint last: a run that is killed before it validates again, and writes all of this
    // once more in place of what is here. After it the epoch would be missing in the others.
    try write { try self.history?.append(report) }
    if let warning = trained.dataWait.warning(epoch: report.epoch) { log.warning(warning) }
    log.append(
      .epoch(
        .init(
          report, step: report.epoch * trainer.stepsPerEpoch, dataSeconds: trained.dataSeconds,
          selectedBy: best.rule(ofEpoch: report.epoch))))
    try saving.save(trainer)
    try best.removeOthers()
  }

  /// Tells a rate that waits for plateaus the score of an epoch.
  private func followPlateau(_ score: Double?) {
    let schedule = trainer.configuration.recipe.schedule
    guard schedule.decay == .plateau, let score else { return }
    var plateau = trainer.state.progress.plateau ?? PlateauProgress()
    plateau.observe(score, schedule)
    trainer.state.progress.plateau = plateau
  }
}

extension Evaluation {
  /// `best-scores.csv`: every validation utterance as it was and as the best weights so far have
  /// enhanced it. Its bytes do not depend on the number of ranks.
  var bestScoresCSV: String {
    func cell(_ value: Double?) -> String { value.map { TextTable.number($0, digits: 6) } ?? "" }
    let header = ["file", "noisy_pesq_wb", "pesq_wb", "noisy_si_sdr", "si_sdr", "error"]
    let rows = utterances.map { utterance in
      [
        utterance.name, cell(utterance.noisy.pesqWB), cell(utterance.enhanced.pesqWB),
        cell(utterance.noisy.siSDR), cell(utterance.enhanced.siSDR), utterance.fault ?? "",
      ]
    }
    return TextTable([header] + rows).csv
  }
}
