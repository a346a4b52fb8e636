import Foundation

/// Unbuffered text output to an open file descriptor.
///
/// One `write` per call: a line appears at once and whole, also when stdout is a pipe, which the C
/// library would buffer by blocks.
package struct FileDescriptorOutput: Sendable {
  package let descriptor: Int32

  /// Output to `descriptor`, which stays open and belongs to the caller.
  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Whether a person may be watching.
  package var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Width in columns of the terminal, or nil if it does not say.
  package var columns: Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Writes all of `text`. Returns the system's error number if that fails, and nil otherwise.
  @discardableResult
  package func write(_ text: String) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes = bytes.dropFirst(written)
      } else if errno != EINTR && errno != EAGAIN {
        return errno
      }
    }
    return nil
  }
}
