import Foundation
import Platform
import RunFiles

/// Output of commands to the person who runs them.
enum Console {
  /// Writes `text` and a line break to stdout.
  static func line(_ text: String) { FileDescriptorOutput(STDOUT_FILENO).write(text + "\n") }

  /// Writes `text` and a line break to stderr.
  static func error(_ text: String) { FileDescriptorOutput(STDERR_FILENO).write(text + "\n") }

  /// Writes the sentence `text` to stderr, marked as a note.
  static func note(_ text: String) { error("disttrain: note: \(text)") }

  /// A progress bar on a terminal; elsewhere a line on stderr every half minute, so that stdout
  /// holds results only. Silent unless `rank` is 0.
  static func progressLog(rank: Int = 0) throws -> RunLog {
    try RunLog(rank: rank, standardOutput: STDERR_FILENO)
  }
}
