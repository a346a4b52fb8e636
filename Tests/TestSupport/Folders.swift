import Foundation

extension URL {
  /// The path of a file in this folder.
  public func file(_ name: String) -> String { appending(path: name).path(percentEncoded: false) }

  /// Makes a folder in this one.
  public func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      at: appending(path: name), withIntermediateDirectories: true)
  }

  /// The names in a folder of this one, sorted.
  public func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(folder)).sorted()
  }
}

/// Number of occurrences of `text` in `whole`.
public func occurrences(of text: String, in whole: String) -> Int {
  whole.components(separatedBy: text).count - 1
}
