import Foundation
import Testing
import TestSupport

/// Real processes under a real mpirun. One job at a time: they share the machine's cores.
@Suite("MPI", .serialized) struct MPITests {
  private func probe(_ ranks: Int, _ arguments: String...) throws -> SubprocessOutcome {
    try MPIRun.run(ranks: ranks, product: "MPIProbe", arguments: arguments, timeLimit: 90)
  }

  private func expectOK(_ outcome: SubprocessOutcome, ranks: Int) {
    #expect(outcome.status == 0 && !outcome.timedOut, "\(outcome)")
    for rank in 0..<ranks {
      #expect(outcome.output.contains("rank \(rank) of \(ranks) ok"), "\(outcome)")
    }
  }

  @Test(arguments: [1, 2, 3, 4]) func everyCollective(ranks: Int) throws {
    expectOK(try probe(ranks, "collectives"), ranks: ranks)
  }

  @Test(arguments: [1, 2, 3, 4]) func buffersLongerThanOneCallGoInPieces(ranks: Int) throws {
    expectOK(try probe(ranks, "pieces"), ranks: ranks)
  }

  @Test(arguments: [1, 2, 3, 4]) func bucketsWeightEveryItemAlike(ranks: Int) throws {
    expectOK(try probe(ranks, "buckets"), ranks: ranks)
  }

  /// Threads, which most tests train on, add as processes do.
  @Test(arguments: [1, 2, 3, 4]) func sumsOfFractionsAreThoseOfRanksInsideAProcess(
    ranks: Int
  ) throws {
    expectOK(try probe(ranks, "fractions"), ranks: ranks)
  }

  @Test(arguments: [1, 2, 3, 4]) func equalReplicasPass(ranks: Int) throws {
    let outcome = try probe(ranks, "replica")
    expectOK(outcome, ranks: ranks)
    #expect(outcome.output.contains("ok: equal"), "\(outcome)")
  }

  @Test(arguments: [
    (2, ["1"], "rank 1 differs"), (3, ["2"], "rank 2 differs"), (4, ["0"], "rank 0 differs"),
    (4, ["1", "3"], "ranks 1, 3 differ"),
  ])
  func flippedBitIsFoundAndItsRankNamed(
    ranks: Int, flipped: [String], text: String
  ) throws {
    let outcome = try MPIRun.run(
      ranks: ranks, product: "MPIProbe", arguments: ["replica"] + flipped, timeLimit: 90)
    expectOK(outcome, ranks: ranks)
    for rank in 0..<ranks {
      #expect(outcome.output.contains("rank \(rank) of \(ranks) ok: parameters: \(text)"))
    }
  }

  @Test(arguments: [
    ("fatal", 132, "Fatal error: rank 1 gives up"),
    ("index", 132, "Probe.crash"),
    ("memory", 139, "Probe.crash"),
    ("stack", 139, "Probe.recurse"),
  ])
  func crashOfOneRankEndsTheJobAndShowsWhere(
    kind: String, status: Int, text: String
  ) throws {
    let outcome = try probe(3, "trap", "1", kind)
    #expect(outcome.status == Int32(status) && !outcome.timedOut, "\(outcome)")
    #expect(!outcome.output.contains("NOT REACHED"), "\(outcome)")
    #expect(outcome.errors.contains(text), "\(outcome)")
    #expect(outcome.errors.contains("Thread 0 \"MPIProbe\" crashed"), "\(outcome)")
    #expect(outcome.seconds < 30, "\(outcome)")
  }

  @Test(arguments: [1, 2, 4]) func crashWithAnyNumberOfRanks(ranks: Int) throws {
    let outcome = try probe(ranks, "trap", "0", "fatal")
    #expect(outcome.status == 132 && !outcome.timedOut, "\(outcome)")
    #expect(outcome.errors.contains("Fatal error: rank 0 gives up"), "\(outcome)")
  }

  @Test func crashEndsTheJobWhereSwiftCannotPrintBacktraces() throws {
    let outcome = try MPIRun.run(
      ranks: 2, product: "MPIProbe", arguments: ["trap", "1", "fatal"],
      environment: ["SWIFT_BACKTRACE": "enable=no"], timeLimit: 90)
    #expect(outcome.status == 132 && !outcome.timedOut, "\(outcome)")
    #expect(outcome.errors.contains("Fatal error: rank 1 gives up"), "\(outcome)")
    #expect(!outcome.errors.contains("crashed"), "\(outcome)")
  }

  @Test func killedRankEndsTheJob() throws {
    let outcome = try probe(2, "trap", "1", "kill")
    #expect(outcome.status == 137 && !outcome.timedOut, "\(outcome)")
  }

  @Test(arguments: [(1, 0, 42), (2, 1, 42), (4, 3, 75), (2, 0, 1)])
  func abortEndsTheJobWithItsStatus(ranks: Int, rank: Int, status: Int) throws {
    let outcome = try probe(ranks, "abort", "\(rank)", "\(status)")
    #expect(outcome.status == Int32(status) && !outcome.timedOut, "\(outcome)")
    let place = ranks == 1 ? "" : "rank \(rank) of \(ranks): "
    // The log's greps must not take an error for a score.
    #expect(outcome.errors.contains("disttrain: \(place)pesq is gone"), "\(outcome)")
    #expect(!outcome.output.contains("NOT REACHED"), "\(outcome)")
  }

  @Test func abortNeverReadsAsSuccess() throws {
    #expect(try probe(2, "abort", "1", "0").status == 1)
    #expect(try probe(2, "abort", "1", "256").status == 1)
  }

  @Test(arguments: [(2, 1, 3), (3, 0, 3), (2, 1, 0), (4, 2, 0)])
  func exitWithoutFinalizeEndsTheJobAsFailed(ranks: Int, rank: Int, status: Int) throws {
    let outcome = try probe(ranks, "exit", "\(rank)", "\(status)")
    #expect(outcome.status == Int32(status == 0 ? 1 : status), "\(outcome)")
    #expect(!outcome.timedOut && !outcome.output.contains("NOT REACHED"), "\(outcome)")
  }

  @Test func errorsCarryTheTextOfMPI() throws {
    let outcome = try probe(2, "disagree")
    #expect(outcome.status == 7 && !outcome.timedOut, "\(outcome)")
    #expect(
      outcome.errors.contains(
        "disttrain: rank 1 of 2: broadcast failed on rank 1: MPI_ERR_TRUNCATE"), "\(outcome)")
  }

  @Test(arguments: [(0, 3_000, "validation"), (1, 1_200, "training step")])
  func lateRanksAreWaitedForWithinTheLimit(
    victim: Int, milliseconds: Int, phase: String
  ) throws {
    expectOK(try probe(3, "late", "\(victim)", "\(milliseconds)", phase), ranks: 3)
  }

  @Test(arguments: [
    (1, "training step", "2 s (--timeout): rank 1 ", "training step"),
    (0, "saving", "6 s (--long-timeout): rank 0 ", "saving"),
  ])
  func lateRanksAreNamedBeyondIt(victim: Int, phase: String, text: String, name: String) throws {
    let outcome = try probe(3, "late", "\(victim)", "60000", phase)
    #expect(outcome.status == 76 && !outcome.timedOut, "\(outcome)")
    #expect(
      outcome.errors.contains(
        "disttrain: error: rank \(victim) has not arrived; the others have waited \(text)"),
      "\(outcome)")
    #expect(outcome.errors.contains("phase \(name), last completed step 41, alive"), "\(outcome)")
    #expect(outcome.errors.components(separatedBy: "disttrain: error: ").count == 2, "\(outcome)")
    #expect(outcome.seconds < 20, "\(outcome)")
  }

  @Test func withoutLauncherNothingOfMPIStarts() throws {
    let outcome = try MPIRun.runAlone(product: "MPIProbe", arguments: ["who"])
    #expect(outcome.output == "LocalCommunicator rank 0 of 1\n", "\(outcome)")
    #expect(outcome.status == 0)
  }

  @Test func singleRankAbortsWithItsStatus() throws {
    let outcome = try MPIRun.runAlone(product: "MPIProbe", arguments: ["abort", "0", "42"])
    #expect(outcome.status == 42 && outcome.errors == "disttrain: pesq is gone\n", "\(outcome)")
  }

  @Test func underMpirunOneRankIsMPI() throws {
    let outcome = try probe(1, "who")
    #expect(outcome.output.contains("MPICommunicator rank 0 of 1"), "\(outcome)")
    #expect(outcome.status == 0)
  }

  @Test func ranksThatDoNotSeeEachOtherAreRefused() throws {
    let outcome = try MPIRun.runAlone(
      product: "MPIProbe", arguments: ["who"], environment: ["OMPI_COMM_WORLD_SIZE": "2"])
    #expect(outcome.status == 8, "\(outcome)")
    #expect(
      outcome.output.contains("mpirun (Open MPI) started 2 processes, but MPI sees 1"),
      "\(outcome)")
  }

  @Test func logOfSeveralRanksIsThatOfOne() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let outcome = try probe(3, "log", folder.path(percentEncoded: false))
    #expect(outcome.status == 0, "\(outcome)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("Epoch 1 PESQ 2.5000 ") }.count == 1, "\(outcome)")
    #expect(lines.filter { $0 == "epoch means pesq here" }.count == 1, "\(outcome)")
    #expect(lines.filter { $0.hasPrefix("epoch 1/2") }.count == 10, "\(outcome)")
    // mpirun gives ranks a terminal as stdout: nothing meant for one may leak into the file.
    #expect(!outcome.output.contains { $0 == "\r" || $0 == "\u{1b}" }, "\(outcome)")
    #expect(outcome.errors == "", "\(outcome)")
  }

  @Test func jobThatHangsIsKilledWithAllItsRanks() throws {
    let outcome = try MPIRun.run(
      ranks: 2, product: "MPIProbe", arguments: ["hang"], timeLimit: 3)
    #expect(outcome.timedOut, "\(outcome)")
    #expect(outcome.seconds < 20, "\(outcome)")
    let processes = outcome.output.split(separator: "\n").compactMap { line in
      line.split(separator: " ").last.flatMap { pid_t($0) }
    }
    #expect(processes.count == 2, "\(outcome)")
    for process in processes {
      #expect(!Subprocess.isRunning(process), "process \(process) survived")
    }
  }

  @Test func missingMpirunIsAnErrorThatNamesThePackage() {
    let error = #expect(throws: MPIRunError.self) {
      try MPIRun.mpirunPath(searchPath: "/nonexistent:/dev")
    }
    #expect(error == .mpirunMissing)
    #expect(error?.description.contains("openmpi-bin") == true)
  }

  @Test func missingProductIsAnError() {
    #expect(throws: MPIRunError.self) { try MPIRun.productPath("no-such-program") }
  }
}
