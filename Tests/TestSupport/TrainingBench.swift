import Foundation

/// A corpus of real speech, a tiny model and a folder, in which tests start and harm training runs.
public struct TrainingBench {
  /// Folder of the runs.
  public let folder: URL
  /// Path of the corpus, a folder or a packed file.
  public var data: String
  private let preset: String

  /// Runs `body` with a bench of `train` and `valid` utterances at `sampleRate`, in hertz, and a
  /// preset with the text `model`, and then removes it.
  public static func use<Result>(
    train: Int = 24, valid: Int = 1, model: String = tinyModel, sampleRate: Int = 16_000,
    _ body: (TrainingBench) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(
        in: folder, splits: ["train": train, "valid": valid], sampleRate: sampleRate)
      let preset = folder.file("tiny.json")
      try model.write(toFile: preset, atomically: true, encoding: .utf8)
      return try body(
        TrainingBench(
          folder: folder, data: corpus.folder.path(percentEncoded: false), preset: preset))
    }
  }

  /// A bench of the same corpus and model in a folder of its own, whose name ends with `name`.
  public func subfolder(_ name: String) throws -> TrainingBench {
    // The name is found in the words of processes, so it has to be as unique as this folder's.
    let path = "\(folder.lastPathComponent)-\(name)"
    try folder.makeFolder(path)
    return TrainingBench(
      folder: folder.appending(path: path, directoryHint: .isDirectory), data: data, preset: preset)
  }

  /// Words after `disttrain` that train into the run folder `run`.
  public func recipe(run: String, _ arguments: [String]) -> [String] {
    [
      "train", "--preset", preset, "--data", data, "--seconds", "0.5", "--seed", "7",
      "--schedule", "cosine", "--warmup", "3", "--ema", "0.9", "--run-dir", run,
    ] + arguments
  }

  /// Words of a command that starts `ranks` ranks into the run folder `run`: by mpirun, by
  /// `disttrain launch` with the options `launch`, or by the words of `launcher`.
  public func words(
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
    return start + recipe(run: run, arguments)
  }

  /// Trains a run to its end.
  public func train(
    ranks: Int = 1, run: String, _ arguments: [String], launch: [String]? = nil,
    environment: [String: String] = [:]
  ) throws -> SubprocessOutcome {
    let words = try words(ranks: ranks, run: run, arguments, launch: launch)
    return try Subprocess.run(
      words[0], Array(words.dropFirst()),
      environment: MPIRun.launchEnvironment(adding: environment),
      folder: folder, timeLimit: 90)
  }

  /// Trains, waits until the log holds `text`, runs `harm` and waits for the end.
  ///
  /// `harm` is a shell command, in which `$job` is the process that was started, and `ranks` prints
  /// the processes of its ranks under mpirun. For `ranks` the process `$job` must be mpirun; under
  /// a launcher, `launched COMMAND` runs a command with that `$job`. The outcome's output is the
  /// log, and `harmSeconds` returns how long the job ran after the harm.
  public func train(
    ranks: Int = 1, run: String, _ arguments: [String], launch: [String]? = nil,
    launcher: [String]? = nil, environment: [String: String] = [:], until text: String,
    then harm: String
  ) throws -> SubprocessOutcome {
    let script = """
      launched() { launcher=$job; job=$(ranks); "$@"; job=$launcher; }
      ranks() { cat /proc/$job/task/*/children | tr -s ' ' '\\n' | sort -n; }
      : >log  # the text must not be found in that of a job before
      "$@" >log 2>&1 &
      job=$!
      while [ -e /proc/$job/exe ] && ! grep -q '\(text)' log; do sleep 0.01; done
      # A job that ended before it came so far was harmed by nothing.
      if ! grep -q '\(text)' log; then
        wait $job
        cat log
        echo 'the log never held: \(text)'
        exit 98
      fi
      date +%s%N >harmed
      \(harm)
      wait $job
      status=$?
      date +%s%N >ended
      cat log
      exit $status
      """
    return try Subprocess.run(
      "/bin/sh",
      ["-c", script, "sh"]
        + words(ranks: ranks, run: run, arguments, launch: launch, launcher: launcher),
      environment: MPIRun.launchEnvironment(adding: environment), folder: folder, timeLimit: 90)
  }

  /// Seconds from the last `harm` to the end of its job.
  public func harmSeconds() throws -> Double {
    func nanoseconds(_ name: String) throws -> Double {
      let text = try String(contentsOfFile: folder.file(name), encoding: .utf8)
      return Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? .nan
    }
    return (try nanoseconds("ended") - nanoseconds("harmed")) / 1e9
  }

  /// Processes that were started in this folder and still run.
  public func processesLeft() -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let mark = Data(folder.lastPathComponent.utf8)
    return names.compactMap { pid_t($0) }.filter { process in
      let words = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/cmdline"))
      return words?.range(of: mark) != nil && Subprocess.isRunning(process)
    }
  }

  /// Makes the checkpoint after `step` the last one of a run that may have come further before it
  /// was dead.
  public func forgetCheckpoints(_ run: String, after step: Int) throws {
    let link = folder.file("\(run)/last.safetensors")
    try FileManager.default.removeItem(atPath: link)
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: String(format: "step-%08d.safetensors", step))
  }

  /// Contents of a file of a run.
  public func data(_ run: String, _ name: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: "\(run)/\(name)"))
  }

  /// Rows of a run's history without the columns that measure time.
  public func history(_ run: String) throws -> [String] {
    let timed = ["seconds", "audio_seconds_per_second", "validation_seconds"]
    let rows = String(decoding: try data(run, "history.csv"), as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let kept = (rows.first ?? []).map { !timed.contains($0) }
    return rows.map { row in
      zip(row, kept).filter { $0.1 }.map(\.0).joined(separator: ",")
    }
  }

  /// The events in a run's `metrics.jsonl`.
  public func events(_ run: String) throws -> [[String: Any]] {
    try String(decoding: try data(run, "metrics.jsonl"), as: UTF8.self).split(separator: "\n")
      .compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
  }

  /// The events of one kind in a run's `metrics.jsonl`.
  public func events(_ run: String, _ name: String) throws -> [[String: Any]] {
    try events(run).filter { $0["event"] as? String == name }
  }

  /// Differences between two runs whose results should be equal bit for bit.
  public func differences(_ one: String, _ other: String) throws -> [String] {
    var found: [String] = []
    for name in ["last.safetensors", "best.safetensors"]
    where try data(one, name) != data(other, name) {
      found.append("\(name) differs")
    }
    if try history(one) != history(other) { found.append("history.csv differs") }
    // Every step must have been logged.
    let steps = Set(try events(other, "step").compactMap { $0["step"] as? Int })
    if steps != Set(1...(steps.max() ?? 1)) { found.append("steps are missing in metrics.jsonl") }
    return found
  }
}
