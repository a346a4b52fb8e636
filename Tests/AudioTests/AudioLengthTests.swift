import Audio
import Foundation
import Testing
import TestSupport

/// The length of a recording: what its header promises, and what the file holds.
@Suite struct AudioLengthTests {
  private let folder: TemporaryFolder
  private let integers: [Int16] = (0..<1001).map { Int16($0 * 37 % 20_000 - 10_000) }
  private var samples: [Float] { integers.map { Float($0) / 32_768 } }

  init() throws { folder = try TemporaryFolder() }

  /// All samples, read by each way of reading.
  private func read(_ bytes: [UInt8], _ name: String) throws -> [Float] {
    try folder.write(bytes, name)
    let path = folder.file(name)
    let all = try WaveFile.read(path: path, sampleRate: 16_000).samples
    #expect(try WaveFile.read(bytes: bytes, path: path).samples == all)
    #expect(try WaveFile.inspect(path: path).sampleCount == all.count)
    #expect(try WaveFile.read(path: path, range: 500..<900).samples == Array(all[500..<900]))
    return all
  }

  @Test(arguments: HandmadeAudio.allCases) func wholeFiles(format: HandmadeAudio) throws {
    #expect(try read(format.file(integers), "whole") == samples)
    // A padding that was counted or forgotten, and whatever follows the samples.
    #expect(try read(format.file(integers, .more(1)), "odd") == samples)
    #expect(try read(format.file(integers, .more(1), tail: [0]), "padded") == samples)
    // libsndfile takes what follows for samples in these two.
    if format != .sphere && format != .wave64 {
      let tail = Array("LIST".utf8) + [4, 0, 0, 0] + Array("INFO".utf8)
      #expect(try read(format.file(integers, tail: tail), "tail") == samples)
    }
  }

  @Test(arguments: HandmadeAudio.allCases) func cutFilesAreTruncated(format: HandmadeAudio) throws {
    let whole = format.file(integers)
    for missing in [1000, 4, 2, 1998] {
      let cut = Array(whole.dropLast(missing))
      try folder.write(cut, "cut")
      let path = folder.file("cut")
      let expected = WaveFileError.truncated(
        path: path, expected: 1001, found: 1001 - missing / 2)
      #expect(throws: expected) { try WaveFile.info(path: path) }
      #expect(throws: expected) { try WaveFile.inspect(path: path) }
      #expect(throws: expected) { try WaveFile.read(path: path) }
      #expect(throws: expected) { try WaveFile.read(path: path, range: 0..<1) }
      #expect(throws: expected) { try WaveFile.read(bytes: cut, path: path) }
    }
    // All samples are there, and the header promises as many again.
    try folder.write(format.file(integers, .more(2002)), "twice")
    let path = folder.file("twice")
    #expect(throws: WaveFileError.truncated(path: path, expected: 2002, found: 1001)) {
      try WaveFile.read(path: path)
    }
  }

  @Test(arguments: HandmadeAudio.allCases)
  func unknownLengthsReachToTheEnd(format: HandmadeAudio) throws {
    for length in format.unknownLengths {
      #expect(try read(format.file(integers, .field(length)), "stream") == samples, "\(length)")
    }
  }

  /// A fuzzer found the division by their number.
  @Test func aCutFileWithoutChannelsIsRefused() throws {
    let header: [UInt32] = [24, 4000, 3, 16_000, 0]
    let bytes =
      Array(".snd".utf8)
      + header.flatMap { value in (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xFF) } }
      + [UInt8](repeating: 1, count: 100)
    try folder.write(bytes, "a.au")
    #expect(throws: WaveFileError.self) { try WaveFile.inspect(path: folder.file("a.au")) }
  }

  @Test func aFileWithoutSamplesIsEmptyWhateverFollows() throws {
    let chunk = Array("LIST".utf8) + [4, 0, 0, 0] + Array("INFO".utf8)
    for tail in [[], chunk, chunk + chunk] {
      try folder.write(HandmadeAudio.wav.file([], tail: tail), "empty.wav")
      let path = folder.file("empty.wav")
      #expect(throws: WaveFileError.empty(path: path)) { try WaveFile.read(path: path) }
    }
  }

  @Test func flacWithoutALengthIsDecodedToBeCounted() throws {
    let path = folder.file("s.flac")
    try WaveFile.write(noise(50_000), sampleRate: 16_000, to: path)
    let whole = try WaveFile.read(path: path).samples
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    // The number of samples: the last 36 bits of bytes 18 to 25.
    bytes[21] &= 0xF0
    bytes.replaceSubrange(22..<26, with: [0, 0, 0, 0])
    #expect(try read(bytes, "s.flac") == whole)
  }

  @Test func aDamagedFrameIsNotCalledTruncated() throws {
    let path = folder.file("d.flac")
    try WaveFile.write(noise(50_000), sampleRate: 16_000, to: path)
    let whole = try WaveFile.read(path: path).samples
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes[bytes.count / 2] ^= 0x10
    try folder.write(bytes, "d.flac")
    // The end can be read, so an inspection does not see it.
    #expect(try WaveFile.inspect(path: path).sampleCount == 50_000)
    let error = try #require(throws: WaveFileError.self) { try WaveFile.read(path: path) }
    guard case .undecodable(path, let index, 50_000) = error else {
      Issue.record("\(error)")
      return
    }
    #expect((20_000..<25_000).contains(index))
    #expect(
      error.description
        == "\(path): damaged: the samples from \(index) on (of 50000) cannot be decoded; copy the "
        + "file again")
    #expect(throws: error) { try WaveFile.read(path: path, range: index + 100..<index + 200) }
    #expect(try WaveFile.read(path: path, range: 0..<index).samples == Array(whole[..<index]))
  }

  @Test func anOggStreamWhoseLastPageIsCutIsTruncated() throws {
    let page = Array("OggS".utf8) + [0, 2] + Array(repeating: 0, count: 20) + [1, 30]
    let path = folder.file("o.ogg")
    try folder.write(page + Array(repeating: 1, count: 29), "o.ogg")
    #expect(throws: WaveFileError.endMissing(path: path)) { try WaveFile.read(path: path) }
    // A whole page need not be marked as the last one: a third of Debian's klettres-data is not.
    try folder.write(page + Array(repeating: 1, count: 30), "o.ogg")
    let error = #expect(throws: WaveFileError.self) { try WaveFile.read(path: path) }
    #expect(error != .endMissing(path: path))
  }

  @Test(arguments: [
    ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
    ("../../.git/annex/objects/Xk/2f/SHA256E-s12--ab.wav\n", "git annex get"),
    ("\n<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
    ("{\"error\": \"quota\"}", "a JSON file"), ("PK\u{3}\u{4}\u{14}\u{0}", "a ZIP archive"),
    ("ID3\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "an MP3 file"),
    ("\u{0}\u{0}\u{0}\u{1c}ftypM4A ", "an MP4 or M4A file"),
    ("this is no audio at all", "a text file that begins with \"this is no audio at all\""),
    (String(repeating: "\u{0}", count: 900), "zeros"),
  ])
  func otherContentsAreNamed(contents: String, expected: String) throws {
    try folder.write(Array(contents.utf8), "a.wav")
    let error = try #require(throws: WaveFileError.self) {
      try WaveFile.read(path: folder.file("a.wav"))
    }
    guard case .foreign = error else { Issue.record("\(error)"); return }
    #expect(error.description.hasPrefix("\(folder.file("a.wav")): is no recording but "))
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test func mpegAudioIsNotGivenToItsNoisyDecoder() throws {
    try folder.write([0xFF, 0xFB, 0x90, 0x64] + Array(repeating: 7, count: 400), "a.wav")
    let error = try #require(throws: WaveFileError.self) {
      try WaveFile.read(path: folder.file("a.wav"))
    }
    #expect(error.description.contains("an MP3 file, which is not read; convert it first: ffmpeg"))
  }

  @Test(.timeLimit(.minutes(1))) func aPipeIsNamedAndNotWaitedFor() throws {
    let path = folder.file("fifo.wav")
    try #require(mkfifo(path, 0o600) == 0)
    #expect(throws: WaveFileError.pipe(path: path)) { try WaveFile.read(path: path) }
    #expect(throws: WaveFileError.pipe(path: "/dev/null")) { try WaveFile.info(path: "/dev/null") }
  }

  @Test(arguments: HandmadeAudio.allCases) func damagedHeadersEndInAnError(
    format: HandmadeAudio
  ) throws {
    // Whatever a bit of the header becomes, the result is samples or an error.
    let whole = format.file(integers)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<100, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let result = try? WaveFile.read(bytes: bytes, path: "d")
      #expect(result?.samples.isEmpty != true)
    }
  }
}
