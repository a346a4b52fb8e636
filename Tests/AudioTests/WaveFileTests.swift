import Audio
import Foundation
import Testing
import TestSupport

@Suite struct WaveFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private let onGrid: [Float] = noise(4000).map { ($0 * 32_768).rounded() / 32_768 }

  @Test(arguments: ["a.wav", "a.flac", "a.FLAC"])
  func sixteenBitIsExactOnItsGrid(name: String) throws {
    let path = folder.file(name)
    try WaveFile.write(onGrid, sampleRate: 16_000, to: path)
    let read = try WaveFile.read(path: path, sampleRate: 16_000)
    #expect(read == Waveform(samples: onGrid, sampleRate: 16_000))
    #expect(
      try WaveFile.info(path: path)
        == WaveFile.inspect(path: path, sampleRate: 16_000))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [name])
  }

  @Test func floatIsExact() throws {
    let samples = noise(1000, amplitude: 3)
    try WaveFile.write(samples, sampleRate: 48_000, to: folder.file("f.wav"), encoding: .float32)
    let read = try WaveFile.read(path: folder.file("f.wav"))
    #expect(read.samples == samples)
    #expect(read.sampleRate == 48_000)
  }

  @Test func integersAreDividedBy32768AndClamped() throws {
    let samples: [Float] = [0, 0.5, -1, 1, 1.5, -7, 1 / 65_536 + 1e-6, -1.4 / 32_768]
    try WaveFile.write(samples, sampleRate: 8000, to: folder.file("c.wav"))
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("c.wav"))).suffix(16))
    let stored = (0..<8).map {
      Int16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8)
    }
    #expect(stored == [0, 16_384, -32_768, 32_767, 32_767, -32_768, 1, -1])
    let read = try WaveFile.read(path: folder.file("c.wav")).samples
    #expect(read == stored.map { Float($0) / 32_768 })
  }

  @Test(arguments: ["r.wav", "r.flac"], [0..<1, 1999..<2400, 3990..<4000, 17..<17])
  func rangesAreSampleExact(name: String, range: Range<Int>) throws {
    let path = folder.file(name)
    try WaveFile.write(onGrid, sampleRate: 16_000, to: path)
    #expect(try WaveFile.read(path: path, range: range).samples == Array(onGrid[range]))
  }

  @Test(arguments: [-1..<5, 3999..<4001])
  func rangesOutsideAreRefused(range: Range<Int>) throws {
    let path = folder.file("r.wav")
    try WaveFile.write(onGrid, sampleRate: 16_000, to: path)
    #expect(throws: WaveFileError.outOfRange(path: path, range: range, sampleCount: 4000)) {
      try WaveFile.read(path: path, range: range)
    }
  }

  @Test func missingFolderAndGarbage() throws {
    let missing = folder.file("none.wav")
    #expect(throws: WaveFileError.missing(path: missing)) { try WaveFile.read(path: missing) }
    #expect(throws: WaveFileError.unreadable(path: folder.path, reason: "it is a folder")) {
      try WaveFile.info(path: folder.path)
    }
    try folder.write([0x80, 1, 2, 3, 0, 5], "garbage.wav")
    let garbage = folder.file("garbage.wav")
    let error = try #require(throws: WaveFileError.self) { try WaveFile.read(path: garbage) }
    guard case .unreadable(garbage, let reason) = error else { Issue.record("\(error)"); return }
    #expect(reason.contains("none of WAV, FLAC"))
  }

  @Test func emptyFiles() throws {
    try folder.write([], "zero.wav")
    #expect(throws: WaveFileError.empty(path: folder.file("zero.wav"))) {
      try WaveFile.info(path: folder.file("zero.wav"))
    }
    try WaveFile.write([], sampleRate: 16_000, to: folder.file("none.wav"))
    #expect(throws: WaveFileError.empty(path: folder.file("none.wav"))) {
      try WaveFile.read(path: folder.file("none.wav"))
    }
  }

  @Test func stereoAndOtherRatesAreRefused() throws {
    let path = folder.file("s.wav")
    try folder.write(wav(channels: 2, rate: 16_000, frames: 10), "s.wav")
    #expect(try WaveFile.info(path: path).channelCount == 2)
    #expect(throws: WaveFileError.multiChannel(path: path, channelCount: 2)) {
      try WaveFile.read(path: path)
    }
    try folder.write(wav(channels: 1, rate: 48_000, frames: 10), "s.wav")
    let error = try #require(throws: WaveFileError.self) {
      try WaveFile.read(path: path, range: 0..<5, sampleRate: 16_000)
    }
    #expect(error == .wrongSampleRate(path: path, expected: 16_000, found: 48_000))
    #expect(error.description == "\(path): expected 16000 Hz, found 48000 Hz; resample first")
  }

  @Test func nonFiniteSamples() throws {
    var samples = noise(100)
    let path = folder.file("n.wav")
    samples[37] = .infinity
    #expect(throws: WaveFileError.nonFinite(path: path, index: 37)) {
      try WaveFile.write(samples, sampleRate: 16_000, to: path)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
    samples[37] = 123.25
    try WaveFile.write(samples, sampleRate: 16_000, to: path, encoding: .float32)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let pattern = withUnsafeBytes(of: Float(123.25).bitPattern) { [UInt8]($0) }
    let start = try #require(
      (0..<bytes.count - 3).first { Array(bytes[$0..<$0 + 4]) == pattern })
    bytes[start + 2] = 0xC0
    bytes[start + 3] = 0x7F
    try folder.write(bytes, "n.wav")
    #expect(throws: WaveFileError.nonFinite(path: path, index: 37)) {
      try WaveFile.read(path: path)
    }
    #expect(throws: WaveFileError.nonFinite(path: path, index: 37)) {
      try WaveFile.read(path: path, range: 30..<40)
    }
  }

  @Test func truncatedWAV() throws {
    let path = folder.file("t.wav")
    try WaveFile.write(onGrid, sampleRate: 16_000, to: path)
    try folder.truncate("t.wav", to: try folder.byteCount("t.wav") - 2000)
    let expected = WaveFileError.truncated(path: path, expected: 4000, found: 3000)
    #expect(throws: expected) { try WaveFile.info(path: path) }
    #expect(throws: expected) { try WaveFile.read(path: path) }
  }

  @Test func truncatedFLAC() throws {
    let path = folder.file("t.flac")
    try WaveFile.write(noise(50_000), sampleRate: 16_000, to: path)
    try folder.truncate("t.flac", to: try folder.byteCount("t.flac") / 2)
    for attempt in [
      { try WaveFile.inspect(path: path, sampleRate: 16_000) as Any },
      { try WaveFile.read(path: path) as Any },
    ] {
      let error = try #require(throws: WaveFileError.self) { _ = try attempt() }
      guard case .truncated(path, 50_000, let found) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(found < 50_000)
    }
  }

  @Test func streamedFilesWithoutLengthAreReadToTheirEnd() throws {
    var bytes = wav(channels: 1, rate: 16_000, frames: 500)
    bytes.replaceSubrange(40..<44, with: [0xFF, 0xFF, 0xFF, 0xFF])
    bytes.replaceSubrange(4..<8, with: [0xFF, 0xFF, 0xFF, 0xFF])
    try folder.write(bytes, "p.wav")
    #expect(try WaveFile.read(path: folder.file("p.wav")).samples.count == 500)
  }

  @Test func unwritableAndUnknownFormats() throws {
    let nowhere = folder.file("no/such/folder/a.wav")
    #expect(throws: WaveFileError.unwritable(path: nowhere, reason: "No such file or directory")) {
      try WaveFile.write([0], sampleRate: 16_000, to: nowhere)
    }
    for (name, encoding) in [("a.mp3", WaveFile.Encoding.pcm16), ("a.flac", .float32)] {
      let error = try #require(throws: WaveFileError.self) {
        try WaveFile.write([0], sampleRate: 16_000, to: folder.file(name), encoding: encoding)
      }
      guard case .unsupportedFormat = error else { Issue.record("\(error)"); return }
    }
  }

  @Test func badFilesInParallelKeepTheirOwnReasons() throws {
    try folder.write(Array("RIFF....WAVEnothing".utf8), "riff.wav")
    try folder.write(Array("plain text, no audio".utf8), "text.wav")
    let paths = ["riff.wav", "text.wav"].map(folder.file)
    @Sendable func reason(_ path: String) -> String {
      do { return "\(try WaveFile.info(path: path))" } catch { return "\(error)" }
    }
    let expected = paths.map(reason)
    #expect(Set(expected).count == 2)
    let mismatches = Counter()
    DispatchQueue.concurrentPerform(iterations: 200) { i in
      if reason(paths[i % 2]) != expected[i % 2] { mismatches.increment() }
    }
    #expect(mismatches.value == 0)
  }

  /// Bytes of a 16-bit WAV file, written by hand so that the reader is not checked against our own
  /// writer.
  private func wav(channels: Int, rate: Int, frames: Int) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let data = (0..<frames * channels).flatMap { little($0 * 100, 2) }
    let format =
      little(1, 2) + little(channels, 2) + little(rate, 4) + little(rate * channels * 2, 4)
      + little(channels * 2, 2) + little(16, 2)
    return Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8)
      + little(16, 4) + format + Array("data".utf8) + little(data.count, 4) + data
  }
}
