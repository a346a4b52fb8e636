import CPlatform
import Foundation
import Platform
import RunFiles

/// Starts a job, and starts it again from its last checkpoint when it crashes.
package struct Launcher {
  private let line: LaunchCommandLine
  private let folder: RunFolder
  private let policy: RestartPolicy
  private var relay: SignalRelay
  private let say: (String) -> Void

  /// A launcher of `line`, whose checkpoints are in `folder`. `say` gets lines for the user.
  package init(
    _ line: LaunchCommandLine, folder: RunFolder, policy: RestartPolicy, stopSignals: StopSignals,
    say: @escaping (String) -> Void
  ) {
    self.line = line
    self.folder = folder
    self.policy = policy
    relay = SignalRelay(stopSignals)
    self.say = say
  }

  /// Runs the job to its end, and returns the status of the last attempt. Once for a process, on
  /// its main thread.
  package mutating func run() throws(LaunchError) -> Int32 {
    let watched = SignalRelay.signals + [SIGCHLD]
    guard platform_watch_signals(watched, Int32(watched.count)) == 0 else {
      throw .notStarted(program: line.mpirun, reason: String(cString: strerror(errno)))
    }
    var attempts: [LaunchAttempt] = []
    while true {
      let (attempt, isMPIRunLost) = try runOnce(isFirst: attempts.isEmpty)
      attempts.append(attempt)
      switch policy.decision(after: attempts, isStopAsked: relay.isStopAsked) {
      case .end:
        conclude(attempts)
        return attempt.status.code
      case .giveUp(let reason):
        say("gave up: \(reason)\n\(LaunchReport.table(attempts))")
        return attempt.status.code
      case .restart(let delay):
        // Ranks notice within two seconds that their mpirun is gone. Two jobs must not write into
        // one run folder.
        let pause = isMPIRunLost ? max(delay, 5) : delay
        say(
          LaunchReport.restart(
            number: attempts.count, attempt, delay: pause, limit: policy.limit))
        wait(pause)
        if relay.isStopAsked { return stoppedBetweenAttempts(attempt) }
      }
    }
  }

  private mutating func runOnce(
    isFirst: Bool
  ) throws(LaunchError) -> (LaunchAttempt, isMPIRunLost: Bool) {
    let before = folder.checkpoints().first?.step
    let eventsBefore = eventsState
    let start = Date()
    let stopwatch = Stopwatch()
    let process = try startProcess(
      line.words(resuming: !isFirst && folder.anyFile != nil))
    let (code, isKilled) = waitForEnd(of: process)
    let attempt = LaunchAttempt(
      start: start, seconds: stopwatch.seconds,
      status: JobStatus(code, line.launcher, hasBegun: eventsState != eventsBefore),
      stepBefore: before, stepAfter: folder.checkpoints().first?.step)
    return (attempt, isKilled)
  }

  /// Size and time of the file of events, which changes as soon as a run begins; nil without it.
  private var eventsState: [Int]? {
    var status = stat()
    guard stat(folder.metrics.path(percentEncoded: false), &status) == 0 else { return nil }
    return [Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
  }

  private func startProcess(_ words: [String]) throws(LaunchError) -> pid_t {
    let argv = words.map { strdup($0) } + [nil]
    defer { argv.forEach { free($0) } }
    let process = platform_start_tied(words[0], argv)
    if process < 0 {
      throw .notStarted(program: words[0], reason: String(cString: strerror(errno)))
    }
    return process
  }

  /// The status of `process` when it has ended, and whether a signal ended it. Until then it gets
  /// the signals that come.
  private mutating func waitForEnd(of process: pid_t) -> (code: Int32, isKilled: Bool) {
    while true {
      var raw: Int32 = 0
      let result = waitpid(process, &raw, WNOHANG)
      if result == process {
        let signal = raw & 0x7f
        return signal == 0 ? ((raw >> 8) & 0xff, false) : (128 + signal, true)
      }
      // The end is a signal too, so nothing is missed.
      let signal = platform_next_signal(-1)
      if SignalRelay.signals.contains(signal) { kill(process, relay.relayed(signal)) }
    }
  }

  /// Returns after `seconds`, or as soon as a signal asks to stop.
  private mutating func wait(_ seconds: Double) {
    let end = ProcessInfo.processInfo.systemUptime + seconds
    while !relay.isStopAsked {
      let left = end - ProcessInfo.processInfo.systemUptime
      if left <= 0 { return }
      let signal = platform_next_signal(Int32(min(left, 3600) * 1000) + 1)
      if SignalRelay.signals.contains(signal) { _ = relay.relayed(signal) }
    }
  }

  private func conclude(_ attempts: [LaunchAttempt]) {
    guard let status = attempts.last?.status, status.code != 0 else { return }
    if status.code == ExitStatus.saved.rawValue {
      say("stopped and saved; continue with the same command and --resume")
    } else {
      say("not started again after status \(status.code) (\(status.meaning))")
    }
    if attempts.count > 1 { say("the attempts were\n\(LaunchReport.table(attempts))") }
  }

  private func stoppedBetweenAttempts(_ last: LaunchAttempt) -> Int32 {
    say("stopped before the next attempt")
    return folder.anyCheckpoint == nil ? last.status.code : ExitStatus.saved.rawValue
  }
}
