extension RunEvent {
  /// A step of a run with a discriminator is done.
  package struct Discriminator: EventFields {
    package static let name = "discriminator"
    /// Number of the step in the run, from 1.
    package var step = 0
    /// Whether the generator's loss had its term in this step.
    package var isUsed = false
    /// Whether the discriminator took a step of its own.
    package var hasMoved = false
    /// The generator's adversarial term without its weight, mean over the crops of all ranks.
    package var generatorTerm: Double?
    /// The discriminator's loss, the sum of its terms; nil in a step without any.
    package var loss: Double?
    /// Its term of the perfect pair.
    package var cleanLoss: Double?
    /// Its term of clean and estimate.
    package var estimateLoss: Double?
    /// Its term of estimate and noisy.
    package var noisyLoss: Double?
    /// Norm of its gradient before clipping.
    package var gradientNorm: Double?
    package var learningRate = 0.0
    /// Mean PESQ of the estimates, from their labels.
    package var pesq: Double?
    /// Mean PESQ of the same estimates as the discriminator predicts it.
    package var predictedPESQ: Double?
    /// Crops of all ranks.
    package var crops = 0
    /// Crops among them that have all their labels.
    package var labelled = 0
    /// Seconds that rank 0 waited for labels.
    package var labelSeconds = 0.0
    /// Seconds that rank 0 spent on the discriminator's own passes and their exchange.
    package var seconds = 0.0

    package init() {}

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("used", &isUsed)
      try fields("moved", &hasMoved)
      try fields("generator_term", &generatorTerm)
      try fields("loss", &loss)
      try fields("clean_loss", &cleanLoss)
      try fields("estimate_loss", &estimateLoss)
      try fields("noisy_loss", &noisyLoss)
      try fields("gradient_norm", &gradientNorm)
      try fields("learning_rate", &learningRate)
      try fields("pesq", &pesq)
      try fields("predicted_pesq", &predictedPESQ)
      try fields("crops", &crops)
      try fields("labelled", &labelled)
      try fields("label_seconds", &labelSeconds)
      try fields("seconds", &seconds)
    }

    package var event: RunEvent { .discriminator(self) }
  }

  /// Crops of a step have no PESQ, and so no label for the discriminator.
  package struct Unlabelled: EventFields {
    package static let name = "unlabelled"
    /// Number of the step.
    package var step = 0
    /// Its epoch, from 1.
    package var epoch = 0
    /// Names of the utterances, of all ranks.
    package var utterances: [String] = []
    /// The rank that had each of them.
    package var ranks: [Int] = []
    /// The reason of each of them.
    package var reasons: [String] = []
    /// Crops without label since the start of the job or its resumption, these included.
    package var cropCount = 0

    package init() {}

    /// Report on the step `step`, with all fields of the present version.
    package init(
      step: Int, epoch: Int, utterances: [String], ranks: [Int], reasons: [String], cropCount: Int
    ) {
      self.step = step
      self.epoch = epoch
      self.utterances = utterances
      self.ranks = ranks
      self.reasons = reasons
      self.cropCount = cropCount
    }

    package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
      try fields.required("step", &step)
      try fields("epoch", &epoch)
      try fields("utterances", &utterances)
      try fields("ranks", &ranks)
      try fields("reasons", &reasons)
      try fields("crops", &cropCount)
    }

    package var event: RunEvent { .unlabelled(self) }
  }
}
