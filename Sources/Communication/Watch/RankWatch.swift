import Platform

/// Decides from what ranks tell of themselves whether one of them keeps the others waiting too
/// long, and says which.
///
/// Rank 0 hears all and judges. The others hear rank 0, and judge only when it is silent. Nothing
/// here knows clocks or messages: time is what `beat` is told.
package struct RankWatch {
  /// Action that follows from a beat.
  package enum Verdict: Equatable, Sendable {
    /// Nothing.
    case fine
    /// Something to say once.
    case warning(String)
    /// The job has to end, and why.
    case lost(String)
  }

  private struct Seen {
    var status = RankStatus()
    /// Seconds since the rank was heard.
    var silence = 0.0
  }

  /// Status of this rank as of the last beat.
  package private(set) var own = RankStatus()
  private let rank: Int
  private let identities: [RankIdentity]
  private let deadlines: Deadlines
  private var seen: [Seen]
  private var holdOff = 0.0
  private var warnedAt: Int?

  /// The watch of `rank` over the ranks that `identities` tells of.
  package init(rank: Int, identities: [RankIdentity], deadlines: Deadlines) {
    self.rank = rank
    self.identities = identities
    self.deadlines = deadlines
    seen = identities.map { _ in Seen() }
  }

  /// A message came from `rank`.
  package mutating func hear(_ status: RankStatus, from rank: Int) {
    seen[rank] = Seen(status: status)
  }

  /// `elapsed` seconds have passed, and this rank's work is at `status`.
  package mutating func beat(_ status: RankStatus, elapsed: Double) -> Verdict {
    // A process that was stopped counts no time: the others did not keep it waiting, and what they
    // have sent meanwhile is yet to be looked at.
    let seconds = min(elapsed, 2 * deadlines.beat)
    let waited = own.isWaiting && own.ticks == status.ticks ? own.waited + seconds : 0
    own = status
    own.waited = waited
    for index in seen.indices { seen[index].silence += seconds }
    seen[rank] = Seen(status: own)
    if holdOff > 0 {
      holdOff -= seconds
      if holdOff > 0 { return .fine }
    } else if elapsed > 3 * deadlines.beat {
      holdOff = max(3, 4 * deadlines.beat)
      return .fine
    }
    return rank == 0 ? judgeAll() : judgeRoot()
  }

  /// Beats without a word after which a rank counts as silent in a report.
  private var silentAfter: Double { 6 * deadlines.beat }

  private mutating func judgeAll() -> Verdict {
    let isAnyoneLost = seen.contains { $0.silence >= deadlines.timeout }
    // The longest wait in relation to how long it may be.
    var worst: (rank: Int, limit: Double)?
    for (rank, other) in seen.enumerated() where other.status.isWaiting {
      let limit = isAnyoneLost ? deadlines.timeout : deadlines.limit(of: other.status.phase)
      if other.silence < silentAfter,
        other.status.waited / limit
          > (worst.map { seen[$0.rank].status.waited / $0.limit } ?? 0)
      {
        worst = (rank, limit)
      }
    }
    guard let worst else { return .fine }
    let wait = seen[worst.rank].status
    if wait.waited >= worst.limit { return .lost(report(wait, limit: worst.limit)) }
    return warning(wait)
  }

  private mutating func warning(_ wait: RankStatus) -> Verdict {
    guard wait.waited >= deadlines.warning(in: wait.phase), warnedAt != wait.sequence else {
      return .fine
    }
    warnedAt = wait.sequence
    let missing = missingRanks
    guard !missing.isEmpty else { return .fine }
    let one = missing.count == 1
    // A rank that shows no sign of life is waited for no longer than `timeout`.
    let isSilent = missing.allSatisfy { seen[$0].silence >= silentAfter }
    let long = deadlines.limit(of: wait.phase)
    let limit = isSilent ? min(long, deadlines.timeout) : long
    return .warning(
      "\(one ? "a rank has" : "\(missing.count) ranks have") not arrived for "
        + "\(Self.text(wait.waited)): \(list(missing, wait)); the job ends if "
        + "\(one ? "it has" : "they have") not after \(Self.text(limit))")
  }

  /// Rank 0, while it lives, judges. If several others miss it, the first of them ends the job
  /// before the next would.
  private func judgeRoot() -> Verdict {
    let patience = 2 * Double(min(rank - 1, 5))
    let root = seen[0]
    if root.silence >= deadlines.timeout, own.waited >= deadlines.timeout + patience {
      return .lost(report(own, limit: deadlines.timeout))
    }
    // Should it live and judge otherwise for whatever reason.
    let limit = 2 * deadlines.limit(of: own.phase) + 10
    return own.waited >= limit + patience ? .lost(report(own, limit: limit)) : .fine
  }

  /// Ranks that hold up the others: those not heard from, and those that have not yet entered the
  /// operation that the others wait in.
  private var missingRanks: [Int] {
    let heard = seen.indices.filter { rank == 0 || $0 == 0 || $0 == rank }
    let front = heard.filter { seen[$0].status.isWaiting }.map { seen[$0].status.sequence }.max()
    return heard.filter { index in
      let other = seen[index]
      if other.silence >= silentAfter { return true }
      return !other.status.isWaiting && other.status.sequence < front ?? 0
    }
  }

  private func report(_ wait: RankStatus, limit: Double) -> String {
    let missing = missingRanks
    let flag = limit == deadlines.longTimeout && wait.phase.isLong ? "--long-timeout" : "--timeout"
    let end = "; the job ends with status \(ExitStatus.rankLost.rawValue)"
    let waited = "waited \(Self.text(wait.waited)) (\(flag))"
    guard let first = missing.first else {
      let hosts = Set(identities.map(\.host)).sorted().prefix(Self.listLimit)
      return "\(waited) in an exchange that all ranks have reached (phase \(wait.phase), last "
        + "completed step \(wait.step)): messages are lost on the way; check the network between "
        + "the hosts (\(hosts.joined(separator: ", ")))\(end)"
    }
    if missing.count == 1 {
      return
        "rank \(first) has not arrived; the others have \(waited): \(list(missing, wait))\(end)"
    }
    return "\(missing.count) ranks have not arrived; the others have \(waited): "
      + "\(list(missing, wait))\(end)"
  }

  private static let listLimit = 8

  private func list(_ ranks: [Int], _ wait: RankStatus) -> String {
    let shown = ranks.prefix(Self.listLimit).map { describe($0, wait) }
    let more = ranks.count > shown.count ? ["and \(ranks.count - shown.count) more"] : []
    return (shown + more).joined(separator: "; ")
  }

  /// Facts about a rank that others wait for as `wait` says.
  private func describe(_ rank: Int, _ wait: RankStatus) -> String {
    let other = seen[rank]
    // All have done the same: it took part in whatever those who wait have behind them, so they
    // know more than it could tell if it stopped between two beats.
    let isCurrent = other.status.sequence + 1 >= wait.sequence
    let phase = isCurrent ? other.status.phase : wait.phase
    let step = max(other.status.step, wait.step)
    let identity = identities[rank]
    let state =
      other.silence >= silentAfter
      ? "silent for \(Self.text(other.silence)), so stopped, dead or cut off"
      : "alive, so slow or in an endless loop"
    return "rank \(rank) (host \(identity.host), process \(identity.process)), phase "
      + "\(phase), last completed step \(step), \(state)"
  }

  private static func text(_ seconds: Double) -> String { "\(Int(seconds.rounded())) s" }
}
