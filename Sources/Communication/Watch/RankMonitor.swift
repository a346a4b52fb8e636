import Foundation
import Platform

/// Carries the short messages of monitors between ranks, without ever waiting.
protocol StatusTransport: Sendable {
  /// Starts sending `words`, `RankStatus.wordCount` of them, unless the previous message to `rank`
  /// is still under way; whether it did.
  func send(_ words: [UInt64], to rank: Int) -> Bool
  /// The next message that has come.
  func receive() -> (rank: Int, words: [UInt64])?
  /// Whether all that was sent is on its way; also what moves it on.
  var isIdle: Bool { get }
}

/// Tells the other ranks once a beat that this one lives and what it is at, and ends the job when
/// a rank keeps others waiting too long.
///
/// A thread, since the main thread may be the one that waits for ever. It sleeps between beats. All
/// ranks tell rank 0, rank 0 tells all.
final class RankMonitor<Transport: StatusTransport>: Sendable {
  private enum Life { case running, stopping, ended }
  private let life = Guarded(Life.running)

  /// Starts watching. `end` ends the whole job, if it can, and does not return.
  init(
    _ transport: Transport, rank: Int, identities: [RankIdentity], deadlines: Deadlines,
    progress: RankProgress, end: @escaping @Sendable () -> Never
  ) {
    let life = life
    let rounds = Rounds(
      transport: transport, rank: rank, worldSize: identities.count, progress: progress, end: end,
      watch: RankWatch(rank: rank, identities: identities, deadlines: deadlines))
    startThread("monitor") {
      var rounds = rounds
      var stopwatch = Stopwatch()
      while !life.wait(seconds: deadlines.beat, until: { $0 != .running }) {
        rounds.beat(elapsed: stopwatch.lap())
      }
      rounds.leave()
      life.change { $0 = .ended }
    }
  }

  /// Ends the thread, which exchanges last messages with the others': all ranks call it together.
  func stop() {
    life.change { if $0 == .running { $0 = .stopping } }
    life.wait(until: { $0 == .ended }) { _ in }
  }

  /// Loop of the monitor's thread.
  private struct Rounds: Sendable {
    let transport: Transport
    let rank: Int
    let worldSize: Int
    let progress: RankProgress
    let end: @Sendable () -> Never
    var watch: RankWatch
    /// Ranks that will send nothing more.
    var gone: Set<Int> = []

    /// Whom this rank tells about itself.
    private var listeners: Range<Int> { rank == 0 ? 1..<worldSize : 0..<1 }

    mutating func beat(elapsed: Double) {
      receive()
      switch watch.beat(progress.status, elapsed: elapsed) {
      case .fine: break
      case .warning(let text): say("warning: \(text)")
      case .lost(let text):
        say("error: \(text)")
        finish()
      }
      for listener in listeners { _ = transport.send(watch.own.words, to: listener) }
    }

    private mutating func receive() {
      while let (sender, words) = transport.receive() {
        guard let status = RankStatus(words: words) else { continue }
        watch.hear(status, from: sender)
        switch status.farewell {
        case .none: break
        case .leaving: gone.insert(sender)
        case .over:
          // Another rank has said why and is ending the job, which kills this process, too, unless
          // the launcher is out of reach.
          sleep(2)
          _exit(ExitStatus.rankLost.rawValue)
        }
      }
    }

    /// Ends the job. The others are told first, so that none of them says it once more, not even
    /// one that was stopped and wakes up now.
    private func finish() -> Never {
      var status = progress.status
      status.farewell = .over
      for other in 0..<worldSize where other != rank { _ = transport.send(status.words, to: other) }
      for _ in 0..<20 where !transport.isIdle { usleep(5_000) }
      end()
    }

    /// Sends and receives what is left, so that MPI has nothing under way at its end; not for ever.
    mutating func leave() {
      var status = progress.status
      status.farewell = .leaving
      var untold = Array(listeners)
      let stopwatch = Stopwatch()
      while stopwatch.seconds < 10 {
        untold.removeAll { transport.send(status.words, to: $0) }
        receive()
        if untold.isEmpty && gone.count == listeners.count && transport.isIdle { return }
        usleep(500)
      }
    }

    private func say(_ text: String) {
      FileDescriptorOutput(STDERR_FILENO).write(LogWords.safe("disttrain: \(text)") + "\n")
    }
  }
}
