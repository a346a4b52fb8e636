import Communication
import Foundation
import Platform
import RunFiles

/// Collects how long the ranks were busy in the steps of an epoch, and says who made the others
/// wait.
package final class Stragglers {
  private let log: RunLog
  private let communicator: any Communicator
  private var busy: [Double] = []

  /// No steps yet; all ranks report over `communicator`.
  package init(log: RunLog, over communicator: any Communicator) {
    self.log = log
    self.communicator = communicator
  }

  /// Forgets the steps of the last epoch.
  package func beginEpoch() { busy = [] }

  /// Counts a step in which this rank was busy for so long.
  package func add(busySeconds: Double) { busy.append(busySeconds) }

  /// Tells of the epoch whose steps took `stepSeconds`, after `step` steps of the run. All ranks
  /// call it together.
  package func report(stepSeconds: Double, step: Int) throws {
    guard communicator.worldSize > 1 else { return }
    let own = Array(try JSONEncoder().encode(RankTimes(host: HostName.own, busy: busy)))
    guard let all = try communicator.gather(own, root: 0) else { return }
    let ranks = try all.map { try JSONDecoder().decode(RankTimes.self, from: Data($0)) }
    guard let report = StragglerReport(busy: ranks.map(\.busy)) else { return }
    let host = ranks[report.rank].host
    if let text = report.text(host: host, seconds: stepSeconds) { log.line("waiting: \(text)") }
    log.append(.waiting(.init(report, step: step, host: host)))
  }

  /// Times that a rank reports.
  private struct RankTimes: Codable {
    let host: String
    let busy: [Double]
  }
}
