import Audio
import Corpora
import Files
import Foundation
import Testing
import TestSupport

@Suite struct RecordingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Writes a file with the checksums, `lead` bytes, the samples and two bytes more.
  private func pack(
    _ name: String, _ encoding: PackedRecording.Encoding, _ samples: [Float], lead: Int = 8,
    block: Int = 100
  ) throws -> PackedRecording {
    var bytes = [UInt8](repeating: 0xAA, count: lead)
    for sample in samples {
      switch encoding {
      case .int16:
        let value = UInt16(bitPattern: Int16(sample * 32_768))
        bytes += [UInt8(value & 0xFF), UInt8(value >> 8)]
      case .float32:
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: sample.bitPattern >> (8 * $0)) }
      }
    }
    let stored = Array(bytes.dropFirst(lead))
    let checksums = stride(from: 0, to: samples.count, by: block).map { start in
      let bytes = stored.dropFirst(start * encoding.byteCount).prefix(block * encoding.byteCount)
      return CRC32C(Array(bytes)).value
    }
    let table = checksums.flatMap { sum in
      (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
    }
    bytes = table + bytes + [0xBB, 0xBB]
    try folder.write(bytes, name)
    return PackedRecording(
      path: folder.file(name), fileByteCount: bytes.count, name: "train/clean/a",
      offset: table.count + lead, encoding: encoding, sampleCount: samples.count,
      sampleRate: 16_000, blockSampleCount: block, checksumsOffset: 0)
  }

  /// All 16-bit values, as libsndfile converts them.
  private let ramp = (-32_768...32_767).map { Float($0) / 32_768 }

  @Test func packedSamplesEqualThoseOfTheFile() throws {
    let path = folder.file("a.wav")
    try WaveFile.write(ramp, sampleRate: 16_000, to: path)
    let packed = Recording.packed(try pack("p", .int16, ramp))
    let reader = RecordingReader()
    for range in [
      0..<65_536, 0..<1, 65_535..<65_536, 100..<32_100, 5..<5, 99..<101, 100..<200, 199..<300,
      65_499..<65_536,
    ] {
      let expected = try reader.read(.file(path: path), range: range, sampleRate: 16_000)
      #expect(try reader.read(packed, range: range, sampleRate: 16_000) == expected)
    }
    #expect(try reader.read(packed, sampleRate: 16_000) == WaveFile.read(path: path).samples)
    let floats = noise(999, amplitude: 3) + [-0.0, .leastNonzeroMagnitude]
    let exact = Recording.packed(try pack("f", .float32, floats, lead: 8))
    // After another file the reader has to open the pack again.
    let found = try reader.read(exact, sampleRate: 16_000)
    #expect(found.map(\.bitPattern) == floats.map(\.bitPattern))
    #expect(try reader.read(packed, range: 1..<2, sampleRate: 16_000) == [-32_767 / 32_768])
    #expect(try reader.read(exact, range: 10..<20, sampleRate: 16_000) == Array(floats[10..<20]))
  }

  @Test func cropsOfAPackedPairEqualThoseOfItsFiles() throws {
    let sides = [1, 2].map { noise(5000, seed: $0).map { ($0 * 32_768).rounded() / 32_768 } }
    let paths = ["c.wav", "n.flac"].map(folder.file)
    for (samples, path) in zip(sides, paths) {
      try WaveFile.write(samples, sampleRate: 16_000, to: path)
    }
    let files = UtterancePair(
      name: "u", clean: .file(path: paths[0]), noisy: .file(path: paths[1]), sampleCount: 5000)
    let packed = UtterancePair(
      name: "u", clean: .packed(try pack("pc", .int16, sides[0])),
      noisy: .packed(try pack("pn", .float32, sides[1])), sampleCount: 5000)
    for epoch in 0..<10 {
      for sampleCount in [1000, 6000] {
        let crop = RandomCrop(sampleCount: sampleCount, seed: 3)
        let one = try crop.load(files, epoch: epoch, sampleRate: 16_000)
        let other = try crop.load(packed, epoch: epoch, sampleRate: 16_000)
        #expect(one.clean == other.clean && one.noisy == other.noisy)
      }
    }
  }

  @Test(arguments: [PackedRecording.Encoding.int16, .float32])
  func everyFlippedBitIsFoundInItsBlockOnly(encoding: PackedRecording.Encoding) throws {
    let samples = noise(250, seed: 4).map { ($0 * 32_768).rounded() / 32_768 }
    let packed = try pack("p", encoding, samples)
    let whole = try Data(contentsOf: URL(fileURLWithPath: packed.path))
    let label = "\(packed.path)[train/clean/a]"
    for bit in 0..<8 * 250 * encoding.byteCount {
      var damaged = whole
      damaged[packed.offset + bit / 8] ^= 1 << UInt8(bit % 8)
      try damaged.write(to: URL(fileURLWithPath: packed.path))
      let block = bit / 8 / encoding.byteCount / 100
      let range = block * 100..<min(block * 100 + 100, 250)
      let reader = RecordingReader()
      for touching in [nil, range, range.upperBound - 1..<range.upperBound] as [Range<Int>?] {
        #expect(throws: WaveFileError.damaged(path: label, block: block, range: range)) {
          try reader.read(.packed(packed), range: touching, sampleRate: 16_000)
        }
      }
      // Ranges in other blocks can be read.
      let other = block == 0 ? 100..<200 : 0..<100
      #expect(
        try reader.read(.packed(packed), range: other, sampleRate: 16_000)
          == Array(samples[other]))
      #expect(try reader.damagedBlocks(of: packed) == [block])
    }
    let error = WaveFileError.damaged(path: label, block: 2, range: 200..<250)
    #expect(
      error.description
        == "\(label): block 2 (samples 200 to 249) does not match its checksum, so "
        + "the file is damaged; copy it again, or pack the corpus again with disttrain prepare "
        + "pack")
  }

  @Test func allDamagedBlocksAreNamed() throws {
    // The recording has more blocks than are read at once.
    let packed = try pack("p", .int16, noise(15_030).map { ($0 * 32_768).rounded() / 32_768 })
    #expect(try RecordingReader().damagedBlocks(of: packed) == [])
    var data = try Data(contentsOf: URL(fileURLWithPath: packed.path))
    let blocks = [0, 1, 63, 64, 65, 127, 150]
    for block in blocks { data[packed.offset + block * 200 + 3] ^= 0x40 }
    try data.write(to: URL(fileURLWithPath: packed.path))
    #expect(try RecordingReader().damagedBlocks(of: packed) == blocks)
  }

  @Test func unreadableRecordingsAreNamed() throws {
    let good = try pack("p", .int16, ramp)
    let label = "\(good.path)[train/clean/a]"
    let reader = RecordingReader()
    func expect(
      _ error: WaveFileError, _ recording: PackedRecording, _ range: Range<Int>? = nil,
      rate: Int = 16_000
    ) {
      #expect(throws: error) {
        try reader.read(.packed(recording), range: range, sampleRate: rate)
      }
    }
    expect(.wrongSampleRate(path: label, expected: 8000, found: 16_000), good, rate: 8000)
    expect(.outOfRange(path: label, range: 1..<65_537, sampleCount: 65_536), good, 1..<65_537)
    var gone = good
    gone.path = folder.file("gone")
    expect(.missing(path: gone.path), gone)
    let broken = try pack("n", .float32, [1, 2, .nan])
    expect(.nonFinite(path: "\(broken.path)[train/clean/a]", index: 2), broken, 1..<3)

    // A file is truncated while it is open: its remaining whole blocks can still be read.
    #expect(try reader.read(.packed(good), range: 0..<2, sampleRate: 16_000).count == 2)
    try FileHandle(forWritingTo: URL(fileURLWithPath: good.path)).truncate(
      atOffset: UInt64(good.offset + 1100))
    #expect(try reader.read(.packed(good), range: 0..<500, sampleRate: 16_000).count == 500)
    expect(.truncated(path: label, expected: 65_536, found: 550), good, 400..<510)
    // Another is truncated before it is opened.
    let error = #expect(throws: WaveFileError.self) {
      try RecordingReader().read(.packed(good), range: 0..<2, sampleRate: 16_000)
    }
    #expect(
      error?.description.contains(
        "it has \(good.offset + 1100) bytes on this machine, but had \(good.fileByteCount)")
        == true)
  }
}
