import Foundation
import TestSupport

/// A pair of recordings with the values that the usual tools give for it.
struct GoldenCase: Decodable, Sendable, CustomStringConvertible {
  let name: String
  let ref: String
  let deg: String
  let pesqWB: Double
  /// Nil where the signals are identical and the ratio has no bound.
  let siSDR: Double?

  enum CodingKeys: String, CodingKey {
    case name, ref, deg
    case pesqWB = "pesq_wb"
    case siSDR = "si_sdr"
  }

  var description: String { name }

  private struct Listing: Decodable {
    let cases: [GoldenCase]
  }

  static let folder = fixturesFolder.appending(path: "metrics")

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
