import Models
import Tensor

/// One step of data-parallel training: forward and backward of each item, all-reduce, clip, Adam.
///
/// A step goes utterance by utterance: no operation mixes utterances, so a tape holds the
/// activations of one, whatever the batch. Their gradients are added in double precision, over
/// utterances and over ranks, so that the result does not depend on how many ranks share the batch.
public final class TrainingStep {
  /// Noisy and clean spectrograms of one item, each [1, T, F, 2].
  public typealias Item = (noisy: Tensor, clean: Tensor)

  /// What one step came to, over all ranks.
  public struct Outcome: Equatable, Sendable {
    /// Sum of the items' losses.
    public let lossSum: Double
    /// Items of all ranks.
    public let itemCount: Int
    /// Global gradient norm before clipping.
    public let gradientNorm: Double
    /// Whether the step was left out because a loss or gradient was not finite.
    public let isSkipped: Bool
    /// Seconds that the ranks waited for data, added up.
    public let waitedSeconds: Double
    /// What any rank wants to happen after this step.
    public let requests: StepRequests
  }

  private let state: TrainingState
  private let clip: Float
  private let communicator: any Communicator
  private let gradients: GradientSum
  private let buckets: GradientBuckets

  /// Steps of `state` with gradients clipped to the norm `clip`.
  public init(_ state: TrainingState, clip: Double, over communicator: any Communicator) {
    self.state = state
    self.clip = Float(clip)
    self.communicator = communicator
    gradients = GradientSum(state.model.parameters)
    buckets = GradientBuckets(count: state.model.parameters.count)
  }

  /// One step over this rank's `count` items, which `load` makes one at a time; `waitedSeconds`
  /// tells afterwards how long that took, and `requests` what this rank wants to happen next.
  ///
  /// All ranks call it together, if with no item. All get the same outcome and hold the same
  /// weights afterwards.
  public func run(
    count: Int, learningRate: Double, _ execution: Execution,
    waitedSeconds: () -> Double = { 0 }, requests: () -> StepRequests = StepRequests.init,
    load: (Int) throws -> Item
  ) throws -> Outcome {
    let parameters = state.model.parameters
    let profile = execution.profile
    profile.measure(.gradients, .backward, .uncounted) { gradients.reset() }
    var lossSum = 0.0
    for index in 0..<count {
      let item = try profile.measure(.loading, .forward, .uncounted) { try load(index) }
      profile.measure(.gradients, .backward, .uncounted) { parameters.zeroGradients() }
      let tape = Tape(execution)
      let enhanced = state.model(item.noisy, tape)
      lossSum += Double(spectralLoss(enhanced, item.clean, tape).total)
      tape.backward()
      profile.measure(.gradients, .backward, .pass(parameters.count, arrays: 5)) {
        gradients.add(parameters)
      }
    }
    let itemCount = try profile.measure(
      .exchange, .backward, .pass(parameters.count, arrays: 3)
    ) {
      try buckets.reduce(
        gradients.buffer, itemCount: count, mean: parameters.gradients.buffer, over: communicator)
    }
    let norm = profile.measure(
      .clip, .backward, .sumOfSquares(parameters.count)
    ) { GradientNorm(parameters) }
    // One decision for all ranks: a replica that stepped alone would differ for ever.
    let isBad = !lossSum.isFinite || !norm.value.isFinite
    let sums = try communicator.allReduceSum(
      [lossSum, isBad ? 1 : 0, waitedSeconds()] + requests().counts)
    let isSkipped = sums[1] > 0
    if !isSkipped {
      profile.measure(.adam, .backward, .adam(parameters.count)) {
        state.adam.step(
          learningRate: Float(learningRate), gradientScale: norm.clipFactor(limit: clip))
        state.average?.update(parameters)
      }
    }
    return Outcome(
      lossSum: sums[0], itemCount: itemCount, gradientNorm: norm.value, isSkipped: isSkipped,
      waitedSeconds: sums[2], requests: StepRequests(sums: sums[3...]))
  }
}
