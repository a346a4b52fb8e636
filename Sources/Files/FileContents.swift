import Foundation
import Platform

/// The reason for which a file could not be read, as a clause of an error message.
public struct UnreadableFile: Error, Equatable {
  /// The reason, for example "there is no such file".
  public let reason: String
  /// Whether the file does not exist.
  public var isMissing = false
}

/// Reads whole files, with errors that say what is wrong with them.
public enum FileContents {
  /// All bytes of the file at `url`.
  ///
  /// - Throws: `UnreadableFile` if there is no such file, it is a folder, or reading fails.
  public static func read(_ url: URL) throws(UnreadableFile) -> Data {
    switch PathKind(url.path) {
    case .file?: break
    case .folder?: throw UnreadableFile(reason: "it is a folder, not a file")
    case .other?: throw UnreadableFile(reason: notRegular)
    case nil: throw UnreadableFile(reason: "there is no such file", isMissing: true)
    }
    do {
      return try Data(contentsOf: url)
    } catch {
      throw UnreadableFile(reason: ErrorText.reason(error))
    }
  }

  /// Reason against a pipe or a device, which may never end.
  package static let notRegular =
    "it is a pipe or a device, not a file; write it to a file first"

  /// The text of the file at `url`.
  ///
  /// - Throws: `UnreadableFile` as `read(_:)` does, and if the file is not UTF-8.
  package static func text(_ url: URL) throws(UnreadableFile) -> String {
    guard let text = String(validating: try read(url), as: UTF8.self) else {
      throw UnreadableFile(reason: "it is no UTF-8 text")
    }
    return text
  }

  /// The bytes of the file at `url`, with errors of another type.
  ///
  /// - Throws: `failure` of the `UnreadableFile` that `read(_:)` throws.
  package static func read<Failure: Error>(
    _ url: URL, orThrow failure: (UnreadableFile) -> Failure
  ) throws(Failure) -> Data {
    do {
      return try read(url)
    } catch {
      throw failure(error)
    }
  }
}
