import Checkpoints
import Evaluation
import Files
import Foundation
import Models
import Platform
import Recipes
import RunFiles
import Weights

/// Chooses the best epochs of a run, and keeps their weights: those of the best one, those of the
/// last one, and the mean over the best ones.
final class BestEpochs {
  private let trainer: Trainer
  private let folder: RunFolder
  private let log: RunLog
  private let saving: RunSaving
  private let cards: RunCards
  private let meaning: SelectionMeaning

  /// Chooses among the epochs of `trainer`, and writes to `folder`.
  init(_ trainer: Trainer, folder: RunFolder, log: RunLog, saving: RunSaving) {
    self.trainer = trainer
    self.folder = folder
    self.log = log
    self.saving = saving
    cards = RunCards(trainer)
    meaning = SelectionMeaning(trainer.configuration)
  }

  private var state: TrainingState { trainer.state }

  /// The rule of the score of `epoch`, as a text.
  func rule(ofEpoch epoch: Int) -> String { meaning.text(epoch: epoch) }

  /// The selection score of a validation; nil if there is none.
  func score(_ evaluation: Evaluation) -> Double? {
    meaning.rule.score { quantity in
      switch quantity {
      case .metric(let column): evaluation.means(of: column)?.enhanced
      // Without a scored utterance there is nothing to choose by, though silence has a loss, too.
      case .loss: evaluation.utterances.contains { $0.noisy.error == nil } ? evaluation.loss : nil
      }
    }
  }

  /// Writes the weights that a run starts from. All ranks call it together.
  func begin() throws {
    try write {
      try AtomicFile.write(
        self.state.withEvaluatedWeights {
          self.serialized(self.state.model, self.cards.start(self.state.progress))
        }, to: self.folder.lastWeights)
    }
  }

  /// Enters an epoch: keeps its weights as the last ones, and as the best or among the best if they
  /// are. All ranks call it together.
  ///
  /// - Parameters:
  ///   - report: figures of the epoch, with its selection score.
  ///   - evaluation: the scores.
  ///   - model: runs its argument with the model that has the weights.
  ///   - forget: what else to do where scores until now do not compare with this one.
  func enter(
    _ report: EpochReport, _ evaluation: Evaluation,
    with model: ((SpeechEnhancer) -> [UInt8]) -> [UInt8], forget: () throws -> Void
  ) throws {
    let epoch = report.epoch
    if let change = state.progress.select(by: meaning, epoch: epoch) {
      log.warning(change)
      try write(forget)
    }
    var isBest = false
    if let score = report.selection, score > state.progress.bestScore ?? -.infinity {
      state.progress.bestScore = score
      state.progress.bestEpoch = epoch
      isBest = true
    }
    let isKept = keep(report)
    let card = cards.epoch(report, evaluation, rule: rule(ofEpoch: epoch), state.progress)
    try write {
      let weights = model { self.serialized($0, card) }
      if isBest {
        try AtomicFile.write(weights, to: self.folder.best)
        try AtomicFile.write(evaluation.bestScoresCSV, to: self.folder.file(.bestScores))
      }
      if isKept { try AtomicFile.write(weights, to: self.folder.weights(epoch: epoch)) }
      try AtomicFile.write(weights, to: self.folder.lastWeights)
    }
    if isKept { try writeMean(epoch: epoch) }
  }

  /// Enters an epoch among the best ones, if the run keeps several. Returns whether it is one.
  private func keep(_ report: EpochReport) -> Bool {
    guard let count = trainer.configuration.recipe.averageBest else {
      state.progress.bestEpochs = nil
      return false
    }
    guard let score = report.selection else { return false }
    state.progress.keep(score, of: report.epoch, count: count)
    return state.progress.bestEpochs?.contains { $0.epoch == report.epoch } == true
  }

  /// Writes the mean over the best epochs. One whose weights are gone is left out of this mean and
  /// of those to come.
  private func writeMean(epoch: Int) throws {
    guard let count = trainer.configuration.recipe.averageBest, let kept = state.progress.bestEpochs
    else {
      return
    }
    let lost = try saving.write { () -> [String] in
      var lost: [String] = []
      var files: [WeightFile] = []
      var epochs: [KeptEpoch] = []
      for entry in kept {
        do {
          files.append(try WeightFile(contentsOf: self.folder.weights(epoch: entry.epoch)))
          epochs.append(entry)
        } catch {
          lost.append("\(entry.epoch): \(error)")
        }
      }
      if files.isEmpty { return lost }
      let card = self.cards.mean(
        epochs, of: count, rule: self.rule(ofEpoch: epoch), self.state.progress)
      try AtomicFile.write(
        Array(
          try WeightMean.serialized(
            files, of: self.trainer.configuration.model, program: Program.nameAndVersion,
            card: card)), to: self.folder.mean(ofBest: count))
      return lost
    }
    for text in lost {
      let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
      log.warning("left out of the mean of the best epochs: epoch \(text)")
      state.progress.bestEpochs?.removeAll { "\($0.epoch)" == parts[0] }
    }
  }

  /// Removes the weights of epochs that are not among the best any more. After the checkpoint that
  /// says so: a run that is killed before enters the epoch once more. All ranks call it together.
  func removeOthers() throws {
    let kept = Set(state.progress.bestEpochs?.map(\.epoch) ?? [])
    try write {
      for epoch in self.folder.keptEpochs where !kept.contains(epoch) {
        unlink(self.folder.weights(epoch: epoch).path(percentEncoded: false))
      }
    }
  }

  /// Runs `body` on rank 0, which writes into the run folder.
  private func write(_ body: () throws -> Void) throws {
    _ = try saving.write {
      try body()
      return true
    }
  }

  private func serialized(_ model: SpeechEnhancer, _ card: WeightCard) -> [UInt8] {
    Array(
      WeightFile.serialized(
        model, program: Program.nameAndVersion,
        metadata: [WeightCard.key: card.json.description]))
  }
}
