import Files
import Foundation
import TestSupport

/// Where drills are performed: a corpus, a tiny model, perhaps a discriminator, and the runs that
/// nothing happened to.
struct DrillGround {
  var bench: TrainingBench
  /// Whether runs have a discriminator, which the generator uses from the first step on.
  let hasDiscriminator: Bool
  /// Options of every run.
  let options: [String]
  private let references = References()

  init(_ bench: TrainingBench) {
    self.bench = bench
    hasDiscriminator = false
    options = []
  }

  /// A ground in a folder of its own, whose runs have a discriminator.
  init(withDiscriminator bench: TrainingBench) throws {
    self.bench = try bench.subfolder("duel")
    hasDiscriminator = true
    let file = self.bench.folder.appending(path: "duel.json")
    // Crops in pauses have no label: the others still teach.
    try #"""
    {"name": "duel", "global_batch": "any",
     "discriminator": {"weight": 1, "from": {"epoch": 1}, "missing": "utterance"}}
    """#.write(to: file, atomically: true, encoding: .utf8)
    options = ["--recipe", file.path(percentEncoded: false), "--seconds", "1"]
  }

  /// The recipe of most drills: epochs of 13 steps over 25 utterances, so that the last batch of an
  /// epoch has one utterance and leaves a rank without data; a checkpoint every 5 steps.
  var recipe: [String] { recipe(checkpointEvery: 5) }

  /// That recipe with other batches and intervals.
  func recipe(batch: Int = 1, checkpointEvery steps: Int) -> [String] {
    ["--epochs", "9", "--batch", "\(batch)", "--checkpoint-every", "\(steps)"] + options
  }

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
    _ run: String, ranks: Int = 2, _ arguments: [String]? = nil,
    steps: Int? = nil, saying text: String? = nil
  ) throws -> String {
    let saved = try bench.events(run, "checkpoint").last?["step"] as? Int ?? 0
    let steps = steps ?? max(Self.steps, (saved / 20 + 1) * 20)
    let end = ["--stop-after", "\(steps)"]
    let resumed = try bench.train(
      ranks: ranks, run: run, (arguments ?? recipe) + end + ["--resume"])
    try requireEnd(resumed, status: 0, saying: text.map { [$0] } ?? [])
    return try compare(run, ranks: ranks, arguments, steps: steps)
  }

  /// Compares a run that has done `steps` steps with one that nothing happened to.
  func compare(
    _ run: String, ranks: Int = 2, _ arguments: [String]? = nil,
    steps: Int = DrillGround.steps
  ) throws -> String {
    let reference = try reference(ranks: ranks, arguments, steps: steps)
    let differences = try bench.differences(reference, run)
    try require(
      differences.isEmpty, "not as an undisturbed run: " + differences.joined(separator: ", "))
    try requireDiscriminator(run)
    return "\(steps) steps equal an undisturbed run, bit for bit"
      + (hasDiscriminator ? ", both networks" : "")
  }

  /// Demands that a run's newest checkpoint holds a discriminator that has learned, and that the
  /// generator has used it in every step, if this is a ground with one.
  func requireDiscriminator(_ run: String) throws {
    guard hasDiscriminator else { return }
    let file = try SafetensorsFile(data: bench.data(run, "last.safetensors"), path: run)
    for name in [
      "discriminator.layers.0.weight_orig", "discriminator.layers.17.weight_u",
      "discriminator.adam.exp_avg.layers.3.weight_orig",
      "discriminator.adam.exp_avg_sq.layers.14.bias",
    ] {
      let values = try file.tensors[name]?.floats() ?? []
      try require(values.contains { $0 != 0 }, "\(name) of \(run) is missing or nothing but 0")
    }
    let events = try bench.events(run, "discriminator")
    try require(
      !events.isEmpty && events.allSatisfy { $0["used"] as? Bool == true },
      "\(run) does not use its discriminator")
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
    ranks: Int = 2, _ arguments: [String]? = nil, steps: Int = DrillGround.steps
  ) throws -> String {
    let arguments = arguments ?? recipe
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
