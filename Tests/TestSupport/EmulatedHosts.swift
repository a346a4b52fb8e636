import Foundation

/// Hosts with networks of their own on this machine, by `scripts/hosts.sh`.
public struct EmulatedHosts {
  /// The script, which `mpirun` also calls in place of ssh.
  public static let script: String = fixturesFolder.deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "scripts/hosts.sh").path(percentEncoded: false)

  /// Whether this machine lets us make hosts: for that root and network namespaces are needed.
  public static let isPossible: Bool = (try? use(1) { _ in }) != nil

  /// What the script needs to find these hosts.
  public let environment: [String: String]

  /// Makes `count` hosts, h1 and so on, and removes them with everything that runs there afterwards.
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

  /// Words that start `ranks` ranks on the hosts, dealt in turn, from the first of them. Its
  /// daemons ask every few seconds whether the others live.
  public func launcher(ranks: Int, hosts: Int) throws -> [String] {
    [
      Self.script, "run", "h1", try MPIRun.mpirunPath(), "--mca", "plm_rsh_agent", Self.script,
      "--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca",
      "oob_tcp_keepalive_probes", "3", "--host",
      (1...hosts).map { "h\($0):\(ranks)" }.joined(separator: ","), "--map-by", "node",
      "--bind-to", "none", "-np", "\(ranks)",
    ]
  }

  /// The processes on the first `count` hosts: number and name.
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
