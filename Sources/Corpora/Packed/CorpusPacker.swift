import Audio
import Files
import Foundation
import Platform

/// Writes a corpus folder into one file; see `PackHead` for its form.
///
/// The inspection of the folder gives the lengths, and with them the place of every sample; then
/// one pair after another is decoded and written, so memory holds one at a time, besides the
/// tables. These are known when all is written, and then take the place that was kept for them. A
/// pair that cannot be read to its end, and is left out, leaves its place empty.
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

  private let folder: String
  private let layout: CorpusLayout.Kind
  private let onBadFile: OnBadFile
  private var datasets: [PairedDataset] = []

  /// Number of files to read.
  package var fileCount: Int { 2 * datasets.reduce(0) { $0 + $1.pairs.count } }

  /// Inspects all splits that `folder` has. Throws `PairedDatasetError` as training would, except
  /// that the splits that are not there at all are not missed.
  package init(folder: String, onBadFile: OnBadFile) throws {
    let layout = try CorpusLayout(folder: folder)
    self.folder = folder
    self.layout = layout.kind
    self.onBadFile = onBadFile
    for split in self.layout.ownSplits where layout.holds(split) {
      // All speakers: who is kept for validation is decided when the pack is used.
      let dataset = try PairedDataset(
        folder: folder, split: split, onBadFile: onBadFile, validationSpeakers: [])
      if let first = datasets.first, first.sampleRate != dataset.sampleRate {
        throw PairedDatasetError.mixedSampleRates(
          path: folder, split, expected: first.sampleRate, found: dataset.sampleRate)
      }
      datasets.append(dataset)
    }
  }

  /// Writes the file at `url`, which appears only when it is complete. `progress` is called after
  /// each pair with the number of files and the seconds of audio done.
  ///
  /// - Throws: `PairedDatasetError.badFiles` if a recording cannot be read to its end or has
  ///   samples that are not finite, unless such are left out, and `noUsablePair` if that leaves a
  ///   split empty; `AtomicFileError` if the disk refuses.
  package func write(
    to url: URL, progress: (_ files: Int, _ audioSeconds: Double) -> Void = { _, _ in }
  ) throws -> Report {
    let rate = datasets.first?.sampleRate ?? 0
    var draft = PackDraft(layout: layout, sampleRate: rate, datasets)
    let writer = try AtomicFileWriter(url)
    // The end first, since the last pair may be left out.
    try [UInt8](repeating: 0, count: 1).withUnsafeBytes {
      try writer.write($0, at: draft.fileByteCount - 1)
    }
    var report = Report(skipped: datasets.flatMap(\.skipped))
    var done = 0
    for dataset in datasets {
      for item in 0..<dataset.pairs.count {
        let pair = dataset.pairs[item]
        let row = draft.next(dataset.split, dataset.facts[item])
        done += 2
        let samples: [(side: CorpusSide, bytes: [UInt8])]
        do throws(WaveFileError) {
          // Both before either is written.
          samples = [
            (.clean, try Self.stored(pair.clean, pair.sampleCount, row.encoding(.clean), rate)),
            (.noisy, try Self.stored(pair.noisy, pair.sampleCount, row.encoding(.noisy), rate)),
          ]
        } catch {
          let bad = BadFile(path: error.path, reason: error.reason)
          if onBadFile == .stop { throw PairedDatasetError.badFiles(dataset.split, [bad]) }
          report.skipped.append(bad)
          continue
        }
        for (side, bytes) in samples {
          try bytes.withUnsafeBytes { try writer.write($0, at: draft.take($0, side, of: row)) }
          if row.encoding(side) == .float32,
            let level = OddLevel(
              (side == .clean ? pair.clean : pair.noisy).description, Self.floats(bytes))
          {
            report.oddLevels.append(level)
          }
        }
        draft.add(row, name: pair.name)
        report.pairs[dataset.split, default: 0] += 1
        report.fileCount += 2
        report.audioSeconds += Double(pair.sampleCount) / Double(rate)
        progress(done, report.audioSeconds)
      }
      if report.pairs[dataset.split] == nil {
        throw PairedDatasetError.noUsablePair(dataset.split, report.skipped)
      }
    }
    try draft.head().withUnsafeBytes { try writer.write($0, at: 0) }
    report.byteCount = draft.fileByteCount
    try writer.commit()
    return report
  }

  /// The samples that `stored` gave in `float32`.
  private static func floats(_ bytes: [UInt8]) -> [Float] {
    bytes.withUnsafeBytes { raw in
      (0..<raw.count / 4).map {
        Float(
          bitPattern: UInt32(
            littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
  }

  /// The samples of a recording as a pack has them.
  private static func stored(
    _ recording: Recording, _ sampleCount: Int, _ encoding: PackedRecording.Encoding, _ rate: Int
  ) throws(WaveFileError) -> [UInt8] {
    let samples = try RecordingReader().read(recording, sampleRate: rate)
    let changed = WaveFileError.unreadable(
      path: recording.description,
      reason: "it has changed since it was inspected; pack the corpus again")
    guard samples.count == sampleCount else { throw changed }
    switch encoding {
    case .int16:
      // Exact: libsndfile divides 16-bit samples by 32,768.
      let integers = samples.compactMap { Int16(exactly: $0 * 32_768)?.littleEndian }
      guard integers.count == samples.count else { throw changed }
      return integers.withUnsafeBytes { Array($0) }
    case .float32:
      return samples.map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) }
    }
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
    let count = skipped.isEmpty ? "" : "\n\(NumberText.count(skipped.count, "file")) left out:"
    return ([summary + count] + skipped.map { "left out: \($0)" }).joined(separator: "\n")
  }
}
