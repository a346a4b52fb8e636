import Foundation
import Metrics
import Testing
import TestSupport

/// A pair of recordings with the scores that the usual tools compute for it.
struct GoldenCase: Decodable, Sendable, CustomStringConvertible {
  let name: String
  let ref: String
  let deg: String
  /// The known scores; SI-SDR has none where the signals are identical, since it has no bound.
  let expected: [ScoreColumn: Double]

  var pesqWB: Double { get throws { try #require(expected[.pesqWB]) } }
  var siSDR: Double? { expected[.siSDR] }

  private enum Key: String, CodingKey { case name, ref, deg }

  init(from decoder: any Decoder) throws {
    let texts = try decoder.container(keyedBy: Key.self)
    name = try texts.decode(String.self, forKey: .name)
    ref = try texts.decode(String.self, forKey: .ref)
    deg = try texts.decode(String.self, forKey: .deg)
    let numbers = try decoder.container(keyedBy: ScoreKey.self)
    // Where the usual tool gives no number, "defined" holds the value that the definition gives.
    let defined = try numbers.decodeIfPresent(
      [String: Double].self, forKey: ScoreKey(stringValue: "defined"))
    var expected: [ScoreColumn: Double] = [:]
    for column in ScoreColumn.allCases {
      expected[column] =
        try numbers.decodeIfPresent(Double.self, forKey: ScoreKey(stringValue: column.rawValue))
        ?? defined?[column.rawValue]
    }
    self.expected = expected
  }

  private struct ScoreKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  var description: String { name }

  private struct Listing: Decodable {
    let cases: [GoldenCase]
  }

  static let folder = fixturesFolder.appending(path: "metrics")

  /// Folder of further cases that are not part of this repository.
  static var otherFolder: URL? {
    ProcessInfo.processInfo.environment["DISTTRAIN_GOLDEN_METRICS"].map {
      URL(fileURLWithPath: $0, isDirectory: true)
    }
  }

  static func all(in folder: URL = Self.folder) throws -> [GoldenCase] {
    let data = try Data(contentsOf: folder.appending(path: "expected.json"))
    return try JSONDecoder().decode(Listing.self, from: data).cases
  }

  /// The case whose name starts with `prefix`.
  static func named(_ prefix: String) throws -> GoldenCase {
    struct Missing: Error { let prefix: String }
    guard let found = try all().first(where: { $0.name.hasPrefix(prefix) }) else {
      throw Missing(prefix: prefix)
    }
    return found
  }

  func signals(in folder: URL = Self.folder) throws -> (reference: [Float], degraded: [Float]) {
    (
      try RIFFFile(folder.appending(path: ref)).samples,
      try RIFFFile(folder.appending(path: deg)).samples
    )
  }
}
