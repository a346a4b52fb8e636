import Files
import Foundation
import TestSupport

/// Where drills are performed: a corpus, a tiny model, and the runs that nothing happened to.
struct DrillGround {
  var bench: TrainingBench
  private let references = References()

  init(_ bench: TrainingBench) { self.bench = bench }

  /// The recipe of most drills: epochs of 13 steps over 25 utterances, so that the last batch of an
  /// epoch has one utterance and leaves a rank without data; a checkpoint every 5 steps.
  static let recipe = ["--epochs", "9", "--batch", "1", "--checkpoint-every", "5"]
  /// Steps that the runs of this recipe do in the end.
  static let steps = 20

  /// Demands that `condition` holds.
  func require(_ condition: Bool, _ what: String, _ outcome: SubprocessOutcome? = nil) throws {
    guard !condition else { return }
    throw DrillFailure(description: what + (outcome.map { "\n\($0)" } ?? ""))
  }

  /// Demands that a job ended with `status`, said each of `texts` once, and left no process.
  func requireEnd(
    _ outcome: SubprocessOutcome, status: Int32, within seconds: Double? = nil,
    saying texts: [String]
  ) throws {
    try require(outcome.status == status, "status \(outcome.status), not \(status)", outcome)
    let whole = outcome.output + outcome.errors
    for text in texts {
      let count = occurrences(of: text, in: whole)
      try require(count == 1, "\"\(text)\" stands \(count) times in the log, not once", outcome)
    }
    if let seconds {
      let took = try bench.harmSeconds()
      try require(took <= seconds, "it took \(took) s, more than \(seconds)", outcome)
    }
    try requireNobodyLeft()
  }

  /// Demands that no process of a job is left.
  func requireNobodyLeft() throws {
    // The launcher is gone before the last rank, by a moment.
    for _ in 0..<50 where !bench.processesLeft().isEmpty { usleep(100_000) }
    let left = bench.processesLeft()
    try require(left.isEmpty, "processes \(left) are left")
  }

  /// Resumes the run `run` up to the end of the drills' recipe, or beyond what it has saved, and
  /// compares it with a run that nothing happened to.
  func resumeAndCompare(
    _ run: String, ranks: Int = 2, _ arguments: [String] = DrillGround.recipe,
    steps: Int? = nil, saying text: String? = nil
  ) throws -> String {
    let saved = try bench.events(run, "checkpoint").last?["step"] as? Int ?? 0
    let steps = steps ?? max(Self.steps, (saved / 20 + 1) * 20)
    let end = ["--stop-after", "\(steps)"]
    let resumed = try bench.train(ranks: ranks, run: run, arguments + end + ["--resume"])
    try requireEnd(resumed, status: 0, saying: text.map { [$0] } ?? [])
    return try compare(run, ranks: ranks, arguments, steps: steps)
  }

  /// Compares a run that has done `steps` steps with one that nothing happened to.
  func compare(
    _ run: String, ranks: Int = 2, _ arguments: [String] = DrillGround.recipe,
    steps: Int = DrillGround.steps
  ) throws -> String {
    let reference = try reference(ranks: ranks, arguments, steps: steps)
    let differences = try bench.differences(reference, run)
    try require(
      differences.isEmpty, "not as an undisturbed run: " + differences.joined(separator: ", "))
    return "\(steps) steps equal an undisturbed run, bit for bit"
  }

  /// Demands that every number of a run's newest checkpoint is finite.
  func requireFinite(_ run: String) throws {
    let file = try SafetensorsFile(data: bench.data(run, "last.safetensors"), path: run)
    for entry in file.entries where entry.dtype == "F32" {
      let isFinite = try entry.floats().allSatisfy(\.isFinite)
      try require(isFinite, "\(entry.name) of \(run) is not finite")
    }
  }

  /// The name of a run that nothing happened to.
  func reference(
    ranks: Int = 2, _ arguments: [String] = DrillGround.recipe, steps: Int = DrillGround.steps
  ) throws -> String {
    // A checkpoint says which pack it was trained from.
    let key = "\(bench.data) \(ranks) \(arguments) \(steps)"
    if let run = references.runs[key] { return run }
    let run = "undisturbed-\(references.runs.count)"
    let outcome = try bench.train(
      ranks: ranks, run: run, arguments + ["--stop-after", "\(steps)"])
    try require(outcome.status == 0, "an undisturbed run failed", outcome)
    references.runs[key] = run
    return run
  }

  /// Runs that serve several drills.
  private final class References {
    var runs: [String: String] = [:]
  }
}
