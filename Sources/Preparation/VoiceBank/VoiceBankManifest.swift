import Audio
import Corpora
import Files
import Foundation
import Platform

/// The manifest of a prepared corpus, `manifest.csv`: every file with its checksum and that of its
/// source.
///
/// While the corpus is made, lines are added as pairs are finished, so that an interrupted
/// preparation can continue; at the end the manifest is rewritten, sorted.
package struct VoiceBankManifest {
  /// A prepared file.
  package struct Entry: Sendable, Equatable {
    /// Path relative to the corpus's folder.
    var file: String
    var split: CorpusSplit
    var sampleCount: Int
    /// Number of samples that were clamped to full scale.
    var clippedCount: Int
    /// CRC-32C of the source file.
    var source: String
    /// CRC-32C of the prepared file.
    var checksum: String

    /// Speaker of the utterance: the part of the file's name before `_`; the file's folder, if the
    /// name has no such part.
    var speaker: String {
      let parts = file.split(separator: "/")
      let name = (parts.last ?? "").prefix { $0 != "." }
      let hasOwnFolder = parts.count > 2 && !name.contains("_")
      return String(hasOwnFolder ? parts[parts.count - 2] : name.prefix { $0 != "_" })
    }

    fileprivate var line: String {
      CSVLine.text([
        file, split.rawValue, speaker, "\(sampleCount)",
        String(format: "%.4f", Double(sampleCount) / Double(VoiceBankPair.sampleRate)),
        "\(clippedCount)", source, checksum,
      ])
    }

    fileprivate init?(row: CSVLine.Row) {
      guard let fields = row.fields, fields.count == VoiceBankManifest.columns.count,
        let split = CorpusSplit(rawValue: fields[1]), let sampleCount = Int(fields[3]),
        let clippedCount = Int(fields[5]), fields[6].count == 8, fields[7].count == 8
      else { return nil }
      self.init(
        file: fields[0], split: split, sampleCount: sampleCount, clippedCount: clippedCount,
        source: fields[6], checksum: fields[7])
    }

    init(
      file: String, split: CorpusSplit, sampleCount: Int, clippedCount: Int, source: String,
      checksum: String
    ) {
      self.file = file
      self.split = split
      self.sampleCount = sampleCount
      self.clippedCount = clippedCount
      self.source = source
      self.checksum = checksum
    }
  }

  static let fileName = "manifest.csv"
  fileprivate static let columns = [
    "file", "split", "speaker", "samples", "seconds", "clipped", "source_crc32c", "crc32c",
  ]
  private static var header: String { CSVLine.text(columns) }

  /// The entries by file.
  private(set) var entries: [String: Entry] = [:]

  /// Reads the manifest of `folder`; nil if there is none, or the file has another header.
  init?(folder: String) {
    guard let data = try? FileContents.read(URL(fileURLWithPath: "\(folder)/\(Self.fileName)"))
    else {
      return nil
    }
    let rows = CSVLine.rows(String(decoding: data, as: UTF8.self))
    guard rows.first?.fields == Self.columns else { return nil }
    // The last row of an interrupted preparation may be incomplete; of two rows the later counts.
    for entry in rows.dropFirst().compactMap({ Entry(row: $0) }) { entries[entry.file] = entry }
  }

  /// A manifest with the given entries.
  init(_ entries: [Entry]) {
    for entry in entries { self.entries[entry.file] = entry }
  }

  /// The entries, training first, sorted by file.
  var sorted: [Entry] {
    let byFile = entries.values.sorted { $0.file < $1.file }
    return CorpusSplit.allCases.flatMap { split in byFile.filter { $0.split == split } }
  }

  /// Writes the whole manifest, replacing the file.
  ///
  /// - Throws: `WaveFileError.unwritable`.
  func write(folder: String) throws(WaveFileError) {
    let text = ([Self.header] + sorted.map(\.line)).joined(separator: "\n") + "\n"
    try WaveFile.writeAtomically(Array(text.utf8), to: "\(folder)/\(Self.fileName)")
  }

  /// Appends lines to the manifest of a folder while its corpus is made.
  final class Journal {
    private let path: String
    private let file: FileHandle

    /// Opens the manifest, or starts it with its header.
    ///
    /// - Throws: `VoiceBankError.unwritable`.
    init(folder: String) throws(VoiceBankError) {
      path = "\(folder)/\(VoiceBankManifest.fileName)"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else {
        throw .unwritable(path: path, reason: String(cString: strerror(errno)))
      }
      file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
      // A line break ends an incomplete line of an interrupted preparation.
      try append(lseek(descriptor, 0, SEEK_END) == 0 ? VoiceBankManifest.header : "")
    }

    /// Appends the files of a pair.
    ///
    /// - Throws: `VoiceBankError.unwritable`.
    func append(_ entries: [Entry]) throws(VoiceBankError) {
      try append(entries.map(\.line).joined(separator: "\n"))
    }

    private func append(_ text: String) throws(VoiceBankError) {
      do {
        try file.write(contentsOf: Data("\(text)\n".utf8))
      } catch {
        throw .unwritable(path: path, reason: ErrorText.reason(error))
      }
    }
  }
}
