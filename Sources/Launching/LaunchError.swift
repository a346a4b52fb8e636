/// Why a training cannot be launched.
package enum LaunchError: Error, Equatable, CustomStringConvertible {
  /// No mpirun on the PATH.
  case mpirunMissing
  /// This process is a rank or a task itself.
  case insideLauncher(name: String)
  /// Open MPI does not start as root without being told to.
  case root
  /// The hostfile cannot be read.
  case hostfileMissing(path: String)
  /// The hostfile says something that Open MPI does not understand, in a line or as a whole.
  case hostfileBroken(path: String, line: Int?, reason: String)
  /// The system does not start another process.
  case notStarted(program: String, reason: String)

  /// One sentence that says what to do.
  package var description: String {
    switch self {
    case .mpirunMissing:
      "mpirun is not on the PATH; install the Debian package openmpi-bin, or load the module of "
        + "Open MPI"
    case .insideLauncher(let name):
      "launch starts the ranks itself, and \(name) has started it as one of its own; start launch "
        + "without it, or train with it"
    case .root:
      "mpirun refuses to run as root; use another user, or add "
        + "--allow-run-as-root (in a container, for instance), or set OMPI_ALLOW_RUN_AS_ROOT=1 and "
        + "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
    case .hostfileMissing(let path):
      "--hostfile \(path) cannot be read; give a file with a line HOST slots=RANKS for each machine"
    case .hostfileBroken(let path, let line, let reason):
      "--hostfile \(path): \(line.map { "line \($0): " } ?? "")\(reason); give a line HOST "
        + "slots=RANKS for each machine"
    case .notStarted(let program, let reason): "\(program) cannot be started: \(reason)"
    }
  }
}
