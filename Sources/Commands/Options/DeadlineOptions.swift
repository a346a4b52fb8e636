import ArgumentParser
import Communication
import Platform

/// How long the ranks of a command wait for each other.
struct DeadlineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "End the job with status 76 when a rank has kept the others waiting this long: 90s, 10m.",
      valueName: "time"))
  var timeout = "10m"

  @Option(
    help: ArgumentHelp(
      "Such a limit while a corpus is read or staged, in validations, while checkpoints are read "
        + "or written, and while a step that was not finite is computed again.", valueName: "time"))
  var longTimeout = "1h"

  func validate() throws {
    for (flag, text) in [("--timeout", timeout), ("--long-timeout", longTimeout)] {
      try Flags.require(
        TimeSpan.seconds(text) ?? 0 >= 1,
        "\(flag) takes a time of at least 1s, such as \(TimeSpan.examples), not \(text)")
    }
  }

  /// The deadlines that the options set. The long one is never less than the other.
  var deadlines: Deadlines {
    let standard = Deadlines()
    return Deadlines(
      timeout: TimeSpan.seconds(timeout) ?? standard.timeout,
      longTimeout: TimeSpan.seconds(longTimeout) ?? standard.longTimeout)
  }
}
