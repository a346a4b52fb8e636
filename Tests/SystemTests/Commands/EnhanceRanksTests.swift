import Audio
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `mpirun disttrain enhance`: the ranks share the recordings.
@Suite(.serialized) struct EnhanceRanksTests {
  private let model = ["enhance", "--weights", EnhanceFixture.trained]

  private func fill(_ folder: URL) throws {
    try folder.makeFolder("in")
    let sound = try EnhanceFixture.samples("input.wav")
    for count in [8000, 7000, 3000, 2000, 1000] {
      try WaveFile.write(
        Array(sound.prefix(count)), sampleRate: 16_000, to: folder.file("in/u\(count).wav"))
    }
  }

  @Test func eachRecordingIsEnhancedOnce() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      let alone = try disttrain(model + ["in", "alone"], folder: folder)
      let shared = try disttrain(ranks: 3, model + ["in", "shared"], folder: folder)
      #expect(alone.status == 0 && shared.status == 0, "\(shared)")
      #expect(shared.output.hasPrefix("enhanced 5 recordings, 1.3 s of audio in "), "\(shared)")
      #expect(occurrences(of: "enhanced", in: shared.output) == 1, "\(shared)")
      let names = try folder.names(in: "alone")
      #expect(try folder.names(in: "shared") == names && names.count == 5)
      for name in names {
        let bytes = try ["alone", "shared"].map { side in
          try Data(contentsOf: folder.appending(path: "\(side)/\(name)"))
        }
        #expect(bytes[0] == bytes[1], "\(name)")
      }
      // More ranks than recordings.
      let more = try disttrain(
        ranks: 3, model + ["--resume", "in/u8000.wav", "shared"], folder: folder)
      #expect(more.status == 0 && more.output.contains("1 was there already"), "\(more)")
    }
  }

  @Test func anErrorIsToldOnceAndTheOtherRanksFinish() throws {
    try withTemporaryFolder { folder in
      try fill(folder)
      // The name of an output is taken by a folder, which shows when it is written.
      try folder.makeFolder("out/u8000.wav")
      let outcome = try disttrain(ranks: 2, model + ["in", "out"], folder: folder)
      #expect(outcome.status == 1, "\(outcome)")
      #expect(occurrences(of: "disttrain: error: ", in: outcome.errors) == 1, "\(outcome)")
      #expect(outcome.errors.contains("out/u8000.wav: cannot be written"), "\(outcome)")
      #expect(try folder.names(in: "out").contains("u7000.wav"))
    }
  }
}
