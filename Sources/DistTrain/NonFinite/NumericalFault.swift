import Adversarial
import Loading
import Synchronization
import Tensor

/// Where a step lets its numbers be spoiled on purpose. Without hooks nothing happens.
package struct StepHooks: Sendable {
  /// Called with the number of a step, from 1, and parameters, before anything is computed.
  package typealias Parameters = @Sendable (_ step: Int, _ parameters: ParameterArena) -> Void
  /// Called with the number of a step and this rank's gradient sums, still zero. A NaN in them
  /// stays whatever is added, while each item's own gradients are as they should be.
  package typealias Sums = @Sendable (_ step: Int, _ sums: GradientSum) -> Void
  /// Called with the number of a step, an utterance and the labels of its crop.
  package typealias Labels =
    @Sendable (_ step: Int, _ item: Int, _ labels: inout CropLabels) -> Void

  /// Called with the parameters of the model.
  package var beforeStep: Parameters
  /// Called with the gradient sums of the model.
  package var sums: Sums
  /// After how many steps the reading of the next crop never returns.
  package var endlessLoadAfterStep: Int?
  /// Called with the number of the step, an utterance and the noisy samples of its crop, when the
  /// step takes them and when they are read again to see what was wrong.
  package var noisy: CropLoader.Spoiling
  /// Called with the parameters of the discriminator.
  package var beforeDiscriminator: Parameters = { _, _ in }
  /// Called with the gradient sums of the discriminator.
  package var discriminatorSums: Sums = { _, _ in }
  /// Called with the labels of each crop of the rank, in order.
  package var labels: Labels = { _, _, _ in }

  /// Hooks that do nothing unless given.
  package init(
    beforeStep: @escaping Parameters = { _, _ in }, sums: @escaping Sums = { _, _ in },
    endlessLoadAfterStep: Int? = nil, noisy: @escaping CropLoader.Spoiling = { _, _, _ in }
  ) {
    self.beforeStep = beforeStep
    self.sums = sums
    self.endlessLoadAfterStep = endlessLoadAfterStep
    self.noisy = noisy
  }
}

/// A NaN that appears in the numbers of one rank, as from a bit that flips: to test what follows.
package enum NumericalFault: Equatable, Sendable {
  /// `poison-weight@step=S,rank=R`: in the middle of the parameter of that name, or of the first.
  case poisonWeight(step: Int, rank: Int, name: String? = nil)
  /// `poison-gradient@step=S,rank=R`: in the rank's own gradient sums, of the last parameter. The
  /// fault is gone when the step is computed again.
  case poisonGradient(step: Int, rank: Int)
  /// `poison-input@step=S,rank=R`: in the noisy samples of the rank's first utterance of the step,
  /// as often as that step reads them, like a recording with a fault.
  case poisonInput(step: Int, rank: Int)
  /// `poison-discriminator-weight@step=S,rank=R`: in the middle of the discriminator's parameter of
  /// that name, or of its first.
  case poisonDiscriminatorWeight(step: Int, rank: Int, name: String? = nil)
  /// `poison-discriminator-gradient@step=S,rank=R`: in the rank's own gradient sums of the
  /// discriminator, of its last parameter. The fault is gone when the step is computed again.
  case poisonDiscriminatorGradient(step: Int, rank: Int)
  /// `poison-label@step=S,rank=R`: in the label of the estimate of the rank's first crop that has
  /// labels.
  case poisonLabel(step: Int, rank: Int)

  /// Hooks that make the fault happen on `rank`. Weights, gradients and labels are spoiled once: a
  /// step that is taken again is spared.
  package func hooks(rank: Int) -> StepHooks {
    switch self {
    case .poisonWeight(let step, rank, let name):
      return StepHooks(beforeStep: Self.weight(step, name))
    case .poisonGradient(let step, rank): return StepHooks(sums: Self.sums(step))
    case .poisonDiscriminatorWeight(let step, rank, let name):
      var hooks = StepHooks()
      hooks.beforeDiscriminator = Self.weight(step, name)
      return hooks
    case .poisonDiscriminatorGradient(let step, rank):
      var hooks = StepHooks()
      hooks.discriminatorSums = Self.sums(step)
      return hooks
    case .poisonLabel(let step, rank):
      let once = Once()
      var hooks = StepHooks()
      hooks.labels = { current, _, labels in
        guard current == step, labels.fault == nil, once.isFirst() else { return }
        labels = CropLabels(estimate: .nan, noisy: labels.noisy)
      }
      return hooks
    case .poisonInput(let step, rank):
      let victim = Mutex<Int?>(nil)
      return StepHooks(noisy: { current, item, samples in
        guard current == step, !samples.isEmpty else { return }
        let isVictim = victim.withLock { victim in
          victim = victim ?? item
          return victim == item
        }
        if isVictim { samples[samples.count / 2] = .nan }
      })
    default: return StepHooks()
    }
  }

  /// Spoils the middle of the parameter `name`, or of the first.
  private static func weight(_ step: Int, _ name: String?) -> StepHooks.Parameters {
    let once = Once()
    return { current, arena in
      guard current == step, once.isFirst() else { return }
      let victim = arena.parameters.first { name == nil || $0.name == name }
      if let victim { victim.value[victim.count / 2] = .nan }
    }
  }

  /// Spoils the last parameter's gradient.
  private static func sums(_ step: Int) -> StepHooks.Sums {
    let once = Once()
    return { current, sums in
      guard current == step, once.isFirst() else { return }
      // The arena ends with filling; its last line holds at least one number of a parameter.
      let line = max(0, sums.buffer.count - 16)
      if !sums.buffer.isEmpty { sums.buffer[line] = .nan }
    }
  }

  private final class Once: Sendable {
    private let isDone = Mutex(false)

    func isFirst() -> Bool {
      isDone.withLock { isDone in
        defer { isDone = true }
        return !isDone
      }
    }
  }
}
