import Audio
import Evaluation
import Foundation
import Testing
import TestSupport

/// Which files `enhance` takes of a folder.
@Suite struct EnhancementJobsTests {
  @Test func recordingsInSubfoldersAreTaken() throws {
    let folder = try TemporaryFolder()
    for name in ["in/a.wav", "in/p226/a.wav", "in/p226/x/b.flac", "in/out/a.wav"] {
      try folder.makeFolder((name as NSString).deletingLastPathComponent)
      try WaveFile.write(noise(900), sampleRate: 16_000, to: folder.file(name))
    }
    func outputs(_ output: String) throws -> [String] {
      try EnhancementJobs(
        input: folder.file("in"), output: folder.file(output), format: .pcm16, sampleRate: 16_000
      ).items.map(\.output)
    }
    let names = ["a.wav", "p226/a.wav", "p226/x/b.flac"]
    // Outputs of an earlier call are no inputs of the next.
    #expect(try outputs("in/out") == names.map { folder.file("in/out/\($0)") })
    #expect(
      try outputs("else").sorted()
        == (names + ["out/a.wav"]).map { folder.file("else/\($0)") }.sorted())
    #expect(FileManager.default.fileExists(atPath: folder.file("else/p226/x")))
  }
}
