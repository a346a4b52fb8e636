import Platform

/// Where the threads of an in-process group meet for one collective operation after another.
///
/// Each rank deposits its argument and waits; the last to arrive combines all deposits into the
/// result that everybody returns with.
final class Meeting: Sendable {
  /// Deposited pointers are touched only while all their owners wait here.
  private struct State {
    var deposits: [Any?]
    var operations: [String?]
    var arrived = 0
    var round = 0
    var outcome: Result<Any, CommunicationError>?
    var departed: Int?
  }

  let size: Int
  private let state: Guarded<State>

  init(size: Int) {
    self.size = size
    state = Guarded(
      State(
        deposits: Array(repeating: nil, count: size),
        operations: Array(repeating: nil, count: size)))
  }

  /// Runs `combine` once over the deposits of all ranks, in rank order.
  ///
  /// Every rank gets its result or its error. Throws `mismatch` on all ranks when they name
  /// different operations, and `peerLeft` when a rank has left.
  func meet<Deposit, Result>(
    rank: Int, operation: String, deposit: Deposit,
    combine: ([Deposit]) throws(CommunicationError) -> Result
  ) throws(CommunicationError) -> Result {
    let round = try state.change { (state) throws(CommunicationError) in
      if let departed = state.departed { throw .peerLeft(operation: operation, rank: departed) }
      state.deposits[rank] = deposit
      state.operations[rank] = operation
      state.arrived += 1
      let round = state.round
      if state.arrived == size {
        state.outcome = combined(state, operation, combine)
        state.deposits = Array(repeating: nil, count: size)
        state.arrived = 0
        state.round += 1
      }
      return round
    }
    let outcome = try state.wait(until: { $0.round != round || $0.departed != nil }) {
      (state) throws(CommunicationError) in
      // A rank that left after this round was complete does no harm to it.
      if state.round == round, let departed = state.departed {
        throw .peerLeft(operation: operation, rank: departed)
      }
      return try state.outcome?.get()
    }
    guard let value = outcome as? Result else {
      preconditionFailure("\(operation): a result of another operation")
    }
    return value
  }

  /// Makes every operation throw from now on.
  func leave(rank: Int) {
    state.change { if $0.departed == nil { $0.departed = rank } }
  }

  private func combined<Deposit, Result>(
    _ state: State, _ operation: String,
    _ combine: ([Deposit]) throws(CommunicationError) -> Result
  ) -> Swift.Result<Any, CommunicationError> {
    let names = state.operations.compactMap { $0 }
    if let other = names.firstIndex(where: { $0 != names[0] }) {
      return .failure(
        .mismatch(
          operation: operation,
          reason: "rank 0 calls \(names[0]), rank \(other) calls \(names[other])"))
    }
    let all = state.deposits.compactMap { $0 as? Deposit }
    precondition(all.count == size, "\(operation): \(all.count) deposits of \(size)")
    do {
      return .success(try combine(all))
    } catch {
      return .failure(error)
    }
  }
}
