import Audio
import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

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

  /// The mean of what other programs say of the corpus's noisy sides.
  private func knownMean(_ column: String) throws -> Double {
    let data = try Data(contentsOf: fixturesFolder.appending(path: "metrics/expected.json"))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let cases = try #require(object["cases"] as? [[String: Any]])
    let used = try cases.filter {
      try FixtureCorpus.names.contains(#require($0["name"] as? String))
    }
    try #require(used.count == 6)
    return try used.map { try #require($0[column] as? Double) }.reduce(0, +) / 6
  }

  /// Under mpirun lines of its own follow ours.
  private func errors(_ outcome: SubprocessOutcome) -> [Substring] {
    outcome.errors.split(separator: "\n").filter { $0.hasPrefix("disttrain: ") }
  }

  @Test func tableHasAllMetricsOfBothSides() throws {
    try withCorpus { folder in
      let outcome = try evaluate(
        ranks: 0, folder, ["--csv", "scores.csv", "--json", "scores.json"])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let lines = outcome.output.split(separator: "\n")
      try #require(lines.count == 14, "\(outcome)")
      #expect(lines[0] == "tiny on 6 utterances of corpus, test")
      #expect(lines.allSatisfy { $0.count <= 100 }, "\(outcome)")
      #expect(lines[1].hasPrefix("mean ± 95%  "), "\(outcome)")
      // Name, then mean, ± and interval of each side and of the gain.
      let table = lines[2..<12].map { $0.split(separator: " ").map(String.init) }
      let columns = [
        "pesq_wb", "stoi", "estoi", "si_sdr", "ssnr", "llr", "wss", "csig", "cbak", "covl",
      ]
      let isComplete = table.map { $0[0] } == columns && table.allSatisfy { $0.count == 10 }
      #expect(isComplete, "\(outcome)")
      for (row, column) in zip(table, columns) {
        let known = try knownMean(column)
        #expect(abs(try #require(Double(row[1])) - known) < 0.001, "\(column): \(outcome)")
      }
      #expect(lines[12] == "scored 6/6" && lines[13].hasPrefix("loss 0."), "\(outcome)")

      let header = "file,\(columns.joined(separator: ",")),error"
      for (file, place) in [("scores.csv", 4), ("scores-noisy.csv", 1)] {
        let csv = try String(contentsOfFile: folder.file(file), encoding: .utf8)
        let rows = csv.split(separator: "\n").dropFirst().map {
          $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(csv.hasPrefix(header + "\n") && rows.count == 6, "\(csv)")
        let names = rows.map { String($0[0]) }
        let isWhole = names == (0..<6).map { "u00\($0)" } && rows.allSatisfy { $0.count == 12 }
        #expect(isWhole, "\(csv)")
        for (index, row) in table.enumerated() {
          let mean = rows.compactMap { Double($0[index + 1]) }.reduce(0, +) / 6
          #expect(abs(try #require(Double(row[place])) - mean) < 1e-4, "\(outcome)")
        }
      }
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.appending(path: "scores.json")))
      let report = try #require(json as? [String: Any])
      let metrics = try #require(report["metrics"] as? [String: Any])
      #expect(metrics.count == 10 && report["scored"] as? Int == 6, "\(json)")

      // `score` agrees on these files.
      let score = try disttrain(
        ["score", "--reference", "corpus/test/clean", "--degraded", "corpus/test/noisy"],
        folder: folder)
      let scores = score.output.split(separator: "\n").map {
        $0.split(separator: " ").joined(separator: " ")
      }
      for row in table {
        let isThere = scores.contains(row.prefix(4).joined(separator: " "))
        #expect(isThere, "\(row) \(score)")
      }
    }
  }

  @Test func testSetOfVoiceBankHasThePublishedScoresBeside() throws {
    try withTemporaryFolder { folder in
      // The published set by its names alone: its scores are others, which has to be told.
      let sides = ["ref": "clean", "deg": "noisy"]
      for (side, name) in sides {
        let whole = try recording("g01_vb_p232_014_noisy_\(side)")
        try folder.makeFolder("corpus/test/\(name)")
        let first = folder.file("corpus/test/\(name)/p232_100.wav")
        try WaveFile.write(Array(whole[20_000..<22_000]), sampleRate: 16_000, to: first)
        for index in 1..<824 {
          let speaker = index < 400 ? "p232" : "p257"
          try FileManager.default.linkItem(
            atPath: first, toPath: folder.file("corpus/test/\(name)/\(speaker)_\(100 + index).wav"))
        }
      }
      let arguments = ["--metrics", "ssnr", "llr", "--json", "scores.json"]
      let outcome = try evaluate(ranks: 0, folder, arguments)
      #expect(outcome.status == 0, "\(outcome)")
      let lines = outcome.output.split(separator: "\n")
      #expect(lines[1].hasSuffix("gain  published noisy"), "\(outcome)")
      #expect(lines[2].hasPrefix("ssnr ") && lines[2].hasSuffix(" 1.68"), "\(outcome)")
      #expect(lines[3].hasPrefix("llr ") && lines[3].hasSuffix(" -"), "\(outcome)")
      #expect(
        outcome.output.contains(
          "\nwarning: the noisy side differs from the published figures (ssnr "), "\(outcome)")
      let json = try String(contentsOfFile: folder.file("scores.json"), encoding: .utf8)
      #expect(json.contains("\"noisy_is_as_published\" : false"), "\(json)")
      // Nothing was published on SI-SDR, so there is no verdict.
      let unknown = try evaluate(
        ranks: 0, folder, ["--metrics", "si_sdr", "--json", "unknown.json"])
      #expect(unknown.status == 0 && !unknown.output.contains("published"), "\(unknown)")
      let text = try String(contentsOfFile: folder.file("unknown.json"), encoding: .utf8)
      #expect(text.contains("\"si_sdr\"") && !text.contains("published"), "\(text)")
      // With one utterance less it is another set.
      for side in sides.values {
        try FileManager.default.removeItem(atPath: folder.file("corpus/test/\(side)/p257_700.wav"))
      }
      let other = try evaluate(ranks: 0, folder, arguments)
      #expect(other.status == 0 && !other.output.contains("published"), "\(other)")
    }
  }

  @Test func asPublishedScoresCropsInWholeBatches() throws {
    try withCorpus { folder in
      let arguments = ["--as-published", "--crop-seed", "3", "--metrics", "si_sdr"]
      let outcome = try evaluate(ranks: 0, folder, arguments)
      #expect(outcome.status == 0, "\(outcome)")
      let line = try #require(
        outcome.output.split(separator: "\n").first { $0.hasPrefix("as the published ablation") })
      #expect(
        line.contains("over 6/6 random crops of 2 s (seed 3, 0 batches of 6 dropped")
          && line.contains("not comparable with the literature"), "\(line)")
      #expect(try evaluate(ranks: 2, folder, arguments).output == outcome.output)
      let other = try evaluate(ranks: 0, folder, ["--as-published", "--metrics", "si_sdr"])
      #expect(other.output != outcome.output && other.output.contains("(seed 0, "), "\(other)")
      // One without a score takes its whole batch along; the last batch is of one.
      let silence = [Float](repeating: 0, count: 20_000)
      try FileManager.default.copyItem(
        atPath: folder.file("corpus/test/clean/u000.wav"),
        toPath: folder.file("corpus/test/clean/u999.wav"))
      try FileManager.default.copyItem(
        atPath: folder.file("corpus/test/noisy/u000.wav"),
        toPath: folder.file("corpus/test/noisy/u999.wav"))
      for side in ["clean", "noisy"] {
        let path = folder.file("corpus/test/\(side)/u003.wav")
        try FileManager.default.removeItem(atPath: path)
        try WaveFile.write(silence, sampleRate: 16_000, to: path)
      }
      let dropped = try evaluate(ranks: 2, folder, arguments)
      #expect(
        dropped.output.contains("over 1/7 random crops of 2 s (seed 3, 1 batch of 6 dropped"),
        "\(dropped)")
      #expect(dropped.output.contains("\nscored 6/7 (1 without si_sdr)\n"), "\(dropped)")
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

  @Test(arguments: [0, 2]) func failuresAreToldOnce(ranks: Int) throws {
    try withCorpus { folder in
      try folder.makeFolder("kept")
      let cases: [(arguments: [String], text: String)] = [
        (["--split", "valid"], "the corpus has no valid split"),
        (["--data", "nowhere"], "nowhere: no such corpus folder"),
        (["--weights", "none.safetensors"], "none.safetensors"),
        (["--preset", "abl1"], "do not fit the model \"abl1\""),
        (["--csv", "new/scores.csv"], "new/scores.csv could not be written"),
        (["--json", "kept"], "kept is no regular file; give the name of a file"),
      ]
      // Ranks agree on every failure in the same way: one of the corpus, the model and the files.
      for (arguments, text) in ranks == 0 ? cases : [cases[0], cases[2], cases[4]] {
        let outcome = try evaluate(ranks: ranks, folder, arguments)
        #expect(outcome.status == 1 && !outcome.timedOut, "\(outcome)")
        let errors = errors(outcome)
        #expect(errors.count == 1, "\(outcome)")
        #expect(
          errors.first?.hasPrefix("disttrain: error: ") == true
            && errors.first?.contains(text) == true, "\(outcome)")
        // Known before anything is scored.
        #expect(!outcome.output.contains("scored"), "\(outcome)")
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
      #expect(skipped.output.contains("\nscored 5/5\n"), "\(skipped)")
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
      #expect(outcome.output.contains("\nscored 6/7 (1 without pesq_wb, "), "\(outcome)")
      let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
      let mean = rows.first { $0[0] == "pesq_wb" }.map { String($0[1]) }
      #expect(mean == "1.4651", "\(outcome)")
      #expect(
        outcome.output.contains("not scored:\n  u999: pesq_wb, stoi, estoi, ssnr, llr, wss: the "),
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
