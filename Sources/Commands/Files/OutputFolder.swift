import Files
import Foundation
import Platform

/// The folder that a command writes files into.
enum OutputFolder {
  /// Makes the folder at `path` and those above it, unless they are there.
  ///
  /// - Throws: `AtomicFileError` with the system's reason.
  static func make(_ path: String) throws(AtomicFileError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      if let kind = PathKind(path), kind != .folder {
        throw .failed(path: path, operation: "mkdir", reason: "a file of that name is in the way")
      }
      throw .notPermitted(path: path, reason: ErrorText.reason(error))
    }
  }
}
