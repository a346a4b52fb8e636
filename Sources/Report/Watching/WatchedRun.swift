import Foundation
import RunFiles

/// Makes a run's status out of the lines of a file.
protocol StatusReader {
  var status: RunStatus { get }

  /// Takes up one line; `modified` is when the file was last written.
  mutating func read(_ line: Substring, modified: Date?)
}

/// A run that is watched by one of its files.
package struct WatchedRun {
  /// Name of its row.
  let name: String
  private var tail: FileTail
  private var reader: any StatusReader
  private let makeReader: () -> any StatusReader

  /// Follows the events of the run in `folder`.
  init(name: String, folder: RunFolder) {
    let configuration = try? Data(contentsOf: folder.configuration)
    let epochs = configuration.flatMap { try? JSONDecoder().decode(Epochs.self, from: $0) }?.epochs
    self.init(name: name, path: folder.metrics.path(percentEncoded: false)) {
      EventStatusReader(epochs: epochs)
    }
  }

  /// Follows the log at `path`.
  init(name: String, log path: String) {
    self.init(name: name, path: path) { LogStatusReader() }
  }

  private init(name: String, path: String, makeReader: @escaping () -> any StatusReader) {
    self.name = name
    self.makeReader = makeReader
    tail = FileTail(path: path)
    reader = makeReader()
  }

  /// Current status; for a log, nil as long as it is none of a run.
  var status: RunStatus? {
    if let log = reader as? LogStatusReader, !log.isOfARun { return nil }
    return reader.status
  }

  /// Reads what is new.
  mutating func update() {
    guard let look = tail.look() else { return }
    if look.isAnother { reader = makeReader() }
    for line in look.lines { reader.read(line, modified: tail.modified) }
  }

  private struct Epochs: Decodable { let epochs: Int }
}
