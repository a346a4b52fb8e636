import Checkpoints
import Foundation

extension FaultInjection {
  /// Hooks through which the fault strikes in the steps of `rank`.
  package func hooks(rank: Int) -> StepHooks {
    guard rank == self.rank else { return StepHooks() }
    switch kind {
    case .killInCheckpoint, .damageCheckpoint, .noLocks, .noSymbolicLinks, .noLinks:
      return StepHooks()
    case .loopInLoader: return StepHooks(endlessLoadAfterStep: step)
    case .stopProcess:
      let step = step
      return StepHooks(beforeStep: { number, _ in if number == step + 1 { raise(SIGSTOP) } })
    case .poisonWeight: return NumericalFault.poisonWeight(step: step, rank: rank).hooks(rank: rank)
    case .poisonGradient:
      return NumericalFault.poisonGradient(step: step, rank: rank).hooks(rank: rank)
    case .poisonInput: return NumericalFault.poisonInput(step: step, rank: rank).hooks(rank: rank)
    case .poisonDiscriminatorWeight:
      return NumericalFault.poisonDiscriminatorWeight(step: step, rank: rank).hooks(rank: rank)
    case .poisonDiscriminatorGradient:
      return NumericalFault.poisonDiscriminatorGradient(step: step, rank: rank).hooks(rank: rank)
    case .poisonLabel: return NumericalFault.poisonLabel(step: step, rank: rank).hooks(rank: rank)
    }
  }
}
