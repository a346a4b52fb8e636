import Files
import Foundation
import RunFiles

/// Makes a run's status out of the lines of a file.
protocol StatusReader {
  var status: RunStatus { get }

  /// Takes up the bytes of one line; `modified` is when the file was last written.
  mutating func read(bytes line: UnsafeRawBufferPointer, modified: Date?)
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
    let configuration = try? FileContents.read(folder.configuration)
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
    var status = reader.status
    // Nothing is in it yet, so the file itself says how long that has been so.
    if status.state == .waiting { status.heard = tail.modified }
    return status
  }

  /// Reads what is new.
  mutating func update() {
    var reader = reader
    let makeReader = makeReader
    tail.look(
      isAnother: { reader = makeReader() },
      line: { reader.read(bytes: $0, modified: $1) })
    self.reader = reader
  }

  private struct Epochs: Decodable { let epochs: Int }
}
