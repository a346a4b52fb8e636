import Foundation

/// Where mpirun, the parent of this rank, writes what the ranks print.
public enum LauncherOutput {
  /// Whether the parent process's stdout is a terminal.
  ///
  /// A rank cannot tell by its own: mpirun gives it a pseudo-terminal for stdout, whatever its own
  /// is. False without mpirun, and where the parent is another host's daemon.
  public static var isTerminal: Bool {
    guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] != nil,
      let target = try? FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/\(getppid())/fd/1")
    else { return false }
    return target.hasPrefix("/dev/pts/") || target.hasPrefix("/dev/tty")
  }
}
