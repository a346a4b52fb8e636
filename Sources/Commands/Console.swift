import Foundation
import Platform
import RunFiles

/// Output of commands to the person who runs them.
enum Console {
  /// Writes `text` and a line break to stdout.
  ///
  /// If that fails, the process ends: quietly where a reader such as `head` has closed the pipe, as
  /// a shell expects it, and otherwise with one line on stderr and status 1. So files come first:
  /// see `results`.
  static func line(_ text: String) {
    guard let code = FileDescriptorOutput(STDOUT_FILENO).write(text + "\n") else { return }
    if code == EPIPE { exit(128 + SIGPIPE) }
    error(
      "disttrain: error: stdout could not be written: \(String(cString: strerror(code))); what "
        + "was printed is not complete")
    exit(ExitStatus.failure.rawValue)
  }

  /// Writes results to files and then prints them, so that neither a full disk nor a closed pipe
  /// takes both.
  ///
  /// - Throws: the error of `write`, after `print`.
  static func results(write: () throws -> Void, print: () -> Void) throws {
    let written = Result { try write() }
    print()
    try written.get()
  }

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
