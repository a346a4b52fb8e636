import Adversarial
import Audio
import Communication
import Exchange
import Evaluation
import Loading
import Models
import Recipes
import Platform
import Tensor
import Tracing

/// The discriminator's part of a training step: labels, the generator's adversarial term, and the
/// step of the discriminator's own weights.
///
/// `TrainingStep` decides when both networks take their steps, and whether they do: a step that is
/// skipped leaves both as they were.
package final class Duel {
  /// Settings of one step.
  package struct Settings: Equatable, Sendable {
    /// Whether the generator's loss has its adversarial term.
    package var isUsed: Bool
    /// Rate of the discriminator's step.
    package var learningRate: Double

    /// Settings of these values.
    package init(isUsed: Bool, learningRate: Double) {
      self.isUsed = isUsed
      self.learningRate = learningRate
    }

    /// A discriminator that learns at the usual rate and is not used.
    package static let learning = Settings(isUsed: false, learningRate: 1e-3)
  }

  let training: AdversarialTraining
  private let labels: any LabelSource
  private let exchange: GradientExchange
  private let communicator: any Communicator
  private let stft: STFT
  private let hooks: StepHooks
  private var before: [AdversarialState.Snapshot] = []
  private var number = 0
  private var step = Settings(isUsed: false, learningRate: 0)
  private var found: [CropLabels] = []
  private var terms: [AdversarialTraining.Terms] = []
  private var generatorTermSum = 0.0
  private var counts = LabelCounts(crops: 0, labelled: 0)
  private var norm: GradientNorm?
  private var hasStepped = false
  /// The first of the discriminator's parameters, in forward order, whose gradients were not finite
  /// in the step: summed over this rank's crops, and as means over all ranks.
  private(set) var nonFinite: (own: String?, mean: String?)
  private var labelWait = 0.0
  private var seconds = 0.0
  /// Seconds of the step in which this rank waited for others, with the discriminator.
  private(set) var exposedSeconds = 0.0

  /// The duel of `training`, whose labels come from `labels`, on spectra of `frontEnd`, spoiled by
  /// `hooks`. All ranks make it together.
  init(
    _ training: AdversarialTraining, labels: any LabelSource, frontEnd: FrontEnd,
    exchange settings: ExchangeSettings, hooks: StepHooks, over communicator: any Communicator
  ) throws {
    self.training = training
    self.hooks = hooks
    self.labels = labels
    self.communicator = communicator
    stft = STFT(frontEnd)
    let parameters = training.state.discriminator.parameters
    var settings = settings
    settings.bucketBytes = max(64, parameters.count * settings.wire.byteCount)
    exchange = try GradientExchange(parameters, settings, over: communicator)
  }

  /// Whether the generator's backward pass has to wait for the discriminator's step.
  var isFirst: Bool { training.recipe.order == .discriminatorFirst }

  /// Whether the generator's term is computed before anything else.
  private var opensWithGenerator: Bool { step.isUsed && !isFirst }

  /// Begins the step numbered `number`, from 1. All ranks call it together.
  func begin(_ number: Int, _ step: Settings) {
    self.step = step
    self.number = number
    hooks.beforeDiscriminator(number, training.state.discriminator.parameters)
    before = [training.state.snapshotOfNorms()]
    found = []
    terms = []
    generatorTermSum = 0
    norm = nil
    nonFinite = (nil, nil)
    hasStepped = false
    (labelWait, seconds, exposedSeconds) = (0, 0, 0)
    training.begin(step: number)
    if opensWithGenerator { training.openPass() }
  }

  /// Takes up an item of this rank and its estimate, [1, T, F, 2], and begins its labels. If the
  /// generator is first, its adversarial term is computed with them.
  func add(
    _ item: BatchItem, _ crop: BatchCrop, estimate: Tensor, _ execution: Execution,
    _ trace: TraceRecorder?
  ) {
    let samples =
      crop.clean.isEmpty
      ? [] : stft.inverse(estimate.elements, sampleCount: crop.clean.count)
    labels.begin(LabelledCrop(clean: crop.clean, estimate: samples, noisy: crop.noisy))
    measure(.forward, execution, trace) { execution in
      training.add(
        utterance: crop.utterance, clean: item.clean, estimate: estimate, noisy: item.noisy,
        execution)
    }
    if opensWithGenerator {
      addGeneratorTerm(training.cropCount - 1, estimate: estimate, execution, trace)
    }
  }

  /// Computes the adversarial terms of all of this rank's crops with the discriminator as it now
  /// is, if they are used. All ranks call it together.
  func addGeneratorTerms(
    _ estimates: [Tensor], _ execution: Execution, _ trace: TraceRecorder?
  ) {
    guard step.isUsed else { return }
    training.openPass()
    for (index, estimate) in estimates.enumerated() {
      addGeneratorTerm(index, estimate: estimate, execution, trace)
    }
  }

  private func addGeneratorTerm(
    _ index: Int, estimate: Tensor, _ execution: Execution, _ trace: TraceRecorder?
  ) {
    measure(.backward, execution, trace) { execution in
      generatorTermSum += Double(
        training.generatorTerm(index, estimate: estimate, execution))
    }
  }

  /// Whether this rank's adversarial terms are finite.
  var areTermsFinite: Bool { generatorTermSum.isFinite && terms.allSatisfy(\.isFinite) }

  /// The discriminator's passes and the exchange of its gradients. With `isBroken` on any rank
  /// there are none. All ranks call it together.
  func learn(
    isBroken: Bool, _ execution: Execution, _ trace: TraceRecorder?
  ) throws(CommunicationError) {
    let stopwatch = Stopwatch()
    found = trace.measure(.labels) {
      execution.profile.measure(.labels, .forward, .uncounted) { labels.finish() }
    }
    for (index, utterance) in training.utterances.enumerated() {
      hooks.labels(number, utterance, &found[index])
    }
    labelWait = stopwatch.seconds
    let labelled = found.count { $0.fault == nil }
    let meeting = Stopwatch()
    let sums = try trace.measure(.agreement) { () throws(CommunicationError) in
      try communicator.allReduceSum(
        [Double(found.count), Double(labelled), isBroken || !areTermsFinite ? 1 : 0])
    }
    exposedSeconds += meeting.seconds
    counts = LabelCounts(crops: Int(sums[0]), labelled: Int(sums[1]))
    guard sums[2] == 0, counts.teaches(training.recipe) else {
      seconds = stopwatch.seconds - labelWait - exposedSeconds
      return
    }
    let labelWeight = labelWeight
    exchange.begin(trace: trace)
    exchange.count(items: found.count)
    hooks.discriminatorSums(number, exchange.sums)
    measure(.backward, execution, trace) { execution in
      terms = training.learn(found, labelWeight: labelWeight, execution) { exchange.sums.add($0) }
    }
    exchange.ready(from: 0)
    exposedSeconds += try exchange.finish().exposedSeconds
    norm = GradientNorm(training.state.discriminator.parameters)
    if !isGradientFinite { noteNonFinite() }
    seconds = stopwatch.seconds - labelWait - exposedSeconds
  }

  private var labelWeight: Float { counts.labelWeight(training.recipe.missing) }

  /// Whether the discriminator has a gradient to take a step by. Equal on all ranks.
  var hasGradient: Bool { norm != nil }

  /// Whether that gradient is finite, or there is none. Equal on all ranks.
  var isGradientFinite: Bool { norm?.value.isFinite ?? true }

  /// Takes the discriminator's step, once in a training step, if there is a gradient that is
  /// finite.
  func takeStep(_ execution: Execution, _ trace: TraceRecorder?) {
    guard let norm, isGradientFinite, !hasStepped else { return }
    hasStepped = true
    let state = training.state
    // The other order steps when all ranks have agreed, and then nothing is undone.
    if isFirst { before.append(state.snapshotOfWeights()) }
    trace.measure(.adam) {
      execution.profile.measure(.adam, .backward, .adam(state.discriminator.parameters.count)) {
        state.adam.step(
          learningRate: Float(step.learningRate),
          gradientScale: training.recipe.clip.map { norm.clipFactor(limit: Float($0)) } ?? 1)
      }
    }
  }

  /// Returns to the state before the step.
  func undo() {
    for snapshot in before.reversed() { training.state.restore(snapshot) }
    hasStepped = false
  }

  /// Ends the step, and frees its crops.
  func end() {
    before = []
    training.end()
  }

  /// Notes whose gradients are not finite, before other passes overwrite them.
  private func noteNonFinite() {
    let parameters = training.state.discriminator.parameters
    func name(_ parameter: String) -> String { AdversarialInspection.prefix + parameter }
    nonFinite = (
      NonFiniteEvidence.firstParameter(parameters, in: exchange.sums.buffer).map(name),
      NonFiniteEvidence.firstParameter(parameters, in: parameters.gradients.buffer).map(name)
    )
  }

  /// Decisions on the discriminator's passes in the step.
  var decisions: AdversarialInspection.Settings {
    AdversarialInspection.Settings(
      isUsed: step.isUsed, hasPasses: counts.teaches(training.recipe), labelWeight: labelWeight)
  }

  /// Runs `body`, whose parts are measured as one.
  private func measure(
    _ pass: Profile.Pass, _ execution: Execution, _ trace: TraceRecorder?,
    _ body: (Execution) -> Void
  ) {
    var own = execution
    own.profile = nil
    trace.measure(.discriminator) {
      execution.profile.measure(.discriminator, pass, .uncounted) { body(own) }
    }
  }
}

extension Duel {
  /// Sums of this rank that the ranks add up at the end of a step; `Outcome` takes their totals.
  var sums: [Double] {
    let labelled = zip(found, terms).filter { $0.0.fault == nil }
    func sum(_ value: (AdversarialTraining.Terms) -> Float) -> Double {
      terms.reduce(0) { $0 + Double(value($1)) }
    }
    return [
      generatorTermSum, sum(\.clean), sum(\.estimate), sum(\.noisy),
      labelled.reduce(0) { $0 + Double($1.0.estimate) },
      labelled.reduce(0) { $0 + Double($1.1.predictions[.estimate] ?? 0) },
    ]
  }

  /// Result of the discriminator's part of a step, aggregated over all ranks.
  package struct Outcome: Equatable, Sendable {
    /// Whether the generator's loss had its term.
    package let isUsed: Bool
    /// Whether the discriminator took a step.
    package let hasMoved: Bool
    /// Passes of the discriminator over the batch.
    package let passCount: Int
    /// Crops of all ranks.
    package let itemCount: Int
    /// Crops among them with all their labels.
    package let labelledCount: Int
    /// Mean of (D − 1)² over the crops; nil if the term was not used.
    package let generatorTerm: Double?
    /// Mean of the term of the perfect pair; nil, as all that follow, without passes of its own.
    package let cleanLoss: Double?
    /// Mean of the term of clean and estimate, over the crops with labels.
    package let estimateLoss: Double?
    /// Mean of the term of estimate and noisy, over the crops with labels.
    package let noisyLoss: Double?
    /// Sum of the terms.
    package let loss: Double?
    /// Norm of the discriminator's gradient before clipping.
    package let gradientNorm: Double?
    /// Mean label of the estimates, over the crops with labels.
    package let label: Double?
    /// Mean prediction for the same crops.
    package let prediction: Double?
    /// Rate of the discriminator.
    package let learningRate: Double
    /// Seconds that this rank waited for labels.
    package let labelSeconds: Double
    /// Seconds in which this rank computed the discriminator's own passes.
    package let seconds: Double
  }

  /// The outcome, from the totals of `sums` over the ranks.
  func outcome(_ totals: [Double]) -> Outcome {
    let hasPasses = norm != nil
    let hasLabels = hasPasses && labelWeight > 0
    let (items, labelled) = (Double(counts.crops), Double(counts.labelled))
    let clean = hasPasses && training.recipe.terms.contains(.clean) ? totals[1] / items : nil
    let estimate = hasLabels ? totals[2] / labelled : nil
    let noisy = hasLabels && training.recipe.hasNoisyTerm ? totals[3] / labelled : nil
    return Outcome(
      isUsed: step.isUsed, hasMoved: hasStepped, passCount: training.passCount,
      itemCount: counts.crops, labelledCount: counts.labelled,
      generatorTerm: step.isUsed && counts.crops > 0 ? totals[0] / items : nil,
      cleanLoss: clean, estimateLoss: estimate, noisyLoss: noisy,
      loss: hasPasses ? (clean ?? 0) + (estimate ?? 0) + (noisy ?? 0) : nil,
      gradientNorm: norm?.value,
      label: hasPasses && labelled > 0 ? totals[4] / labelled : nil,
      prediction: hasPasses && labelled > 0 ? totals[5] / labelled : nil,
      learningRate: step.learningRate, labelSeconds: labelWait, seconds: seconds)
  }

  /// A crop of this rank, with what is known of its labels.
  package struct Judged: Equatable, Sendable {
    /// Index of the utterance in the training split.
    package let utterance: Int
    /// Its labels, or why it has none.
    package let labels: CropLabels
    /// The discriminator's predictions, by pass; empty without passes.
    package let predictions: [AdversarialPass: Float]
  }

  /// This rank's crops of the step.
  var judged: [Judged] {
    zip(training.utterances, found).enumerated().map { index, pair in
      Judged(
        utterance: pair.0, labels: pair.1,
        predictions: terms.indices.contains(index) ? terms[index].predictions : [:])
    }
  }
}

extension AdversarialTraining.Terms {
  fileprivate var isFinite: Bool { clean.isFinite && estimate.isFinite && noisy.isFinite }
}
