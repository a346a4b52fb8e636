import Audio
import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `prepare voicebank` and what follows it, as users run them, on real speech at 48 kHz.
@Suite(.serialized, .enabled(if: (try? Resampler(.high)) != nil, "needs libsoxr0"))
struct VoiceBankCommandTests {
  /// A download of four training pairs and one test pair.
  private func withDownload(_ body: (_ folder: URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let resampler = try Resampler(.high)
      let names = ["p226_001", "p227_001", "p227_002", "p228_001"]
      let files = zip(names + ["p232_001"], FixtureCorpus.names)
      for (name, source) in files {
        let set = name == "p232_001" ? "testset" : "trainset_28spk"
        for (side, suffix) in [("clean", "ref"), ("noisy", "deg")] {
          let speech = Waveform(samples: try recording("\(source)_\(suffix)"), sampleRate: 16_000)
          try folder.makeFolder("download/\(side)_\(set)_wav")
          try WaveFile.write(
            try resampler.resample(speech, to: 48_000, path: source), sampleRate: 48_000,
            to: folder.file("download/\(side)_\(set)_wav/\(name).wav"))
        }
      }
      try body(folder)
    }
  }

  private func prepare(_ folder: URL, _ more: [String] = []) throws -> SubprocessOutcome {
    try disttrain(
      ["prepare", "voicebank", "--input", "download", "--output", "vbd"] + more, folder: folder)
  }

  @Test func fromTheDownloadToATrainedModel() throws {
    try withDownload { folder in
      let prepared = try prepare(folder)
      #expect(prepared.status == 0 && prepared.errors == "", "\(prepared)")
      #expect(
        prepared.output.hasPrefix("vbd: 5 pairs at 16 kHz (train 4, test 1), 0."), "\(prepared)")
      #expect(
        prepared.output.hasSuffix(
          "train takes the folder as --data; for a cluster make one file of it:\n"
            + "  disttrain prepare pack --input vbd --output vbd.safetensors\n"), "\(prepared)")
      let verified = try disttrain(["prepare", "verify", "--data", "vbd"], folder: folder)
      #expect(verified.output == "vbd: all 10 files are as prepared\n", "\(verified)")
      let packed = try disttrain(
        ["prepare", "pack", "--input", "vbd", "--output", "vbd.safetensors"], folder: folder)
      #expect(packed.status == 0, "\(packed)")

      try tinyModel.write(
        to: folder.appending(path: "tiny.json"), atomically: true, encoding: .utf8)
      for data in ["vbd", "vbd.safetensors"] {
        let trained = try disttrain(
          [
            "train", "--preset", "tiny.json", "--data", data, "--seconds", "0.5", "--epochs", "1",
            "--batch", "2", "--validation-speakers", "p226", "--run-dir", "run-\(data)",
          ], folder: folder)
        #expect(trained.status == 0, "\(trained)")
        #expect(trained.output.contains("data \(data): train 3 utterances"), "\(trained)")
        #expect(trained.output.contains("scored 1/1"), "\(trained)")
      }
      // Only the states name the pack.
      #expect(
        try Data(contentsOf: folder.appending(path: "run-vbd/best.safetensors"))
          == Data(contentsOf: folder.appending(path: "run-vbd.safetensors/best.safetensors")))
      // Up to 48 kHz and back: the speech that it was.
      let speech = try recording("\(FixtureCorpus.names[4])_ref")
      let result = try WaveFile.read(
        path: folder.file("vbd/clean_testset_wav_16k/p232_001.wav"), sampleRate: 16_000
      ).samples
      #expect(result.count == speech.count)
      let error = zip(result, speech).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
      let power = speech.reduce(0.0) { $0 + Double($1 * $1) }
      #expect(10 * log10(error / power) < -30, "\(10 * log10(error / power)) dB")
    }
  }

  @Test(arguments: ["manifest.csv", "rejected.csv"])
  func filesOfOthersAreKept(name: String) throws {
    try withDownload { folder in
      try folder.makeFolder("vbd")
      try Data("mine".utf8).write(to: folder.appending(path: "vbd/\(name)"))
      let refused = try prepare(folder)
      expectError(refused, "vbd/\(name): this command writes a file of this name")
      #expect(try String(contentsOfFile: folder.file("vbd/\(name)"), encoding: .utf8) == "mine")
    }
  }

  @Test func unusableFilesDecideTheStatus() throws {
    try withDownload { folder in
      let bad = "download/noisy_trainset_28spk_wav/p227_002.wav"
      try BadWave.truncated.write(to: folder.file(bad))
      let stopped = try prepare(folder)
      #expect(stopped.status == 1 && stopped.output == "", "\(stopped)")
      let expected = """
        rejected: \(bad): truncated: the header promises 35184 samples, the file holds 478
        disttrain: error: 1 unusable file, listed in vbd/rejected.csv; repair them and start again \
        (finished files are kept), or leave them out with --on-bad-file skip

        """
      #expect(stopped.errors == expected, "\(stopped)")
      let refused = try disttrain(
        ["prepare", "pack", "--input", "vbd", "--output", "c"], folder: folder)
      expectError(refused, "vbd: the preparation was interrupted, or has rejected files")
      let skipped = try prepare(folder, ["--on-bad-file", "skip"])
      #expect(skipped.status == 0, "\(skipped)")
      #expect(skipped.output.contains("4 pairs at 16 kHz (train 3, test 1)"), "\(skipped)")
      #expect(skipped.output.contains("4 of them there already"), "\(skipped)")
      #expect(
        skipped.output.contains(
          "1 unusable file, whose pairs are left out, listed in vbd/rejected.csv"), "\(skipped)")

      try Data([1]).write(to: folder.appending(path: "vbd/clean_testset_wav_16k/p232_001.wav"))
      let damaged = try disttrain(["prepare", "verify", "--data", "vbd"], folder: folder)
      expectError(damaged, "vbd: 1 file is missing or changed; run the command that prepared")
      #expect(
        damaged.output
          == "damaged: vbd/clean_testset_wav_16k/p232_001.wav: has changed since it was prepared\n")
      expectError(
        try disttrain(["prepare", "verify", "--data", "download"], folder: folder),
        "download: the folder has no manifest to verify it by")
      expectError(
        try disttrain(["prepare", "verify", "--data", "none"], folder: folder),
        "none: no such corpus folder or packed file")
    }
  }

  @Test func withoutTheLibraryThePackageIsNamed() throws {
    try withDownload { folder in
      try folder.makeFolder("broken")
      try Data("no library".utf8).write(to: folder.appending(path: "broken/libsoxr.so.0"))
      let outcome = try disttrain(
        ["prepare", "voicebank", "--input", "download", "--output", "vbd"],
        environment: ["LD_LIBRARY_PATH": folder.file("broken")], folder: folder)
      expectError(
        outcome, "libsoxr.so.0: the library cannot be loaded (", "); run apt-get install libsoxr0")
      #expect(!FileManager.default.fileExists(atPath: folder.file("vbd")))
    }
  }
}
