import Audio
import Corpora
import Files
import Foundation
import Platform

/// The preparation of one pair: files at 16 kHz from files at 48 kHz. Each source is read once.
struct VoiceBankPair: Sendable {
  /// The outcome of a pair.
  enum Outcome: Sendable {
    /// Both files are as in the manifest, and were made of these sources.
    case kept([VoiceBankManifest.Entry])
    case made([VoiceBankManifest.Entry])
    /// Files of the pair cannot be used; `areResampled` if both sides are at 16 kHz already.
    case rejected([BadFile], split: CorpusSplit, areResampled: Bool)
  }

  static let sourceRate = 48_000
  static let sampleRate = 16_000
  let output: String
  let format: VoiceBank.Format
  let resampler: Resampler
  /// Manifest of the files that an earlier preparation finished.
  let finished: VoiceBankManifest

  /// A side of a pair.
  private struct Side {
    var path: String
    var file: String
    var bytes: [UInt8]
    var checksum: String
  }

  /// Prepares a pair, or rejects it with the reason.
  ///
  /// - Throws: errors that would occur for other pairs too, such as that of a full disk.
  func prepare(_ item: VoiceBankFolders.Item) throws -> Outcome {
    let names = (clean: "\(item.name).wav or .flac", folders: item.folders)
    guard let clean = item.clean, let noisy = item.noisy else {
      let (side, folder) =
        item.clean == nil ? ("clean", names.folders.clean) : ("noisy", names.folders.noisy)
      let bad = BadFile(
        path: item.clean ?? item.noisy ?? item.name,
        reason: "has no \(side) side: no \(names.clean) in \(folder)")
      return try rejected([bad], item)
    }
    var sides: [Side] = []
    var bad: [BadFile] = []
    for (path, folder) in [(clean, item.outputFolders.clean), (noisy, item.outputFolders.noisy)] {
      do throws(WaveFileError) {
        let bytes = try WaveFile.bytes(path: path)
        sides.append(
          Side(
            path: path, file: "\(folder)/\(item.name).\(format.rawValue)", bytes: bytes,
            checksum: CRC32C(bytes).text))
      } catch {
        bad.append(BadFile(path: path, reason: error.reason))
      }
    }
    if !bad.isEmpty { return try rejected(bad, item) }
    if let entries = finishedEntries(sides) { return .kept(entries) }
    var rates: [Int] = []
    var signals: [[Float]] = []
    for side in sides {
      do throws(WaveFileError) {
        signals.append(
          try WaveFile.read(bytes: side.bytes, path: side.path, sampleRate: Self.sourceRate).samples
        )
      } catch {
        if case .wrongSampleRate(_, _, let found) = error { rates.append(found) }
        bad.append(BadFile(path: side.path, reason: reason(error)))
      }
    }
    if !bad.isEmpty {
      return try rejected(bad, item, areResampled: rates == [Self.sampleRate, Self.sampleRate])
    }
    if signals[0].count != signals[1].count {
      let reason =
        "has \(NumberText.count(signals[1].count, "sample")), its clean side \(clean) has "
        + "\(signals[0].count)"
      return try rejected([BadFile(path: noisy, reason: reason)], item)
    }
    return .made(
      try zip(sides, signals).map { try write($0.1, of: $0.0, split: item.split) })
  }

  /// The signal at a third of the rate, `ceil(count / 3)` samples. Sample m has the time of sample
  /// 3m of the source, which is zero beyond its ends.
  static func resampled(
    _ samples: [Float], path: String, with resampler: Resampler
  ) throws(DynamicLibraryError) -> [Float] {
    // With a multiple of three samples every sample of the result is an output of the filter;
    // otherwise libsoxr omits a last sample that begins less than half a sample before the end.
    let padding = [Float](repeating: 0, count: (3 - samples.count % 3) % 3)
    return try resampler.resample(
      Waveform(samples: samples + padding, sampleRate: sourceRate), to: sampleRate, path: path)
  }

  private func write(
    _ samples: [Float], of side: Side, split: CorpusSplit
  ) throws -> VoiceBankManifest.Entry {
    let result = try Self.resampled(samples, path: side.path, with: resampler)
    let path = "\(output)/\(side.file)"
    let bytes = try WaveFile.encode(
      result, sampleRate: Self.sampleRate, path: path, encoding: .pcm16)
    try WaveFile.writeAtomically(bytes, to: path)
    let clipped = result.count {
      ($0 * 32_768).rounded(.toNearestOrEven) != Float(WaveFile.pcm16($0))
    }
    return VoiceBankManifest.Entry(
      file: side.file, split: split, sampleCount: result.count, clippedCount: clipped,
      source: side.checksum, checksum: CRC32C(bytes).text)
  }

  /// The manifest's entries of both sides if both files were made of these sources and are whole;
  /// else nil.
  private func finishedEntries(_ sides: [Side]) -> [VoiceBankManifest.Entry]? {
    var entries: [VoiceBankManifest.Entry] = []
    for side in sides {
      guard let entry = finished.entries[side.file], entry.source == side.checksum,
        let data = try? FileContents.read(URL(fileURLWithPath: "\(output)/\(side.file)")),
        data.withUnsafeBytes({ CRC32C($0).text }) == entry.checksum
      else { return nil }
      entries.append(entry)
    }
    return entries
  }

  private func reason(_ error: WaveFileError) -> String {
    guard case .wrongSampleRate(_, let expected, let found) = error else { return error.reason }
    return found == Self.sampleRate
      ? "is at \(found) Hz already, and is not resampled twice; put the original in its place"
      : "expected \(expected) Hz, found \(found) Hz; put the original in its place"
  }

  /// Rejects a pair, and removes its files if an earlier preparation made them of other sources.
  private func rejected(
    _ files: [BadFile], _ item: VoiceBankFolders.Item, areResampled: Bool = false
  ) throws -> Outcome {
    for folder in [item.outputFolders.clean, item.outputFolders.noisy] {
      let file = "\(folder)/\(item.name).\(format.rawValue)"
      if finished.entries[file] != nil { unlink("\(output)/\(file)") }
    }
    return .rejected(files, split: item.split, areResampled: areResampled)
  }
}
