import Foundation
import Platform

/// The command line with which a training is started on many ranks.
package struct LaunchCommandLine: Equatable, Sendable {
  /// Path of mpirun.
  package var mpirun: String
  /// Kind of mpirun, which decides on its options.
  package var launcher = JobStatus.Launcher.openMPI
  /// Path of this program, the same on all hosts.
  package var program: String
  /// Ranks.
  package var ranks: Int
  /// Threads of each rank.
  package var threads = 1
  /// Which hosts, and how many ranks each takes; nil for those that Open MPI finds by itself.
  package var hostfile: String?
  /// Cores of this host if the ranks are all to run here; nil if a hostfile or a batch system says
  /// where.
  package var cores: Int?
  /// Whether mpirun may be run by root.
  package var allowsRoot = false
  /// Further arguments of mpirun.
  package var mpirunArguments: [String] = []
  /// `train` and its arguments.
  package var command: [String]

  /// A command line with everything else at its default.
  package init(mpirun: String, program: String, ranks: Int, command: [String]) {
    self.mpirun = mpirun
    self.program = program
    self.ranks = ranks
    self.command = command
  }

  /// Connections that are cut without a word are noticed after 11 s instead of minutes.
  private static let keepalive = [
    "--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2",
    "--mca", "oob_tcp_keepalive_probes", "3",
  ]

  /// Arguments of mpirun by which users place ranks themselves.
  private static let placements: Set<String> = [
    "map-by", "bind-to", "rank-by", "rankfile", "rf", "oversubscribe", "cpu-set", "cpu-list",
    "use-hwthread-cpus", "ppr", "npernode", "npersocket", "bynode", "byslot",
  ]

  private var isPlacedByUser: Bool {
    mpirunArguments.contains { word in
      word.hasPrefix("-") && Self.placements.contains(String(word.drop { $0 == "-" }))
    }
  }

  /// Whether this host is asked for more than it has.
  private var needsMoreCores: Bool { cores.map { ranks * threads > $0 } ?? false }

  private var placement: [String] {
    if isPlacedByUser { return [] }
    // Bound ranks would share some cores while others idle.
    if needsMoreCores { return ["--oversubscribe", "--bind-to", "none"] }
    // mpirun binds one or two ranks to a core each, which threads then would share.
    return threads > 1 ? ["--map-by", "slot:PE=\(threads)"] : []
  }

  /// The words of the command line. `resuming`: whether the run goes on from its last checkpoint,
  /// if the user's own words do not say that anyway.
  package func words(resuming: Bool) -> [String] {
    let adds = resuming && !command.contains("--resume")
    let own = [program] + command + (adds ? ["--resume"] : [])
    if launcher == .hydra {
      // Hydra binds no ranks unless it is asked to, and knows none of the options below.
      return [mpirun, "-np", "\(ranks)"] + (hostfile.map { ["-f", $0] } ?? []) + mpirunArguments
        + own
    }
    return [mpirun, "-np", "\(ranks)"] + (allowsRoot ? ["--allow-run-as-root"] : [])
      + (hostfile.map { ["--hostfile", $0] } ?? []) + placement + Self.keepalive + mpirunArguments
      + own
  }

  /// Note for the user about the plan; nil if there is none.
  package var note: String? {
    guard needsMoreCores, !isPlacedByUser, launcher == .openMPI, let cores else { return nil }
    let asked =
      NumberText.count(ranks, "rank")
      + (threads > 1 ? " of \(NumberText.count(threads, "thread"))" : "")
    return "\(asked) on \(NumberText.count(cores, "core")): they take turns "
      + "(--oversubscribe --bind-to none)"
  }

  /// `words` as a shell reads them.
  package static func quoted(_ words: [String]) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:@%")
    return words.map { word in
      if !word.isEmpty, word.allSatisfy(plain.contains) { return word }
      return "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
