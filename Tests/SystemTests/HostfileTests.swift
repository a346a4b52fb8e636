import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Several machines without a batch system: `mpirun --hostfile`, over networks of their own.
@Suite struct HostfileTests {
  @Test(
    .enabled(
      if: EmulatedHosts.isPossible,
      """
      SKIPPED: several hosts have to be emulated (scripts/hosts.sh), and this machine lets us make \
      none: run as root with iproute2, where network namespaces are allowed
      """))
  func threeHostsComeToTheSameAsOne() throws {
    try TrainingBench.use { bench in
      try "# three machines\nh1 slots=1\nh2 slots=2\nh3 slots=1\n".write(
        toFile: bench.folder.file("hosts.txt"), atomically: true, encoding: .utf8)
      let recipe = ["--epochs", "2", "--batch", "3"]
      let outcome = try EmulatedHosts.use(3) { hosts in
        let words = try bench.words(
          ranks: 4, run: "hosts", recipe,
          launcher: [
            EmulatedHosts.script, "run", "h1", MPIRun.mpirunPath(), "--mca", "plm_rsh_agent",
            EmulatedHosts.script, "--bind-to", "none", "--hostfile", "hosts.txt", "-np", "4",
          ])
        return try Subprocess.run(
          words[0], Array(words.dropFirst()),
          environment: MPIRun.launchEnvironment(adding: hosts.environment), folder: bench.folder,
          timeLimit: 90)
      }
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("ranks 4, batch 3 per rank"), "\(outcome)")
      #expect(try bench.train(ranks: 4, run: "one", recipe).status == 0)
      try bench.expectEqual("one", "hosts")
    }
  }
}
