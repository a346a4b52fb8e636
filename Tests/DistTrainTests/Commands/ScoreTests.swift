import Audio
import Foundation
import Metrics
import TestSupport
import Testing

/// `disttrain score` as users run it, on recordings whose scores are known.
@Suite struct ScoreTests {
  private static let names = ["g01_vb_p232_014_noisy", "g02_vb_p232_052_noisy", "g11_identical"]

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
      #expect(
        outcome.output == """
          file                       pesq_wb  si_sdr
          g01_vb_p232_014_noisy.wav   1.3265  2.4382
          g02_vb_p232_052_noisy.wav   1.1552  1.2297
          g11_identical.wav           4.6439     inf

          scored 3/3
          pesq_wb 2.3752
          si_sdr 1.8339 (2 finite, 1 infinite left out)

          """, "\(outcome)")
      let csv = try String(contentsOfFile: folder.file("scores.csv"), encoding: .utf8)
      let lines = csv.split(separator: "\n")
      #expect(lines.count == 4 && lines.first == "file,pesq_wb,si_sdr,error")
      #expect(lines.last == "g11_identical.wav,4.643889,inf,")
      #expect(try folder.names(in: "") == ["deg", "ref", "scores.csv"])
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
      #expect(folders.status == 0 && folders.output.contains("1.3265  2.4382"), "\(folders)")
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
      let silence = [Float](repeating: 0, count: 16_000)
      try WaveFile.write(silence, sampleRate: 16_000, to: folder.file("ref/h_quiet.wav"))
      try WaveFile.write(
        try recording("g02_vb_p232_052_noisy_deg"), sampleRate: 16_000,
        to: folder.file("deg/h_quiet.wav"))
      let outcome = try score(folder, ["--csv", "scores.csv"])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(outcome.output.contains("scored 3/4\npesq_wb 2.3752\n"), "\(outcome)")
      #expect(
        outcome.output.contains(
          "not scored:\n  h_quiet.wav: pesq_wb: the reference signal is silent"),
        "\(outcome)")
      let csv = try String(contentsOfFile: folder.file("scores.csv"), encoding: .utf8)
      #expect(csv.contains("\nh_quiet.wav,,,\"pesq_wb: the reference signal is silent"), "\(csv)")
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
      #expect(outcome.output.contains("scored 1/4\npesq_wb 1.1552\n"), "\(outcome)")
      for text in [
        "deg/g01_vb_p232_014_noisy.wav: has no partner g01_vb_p232_014_noisy (.wav or .flac) in ref",
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
      #expect(outcome.output.contains("scored 2/3\npesq_wb 2.9852\n"), "\(outcome)")
      #expect(
        outcome.output.contains(
          "  g02_vb_p232_052_noisy.wav: \(side)/g02_vb_p232_052_noisy.wav: \(bad.text)"),
        "\(outcome)")
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
      expectError(try score("ref", "deg/g11_identical.wav"), "one is a file and the other a folder")
      expectError(try score("none", "none"), "neither none nor none holds a .wav or .flac file")
      let unwritable = try self.score(folder, ["--csv", "new/scores.csv"])
      expectError(unwritable, "new/scores.csv could not be written")
      #expect(unwritable.output.contains("scored 3/3"), "\(unwritable)")
    }
  }
}
