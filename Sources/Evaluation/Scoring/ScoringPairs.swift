import Corpora
import Files
import Foundation
import Platform

/// Why there is nothing to score.
enum ScoringPairsError: Error, Equatable, CustomStringConvertible {
  /// There is no such file or folder.
  case missing(path: String)
  /// A file is to be compared with a folder.
  case fileAgainstFolder(options: [String])
  /// None of the folders holds audio.
  case noAudio(folders: [String])

  /// One sentence naming the paths and what to do.
  var description: String {
    switch self {
    case .missing(let path): "\(path): no such file or folder"
    case .fileAgainstFolder(let options):
      "\(options.joined(separator: " and ")): one is a file and another a folder; "
        + "give files only or folders only"
    case .noAudio(let folders):
      "neither \(folders.joined(separator: " nor ")) holds a .wav or .flac file"
    }
  }
}

/// Which files to compare with which.
package struct ScoringPairs {
  /// Files to compare, called `name` in reports: the name of the files without extension, as
  /// `evaluate` has it.
  package struct Pair: Equatable, Sendable {
    let name: String
    let reference: String
    let degraded: String
    /// The unprocessed recording, if it is to be scored too.
    let noisy: String?
  }

  /// Pairs that can be compared, by name.
  package private(set) var pairs: [Pair] = []
  /// Files without a partner, or with several, and the names of their utterances.
  package private(set) var unmatched: [(name: String, file: BadFile)] = []

  /// Pairs files, or those of folders by their names without extension.
  package init(reference: String, degraded: String, noisy: String? = nil) throws {
    let paths = [degraded, reference] + (noisy.map { [$0] } ?? [])
    let areFolders = try paths.map(Self.isFolder)
    if areFolders.allSatisfy({ !$0 }) {
      let name = Self.name(degraded)
      pairs = [Pair(name: name, reference: reference, degraded: degraded, noisy: noisy)]
    } else if areFolders.allSatisfy({ $0 }) {
      try match(paths)
    } else {
      throw ScoringPairsError.fileAgainstFolder(
        options: ["--reference \(reference)", "--degraded \(degraded)"]
          + (noisy.map { ["--noisy \($0)"] } ?? []))
    }
  }

  /// The name of the utterance in the file at `path`.
  private static func name(_ path: String) -> String {
    PathText.withoutExtension(PathText.name(path))
  }

  /// Matches the folders: degraded, reference, and the noisy one if there is one.
  private mutating func match(_ paths: [String]) throws {
    let folders = try paths.map { try AudioFolder($0) }
    if folders.allSatisfy(\.isEmpty) {
      throw ScoringPairsError.noAudio(folders: [paths[1], paths[0]] + paths[2...])
    }
    for name in Set(folders.flatMap(\.paths.keys)).sorted() {
      let files = folders.map { $0.paths[name] }
      let found = files.compactMap { $0 }
      if found.count == folders.count {
        pairs.append(
          Pair(
            name: name, reference: found[1], degraded: found[0],
            noisy: found.count > 2 ? found[2] : nil))
      } else {
        let lacking = zip(files, paths).filter { $0.0 == nil }.map(\.1)
        let reason =
          "has no partner \(name) (.wav or .flac) in " + lacking.joined(separator: " and ")
        unmatched.append((name, BadFile(path: found[0], reason: reason)))
      }
    }
    for folder in folders {
      unmatched += folder.bad.map { file in
        (PathText.withoutExtension(folder.relative(file.path)), file)
      }
    }
  }

  private static func isFolder(_ path: String) throws(ScoringPairsError) -> Bool {
    guard let kind = PathKind(path) else { throw .missing(path: path) }
    return kind == .folder
  }
}
