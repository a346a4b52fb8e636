import Files
import Foundation

/// An encoder's file, which appears under its name only when it is complete.
///
/// Encoders cannot pass errors on, so the first one is kept until it is asked for.
final class EncodedFile: EncoderTarget {
  var position = 0
  private let path: String
  private let writer: AtomicFileWriter
  private var failure: WaveFileError?

  var byteCount: Int { writer.byteCount }

  /// A file for the one at `path`. Throws if that cannot be written.
  init(path: String) throws(WaveFileError) {
    self.path = path
    do {
      writer = try AtomicFileWriter(URL(fileURLWithPath: path), .unflushed)
    } catch {
      throw .unwritable(path: path, reason: error.reason)
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    if failure != nil { return 0 }
    do {
      try writer.write(bytes, at: position)
    } catch {
      failure = .unwritable(path: path, reason: error.reason)
      return 0
    }
    position += bytes.count
    return bytes.count
  }

  /// Throws if any byte could not be written so far.
  func check() throws(WaveFileError) {
    if let failure { throw failure }
  }

  /// Gives the file its name, in place of what has it now.
  func publish() throws(WaveFileError) {
    try check()
    do {
      try writer.commit()
    } catch {
      throw .unwritable(path: path, reason: error.reason)
    }
  }
}
