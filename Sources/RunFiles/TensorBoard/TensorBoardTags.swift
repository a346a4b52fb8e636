extension RunEvent {
  /// The step and the numbers of the event for TensorBoard, without those that were not measured;
  /// nil if it has none. A tag's part before the slash is a section of TensorBoard's page. Tags
  /// keep their names, even those with an older word for an epoch: a resumed run continues its
  /// curves.
  var scalars: (step: Int, values: [(tag: String, value: Double)])? {
    let numbers: [(String, Double?)]
    let step: Int?
    switch self {
    case .step(let fields):
      step = fields.step
      numbers = [
        ("train/loss", fields.loss), ("train/gradient_norm", fields.gradientNorm),
        ("train/learning_rate", fields.learningRate),
        ("train/skipped", fields.isSkipped ? 1 : 0),
        ("step_seconds/busy", fields.busySeconds), ("step_seconds/data", fields.dataSeconds),
        ("step_seconds/exposed_exchange", fields.exposedSeconds),
      ]
    case .epoch(let fields):
      step = fields.step
      let report = fields.report
      numbers = [
        ("validation/pesq", report.pesq), ("validation/noisy_pesq", report.noisyPESQ),
        ("validation/si_sdr", report.siSDR), ("validation/noisy_si_sdr", report.noisySISDR),
        ("validation/selection_score", report.ownSelection),
        ("validation/loss", report.validationLoss), ("validation/scored", Double(report.scored)),
        ("train/pass_loss", report.trainingLoss),
        ("throughput/audio_seconds_per_second", report.audioSecondsPerSecond),
        ("pass_seconds/all", report.seconds),
        ("pass_seconds/validation", report.validationSeconds),
        ("pass_seconds/data", fields.dataSeconds),
      ]
    case .waiting(let fields):
      step = fields.step
      numbers = [
        ("pass_seconds/ranks_waiting", fields.report.waited),
        ("throughput/jitter", fields.report.jitter),
      ]
    case .checkpoint(let fields):
      step = fields.step
      numbers = [
        ("checkpoint/seconds", fields.seconds), ("checkpoint/bytes", Double(fields.bytes)),
      ]
    case .discriminator(let fields):
      step = fields.step
      numbers = [
        ("discriminator/loss", fields.loss), ("discriminator/clean_loss", fields.cleanLoss),
        ("discriminator/estimate_loss", fields.estimateLoss),
        ("discriminator/noisy_loss", fields.noisyLoss),
        ("discriminator/generator_term", fields.generatorTerm),
        ("discriminator/gradient_norm", fields.gradientNorm),
        ("discriminator/learning_rate", fields.learningRate),
        ("discriminator/pesq", fields.pesq),
        ("discriminator/predicted_pesq", fields.predictedPESQ),
        ("discriminator/unlabelled", Double(fields.crops - fields.labelled)),
      ]
    default:
      return nil
    }
    return step.map { ($0, numbers.compactMap { tag, value in value.map { (tag, $0) } }) }
  }
}
