import ArgumentParser
import CPlatform
import Foundation
import Platform

extension Program {
  /// Runs the command that the process's arguments name, and ends the process.
  ///
  /// Status 0 on success, 64 for arguments that cannot be understood. Any other error is one line
  /// on stderr, `disttrain: error: …`, and status 1.
  public static func main() -> Never {
    platform_line_buffer_stdout()
    // A write beyond the limit of `ulimit -f` then fails, and does not end the process.
    signal(SIGXFSZ, SIG_IGN)
    FloatMode.flushDenormals()
    _ = platform_keep_freed_memory()
    var command: any ParsableCommand
    do {
      command = try DistTrainCommand.parseAsRoot()
    } catch {
      DistTrainCommand.exit(withError: error)
    }
    do {
      try EnvironmentCheck.validate()
      try command.run()
    } catch let status as ExitCode {
      // The command has said why.
      exit(status.rawValue)
    } catch  where DistTrainCommand.exitCode(for: error) != .failure {
      // The parser's own: a request for help, or arguments that a command found impossible.
      DistTrainCommand.exit(withError: error)
    } catch {
      report(error)
      exit(EXIT_FAILURE)
    }
    exit(EXIT_SUCCESS)
  }

  /// Writes the one line about an error that ends the program.
  static func report(_ error: any Error) {
    // The system's own errors describe themselves to programmers, ours to people.
    let text = (error as? CocoaError)?.localizedDescription ?? "\(error)"
    Console.error("disttrain: error: \(text)")
  }
}
