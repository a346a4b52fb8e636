import Audio
import Foundation
import Tensor

/// A corpus in one file: what `prepare pack` writes and `--data` takes in place of a folder.
///
/// A safetensors file with one tensor of one axis for each recording, named
/// `split/side/name` such as `train/clean/p226_001`: I16 of 16-bit sources, F32 of others. Only
/// the header is read here; crops read their range when they need it. The splits are those of the
/// folder it was made from, so the validation speakers of VoiceBank-DEMAND lie in its train split
/// and are chosen when it is used, as from the folder.
package struct PackedCorpus: Sendable {
  /// The value of `formatKey`; another number for any other way to arrange a corpus.
  package static let format = "disttrain-corpus-1"
  static let formatKey = "format"
  static let layoutKey = "layout"
  static let sampleRateKey = "sample_rate"

  /// The file.
  package let path: String
  private let layout: CorpusLayout.Kind
  private let splits: [CorpusSplit: [UtterancePair]]

  /// Whether `path` is a file, which only a packed corpus can be.
  package static func isFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && !isFolder.boolValue
  }

  /// Reads what is in the file and where, and checks that all of it is there.
  package init(path: String, sampleRate: Int = 16_000) throws(PackedCorpusError) {
    let header: SafetensorsHeader
    do {
      header = try SafetensorsHeader(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw .notWhole(reason: error.description)
    }
    guard let format = header.metadata[Self.formatKey], format.hasPrefix("disttrain-corpus") else {
      throw .notACorpus(path: path)
    }
    guard format == Self.format else { throw .otherFormat(path: path, found: format) }
    let layoutName = header.metadata[Self.layoutKey]
    guard let layout = layoutName.flatMap(CorpusLayout.Kind.init) else {
      throw .badMetadata(path: path, key: Self.layoutKey, found: layoutName)
    }
    guard let rate = header.metadata[Self.sampleRateKey] else {
      throw .badMetadata(path: path, key: Self.sampleRateKey, found: nil)
    }
    guard Int(rate) == sampleRate else {
      throw .wrongSampleRate(path: path, expected: sampleRate, found: rate)
    }
    self.path = path
    self.layout = layout
    splits = try Self.pairs(header, path: path, sampleRate: sampleRate, layout: layout)
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

  private static func pairs(
    _ header: SafetensorsHeader, path: String, sampleRate: Int, layout: CorpusLayout.Kind
  ) throws(PackedCorpusError) -> [CorpusSplit: [UtterancePair]] {
    let fileByteCount = header.dataStart + (header.fields.last?.end ?? 0)
    var sides: [CorpusSplit: (clean: [String: PackedRecording], noisy: [String: PackedRecording])] =
      [:]
    for field in header.fields {
      func bad(_ reason: String) -> PackedCorpusError {
        .badRecording(path: path, name: field.name, reason: reason)
      }
      let parts = field.name.split(
        separator: "/", maxSplits: 2, omittingEmptySubsequences: false
      ).map(String.init)
      guard parts.count == 3, !parts[2].isEmpty, let split = CorpusSplit(rawValue: parts[0]),
        layout.ownSplits.contains(split), ["clean", "noisy"].contains(parts[1])
      else { throw bad("is not named split/side/name") }
      guard let encoding = PackedRecording.Encoding(dtype: field.dtype) else {
        throw bad("has the type \(field.dtype), not I16 or F32")
      }
      guard field.shape.count == 1, let sampleCount = field.shape.first, sampleCount > 0 else {
        throw bad("has the shape \(field.shape), not that of samples")
      }
      let recording = PackedRecording(
        path: path, fileByteCount: fileByteCount, name: field.name,
        offset: header.dataStart + field.begin, encoding: encoding, sampleCount: sampleCount,
        sampleRate: sampleRate)
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
            reason: "has \(noisy.sampleCount) samples, its clean side \(clean.sampleCount)")
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

extension PackedRecording.Encoding {
  /// The encoding that safetensors calls `dtype`, if it is one.
  init?(dtype: String) {
    switch dtype {
    case "I16": self = .int16
    case "F32": self = .float32
    default: return nil
    }
  }

  /// What safetensors calls it.
  var dtype: String { self == .int16 ? "I16" : "F32" }
}
