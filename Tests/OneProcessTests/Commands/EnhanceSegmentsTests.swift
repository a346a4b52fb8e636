import Audio
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain enhance` on recordings that are longer than a segment.
@Suite struct EnhanceSegmentsTests {
  private let model = ["enhance", "--weights", EnhanceFixture.trained]

  private func write(_ samples: [Float], _ path: String, _ encoding: WaveFile.Encoding = .pcm16)
    throws
  {
    try WaveFile.write(samples, sampleRate: 16_000, to: path, encoding: encoding)
  }

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test func aShortRecordingHasTheBytesOfTheWhole() throws {
    try withTemporaryFolder { folder in
      let speech = try EnhanceFixture.conversation(rounds: 1).noisy
      try write(Array(speech.prefix(160_000)), folder.file("in.wav"))
      for (name, options) in [
        ("whole.wav", ["--whole"]), ("minute.wav", []), ("ten.wav", ["--segment", "10"]),
      ] {
        let outcome = try disttrain(
          model + ["--format", "float"] + options + ["in.wav", name], folder: folder)
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        #expect(outcome.output.hasPrefix("enhanced 1 recording, 10.0 s of audio in "))
      }
      let whole = try bytes(folder.file("whole.wav"))
      #expect(try bytes(folder.file("minute.wav")) == whole)
      #expect(try bytes(folder.file("ten.wav")) == whole)

      try write(speech, folder.file("in.wav"))
      for (name, options) in [("w.wav", ["--whole"]), ("s.wav", ["--segment", "10"])] {
        let outcome = try disttrain(model + options + ["in.wav", name], folder: folder)
        #expect(outcome.status == 0, "\(outcome)")
      }
      #expect(try bytes(folder.file("w.wav")) != bytes(folder.file("s.wav")))
      for name in ["w.wav", "s.wav"] {
        #expect(try WaveFile.info(path: folder.file(name)).sampleCount == speech.count)
      }
    }
  }

  @Test func memoryDoesNotGrowWithTheLength() throws {
    try withTemporaryFolder { folder in
      let round = try EnhanceFixture.conversation(rounds: 1).noisy
      let speech = Array(repeatElement(round, count: 22).joined())
      try write(Array(speech.prefix(30 * 16_000)), folder.file("short.wav"))
      try write(Array(speech.prefix(360 * 16_000)), folder.file("long.wav"))
      func peak(_ input: String, _ options: String...) throws -> Int {
        let outcome = try disttrain(model + options + [input, "out.wav"], folder: folder)
        #expect(outcome.status == 0, "\(outcome)")
        return outcome.peakResidentBytes >> 20
      }
      let short = try peak("short.wav", "--segment", "30")
      let long = try peak("long.wav", "--segment", "30")
      let whole = try peak("long.wav", "--whole")
      #expect(short > 20, "\(short) MB cannot be the program's")
      // Twelve times the audio.
      #expect(long < short + 20, "\(short) MB for 30 s, \(long) MB for 360 s")
      #expect(whole > long + 100, "\(long) MB in segments, \(whole) MB as a whole")
    }
  }

  @Test(arguments: ["a.wav", "a.flac"]) func aFullDiskLeavesNothingBehind(name: String) throws {
    try withTemporaryFolder { folder in
      try write(try EnhanceFixture.conversation(rounds: 1).noisy, folder.file("in.wav"))
      // The limit stands for the disk's end; a process that ignores the signal gets the error.
      let program = try MPIRun.productPath("disttrain")
      let outcome = try Subprocess.run(
        "/bin/sh",
        ["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"", program] + model
          + ["--segment", "10", "in.wav", name], folder: folder, timeLimit: 60)
      expectError(outcome, "\(name): cannot be written: File too large")
      #expect(try folder.names(in: "") == ["in.wav"])
    }
  }

  @Test func aDamagedMiddleLeavesTheFormerOutput() throws {
    try withTemporaryFolder { folder in
      let speech = try EnhanceFixture.conversation(rounds: 1).noisy
      try write(speech, folder.file("in.wav"), .float32)
      try write(Array(speech.prefix(1000)), folder.file("out.wav"))
      let former = try bytes(folder.file("out.wav"))
      var damaged = try bytes(folder.file("in.wav"))
      let nan = withUnsafeBytes(of: Float.nan) { Data($0) }
      let at = damaged.count - 4 * (speech.count - 150_000)
      damaged.replaceSubrange(at..<at + 4, with: nan)
      try damaged.write(to: URL(fileURLWithPath: folder.file("in.wav")))
      for options in [["--segment", "10"], ["--whole"]] {
        let outcome = try disttrain(model + options + ["in.wav", "out.wav"], folder: folder)
        expectError(outcome, "in.wav: sample 150000 is not a finite number")
        #expect(try bytes(folder.file("out.wav")) == former)
        #expect(try folder.names(in: "") == ["in.wav", "out.wav"])
      }
    }
  }
}
