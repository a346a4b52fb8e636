import Audio
import Files
import Foundation
import Platform

/// Writes a corpus folder into one file; see `PackedCorpus` for its form.
///
/// The header needs only the lengths, which the inspection of the folder gives; then one recording
/// after another is decoded and written, so memory holds one at a time. The checksums are known
/// when all are written, and then take the place that was kept for them.
package struct CorpusPacker {
  /// Report about a packed corpus.
  package struct Report: Equatable {
    /// Pairs of each split.
    package var pairs: [CorpusSplit: Int] = [:]
    /// Files that were read, two for each pair.
    package var fileCount = 0
    /// Length of the pairs, in seconds.
    package var audioSeconds = 0.0
    /// Bytes of the packed file.
    package var byteCount = 0
    /// Files that were left out, with the reasons.
    package var skipped: [BadFile] = []
    /// Recordings whose level suggests another scale of their samples.
    package var oddLevels: [OddLevel] = []
  }

  private struct Item {
    var path: String
    var name: String
    var encoding: PackedRecording.Encoding
    var sampleCount: Int
  }

  private let sampleRate: Int
  private let layout: CorpusLayout.Kind
  private var items: [Item] = []
  /// Report about the corpus to be packed; the bytes are counted while writing.
  private var report = Report()

  /// Number of files to read.
  package var fileCount: Int { items.count }

  /// Inspects all splits that `folder` has. Throws `PairedDatasetError` as training would, except
  /// that the splits that are not there at all are not missed, and `WaveFileError`.
  package init(folder: String, onBadFile: OnBadFile) throws {
    let layout = try CorpusLayout(folder: folder)
    self.layout = layout.kind
    var sampleRate: Int?
    for split in self.layout.ownSplits where layout.holds(split) {
      // All speakers: who is kept for validation is decided when the pack is used.
      let dataset = try PairedDataset(
        folder: folder, split: split, onBadFile: onBadFile, validationSpeakers: [])
      let rate = dataset.sampleRate
      if let sampleRate, sampleRate != rate {
        throw PairedDatasetError.mixedSampleRates(
          path: folder, split, expected: sampleRate, found: rate)
      }
      sampleRate = rate
      report.pairs[split] = dataset.pairs.count
      report.skipped += dataset.skipped
      for pair in dataset.pairs {
        report.audioSeconds += Double(pair.sampleCount) / Double(rate)
        for (side, recording) in [("clean", pair.clean), ("noisy", pair.noisy)] {
          let path = recording.description
          items.append(
            Item(
              path: path, name: "\(split.rawValue)/\(side)/\(pair.name)",
              encoding: try WaveFile.info(path: path).isPCM16 ? .int16 : .float32,
              sampleCount: pair.sampleCount))
        }
      }
    }
    self.sampleRate = sampleRate ?? 0
    report.fileCount = items.count
    // Floats first, so that every sample lies at a multiple of its size for readers that map.
    items = items.filter { $0.encoding == .float32 } + items.filter { $0.encoding == .int16 }
  }

  /// Writes the file at `url`, which appears only when it is complete. `progress` is called after
  /// each recording with the number of files and the seconds of audio done. Throws
  /// `WaveFileError` if a recording cannot be read to its end, `AtomicFileError` if the disk
  /// refuses.
  package func write(
    to url: URL, progress: (_ files: Int, _ audioSeconds: Double) -> Void = { _, _ in }
  ) throws -> Report {
    var report = report
    let writer = try AtomicFileWriter(url)
    let place = head([UInt32](repeating: 0, count: blockCount))
    try place.withUnsafeBytes { try writer.append($0) }
    report.byteCount = place.count
    var sampleCount = 0
    var table: [UInt32] = []
    for (done, item) in items.enumerated() {
      let samples = try WaveFile.read(path: item.path, sampleRate: sampleRate).samples
      let changed = WaveFileError.unreadable(
        path: item.path, reason: "it has changed since it was inspected; pack the corpus again")
      guard samples.count == item.sampleCount else { throw changed }
      if item.encoding == .float32, let level = OddLevel(item.path, samples) {
        report.oddLevels.append(level)
      }
      switch item.encoding {
      case .int16:
        // Exact: libsndfile divides 16-bit samples by 32,768.
        let integers = samples.compactMap { Int16(exactly: $0 * 32_768)?.littleEndian }
        guard integers.count == samples.count else { throw changed }
        try append(integers, to: writer, &table)
      case .float32:
        try append(samples.map { $0.bitPattern.littleEndian }, to: writer, &table)
      }
      report.byteCount += samples.count * item.encoding.byteCount
      sampleCount += samples.count
      progress(done + 1, Double(sampleCount) / Double(sampleRate))
    }
    try head(table).withUnsafeBytes { try writer.write($0, at: 0) }
    try writer.commit()
    return report
  }

  /// Writes the samples of a recording, and adds the checksums of its blocks to `table`.
  private func append<Value: FixedWidthInteger>(
    _ values: [Value], to writer: AtomicFileWriter, _ table: inout [UInt32]
  ) throws {
    try values.withUnsafeBytes { bytes in
      try writer.append(bytes)
      let blockByteCount = PackHead.blockSampleCount * MemoryLayout<Value>.size
      for start in stride(from: 0, to: bytes.count, by: blockByteCount) {
        let block = bytes.dropFirst(start).prefix(blockByteCount)
        table.append(CRC32C(UnsafeRawBufferPointer(rebasing: block)).value)
      }
    }
  }

  private var blockCount: Int {
    items.reduce(0) {
      $0
        + PackedRecording.blockCount(
          sampleCount: $1.sampleCount, blockSampleCount: PackHead.blockSampleCount)
    }
  }

  private func head(_ table: [UInt32]) -> Data {
    PackHead.serialized(
      recordings: items.map { ($0.name, $0.encoding, $0.sampleCount) },
      metadata: [
        PackHead.layoutKey: layout.rawValue, PackHead.sampleRateKey: "\(sampleRate)",
        "program": Program.nameAndVersion,
      ], table: table)
  }
}

extension CorpusPacker.Report: CustomStringConvertible {
  /// One line for people, and a line for each file that was left out.
  package var description: String {
    let parts = CorpusSplit.allCases.compactMap { split in
      pairs[split].map { "\(split.rawValue) \($0)" }
    }
    let summary =
      "packed \(NumberText.count(fileCount, "file")) (pairs: \(parts.joined(separator: ", "))), "
      + String(format: "%.1f minutes, ", audioSeconds / 60) + NumberText.count(byteCount, "byte")
    return ([summary] + skipped.map { "left out: \($0)" }).joined(separator: "\n")
  }
}
