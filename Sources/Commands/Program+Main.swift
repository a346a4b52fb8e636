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
    platform_ignore_broken_pipes()
    FloatMode.flushDenormals()
    _ = platform_keep_freed_memory()
    if let fault = ProcessText.fault() {
      Console.error("disttrain: error: \(fault)")
      exit(EX_USAGE)
    }
    let words = Array(CommandLine.arguments.dropFirst())
    var command: any ParsableCommand
    do {
      command = try DistTrainCommand.parseAsRoot(CommandWords.joined(words))
    } catch {
      let unknown = CommandWords.unknownCommand(in: words).map { ValidationError($0) }
      end(withParsersError: unknown ?? error)
    }
    do {
      try EnvironmentCheck.validate()
      if let command = command as? any FileCommand, !command.isParallel {
        try command.files().validate()
      }
      try command.run()
    } catch let status as ExitCode {
      // The command has said why.
      exit(status.rawValue)
    } catch  where DistTrainCommand.exitCode(for: error) != .failure {
      // The parser's own: a request for help, or arguments that a command found impossible.
      end(withParsersError: error)
    } catch {
      report(error)
      exit(EXIT_FAILURE)
    }
    exit(EXIT_SUCCESS)
  }

  /// Writes the one line about an error that ends the program.
  static func report(_ error: any Error) {
    Console.error("disttrain: error: \(ErrorText.sentence(error))")
  }

  /// Prints what the parser has to say: a help text on stdout, a wrong argument on stderr.
  private static func end(withParsersError error: any Error) -> Never {
    let code = DistTrainCommand.exitCode(for: error)
    let text = DistTrainCommand.fullMessage(for: error)
    if !text.isEmpty {
      if code == .success { Console.line(text) } else { Console.error(text) }
    }
    exit(code.rawValue)
  }
}
