import Foundation
import RunFiles

/// `nonfinite` in a run folder: the dumps of skipped steps, a limited number of them.
struct NonFiniteFolder: Sendable {
  /// The folder.
  let path: String
  /// Dumps that it gets at most; the oldest stay.
  let limit: Int

  /// That of `run`.
  init(_ run: RunFolder, limit: Int) {
    // Relative as the user gave it, so that the log's command can be copied.
    path = run.file(.nonFinite).relativePath
    self.limit = limit
  }

  /// Names of the dumps that are there, oldest step first.
  var names: [String] { RunFolder.dumpNames(in: path) }

  /// Dumps that may still come.
  var room: Int { max(0, limit - names.count) }

  /// Where the dump of a rank's part of a step goes. After a rollback the same step may have had
  /// one: that stays.
  func path(step: Int, rank: Int) -> String {
    var count = 1
    while true {
      let candidate = "\(path)/\(RunFolder.dumpName(step: step, rank: rank, count: count))"
      if !FileManager.default.fileExists(atPath: candidate) { return candidate }
      count += 1
    }
  }

  /// Makes the folder if need be.
  func make() throws { try RunFolder(path).prepare() }
}
