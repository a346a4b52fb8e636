import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Reactions of `disttrain launch` to the exit statuses of a launcher, which a script stands for.
@Suite struct LaunchStatusTests {
  /// Launches a training with an mpirun that names itself `version` and then runs `script`. Returns
  /// the outcome, and the command lines that mpirun was started with.
  private func launch(
    version: String, _ script: String, _ options: [String] = []
  ) throws -> (outcome: SubprocessOutcome, starts: [String]) {
    try withTemporaryFolder { folder in
      try folder.makeFolder("bin")
      let text = """
        #!/bin/sh
        if [ "$1" = --version ]; then echo '\(version)'; exit; fi
        echo "$@" >> starts
        \(script)

        """
      try text.write(toFile: folder.file("bin/mpirun"), atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder.file("bin/mpirun"))
      let outcome = try disttrain(
        ["launch", "--ranks", "2", "--restart-delay", "0s", "--allow-run-as-root"] + options
          + ["--", "train", "--preset", EnhanceFixture.preset, "--data", "d", "--run-dir", "r"],
        environment: ["PATH": "\(folder.file("bin")):/usr/bin:/bin"], folder: folder)
      let starts = try? String(contentsOfFile: folder.file("starts"), encoding: .utf8)
      return (outcome, (starts ?? "").split(separator: "\n").map(String.init))
    }
  }

  private static let openMPI = "mpirun (Open MPI) 4.1.4"
  private static let hydra = "HYDRA build details:"
  /// A rank opens the files of the run.
  private static let begin = "mkdir -p r; echo x >> r/metrics.jsonl; "

  @Test func aHostThatCannotBeReachedIsTriedOnce() throws {
    for version in [Self.openMPI, Self.hydra] {
      let (outcome, starts) = try launch(version: version, "exit 255")
      #expect(outcome.status == 255 && starts.count == 1, "\(outcome)")
      #expect(
        outcome.errors.contains("not started again after status 255 (mpirun could not start the "),
        "\(outcome)")
    }
    let (missing, starts) = try launch(version: Self.openMPI, "exit 132")
    #expect(missing.status == 132 && starts.count == 1, "\(missing)")
    #expect(missing.errors.contains("did not find the program on a host"), "\(missing)")
  }

  /// A host that is lost while the run is under way may come back.
  @Test func aHostThatIsLostLaterIsTriedAgain() throws {
    let (outcome, starts) = try launch(
      version: Self.openMPI, Self.begin + "exit 255", ["--max-restarts", "1"])
    #expect(outcome.status == 255 && starts.count == 2, "\(outcome)")
    #expect(outcome.errors.contains("status 255 (mpirun lost a host or a connection"), "\(outcome)")
  }

  /// Hydra ends with the number of the signal alone, and knows no option of Open MPI.
  @Test func statusesOfHydraAreKnown() throws {
    let (outcome, starts) = try launch(
      version: Self.hydra, Self.begin + "exit 9", ["--max-restarts", "1"])
    #expect(outcome.status == 9 && starts.count == 2, "\(outcome)")
    #expect(outcome.errors.contains("status 9 (SIGKILL ended a process"), "\(outcome)")
    #expect(starts.allSatisfy { $0.hasPrefix("-np 2 /") && !$0.contains("--mca") }, "\(starts)")
    let (open, once) = try launch(version: Self.openMPI, Self.begin + "exit 9")
    #expect(open.status == 9 && once.count == 1, "\(open)")
  }
}
