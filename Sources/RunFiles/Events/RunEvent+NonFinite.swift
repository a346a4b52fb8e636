extension RunEvent {
  /// A rank reports on a skipped step.
  package struct NonFinite: EventFields {
    package static let name = "nonfinite"
    /// Number of the skipped step.
    package var step = 0
    package var epoch = 0
    /// The rank that reports.
    package var rank = 0
    /// Whether everything was finite when it was computed again.
    package var isTransient = false
    /// Place of the first tensor that is not finite; nil if the finding is transient.
    package var utterance: String?
    package var stage: String?
    package var layer: String?
    package var tensor: String?
    /// Elements of that tensor that are NaN, and that are infinite.
    package var nan = 0
    package var infinite = 0
    package var areWeightsFinite = true
    package var isInputFinite = true
    package var utterances: [String] = []
    package var isOwnLossFinite = true
    package var ownGradient: String?
    package var meanGradient: String?
    /// Path of the dump, or of an earlier one with the same finding.
    package var dump: String?

    package init() {}

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("epoch", &epoch)
      try fields("rank", &rank)
      try fields("transient", &isTransient)
      try fields("utterance", &utterance)
      try fields("stage", &stage)
      try fields("layer", &layer)
      try fields("tensor", &tensor)
      try fields("nan", &nan)
      try fields("infinite", &infinite)
      try fields("weights_finite", &areWeightsFinite)
      try fields("input_finite", &isInputFinite)
      try fields("utterances", &utterances)
      try fields("own_loss_finite", &isOwnLossFinite)
      try fields("own_gradient", &ownGradient)
      try fields("mean_gradient", &meanGradient)
      try fields("dump", &dump)
    }

    package var event: RunEvent { .nonFinite(self) }
  }

  /// A run returns to an earlier state.
  package struct Rollback: EventFields {
    package static let name = "rollback"
    /// Steps that were done before.
    package var fromStep = 0
    /// Steps that are done in the restored state.
    package var step = 0
    /// The epoch that continues, from 1.
    package var epoch = 0
    /// Factor of the scheduled learning rate from here on.
    package var rateFactor = 1.0
    /// Number of this rollback, from 1, and the number of those allowed.
    package var rollback = 0
    package var limit = 0
    /// Path of the restored checkpoint; nil for the initial weights.
    package var checkpoint: String?

    package init() {}

    /// Return from step `fromStep` to `step`, with all fields of the present version.
    package init(
      fromStep: Int, step: Int, epoch: Int, rateFactor: Double, rollback: Int, limit: Int,
      checkpoint: String?
    ) {
      self.fromStep = fromStep
      self.step = step
      self.epoch = epoch
      self.rateFactor = rateFactor
      self.rollback = rollback
      self.limit = limit
      self.checkpoint = checkpoint
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields("from_step", &fromStep)
      try fields.required("step", &step)
      try fields("epoch", &epoch)
      try fields("rate_factor", &rateFactor)
      try fields("rollback", &rollback)
      try fields("limit", &limit)
      try fields("checkpoint", &checkpoint)
    }

    package var event: RunEvent { .rollback(self) }
  }

  /// A run gives up because of skipped steps.
  package struct Diverged: EventFields {
    package static let name = "diverged"
    /// Steps that are done.
    package var step = 0
    /// The current epoch, from 1.
    package var epoch = 0
    /// Skipped steps of the whole run, those before rollbacks included.
    package var skippedSteps = 0
    package var firstSkippedStep = 0
    /// Base learning rates that were tried, in order.
    package var learningRates: [Double] = []
    package var rollbacks = 0
    /// Names of the dumps.
    package var dumps: [String] = []

    package init() {}

    /// End of a run that skipped too many steps, with all fields of the present version.
    package init(
      step: Int, epoch: Int, skippedSteps: Int, firstSkippedStep: Int, learningRates: [Double],
      rollbacks: Int, dumps: [String]
    ) {
      self.step = step
      self.epoch = epoch
      self.skippedSteps = skippedSteps
      self.firstSkippedStep = firstSkippedStep
      self.learningRates = learningRates
      self.rollbacks = rollbacks
      self.dumps = dumps
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("epoch", &epoch)
      try fields("skipped_steps", &skippedSteps)
      try fields("first_skipped_step", &firstSkippedStep)
      try fields("learning_rates", &learningRates)
      try fields("rollbacks", &rollbacks)
      try fields("dumps", &dumps)
    }

    package var event: RunEvent { .diverged(self) }
  }
}
