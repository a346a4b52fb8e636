import Foundation

/// The lines of a run's `metrics.jsonl`, which may be written while it is read.
package enum EventLines {
  /// The lines of the file at `url`; none if it cannot be read.
  ///
  /// What stands behind the last line break is not finished, or was cut off with its writer, and is
  /// left out. Bytes that are no UTF-8 spoil their own line only.
  package static func read(_ url: URL) -> [String] {
    let lineBreak = UInt8(ascii: "\n")
    guard let data = FileManager.default.contents(atPath: url.path(percentEncoded: false)),
      let end = data.lastIndex(of: lineBreak)
    else { return [] }
    return data[..<end].split(separator: lineBreak).map { String(decoding: $0, as: UTF8.self) }
  }
}
