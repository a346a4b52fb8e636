import Foundation

/// Hosts with networks of their own on this machine, emulated by `scripts/hosts.sh`.
public struct EmulatedHosts {
  /// Path of the script, which `mpirun` also calls in place of ssh.
  public static let script: String = fixturesFolder.deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "scripts/hosts.sh").path(percentEncoded: false)

  /// Whether hosts can be emulated on this machine, which needs root and network namespaces.
  public static let isPossible: Bool = (try? use(1) { _ in }) != nil

  /// Environment variables with which the script finds these hosts.
  public let environment: [String: String]

  /// Runs `body` with `count` hosts, h1 and so on, and then removes them with all processes that
  /// run there.
  public static func use<Result>(
    _ count: Int, _ body: (EmulatedHosts) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let hosts = EmulatedHosts(
        environment: ["HOSTS_DIR": folder.appending(path: "hosts").path(percentEncoded: false)])
      _ = try hosts.call("up", "\(count)")
      defer { _ = try? hosts.call("down") }
      return try body(hosts)
    }
  }

  /// Words of a command that starts `ranks` ranks on the hosts, dealt in turn, from the first host.
  /// The daemons of mpirun check every few seconds whether the others are alive.
  public func launcher(ranks: Int, hosts: Int) throws -> [String] {
    [
      Self.script, "run", "h1", try MPIRun.mpirunPath(), "--mca", "plm_rsh_agent", Self.script,
      "--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca",
      "oob_tcp_keepalive_probes", "3", "--host",
      (1...hosts).map { "h\($0):\(ranks)" }.joined(separator: ","), "--map-by", "node",
      "--bind-to", "none", "-np", "\(ranks)",
    ]
  }

  /// Number and name of the processes on the first `count` hosts.
  public func processes(hosts count: Int) throws -> [String] {
    try (1...count).flatMap { host in
      try call("ps", "h\(host)").split(separator: "\n").map { "h\(host): \($0)" }
    }
  }

  private func call(_ arguments: String...) throws -> String {
    let outcome = try Subprocess.run(
      Self.script, arguments,
      environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }, timeLimit: 30)
    guard outcome.status == 0 else {
      throw SubprocessError(description: "hosts.sh \(arguments): \(outcome)")
    }
    return outcome.output
  }
}
