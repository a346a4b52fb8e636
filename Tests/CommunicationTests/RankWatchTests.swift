import Communication
import Testing

/// Decisions about ranks that keep others waiting, without MPI, clocks or processes.
@Suite struct RankWatchTests {
  private let identities = (0..<4).map { RankIdentity(host: "node\($0 / 2)", process: 800 + $0) }
  // A beat is a second.
  private let deadlines = Deadlines(timeout: 20, longTimeout: 100)

  private func watch(_ rank: Int, ranks: Int = 3) -> RankWatch {
    RankWatch(rank: rank, identities: Array(identities.prefix(ranks)), deadlines: deadlines)
  }

  private func status(
    _ sequence: Int, waiting: Bool, _ phase: RankPhase = .trainingStep, step: Int = 41,
    waited: Double = 0
  ) -> RankStatus {
    RankStatus(
      ticks: 2 * sequence - (waiting ? 1 : 0), phase: phase, step: step, waited: waited)
  }

  /// Beats of a second in which `others` tell rank 0 the same thing, until it says something.
  private func beats(
    _ watch: inout RankWatch, own: RankStatus, others: [Int: RankStatus], atMost: Int
  ) -> (count: Int, RankWatch.Verdict) {
    for count in 1...atMost {
      for (rank, status) in others {
        var status = status
        if status.isWaiting { status.waited += Double(count - 1) }
        watch.hear(status, from: rank)
      }
      let verdict = watch.beat(own, elapsed: 1)
      if verdict != .fine { return (count, verdict) }
    }
    return (atMost, .fine)
  }

  /// The next verdict after a warning.
  private func untilLost(
    _ watch: inout RankWatch, own: RankStatus, others: [Int: RankStatus], atMost: Int = 500
  ) -> (count: Int, text: String) {
    var total = 0
    while total < atMost {
      let (count, verdict) = beats(&watch, own: own, others: others, atMost: atMost - total)
      total += count
      if case .lost(let text) = verdict { return (total, text) }
    }
    return (total, "")
  }

  @Test func aSilentRankIsNamed() {
    var watch = watch(0)
    _ = watch.beat(status(6, waiting: false), elapsed: 1)
    watch.hear(status(6, waiting: false, .loadingData), from: 1)
    let end = untilLost(
      &watch, own: status(7, waiting: true), others: [2: status(7, waiting: true)])
    #expect(end.count == 21)
    #expect(
      end.text
        == "rank 1 has not arrived; the others have waited 20 s (--timeout): rank 1 (host node0, "
        + "process 801), phase data loading, last completed step 41, silent for 21 s, so stopped, "
        + "dead or cut off; the job ends with status 76")
  }

  @Test func aLivingRankThatLoopsIsNamed() {
    var watch = watch(0)
    let end = untilLost(
      &watch, own: status(7, waiting: true),
      others: [
        1: status(7, waiting: true), 2: status(6, waiting: false, .loadingData, step: 41),
      ])
    #expect(
      end.text.contains(
        "rank 2 (host node1, process 802), phase data loading, last completed step 41, alive, so "
          + "slow or in an endless loop"), "\(end)")
    #expect(!end.text.contains("rank 1"), "\(end)")
  }

  /// A rank may stop right after it was heard, or a beat and many steps later.
  @Test func thoseWhoWaitKnowHowFarASilentRankWas() {
    var watch = watch(0, ranks: 2)
    watch.hear(status(0, waiting: false, .starting, step: 0), from: 1)
    let end = untilLost(&watch, own: status(99, waiting: true, .saving, step: 45), others: [:])
    #expect(end.text.contains("phase saving, last completed step 45, silent"), "\(end)")
  }

  @Test func rankZeroNamesItself() {
    var watch = watch(0)
    var verdict = RankWatch.Verdict.fine
    for second in 0...20 where verdict == .fine || second == 20 {
      for rank in 1...2 { watch.hear(status(7, waiting: true, waited: Double(second)), from: rank) }
      verdict = watch.beat(status(6, waiting: false, .loadingData), elapsed: 1)
      if second == 10 {
        guard case .warning(let text) = verdict else {
          Issue.record("no warning: \(verdict)")
          return
        }
        #expect(text.hasPrefix("a rank has not arrived for 10 s: rank 0 (host node0, process 800)"))
        verdict = .fine
      }
    }
    guard case .lost(let text) = verdict else {
      Issue.record("not lost: \(verdict)")
      return
    }
    #expect(text.hasPrefix("rank 0 has not arrived; the others have waited 20 s"), "\(text)")
  }

  @Test func aWarningComesOnceAWait() {
    var watch = watch(0, ranks: 2)
    let late = [1: status(6, waiting: false)]
    let (count, verdict) = beats(&watch, own: status(7, waiting: true), others: late, atMost: 15)
    #expect(count == 11)
    #expect(
      verdict
        == .warning(
          "a rank has not arrived for 10 s: rank 1 (host node0, process 801), phase training step, "
            + "last completed step 41, alive, so slow or in an endless loop; the job ends if it "
            + "has not after 20 s"))
    #expect(
      beats(&watch, own: status(7, waiting: true), others: late, atMost: 8).1 == .fine,
      "warned twice of one wait")
    #expect(beats(&watch, own: status(8, waiting: true), others: late, atMost: 15).0 == 11)
  }

  @Test func longPhasesHaveTheirOwnLimit() {
    for phase in RankPhase.allCases {
      var watch = watch(0, ranks: 2)
      let end = untilLost(
        &watch, own: status(7, waiting: true, phase), others: [1: status(6, waiting: false, phase)])
      #expect(end.count == (phase.isLong ? 101 : 21), "\(phase)")
      #expect(end.text.contains(phase.isLong ? "(--long-timeout)" : "(--timeout)"), "\(end)")
    }
  }

  /// A rank in a long phase that shows no life is not waited for as long as one that works.
  @Test func silenceIsNoLongPhase() {
    var watch = watch(0, ranks: 2)
    watch.hear(status(6, waiting: false, .validation), from: 1)
    let end = untilLost(&watch, own: status(7, waiting: true, .validation), others: [:])
    #expect(end.count == 21 && end.text.contains("silent for 21 s"), "\(end)")
  }

  @Test func slowRanksAreNoLostOnes() {
    var watch = watch(0, ranks: 2)
    // Each step the other comes 9 s late, before any warning.
    for sequence in 1...20 {
      let (_, verdict) = beats(
        &watch, own: status(sequence, waiting: true),
        others: [1: status(sequence - 1, waiting: false)], atMost: 9)
      #expect(verdict == .fine)
    }
  }

  /// Rank 0 sends and goes on: who has not got it is behind, and waits, and is not to blame.
  @Test func whoWaitsIsNotToBlame() {
    var watch = watch(0)
    let end = untilLost(
      &watch, own: status(9, waiting: true),
      others: [1: status(8, waiting: true), 2: status(5, waiting: false)])
    #expect(end.text.hasPrefix("rank 2 has not arrived"), "\(end)")
    #expect(!end.text.contains("rank 1"), "\(end)")
  }

  @Test func messagesThatAreLostAreTold() {
    var watch = watch(0, ranks: 4)
    let waiting = status(9, waiting: true)
    let end = untilLost(&watch, own: waiting, others: [1: waiting, 2: waiting, 3: waiting])
    #expect(end.text.contains("an exchange that all ranks have reached"), "\(end)")
    #expect(end.text.contains("the hosts (node0, node1)"), "\(end)")
  }

  @Test func allThatAreMissingAreNamedUpToAFew() {
    let many = (0..<20).map { RankIdentity(host: "n\($0)", process: $0) }
    var watch = RankWatch(rank: 0, identities: many, deadlines: deadlines)
    let end = untilLost(&watch, own: status(7, waiting: true), others: [:])
    #expect(end.text.hasPrefix("19 ranks have not arrived; the others have waited"), "\(end)")
    #expect(end.text.contains("rank 8 (host n8") && !end.text.contains("rank 9 "), "\(end)")
    #expect(end.text.contains("; and 11 more;"), "\(end)")
  }

  /// The lowest of those that miss rank 0 says so and ends the job before the next would.
  @Test func othersJudgeOnlyWhenRankZeroIsSilent() {
    var ends: [Int] = []
    for rank in 1...2 {
      var watch = watch(rank)
      watch.hear(status(6, waiting: false, .saving), from: 0)
      let end = untilLost(&watch, own: status(7, waiting: true), others: [:])
      #expect(end.text.hasPrefix("rank 0 has not arrived"), "\(end)")
      #expect(end.text.contains("phase saving, last completed step 41, silent for"), "\(end)")
      ends.append(end.count)
    }
    #expect(ends == [21, 23])
    // While it is heard, it is the one to judge, whoever is missing; not for ever.
    var watch = watch(1)
    let end = untilLost(
      &watch, own: status(7, waiting: true), others: [0: status(6, waiting: false)])
    #expect(end.count == 51, "\(end)")
  }

  /// A process that was stopped and goes on must not report those who waited for it.
  @Test func timeThatWasSleptThroughDoesNotCount() {
    var watch = watch(0, ranks: 2)
    let own = status(7, waiting: true)
    let others = [1: status(7, waiting: true)]
    #expect(beats(&watch, own: own, others: others, atMost: 5).1 == .fine)
    #expect(watch.beat(own, elapsed: 3_600) == .fine)
    #expect(watch.own.waited < 8)
    // Nor at once what the others say about the time in which it slept.
    watch.hear(status(8, waiting: true, waited: 3_600), from: 1)
    #expect(watch.beat(own, elapsed: 1) == .fine)
  }

  @Test func messagesAreWhatWasSent() {
    let status = RankStatus(
      ticks: 12_345_678_901, phase: .saving, step: 77, waited: 12.5, farewell: .over)
    #expect(RankStatus(words: status.words) == status)
    #expect(RankStatus(words: [1, 99, 0, 0, 0]) == nil)
    #expect(RankStatus(words: [1, 0, 0, 0]) == nil)
    for host in ["n", "", "a-node.of.a-cluster", String(repeating: "x", count: 64), "größe"] {
      let identity = RankIdentity(host: host, process: 4_194_304)
      #expect(RankIdentity(words: identity.words) == identity)
    }
  }
}
