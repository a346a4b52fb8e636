import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// The job scripts of `slurm/` on a real SLURM.
@Suite(.serialized) struct SLURMTests {
  /// A folder like a clone of the repository, as far as job scripts need it, with a table of runs.
  private func withSite(
    _ table: String, _ body: (TrainingBench, [String: String]) throws -> Void
  ) throws {
    try TrainingBench.use { bench in
      try FileManager.default.copyItem(
        atPath: SLURMCluster.repository.file("slurm"), toPath: bench.folder.file("slurm"))
      try table.write(toFile: bench.folder.file("table.tsv"), atomically: true, encoding: .utf8)
      let environment = [
        "DISTTRAIN": try MPIRun.productPath("disttrain"), "DATA": bench.data, "TABLE": "table.tsv",
      ]
      try body(bench, environment)
    }
  }

  private static let flags =
    "--seconds 0.5 --schedule cosine --warmup 3 --ema 0.9 --epochs 8 --batch 1"

  private func log(_ name: String, in folder: URL) -> String {
    (try? String(contentsOfFile: folder.file(name), encoding: .utf8)) ?? ""
  }

  @Test(
    .enabled(
      if: SLURMCluster.isPossible,
      """
      SKIPPED: job scripts need a SLURM to be tried on, and this machine lets us bring none up: \
      run as root with slurm-wlm, munge and iproute2, where network namespaces are allowed
      """))
  func anArrayRunsIsSignalledRequeuedAndCompared() throws {
    let table =
      "# preset, seed, flags\ntiny.json\t7\t\(Self.flags)\n\ntiny.json\t8\t\(Self.flags)\n"
    try withSite(table) { bench, environment in
      try SLURMCluster.use(nodes: 2, cores: 2) { cluster in
        let submitted = try cluster.run(
          ["slurm/submit.sh", "--", "--ntasks-per-node=1", "--mem-per-cpu=500", "--time=10"],
          in: bench.folder, environment: environment)
        #expect(submitted.status == 0, "\(submitted)")
        let words = submitted.output.split(separator: "\n").first { $0.hasPrefix("array ") }
        let job = try #require(words?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        let first = "ablations-\(job)_1.out"
        let limit = ProcessInfo.processInfo.systemUptime + 60
        while !log(first, in: bench.folder).contains("saved step 24 "),
          ProcessInfo.processInfo.systemUptime < limit
        {
          usleep(20_000)
        }
        // As --signal does, some minutes before the end.
        let signalled = try cluster.run(
          ["scancel", "--signal=USR1", "\(job)_1"], in: bench.folder)
        #expect(signalled.status == 0, "\(signalled)")
        let isOver = try cluster.waitForJobs(seconds: 150, in: bench.folder)
        let text = log(first, in: bench.folder)
        #expect(isOver, "\(text)")
        for line in [
          "start 1\n", "start 2\n",
          "; saved, and the same command",
          "runs/tiny/seed7 is saved and not complete; "
            + "requeued (1 of at most 20)", "continued after step ", "complete: runs/tiny/seed7\n",
        ] { #expect(occurrences(of: line, in: text) == 1, "\(line): \(text)") }
        // It is sent to both ranks, and may reach the other one a step earlier.
        let reasons = ["by SIGUSR1; saved", "by a signal to another rank; saved"]
        #expect(reasons.contains { text.contains($0) }, "\(text)")
        #expect(occurrences(of: "2 ranks of 1 thread on h[1-2]", in: text) == 2, "\(text)")
        let other = log("ablations-\(job)_2.out", in: bench.folder)
        #expect(other.contains("complete: runs/tiny/seed8\n"), "\(other)")

        // As if nothing had happened.
        let recipe = Self.flags.split(separator: " ").map(String.init)
        let alone = try bench.train(ranks: 2, run: "alone", recipe)
        #expect(alone.status == 0, "\(alone)")
        try bench.expectEqual("alone", "runs/tiny/seed7")

        let comparison = try String(
          contentsOfFile: bench.folder.file("runs/comparison/comparison.csv"), encoding: .utf8)
        let rows = comparison.split(separator: "\n")
        let report = try Data(
          contentsOf: bench.folder.appending(path: "runs/comparison/report.html"))
        #expect(report.count > 10_000)
        #expect(rows.count == 5 && rows[3].hasPrefix("tiny seed 7,0.03,"), "\(comparison)")
        try scale(bench, cluster, environment)
      }
    }
  }

  /// The job that measures one node, two nodes and so on.
  private func scale(
    _ bench: TrainingBench, _ cluster: SLURMCluster, _ environment: [String: String]
  ) throws {
    let submitted = try cluster.run(
      [
        "sbatch", "--ntasks-per-node=1", "--time=10", "--output=scaling.out",
        "slurm/scaling.sbatch",
      ],
      in: bench.folder,
      environment: environment.merging(
        ["PRESET": "tiny.json", "BATCH": "2", "OUTPUT": "scaling"]) { $1 })
    #expect(submitted.status == 0, "\(submitted)")
    #expect(try cluster.waitForJobs(seconds: 90, in: bench.folder))
    let text = log("scaling.out", in: bench.folder)
    let names = try? bench.folder.names(in: "scaling")
    #expect(names?.contains("scaling.svg") == true, "\(text)")
    #expect(names?.contains("ranks-1.json") == true && names?.contains("ranks-2.json") == true)
  }

  @Test func tablesAreLookedAtBeforeTheNight() throws {
    func submit(_ table: String) throws -> SubprocessOutcome {
      var outcome: SubprocessOutcome?
      try withSite(table) { bench, environment in
        outcome = try Subprocess.run(
          bench.folder.file("slurm/submit.sh"), ["--dry-run"],
          environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
          folder: bench.folder, timeLimit: 60)
      }
      return try #require(outcome)
    }
    let good = try submit("tiny.json\t0\t\(Self.flags)\nabl1\t3\t\n")
    #expect(good.status == 0, "\(good)")
    #expect(good.output.contains("--array=1-2 slurm/ablations.sbatch"), "\(good)")
    #expect(good.output.contains("--dependency=afterany:ARRAY slurm/compare.sbatch"), "\(good)")
    for (table, text) in [
      ("", "lists no run"), ("tiny.json 0 --batch 2\n", "columns are tabs apart"),
      ("abl1\t0\t\nabl1\t0\t--lr 0.1\n", "run 2: abl1 with seed 0 is there twice"),
      ("abl7\t0\t\n", "run 1: "), ("abl1\t0\t--bath 6\n", "Unknown option '--bath'"),
      ("abl1\t0\t--epochs none\n", "run 1: "),
    ] {
      let outcome = try submit(table)
      #expect(outcome.status == 1 && outcome.errors.contains(text), "\(text): \(outcome)")
      #expect(!outcome.output.contains("would submit"), "\(outcome)")
    }
  }
}
