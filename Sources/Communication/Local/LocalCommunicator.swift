import Foundation
import Platform
import Synchronization

/// Ranks inside one process: a single one, or a group of threads with MPI's semantics.
///
/// Sums run in rank order (rank 0 + rank 1 + …), so they are the same in every run. Where MPI
/// would hang or corrupt memory because ranks call different operations, a group throws.
public final class LocalCommunicator: Communicator, Sendable {
  /// This rank's number.
  public let rank: Int
  /// Number of ranks in the group.
  public let worldSize: Int
  private let meeting: Meeting
  private let pending = Mutex(Pending())
  private let isFinalized = Mutex(false)

  private struct Pending {
    var seconds = 0.0
    var failure: CommunicationError?
  }

  /// All ranks of a group share one machine.
  public var hostRank: Int { rank }
  /// All ranks of a group share one machine.
  public var hostSize: Int { worldSize }

  /// A world of one rank.
  public convenience init() { self.init(rank: 0, meeting: Meeting(size: 1)) }

  private init(rank: Int, meeting: Meeting) {
    self.rank = rank
    self.meeting = meeting
    worldSize = meeting.size
  }

  /// The ranks of a world of `size`, each to be used by a thread of its own.
  public static func group(size: Int) -> [LocalCommunicator] {
    precondition(size > 0, "LocalCommunicator: group of \(size)")
    let meeting = Meeting(size: size)
    return (0..<size).map { LocalCommunicator(rank: $0, meeting: meeting) }
  }

  /// Runs `body` on a thread per rank and returns the results by rank.
  ///
  /// Once a rank has returned or thrown, operations of the others throw `peerLeft` instead of
  /// waiting for it. The first failure that is not such a consequence is rethrown.
  public static func run<Result: Sendable>(
    size: Int, _ body: @escaping @Sendable (LocalCommunicator) throws -> Result
  ) throws -> [Result] {
    let outcomes = Handoff<(rank: Int, outcome: Swift.Result<Result, any Error>), Never>()
    for rank in group(size: size) {
      // The stack of the main thread, which the others' usual one would be too small for.
      startThread(stackBytes: 8 << 20) {
        let outcome = Swift.Result { try body(rank) }
        outcomes.put((rank.rank, outcome))
        rank.leave()
      }
    }
    var results = [Result?](repeating: nil, count: size)
    var failure: (any Error)?
    for _ in 0..<size {
      switch outcomes.take() {
      case (let rank, .success(let result))?: results[rank] = result
      case (_, .failure(let error))?:
        if failure == nil || isConsequence(failure) { failure = error }
      case nil: preconditionFailure("LocalCommunicator: a rank without an outcome")
      }
    }
    if let failure { throw failure }
    return results.compactMap { $0 }
  }

  private static func isConsequence(_ error: (any Error)?) -> Bool {
    if case .peerLeft? = error as? CommunicationError { true } else { false }
  }

  /// Tells the group that this rank takes part in nothing more, so that nobody waits for it.
  package func leave() { meeting.leave(rank: rank) }

  /// Returns when every rank has called it.
  public func barrier() throws(CommunicationError) {
    try meeting.meet(rank: rank, operation: "barrier", deposit: 0) { _ in }
  }

  /// Overwrites `values` on all ranks with those of `root`.
  public func broadcast(
    _ values: UnsafeMutableBufferPointer<Float>, root: Int
  ) throws(CommunicationError) {
    checkRoot(root)
    try meeting.meet(rank: rank, operation: "broadcast from \(root)", deposit: values) {
      (all) throws(CommunicationError) in
      try Self.checkCounts(all.map(\.count), "broadcast")
      for (rank, buffer) in all.enumerated() where rank != root {
        _ = buffer.update(fromContentsOf: all[root])
      }
    }
  }

  /// The bytes of `root`, on all ranks.
  public func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
    checkRoot(root)
    return try meeting.meet(
      rank: rank, operation: "broadcast of bytes from \(root)", deposit: bytes
    ) { $0[root] }
  }

  /// Replaces each element by its sum over all ranks, added in rank order.
  public func allReduceSum(
    _ values: UnsafeMutableBufferPointer<Double>
  ) throws(CommunicationError) {
    try meeting.meet(rank: rank, operation: "allReduceSum", deposit: values) {
      (all) throws(CommunicationError) in
      try Self.checkCounts(all.map(\.count), "allReduceSum")
      var sums = Array(all[0])
      for buffer in all.dropFirst() {
        for index in sums.indices { sums[index] += buffer[index] }
      }
      for buffer in all { _ = buffer.update(fromContentsOf: sums) }
    }
  }

  /// Adds up at once, in rank order: threads of one process have nothing to hide. A failure shows
  /// in `finishReductions`.
  public func startReduction(_ reduction: Reduction, times: ReductionTimes?) {
    let stopwatch = Stopwatch()
    times?.begin()
    defer { times?.complete() }
    do throws(CommunicationError) {
      try reduce(reduction)
    } catch {
      pending.withLock { $0.failure = $0.failure ?? error }
    }
    pending.withLock { $0.seconds += stopwatch.seconds }
  }

  /// The seconds since the last call of it that reductions took.
  public func finishReductions() throws(CommunicationError) -> Double {
    let done = pending.withLock { pending in
      defer { pending = Pending() }
      return pending
    }
    if let failure = done.failure { throw failure }
    return done.seconds
  }

  private func reduce(_ reduction: Reduction) throws(CommunicationError) {
    try meeting.meet(rank: rank, operation: "reduction", deposit: reduction) {
      (all) throws(CommunicationError) in
      try Self.checkCounts(all.map(\.count), "reduction")
      try Self.add(all)
    }
  }

  private static func add(_ all: [Reduction]) throws(CommunicationError) {
    let format = all[0].format
    if all.contains(where: { $0.format != format }) {
      throw .mismatch(operation: "reduction", reason: "their wire formats differ")
    }
    let terms = all.compactMap(\.sent.baseAddress)
    let sums = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, all[0].sent.count), alignment: 64)
    defer { sums.deallocate() }
    guard terms.count == all.count, let base = sums.baseAddress else { return }
    Reduction.addInRankOrder(format, terms: terms, count: all[0].count, into: base)
    for reduction in all { reduction.receive(base) }
  }

  /// The largest of the ranks' values.
  public func allReduceMax(_ value: Int64) throws(CommunicationError) -> Int64 {
    try meeting.meet(rank: rank, operation: "allReduceMax", deposit: value) {
      $0.reduce(.min, max)
    }
  }

  /// The smallest of the ranks' values.
  public func allReduceMin(_ value: Int64) throws(CommunicationError) -> Int64 {
    try meeting.meet(rank: rank, operation: "allReduceMin", deposit: value) {
      $0.reduce(.max, min)
    }
  }

  /// Every rank's bytes, by rank, on `root`; nil elsewhere.
  public func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
    checkRoot(root)
    let all = try meeting.meet(rank: rank, operation: "gather to \(root)", deposit: bytes) { $0 }
    return rank == root ? all : nil
  }

  /// Every rank's value, by rank, on all ranks.
  public func allGather(_ value: UInt64) throws(CommunicationError) -> [UInt64] {
    try meeting.meet(rank: rank, operation: "allGather", deposit: value) { $0 }
  }

  /// Writes `message` to stderr and ends the process, which is the whole world.
  public func abort(code: Int32, message: String) -> Never {
    FileDescriptorOutput(STDERR_FILENO).write(abortLine(message))
    exit(exitStatus(code))
  }

  /// Returns when every rank has called it, with its reductions done, as the end of MPI does.
  public func finalize() throws(CommunicationError) {
    if isFinalized.withLock({ $0 }) { return }
    _ = try finishReductions()
    try meeting.meet(rank: rank, operation: "finalize", deposit: 0) { _ in }
    isFinalized.withLock { $0 = true }
  }

  private func checkRoot(_ root: Int) {
    precondition((0..<worldSize).contains(root), "root \(root) of \(worldSize) ranks")
  }

  private static func checkCounts(
    _ counts: [Int], _ operation: String
  ) throws(CommunicationError) {
    if counts.contains(where: { $0 != counts[0] }) {
      throw .mismatch(operation: operation, reason: "element counts by rank are \(counts)")
    }
  }
}
