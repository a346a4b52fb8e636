import Audio
import Foundation
import Testing
import TestSupport

/// Checks files that are written piece by piece.
@Suite struct WaveWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private let samples = noise(50_001, amplitude: 1.2)

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file(name))))
  }

  private func writer(
    _ name: String, _ count: Int, _ encoding: WaveFile.Encoding = .pcm16
  ) throws -> WaveWriter {
    try WaveWriter(
      path: folder.file(name), sampleRate: 16_000, sampleCount: count, encoding: encoding)
  }

  @Test(arguments: [("a.wav", WaveFile.Encoding.pcm16), ("a.wav", .float32), ("a.flac", .pcm16)])
  func piecesDoNotChangeTheBytes(name: String, encoding: WaveFile.Encoding) throws {
    let writer = try writer(name, samples.count, encoding)
    var start = 0
    for count in [1, 4095, 4096, 0, 4097, 7, 30_000, samples.count] {
      let end = min(start + count, samples.count)
      try writer.append(Array(samples[start..<end]))
      start = end
    }
    #expect(try names().isEmpty, "a reader could take an unfinished file for the whole")
    try writer.finish()
    #expect(try names() == [name])
    let encoded = try WaveFile.encode(
      samples, sampleRate: 16_000, path: name, encoding: encoding)
    #expect(try bytes(name) == encoded)
    #expect(try WaveFile.info(path: folder.file(name)).sampleCount == samples.count)
  }

  @Test func unfinishedFileKeepsTheOldOne() throws {
    try WaveFile.write([0.25, 0.5], sampleRate: 8000, to: folder.file("a.wav"))
    let old = try bytes("a.wav")
    for count in [0, 100, samples.count] {
      do {
        let writer = try writer("a.wav", samples.count)
        try writer.append(Array(samples.prefix(count)))
      }
      #expect(try names() == ["a.wav"])
      #expect(try bytes("a.wav") == old)
    }
    let writer = try writer("a.wav", 3)
    try writer.append([1, 2, 3])
    #expect(try bytes("a.wav") == old)
    try writer.finish()
    #expect(try names() == ["a.wav"])
    #expect(try WaveFile.read(path: folder.file("a.wav"), sampleRate: 16_000).samples.count == 3)
  }

  @Test func badSamplesAreCountedFromTheStart() throws {
    let path = folder.file("n.flac")
    do {
      let writer = try writer("n.flac", 300)
      try writer.append(noise(100))
      #expect(throws: WaveFileError.nonFinite(path: path, index: 102)) {
        try writer.append([0, 0, .nan])
      }
    }
    #expect(try names().isEmpty)
  }

  @Test func impossibleFilesAreRefusedBeforeTheFirstSample() throws {
    for (name, count, encoding) in [
      ("long.wav", 1 << 31, WaveFile.Encoding.pcm16), ("long.wav", 1 << 30, .float32),
      ("a.flac", 1, .float32), ("a.ogg", 1, .pcm16),
    ] {
      let error = try #require(throws: WaveFileError.self) { try writer(name, count, encoding) }
      guard case .unsupportedFormat = error else { Issue.record("\(error)"); continue }
      if count > 1 { #expect(error.reason.contains("holds 4 GiB"), "\(error)") }
    }
    #expect(
      throws: WaveFileError.unwritable(
        path: folder.file("no/a.wav"), reason: "No such file or directory")
    ) { try writer("no/a.wav", 1) }
    #expect(try names().isEmpty)
    #expect(mkfifo(folder.file("pipe.wav"), 0o600) == 0)
    #expect(throws: WaveFileError.self) { try writer("pipe.wav", 1) }
    #expect(try names() == ["pipe.wav"])
    // FLAC counts samples in 36 bits.
    _ = try writer("long.flac", 1 << 31)
  }
}
