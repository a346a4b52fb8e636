import Foundation
import Platform

/// Report of a launch about its attempts.
package enum LaunchReport {
  /// The line before a restart. `number`: of the attempt that crashed, from 1.
  package static func restart(
    number: Int, _ attempt: LaunchAttempt, delay: Double, limit: Int
  ) -> String {
    let from = attempt.stepAfter.map { "from step \($0)" } ?? "from the beginning"
    return "attempt \(number) ended after \(TimeSpan.text(attempt.seconds)) with status "
      + "\(attempt.status.code) (\(attempt.status.meaning)); starting again \(from) in "
      + "\(Int(delay.rounded(.up))) s (restart \(number) of \(limit))"
  }

  /// A line for each attempt.
  package static func table(_ attempts: [LaunchAttempt], timeZone: TimeZone = .current) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = timeZone
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
    return attempts.enumerated().map { index, attempt in
      let saved =
        switch (attempt.stepAfter, attempt.hasSaved) {
        case (let step?, true): "saved up to step \(step)"
        case (let step?, false): "saved nothing after step \(step)"
        default: "saved nothing"
        }
      return "  attempt \(index + 1): started \(formatter.string(from: attempt.start)), ran "
        + "\(TimeSpan.text(attempt.seconds)), status \(attempt.status.code) "
        + "(\(attempt.status.meaning)), \(saved)"
    }.joined(separator: "\n")
  }
}
