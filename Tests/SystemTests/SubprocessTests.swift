import Foundation
import Testing
import TestSupport

/// The helper that starts MPI jobs: if it were wrong, their tests could pass for no reason.
@Suite struct SubprocessTests {
  @Test func statusOutputAndErrorsAreSeparate() throws {
    let outcome = try Subprocess.shell("echo out; echo err >&2; exit 3")
    #expect(outcome.status == 3 && outcome.output == "out\n" && outcome.errors == "err\n")
    #expect(!outcome.timedOut)
    #expect(try Subprocess.shell("kill -9 $$").status == 137)
  }

  @Test func longOutputDoesNotBlock() throws {
    let outcome = try Subprocess.shell("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2")
    #expect(outcome.output.utf8.count == 3_000_000 && outcome.errors.utf8.count == 2_000_000)
  }

  @Test func folderAndEnvironmentArrive() throws {
    let outcome = try Subprocess.run(
      "/bin/sh", ["-c", "pwd; echo \"$A\"; cat"], environment: ["A": "b c", "PATH": "/bin"],
      folder: URL(fileURLWithPath: "/usr/lib"), timeLimit: 10)
    #expect(outcome.output == "/usr/lib\nb c\n")
  }

  @Test func hangingGroupIsKilledEvenIfItIgnoresTermination() throws {
    let outcome = try Subprocess.shell(
      "trap '' TERM; echo $$; (setsid sleep 77 & echo $!; wait) & wait; sleep 77", timeLimit: 1)
    #expect(outcome.timedOut && outcome.status == 137 && outcome.seconds < 10, "\(outcome)")
    let processes = outcome.output.split(separator: "\n").compactMap { pid_t($0) }
    #expect(processes.count == 2, "\(outcome)")
    for process in processes {
      #expect(!Subprocess.isRunning(process), "process \(process) survived")
    }
  }

  @Test func descendantThatHoldsThePipeDoesNotBlock() throws {
    let outcome = try Subprocess.shell("sleep 20 & echo done", timeLimit: 15)
    #expect(outcome.status == 0 && outcome.output == "done\n" && outcome.seconds < 10)
  }

  @Test func missingProgramIsAnError() {
    #expect(throws: SubprocessError.self) {
      try Subprocess.run("/nonexistent/program", timeLimit: 1)
    }
  }
}
