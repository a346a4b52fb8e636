import Checkpoints
import Corpora
import Evaluation
import Files
import Metrics
import Recipes
import RunFiles
import Weights

/// The model cards of the files of weights that a run writes.
struct RunCards {
  private let configuration: TrainingConfiguration
  private let recipe: [String: JSONValue]
  private let corpus: String?
  private let stepsPerEpoch: Int

  /// Cards of the run of `trainer`.
  init(_ trainer: Trainer) {
    configuration = trainer.configuration
    stepsPerEpoch = trainer.stepsPerEpoch
    corpus = trainer.corpusName
    let json = (try? configuration.json()).flatMap { try? JSONValue(parsing: Array($0.utf8)) }
    recipe = json.map(WeightCard.recipe(ofConfiguration:)) ?? [:]
  }

  private func card(
    _ kind: WeightCard.Kind, epochs: [Int], step: Int?, _ progress: TrainingProgress
  ) -> WeightCard {
    func set(_ fingerprint: SetFingerprint) -> WeightCard.Utterances {
      // A packed corpus and its folder have one digest, and give the same weights.
      .init(count: fingerprint.utterances, digest: fingerprint.digest)
    }
    var card = WeightCard(kind: kind, epochs: epochs, step: step)
    card.recipe = recipe
    card.corpus = corpus
    card.trainSet = progress.trainSet.map(set)
    card.validationSet = progress.validationSet.map(set)
    card.start = configuration.initialization.map { "\($0.summary) (\($0.fingerprint))" }
    return card
  }

  private var kind: WeightCard.Kind { configuration.averageDecay == nil ? .raw : .averaged }

  /// The card of the weights of the epoch of `report`, which `evaluation` scored.
  func epoch(
    _ report: EpochReport, _ evaluation: Evaluation, rule: String, _ progress: TrainingProgress
  ) -> WeightCard {
    var card = card(
      kind, epochs: [report.epoch], step: report.epoch * stepsPerEpoch, progress)
    let metrics = Set.validation.union(configuration.selection.metrics)
      .defined(sampleRate: configuration.model.frontEnd.sampleRate)
    card.scores = metrics.ordered.compactMap { column in
      evaluation.means(of: column).map {
        .init(metric: column.rawValue, noisy: $0.noisy, enhanced: $0.enhanced)
      }
    }
    if let loss = report.validationLoss {
      card.scores.append(.init(metric: "loss", noisy: nil, enhanced: loss))
    }
    card.scored = (report.scored, report.total)
    card.selection = report.selection.map { (rule, $0) }
    return card
  }

  /// The card of weights before the first step.
  func start(_ progress: TrainingProgress) -> WeightCard {
    var card = card(kind, epochs: [0], step: 0, progress)
    card.note = "the weights that the run started from; the run has not scored them"
    return card
  }

  /// The card of the mean of the weights of `epochs`, the best ones until now.
  func mean(
    _ epochs: [KeptEpoch], of count: Int, rule: String, _ progress: TrainingProgress
  ) -> WeightCard {
    var card = card(.mean, epochs: epochs.map(\.epoch), step: nil, progress)
    let asked = epochs.count < count ? " of \(count) asked for" : ""
    card.note =
      "the mean over the \(epochs.count) best epochs\(asked) by \(rule); the run has not scored it"
    return card
  }
}
