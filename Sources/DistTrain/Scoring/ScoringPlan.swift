import Audio
import Foundation
import Metrics

/// Why there is nothing to score.
enum ScoringPlanError: Error, Equatable, CustomStringConvertible {
  /// There is no such file or folder.
  case missing(path: String)
  /// A file is to be compared with a folder.
  case fileAgainstFolder(reference: String, degraded: String)
  /// Neither folder holds audio.
  case noAudio(reference: String, degraded: String)

  /// One sentence naming the path and what to do.
  var description: String {
    switch self {
    case .missing(let path): "\(path): no such file or folder"
    case .fileAgainstFolder(let reference, let degraded):
      "--reference \(reference) and --degraded \(degraded): one is a file and the other a folder; "
        + "give two files or two folders"
    case .noAudio(let reference, let degraded):
      "neither \(reference) nor \(degraded) holds a .wav or .flac file"
    }
  }
}

/// Which files to compare with which.
struct ScoringPlan: Equatable {
  /// Two files to compare, called `name` in reports.
  struct Pair: Equatable, Sendable {
    let name: String
    let reference: String
    let degraded: String
  }

  /// What can be compared, by name.
  private(set) var pairs: [Pair] = []
  /// Files without a partner, or with several.
  private(set) var unmatched: [BadFile] = []

  /// Pairs two files, or the files of two folders by their names without extension.
  init(reference: String, degraded: String) throws {
    switch (try Self.isFolder(reference), try Self.isFolder(degraded)) {
    case (false, false):
      let name = (degraded as NSString).lastPathComponent
      pairs = [Pair(name: name, reference: reference, degraded: degraded)]
    case (true, true):
      try match(AudioFolder(reference), AudioFolder(degraded), reference, degraded)
    default:
      throw ScoringPlanError.fileAgainstFolder(reference: reference, degraded: degraded)
    }
  }

  private mutating func match(
    _ references: AudioFolder, _ degraded: AudioFolder, _ referenceFolder: String,
    _ degradedFolder: String
  ) throws(ScoringPlanError) {
    if references.isEmpty && degraded.isEmpty {
      throw .noAudio(reference: referenceFolder, degraded: degradedFolder)
    }
    for name in Set(references.paths.keys).union(degraded.paths.keys).sorted() {
      switch (references.paths[name], degraded.paths[name]) {
      case (let reference?, let path?):
        pairs.append(
          Pair(name: (path as NSString).lastPathComponent, reference: reference, degraded: path))
      case (let lone?, nil):
        unmatched.append(
          BadFile(path: lone, reason: "has no partner \(name) (.wav or .flac) in \(degradedFolder)")
        )
      case (nil, let lone?):
        unmatched.append(
          BadFile(
            path: lone, reason: "has no partner \(name) (.wav or .flac) in \(referenceFolder)"))
      case (nil, nil): break
      }
    }
    unmatched += references.duplicates + degraded.duplicates
  }

  private static func isFolder(_ path: String) throws(ScoringPlanError) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .missing(path: path)
    }
    return isFolder.boolValue
  }
}
