import Audio
import Foundation
import TestSupport
import Testing

/// `disttrain evaluate` as users run it, alone and under a real mpirun.
@Suite(.serialized) struct EvaluateTests {
  private let model = ["--weights", EnhanceFixture.weights, "--preset", EnhanceFixture.preset]

  private func withCorpus(_ body: (_ folder: URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["test": 6])
      try body(folder)
    }
  }

  /// Without a launcher if `ranks` is 0.
  private func evaluate(
    ranks: Int, _ folder: URL, _ arguments: [String] = []
  ) throws -> SubprocessOutcome {
    let arguments = ["evaluate"] + model + ["--data", "corpus"] + arguments
    if ranks == 0 { return try disttrain(arguments, folder: folder) }
    return try MPIRun.run(
      ranks: ranks, product: "disttrain", arguments: arguments, folder: folder, timeLimit: 120)
  }

  /// Means of what other programs say of the corpus's noisy sides.
  private func knownMeans() throws -> (pesq: Double, siSDR: Double) {
    let data = try Data(contentsOf: fixturesFolder.appending(path: "metrics/expected.json"))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let cases = try #require(object["cases"] as? [[String: Any]])
    let used = try cases.filter {
      try FixtureCorpus.names.contains(#require($0["name"] as? String))
    }
    func mean(_ key: String) throws -> Double {
      try used.map { try #require($0[key] as? Double) }.reduce(0, +) / Double(used.count)
    }
    try #require(used.count == 6)
    return (try mean("pesq_wb"), try mean("si_sdr"))
  }

  /// Under mpirun lines of its own follow ours.
  private func errors(_ outcome: SubprocessOutcome) -> [Substring] {
    outcome.errors.split(separator: "\n").filter { $0.hasPrefix("disttrain: ") }
  }

  @Test func tableHasTheNoisyRowFirst() throws {
    try withCorpus { folder in
      let outcome = try evaluate(ranks: 0, folder, ["--csv", "scores.csv"])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let lines = outcome.output.split(separator: "\n")
      try #require(lines.count == 6, "\(outcome)")
      #expect(lines[0] == "tiny on 6 utterances of corpus, test")
      #expect(lines[1].split(separator: " ") == ["pesq_wb", "si_sdr"])
      let noisy = lines[2].split(separator: " ")
      let known = try knownMeans()
      try #require(noisy.count == 3 && noisy[0] == "noisy", "\(outcome)")
      #expect(abs(try #require(Double(noisy[1])) - known.pesq) < 0.002, "\(outcome)")
      #expect(abs(try #require(Double(noisy[2])) - known.siSDR) < 0.01, "\(outcome)")
      #expect(lines[3].hasPrefix("enhanced "), "\(outcome)")
      #expect(lines[4] == "scored 6/6" && lines[5].hasPrefix("loss 0."), "\(outcome)")

      let csv = try String(contentsOfFile: folder.file("scores.csv"), encoding: .utf8)
      let rows = csv.split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
      #expect(
        rows.first == [
          "file", "noisy_pesq_wb", "pesq_wb", "noisy_si_sdr", "si_sdr", "loss", "error",
        ])
      #expect(
        rows.count == 7 && rows.dropFirst().map(\.[0]).sorted() == rows.dropFirst().map(\.[0]))
      let mean = rows.dropFirst().compactMap { Double($0[2]) }.reduce(0, +) / 6
      #expect(
        lines[3].split(separator: " ")[1] == Substring(String(format: "%.4f", mean)), "\(outcome)")

      // What `score` says of the same files.
      let score = try disttrain(
        ["score", "--reference", "corpus/test/clean", "--degraded", "corpus/test/noisy"],
        folder: folder)
      #expect(score.output.contains("pesq_wb \(noisy[1])\nsi_sdr \(noisy[2])\n"), "\(score)")
    }
  }

  @Test func figuresAreTheSameForAnyNumberOfRanks() throws {
    try withCorpus { folder in
      let alone = try evaluate(ranks: 0, folder, ["--csv", "scores0.csv"])
      #expect(alone.status == 0, "\(alone)")
      let csv = try Data(contentsOf: folder.appending(path: "scores0.csv"))
      for ranks in [1, 2, 3] {
        let outcome = try evaluate(ranks: ranks, folder, ["--csv", "scores\(ranks).csv"])
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        #expect(outcome.output == alone.output, "\(ranks) ranks: \(outcome)")
        #expect(try Data(contentsOf: folder.appending(path: "scores\(ranks).csv")) == csv)
      }
    }
  }

  @Test(arguments: [0, 3]) func failuresAreToldOnce(ranks: Int) throws {
    try withCorpus { folder in
      let cases: [(arguments: [String], text: String)] = [
        (["--split", "valid"], "the corpus has no valid split"),
        (["--weights", "none.safetensors"], "none.safetensors"),
        (["--preset", "abl1"], "do not fit the model \"abl1\""),
        (["--data", "nowhere"], "nowhere: no such corpus folder"),
        (["--csv", "new/scores.csv"], "new/scores.csv could not be written"),
      ]
      for (arguments, text) in cases {
        let outcome = try evaluate(ranks: ranks, folder, arguments)
        #expect(outcome.status == 1 && !outcome.timedOut, "\(outcome)")
        let errors = errors(outcome)
        #expect(errors.count == 1, "\(outcome)")
        #expect(
          errors.first?.hasPrefix("disttrain: error: ") == true
            && errors.first?.contains(text) == true, "\(outcome)")
      }
    }
  }

  @Test func badFileStopsOrIsLeftOut() throws {
    try withCorpus { folder in
      let path = folder.file("corpus/test/noisy/u003.wav")
      try FileManager.default.removeItem(atPath: path)
      try BadWave.fast.write(to: path)
      let stopped = try evaluate(ranks: 2, folder)
      #expect(stopped.status == 1, "\(stopped)")
      #expect(errors(stopped).count == 1, "\(stopped)")
      #expect(stopped.errors.contains("corpus/test/noisy/u003.wav: \(BadWave.fast.text)"))
      let skipped = try evaluate(ranks: 2, folder, ["--on-bad-file", "skip"])
      #expect(skipped.status == 0, "\(skipped)")
      #expect(skipped.output.contains("scored 5/5\n"), "\(skipped)")
      #expect(
        skipped.output.contains("left out: corpus/test/noisy/u003.wav: \(BadWave.fast.text)"),
        "\(skipped)")
    }
  }

  @Test func silenceIsCountedAndNamed() throws {
    try withCorpus { folder in
      let silence = [Float](repeating: 0, count: 20_000)
      for side in ["clean", "noisy"] {
        try WaveFile.write(
          silence, sampleRate: 16_000, to: folder.file("corpus/test/\(side)/u999.wav"))
      }
      let outcome = try evaluate(ranks: 2, folder)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("\nscored 6/7\n"), "\(outcome)")
      #expect(outcome.output.contains("noisy      1.4651"), "\(outcome)")
      #expect(
        outcome.output.contains("not scored:\n  u999: pesq_wb: the reference signal is silent"),
        "\(outcome)")
      // Alone there is no result, but a sentence.
      for index in 0..<6 {
        for side in ["clean", "noisy"] {
          try FileManager.default.removeItem(
            atPath: folder.file("corpus/test/\(side)/u00\(index).wav"))
        }
      }
      let nothing = try evaluate(ranks: 2, folder)
      #expect(nothing.status == 1, "\(nothing)")
      #expect(nothing.output.contains("scored 0/1"), "\(nothing)")
      #expect(errors(nothing) == ["disttrain: error: no utterance has a score; see \"not scored\""])
    }
  }
}
