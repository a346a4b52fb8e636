import Foundation
import Platform

/// The audio files (`.wav`, `.flac`) of a folder by their names without extension.
package struct AudioFolder {
  /// Path of the file with each name.
  package private(set) var paths: [String: String] = [:]
  /// Files whose name without extension is that of another file.
  package private(set) var duplicates: [BadFile] = []

  /// Whether the folder has no audio file.
  package var isEmpty: Bool { paths.isEmpty }

  /// Lists `folder`, without its subfolders, and takes the files whose names `isTaken` accepts.
  ///
  /// - Throws: `PairedDatasetError.unreadableFolder`.
  package init(
    _ folder: String, taking isTaken: (String) -> Bool = { _ in true }
  ) throws(PairedDatasetError) {
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw .unreadableFolder(path: folder, reason: ErrorText.reason(error))
    }
    // Other operating systems leave files that begin with a dot; they are no recordings.
    for entry in entries.sorted() where !entry.hasPrefix(".") && isTaken(entry) {
      let path = "\(folder)/\(entry)"
      let name = (entry as NSString).deletingPathExtension
      guard ["wav", "flac"].contains((entry as NSString).pathExtension.lowercased()) else {
        continue
      }
      if let other = paths[name] {
        duplicates.append(BadFile(path: path, reason: "has the same name as \(other)"))
      } else {
        paths[name] = path
      }
    }
  }
}
