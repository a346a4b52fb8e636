import Foundation

/// What commands say to the person who runs them.
enum Console {
  /// Writes `text` and a line break to stdout.
  static func line(_ text: String) { FileDescriptorOutput(STDOUT_FILENO).write(text + "\n") }

  /// Writes `text` and a line break to stderr.
  static func error(_ text: String) { FileDescriptorOutput(STDERR_FILENO).write(text + "\n") }
}
