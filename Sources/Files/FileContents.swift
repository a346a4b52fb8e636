import Foundation

/// The reason for which a file could not be read, as a clause of an error message.
public struct UnreadableFile: Error, Equatable {
  /// The reason, for example "there is no such file".
  public let reason: String
}

/// Reads whole files, with errors that say what is wrong with them.
public enum FileContents {
  /// All bytes of the file at `url`.
  ///
  /// - Throws: `UnreadableFile` if there is no such file, it is a folder, or reading fails.
  public static func read(_ url: URL) throws(UnreadableFile) -> Data {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw UnreadableFile(reason: "there is no such file")
    }
    if isFolder.boolValue { throw UnreadableFile(reason: "it is a folder, not a file") }
    do {
      return try Data(contentsOf: url)
    } catch {
      throw UnreadableFile(reason: error.localizedDescription)
    }
  }
}
