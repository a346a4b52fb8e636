import Audio
import Corpora
import Files
import Foundation
import Platform

/// Verifies the folder of a prepared corpus by its manifest.
public enum PreparedFolder {
  /// The result of reading every file.
  public struct Verification: Sendable, Equatable {
    /// Number of files that the manifest names.
    public var fileCount: Int
    /// Files that are missing or have changed, and files that the manifest does not name.
    public var damaged: [BadFile]
  }

  /// Reads every file of the corpus in `folder`, which `prepare voicebank` or `prepare minicorpus`
  /// has made.
  ///
  /// `progress` is called on the calling thread with the number of files done and their total.
  ///
  /// - Throws: `VoiceBankError.noManifest`, or `unfinished` if the corpus was never complete.
  public static func verify(
    _ folder: String, threads: Int = ProcessInfo.processInfo.activeProcessorCount,
    progress: (_ files: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Verification {
    if let manifest = VoiceBankManifest(folder: folder) {
      if FileManager.default.fileExists(atPath: "\(folder)/\(CorpusLayout.unfinishedName)") {
        throw VoiceBankError.unfinished(path: folder)
      }
      var result = try verify(
        manifest.sorted.map { ($0.file, $0.checksum) }, in: folder, threads: threads, progress
      ) { CRC32C($0).text }
      result.damaged += extras(manifest, in: folder)
      return result
    }
    if let manifest = MiniCorpusManifest.read(folder: folder) {
      return try verify(
        manifest.files.map { ($0.path, $0.checksum) }, in: folder, threads: threads, progress
      ) { MiniCorpusManifest.File.checksum($0) }
    }
    throw VoiceBankError.noManifest(path: folder)
  }

  private static func verify(
    _ files: [(path: String, checksum: String)], in folder: String, threads: Int,
    _ progress: (Int, Int) -> Void,
    checksum: @escaping @Sendable (UnsafeRawBufferPointer) -> String
  ) throws -> Verification {
    var result = Verification(fileCount: files.count, damaged: [])
    var done = 0
    parallelForEach(files, threads: threads) { file -> BadFile? in
      let path = "\(folder)/\(file.path)"
      let bytes: [UInt8]
      do throws(WaveFileError) {
        bytes = try WaveFile.bytes(path: path)
      } catch {
        return BadFile(path: path, reason: error.reason)
      }
      let isWhole = bytes.withUnsafeBytes { checksum($0) == file.checksum }
      return isWhole ? nil : BadFile(path: path, reason: "has changed since it was prepared")
    } completed: { bad in
      if let bad { result.damaged.append(bad) }
      done += 1
      progress(done, files.count)
    }
    result.damaged.sort { $0.path < $1.path }
    return result
  }

  /// Audio files that the manifest does not name, which training would take for part of the corpus.
  private static func extras(_ manifest: VoiceBankManifest, in folder: String) -> [BadFile] {
    // The four folders, with all that is in them.
    let folders = Set(manifest.entries.keys.compactMap { $0.split(separator: "/").first })
    return folders.sorted().flatMap { name -> [BadFile] in
      guard let found = try? AudioFolder("\(folder)/\(name)") else { return [] }
      let paths = found.paths.values + found.duplicates.map(\.path)
      return paths.sorted().compactMap { path in
        let file = "\(name)/\(found.relative(path))"
        return manifest.entries[file] == nil
          ? BadFile(path: path, reason: "is not in the manifest; remove it") : nil
      } + found.unusable
    }
  }
}
