import CPlatform
import Foundation

/// The signals that ask a run to save and to end, such as those of a batch system before its limit.
public struct StopSignals: Equatable, Sendable {
  /// Their names without "SIG".
  public let names: [String]

  private static let numbers: [(name: String, number: Int32)] = [
    ("TERM", SIGTERM), ("USR1", SIGUSR1), ("USR2", SIGUSR2), ("HUP", SIGHUP), ("XCPU", SIGXCPU),
  ]

  /// Names of the signals that a run can be stopped by. SIGINT is not among them: Ctrl-C ends a run
  /// at once.
  public static var allNames: [String] { numbers.map(\.name) }

  /// No signal.
  public static let none = StopSignals(names: [])

  private init(names: [String]) { self.names = names }

  /// Reads names with commas between them, with or without "SIG", or `none`; nil for others.
  public init?(_ text: String) {
    if text.lowercased() == "none" {
      self = .none
      return
    }
    var names: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let upper = part.uppercased()
      let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
      guard Self.allNames.contains(name) else { return nil }
      if !names.contains(name) { names.append(name) }
    }
    self.init(names: names)
  }

  /// From here on the signals do nothing but make `received` say so. For the life of the process.
  public func catchAll() {
    for (name, number) in Self.numbers where names.contains(name) {
      let result = platform_catch_stop_signal(number)
      precondition(result == 0, "SIG\(name) cannot be caught")
    }
  }

  /// The name of the first signal that has come, such as `SIGTERM`.
  public static var received: String? {
    let number = platform_stop_signal()
    return number == 0 ? nil : "SIG" + (numbers.first { $0.number == number }?.name ?? "\(number)")
  }
}
