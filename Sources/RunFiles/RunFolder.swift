import Files
import Foundation

/// Why a run folder cannot be used.
public enum RunFolderError: Error, Equatable, CustomStringConvertible {
  /// It holds a run, and nobody said to resume it.
  case occupied(path: String, file: String)
  /// It cannot be made.
  case cannotCreate(path: String, reason: String)

  /// One sentence naming the folder and what to do.
  public var description: String {
    switch self {
    case .occupied(let path, let file):
      "\(path) already holds a run (\(file)); add --resume to continue it, or choose "
        + "another --run-dir"
    case .cannotCreate(let path, let reason):
      "\(path): the run folder cannot be made: \(reason)"
    }
  }
}

/// The folder of one run and the files in it.
public struct RunFolder: Sendable {
  /// The folder.
  public let url: URL

  /// Names the folder; makes nothing.
  public init(_ path: String) { url = URL(fileURLWithPath: path, isDirectory: true) }

  /// The best weights so far, as `enhance` and `evaluate` take them.
  public var best: URL { url.appending(path: "best.safetensors") }
  /// A link to the newest checkpoint; a checkpoint itself in runs of version 0.1.0.
  public var last: URL { url.appending(path: "last.safetensors") }
  /// The resolved configuration.
  public var configuration: URL { url.appending(path: "configuration.json") }
  /// One row for each epoch.
  public var history: URL { url.appending(path: "history.csv") }
  /// The validation utterances with the best weights.
  package var bestScores: URL { url.appending(path: "best-scores.csv") }
  /// The test utterances with the best weights, if they were evaluated into the run folder.
  package var testScores: URL { url.appending(path: "test-scores.csv") }
  /// The same utterances unprocessed.
  package var noisyTestScores: URL { url.appending(path: "test-scores-noisy.csv") }

  /// A JSON object for every event.
  public var metrics: URL { url.appending(path: "metrics.jsonl") }
  /// The folder of TensorBoard's event files.
  public var tensorBoard: URL { url.appending(path: "tensorboard", directoryHint: .isDirectory) }

  /// The checkpoint after `step` steps of the run: everything to resume.
  public func checkpoint(step: Int) -> URL {
    url.appending(path: String(format: "step-%08d.safetensors", step))
  }

  /// The checkpoints that are there, the newest first, with their steps.
  public func checkpoints() -> [(step: Int, url: URL)] {
    let path = url.path(percentEncoded: false)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let steps = names.compactMap { name -> Int? in
      guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
      guard let step = Int(name.dropFirst(5).dropLast(12)), step >= 0 else { return nil }
      // Only names that this program gives: others are somebody's copies.
      return checkpoint(step: step).lastPathComponent == name ? step : nil
    }
    return steps.sorted(by: >).map { ($0, checkpoint(step: $0)) }
  }

  /// Throws if a new run would write over an old one.
  public func requireNoRun() throws(RunFolderError) {
    guard let file = anyCheckpoint else { return }
    throw .occupied(path: url.path(percentEncoded: false), file: file.lastPathComponent)
  }

  /// A file to resume from; nil if no run has saved here. Whether it is whole is not looked at.
  package var anyCheckpoint: URL? {
    var status = stat()
    let hasLast = lstat(last.path(percentEncoded: false), &status) == 0
    return hasLast ? last : checkpoints().first?.url
  }

  /// Makes the folder if need be and removes what a killed run left half-written.
  public func prepare() throws {
    try create()
    try AtomicFile.removeStaleTemporaries(in: url)
  }

  /// Makes the folder and those above it. By hand, since Foundation hides the system's reason.
  private func create() throws(RunFolderError) {
    let parts = url.standardizedFileURL.pathComponents
    for count in 1...parts.count {
      let path = NSString.path(withComponents: Array(parts.prefix(count)))
      let isMade = mkdir(path, 0o777) == 0
      let code = errno
      if isMade { continue }
      switch PathKind(path) {
      case .folder?: continue
      case .file?:
        throw .cannotCreate(path: path, reason: "a file of that name is in the way")
      case nil: throw .cannotCreate(path: path, reason: String(cString: strerror(code)))
      }
    }
  }
}
