import Audio
import Testing
import TestSupport

/// Recordings that were damaged at random.
struct DamagedAudioTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: ["a.wav", "a.flac"])
  func everyDamageIsReadOrRefused(name: String) throws {
    let path = folder.file(name)
    try WaveFile.write(noise(3000), sampleRate: 16_000, to: path)
    let whole = try WaveFile.bytes(path: path)
    expectSentences(seed: 15, of: whole) { bytes in
      try folder.write(bytes, name)
      let samples = try WaveFile.read(path: path).samples
      // A damaged length must not make more samples than there can be.
      #expect(samples.count < 1 << 20)
      #expect(samples.allSatisfy { $0.isFinite })
    }
    // Bytes in memory are read by other means.
    expectSentences(seed: 16, of: whole) { bytes in
      _ = try WaveFile.read(bytes: bytes, path: path)
    }
  }

  /// Once 275 GB were asked for, which ended the program.
  @Test func aLengthOf36BitsTakesNoMemory() throws {
    try WaveFile.write(noise(3000), sampleRate: 16_000, to: folder.file("a.flac"))
    var bytes = try WaveFile.bytes(path: folder.file("a.flac"))
    bytes[21] |= 0x0F
    for index in 22..<26 { bytes[index] = 0xFF }
    try folder.write(bytes, "b.flac")
    #expect(
      throws: WaveFileError.truncated(
        path: folder.file("b.flac"), expected: (1 << 36) - 1, found: 3000)
    ) { try WaveFile.read(path: folder.file("b.flac")) }
  }
}
