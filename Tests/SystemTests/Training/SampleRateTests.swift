import Audio
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Models with a front end of their own on corpora at its sample rate, as users run them.
@Suite(.serialized) struct SampleRateTests {
  /// A sample rate with window, hop and bands of a tiny model.
  struct Rate: CustomTestStringConvertible, Sendable {
    let hertz: Int
    let window: Int
    let hop: Int
    let bands: String

    var testDescription: String { "\(hertz) Hz" }

    var model: String {
      let standard = #""bins": 257, "bands": [2, 3, "12x21"]"#
      return tinyModel.replacingOccurrences(
        of: standard,
        with: """
          "front_end": { "sample_rate": \(hertz), "n_fft": \(window), "hop": \(hop) },
          "bins": \(window / 2 + 1), "bands": \(bands)
          """)
    }
  }

  static let rates = [
    Rate(hertz: 8000, window: 256, hop: 64, bands: #"[3, "6x21"]"#),
    Rate(hertz: 48_000, window: 960, hop: 480, bands: #"[1, "12x40"]"#),
  ]

  private func use(_ rate: Rate, _ body: (TrainingBench) throws -> Void) throws {
    try TrainingBench.use(
      train: 6, valid: 3, model: rate.model, sampleRate: rate.hertz, body)
  }

  private let recipe = ["--epochs", "2", "--batch", "1"]

  @Test(arguments: rates) func resumedAndPackedRunsAreUninterrupted(rate: Rate) throws {
    try use(rate) { bench in
      let whole = try bench.train(ranks: 2, run: "a", recipe)
      #expect(whole.status == 0 && whole.output.contains("Epoch 2 PESQ nan noisy nan"), "\(whole)")
      #expect(
        whole.output.contains(
          "the best weights are those with the highest SI-SDR: pesq_wb is defined at 16000 Hz "
            + "only, and the model takes \(rate.hertz) Hz"), "\(whole)")
      #expect(!whole.errors.contains("left out"), "\(whole)")
      // Barely trained: the first epoch's is the better one, or the second's.
      #expect(whole.output.contains(#/\nbest SI-SDR -?\d+\.\d\d dB in epoch [12]: /#), "\(whole)")
      let first = try bench.train(ranks: 2, run: "b", recipe + ["--stop-after", "2"])
      #expect(first.status == 0, "\(first)")
      let resumed = try bench.train(ranks: 2, run: "b", recipe + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      #expect(try bench.differences("a", "b") == [])

      let packing = ["prepare", "pack", "--input", bench.data, "--output", "pack"]
      let packed = try disttrain(packing, folder: bench.folder)
      #expect(packed.status == 0, "\(packed)")
      var fromPack = bench
      fromPack.data = bench.folder.file("pack")
      let third = try fromPack.train(run: "c", ["--epochs", "2", "--batch", "2"])
      #expect(third.status == 0, "\(third)")
      #expect(try bench.data("a", "best-scores.csv") == bench.data("c", "best-scores.csv"))
    }
  }

  @Test(arguments: rates) func trainedModelIsUsedAtItsRate(rate: Rate) throws {
    try use(rate) { bench in
      let trained = try bench.train(run: "run", recipe)
      #expect(trained.status == 0, "\(trained)")
      // Twelve seconds, in two segments, at the model's rate.
      let speech = try EnhanceFixture.conversation(rounds: 1).noisy.prefix(12 * 16_000)
      let noisy = interpolated(Array(speech), to: rate.hertz)
      try WaveFile.write(noisy, sampleRate: rate.hertz, to: bench.folder.file("in.wav"))
      let weights = ["--weights", "run/best.safetensors"]
      let enhance = ["enhance", "--segment", "10"] + weights
      let enhanced = try disttrain(enhance + ["in.wav", "out.wav"], folder: bench.folder)
      #expect(enhanced.status == 0 && enhanced.output.contains("12.0 s of audio"), "\(enhanced)")
      let info = try WaveFile.info(path: bench.folder.file("out.wav"))
      #expect(info.sampleRate == rate.hertz && info.sampleCount == noisy.count)

      let evaluate = ["evaluate", "--data", bench.data, "--split", "valid"] + weights
      let scored = try disttrain(
        evaluate + ["--metrics", "si_sdr", "--csv", "scores.csv"], folder: bench.folder)
      #expect(scored.status == 0, "\(scored)")
      // The best epoch's scores, to the digits of the file.
      func column(_ file: String, _ name: String) throws -> [String] {
        let rows = try String(contentsOf: bench.folder.appending(path: file), encoding: .utf8)
          .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let index = try #require(rows.first?.firstIndex { $0 == name })
        return rows.dropFirst().map { String($0[index].prefix(7)) }
      }
      #expect(
        try column("scores.csv", "si_sdr") == column("run/best-scores.csv", "si_sdr"))
      for command in [["compare", "run"], ["watch", "run", "--once"], ["report", "run"]] {
        let outcome = try disttrain(command, folder: bench.folder)
        #expect(outcome.status == 0, "\(outcome)")
        if command[0] == "watch" {
          #expect(outcome.output.contains(#/ -?\d+\.\d{4} dB /#), "\(outcome)")
        }
      }
    }
  }

  @Test func cropsWithoutASpectrumAreRefusedBeforeThereIsARun() throws {
    let rate = Rate(hertz: 8000, window: 2048, hop: 512, bands: #"[1, "16x64"]"#)
    try use(rate) { bench in
      let text =
        #"--seconds is too short: 0.1 s at 8000 Hz are 800 samples, and a spectrum of the model "#
        + #""tiny" needs 1025; give at least 0.129"#
      for more in [[], ["--dry-run"]] {
        let outcome = try bench.train(run: "run", ["--seconds", "0.1"] + more)
        expectError(outcome, text)
        #expect(!FileManager.default.fileExists(atPath: bench.folder.file("run")))
      }
      let machines = ["--utterances", "8", "--nodes", "1", "--ranks-per-node", "1"]
      for command in [["plan"] + machines, ["bench", "step"], ["bench", "scaling"]] {
        let words = command + ["--preset", "tiny.json", "--seconds", "0.1"]
        expectError(try disttrain(words, folder: bench.folder), text)
      }
      let trained = try bench.train(
        run: "run", ["--seconds", "0.129", "--epochs", "1", "--warmup", "0"])
      #expect(trained.status == 0, "\(trained)")
    }
  }

  @Test func otherRatesAreOneSentence() throws {
    let rate = Self.rates[1]
    try use(rate) { bench in
      let trained = try bench.train(run: "run", recipe)
      #expect(trained.status == 0, "\(trained)")
      _ = try FixtureCorpus(
        in: bench.folder.appending(path: "other"), splits: ["train": 2, "test": 2])
      let weights = ["--weights", "run/best.safetensors"]
      func error(_ arguments: [String], _ texts: String...) throws {
        let outcome = try disttrain(arguments, folder: bench.folder)
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
        for text in texts { #expect(outcome.errors.contains(text), "\(outcome)") }
      }
      let model = "and the model takes 48000 Hz"
      let split = "other/corpus: the train split is at 16000 Hz, " + model
      let data = ["--data", "other/corpus"]
      try error(["train", "--preset", "tiny.json", "--run-dir", "x"] + data, split)
      let machines = ["--nodes", "1", "--ranks-per-node", "1"]
      try error(["plan", "--preset", "tiny.json"] + machines + data, split)
      try error(
        ["evaluate", "--metrics", "si_sdr"] + weights + data,
        "other/corpus: the test split is at 16000 Hz, " + model)
      try error(
        ["evaluate"] + weights + ["--data", bench.data],
        "pesq_wb, stoi, estoi, ssnr, llr, wss, csig, cbak, covl: defined at 16000 Hz only, "
          + model,
        "choose --metrics si_sdr")
      try error(
        ["enhance"] + weights + [EnhanceFixture.input, "out.wav"],
        "expected 48000 Hz, found 16000 Hz")
      try error(
        ["train", "--preset", "abl3", "--run-dir", "y", "--data", bench.data],
        "the train split is at 48000 Hz, and the model takes 16000 Hz; give a corpus at 16000 Hz")
      let file = "\(bench.data)/valid/clean/u000.wav"
      let pair = ["score", "--reference", file, "--degraded", file]
      let refused = try disttrain(pair, folder: bench.folder)
      #expect(
        refused.status == 1
          && refused.output.contains(
            "expected 16000 Hz, found 48000 Hz; resample first, or choose --metrics si_sdr"),
        "\(refused)")
      let scored = try disttrain(pair + ["--metrics", "si_sdr"], folder: bench.folder)
      #expect(scored.status == 0, "\(scored)")
    }
  }
}
