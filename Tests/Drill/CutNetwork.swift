import Foundation
import TestSupport

/// Two emulated hosts, one of which is cut off.
enum CutNetwork {
  static func perform(_ ground: DrillGround) throws -> DrillOutcome {
    guard EmulatedHosts.isPossible else {
      throw DrillSkipped(description: "hosts cannot be emulated here (root, namespaces, iproute2)")
    }
    return try EmulatedHosts.use(2) { hosts in
      let outcome = try ground.bench.train(
        run: "cut", ground.recipe + ["--timeout", "5s"],
        launcher: hosts.launcher(ranks: 2, hosts: 2), environment: hosts.environment,
        until: "saved step 5 ", then: "\(EmulatedHosts.script) cut h2")
      let seconds = try ground.bench.harmSeconds()
      try ground.require(outcome.status != 0 && !outcome.timedOut, "it did not end", outcome)
      try ground.require(
        occurrences(of: "error: rank 1 has not arrived", in: outcome.output) == 1,
        "it does not name rank 1", outcome)
      try ground.require(seconds <= 30, "it took \(seconds) s", outcome)
      // The host that is cut off ends its rank by itself.
      for _ in 0..<100 where !(try hosts.processes(hosts: 2)).isEmpty { usleep(100_000) }
      let left = try hosts.processes(hosts: 2)
      try ground.require(left.isEmpty, "processes are left: \(left)", outcome)
      return DrillOutcome(
        did: "ended with \(outcome.status), names rank 1 and its host; resumed", seconds: seconds,
        kept: try ground.resumeAndCompare("cut"))
    }
  }
}
