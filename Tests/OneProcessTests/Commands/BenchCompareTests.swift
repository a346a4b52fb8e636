import DistTrain
import Foundation
import ProgramTestSupport
import Tensor
import Testing
import TestSupport

/// `disttrain bench compare`, and the scripts in `Benchmarks`.
@Suite(.serialized) struct BenchCompareTests {
  private func write(_ text: String, _ name: String, in folder: URL) throws -> String {
    let path = folder.file(name)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// A result of `bench step` with round numbers.
  private func step(
    seconds: Double, peak: Double, scan: Double, batch: Int = 6, processor: String = "Some CPU",
    label: String
  ) -> String {
    """
    {"kind": "step", "preset": "abl3", "batch": \(batch), "seconds": 2, "threads": 1, "ranks": 1,
     "recompute": false, "label": "\(label)", "date": "2026-01-02T03:04:05Z",
     "machine": {"processor": "\(processor)", "cores": 2, "instructionSet": "AVX-512",
                 "matrixProduct": "own"},
     "stepSeconds": \(seconds), "audioSecondsPerSecond": \(12 / seconds),
     "fractionOfPeak": 0.5, "fmaPeakGflops": \(peak), "peakResidentBytes": 500000000,
     "parts": [{"part": "scan + gate", "pass": "backward", "seconds": \(scan)},
               {"part": "Adam", "pass": "backward", "seconds": 0.001}]}
    """
  }

  /// The cells of the line that begins with `name`.
  private func cells(_ name: String, _ outcome: SubprocessOutcome) throws -> [Substring] {
    let line = try #require(
      outcome.output.split(separator: "\n").first { $0.hasPrefix(name + "  ") }, "\(outcome)")
    return line.dropFirst(name.count).split(separator: " ")
  }

  @Test func ratiosAreAfterOverBefore() throws {
    try withTemporaryFolder { folder in
      let before = try write(
        step(seconds: 4, peak: 200, scan: 1.6, label: "old"), "before.json", in: folder)
      let after = try write(
        step(seconds: 2, peak: 250, scan: 0.4, label: "new"), "after.json", in: folder)
      let outcome = try disttrain(["bench", "compare", before, after])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(outcome.output.contains("after.json (new, 2026-01-02T03:04:05Z)"), "\(outcome)")
      // The second run's clock was 1.25 times the first's: at equal clocks it gained less.
      #expect(
        try cells("step", outcome) == ["4000", "ms", "2000", "ms", "0.500", "0.625"])
      #expect(
        try cells("scan + gate, backward", outcome)
          == ["1600", "ms", "400", "ms", "0.250", "0.312"])
      #expect(try cells("Adam, backward", outcome).suffix(2) == ["1.000", "1.250"])
      #expect(try cells("audio-s/s", outcome) == ["3.00", "6.00", "2.000"])
      #expect(try cells("FMA peak, GFLOP/s", outcome) == ["200", "250", "1.250"])
    }
  }

  @Test func unlikeResultsAreRefused() throws {
    try withTemporaryFolder { folder in
      let before = try write(
        step(seconds: 4, peak: 200, scan: 1, label: "a"), "before.json", in: folder)
      let after = try write(
        step(seconds: 2, peak: 200, scan: 1, batch: 3, processor: "Other CPU", label: "b"),
        "after.json", in: folder)
      let difference = "batch (6, 3), processor (\"Some CPU\", \"Other CPU\")"
      expectError(
        try disttrain(["bench", "compare", before, after]),
        "the results are not comparable, they differ in \(difference); add --anyway")
      let anyway = try disttrain(["bench", "compare", before, after, "--anyway"])
      #expect(anyway.status == 0 && anyway.output.contains(difference), "\(anyway)")
      #expect(try cells("step", anyway).suffix(2) == ["0.500", "0.500"])

      let kernels = try write("{\"kind\": \"kernels\"}", "kernels.json", in: folder)
      expectError(
        try disttrain(["bench", "compare", before, kernels, "--anyway"]),
        "the files are of different benchmarks, step and kernels")
      let other = try write("{\"kind\": 3}", "other.json", in: folder)
      expectError(
        try disttrain(["bench", "compare", before, other]),
        "other.json is no result file of disttrain bench")
      expectError(
        try disttrain(["bench", "compare", folder.file("none.json"), after]),
        "none.json: there is no such file")
    }
  }

  @Test func scriptsRecordAndCompare() throws {
    let scripts = fixturesFolder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Benchmarks")
    try withTemporaryFolder { folder in
      var environment = ProcessInfo.processInfo.environment
      environment["DISTTRAIN"] = try MPIRun.productPath("disttrain")
      environment["PRESETS"] = EnhanceFixture.preset
      environment["RESULTS"] = folder.path(percentEncoded: false)
      let record = try Subprocess.run(
        scripts.file("record.sh"), ["--seconds", "0.25", "--steps", "1"], environment: environment,
        timeLimit: 60)
      #expect(record.status == 0, "\(record)")
      let names = try FileManager.default.contentsOfDirectory(
        atPath: folder.path(percentEncoded: false))
      #expect(names.count == 2, "\(names)")
      let step = try #require(
        names.first { $0.hasSuffix("-step-tiny-seconds-0-25-steps-1.json") }, "\(names)")
      #expect(names.contains { $0.hasSuffix("-kernels.json") }, "\(names)")
      let result = try JSONDecoder().decode(
        StepResult.self, from: try Data(contentsOf: folder.appending(path: step)))
      let label = try #require(result.label)
      #expect(!label.isEmpty && step.contains("-cores-\(label)-step-"), "\(step) \(label)")
      #expect(result.seconds == 0.25 && result.batch == 6 && result.steps == 1)

      let compare = try Subprocess.run(
        scripts.file("compare.sh"), [folder.file(step), folder.file(step)],
        environment: environment, timeLimit: 60)
      #expect(compare.status == 0, "\(compare)")
      #expect(try cells("step", compare).suffix(2) == ["1.000", "1.000"])
    }
  }
}
