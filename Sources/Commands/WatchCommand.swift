import ArgumentParser
import CPlatform
import Foundation
import Platform
import Report

/// `disttrain watch`: how far runs have come.
struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Show the progress of runs: epochs, scores, loss, speed, time left.",
    discussion: """
      Takes run folders, log files (the output of train), or folders that hold either, while \
      training runs elsewhere: nothing but these files is read. On a terminal the view is \
      refreshed, and runs that begin later appear in it; q or Ctrl-C ends it. Into a file or a \
      pipe, or with --once, the table is printed once.
      """)

  @Argument(help: ArgumentHelp("Run folders, logs, or folders of them.", valueName: "run"))
  var runs: [String]
  @Option(
    help: ArgumentHelp("Time between two readings of the files.", valueName: "time"),
    transform: Flags.seconds)
  var interval = 2.0
  @Flag(help: "Print the table once.") var once = false

  func validate() throws {
    try Flags.require("--interval", interval, within: 0.1...3600, unit: "seconds")
  }

  func run() throws {
    var watched = try WatchedRuns(runs)
    // Without keys nothing but a signal would end the view.
    guard !once, isatty(STDOUT_FILENO) == 1, isatty(STDIN_FILENO) == 1 else {
      let view = WatchView(statuses: watched.statuses, now: Date())
      Console.line(view.table())
      return
    }
    StopSignals("TERM,HUP")?.catchAll()
    // Ctrl-C is a key here, but a signal can come from elsewhere.
    platform_catch_stop_signal(SIGINT)
    let terminal = ScreenTerminal()
    defer { terminal.restore() }
    while StopSignals.received == nil {
      let size = terminal.size
      let view = WatchView(statuses: watched.statuses, now: Date())
      terminal.draw(view.screen(columns: size.columns, rows: size.rows, interval: interval))
      if let key = terminal.key(seconds: interval), [UInt8(ascii: "q"), 3].contains(key) { break }
      watched.refresh()
    }
  }
}
