import Foundation
import Models

/// Why a run folder cannot be used.
public enum RunFolderError: Error, Equatable, CustomStringConvertible {
  /// It holds a run, and nobody said to resume it.
  case occupied(path: String)
  /// It cannot be made.
  case cannotCreate(path: String, reason: String)

  /// One sentence naming the folder and what to do.
  public var description: String {
    switch self {
    case .occupied(let path):
      "\(path) already holds a run (last.safetensors); add --resume to continue it, or choose "
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
  /// Everything to resume.
  public var last: URL { url.appending(path: "last.safetensors") }
  /// The resolved configuration.
  public var configuration: URL { url.appending(path: "configuration.json") }
  /// One row for each epoch.
  public var history: URL { url.appending(path: "history.csv") }

  /// The bytes of the checkpoint to resume; for a new run nothing, once there is none in the way.
  public func checkpoint(resuming: Bool) throws -> [UInt8] {
    let path = last.path(percentEncoded: false)
    guard resuming else {
      if FileManager.default.fileExists(atPath: path) {
        throw RunFolderError.occupied(path: url.path(percentEncoded: false))
      }
      return []
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CheckpointError.missing(path: path)
    }
    return Array(data)
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
      var isFolder: ObjCBool = false
      if isMade || FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
        if isMade || isFolder.boolValue { continue }
        throw .cannotCreate(path: path, reason: "a file of that name is in the way")
      }
      throw .cannotCreate(path: path, reason: String(cString: strerror(code)))
    }
  }
}
