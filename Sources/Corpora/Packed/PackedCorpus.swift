import Files
import Foundation
import Platform

/// A corpus in one file: what `prepare pack` writes and `--data` takes in place of a folder.
///
/// A safetensors file with tables of the pairs, their names and the checksums of their blocks, see
/// `PackHead`, and all samples in a tensor for each encoding: I16 of 16-bit sources, F32 of others.
/// Only the head is read here; crops read their blocks when they need them. The splits are those of
/// the folder it was made from, so the validation speakers of VoiceBank-DEMAND lie in its train
/// split and are chosen when it is used, as from the folder.
///
/// It is one file for all splits, however many ranks there are: one thing to name, copy and verify,
/// and each rank reads the blocks of its own crops only.
package struct PackedCorpus: Sendable {
  /// The file.
  package let path: String
  /// Eight hexadecimal digits that stand for the whole content.
  package let checksum: String
  /// Bytes of the file.
  package let byteCount: Int
  /// Sample rate of the recordings, in hertz.
  package let sampleRate: Int
  private let head: PackHead

  /// Whether `path` is a file, which only a packed corpus can be.
  package static func isFile(_ path: String) -> Bool {
    // A pipe or a device is no folder; as a file it is refused by name.
    [.file, .other].contains(PathKind(path))
  }

  /// Reads what is in the file and where, and checks that all of it is there.
  package init(path: String) throws(PackedCorpusError) {
    head = try PackHead(path: path)
    self.path = path
    checksum = head.checksum
    byteCount = head.fileByteCount
    sampleRate = head.sampleRate
  }

  /// All recordings, by split and name, the clean one of a pair first.
  package var recordings: LazyMapCollection<Range<Int>, PackedRecording> {
    let head = head
    let path = path
    return (0..<2 * head.table.pairs.count).lazy.map { item in
      let pair = item / 2
      return Self.place(head, path, head.table.split(pair)).recording(
        head.table.pairs[pair], item % 2 == 0 ? .clean : .noisy, name: head.table.name(pair),
        sampleRate: head.sampleRate)
    }
  }

  /// The pairs of a split, sorted by name.
  ///
  /// - Throws: `PairedDatasetError.missingSplit`, `unknownSpeakers` or `noSpeakers`;
  ///   `PackedCorpusError.noSpeaker` where the speakers leave none.
  package func pairs(
    _ split: CorpusSplit, validationSpeakers: ValidationSpeakers
  ) throws -> UtteranceIndex {
    try head.layout.require(validationSpeakers, split, path: path)
    let source = head.layout.source(of: split, validationSpeakers: validationSpeakers)
    guard let all = head.table.items(of: source.split) else {
      let sides = ["clean", "noisy"].map { "\(source.split.rawValue)/\($0)" }
      throw PairedDatasetError.missingSplit(split, lookedFor: sides.map { "\(path)[\($0)]" })
    }
    var missing = source.speakers.asked
    var writer = UtteranceIndexWriter(
      count: all.count, recordByteCount: PackedPair.byteCount,
      nameByteCount: head.table.names.count)
    head.table.names.withUnsafeBytes { names in
      for item in all {
        let name = UnsafeRawBufferPointer(rebasing: names[head.table.nameRange(item)])
        if head.layout == .voiceBank {
          let text = String(decoding: name, as: UTF8.self)
          missing.subtract(CorpusLayout.Speakers.candidates(text))
          if !source.speakers.contain(text) { continue }
        }
        writer.append(head.table.pairs[item], name: name)
      }
    }
    if !missing.isEmpty {
      throw PairedDatasetError.unknownSpeakers(path: path, speakers: missing.sorted())
    }
    let index = writer.index(
      .pack(Self.place(head, path, source.split)), sampleRate: sampleRate)
    if index.isEmpty {
      if !source.speakers.others.isEmpty {
        throw PairedDatasetError.onlyValidationSpeakers(
          path: path, speakers: source.speakers.others)
      }
      throw PackedCorpusError.noSpeaker(path: path, split, speakers: validationSpeakers.names)
    }
    return index
  }

  private static func place(_ head: PackHead, _ path: String, _ split: CorpusSplit) -> PackPlace {
    PackPlace(
      path: path, byteCount: head.fileByteCount, split: split,
      checksumsOffset: head.checksumsOffset, blockSampleCount: head.blockSampleCount,
      checksum: head.checksum)
  }
}
