import Audio
import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// The form of a packed corpus as the documentation states it, read by other means than the
/// program's own: whoever keeps such files must be able to read and verify them without it.
@Suite struct PackFormatTests {
  /// CRC-32C bit by bit, as its definition says.
  private func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in
        value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
      }
    }
  }

  private func hexadecimal(_ value: UInt32) -> String { String(format: "%08x", value) }

  @Test func everyChecksumIsWhatTheDocumentationSays() throws {
    try withTemporaryFolder { folder in
      // One pair of floats and one of integers; two blocks and a rest.
      let count = 2 * 16_384 + 77
      let speech = try recording("g02_vb_p232_052_noisy_deg")
      for side in ["clean", "noisy"] {
        try folder.makeFolder("train/\(side)")
        try WaveFile.write(
          (0..<count).map { speech[$0 % speech.count] }, sampleRate: 16_000,
          to: folder.file("train/\(side)/a.wav"))
        try WaveFile.write(
          (0..<100).map { speech[$0] / 3 }, sampleRate: 16_000,
          to: folder.file("train/\(side)/ü.wav"), encoding: .float32)
      }
      let url = folder.appending(path: "pack")
      _ = try CorpusPacker(folder: folder.path(percentEncoded: false), onBadFile: .stop)
        .write(to: url)
      let bytes = [UInt8](try Data(contentsOf: url))
      let headerCount = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = try #require(
        JSONSerialization.jsonObject(with: Data(bytes[8..<8 + headerCount])) as? [String: Any])
      let metadata = try #require(header["__metadata__"] as? [String: String])
      #expect(metadata["format"] == "disttrain-corpus-3" && metadata["block_samples"] == "16384")
      let tensors = try header.filter { $0.key != "__metadata__" }.map { name, value in
        let object = try #require(value as? [String: Any])
        return (
          name: name, type: try #require(object["dtype"] as? String),
          shape: try #require(object["shape"] as? [Int]),
          offsets: try #require(object["data_offsets"] as? [Int])
        )
      }.sorted { $0.offsets[0] < $1.offsets[0] }
      #expect(tensors.map(\.name) == ["pairs", "checksums", "names", "float32", "int16"])
      #expect(tensors.map(\.type) == ["I64", "I32", "U8", "F32", "I16"])
      func data(_ tensor: Int) -> [UInt8] {
        Array(
          bytes[
            8 + headerCount + tensors[tensor].offsets[0]..<8 + headerCount
              + tensors[tensor].offsets[1]])
      }
      func numbers(_ tensor: Int, width: Int) -> [Int] {
        let bytes = data(tensor)
        return stride(from: 0, to: bytes.count, by: width).map { start in
          bytes[start..<start + width].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
      }
      // Length, first samples of both sides, their first blocks, end of the name, kind.
      let pairs = numbers(0, width: 8)
      #expect(pairs == [count, 0, count, 0, 3, 1, 0] + [100, 0, 100, 6, 7, 3, 3])
      #expect(
        data(2).prefix(3) == Array("aü".utf8)[...] && data(2).dropFirst(3).allSatisfy { $0 == 0 })
      // A checksum for every 16384 samples of each recording.
      let stored = numbers(1, width: 4)
      for row in [pairs[..<7], pairs[7...]].map(Array.init) {
        for side in [0, 1] {
          let width = row[6] & 2 >> side == 0 ? 2 : 4
          let samples = data(width == 4 ? 3 : 4)
          let own = Array(samples[row[1 + side] * width..<(row[1 + side] + row[0]) * width])
          let sums = stride(from: 0, to: own.count, by: 16_384 * width).map {
            Int(crc32c(own[$0..<min($0 + 16_384 * width, own.count)]))
          }
          #expect(Array(stored[row[3 + side]..<row[3 + side] + sums.count]) == sums)
        }
      }
      #expect(stored.count == 8)
      let table = data(0) + data(1) + data(2)
      // And one of what the header means, with the tables behind it.
      let lines =
        metadata.filter { $0.key != "checksum" }.sorted { $0.key < $1.key }
        .flatMap { [$0.key, $0.value] }
        + tensors.flatMap {
          [$0.name, $0.type, $0.shape.map(String.init).joined(separator: ",")]
        }
      let text = lines.map { $0 + "\0" }.joined()
      #expect(metadata["checksum"] == hexadecimal(crc32c(Array(text.utf8) + table)))
      // Every tensor lies at a multiple of its element.
      for tensor in tensors {
        let width = ["I64": 8, "I32": 4, "U8": 1, "F32": 4, "I16": 2][tensor.type] ?? 0
        #expect((8 + headerCount + tensor.offsets[0]) % width == 0)
      }
      #expect(try PackedCorpus(path: folder.file("pack")).checksum == metadata["checksum"])
    }
  }

  /// A pack of real speech of two blocks and more each, and its path.
  private func withSpeech(_ body: (_ folder: URL, _ path: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 3, "valid": 1])
      _ = try CorpusPacker(folder: corpus.folder.path(percentEncoded: false), onBadFile: .stop)
        .write(to: folder.appending(path: "c.safetensors"))
      try body(folder, folder.file("c.safetensors"))
    }
  }

  @Test func wholeFilesAreVerifiedAndDamagesNamed() throws {
    try withSpeech { folder, path in
      let corpus = try PackedCorpus(path: path)
      let found = PackVerification(corpus)
      #expect(found.damages.isEmpty && found.recordingCount == 8 && found.blockCount > 16)
      let outcome = try disttrain(["prepare", "verify", "--data", "c.safetensors"], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(
        outcome.output
          == "c.safetensors: all 8 recordings are as packed (\(found.blockCount) blocks, "
          + "\(corpus.byteCount) bytes)\n")

      var data = try Data(contentsOf: URL(fileURLWithPath: path))
      let hurt = [corpus.recordings[1], corpus.recordings[6]]
      data[hurt[0].offset + 2 * 16_384] ^= 1
      data[hurt[1].offset] ^= 0x80
      data[hurt[1].offset + 2 * 16_384 + 5] ^= 0x80
      try data.write(to: URL(fileURLWithPath: path))
      let damaged = try disttrain(["prepare", "verify", "--data", "c.safetensors"], folder: folder)
      expectError(
        damaged,
        "c.safetensors: 2 of 8 recordings are damaged; copy it again, or make it anew with "
          + "disttrain prepare pack")
      let last = hurt[0].samples(ofBlock: 1).upperBound - 1
      #expect(
        damaged.output == """
          damaged: \(hurt[0].name): block 1 (samples 16384 to \(last)) does not fit its checksum
          damaged: \(hurt[1].name): blocks 0 (samples 0 to 16383), 1 (samples 16384 to \
          \(hurt[1].samples(ofBlock: 1).upperBound - 1)) do not fit their checksums

          """)
    }
  }

  @Test func damageEndsTrainingAndEvaluationWithItsPlace() throws {
    try withSpeech { folder, path in
      try tinyModel.write(
        to: folder.appending(path: "tiny.json"), atomically: true, encoding: .utf8)
      let train = [
        "train", "--preset", "tiny.json", "--data", "c.safetensors", "--epochs", "1", "--batch",
        "1",
        "--seconds", "4",
      ]
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      func damage(_ name: String) throws {
        let recordings = try PackedCorpus(path: path).recordings
        let hurt = try #require(recordings.first { $0.name == name })
        var data = whole
        data[hurt.offset + 40_000] ^= 4
        try data.write(to: URL(fileURLWithPath: path))
      }
      try damage("train/noisy/u001")
      for ranks in [1, 2] {
        let arguments = train + ["--run-dir", "run\(ranks)"]
        let outcome = try disttrain(ranks: ranks, arguments, folder: folder)
        #expect(outcome.status == 1 && !outcome.timedOut, "\(outcome)")
        #expect(
          outcome.errors.contains(
            "a training file cannot be used: c.safetensors[train/noisy/u001]: block 1 "
              + "(samples 16384 to "), "\(outcome)")
        #expect(
          outcome.errors.contains(
            "does not match its checksum, so the file is damaged; copy it again, or pack the "
              + "corpus again with disttrain prepare pack"), "\(outcome)")
      }
      // Whole recordings, of validation, are verified as well.
      try whole.write(to: URL(fileURLWithPath: path))
      try damage("valid/clean/u000")
      let outcome = try disttrain(
        [
          "evaluate", "--weights", EnhanceFixture.weights, "--preset", EnhanceFixture.preset,
          "--data",
          "c.safetensors", "--split", "valid",
        ], folder: folder)
      expectError(
        outcome, "utterance u000: c.safetensors[valid/clean/u000]: block 1 (samples 16384 to ")
    }
  }
}
