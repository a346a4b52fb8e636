import Foundation
import TestSupport
import Testing

/// A corpus of real speech, a tiny model and a folder, for tests that start training runs and harm
/// them.
struct TrainingBench {
  let folder: URL
  private let recipe: [String]

  /// Runs `body` with a bench of `train` and `valid` utterances, which is removed afterwards.
  static func use(
    train: Int = 24, valid: Int = 1, _ body: (TrainingBench) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": train, "valid": valid])
      let preset = folder.file("tiny.json")
      try TrainingRunsTests.tinyModel.write(toFile: preset, atomically: true, encoding: .utf8)
      let recipe = [
        "train", "--preset", preset, "--data", corpus.folder.path(percentEncoded: false),
        "--seconds", "0.5", "--seed", "7", "--schedule", "cosine", "--warmup", "3", "--ema", "0.9",
      ]
      try body(TrainingBench(folder: folder, recipe: recipe))
    }
  }

  /// The words that start `ranks` ranks into the run folder `run`: with mpirun, with these options of
  /// `disttrain launch`, or with a `launcher`'s own words.
  func words(
    ranks: Int, run: String, _ arguments: [String], launch: [String]? = nil,
    launcher: [String]? = nil
  ) throws -> [String] {
    let program = try MPIRun.productPath("disttrain")
    let sharing = ["--oversubscribe", "--bind-to", "none"]
    let start =
      if let launch {
        [program, "launch", "--ranks", "\(ranks)"]
          + sharing.flatMap { ["--mpirun-arg", $0] } + launch + ["--"]
      } else if let launcher {
        launcher + [program]
      } else {
        ranks == 1 ? [program] : [try MPIRun.mpirunPath()] + sharing + ["-np", "\(ranks)", program]
      }
    return start + recipe + ["--run-dir", run] + arguments
  }

  /// Trains to the end.
  func train(
    ranks: Int = 1, run: String, _ arguments: [String], launch: [String]? = nil,
    environment: [String: String] = [:]
  ) throws -> SubprocessOutcome {
    let words = try words(ranks: ranks, run: run, arguments, launch: launch)
    return try Subprocess.run(
      words[0], Array(words.dropFirst()),
      environment: MPIRun.launchEnvironment(adding: environment),
      folder: folder, timeLimit: 90)
  }

  /// Trains, waits until the log holds `text`, does `harm` and waits for the end.
  ///
  /// `harm` is a shell command, in which `$job` is the process that was started, and `ranks` prints
  /// the processes of its ranks under mpirun; `$job` has to be mpirun then, which `launched` makes of
  /// a launcher. The outcome's output is the log.
  func train(
    ranks: Int = 1, run: String, _ arguments: [String], launch: [String]? = nil,
    launcher: [String]? = nil, environment: [String: String] = [:], until text: String,
    then harm: String
  ) throws -> SubprocessOutcome {
    let script = """
      launched() { launcher=$job; job=$(ranks); "$@"; job=$launcher; }
      ranks() {
        for file in /proc/[0-9]*/stat; do
          read -r process name state parent rest <"$file" || continue
          if [ "$parent" = "$job" ]; then echo "$process"; fi
        done 2>/dev/null | sort -n
      }
      "$@" >log 2>&1 &
      job=$!
      while [ -e /proc/$job/exe ] && ! grep -q '\(text)' log; do sleep 0.01; done
      \(harm)
      wait $job
      status=$?
      cat log
      exit $status
      """
    return try Subprocess.run(
      "/bin/sh",
      ["-c", script, "sh"]
        + words(ranks: ranks, run: run, arguments, launch: launch, launcher: launcher),
      environment: MPIRun.launchEnvironment(adding: environment), folder: folder, timeLimit: 90)
  }

  func data(_ run: String, _ name: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: "\(run)/\(name)"))
  }

  /// The rows of a run's history without the columns that tell how long things took.
  func history(_ run: String) throws -> [String] {
    let rows = String(decoding: try data(run, "history.csv"), as: UTF8.self)
      .split(separator: "\n").map { $0.split(separator: ",") }
    let times = ["seconds", "audio_seconds_per_second", "validation_seconds"]
    let columns = (rows.first ?? []).indices.filter { !times.contains(String(rows[0][$0])) }
    return rows.map { row in columns.map { String(row[$0]) }.joined(separator: ",") }
  }

  /// The events in a run's `metrics.jsonl`.
  func events(_ run: String) throws -> [[String: Any]] {
    try String(decoding: try data(run, "metrics.jsonl"), as: UTF8.self).split(separator: "\n")
      .compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
  }

  /// Those of a kind.
  func events(_ run: String, _ name: String) throws -> [[String: Any]] {
    try events(run).filter { $0["event"] as? String == name }
  }

  /// Expects that two runs have come to the same, bit for bit.
  func expectEqual(
    _ one: String, _ other: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for name in ["last.safetensors", "best.safetensors"] {
      #expect(
        try data(one, name) == data(other, name), "\(name) differs",
        sourceLocation: sourceLocation)
    }
    #expect(try history(one) == history(other), sourceLocation: sourceLocation)
    // Every step was done, and the epochs were told of in order.
    let steps = try events(other, "step").compactMap { $0["step"] as? Int }
    #expect(Set(steps) == Set(1...(steps.max() ?? 1)), sourceLocation: sourceLocation)
  }
}

/// How often `text` occurs.
func occurrences(of text: String, in whole: String) -> Int {
  whole.components(separatedBy: text).count - 1
}
