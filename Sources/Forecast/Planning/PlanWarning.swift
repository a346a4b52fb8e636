import Platform

/// Warnings about a plan.
package enum PlanWarning: Equatable, Sendable {
  /// The global batch is larger than training tolerates.
  case batchBeyondMaximum(globalBatch: Int, maximum: Int, ranks: Int)
  /// The global batch is larger than the published one.
  case batchAbovePublished(globalBatch: Int, hasWarmup: Bool, hasAverage: Bool)
  /// The global batch is smaller than the published one.
  case batchBelowPublished(globalBatch: Int)
  /// Some ranks have no utterance in any step.
  case moreRanksThanUtterances(ranks: Int, utterances: Int)
  /// Some ranks have nothing to validate.
  case moreRanksThanValidation(ranks: Int, utterances: Int)
  /// The last step of an epoch costs as much as a full one.
  case lastStepMostlyEmpty(utterances: Int, globalBatch: Int, stepsPerEpoch: Int)
  /// A node has less memory than the plan needs.
  case memory(needed: Int, available: Int, isThisMachine: Bool, recomputes: Bool)
  /// Ranks have more threads than a node has cores.
  case cores(threads: Int, cores: Int)
  /// A validation is longer than a job.
  case validationBeyondWallTime(seconds: Double, wallTime: Double)
  /// The recipe has a discriminator, whose passes no figure has.
  case discriminatorLeftOut(preset: String)
  /// The measurements of the calibration disagree with each other.
  case doubtfulCalibration(doubt: Double)

  /// Number of utterances per step in the published recipe.
  package static let publishedBatch = 6
  /// Relative uncertainty above which a calibration is doubtful.
  package static let largestDoubt = 0.15
}

extension PlanWarning: Encodable, CustomStringConvertible {
  /// Encodes the warning as its text.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// One sentence that says what is wrong and what to change.
  package var description: String {
    let text = NumberText.self
    let published = Self.publishedBatch
    switch self {
    case .batchBeyondMaximum(let globalBatch, let maximum, let ranks):
      let way =
        ranks > maximum
        ? "even with --batch 1 there are too many ranks: use fewer, with more --threads"
        : "--batch \(maximum / ranks) makes it \(maximum / ranks * ranks), or use fewer ranks with "
          + "more --threads"
      return
        "a step has \(text.count(globalBatch, "utterance")), more than --max-global-batch "
        + "\(maximum), beyond which training suffers; \(way)"
    case .batchAbovePublished(let globalBatch, let hasWarmup, let hasAverage):
      let missing = [hasWarmup ? nil : "--warmup", hasAverage ? nil : "--ema"].compactMap { $0 }
      let way =
        missing.isEmpty ? "compare its scores" : "train with \(missing.joined(separator: " and "))"
      return "a step has \(text.count(globalBatch, "utterance")), and the published recipe "
        + "\(published): there are fewer steps, each with less noise; \(way) "
        + "(docs/training.md, Short runs and many ranks)"
    case .batchBelowPublished(let globalBatch):
      return "a step has \(text.count(globalBatch, "utterance")), and the published recipe "
        + "\(published): raise --batch or --accumulate to compare with it"
    case .moreRanksThanUtterances(let ranks, let utterances):
      return "a step has \(text.count(utterances, "utterance")) for \(text.count(ranks, "rank")): "
        + "\(ranks - utterances) of them never \(text.agree(ranks - utterances, "has", "have")) "
        + "any; use fewer ranks, with more --threads"
    case .moreRanksThanValidation(let ranks, let utterances):
      return "there \(text.agree(utterances, "is", "are")) "
        + "\(text.count(utterances, "validation utterance")) for \(text.count(ranks, "rank")): "
        + "\(ranks - utterances) of them \(text.agree(ranks - utterances, "waits", "wait")) "
        + "while the others validate"
    case .lastStepMostlyEmpty(let utterances, let globalBatch, let stepsPerEpoch):
      return "the last of \(text.count(stepsPerEpoch, "step")) of an epoch has \(utterances) of "
        + "\(text.count(globalBatch, "utterance")) and takes as long as a full one; another batch "
        + "or --steps-per-epoch \(max(1, stepsPerEpoch - 1)) saves up to "
        + text.percent(1 / Double(stepsPerEpoch))
    case .memory(let needed, let available, let isThisMachine, let recomputes):
      let owner = isThisMachine ? "this machine" : "a node"
      let hint = isThisMachine ? " (for other nodes say --memory-per-node)" : ""
      return "the ranks of a node take \(PlanText.gigabytes(needed)), and \(owner) has "
        + "\(PlanText.gigabytes(available))\(hint); use fewer ranks a node with more --threads"
        + (recomputes ? "" : ", or --recompute")
    case .cores(let threads, let cores):
      return "a node has \(text.count(cores, "core")) for \(text.count(threads, "thread")): they "
        + "take turns, and every step waits for the last"
    case .validationBeyondWallTime(let seconds, let wallTime):
      return "a validation takes \(TimeSpan.text(seconds)), and a job ends after "
        + "\(TimeSpan.text(wallTime)): no epoch would ever end; use --validation-count, or more "
        + "time"
    case .discriminatorLeftOut(let preset):
      return "the time and memory of the recipe's discriminator are not in these figures; "
        + "disttrain bench step --preset \(preset) --adversarial says what it adds to a step"
    case .doubtfulCalibration(let doubt):
      return
        "measured steps differ among themselves by \(text.percent(doubt)): something else ran; "
        + "measure again on a quiet machine before you believe the times"
    }
  }
}
