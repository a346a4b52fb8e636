import Files
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Commands whose stdout, stderr or stdin is full, closed, or a pipe that nobody reads.
@Suite struct OutputTests {
  /// Runs `script`, in which `disttrain` is the program.
  private func shell(_ script: String, in folder: URL) throws -> SubprocessOutcome {
    let program = try MPIRun.productPath("disttrain")
    return try Subprocess.run(
      "/bin/bash", ["-c", "set -o pipefail; disttrain() { '\(program)' \"$@\"; }; \(script)"],
      environment: MPIRun.launchEnvironment(), folder: folder, timeLimit: 90)
  }

  /// Every command that prints results, in its shortest form.
  private static let commands = [
    "--help", "--version", "score --help", "help train", "describe --preset abl1",
    "describe --preset tiny.json", "score --reference a.wav --degraded a.wav --metrics si_sdr",
    "evaluate --weights w.safetensors --preset tiny.json --data corpus --split valid "
      + "--metrics si_sdr",
    "enhance --weights w.safetensors --preset tiny.json a.wav out.wav", "compare run",
    "report run --no-audio", "watch --once run", "prepare pack --input corpus --output pack",
    "prepare verify --data pack0", "bench pesq --seconds 1 --repeats 1",
    "bench loading --data corpus --count 1 --seconds 0.5", "check --preset tiny.json",
    "bench compare pesq.json pesq.json --anyway",
    "bench simulate --calibration step.json --ranks 1,2",
    "plan --preset tiny.json --utterances 9 --seconds 0.5 --ranks-per-node 1 "
      + "--calibration step.json",
    "train --preset tiny.json --data corpus --seconds 0.5 --run-dir new --dry-run",
    "launch --ranks 1 --allow-run-as-root --dry-run -- train --preset tiny.json --data corpus",
    "doctor --preset tiny.json",
  ]

  /// A folder with everything that the commands need.
  private func withInputs(_ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": 2, "valid": 1])
      let files = FileManager.default
      try files.copyItem(atPath: EnhanceFixture.weights, toPath: folder.file("w.safetensors"))
      try files.copyItem(atPath: EnhanceFixture.preset, toPath: folder.file("tiny.json"))
      try files.copyItem(atPath: EnhanceFixture.input, toPath: folder.file("a.wav"))
      try folder.makeRun("run", scores: ["2.5"])
      let made = try shell(
        "disttrain bench pesq --seconds 1 --repeats 1 --json pesq.json && disttrain bench step "
          + "--preset tiny.json --batch 1 --seconds 0.5 --steps 1 --json step.json && disttrain "
          + "prepare pack --input corpus --output pack0", in: folder)
      #expect(made.status == 0, "\(made)")
      try body(folder)
    }
  }

  @Test func aFullDiskIsToldByEveryCommand() throws {
    try withInputs { folder in
      for command in Self.commands {
        let outcome = try shell("disttrain \(command) > /dev/full", in: folder)
        #expect(outcome.status == 1, "\(command): \(outcome)")
        #expect(
          outcome.errors.contains(
            "disttrain: error: stdout could not be written: No space left on device; "),
          "\(command): \(outcome)")
      }
      // Files are written before what is printed: both are not lost at once.
      let files = ["out.wav", "report.html", "pack"]
      for name in files { #expect(PathKind(folder.file(name)) == .file, "\(name)") }
      let scored = try shell(
        "disttrain score --reference a.wav --degraded a.wav --metrics si_sdr --csv s.csv "
          + "--json s.json >/dev/full", in: folder)
      #expect(scored.status == 1 && PathKind(folder.file("s.csv")) == .file, "\(scored)")
      #expect(PathKind(folder.file("s.json")) == .file)
      let measured = try shell(
        "disttrain bench pesq --seconds 1 --repeats 1 --json b.json >/dev/full", in: folder)
      #expect(measured.status == 1 && PathKind(folder.file("b.json")) == .file, "\(measured)")
    }
  }

  @Test(arguments: ["--help", "describe --preset abl1", "--experimental-dump-help"])
  func aClosedPipeEndsQuietly(command: String) throws {
    try withTemporaryFolder { folder in
      // A reader that has gone before anything is written.
      let outcome = try shell("(sleep 0.2; disttrain \(command)) | true", in: folder)
      #expect(outcome.errors == "" && outcome.status == 141, "\(outcome)")
    }
  }

  /// The files of a run hold what belongs there, whichever descriptors were closed at the start.
  @Test(arguments: [">&-", "2>&-", "<&- >&- 2>&-", "<&-"])
  func closedDescriptorsAreNoFiles(closed: String) throws {
    try TrainingBench.use(train: 4) { bench in
      let words = bench.recipe(run: "run", ["--epochs", "2", "--batch", "2", "--tensorboard"])
      let line = words.map { "'\($0)'" }.joined(separator: " ")
      let outcome = try shell("disttrain \(line) \(closed)", in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      let metrics = String(decoding: try bench.data("run", "metrics.jsonl"), as: UTF8.self)
      let lines = metrics.split(separator: "\n")
      #expect(lines.count > 6)
      for line in lines { #expect(line.hasPrefix("{\"") && line.hasSuffix("}"), "\(line)") }
      #expect(try bench.history("run").count == 3)
      // Other commands, too.
      let scores = try shell(
        "disttrain score --reference '\(EnhanceFixture.input)' --degraded "
          + "'\(EnhanceFixture.input)' --metrics si_sdr --csv s.csv \(closed)", in: bench.folder)
      #expect(scores.status == 0, "\(scores)")
      let csv = try String(contentsOfFile: bench.folder.file("s.csv"), encoding: .utf8)
      #expect(csv.hasPrefix("file,") && csv.split(separator: "\n").count == 2, "\(csv)")
    }
  }

  /// A run of days does not end because its log cannot be written; the end says so, once.
  @Test(arguments: ["> /dev/full", "| true"])
  func trainingGoesOnWithoutItsLog(output: String) throws {
    try TrainingBench.use(train: 4) { bench in
      let recipe = ["--epochs", "2", "--batch", "2"]
      #expect(try bench.train(run: "a", recipe).status == 0)
      let line = bench.recipe(run: "b", recipe).map { "'\($0)'" }.joined(separator: " ")
      let outcome = try shell("disttrain \(line) \(output)", in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      let lines = outcome.errors.split(separator: "\n")
      #expect(lines.count == 1, "\(outcome)")
      #expect(
        lines.first?.hasPrefix("disttrain: warning: stdout could not be written: ") == true
          && lines.first?.hasSuffix("the files of the run have all of it") == true, "\(outcome)")
      #expect(try bench.differences("a", "b") == [])
    }
  }
}
