import Communication
import Foundation
import Synchronization
import Testing

@Suite struct RootDecisionTests {
  private struct Full: Error, CustomStringConvertible {
    let description = "/data: the disk is full"
  }

  /// The ranks' failures of `body`, by rank; nil for a rank where it returns.
  private func failures(
    _ body: @escaping @Sendable (RootDecision, Int) throws -> Void
  ) throws -> [RootFailure?] {
    try LocalCommunicator.run(size: 3) { communicator in
      do {
        try body(RootDecision(communicator), communicator.rank)
        return nil
      } catch let failure as RootFailure {
        return failure
      }
    }
  }

  @Test func onlyRankZeroRuns() throws {
    let runs = Mutex<[Int]>([])
    let failures = try failures { root, rank in
      try root.run { runs.withLock { $0.append(rank) } }
      // Rank 0 is done when the others are.
      #expect(runs.withLock { $0 } == [0])
    }
    #expect(failures == [nil, nil, nil])
    #expect(runs.withLock { $0 } == [0])
  }

  @Test func allRanksHaveTheErrorOfRankZero() throws {
    for failures in [
      try failures { root, _ in try root.run { throw Full() } },
      try failures { root, _ in try root.fail(Full()) },
      try failures { root, _ in _ = try root.value { () throws -> Int in throw Full() } },
    ] {
      #expect(failures.map { $0?.description } == Array(repeating: Full().description, count: 3))
      #expect(failures.map { $0?.isOwn } == [true, false, false])
    }
  }

  @Test func errorsOfOtherRanksCountOnlyTogether() throws {
    struct Wrong: Error {}
    #expect(
      try failures { root, rank in try root.run { if rank > 0 { throw Wrong() } } }
        == [nil, nil, nil])
    let failures = try failures { root, rank in
      try root.together { if rank == 2 { throw Full() } }
    }
    #expect(
      failures.map { $0?.description }
        == Array(repeating: "rank 2: \(Full().description)", count: 3))
  }

  @Test func rankZeroHasAllValues() throws {
    let values = try LocalCommunicator.run(size: 3) { communicator in
      try RootDecision(communicator).gather("rank \(communicator.rank)")
    }
    #expect(values == [["rank 0", "rank 1", "rank 2"], nil, nil])
  }

  @Test func valuesAndBytesReachAllRanks() throws {
    let values = try LocalCommunicator.run(size: 3) { communicator in
      let root = RootDecision(communicator)
      let rank = communicator.rank
      return (try root.value { ["a": rank] }, try root.bytes { [UInt8(rank), 7] })
    }
    for value in values { #expect(value.0 == ["a": 0] && value.1 == [0, 7]) }
  }
}
