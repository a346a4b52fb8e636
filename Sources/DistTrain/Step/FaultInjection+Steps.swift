import Foundation

extension FaultInjection {
  /// `hooks`, and what of this fault strikes in the steps of `rank`.
  package func hooks(_ hooks: StepHooks, rank: Int) -> StepHooks {
    guard rank == self.rank else { return hooks }
    var hooks = hooks
    switch kind {
    case .loopInLoader: hooks.endlessLoadAfterStep = step
    case .stopProcess:
      let before = hooks.beforeStep
      let step = step
      hooks.beforeStep = { number, parameters in
        if number == step + 1 { raise(SIGSTOP) }
        before(number, parameters)
      }
    default: break
    }
    return hooks
  }
}
