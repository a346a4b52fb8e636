import Foundation

/// A real SLURM cluster on emulated hosts of this machine, started by `scripts/slurm-cluster.sh`.
public struct SLURMCluster {
  /// The folder of the repository.
  public static let repository = fixturesFolder.deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Whether this machine can start a cluster, which needs root, network namespaces and the
  /// packages slurm-wlm and munge.
  public static let isPossible: Bool =
    EmulatedHosts.isPossible
    && ["/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/munged"].allSatisfy {
      FileManager.default.isExecutableFile(atPath: $0)
    }

  private static let script = repository.file("scripts/slurm-cluster.sh")
  private let environment: [String: String]

  /// Runs `body` with a cluster of `nodes` nodes of `cores` cores, and then stops it.
  public static func use<Result>(
    nodes: Int, cores: Int, _ body: (SLURMCluster) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let cluster = SLURMCluster(environment: ["HOSTS_DIR": folder.file("hosts")])
      _ = try cluster.call(["up", "\(nodes)", "\(cores)"])
      defer { _ = try? cluster.call(["down"]) }
      return try body(cluster)
    }
  }

  /// Runs a command in `folder`, as on a login node.
  public func run(
    _ words: [String], in folder: URL, environment more: [String: String] = [:]
  ) throws -> SubprocessOutcome {
    try Subprocess.run(
      Self.script, ["run"] + words,
      environment: MPIRun.launchEnvironment(adding: environment.merging(more) { $1 }),
      folder: folder, timeLimit: 60)
  }

  /// Waits until no job is left; returns false if a job is left after `seconds`.
  public func waitForJobs(seconds: Double, in folder: URL) throws -> Bool {
    let limit = ProcessInfo.processInfo.systemUptime + seconds
    while ProcessInfo.processInfo.systemUptime < limit {
      let left = try run(["squeue", "-h"], in: folder)
      if left.status == 0, left.output.isEmpty { return true }
      usleep(500_000)
    }
    return false
  }

  private func call(_ arguments: [String]) throws -> String {
    let outcome = try Subprocess.run(
      Self.script, arguments,
      environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }, timeLimit: 60)
    guard outcome.status == 0 else {
      throw SubprocessError(description: "slurm-cluster.sh \(arguments): \(outcome)")
    }
    return outcome.output
  }
}
