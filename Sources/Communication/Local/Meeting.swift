import Foundation

/// Where the threads of an in-process group meet for one collective operation after another.
///
/// Each rank deposits its argument and waits; the last to arrive combines all deposits into the
/// result that everybody returns with.
final class Meeting: @unchecked Sendable {
  // Sendable because the condition guards every access to the mutable fields. Deposited pointers
  // are touched only while all their owners wait here.
  private let condition = NSCondition()
  let size: Int
  private var deposits: [Any?]
  private var operations: [String?]
  private var arrived = 0
  private var round = 0
  private var outcome: Result<Any, CommunicationError>?
  private var departed: Int?

  init(size: Int) {
    self.size = size
    deposits = Array(repeating: nil, count: size)
    operations = Array(repeating: nil, count: size)
  }

  /// Runs `combine` once over the deposits of all ranks, in rank order.
  ///
  /// Every rank gets its result or its error. Throws `mismatch` on all ranks when they name
  /// different operations, and `peerLeft` when a rank has left.
  func meet<Deposit, Result>(
    rank: Int, operation: String, deposit: Deposit,
    combine: ([Deposit]) throws(CommunicationError) -> Result
  ) throws(CommunicationError) -> Result {
    condition.lock()
    defer { condition.unlock() }
    if let departed { throw .peerLeft(operation: operation, rank: departed) }
    deposits[rank] = deposit
    operations[rank] = operation
    arrived += 1
    let myRound = round
    if arrived == size {
      outcome = combined(operation, combine)
      deposits = Array(repeating: nil, count: size)
      arrived = 0
      round += 1
      condition.broadcast()
    } else {
      while round == myRound && departed == nil { condition.wait() }
      // A rank that left after this round was complete does no harm to it.
      if round == myRound, let departed {
        throw .peerLeft(operation: operation, rank: departed)
      }
    }
    guard let value = try outcome?.get() as? Result else {
      preconditionFailure("\(operation): a result of another operation")
    }
    return value
  }

  /// Makes every operation throw from now on.
  func leave(rank: Int) {
    condition.withLock {
      if departed == nil { departed = rank }
      condition.broadcast()
    }
  }

  private func combined<Deposit, Result>(
    _ operation: String, _ combine: ([Deposit]) throws(CommunicationError) -> Result
  ) -> Swift.Result<Any, CommunicationError> {
    let names = operations.compactMap { $0 }
    if let other = names.firstIndex(where: { $0 != names[0] }) {
      return .failure(
        .mismatch(
          operation: operation,
          reason: "rank 0 calls \(names[0]), rank \(other) calls \(names[other])"))
    }
    let all = deposits.compactMap { $0 as? Deposit }
    precondition(all.count == size, "\(operation): \(all.count) deposits of \(size)")
    do {
      return .success(try combine(all))
    } catch {
      return .failure(error)
    }
  }
}
