/// Steps, epochs and checkpoints of a run that count, from its events in their order.
///
/// A start and a rollback undo what comes after the step that they name, since the run does it
/// again. This is the one place that knows the rule; `watch` and `report` read a run through it.
/// The run itself follows it in its own files: TensorBoard's get a mark at the same events
/// (`RunEvent.resumedStep`), and `history.csv`, by which runs are compared, loses the rows of
/// undone epochs.
package struct RunTimeline: Equatable, Sendable {
  /// The highest selection score of an epoch: PESQ, or SI-SDR in dB where PESQ is not defined,
  /// unless the run has a rule of its own.
  package struct Best: Equatable, Sendable {
    package let score: Double
    package let epoch: Int
    package let isSISDR: Bool
    /// The rule; nil in files of versions that did not write it.
    var rule: String?
  }

  /// Facts of a step that are kept, 40 bytes: a run has hundreds of thousands of steps.
  package struct Step: Equatable, Sendable {
    /// Number of the step in the run, from 1.
    package let step: Int
    /// Seconds that a rank waited for crops, mean over ranks.
    package let dataSeconds: Double
    /// Seconds in which rank 0 loaded and computed.
    package let busySeconds: Double
    /// Seconds that rank 0 waited for the exchange of gradients.
    package let exposedSeconds: Double
    /// The loss; infinite where there is none, since events have no infinite numbers.
    private let storedLoss: Double

    /// Mean loss over the crops of all ranks; nil if it was not finite.
    package var loss: Double? { storedLoss.isFinite ? storedLoss : nil }

    /// The facts of `event`.
    package init(_ event: RunEvent.Step) {
      step = event.step
      dataSeconds = event.dataSeconds
      busySeconds = event.busySeconds
      exposedSeconds = event.exposedSeconds
      storedLoss = event.loss ?? .infinity
    }
  }

  /// Facts of a discriminator's step that are kept; nil where nothing was measured.
  package struct DiscriminatorStep: Equatable, Sendable {
    /// Number of the step in the run, from 1.
    package let step: Int
    /// The discriminator's loss.
    package let loss: Double?
    /// The generator's adversarial term, without its weight.
    package let generatorTerm: Double?
    /// Mean PESQ of the estimates.
    package let pesq: Double?
    /// Mean PESQ that the discriminator predicts of them.
    package let predictedPESQ: Double?

    /// The facts of `event`.
    init(_ event: RunEvent.Discriminator) {
      step = event.step
      loss = event.loss
      generatorTerm = event.generatorTerm
      pesq = event.pesq
      predictedPESQ = event.predictedPESQ
    }
  }

  /// The steps that count, in order; empty if they are not kept.
  package private(set) var steps: [Step] = []
  /// The discriminator's steps that count, in order; empty if steps are not kept.
  package private(set) var discriminator: [DiscriminatorStep] = []
  /// Numbers of the skipped steps that count, in order.
  package private(set) var skippedSteps: [Int] = []
  /// The number of all steps that were skipped, those that were undone included.
  package private(set) var skippedCount = 0
  /// The epochs that count, in order of their number. Some may be missing where the beginning of a
  /// run is not known.
  package private(set) var epochs: [RunEvent.Epoch] = []
  /// The number of epochs that are validated and count.
  package private(set) var finishedEpochs = 0
  /// The checkpoints that count.
  package private(set) var checkpoints: [RunEvent.Checkpoint] = []
  /// The number of all checkpoints.
  package private(set) var checkpointCount = 0
  /// The number of starts, the first one included.
  package private(set) var startCount = 0
  /// The last start.
  package private(set) var lastStart: RunEvent.Start?
  /// The rollbacks, undone ones included.
  package private(set) var rollbacks: [RunEvent.Rollback] = []
  /// Steps of an epoch, which tell where the epochs of a log and of version 0.1.0 end; nil as long
  /// as that is not known.
  package var stepsPerEpoch: Int?
  /// The best score before the last rollback, and the step that the run returned to.
  private var bestBefore: Best?
  private var bestBeforeStep = 0
  private let keepsSteps: Bool

  /// A run of which nothing is known. Without `keepsSteps` it takes little memory.
  package init(keepsSteps: Bool = true) { self.keepsSteps = keepsSteps }

  /// The timeline of all `events`.
  package init(_ events: some Sequence<RunEvent>) {
    self.init()
    for event in events { apply(event) }
  }

  /// The best score so far, as the run has it. A rollback keeps it even if its epoch is undone, as
  /// the run keeps its weights; a run that is resumed has the one of its checkpoint.
  /// Scores of another rule than the last epoch's do not compare.
  package var best: Best? {
    let rule = epochs.last?.selectedBy
    // Versions that wrote no rule had the standard one of the model's sample rate.
    let standard = ["pesq_wb", "si_sdr"]
    func isComparable(_ other: String?) -> Bool {
      if other == rule { return true }
      return (other == nil || rule == nil) && standard.contains(other ?? rule ?? "")
    }
    let before = bestBefore.flatMap { isComparable($0.rule) ? $0 : nil }
    return epochs.reduce(before) { best, epoch in
      guard isComparable(epoch.selectedBy), let score = epoch.selectionScore,
        score > best?.score ?? -.infinity
      else { return best }
      let isOwn = epoch.report.ownSelection != nil
      return Best(
        score: score, epoch: epoch.report.epoch, isSISDR: epoch.report.pesq == nil && !isOwn,
        rule: epoch.selectedBy)
    }
  }

  /// Takes up the next event.
  package mutating func apply(_ event: RunEvent) {
    switch event {
    case .start(let start):
      // A checkpoint from before the rollback does not know of it.
      if start.step < bestBeforeStep { bestBefore = nil }
      startCount += 1
      lastStart = start
      stepsPerEpoch = start.stepsPerEpoch ?? stepsPerEpoch
    case .rollback(let rollback):
      bestBefore = best
      bestBeforeStep = rollback.step
      rollbacks.append(rollback)
    case .step(let step):
      forgetSteps(after: step.step - 1)
      if keepsSteps { steps.append(Step(step)) }
      if step.isSkipped {
        skippedSteps.append(step.step)
        skippedCount += 1
      }
    case .epoch(let epoch): finish(epoch)
    case .checkpoint(let checkpoint):
      checkpoints.append(checkpoint)
      checkpointCount += 1
    case .discriminator(let step):
      forgetDiscriminator(after: step.step - 1)
      if keepsSteps { discriminator.append(DiscriminatorStep(step)) }
    case .waiting, .stop, .fallback, .nonFinite, .diverged, .leftOut, .unlabelled: break
    }
    if let step = event.resumedStep { goBack(to: step) }
  }

  /// The number of the last step of the epoch numbered `number`; nil if that is not known.
  package func lastStep(ofEpoch number: Int) -> Int? {
    if let step = epochs.last(where: { $0.report.epoch == number })?.step { return step }
    guard let stepsPerEpoch else { return nil }
    let product = number.multipliedReportingOverflow(by: stepsPerEpoch)
    return product.overflow ? .max : product.partialValue
  }

  /// An epoch that is repeated takes the place of the first, where the file does not say that the
  /// run went back.
  private mutating func finish(_ epoch: RunEvent.Epoch) {
    let number = epoch.report.epoch
    guard number > 0, number < 1_000_000 else { return }
    while let last = epochs.last, last.report.epoch >= number { epochs.removeLast() }
    epochs.append(epoch)
    finishedEpochs = number
  }

  private mutating func goBack(to step: Int) {
    forgetSteps(after: step)
    forgetDiscriminator(after: step)
    checkpoints.removeAll { $0.step > step }
    while finishedEpochs > 0, lastStep(ofEpoch: finishedEpochs) ?? 0 > step { finishedEpochs -= 1 }
    epochs.removeAll { $0.report.epoch > finishedEpochs }
  }

  private mutating func forgetDiscriminator(after step: Int) {
    while let last = discriminator.last, last.step > step { discriminator.removeLast() }
  }

  private mutating func forgetSteps(after step: Int) {
    while let last = steps.last, last.step > step { steps.removeLast() }
    while let last = skippedSteps.last, last > step { skippedSteps.removeLast() }
  }
}
