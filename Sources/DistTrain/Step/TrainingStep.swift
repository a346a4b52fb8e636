import CPlatform
import Checkpoints
import Adversarial
import Communication
import Exchange
import Loading
import Losses
import Platform
import Recipes
import Tensor
import Tracing

/// Requests of a rank for the time after the step under way, or those of all ranks together.
///
/// They travel with the sums that every step exchanges anyway, so that the ranks agree without
/// waiting for each other once more.
public struct StepRequests: Equatable, Sendable {
  /// Stop: a signal has come.
  public var stopBySignal = false
  /// Stop: the time of the job is nearly up.
  public var stopByTime = false
  /// Save, and go on.
  public var save = false
  /// Wait for the validation under way: a rank's share is not done.
  public var validating = false

  /// Requests of a rank that asks for nothing.
  public init() {}

  /// One number for each request, to be added up over ranks.
  package var counts: [Double] { [stopBySignal, stopByTime, save, validating].map { $0 ? 1 : 0 } }

  /// Requests of any rank, from the sums of `counts`.
  init(sums: some Collection<Double>) {
    let wanted = sums.map { $0 > 0 }
    precondition(wanted.count == 4, "StepRequests: \(wanted.count) sums")
    stopBySignal = wanted[0]
    stopByTime = wanted[1]
    save = wanted[2]
    validating = wanted[3]
  }
}

/// One step of data-parallel training: forward and backward of each item, all-reduce, clip, Adam.
///
/// A step goes utterance by utterance: no operation mixes utterances, so a tape holds the
/// activations of one, whatever the batch. Their gradients are added in double precision, over
/// utterances and over ranks, so that the result does not depend on how many ranks share the batch.
public final class TrainingStep {
  /// Result of one training step, aggregated over all ranks.
  public struct Outcome: Equatable, Sendable {
    /// Sum of the items' losses.
    public let lossSum: Double
    /// Items of all ranks.
    public let itemCount: Int
    /// Items of all ranks that were left out because they could not be made.
    public let leftOutCount: Int
    /// Global gradient norm before clipping.
    public let gradientNorm: Double
    /// Learning rate of the step.
    public let learningRate: Double
    /// Whether the step was left out because a loss or gradient was not finite.
    public let isSkipped: Bool
    /// Seconds of the step that a rank waited for its items, the mean over ranks.
    public let dataSeconds: Double
    /// Seconds in which this rank loaded and computed, before it waited for others.
    public let busySeconds: Double
    /// Seconds until the gradients of all ranks and their norm were known.
    public let reducedSeconds: Double
    /// Requests of any rank for the time after this step.
    public let requests: StepRequests
    /// Times of the exchange of gradients, as seen by this rank.
    public let exchanged: GradientExchange.Outcome
    /// The discriminator's part of the step; nil without one.
    package let duel: Duel.Outcome?
  }

  private let state: TrainingState
  private let clip: Float?
  private let loss: TrainingLoss
  private let frozen: FrozenParameters
  private let communicator: any Communicator
  private let exchange: GradientExchange
  private let hooks: StepHooks
  private let duel: Duel?
  private var ownLossSum = 0.0
  /// Items that go backward side by side at a step's end; 0 until the first item has shown what it
  /// holds.
  package private(set) var itemsBesideTransfer = 0

  /// Steps of `state` that lower `losses`, with gradients clipped to the norm `clip`, if there is a
  /// limit, which do not move the `frozen` parameters, spoiled by `hooks`. With an `adversary` both
  /// networks take a step; its labels come from `labels`. All ranks make it together.
  package init(
    _ state: TrainingState, clip: Double?, losses: LossSettings = .published,
    frozen: FrozenParameters = .none,
    exchange settings: ExchangeSettings = ExchangeSettings(), hooks: StepHooks = StepHooks(),
    adversary: AdversarialTraining? = nil, labels: (any LabelSource)? = nil,
    over communicator: any Communicator
  ) throws {
    self.hooks = hooks
    self.frozen = frozen
    self.state = state
    loss = TrainingLoss(losses, state.model.configuration.frontEnd)
    self.clip = clip.map { Float($0) }
    self.communicator = communicator
    exchange = try GradientExchange(state.model.parameters, settings, over: communicator)
    if let adversary, let labels {
      duel = try Duel(
        adversary, labels: labels, frontEnd: state.model.configuration.frontEnd,
        exchange: settings, hooks: hooks, over: communicator)
    } else {
      duel = nil
    }
  }

  /// Buckets that a step's gradients travel in.
  public var bucketCount: Int { exchange.bucketCount }

  /// Observations of this rank in the last step, if that was skipped.
  var nonFiniteEvidence: NonFiniteEvidence {
    NonFiniteEvidence(
      isOwnLossFinite: ownLossSum.isFinite,
      ownGradient: NonFiniteEvidence.firstParameter(
        state.model.parameters, in: exchange.sums.buffer) ?? duel?.nonFinite.own,
      meanGradient: NonFiniteEvidence.firstParameter(
        state.model.parameters, in: state.model.parameters.gradients.buffer)
        ?? duel?.nonFinite.mean,
      areOwnTermsFinite: duel?.areTermsFinite)
  }

  /// Decisions on the discriminator's passes in the last step; nil without one.
  var duelDecisions: AdversarialInspection.Settings? { duel?.decisions }

  /// This rank's crops of the last step, with what the discriminator made of them.
  package private(set) var judged: [Duel.Judged] = []

  /// One step over this rank's `batch`. `requests` is called once, near the end, for what this rank
  /// asks for after the step. `trace` gets the times of its parts. `duel` is about the
  /// discriminator, if there is one.
  ///
  /// All ranks call it together, if with no item. All get the same outcome and hold the same
  /// weights afterwards. Estimates that the discriminator learns from are those of before the
  /// generator's step. A step that is skipped is so for both networks.
  ///
  /// - Throws: `RootFailure` on all ranks if `batch` throws on any; the weights are as before.
  package func run(
    _ batch: some BatchSource, learningRate: Double, _ execution: Execution,
    duel settings: Duel.Settings = .learning,
    trace: TraceRecorder? = nil, requests: () -> StepRequests = StepRequests.init
  ) throws -> Outcome {
    let parameters = state.model.parameters
    let profile = execution.profile
    let number = state.progress.step + 1
    let count = batch.count
    hooks.beforeStep(number, parameters)
    let stopwatch = Stopwatch()
    communicator.enter(.trainingStep)
    profile.measure(.gradients, .backward, .uncounted) {
      exchange.begin(trace: trace)
    }
    hooks.sums(number, exchange.sums)
    parameters.zeroGradients()
    duel?.begin(number, settings)
    var lossSum = 0.0
    var tapes: [Tape] = []
    var held: [(tape: Tape, estimate: Tensor)] = []
    var computed = 0
    var failure: (any Error)?
    for index in 0..<count {
      let allocated = platform_allocated_bytes()
      let tape = Tape(execution)
      communicator.enter(.loadingData)
      let made: BatchItem?
      do {
        made = try trace.measure(.load, utterances: index + 1...index + 1) {
          try profile.measure(.loading, .forward, .uncounted) { try batch.item(index) }
        }
      } catch {
        // The others learn of it where all ranks meet, so that all leave in order.
        failure = error
        break
      }
      communicator.enter(.trainingStep)
      guard let item = made else { continue }
      let (enhanced, value) = trace.measure(.forward, utterances: index + 1...index + 1) {
        let enhanced = state.model(item.noisy, tape)
        return (enhanced, loss(enhanced, item.clean, tape))
      }
      lossSum += value
      computed += 1
      if itemsBesideTransfer == 0 {
        itemsBesideTransfer = exchange.itemsBesideTransfer(
          activationBytes: Int(platform_allocated_bytes()) - Int(allocated))
      }
      if let duel {
        duel.add(item, batch.crop(index), estimate: enhanced, execution, trace)
        if duel.isFirst {
          held.append((tape, enhanced))
          continue
        }
      }
      tapes.append(tape)
      // The last items go backward side by side, so that the gradients of the last layers are final
      // early and travel while all of them go through the others.
      if index < count - itemsBesideTransfer {
        backward(tapes, upTo: computed, isLast: false, profile, trace)
        tapes = []
      }
    }
    if let duel, duel.isFirst {
      try duel.learn(isBroken: failure != nil || !lossSum.isFinite, execution, trace)
      // In this order the generator learns from the discriminator that has taken its step.
      duel.takeStep(execution, trace)
      duel.addGeneratorTerms(held.map(\.estimate), execution, trace)
      tapes = held.map(\.tape)
      held = []
      for index in 0..<max(0, tapes.count - max(1, itemsBesideTransfer)) {
        backward([tapes.removeFirst()], upTo: index + 1, isLast: false, profile, trace)
      }
    }
    exchange.count(items: computed)
    backward(tapes, upTo: computed, isLast: true, profile, trace)
    ownLossSum = lossSum
    let busySeconds = stopwatch.seconds - (duel?.exposedSeconds ?? 0)
    let exchanged = try profile.measure(
      .exchange, .backward, .pass(parameters.count, arrays: 3)
    ) { try exchange.finish() }
    frozen.zeroGradients(of: parameters)
    let norm = trace.measure(.clip) {
      profile.measure(.clip, .backward, .sumOfSquares(parameters.count)) {
        GradientNorm(parameters)
      }
    }
    let reducedSeconds = stopwatch.seconds
    if let duel, !duel.isFirst {
      try duel.learn(
        isBroken: failure != nil || !lossSum.isFinite || !norm.value.isFinite, execution, trace)
    }
    // One decision for all ranks: a replica that stepped alone would differ for ever.
    let isBad =
      !lossSum.isFinite || !norm.value.isFinite
      || !(duel?.isGradientFinite ?? true) || !(duel?.areTermsFinite ?? true)
    let leftOut = failure == nil ? Double(count - computed) : 0
    let decisions = [lossSum, isBad ? 1 : 0, batch.waitedSeconds, failure == nil ? 0 : 1, leftOut]
    let asked = requests().counts
    let sums = try trace.measure(.agreement) {
      try communicator.allReduceSum(decisions + asked + (duel?.sums ?? []))
    }
    if sums[3] > 0 {
      duel?.undo()
      duel?.end()
      try RootDecision(communicator).together { if let failure { throw failure } }
    }
    let isSkipped = sums[1] > 0
    if isSkipped { duel?.undo() }
    // Without any item there is nothing to learn: moments must not move the weights either.
    let isEmpty = exchanged.itemCount == 0 && sums[4] > 0
    if !isSkipped && !isEmpty {
      trace.measure(.adam) {
        profile.measure(.adam, .backward, .adam(parameters.count)) {
          state.adam.step(
            learningRate: Float(learningRate),
            gradientScale: clip.map { norm.clipFactor(limit: $0) } ?? 1,
            over: frozen.trained)
          state.average?.update(parameters)
        }
      }
      duel?.takeStep(execution, trace)
    }
    let outcome = duel?.outcome(Array(sums[(decisions.count + asked.count)...]))
    judged = duel?.judged ?? []
    duel?.end()
    return Outcome(
      lossSum: sums[0], itemCount: exchanged.itemCount, leftOutCount: Int(sums[4]),
      gradientNorm: norm.value,
      learningRate: learningRate, isSkipped: isSkipped,
      dataSeconds: sums[2] / Double(communicator.worldSize), busySeconds: busySeconds,
      reducedSeconds: reducedSeconds,
      requests: StepRequests(sums: sums[decisions.count..<decisions.count + asked.count]),
      exchanged: exchanged, duel: outcome)
  }

  /// Runs `tapes` backward, all of them step by step, and adds their gradients to the sums, in the
  /// order of the tapes for every element, as if they had come one after another. They are the last
  /// of the step's first `count` items.
  private func backward(
    _ tapes: [Tape], upTo count: Int, isLast: Bool, _ profile: Profile?, _ trace: TraceRecorder?
  ) {
    if tapes.isEmpty { return }
    trace.measure(.backward, utterances: count - tapes.count + 1...count) {
      backward(tapes, isLast: isLast, profile)
    }
  }

  private func backward(_ tapes: [Tape], isLast: Bool, _ profile: Profile?) {
    let parameters = state.model.parameters
    var ends = tapes.map { _ in parameters.count }
    while !tapes.isEmpty {
      for (index, tape) in tapes.enumerated() {
        guard let boundary = tape.backwardStep() else { return }
        let range = boundary..<ends[index]
        ends[index] = boundary
        profile.measure(.gradients, .backward, .pass(range.count, arrays: 6)) {
          exchange.sums.add(parameters, range)
          parameters.zeroGradients(range)
        }
      }
      if isLast, let boundary = ends.max() { exchange.ready(from: boundary) }
    }
  }
}
