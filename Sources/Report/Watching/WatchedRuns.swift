import Files
import Foundation
import Platform
import RunFiles

/// Why there is nothing to watch.
package enum WatchError: Error, Equatable, CustomStringConvertible {
  /// There is no such file or folder.
  case missing(path: String)
  /// It holds no run and no log of one.
  case noRun(path: String)

  /// One sentence naming the path and what to do.
  package var description: String {
    switch self {
    case .missing(let path):
      "\(path): no such file or folder; give run folders, log files, or folders that hold them"
    case .noRun(let path):
      "\(path) holds no run: looked for metrics.jsonl, and for logs (.log, .out), here and in the "
        + "folders below"
    }
  }
}

/// The runs at some places, those that appear later included.
package struct WatchedRuns {
  private let paths: [String]
  private var runs: [String: WatchedRun] = [:]
  private var order: [String] = []
  /// Logs that were found in folders, by the folder.
  private var foundLogs: [String: [String]] = [:]

  /// How deep below a folder runs are looked for: `runs/abl1/seed0`.
  private static let depth = 3

  /// Looks for runs at `paths`: run folders, logs, and folders that hold either. Throws if one of
  /// them holds nothing.
  package init(_ paths: [String]) throws(WatchError) {
    self.paths = paths
    for path in paths {
      guard FileManager.default.fileExists(atPath: path) else { throw .missing(path: path) }
      find(path)
      update()
      if !order.contains(where: { isBelow(path, $0) && runs[$0]?.status != nil }) {
        throw .noRun(path: path)
      }
    }
  }

  /// Name and status of each run, in the order in which they were found.
  package var statuses: [(name: String, status: RunStatus)] {
    order.compactMap { key in
      guard let run = runs[key], let status = run.status else { return nil }
      return (run.name, status)
    }
  }

  /// Reads what is new, and looks for runs that are.
  package mutating func refresh() {
    for path in paths { find(path) }
    update()
  }

  private mutating func update() {
    for key in order { runs[key]?.update() }
  }

  private func isBelow(_ path: String, _ file: String) -> Bool {
    let path = Self.standard(path)
    return file == path || file.hasPrefix(path.hasSuffix("/") ? path : path + "/")
  }

  private mutating func find(_ path: String) {
    guard let kind = PathKind(path) else { return }
    if kind == .folder {
      search(path, depth: Self.depth)
    } else if path.hasSuffix(".jsonl") {
      add(runFolder: PathText.folder(path))
    } else {
      add(log: path)
    }
  }

  /// Runs in `folder` and below. Logs count where no run is: beside its folder they tell the same.
  @discardableResult
  private mutating func search(_ folder: String, depth: Int) -> Bool {
    let files = FileManager.default
    let metrics = RunFolder(folder).metrics.path(percentEncoded: false)
    if files.fileExists(atPath: metrics) {
      add(runFolder: folder)
      return true
    }
    let names = ((try? files.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    var found = false
    for name in names where depth > 0 && !name.hasPrefix(".") {
      let path = "\(folder)/\(name)"
      if PathKind(path) == .folder {
        found = search(path, depth: depth - 1) || found
      }
    }
    if found {
      // The log was found before its run folder existed.
      for key in foundLogs.removeValue(forKey: folder) ?? [] {
        runs[key] = nil
        order.removeAll { $0 == key }
      }
      return true
    }
    for name in names where name.hasSuffix(".log") || name.hasSuffix(".out") {
      if let key = add(log: "\(folder)/\(name)") { foundLogs[folder, default: []].append(key) }
    }
    return false
  }

  private mutating func add(runFolder path: String) {
    let folder = RunFolder(path)
    add(folder.metrics.path(percentEncoded: false)) {
      WatchedRun(name: Self.name(path), folder: folder)
    }
  }

  @discardableResult
  private mutating func add(log path: String) -> String? {
    add(path) { WatchedRun(name: Self.name(path), log: path) }
  }

  /// Follows the file at `path`; nil if it is followed already.
  @discardableResult
  private mutating func add(_ path: String, _ run: () -> WatchedRun) -> String? {
    let key = Self.standard(path)
    guard runs[key] == nil else { return nil }
    runs[key] = run()
    order.append(key)
    return key
  }

  private static func standard(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path(percentEncoded: false)
  }

  /// The path without what does not tell runs apart.
  private static func name(_ path: String) -> String {
    var name = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    return name
  }
}
