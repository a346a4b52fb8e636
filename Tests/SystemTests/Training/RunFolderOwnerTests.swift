import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Runs that meet in one folder.
@Suite(.serialized) struct RunFolderOwnerTests {
  private let recipe = ["--epochs", "400", "--batch", "2", "--checkpoint-every", "2"]

  @Test(arguments: ["", "no-locks"]) func aSecondStartNamesTheFirst(fault: String) throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "b", recipe, environment: ["DISTTRAIN_FAULT": fault],
        until: "saved step 6 ",
        then: """
          root=$(ranks | head -n 1)
          "$@" --seed 8 >new 2>&1 & new=$!
          "$@" --resume >resumed 2>&1 & resumed=$!
          wait $new; echo "status $?" >>new
          wait $resumed; echo "status $?" >>resumed
          echo "root $root"
          kill -USR1 $job
          """)
      // The first one has not noticed.
      #expect(outcome.status == 75, "\(outcome)")
      let root = try #require(outcome.output.firstMatch(of: /root (\d+)/)?.output.1)
      for name in ["new", "resumed"] {
        let log = try String(contentsOfFile: bench.folder.file(name), encoding: .utf8)
        #expect(log.contains("status 1\n"), "\(log)")
        #expect(occurrences(of: "disttrain: error: ", in: log) == 1, "\(log)")
        #expect(log.contains(" process \(root) trains here since "), "\(log)")
      }
      #expect(try !bench.folder.names(in: "b").contains("run.lock"))
      #expect(try bench.events("b", "start").count == 1)
      let steps = try bench.events("b", "step").compactMap { $0["step"] as? Int }
      #expect(steps == Array(1...steps.count), "\(outcome)")
    }
  }

  /// A killed owner, whose lock file is left, makes nobody wait.
  @Test(arguments: ["", "no-locks"]) func aKilledOwnerIsNotWaitedFor(fault: String) throws {
    try TrainingBench.use { bench in
      let environment = ["DISTTRAIN_FAULT": fault]
      let outcome = try bench.train(
        run: "b", recipe, environment: environment, until: "saved step 6 ", then: "kill -9 $job")
      #expect(outcome.status == 128 + SIGKILL, "\(outcome)")
      #expect(try bench.folder.names(in: "b").contains("run.lock"))
      let resumed = try bench.train(
        run: "b", recipe + ["--resume", "--stop-after", "12"], environment: environment)
      #expect(resumed.status == 0, "\(resumed)")
      #expect(!resumed.output.contains("waiting"), "\(resumed)")
      #expect(try !bench.folder.names(in: "b").contains("run.lock"))
    }
  }

  /// Without links of one kind or the other a run has the same results.
  @Test(arguments: [("no-symlinks", "checkpoint itself"), ("no-links", "copy of the newest")])
  func fileSystemsWithoutLinksWillDo(fault: String, text: String) throws {
    try TrainingBench.use { bench in
      let environment = ["DISTTRAIN_FAULT": fault]
      let recipe = ["--epochs", "2", "--batch", "8"]
      let begun = try bench.train(
        run: "b", recipe + ["--stop-after", "4"], environment: environment)
      #expect(begun.status == 0 && begun.output.contains(text), "\(begun)")
      let again = try bench.train(run: "b", recipe + ["--resume"], environment: environment)
      #expect(again.status == 0 && again.output.contains("continued after step 4"), "\(again)")
      #expect(!again.output.contains("is missing"), "\(again)")
      #expect(try bench.train(run: "a", recipe).status == 0)
      try bench.expectEqual("a", "b")
      let path = bench.folder.file("b/last.safetensors")
      #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil)
      // This run goes on where there are links.
      let moved = try bench.train(run: "b", ["--epochs", "2", "--batch", "8", "--resume"])
      #expect(moved.status == 0, "\(moved)")
    }
  }
}
