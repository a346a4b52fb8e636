import Audio
import Corpora
import Evaluation
import Files
import Foundation
import Metrics
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain score` as users run it, on recordings whose scores are known.
@Suite struct ScoreTests {
  private static let names = ["g01_vb_p232_014_noisy", "g02_vb_p232_052_noisy", "g11_identical"]

  private static let columns = [
    "pesq_wb", "stoi", "estoi", "si_sdr", "ssnr", "llr", "wss", "csig", "cbak", "covl",
  ]

  /// The lines that are not empty, with single spaces.
  private func rows(_ outcome: SubprocessOutcome) -> [String] {
    outcome.output.split(separator: "\n").map {
      $0.split(separator: " ").joined(separator: " ")
    }
  }

  /// Folders `ref` and `deg` with these recordings under their names.
  private func fill(_ folder: URL, _ names: [String] = Self.names) throws {
    for (side, suffix) in [("ref", "ref"), ("deg", "deg")] {
      try folder.makeFolder(side)
      for name in names {
        try FileManager.default.copyItem(
          at: fixturesFolder.appending(path: "metrics/\(name)_\(suffix).wav"),
          to: folder.appending(path: "\(side)/\(name).wav"))
      }
    }
  }

  private func score(_ folder: URL, _ arguments: [String] = []) throws -> SubprocessOutcome {
    try disttrain(
      ["score", "--reference", "ref", "--degraded", "deg"] + arguments, folder: folder)
  }

  @Test func foldersAreScoredByName() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      let outcome = try score(folder, ["--csv", "scores.csv"])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let rows = rows(outcome)
      let expected = [
        "file \(Self.columns.joined(separator: " "))",
        "g01_vb_p232_014_noisy 1.327 0.906 0.758 2.438 -0.570 1.282 25.772 2.342 2.052 1.825",
        "g02_vb_p232_052_noisy 1.155 0.732 0.460 1.230 -3.259 1.354 32.688 2.102 1.752 1.602",
        "g11_identical 4.644 1.000 1.000 inf 35.000 0.000 0.000 5.000 5.000 5.000",
      ]
      let isListed = Array(rows.prefix(4)) == expected
      #expect(isListed, "\(outcome)")
      let names = rows.dropFirst(5).prefix(10).map { String($0.prefix { $0 != " " }) }
      let isComplete = names == Self.columns
      #expect(isComplete, "\(outcome)")
      // Three values have two degrees of freedom: t is 4.3027.
      #expect(rows[5] == "pesq_wb 2.3752 ± 4.8853", "\(outcome)")
      #expect(
        outcome.output.hasSuffix(
          "\nscored 3/3\nsi_sdr: 1 infinite left out of its means\n"), "\(outcome)")
      let csv = try String(contentsOfFile: folder.file("scores.csv"), encoding: .utf8)
      let header = "file,\(Self.columns.joined(separator: ",")),error\n"
      let last =
        "\ng11_identical,4.643889,1.000000,1.000000,inf,35.000000,0.000000,0.000000,5.000000,"
        + "5.000000,5.000000,\n"
      let hasBoth = csv.hasPrefix(header) && csv.hasSuffix(last)
      #expect(hasBoth && csv.count { $0 == "\n" } == 4, "\(csv)")
      #expect(try folder.names(in: "") == ["deg", "ref", "scores.csv"])
    }
  }

  @Test func noisyRecordingsAreScoredBeside() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      try folder.makeFolder("enh")
      for name in Self.names {
        // Half of the noise, as if it were enhanced.
        let (clean, noisy) = (try recording("\(name)_ref"), try recording("\(name)_deg"))
        try WaveFile.write(
          zip(clean, noisy).map { ($0 + $1) / 2 }, sampleRate: 16_000,
          to: folder.file("enh/\(name).flac"))
      }
      let outcome = try disttrain(
        [
          "score", "--reference", "ref", "--degraded", "enh", "--noisy", "deg", "--csv", "s.csv",
          "--json", "s.json", "--metrics", "si_sdr", "stoi",
        ], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let rows = rows(outcome)
      #expect(rows[0] == "file stoi si_sdr", "\(outcome)")
      #expect(rows[4] == "mean ± 95% noisy enhanced gain", "\(outcome)")
      let stoi = try #require(rows.last { $0.hasPrefix("stoi ") })
      let values = stoi.split(separator: " ").compactMap { Double($0) }
      // Noisy, enhanced and gain, each with its interval.
      try #require(values.count == 6, "\(outcome)")
      #expect(abs(values[0] - (0.90568 + 0.73216 + 1) / 3) < 1e-4, "\(outcome)")
      #expect(values[2] > values[0] && abs(values[4] - (values[2] - values[0])) < 2e-4)
      #expect(outcome.output.contains("\nscored 3/3\n"), "\(outcome)")

      let noisy = try String(contentsOfFile: folder.file("s-noisy.csv"), encoding: .utf8)
      let plain = try score(folder, ["--csv", "d.csv", "--metrics", "stoi", "si_sdr"])
      #expect(plain.status == 0, "\(plain)")
      let alone = try String(contentsOfFile: folder.file("d.csv"), encoding: .utf8)
      #expect(noisy == alone)
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.appending(path: "s.json")))
      let metrics = (json as? [String: Any])?["metrics"] as? [String: [String: Any]]
      let gain = metrics?["stoi"]?["gain"] as? [String: Any]
      #expect(abs((gain?["mean"] as? Double ?? 0) - values[4]) < 1e-4, "\(json)")
      #expect(metrics?["si_sdr"]?["infinite"] as? Int == 1 && metrics?.count == 2, "\(json)")

      // A partner that is missing on any side is named, and in no mean.
      try FileManager.default.removeItem(atPath: folder.file("deg/g02_vb_p232_052_noisy.wav"))
      let lone = try disttrain(
        [
          "score", "--reference", "ref", "--degraded", "enh", "--noisy", "deg", "--metrics", "stoi",
        ],
        folder: folder)
      expectError(lone, "1 of 3 could not be compared")
      #expect(lone.output.contains("\nscored 2/3 (1 without stoi)\n"), "\(lone)")
      #expect(
        lone.output.contains(
          "enh/g02_vb_p232_052_noisy.flac: has no partner g02_vb_p232_052_noisy (.wav or .flac) "
            + "in deg"), "\(lone)")
    }
  }

  @Test func fileAgainstFileAndOtherFormats() throws {
    try withTemporaryFolder { folder in
      try fill(folder, ["g01_vb_p232_014_noisy"])
      // Pairs are by name without extension; 16 bits survive FLAC.
      try WaveFile.write(
        try recording("g01_vb_p232_014_noisy_deg"), sampleRate: 16_000,
        to: folder.file("deg/g01_vb_p232_014_noisy.flac"))
      try FileManager.default.removeItem(atPath: folder.file("deg/g01_vb_p232_014_noisy.wav"))
      let folders = try score(folder)
      #expect(folders.status == 0 && folders.output.contains("1.327  0.906"), "\(folders)")
      let files = try disttrain(
        [
          "score", "--reference", "ref/g01_vb_p232_014_noisy.wav", "--degraded",
          "deg/g01_vb_p232_014_noisy.flac",
        ], folder: folder)
      #expect(files.status == 0 && files.output == folders.output, "\(files)")
    }
  }

  @Test func silenceIsCountedAndNamedButNoFailure() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      let speech = try recording("g02_vb_p232_052_noisy_deg")
      let silence = [Float](repeating: 0, count: speech.count)
      try WaveFile.write(silence, sampleRate: 16_000, to: folder.file("ref/h_quiet.wav"))
      try WaveFile.write(speech, sampleRate: 16_000, to: folder.file("deg/h_quiet.wav"))
      let outcome = try score(folder, ["--csv", "scores.csv"])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(
        outcome.output.contains("\nscored 3/4 (1 without pesq_wb, 1 without stoi, "), "\(outcome)")
      #expect(rows(outcome).contains { $0.hasPrefix("pesq_wb 2.3752 ± ") }, "\(outcome)")
      #expect(
        outcome.output.contains(
          "not scored:\n  h_quiet: pesq_wb, stoi, estoi, ssnr, llr, wss: the reference signal "
            + "is silent"),
        "\(outcome)")
      let csv = try String(contentsOfFile: folder.file("scores.csv"), encoding: .utf8)
      #expect(
        csv.contains("\nh_quiet,,,,,,,,,,,\"pesq_wb, stoi, estoi, ssnr, llr, wss: the "),
        "\(csv)")
      // With nothing else there is no result.
      for name in Self.names {
        for side in ["ref", "deg"] {
          try FileManager.default.removeItem(atPath: folder.file("\(side)/\(name).wav"))
        }
      }
      let alone = try score(folder)
      expectError(alone, "no pair has a score")
      #expect(alone.output.contains("scored 0/1"), "\(alone)")
    }
  }

  @Test func fileWithoutPartnerIsAFailureThatNamesIt() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      try FileManager.default.removeItem(atPath: folder.file("ref/g01_vb_p232_014_noisy.wav"))
      try FileManager.default.removeItem(atPath: folder.file("deg/g11_identical.wav"))
      try FileManager.default.copyItem(
        atPath: folder.file("deg/g02_vb_p232_052_noisy.wav"),
        toPath: folder.file("deg/g02_vb_p232_052_noisy.WAV"))
      let outcome = try score(folder)
      expectError(outcome, "3 of 4 could not be compared")
      #expect(outcome.output.contains("scored 1/4 (3 without pesq_wb, "), "\(outcome)")
      // One value has no interval.
      #expect(outcome.output.contains("\npesq_wb      1.1552\n"), "\(outcome)")
      for text in [
        "deg/g01_vb_p232_014_noisy.wav: "
          + "has no partner g01_vb_p232_014_noisy (.wav or .flac) in ref",
        "ref/g11_identical.wav: has no partner g11_identical (.wav or .flac) in deg",
        "has the same name as deg/g02_vb_p232_052_noisy",
      ] {
        #expect(outcome.output.contains(text), "\(outcome)")
      }
    }
  }

  @Test(arguments: BadWave.allCases, ["ref", "deg"])
  func unreadableFileIsAFailureThatNamesIt(bad: BadWave, side: String) throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      let path = folder.file("\(side)/g02_vb_p232_052_noisy.wav")
      try FileManager.default.removeItem(atPath: path)
      try bad.write(to: path)
      let outcome = try score(folder)
      expectError(outcome, "1 of 3 could not be compared")
      #expect(outcome.output.contains("scored 2/3 (1 without pesq_wb, "), "\(outcome)")
      #expect(rows(outcome).contains { $0.hasPrefix("pesq_wb 2.9852 ± ") }, "\(outcome)")
      #expect(
        outcome.output.contains(
          "  g02_vb_p232_052_noisy: \(side)/g02_vb_p232_052_noisy.wav: \(bad.text)"),
        "\(outcome)")
    }
  }

  @Test func anotherLengthThanTheReferenceIsSaid() throws {
    try withTemporaryFolder { folder in
      try fill(folder, ["g01_vb_p232_014_noisy"])
      let clean = try recording("g01_vb_p232_014_noisy_ref")
      let path = folder.file("deg/g01_vb_p232_014_noisy.wav")
      func score(_ count: Int) throws -> SubprocessOutcome {
        try WaveFile.write(Array(clean.prefix(count)), sampleRate: 16_000, to: path)
        return try self.score(folder, ["--metrics", "si_sdr"])
      }
      let half = try score(clean.count / 2)
      #expect(half.status == 0, "\(half)")
      #expect(
        half.errors
          == "warning: deg/g01_vb_p232_014_noisy.wav has \(clean.count / 2) samples, and its "
          + "reference ref/g01_vb_p232_014_noisy.wav has \(clean.count): most metrics compare only "
          + "the part that both have, so check that they belong together and that none was cut\n",
        "\(half)")
      let nearly = try score(clean.count - 200)
      #expect(nearly.status == 0 && nearly.errors == "", "\(nearly)")
    }
  }

  @Test func theScaleOf16BitIntegersIsSaidOnce() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      for name in Self.names {
        try WaveFile.write(
          try recording("\(name)_deg").map { $0 * 32_768 }, sampleRate: 16_000,
          to: folder.file("deg/\(name).wav"), encoding: .float32)
      }
      let outcome = try score(folder, ["--metrics", "si_sdr"])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(
        outcome.errors.hasPrefix(
          "warning: deg/g01_vb_p232_014_noisy.wav and 2 more recordings: samples reach "),
        "\(outcome)")
      #expect(outcome.errors.hasSuffix("divide them by 32768\n"), "\(outcome)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func pipesAreNamed() throws {
    try withTemporaryFolder { folder in
      try fill(folder, ["g11_identical"])
      let program = try MPIRun.productPath("disttrain")
      let reference = "ref/g11_identical.wav"
      for (command, path) in [
        ("cat \(reference) | \(program) score --degraded /dev/stdin", "/dev/stdin"),
        ("\(program) score --degraded <(cat \(reference))", "/dev/fd/"),
      ] {
        let outcome = try Subprocess.run(
          "/bin/bash", ["-c", "\(command) --reference \(reference)"], folder: folder, timeLimit: 60)
        #expect(outcome.status == 1, "\(outcome)")
        #expect(
          outcome.output.contains(path)
            && outcome.output.contains("is a pipe or a device, and a recording is read more than"),
          "\(outcome)")
      }
      let plain = try Subprocess.run(
        "/bin/bash",
        ["-c", "\(program) score --reference \(reference) --degraded /dev/stdin < \(reference)"],
        folder: folder, timeLimit: 60)
      #expect(plain.status == 0, "\(plain)")
    }
  }

  @Test func scoresOfTheNoisySideAreThereFirst() throws {
    try withTemporaryFolder { folder in
      let scores = [UtteranceScore(file: "a", values: [.stoi: 0.5])]
      let table = ScoreTable(scores, noisy: scores)
      try folder.makeFolder("s-noisy.csv")
      #expect(throws: AtomicFileError.self) {
        try ScoreFiles.write(table, to: folder.file("s.csv"))
      }
      #expect(try folder.names(in: "") == ["s-noisy.csv"])
      try ScoreFiles.write(table, to: folder.file("t.csv"))
      #expect(try folder.names(in: "") == ["s-noisy.csv", "t-noisy.csv", "t.csv"])
    }
  }

  @Test func impossiblePathsAreNamed() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      try folder.makeFolder("none")
      func score(_ reference: String, _ degraded: String) throws -> SubprocessOutcome {
        try disttrain(
          ["score", "--reference", reference, "--degraded", degraded], folder: folder)
      }
      expectError(try score("ref", "nowhere"), "nowhere: no such file or folder")
      expectError(try score("ref", "deg/g11_identical.wav"), "one is a file and another a folder")
      expectError(try score("none", "none"), "neither none nor none holds a .wav or .flac file")
      let unwritable = try self.score(folder, ["--csv", "new/scores.csv"])
      expectError(unwritable, "new/scores.csv could not be written")
      // Before anything is scored.
      #expect(unwritable.output == "", "\(unwritable)")
      let json = try self.score(folder, ["--csv", "s.csv", "--json", "none"])
      expectError(json, "none is no regular file; give the name of a file")
      #expect(json.output == "", "\(json)")
      // The noisy side's file is looked at where it will be written.
      try folder.makeFolder("s-noisy.csv")
      let noisy = try self.score(folder, ["--csv", "s.csv", "--noisy", "deg"])
      expectError(noisy, "s-noisy.csv is no regular file")
      #expect(noisy.output == "", "\(noisy)")
      #expect(try folder.names(in: "") == ["deg", "none", "ref", "s-noisy.csv"])
      #expect(try self.score(folder, ["--csv", "s.csv", "--metrics", "si_sdr"]).status == 0)
    }
  }
}
