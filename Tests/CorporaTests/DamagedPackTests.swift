import Audio
import Corpora
import Files
import Foundation
import Testing
import TestSupport

/// Files that `--data` must refuse before anything starts, of the present format and of the one
/// before.
@Suite struct DamagedPackTests {
  private static let metadata = [
    "format": "disttrain-corpus-2", "layout": "splits", "sample_rate": "16000",
    "block_samples": "16384",
  ]

  private struct Tensor {
    var name: String
    var dtype = "I16"
    var shape = [50]
    var byteCount: Int { shape.reduce(dtype == "F32" ? 4 : 2, *) }
  }

  private static let pair = [Tensor(name: "train/clean/a"), Tensor(name: "train/noisy/a")]

  /// A pack of these tensors, full of ones, whose checksums fit, except where `metadata` has its
  /// own.
  private func bytes(_ tensors: [Tensor], metadata: [String: String]) -> Data {
    let table = tensors.flatMap { tensor -> [UInt32] in
      let width = tensor.dtype == "F32" ? 4 : 2
      return stride(from: 0, to: tensor.byteCount, by: 16_384 * width).map { start in
        CRC32C([UInt8](repeating: 1, count: min(16_384 * width, tensor.byteCount - start))).value
      }
    }
    let tableBytes = table.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    var offset = tableBytes.count
    let head = SafetensorsHeader.Field(
      name: "checksums", dtype: "I32", shape: [table.count], begin: 0, end: offset)
    let fields =
      [head]
      + tensors.map { tensor in
        defer { offset += tensor.byteCount }
        return SafetensorsHeader.Field(
          name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, begin: offset,
          end: offset + tensor.byteCount)
      }
    let checksum = ["checksum": PackHead.checksum(fields, metadata, table: tableBytes)]
    return SafetensorsHeader.serialized(
      fields: fields, metadata: metadata.merging(checksum) { own, _ in own })
      + tableBytes + Data(repeating: 1, count: offset - tableBytes.count)
  }

  private func withPack(_ data: Data, _ body: (_ path: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try data.write(to: folder.appending(path: "pack.safetensors"))
      try body(folder.file("pack.safetensors"))
    }
  }

  @Test func theUndamagedIsRead() throws {
    try withPack(bytes(Self.pair, metadata: Self.metadata)) { path in
      let pairs = try PackedCorpus(path: path).pairs(.train, validationSpeakers: [])
      #expect(pairs.map(\.name) == ["a"] && pairs[0].sampleCount == 50)
    }
  }

  /// A small pack as the program writes it.
  private func present() throws -> Data {
    try withTemporaryFolder { folder in
      for (index, side) in ["clean", "noisy"].enumerated() {
        try folder.makeFolder("train/\(side)")
        try WaveFile.write(
          noise(50, seed: UInt64(index)), sampleRate: 16_000,
          to: folder.file("train/\(side)/a.wav"),
          encoding: index == 0 ? .pcm16 : .float32)
      }
      _ = try CorpusPacker(folder: folder.path(percentEncoded: false), onBadFile: .stop)
        .write(to: folder.appending(path: "pack"))
      return try Data(contentsOf: folder.appending(path: "pack"))
    }
  }

  @Test(arguments: [true, false]) func everyTruncationIsFound(isPresent: Bool) throws {
    let whole = isPresent ? try present() : bytes(Self.pair, metadata: Self.metadata)
    try withPack(whole) { path in
      for count in 0..<whole.count {
        try whole.prefix(count).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: PackedCorpusError.self) { try PackedCorpus(path: path) }
        guard case .notWhole = error else {
          Issue.record("\(count) bytes: \(String(describing: error))")
          return
        }
        #expect(error?.description.hasPrefix(path) == true)
        #expect(error?.description.hasSuffix("copy it again, or make it anew") == true)
      }
      // And something behind the end.
      try (whole + Data([0])).write(to: URL(fileURLWithPath: path))
      #expect(throws: PackedCorpusError.self) { try PackedCorpus(path: path) }
    }
  }

  /// Everything that training would use of a pack.
  private struct Content: Equatable {
    var names: [String] = []
    var samples: [[Float]] = []

    init(_ path: String) throws {
      let reader = RecordingReader()
      for pair in try PackedCorpus(path: path).pairs(.train, validationSpeakers: []) {
        names.append(pair.name)
        samples.append(try reader.read(pair.clean, sampleRate: 16_000))
        samples.append(try reader.read(pair.noisy, sampleRate: 16_000))
      }
    }
  }

  @Test(arguments: [true, false])
  func everyFlippedBitIsAnErrorThatNamesTheFile(isPresent: Bool) throws {
    let metadata = Self.metadata.merging(["program": "disttrain 0"]) { $1 }
    let whole = isPresent ? try present() : bytes(Self.pair, metadata: metadata)
    try withPack(whole) { path in
      let content = try Content(path)
      var unnoticed: [Int] = []
      for bit in 0..<8 * whole.count {
        var data = whole
        data[bit / 8] ^= 1 << UInt8(bit % 8)
        try data.write(to: URL(fileURLWithPath: path))
        do {
          #expect(try Content(path) == content, "bit \(bit) changed what is read")
          unnoticed.append(bit)
        } catch let error as PackedCorpusError {
          #expect(error.description.contains(path))
        } catch let error as WaveFileError {
          #expect(error.path.hasPrefix("\(path)[train/"))
        }
      }
      // Only where JSON means the same with another byte: in the spaces that pad it.
      let isPadding = unnoticed.allSatisfy { whole[$0 / 8] == UInt8(ascii: " ") }
      #expect(isPadding && unnoticed.count <= 40, "\(unnoticed) of \(8 * whole.count) bits")
    }
  }

  private static let metadataFaults: [([String: String?], String)] = [
    (["format": nil], "is a safetensors file, but no packed corpus"),
    (["format": "pt"], "is a safetensors file, but no packed corpus"),
    (["format": "disttrain-corpus-9"], "of format \"disttrain-corpus-9\""),
    (
      ["format": "disttrain-corpus-1"],
      "is a packed corpus of format \"disttrain-corpus-1\", and this program reads "
        + "\"disttrain-corpus-3\" and \"disttrain-corpus-2\"; make it anew with disttrain prepare "
        + "pack"
    ),
    (["block_samples": nil], "its \"block_samples\" is missing"),
    (["block_samples": "0"], "its \"block_samples\" is \"0\""),
    (["block_samples": "9223372036854775807"], "its \"block_samples\" is \"9223372036854775807\""),
    (["block_samples": "40"], "its header or its checksums have changed since it was packed"),
    (["checksum": "0123abcd"], "its header or its checksums have changed since it was packed"),
    (["checksum": ""], "its header or its checksums have changed since it was packed"),
    (["layout": nil], "its \"layout\" is missing"),
    (["layout": "heap"], "its \"layout\" is \"heap\""),
    (["sample_rate": nil], "its \"sample_rate\" is missing"),
    (["sample_rate": "0"], "its \"sample_rate\" is \"0\""),
    (["sample_rate": "many"], "its \"sample_rate\" is \"many\""),
  ]

  @Test(arguments: metadataFaults)
  func wrongMetadataAreNamed(changes: [String: String?], text: String) throws {
    let metadata = Self.metadata.merging(changes.compactMapValues { $0 }) { $1 }
      .filter { changes[$0.key] != .some(nil) }
    try withPack(bytes(Self.pair, metadata: metadata)) { path in
      let error = #expect(throws: PackedCorpusError.self) { try PackedCorpus(path: path) }
      #expect(error?.description.contains(path) == true)
      #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    }
  }

  @Test func wrongRecordingsAreNamed() throws {
    let cases: [([Tensor], name: String, reason: String)] = [
      ([Tensor(name: "train/clean/a")], "train/clean/a", "has no noisy side"),
      ([Tensor(name: "train/noisy/a")], "train/noisy/a", "has no clean side"),
      (
        [Tensor(name: "train/clean/a"), Tensor(name: "train/noisy/a", shape: [49])],
        "train/noisy/a", "has 49 samples, its clean side 50"
      ),
      (Self.pair + [Tensor(name: "a")], "a", "is not named split/side/name"),
      (Self.pair + [Tensor(name: "train/clean/")], "train/clean/", "is not named"),
      (Self.pair + [Tensor(name: "train/dirty/a")], "train/dirty/a", "is not named"),
      (Self.pair + [Tensor(name: "dev/clean/a")], "dev/clean/a", "is not named"),
      (
        Self.pair + [Tensor(name: "test/clean/b", dtype: "U16")], "test/clean/b",
        "has the type U16, not I16 or F32"
      ),
      (
        Self.pair + [Tensor(name: "test/clean/b", shape: [25, 2])], "test/clean/b",
        "has the shape [25, 2]"
      ),
      (Self.pair + [Tensor(name: "test/clean/b", shape: [0])], "test/clean/b", "has the shape [0]"),
    ]
    for (tensors, name, reason) in cases {
      try withPack(bytes(tensors, metadata: Self.metadata)) { path in
        let error = #expect(throws: PackedCorpusError.self) { try PackedCorpus(path: path) }
        let text = error?.description ?? ""
        #expect(
          text.hasPrefix("\(path) is a damaged packed corpus: \"\(name)\" ")
            && text.contains(reason), "\(text)")
      }
    }
    // VoiceBank-DEMAND has no validation recordings of its own.
    let metadata = Self.metadata.merging(["layout": "voicebank"]) { $1 }
    let valid = [Tensor(name: "valid/clean/a"), Tensor(name: "valid/noisy/a")]
    try withPack(bytes(valid, metadata: metadata)) { path in
      #expect(throws: PackedCorpusError.self) { try PackedCorpus(path: path) }
    }
  }

  @Test func filesOfOtherKindsAreNoPacks() throws {
    let names = [
      "metrics/g11_identical_ref.wav", "enhance/weights.safetensors", "enhance/tiny.json",
    ]
    for name in names {
      let path = fixturesFolder.appending(path: name).path(percentEncoded: false)
      let error = #expect(throws: PackedCorpusError.self) { try PackedCorpus(path: path) }
      #expect(error?.description.hasPrefix(path) == true)
      #expect(error?.description.contains("; --data takes a corpus folder or a ") == true)
    }
  }
}
