import CMPI

/// MPI calls of the monitors: short messages on a communicator of their own.
///
/// An error means that nothing goes there any more; that its rank is silent is what follows.
final class MPIStatusTransport: StatusTransport, @unchecked Sendable {
  // Sendable because only the monitor's thread calls it.
  private let world: cmpi_comm
  private let words: UnsafeMutablePointer<UInt64>
  private var requests: [MPIRequest?]

  init(world: cmpi_comm, worldSize: Int) {
    self.world = world
    words = .allocate(capacity: RankStatus.wordCount * worldSize)
    requests = Array(repeating: nil, count: worldSize)
  }

  func send(_ message: [UInt64], to rank: Int) -> Bool {
    guard isDone(rank) else { return false }
    let place = words + rank * RankStatus.wordCount
    place.update(from: message, count: RankStatus.wordCount)
    var request = MPIRequest()
    let code = MPI_Isend(
      place, Int32(RankStatus.wordCount), cmpi_uint64(), Int32(rank), statusTag, world.handle,
      &request.handle.request)
    if code == cmpi_success() { requests[rank] = request }
    return true
  }

  func receive() -> (rank: Int, words: [UInt64])? {
    var hasCome: Int32 = 0
    var status = MPI_Status()
    guard
      MPI_Iprobe(cmpi_any_source(), statusTag, world.handle, &hasCome, &status) == cmpi_success(),
      hasCome != 0
    else { return nil }
    var message = [UInt64](repeating: 0, count: RankStatus.wordCount)
    let source = status.MPI_SOURCE
    let code = MPI_Recv(
      &message, Int32(RankStatus.wordCount), cmpi_uint64(), source, statusTag, world.handle,
      cmpi_status_ignore())
    return code == cmpi_success() ? (Int(source), message) : nil
  }

  var isIdle: Bool { requests.indices.allSatisfy(isDone) }

  private func isDone(_ rank: Int) -> Bool {
    guard var request = requests[rank] else { return true }
    var flag: Int32 = 0
    if MPI_Test(&request.handle.request, &flag, cmpi_status_ignore()) == cmpi_success(), flag == 0 {
      return false
    }
    requests[rank] = nil
    return true
  }

  /// Identities of the ranks. All call it together, from the main thread.
  static func identities(worldSize: Int) throws(CommunicationError) -> [RankIdentity] {
    let count = RankIdentity.wordCount
    let mine = RankIdentity.own.words
    var all = [UInt64](repeating: 0, count: count * worldSize)
    let code = MPI_Allgather(
      mine, Int32(count), cmpi_uint64(), &all, Int32(count), cmpi_uint64(), cmpi_comm_world())
    guard code == cmpi_success() else {
      throw .startFailed(reason: "MPI_Allgather: \(errorText(code))")
    }
    return (0..<worldSize).map { RankIdentity(words: all[$0 * count..<($0 + 1) * count]) }
  }
}

private let statusTag: Int32 = 1
