import Audio
import Corpora
import Files
import Foundation
import Platform

/// The preparation of VoiceBank-DEMAND at 16 kHz from the published download at 48 kHz.
///
/// Filter and rounding influence the scores that are measured on the result, so they are fixed:
/// libsoxr at "high quality" (linear phase, see `Resampler`), no dither, rounding to the nearest
/// 16-bit value, clamping at full scale, no change of level.
public enum VoiceBank {
  /// Format of the files that are written, with 16-bit samples.
  public enum Format: String, Sendable, CaseIterable {
    /// WAV, which has twice the size of FLAC and needs no decoding.
    case wav
    /// FLAC, which is lossless.
    case flac
  }

  /// Name of a file that marks the output folder as incomplete; training refuses a corpus with this
  /// file.
  package static let markerName = CorpusLayout.unfinishedName
  /// Name of the table of unusable files.
  package static let tableName = "rejected.csv"

  /// Makes the corpus in the folder `output` and reports the result.
  ///
  /// `input` holds the four folders of the download. Pairs that an earlier call finished are kept
  /// if their sources and files have not changed, so that an interrupted call can be repeated.
  /// Unusable files are listed in `rejected.csv`, and their pairs are left out. `progress` is
  /// called on the calling thread after each pair with the number of pairs done, their total, and
  /// the seconds of audio done.
  ///
  /// - Throws: `VoiceBankError`, `DynamicLibraryError` without libsoxr, and `WaveFileError` if the
  ///   disk cannot be written; `VoiceBankError.rejected` at the end unless `onBadFile` is `.skip`.
  public static func prepare(
    input: String, output: String, format: Format = .wav, onBadFile: OnBadFile = .stop,
    threads: Int = ProcessInfo.processInfo.activeProcessorCount,
    progress: (_ pairs: Int, _ total: Int, _ audioSeconds: Double) -> Void = { _, _, _ in },
    rejection: (BadFile) -> Void = { _ in }
  ) throws -> VoiceBankReport {
    let resampler = try Resampler(.high)
    let folders = try VoiceBankFolders(input)
    let finished = try finished(folders, input: input, output: output, format: format)
    try makeFolders(folders, in: output)
    let lock = try claim(output)
    defer { close(lock) }
    let journal = try VoiceBankManifest.Journal(folder: output)
    let pair = VoiceBankPair(
      output: output, format: format, resampler: resampler, finished: finished)
    var report = VoiceBankReport(output: output, parts: folders.parts)
    var entries: [VoiceBankManifest.Entry] = []
    var rejected: [(split: CorpusSplit?, file: BadFile)] = []
    var resampledCount = 0
    func reject(_ files: [BadFile], _ split: CorpusSplit?) {
      rejected += files.map { (split, $0) }
      files.forEach(rejection)
    }
    reject(folders.duplicates, nil)
    try parallelForEach(folders.items, threads: threads, pair.prepare) { outcome in
      switch outcome {
      case .kept(let files):
        report.keptPairCount += 1
        report.add(files)
        entries += files
      case .made(let files):
        try journal.append(files)
        report.add(files)
        entries += files
      case .rejected(let files, let split, let areResampled):
        if areResampled { resampledCount += 1 }
        reject(files, split)
      }
      report.donePairCount += 1
      progress(report.donePairCount, folders.items.count, report.audioSeconds)
    }
    let table = "\(output)/\(tableName)"
    try write(rejected, to: table)
    try VoiceBankManifest(entries).write(folder: output)
    report.rejected = rejected.map(\.file).sorted { $0.path < $1.path }
    if resampledCount == folders.items.count && resampledCount > 0 {
      throw VoiceBankError.alreadyResampled(input: input)
    }
    if !rejected.isEmpty && onBadFile == .stop {
      throw VoiceBankError.rejected(count: rejected.count, table: table)
    }
    for part in folders.parts where report.pairs[part.split] == nil {
      throw VoiceBankError.noUsablePair(part.split, table: table)
    }
    // This file is also the lock: a process that waits for the lock finds the corpus complete.
    unlink("\(output)/\(markerName)")
    return report
  }

  /// The manifest of the files that an earlier call finished in `output`; throws if `output` holds
  /// other files.
  private static func finished(
    _ folders: VoiceBankFolders, input: String, output: String, format: Format
  ) throws -> VoiceBankManifest {
    guard let manifest = VoiceBankManifest(folder: output) else {
      for name in [VoiceBankManifest.fileName, tableName] {
        let path = "\(output)/\(name)"
        if FileManager.default.fileExists(atPath: path) {
          throw VoiceBankError.foreignFile(path: path)
        }
      }
      for part in folders.parts {
        for side in VoiceBankFolders.sides {
          let path = "\(output)/\(part.outputFolder(side))"
          let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
          if !names.isEmpty { throw VoiceBankError.foreignFolder(path: path) }
        }
      }
      return VoiceBankManifest([])
    }
    let sources = Set(
      folders.items.flatMap { item in
        [item.outputFolders.clean, item.outputFolders.noisy].map { "\($0)/\(item.name)" }
      })
    let files = manifest.entries.keys.sorted()
    if let other = files.first(where: { !$0.hasSuffix(".\(format.rawValue)") }) {
      throw VoiceBankError.otherFormat(path: output, found: PathText.fileExtension(other))
    }
    let gone = files.filter { !sources.contains(PathText.withoutExtension($0)) }
    if let example = gone.first {
      throw VoiceBankError.sourcesGone(count: gone.count, example: example, input: input)
    }
    return manifest
  }

  private static func makeFolders(
    _ folders: VoiceBankFolders, in output: String
  ) throws(VoiceBankError) {
    var paths = Set(
      folders.parts.flatMap { part in VoiceBankFolders.sides.map { part.outputFolder($0) } })
    // The folders of speakers, if the download has such.
    for item in folders.items where item.name.contains("/") {
      for folder in [item.outputFolders.clean, item.outputFolders.noisy] {
        paths.insert(PathText.folder("\(folder)/\(item.name)"))
      }
    }
    for name in paths.sorted() {
      let path = "\(output)/\(name)"
      do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      } catch {
        throw .unwritable(path: path, reason: ErrorText.reason(error))
      }
    }
  }

  /// Marks the folder as unfinished and locks it for this process, where the file system has locks.
  /// Closing the descriptor releases the lock.
  private static func claim(_ output: String) throws(VoiceBankError) -> Int32 {
    let path = "\(output)/\(markerName)"
    let lock = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard lock >= 0 else {
      throw .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    switch LockAttempt.lock(lock) {
    // Without locks, two preparations at once are not noticed; one is no reason to refuse.
    case .held, .unsupported: break
    case .busy:
      close(lock)
      throw .busy(path: output)
    case .failed(let code):
      close(lock)
      throw .unwritable(path: path, reason: "no lock, \(String(cString: strerror(code)))")
    }
    let text = "disttrain prepare voicebank has not completed this folder; run it again.\n"
    _ = text.withCString { pwrite(lock, $0, strlen($0), 0) }
    return lock
  }

  private static func write(
    _ rejected: [(split: CorpusSplit?, file: BadFile)], to path: String
  ) throws(WaveFileError) {
    if rejected.isEmpty {
      unlink(path)
      return
    }
    let rows = rejected.sorted { $0.file.path < $1.file.path }.map {
      CSVLine.text([$0.file.path, $0.split?.rawValue ?? "", $0.file.reason])
    }
    let text = (["file,split,reason"] + rows).joined(separator: "\n") + "\n"
    try WaveFile.writeAtomically(Array(text.utf8), to: path)
  }
}
