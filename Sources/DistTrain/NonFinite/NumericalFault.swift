import Synchronization
import Tensor

/// Where a step lets its numbers be spoiled on purpose. Without hooks nothing happens.
package struct StepHooks: Sendable {
  /// Called with the number of the step, from 1, and the parameters, before anything is computed.
  package var beforeStep: @Sendable (_ step: Int, _ parameters: ParameterArena) -> Void
  /// Called with the number of the step and this rank's gradient sums, still zero. A NaN in them
  /// stays whatever is added, while each item's own gradients are as they should be.
  package var sums: @Sendable (_ step: Int, _ sums: GradientSum) -> Void
  /// After how many steps the reading of the next crop never returns.
  package var endlessLoadAfterStep: Int?
  /// Called with the number of the step, an utterance and the noisy samples of its crop, when the
  /// step takes them and when they are read again to see what was wrong.
  package var noisy: @Sendable (_ step: Int, _ item: Int, _ samples: inout [Float]) -> Void

  /// Hooks that do nothing unless given.
  package init(
    beforeStep: @escaping @Sendable (_ step: Int, _ parameters: ParameterArena) -> Void = { _, _ in
    },
    sums: @escaping @Sendable (_ step: Int, _ sums: GradientSum) -> Void = { _, _ in },
    endlessLoadAfterStep: Int? = nil,
    noisy: @escaping @Sendable (_ step: Int, _ item: Int, _ samples: inout [Float]) -> Void = {
      _, _, _ in
    }
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

  /// Hooks that make the fault happen on `rank`. Weights and gradients are spoiled once: a step
  /// that is taken again is spared.
  package func hooks(rank: Int) -> StepHooks {
    switch self {
    case .poisonWeight(let step, rank, let name):
      let once = Once()
      return StepHooks(beforeStep: { current, arena in
        guard current == step, once.isFirst() else { return }
        let victim = arena.parameters.first { name == nil || $0.name == name }
        if let victim { victim.value[victim.count / 2] = .nan }
      })
    case .poisonGradient(let step, rank):
      let once = Once()
      return StepHooks(sums: { current, sums in
        guard current == step, once.isFirst() else { return }
        // The arena ends with filling; its last line holds at least one number of a parameter.
        let line = max(0, sums.buffer.count - 16)
        if !sums.buffer.isEmpty { sums.buffer[line] = .nan }
      })
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
