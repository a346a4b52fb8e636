import Audio
import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Corpora that change under a run, or turn out to be damaged in the middle of one.
@Suite struct ChangedCorpusTests {
  private func line(_ outcome: SubprocessOutcome, _ text: String) -> String? {
    outcome.output.split(separator: "\n").map(String.init).first { $0.contains(text) }
  }

  @Test func aResumeSaysWhatIsAnotherSet() throws {
    try TrainingBench.use(train: 6, valid: 2) { bench in
      func train(_ arguments: [String], resumes: Bool = true) throws -> SubprocessOutcome {
        let recipe = ["--epochs", "6", "--steps-per-epoch", "1"]
        let outcome = try bench.train(
          run: "run", recipe + arguments + (resumes ? ["--resume"] : []))
        #expect(outcome.status == 0, "\(outcome)")
        return outcome
      }
      _ = try train(["--stop-after", "2"], resumes: false)
      let same = try train(["--stop-after", "2"])
      #expect(line(same, "warning") == nil)
      let text = "0 of 16 files read, the others as remembered"
      #expect(line(same, "headers")?.contains(text) == true)

      // Another pair, and one gone; one validation utterance instead of two.
      for side in ["clean", "noisy"] {
        let folder = "\(bench.data)/train/\(side)"
        try FileManager.default.moveItem(
          atPath: "\(folder)/u003.wav", toPath: "\(folder)/u999.wav")
        try FileManager.default.copyItem(
          atPath: "\(folder)/u000.wav", toPath: "\(folder)/u500.wav")
      }
      let other = try train(["--stop-after", "3", "--validation-count", "1"])
      #expect(
        line(other, "the training set")?.contains(
          "warning: the training set is not that of the checkpoint: 6 utterances before, 7 now "
            + "(2 added, 1 removed)") == true, "\(other.output)")
      #expect(
        line(other, "the validation set")?.contains(
          "warning: the validation set is not that of the checkpoint: 2 utterances before, 1 now "
            + "(1 removed); scores before and after do not compare, so the next epoch sets a new "
            + "best (") == true, "\(other.output)")
      #expect(line(other, "headers")?.contains("4 of 18 files read") == true)
      let rest = try train(["--validation-count", "1"])
      #expect(line(rest, "warning") == nil, "\(rest.output)")
      #expect(line(rest, "best ")?.contains("in epoch") == true)

      // Without what was remembered the numbers are all that is known.
      try FileManager.default.removeItem(
        at: bench.folder.appending(path: "run/utterances-valid.safetensors"))
      let blind = try train([])
      #expect(
        line(blind, "the validation set")?.hasSuffix("1 utterance before, 2 now") == true,
        "\(blind.output)")
      #expect(line(blind, "best ") == line(rest, "best "))
    }
  }

  @Test func damageInTheMiddleIsLeftOutNamedAndCounted() throws {
    try TrainingBench.use(train: 6, valid: 2) { bench in
      // Frames are damaged behind a header that is whole.
      for (split, name) in [("train", "u002"), ("valid", "u001")] {
        let wave = "\(bench.data)/\(split)/noisy/\(name)"
        let samples = try WaveFile.read(path: "\(wave).wav").samples
        try WaveFile.write(samples, sampleRate: 16_000, to: "\(wave).flac")
        try FileManager.default.removeItem(atPath: "\(wave).wav")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: "\(wave).flac"))
        for index in bytes.count / 3..<bytes.count / 2 { bytes[index] = 0xFF }
        try bytes.write(to: URL(fileURLWithPath: "\(wave).flac"))
      }
      let arguments = ["--epochs", "2", "--batch", "3", "--seconds", "4"]
      let stopped = try bench.train(run: "stop", arguments)
      #expect(stopped.status == 1)
      #expect(stopped.errors.contains("train/noisy/u002.flac: "), "\(stopped)")

      let outcome = try bench.train(run: "skip", arguments + ["--on-bad-file", "skip"])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let named = outcome.output.split(separator: "\n").filter { $0.contains("left out of step") }
      #expect(named.count == 1 && named[0].contains("train/noisy/u002.flac: "), "\(outcome.output)")
      #expect(
        line(outcome, "left out so far, with --on-bad-file skip: 2 crops because of 1 file") != nil)
      #expect(line(outcome, "left out of the validation scores: u001: ") != nil)
      let events = try bench.data("skip", "metrics.jsonl").split(separator: 10)
        .map { String(decoding: $0, as: UTF8.self) }.filter { $0.contains("\"left_out\"") }
      #expect(events.count == 2 && events[1].contains("\"crops\":2"), "\(events)")
      #expect(events.allSatisfy { $0.contains("\"utterances\":[\"u002\"]") })

      // As if they had not been there, but for the names.
      let pack = try disttrain(
        ["prepare", "pack", "--input", bench.data, "--output", "p", "--on-bad-file", "skip"],
        folder: bench.folder)
      #expect(pack.status == 0, "\(pack)")
      #expect(pack.output.contains("2 files left out:\nleft out: "), "\(pack)")
      #expect(pack.output.contains("pairs: train 5, valid 1"), "\(pack)")
    }
  }
}
