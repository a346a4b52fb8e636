import Commands
import Communication
import Testing

@Suite struct ParallelCommandTests {
  @Test func lostRanksHaveAStatusOfTheirOwn() {
    let lost = CommunicationError.callFailed(operation: "barrier", rank: 1, reason: "gone")
    #expect(ParallelCommand.status(of: lost) == .rankLost)
    #expect(ParallelCommand.status(of: ReplicaError.communication(lost)) == .rankLost)
    let other = ReplicaError.diverged(subject: "parameters", ranks: [1], worldSize: 3)
    #expect(ParallelCommand.status(of: other) == .failure)
  }
}
