import Foundation
import Launching
import Platform
import Testing

/// When a job that ended is started again, and what is said about it.
@Suite struct RestartPolicyTests {
  private func attempt(_ status: Int32, _ before: Int?, _ after: Int?) -> LaunchAttempt {
    LaunchAttempt(
      start: Date(timeIntervalSince1970: 1_700_000_000), seconds: 75.4, status: JobStatus(status),
      stepBefore: before, stepAfter: after)
  }

  private let policy = RestartPolicy(limit: 3, delay: 5)

  @Test(arguments: [
    (Int32(0), false), (1, false), (2, false), (64, false), (69, false), (75, false), (3, false),
    (127, false), (76, true), (128, true), (132, true), (134, true), (137, true), (139, true),
    (143, true), (205, true), (255, true),
  ])
  func onlyCrashesAreTriedAgain(status: Int32, again: Bool) {
    let ended = [attempt(status, nil, 12)]
    #expect(
      policy.decision(after: ended, isStopAsked: false) == (again ? .restart(delay: 5) : .end))
    #expect(policy.decision(after: ended, isStopAsked: true) == .end)
    #expect(!JobStatus(status).meaning.isEmpty)
  }

  @Test func everyStatusOfTheProgramIsNamed() {
    for status in ExitStatus.allCases {
      #expect(JobStatus(status.rawValue).meaning != JobStatus(3).meaning)
      #expect(JobStatus(status.rawValue).isCrash == (status == .rankLost))
    }
    #expect(JobStatus(137).meaning.contains("memory"))
    #expect(JobStatus(139).meaning.contains("SIGSEGV"))
    #expect(JobStatus(205).meaning.contains("host"))
    #expect(JobStatus(163).meaning.contains("signal 35"))
  }

  /// A job that could not be started does not start the next time; one that was lost later may.
  @Test func failedStartsAreNotTriedAgain() {
    for launcher in [JobStatus.Launcher.openMPI, .hydra] {
      #expect(!JobStatus(255, launcher, hasBegun: false).isCrash)
      #expect(JobStatus(255, launcher).isCrash)
      #expect(JobStatus(255, launcher, hasBegun: false).meaning.contains("cannot be reached"))
      #expect(JobStatus(137, launcher, hasBegun: false).isCrash)
    }
    #expect(!JobStatus(132, hasBegun: false).isCrash && JobStatus(132).isCrash)
    #expect(JobStatus(205, hasBegun: false).isCrash)
    // Hydra does not add 128 to a signal; 1 and 2 are statuses of the program.
    for code: Int32 in [4, 6, 9, 11, 15] {
      #expect(JobStatus(code, .hydra).isCrash && !JobStatus(code).isCrash)
    }
    #expect(!JobStatus(1, .hydra).isCrash && !JobStatus(2, .hydra).isCrash)
    #expect(JobStatus(11, .hydra).meaning == "SIGSEGV ended a process")
  }

  @Test func restartsAreCountedInAll() {
    let crashes = [attempt(137, nil, 10), attempt(137, 10, 20), attempt(76, 20, 30)]
    #expect(policy.decision(after: crashes, isStopAsked: false) == .restart(delay: 5))
    let more = crashes + [attempt(137, 30, 40)]
    guard case .giveUp(let reason) = policy.decision(after: more, isStopAsked: false) else {
      Issue.record("a fourth restart")
      return
    }
    #expect(reason.contains("--max-restarts 3"))
    let none = RestartPolicy(limit: 0, delay: 5)
    guard case .giveUp = none.decision(after: [attempt(137, nil, 9)], isStopAsked: false) else {
      Issue.record("a restart in spite of --max-restarts 0")
      return
    }
  }

  @Test func crashesThatSaveNothingWaitLongerAndEnd() {
    let policy = RestartPolicy(limit: 100, delay: 5)
    var attempts = [attempt(137, nil, 10), attempt(137, 10, 10)]
    #expect(policy.decision(after: attempts, isStopAsked: false) == .restart(delay: 5))
    attempts.append(attempt(205, 10, 10))
    #expect(policy.decision(after: attempts, isStopAsked: false) == .restart(delay: 10))
    // Progress, if to a lower step after going back, starts the count anew.
    let progress = attempts + [attempt(137, 10, 8), attempt(137, 8, 8)]
    #expect(policy.decision(after: progress, isStopAsked: false) == .restart(delay: 5))
    attempts.append(attempt(137, 10, 10))
    guard case .giveUp(let reason) = policy.decision(after: attempts, isStopAsked: false) else {
      Issue.record("a crash loop goes on")
      return
    }
    #expect(reason.contains("3 attempts in a row"))
    // Never having saved is no progress either.
    let early = [attempt(137, nil, nil), attempt(137, nil, nil)]
    #expect(policy.decision(after: early, isStopAsked: false) == .restart(delay: 10))
    guard
      case .giveUp = policy.decision(
        after: early + [attempt(137, nil, nil)], isStopAsked: false)
    else {
      Issue.record("a crash loop before the first checkpoint goes on")
      return
    }
    // Pauses grow to five minutes, unless the user's is longer.
    let long = RestartPolicy(limit: 9, delay: 200)
    #expect(long.decision(after: early, isStopAsked: false) == .restart(delay: 300))
    let longer = RestartPolicy(limit: 9, delay: 400)
    #expect(longer.decision(after: early, isStopAsked: false) == .restart(delay: 400))
  }

  @Test func attemptsAreListed() throws {
    let attempts = [attempt(137, nil, 37), attempt(205, 37, 37), attempt(76, nil, nil)]
    let zone = try #require(TimeZone(identifier: "UTC"))
    let expected = """
        attempt 1: started 2023-11-14 22:13:20, ran 0:01:15, status 137 (SIGKILL ended a process, \
      often for a lack of memory), saved up to step 37
        attempt 2: started 2023-11-14 22:13:20, ran 0:01:15, status 205 (a host, or Open MPI's \
      daemon on it, was lost), saved nothing after step 37
        attempt 3: started 2023-11-14 22:13:20, ran 0:01:15, status 76 (a rank was lost), saved \
      nothing
      """
    #expect(LaunchReport.table(attempts, timeZone: zone) == expected)
    let text = LaunchReport.restart(number: 1, attempts[0], delay: 5, limit: 3)
    #expect(text.hasSuffix("; starting again from step 37 in 5 s (restart 1 of 3)"))
    let anew = LaunchReport.restart(number: 2, attempts[2], delay: 9.5, limit: 3)
    #expect(anew.hasSuffix("; starting again from the beginning in 10 s (restart 2 of 3)"))
  }

  @Test func theFirstSignalAsksTheRunToSave() throws {
    var relay = SignalRelay(try #require(StopSignals("TERM,USR1")))
    #expect(!relay.isStopAsked)
    #expect(relay.relayed(SIGTERM) == SIGUSR1 && relay.isStopAsked)
    #expect(relay.relayed(SIGTERM) == SIGTERM && relay.relayed(SIGHUP) == SIGHUP)
    var other = SignalRelay(try #require(StopSignals("USR2")))
    #expect(other.relayed(SIGHUP) == SIGUSR2)
    // A run that listens to neither ends as under mpirun, and Ctrl-C ends any at once.
    var deaf = SignalRelay(.none)
    #expect(deaf.relayed(SIGTERM) == SIGTERM)
    for signal in [SIGINT, SIGUSR1, SIGUSR2] {
      var relay = SignalRelay(try #require(StopSignals("TERM,USR1")))
      #expect(relay.relayed(signal) == signal && relay.isStopAsked)
    }
  }
}
