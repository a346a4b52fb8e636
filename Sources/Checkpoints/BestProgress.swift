import Foundation
import Recipes

/// One of the best epochs of a run, whose weights are kept for a mean.
public struct KeptEpoch: Codable, Equatable, Sendable {
  /// Its number, from 1.
  public let epoch: Int
  /// Its selection score.
  public let score: Double

  /// The epoch `epoch` with its score.
  package init(epoch: Int, score: Double) {
    self.epoch = epoch
    self.score = score
  }
}

/// The meaning of the selection score of an epoch: scores are compared only with those of one
/// meaning.
package struct SelectionMeaning: Equatable, Sendable {
  /// The rule of the run.
  package let rule: SelectionRule
  /// The rule of runs that ask for none.
  package let standard: SelectionRule
  /// The epoch from which the validation loss has a further term, such as an adversarial one; nil
  /// while it stays what it is. Set it where such a term is part of the validation loss.
  package var lossChangesAt: Int?

  /// The meaning for runs of `configuration`.
  package init(_ configuration: TrainingConfiguration) {
    rule = configuration.selection
    standard = .standard(sampleRate: configuration.model.frontEnd.sampleRate)
  }

  /// The meaning of the score of `epoch`, as a text.
  package func text(epoch: Int) -> String {
    guard rule.usesLoss, let first = lossChangesAt, epoch >= first else { return "\(rule)" }
    return "\(rule), with the loss as of epoch \(first)"
  }
}

extension TrainingProgress {
  /// Makes the meaning of the score of `epoch` that of the best score. Where it was another one,
  /// the best epochs until now are forgotten.
  ///
  /// - Returns: a sentence about the change; nil if there is none, or nothing to forget.
  package mutating func select(by meaning: SelectionMeaning, epoch: Int) -> String? {
    let standard = "\(meaning.standard)"
    let (old, new) = (bestBy ?? standard, meaning.text(epoch: epoch))
    bestBy = new == standard ? nil : new
    if old == new { return nil }
    let last = bestScore.flatMap { score in
      bestEpoch.map { String(format: " (%.4f in epoch %d until now)", score, $0) }
    }
    forgetBest()
    return last.map {
      "the best epoch is chosen by \(new) from epoch \(epoch) on, and was by \(old); that epoch "
        + "sets a new best\($0)"
    }
  }

  /// Forgets the best epochs: scores to come do not compare with theirs. Patience counts anew.
  package mutating func forgetBest() {
    bestScore = nil
    bestEpoch = validatedEpochs > 0 ? validatedEpochs : nil
    bestEpochs = nil
    plateau?.forgetBest()
  }

  /// Enters the score of `epoch` among the `count` best ones, in order of the epochs; among equal
  /// scores the earlier stays.
  package mutating func keep(_ score: Double, of epoch: Int, count: Int) {
    let others = (bestEpochs ?? []).filter { $0.epoch < epoch }
    let all = others + [KeptEpoch(epoch: epoch, score: score)]
    let best = all.sorted { ($0.score, $1.epoch) > ($1.score, $0.epoch) }.prefix(count)
    bestEpochs = best.sorted { $0.epoch < $1.epoch }
  }
}
