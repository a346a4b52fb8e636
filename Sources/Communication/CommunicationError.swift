import Platform

/// Why ranks could not talk to each other.
public enum CommunicationError: Error, Equatable, CustomStringConvertible {
  /// MPI could not be started, or not as this program needs it.
  case startFailed(reason: String)
  /// A launcher started several processes, and MPI does not see the others.
  case launcherMismatch(launcher: String, launched: Int, seen: Int)
  /// An MPI call returned an error; `reason` is MPI's own text.
  case callFailed(operation: String, rank: Int, reason: String)
  /// Ranks disagree about which operation comes next, or about its size.
  case mismatch(operation: String, reason: String)
  /// A rank of an in-process group has ended, so this operation can never complete.
  case peerLeft(operation: String, rank: Int)

  /// One sentence for the log.
  public var description: String {
    switch self {
    case .startFailed(let reason):
      "MPI could not be started: \(reason)"
    case .launcherMismatch(let launcher, let launched, let seen):
      "\(launcher) started \(NumberText.count(launched, "process", plural: "processes")), but MPI "
        + "sees \(seen): the launcher belongs to another MPI than the one this program was built "
        + "with; use that one's mpirun (or srun --mpi=pmix)"
    case .callFailed(let operation, let rank, let reason):
      "\(operation) failed on rank \(rank): \(reason)"
    case .mismatch(let operation, let reason):
      "\(operation): the ranks disagree, \(reason)"
    case .peerLeft(let operation, let rank):
      "\(operation) cannot complete: rank \(rank) has left the group"
    }
  }
}
