import Files
import Foundation
import Platform

/// A corpus in one file: what `prepare pack` writes and `--data` takes in place of a folder.
///
/// A safetensors file with one tensor of one axis for each recording, named
/// `split/side/name` such as `train/clean/p226_001`: I16 of 16-bit sources, F32 of others; and a
/// tensor with a checksum for each block of them, see `PackHead`. Only the head is read here; crops
/// read their blocks when they need them. The splits are those of the folder it was made from, so
/// the validation speakers of VoiceBank-DEMAND lie in its train split and are chosen when it is
/// used, as from the folder.
///
/// It is one file for all splits, however many ranks there are: one thing to name, copy and verify,
/// and each rank reads the blocks of its own crops only.
package struct PackedCorpus: Sendable {
  /// The file.
  package let path: String
  /// All recordings, in the order of their data.
  package let recordings: [PackedRecording]
  /// Eight hexadecimal digits that stand for the whole content.
  package let checksum: String
  /// Bytes of the file.
  package let byteCount: Int
  /// Sample rate of the recordings, in hertz.
  package let sampleRate: Int
  private let layout: CorpusLayout.Kind
  private let splits: [CorpusSplit: [UtterancePair]]

  /// Whether `path` is a file, which only a packed corpus can be.
  package static func isFile(_ path: String) -> Bool { PathKind(path) == .file }

  /// Reads what is in the file and where, and checks that all of it is there.
  package init(path: String) throws(PackedCorpusError) {
    let head = try PackHead(path: path)
    let metadata = head.header.metadata
    let layoutName = metadata[PackHead.layoutKey]
    guard let layout = layoutName.flatMap(CorpusLayout.Kind.init) else {
      throw .badMetadata(path: path, key: PackHead.layoutKey, found: layoutName)
    }
    let rate = metadata[PackHead.sampleRateKey]
    guard let sampleRate = rate.flatMap(Int.init), sampleRate > 0 else {
      throw .badMetadata(path: path, key: PackHead.sampleRateKey, found: rate)
    }
    self.path = path
    self.layout = layout
    checksum = head.checksum
    byteCount = head.fileByteCount
    self.sampleRate = sampleRate
    recordings = try Self.recordings(head, path: path, sampleRate: sampleRate)
    splits = try Self.pairs(recordings, path: path, layout: layout)
  }

  /// The pairs of a split, sorted by name. Throws `PairedDatasetError.missingSplit`, or
  /// `PackedCorpusError.noSpeaker` where the speakers leave none.
  package func pairs(
    _ split: CorpusSplit, validationSpeakers: [String]
  ) throws -> [UtterancePair] {
    let source = layout.source(of: split, validationSpeakers: validationSpeakers)
    guard let all = splits[source.split] else {
      let sides = ["clean", "noisy"].map { "\(source.split.rawValue)/\($0)" }
      throw PairedDatasetError.missingSplit(split, lookedFor: sides.map { "\(path)[\($0)]" })
    }
    let pairs = all.filter { source.speakers.contain($0.name) }
    if pairs.isEmpty {
      throw PackedCorpusError.noSpeaker(path: path, split, speakers: validationSpeakers)
    }
    return pairs
  }

  private static func recordings(
    _ head: PackHead, path: String, sampleRate: Int
  ) throws(PackedCorpusError) -> [PackedRecording] {
    var recordings: [PackedRecording] = []
    recordings.reserveCapacity(head.recordings.count)
    var table = head.table[...]
    for field in head.recordings {
      func bad(_ reason: String) -> PackedCorpusError {
        .badRecording(path: path, name: field.name, reason: reason)
      }
      guard let encoding = PackedRecording.Encoding(dtype: field.dtype) else {
        throw bad("has the type \(field.dtype), not I16 or F32")
      }
      guard field.shape.count == 1, let sampleCount = field.shape.first, sampleCount > 0 else {
        throw bad("has the shape \(field.shape), not that of samples")
      }
      let checksums = table.prefix(
        PackedRecording.blockCount(
          sampleCount: sampleCount, blockSampleCount: head.blockSampleCount))
      table = table.dropFirst(checksums.count)
      recordings.append(
        PackedRecording(
          path: path, fileByteCount: head.fileByteCount, name: field.name,
          offset: head.header.dataStart + field.begin, encoding: encoding, sampleCount: sampleCount,
          sampleRate: sampleRate, blockSampleCount: head.blockSampleCount,
          blockChecksums: Array(checksums)))
    }
    return recordings
  }

  private static func pairs(
    _ recordings: [PackedRecording], path: String, layout: CorpusLayout.Kind
  ) throws(PackedCorpusError) -> [CorpusSplit: [UtterancePair]] {
    var sides: [CorpusSplit: (clean: [String: PackedRecording], noisy: [String: PackedRecording])] =
      [:]
    for recording in recordings {
      let parts = recording.name.split(
        separator: "/", maxSplits: 2, omittingEmptySubsequences: false
      ).map(String.init)
      guard parts.count == 3, !parts[2].isEmpty, let split = CorpusSplit(rawValue: parts[0]),
        layout.ownSplits.contains(split), ["clean", "noisy"].contains(parts[1])
      else {
        throw .badRecording(
          path: path, name: recording.name, reason: "is not named split/side/name")
      }
      if parts[1] == "clean" {
        sides[split, default: ([:], [:])].clean[parts[2]] = recording
      } else {
        sides[split, default: ([:], [:])].noisy[parts[2]] = recording
      }
    }
    var splits: [CorpusSplit: [UtterancePair]] = [:]
    for split in CorpusSplit.allCases {
      guard let (clean, noisy) = sides[split] else { continue }
      var pairs: [UtterancePair] = []
      for name in Set(clean.keys).union(noisy.keys).sorted() {
        guard let clean = clean[name], let noisy = noisy[name] else {
          let side = clean[name] == nil ? "clean" : "noisy"
          throw .badRecording(
            path: path, name: (clean[name] ?? noisy[name])?.name ?? name,
            reason: "has no \(side) side")
        }
        guard clean.sampleCount == noisy.sampleCount else {
          throw .badRecording(
            path: path, name: noisy.name,
            reason: "has \(NumberText.count(noisy.sampleCount, "sample")), its clean side "
              + "\(clean.sampleCount)")
        }
        pairs.append(
          UtterancePair(
            name: name, clean: .packed(clean), noisy: .packed(noisy),
            sampleCount: clean.sampleCount))
      }
      splits[split] = pairs
    }
    return splits
  }
}
